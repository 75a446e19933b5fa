"""The customers, who speaks for them, and what was agreed with them."""

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy
from unfold.admin import TabularInline

from accounts.admin.base import DeskAdmin, Ruled, bills
from accounts.admin.policy import PolicyOverridesAdmin
from accounts.models import Representation
from accounts.permissions import is_agent
from accounts.search import find_organisations


class RepresentationInline(Ruled, TabularInline):
    model = Representation
    extra = 0
    max_num = 50
    autocomplete_fields = ("person", "organisation")
    change_rule = add_rule = delete_rule = staticmethod(is_agent)

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if bills(request) else ("may_approve", "approval_limit", "may_see_invoices")

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """However many forms a POST claims to have, a bounded number is looked at."""
        return super().get_formset(request, obj, absolute_max=self.max_num + 10, **kwargs)


class OrganisationAdmin(DeskAdmin):
    list_display = ("name", "registration_number", "vat_number", "is_active")
    find = staticmethod(find_organisations)
    search_fields = ("name",)
    ordering = ("-id",)
    inlines = (RepresentationInline,)
    add_rule = change_rule = staticmethod(is_agent)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        invoices = ("invoice_email",) if bills(request) else ()
        return ("name", "registration_number", "vat_number", "address", *invoices, "is_active")


class ContractAdmin(PolicyOverridesAdmin):
    autocomplete_fields = ("organisation",)
    list_select_related = ("organisation",)
    ordering = ("-id",)
    search_fields = ("number",)  # looked up exactly
    search_help_text = gettext_lazy("Number of the contract")

    def get_list_display(self, request: HttpRequest) -> Sequence[str]:
        money = ("covers_work", "hourly_rate") if bills(request) else ()
        return ("number", "title", "organisation", "starts_on", "ends_on", *money)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        agreed = ("organisation", "number", "title", "starts_on", "ends_on")
        money = [(gettext_lazy("Money"), {"fields": ("covers_work", "hourly_rate")})] if bills(request) else []
        return [(None, {"fields": agreed}), *money, self.overrides(request)]

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        if search_term:
            queryset = queryset.filter(number=search_term.replace("\0", "").strip())
        return queryset, False
