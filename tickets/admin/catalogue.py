"""What can be asked for and what work goes into, set by managers."""

from collections.abc import Sequence
from typing import Any

from django.contrib.admin import display
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin import DeskAdmin, PolicyOverridesAdmin, bills
from accounts.permissions import is_manager
from tickets.models import RequestType


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
    readonly_fields = ("form_fields",)

    def get_list_display(self, request: HttpRequest) -> Sequence[str]:
        return ("label", "group", *billable(request), "is_active", "position")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        names = ("group", "name", "sentence", "icon", "position", "default_assignee", *billable(request), "is_active")
        form = (gettext_lazy("Its form"), {"fields": FORM})
        return [(None, {"fields": names}), form, self.overrides(request)]

    @display(description=gettext_lazy("fields of its own"))
    def form_fields(self, row: RequestType) -> str:
        """Each with its page, and where one is added."""
        if row.pk is None:
            return _("Save it first; then give its form fields of its own.")
        fields = row.fields.order_by("position", "id")
        links = ((reverse("admin:tickets_formfield_change", args=[one.pk]), one) for one in fields)
        listed = format_html_join("", '<li><a class="desk-link" href="{}">{}</a></li>', links)
        add = reverse("admin:tickets_formfield_add", query={"request_type": row.pk})
        return format_html('<ul>{}</ul><a class="desk-link" href="{}">{}</a>', listed, add, _("Add a field"))


FORM = (
    "asks_summary",
    "asks_description",
    "needs_description",
    "description_label",
    "asks_due_date",
    "scope",
    "form_fields",
)


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
