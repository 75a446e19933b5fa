"""Fields for passwords and keys: written, never shown."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminPasswordWidget

LONGEST = 4_000  # characters


class SecretField(forms.CharField):
    """Empty keeps what is stored. `ascii_only` where what it goes into carries no other letters."""

    def __init__(self, *, label: Any, ascii_only: bool = False) -> None:
        self.ascii_only = ascii_only
        super().__init__(
            label=label,
            required=False,
            strip=False,
            max_length=LONGEST,
            widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
            help_text=gettext_lazy("Leave it empty to keep the one that is stored. It is stored encrypted."),
        )

    def clean(self, value: Any) -> str:
        text: str = super().clean(value).strip("\r\n")
        if not text.isprintable():
            raise ValidationError(_("It has a line break or another invisible letter in it."), code="invisible")
        if self.ascii_only and not text.isascii():
            sentence = _("Only unaccented Latin letters, digits and common symbols can be sent.")
            raise ValidationError(sentence, code="letters")
        return text


def needs_secret_again(form: forms.ModelForm, *, secret: str, stored: str, where: tuple[str, ...]) -> bool:  # type: ignore[type-arg]
    """Whether a stored secret would go to another server than the one for which it was entered."""
    return bool(stored) and not secret and any(name in form.changed_data for name in where)


def stored_fields(form: forms.ModelForm) -> list[str]:  # type: ignore[type-arg]
    """The columns that a form fills, without the fields that only it has."""
    columns = {field.name for field in form.instance._meta.concrete_fields}
    return [name for name in form.fields if name in columns]
