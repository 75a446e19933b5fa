"""The forms of second factors: allauth's, in our words, and with what browsers never send turned away."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as code_forms
from allauth.mfa.totp import forms as app_forms
from allauth.mfa.webauthn import forms as key_forms
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.fields import LineField
from accounts.second_factor import factors_of

# So many that nobody misses one, and so few that a log-in need not look through thousands.
MOST_FACTORS = 20
LONGEST_NAME = 60
LONGEST_CREDENTIAL = 50_000

# What libraries raise that expect a browser's answer and get a made-up one.
MADE_UP = (
    ArithmeticError,
    AttributeError,
    InvalidSignature,
    LookupError,
    RuntimeError,
    TypeError,
    UnsupportedAlgorithm,
    ValueError,
    struct.error,
)


@contextmanager
def refusing_made_up_keys() -> Iterator[None]:
    try:
        yield
    except MADE_UP as error:
        raise get_adapter().validation_error("incorrect_code") from error


class CredentialField(forms.JSONField):
    """What a browser says that a device answered: a few hundred characters, a few levels deep."""

    widget = forms.HiddenInput

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and len(value) > LONGEST_CREDENTIAL:
            raise get_adapter().validation_error("incorrect_code")
        with refusing_made_up_keys():
            return super().to_python(value)


def code_field(label: Any, help_text: Any = "") -> forms.CharField:
    attrs = {"autocomplete": "one-time-code", "inputmode": "numeric", "autocapitalize": "off"}
    return forms.CharField(label=label, max_length=40, help_text=help_text, widget=forms.TextInput(attrs=attrs))


_EITHER = _("Six digits from your app, or one of your recovery codes.")


class CodeForm(code_forms.AuthenticateForm):
    code = code_field(_("Code"), _EITHER)


class CodeAgainForm(code_forms.ReauthenticateForm):
    code = code_field(_("Code"), _EITHER)


class SetUpAppForm(app_forms.ActivateTOTPForm):
    code = code_field(_("Code"), _("The six digits that the app shows now."))


class AddKeyForm(key_forms.AddWebAuthnForm):
    name = LineField(
        label=_("Name"),
        max_length=LONGEST_NAME,
        required=False,
        help_text=_("By which you know it again: the device or the key ring it is on."),
    )
    credential = CredentialField()
    passwordless = forms.BooleanField(
        label=_("Log in with it alone, without the password"),
        required=False,
        initial=True,
        help_text=_(
            "Your device then asks for your fingerprint, your face or a PIN. "
            "Without this, it is asked for after your password."
        ),
    )

    def clean(self) -> dict[str, Any]:
        # First, because allauth looks at a refused form twice and at an answer of a device once.
        if factors_of(self.user.person).count() >= MOST_FACTORS:
            raise forms.ValidationError(_("You have many already. Remove those that you do not need."), code="too_many")
        with refusing_made_up_keys():
            values: dict[str, Any] = super().clean()
        return values


class RenameKeyForm(key_forms.EditWebAuthnForm):
    name = LineField(label=_("Name"), max_length=LONGEST_NAME)


class KeyForm(key_forms.AuthenticateWebAuthnForm):
    credential = CredentialField()

    def clean_credential(self) -> Any:
        with refusing_made_up_keys():
            return super().clean_credential()


class KeyAgainForm(key_forms.ReauthenticateWebAuthnForm):
    credential = CredentialField()

    def clean_credential(self) -> Any:
        with refusing_made_up_keys():
            return super().clean_credential()


class PasskeyLoginForm(key_forms.LoginWebAuthnForm):
    credential = CredentialField()

    def clean_credential(self) -> Any:
        with refusing_made_up_keys():
            return super().clean_credential()
