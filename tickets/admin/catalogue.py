"""What can be asked for and what work goes into, set by managers."""

from collections.abc import Sequence
from typing import Any

from django.contrib.admin import display
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from accounts.admin import DeskAdmin, PolicyOverridesAdmin, bills
from accounts.permissions import is_manager


class Named(DeskAdmin):
    """Rows with a name in several languages, listed by the reader's: the field itself would be shown as JSON."""

    @display(description=gettext_lazy("name"))
    def label(self, row: Any) -> str:
        return str(row)


class TopicGroupAdmin(Named):
    list_display = ("label", "icon", "position")
    fields = ("name", "icon", "position")
    ordering = ("position", "id")


class RequestTypeAdmin(PolicyOverridesAdmin, Named):
    autocomplete_fields = ("default_assignee",)
    list_select_related = ("group",)
    ordering = ("group", "position", "id")

    def get_list_display(self, request: HttpRequest) -> Sequence[str]:
        return ("label", "group", *billable(request), "is_active", "position")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        names = ("group", "name", "sentence", "icon", "position", "default_assignee", *billable(request), "is_active")
        return [(None, {"fields": names}), self.overrides(request)]


class WorkTypeAdmin(Named):
    ordering = ("position", "id")
    view_rule = staticmethod(is_manager)

    def get_list_display(self, request: HttpRequest) -> Sequence[str]:
        return ("label", *billable(request), "is_active", "position")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return ("name", *billable(request), "is_active", "position")


def billable(request: HttpRequest) -> tuple[str, ...]:
    """The box that has a meaning only on a desk with billing (M9)."""
    return ("is_billable",) if bills(request) else ()
