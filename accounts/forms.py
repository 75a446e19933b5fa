"""Forms about people, in the portal's words."""

from dataclasses import asdict, replace
from typing import Any
from zoneinfo import available_timezones

from allauth.account.forms import ResetPasswordForm as AllauthResetForm
from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import tasks
from accounts.addresses import normalise_address
from accounts.fields import AddressField, LineField, PhoneField, day_field, not_past
from accounts.hosts import offered_languages
from accounts.jobs import after_commit
from accounts.members import Granted
from accounts.models import MONEY_RIGHTS, RIGHTS, Person, Representation, Tenant
from accounts.tenancy import current_tenant_id

# The places themselves, not the many other names for them.
_REGIONS = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")


def places() -> list[tuple[str, str]]:
    """Where a person may be, for a choice of time zones; '' is where the desk is."""
    known = sorted(name for name in available_timezones() if name.startswith(_REGIONS))
    return [("", gettext("as the desk")), *((name, name.replace("_", " ")) for name in known)]


class DetailsForm(forms.Form):
    """What a person says of themself. Their address is not in it: who moves an address moves an account."""

    name = LineField(label=_("Your name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    phone = PhoneField(label=_("Telephone"), required=False)
    language = forms.ChoiceField(
        label=_("Language"), help_text=_("Of these pages, and of the e-mails that we send you.")
    )
    time_zone = forms.ChoiceField(
        label=_("Your time zone"),
        choices=places,
        required=False,
        help_text=_("Your quiet hours and the hours in our e-mails are counted there."),
    )

    def __init__(self, *args: Any, tenant: Tenant, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["phone"].region = tenant.country  # type: ignore[attr-defined]
        self.fields["language"].choices = offered_languages(tenant)  # type: ignore[attr-defined]


class ResetPasswordForm(AllauthResetForm):
    """Asks for a reset without looking whether the address is known: a job does that after the answer."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = _("E-mail")  # as the log-in calls it

    def clean_email(self) -> str:
        self.users: list[Any] = []
        return normalise_address(self.cleaned_data["email"])

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        address: str = self.cleaned_data["email"]
        after_commit(tasks.request_reset, current_tenant_id(), address)
        return address


class ChoosePasswordForm(forms.Form):
    """The first password, twice."""

    password1 = forms.CharField(
        label=_("Password"),
        strip=False,
        help_text=_("At least 10 characters. A few words that only you would put together are good."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    password2 = forms.CharField(
        label=_("The same password again"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, person: Person, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        first, second = values.get("password1"), values.get("password2")
        if first and second and first != second:
            self.add_error("password2", _("The two passwords are not the same. Type the same one twice."))
        elif first:
            self._judge(first)
        return values

    def _judge(self, password: str) -> None:
        try:
            validate_password(password, self.person.user)
        except ValidationError as error:
            self.add_error("password1", error)


class DeputyForm(forms.Form):
    """A colleague, and the days on which they decide."""

    person: "forms.ModelChoiceField[Person]" = forms.ModelChoiceField(
        label=_("Colleague"), queryset=None, empty_label=None
    )
    starts_on = day_field(_("First day"))
    ends_on = day_field(_("Last day"), validators=[not_past])

    def __init__(self, *args: Any, approver: Person, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rights = [row for row in approver.represents if row.may_approve]
        ids = [row.organisation_id for row in self.rights]
        colleagues = Person.objects.active().filter(representations__organisation_id__in=ids).exclude(pk=approver.pk)
        self.fields["person"].queryset = colleagues.distinct().order_by("name")  # type: ignore[attr-defined]

    @property
    def has_colleagues(self) -> bool:
        return bool(self.fields["person"].queryset.exists())  # type: ignore[attr-defined]

    def shared_with(self, person: Person) -> list[Representation]:
        """The approver's rights at the organisations that the colleague represents too."""
        return [row for row in self.rights if row.organisation_id in person.organisation_ids]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        first, last = values.get("starts_on"), values.get("ends_on")
        if first and last and last < first:
            self.add_error("ends_on", _("The last day is before the first one."))
        return values


class RightsForm(forms.Form):
    """What a head lets somebody do. Without billing nothing is said about money, and nothing changes there."""

    may_ask = forms.BooleanField(label=_("May file requests"), required=False)
    may_approve = forms.BooleanField(label=_("May accept estimates"), required=False)
    approval_limit = forms.DecimalField(
        label=_("Accepts estimates up to"),
        required=False,
        min_value=0,
        max_digits=12,
        decimal_places=2,
        help_text=_("Without VAT. Empty: without limit."),
    )
    may_see_invoices = forms.BooleanField(label=_("May see invoices"), required=False)
    may_order = forms.BooleanField(label=_("May set the order of requests"), required=False)
    is_head = forms.BooleanField(label=_("Head: invites, changes and removes people"), required=False)

    def __init__(self, *args: Any, tenant: Tenant, before: Granted, **kwargs: Any) -> None:
        super().__init__(*args, initial=asdict(before), **kwargs)
        self.before = before
        if not tenant.billing_enabled:
            for name in MONEY_RIGHTS:
                del self.fields[name]

    @property
    def rights(self) -> Granted:
        chosen = replace(self.before, **{name: self.cleaned_data[name] for name in RIGHTS if name in self.fields})
        return chosen if chosen.may_approve else replace(chosen, approval_limit=None)


class MemberForm(RightsForm):
    """Somebody to invite to one's organisation."""

    name = LineField(label=_("Full name"), max_length=150)
    email = AddressField(label=_("E-mail address"))

    field_order = ("name", "email")


class TokenForm(forms.Form):
    """A token for a program: what it is for, and how long it works."""

    name = LineField(
        label=_("What it is for"),
        max_length=60,
        help_text=_("The name of the program or of the computer it runs on. You read it here when you revoke it."),
    )
    expires_on = day_field(
        _("Last day"), required=False, validators=[not_past], help_text=_("Empty: until you revoke it.")
    )
