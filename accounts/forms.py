"""Forms about people, in the portal's words."""

from typing import Any

from allauth.account.forms import ResetPasswordForm as AllauthResetForm
from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts import tasks
from accounts.addresses import normalise_address
from accounts.jobs import after_commit
from accounts.models import Person
from accounts.tenancy import current_tenant_id


class ResetPasswordForm(AllauthResetForm):
    """Asks for a reset without looking whether the address is known: a job does that after the answer."""

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
