"""The customers, who speaks for them, and what was agreed with them."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.addresses import normalise_address
from accounts.admin.base import DeskAdmin, Rows, bills
from accounts.admin.policy import PolicyOverridesAdmin
from accounts.admin.products import ContractUserInline, CoverInline
from accounts.models import OrganisationDomain, Representation
from accounts.permissions import is_agent
from accounts.search import find_organisations

# Who has an address there belongs to nobody but themselves.
_PROVIDERS = """
aol.com centrum.cz gmail.com gmx.com gmx.de gmx.net googlemail.com hotmail.com icloud.com inbox.lv interia.pl live.com
mail.ee mail.ru me.com msn.com o2.pl onet.pl op.pl outlook.com post.cz proton.me protonmail.com seznam.cz web.de wp.pl
yahoo.com yandex.com yandex.ru
"""
PUBLIC_PROVIDERS = frozenset(_PROVIDERS.split())


class RepresentationInline(Rows):
    model = Representation
    max_num = 50
    autocomplete_fields = ("person", "organisation")
    change_rule = add_rule = delete_rule = staticmethod(is_agent)

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if bills(request) else ("may_approve", "approval_limit", "may_see_invoices")


class DomainForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = OrganisationDomain
        fields = ("domain",)

    def clean_domain(self) -> str:
        domain = self.cleaned_data["domain"].strip().rstrip(".")
        address = "" if "@" in domain else normalise_address(f"somebody@{domain}")
        normal = address.rpartition("@")[2]
        if "." not in normal:
            raise forms.ValidationError(_("Enter what stands behind the @ of their addresses, like example.com."))
        if normal in PUBLIC_PROVIDERS:
            raise forms.ValidationError(
                _("Anybody can have an address at %(domain)s: it says nothing about who they work for.")
                % {"domain": normal}
            )
        self._check_free(normal)
        return normal

    def _check_free(self, domain: str) -> None:
        others = OrganisationDomain.objects.filter(domain=domain).exclude(pk=self.instance.pk)
        other = others.select_related("organisation").first()
        if other is not None:
            raise forms.ValidationError(
                _("This domain is that of %(organisation)s already.") % {"organisation": other.organisation}
            )


class DomainInline(Rows):
    model = OrganisationDomain
    form = DomainForm
    max_num = 20
    change_rule = add_rule = delete_rule = staticmethod(is_agent)


class OrganisationAdmin(DeskAdmin):
    list_display = ("name", "registration_number", "vat_number", "is_active")
    find = staticmethod(find_organisations)
    search_fields = ("name",)
    ordering = ("-id",)
    inlines = (RepresentationInline, DomainInline)
    add_rule = change_rule = staticmethod(is_agent)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        invoices = ("invoice_email",) if bills(request) else ()
        return ("name", "registration_number", "vat_number", "address", *invoices, "is_active")


class ContractAdmin(PolicyOverridesAdmin):
    autocomplete_fields = ("organisation",)
    list_select_related = ("organisation",)
    ordering = ("-id",)
    inlines = (CoverInline, ContractUserInline)
    search_fields = ("number",)  # looked up exactly
    search_help_text = gettext_lazy("Number of the contract")

    def get_list_display(self, request: HttpRequest) -> Sequence[str]:
        money = ("covers_work", "hourly_rate") if bills(request) else ()
        return ("number", "title", "organisation", "starts_on", "ends_on", *money)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        agreed = ("organisation", "number", "title", "starts_on", "ends_on", "shows_time")
        money = [(gettext_lazy("Money"), {"fields": ("covers_work", "hourly_rate")})] if bills(request) else []
        return [(None, {"fields": agreed}), *money, self.overrides(request)]

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        if search_term:
            queryset = queryset.filter(number=search_term.replace("\0", "").strip())
        return queryset, False
