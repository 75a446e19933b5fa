"""The desk itself: who we are, our policies, our hosts and the days on which we are closed."""

from typing import Any

import holidays
from babel import Locale
from django import forms
from django.http import HttpRequest
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminSelectWidget

from accounts.admin.base import DeskAdmin, Ruled, actor, bills
from accounts.errors import Refused
from accounts.logos import redrawn, set_logo
from accounts.models import Tenant, TenantHost
from accounts.permissions import is_manager, nobody


class TenantHostForm(forms.ModelForm):  # type: ignore[type-arg]
    logo_file = forms.FileField(
        label=gettext_lazy("Logo"),
        required=False,
        help_text=gettext_lazy("PNG, JPEG or WebP, at most 2 MB; shown 400 by 120 points large at most."),
    )
    no_logo = forms.BooleanField(label=gettext_lazy("Show the initial instead"), required=False)

    class Meta:
        model = TenantHost
        fields = ("brand_name", "accent", "is_primary")

    def clean_logo_file(self) -> Any:
        picture = self.cleaned_data["logo_file"]
        try:
            return redrawn(picture) if picture else None
        except Refused as refusal:
            raise forms.ValidationError(str(refusal.sentence)) from None


class TenantHostInline(Ruled, TabularInline):
    model = TenantHost
    form = TenantHostForm
    extra = 0
    fields = ("host", "brand_name", "accent", "logo_file", "no_logo", "is_primary")
    readonly_fields = ("host",)
    add_rule = staticmethod(nobody)  # a host is opened by who runs the servers: its name has to lead here first


def countries() -> list[tuple[str, str]]:
    """Those whose public holidays are known, by their names in the reader's language."""
    names = Locale.parse(get_language() or "en", sep="-").territories
    known = [(code, names[code]) for code in holidays.list_supported_countries() if code in names]
    return [("", _("none: no public holidays")), *sorted(known, key=lambda pair: pair[1])]


class TenantForm(forms.ModelForm):  # type: ignore[type-arg]
    country = forms.ChoiceField(
        label=gettext_lazy("Country, for its public holidays"),
        choices=countries,
        required=False,
        widget=UnfoldAdminSelectWidget(),
    )

    class Meta:
        model = Tenant
        fields = ("country",)  # and those of the page's fieldsets


class TenantAdmin(DeskAdmin):
    """The desk's own page. There is exactly one."""

    form = TenantForm
    inlines = (TenantHostInline,)
    list_display = ("name", "language", "currency")
    view_rule = staticmethod(is_manager)
    add_rule = staticmethod(nobody)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)
        for row in formset.forms if formset.model is TenantHost else ():
            picture = row.cleaned_data.get("logo_file")
            if picture or row.cleaned_data.get("no_logo"):
                set_logo(row.instance, by=actor(request), picture=picture)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        desk = (None, {"fields": ("name", "language", "support_phone", "office_address")})
        if not bills(request):
            return [
                desk,
                periods("review_days", "information_days", "reopen_days"),
                by_mail(),
                of_customers("heads_manage_people", "only_heads_ask"),
                money("billing_enabled"),
            ]
        return [
            desk,
            approval("threshold_minutes", "tolerance_percent"),
            periods("review_days", "information_days", "estimate_days", "reopen_days"),
            by_mail(),
            of_customers("heads_manage_people", "heads_grant_up_to", "only_heads_ask"),
            money("billing_enabled", "hourly_rate", "vat_rate", "payment_days"),
            on_invoices("legal_name", "registration_number", "vat_number", "bank_name", "iban", "bic"),
        ]


def approval(*fields: str) -> Any:
    words = _(
        "Work up to so many minutes starts at once. Above that the customer accepts an estimate first. Neither may be "
        "exceeded by more than the tolerated overrun without a new estimate."
    )
    return gettext_lazy("Work without approval"), {"fields": fields, "description": words}


def periods(*fields: str) -> Any:
    words = _(
        "How long each side has. Counted in business days, weekends, public holidays and the desk's closed days are "
        "left out."
    )
    return gettext_lazy("Periods"), {"fields": (*fields, "business_days", "country"), "description": words}


def by_mail() -> Any:
    words = _(
        "What one sender sends beyond the limit is kept and set aside until an agent looks at it. Files beyond the "
        "limit are left out, and the message says so. With membership by domain, whoever proves an address of an "
        "organisation's domain represents it."
    )
    return gettext_lazy("E-mail"), {
        "fields": ("mail_hourly_limit", "mail_megabytes", "domain_membership"),
        "description": words,
    }


def of_customers(*fields: str) -> Any:
    words = _(
        "The head of an organisation can invite, change and remove its people in the portal. Where only heads may ask, "
        "everybody else reads whom to ask instead of a form."
    )
    return gettext_lazy("People of organisations"), {"fields": fields, "description": words}


def money(*fields: str) -> Any:
    words = _("Without billing no price, estimate or invoice appears anywhere on this desk.")
    return gettext_lazy("Money"), {"fields": fields, "description": words}


def on_invoices(*fields: str) -> Any:
    return gettext_lazy("On invoices"), {"fields": fields}


class ClosedDayAdmin(DeskAdmin):
    list_display = ("day", "name")
    fields = ("day", "name")
    ordering = ("-day",)
    view_rule = staticmethod(is_manager)
    delete_rule = staticmethod(is_manager)
