"""Form fields that every part of the house asks with: words, lines, telephone numbers, days."""

from datetime import date
from typing import Any, ClassVar

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.addresses import normalise_address
from accounts.names import deceives, one_line
from accounts.phones import normalise_phone, shown_phone

# No desk's business is older, and in the year 1 another zone's day may be none that a calendar has.
FIRST_DAY = date(2000, 1, 1)
# Periods are counted from days that are typed, and after the year 9999 there is nothing to count to.
LAST_DAY = date(2999, 12, 31)
_CONTROL = {code: None for code in range(32) if chr(code) not in "\n\t"}


class PlainTextField(forms.CharField):
    """Words as a person types them: CR LF becomes LF, control characters go."""

    def to_python(self, value: Any) -> str:
        text = super().to_python(value) or ""
        return text.replace("\r\n", "\n").replace("\r", "\n").translate(_CONTROL)


class LineField(PlainTextField):
    """One line: what could end a header line becomes a space, and what cannot be seen goes.

    Control characters and marks that turn the direction of writing are not typed by accident: the field says that it
    took them out, and comes back without them.
    """

    default_error_messages: ClassVar[dict[str, Any]] = {
        "unseen": _("There were characters here that cannot be seen; they are taken out. Look at it and send it again.")
    }

    def to_python(self, value: Any) -> str:
        return one_line(super().to_python(value))

    def clean(self, value: Any) -> str:
        line: str = super().clean(value)
        if isinstance(value, str) and deceives(value):
            raise forms.ValidationError(self.error_messages["unseen"], code="unseen")
        return line

    def bound_data(self, data: Any, initial: Any) -> Any:
        return self.to_python(data) if isinstance(data, str) else data


class AddressField(LineField):
    """An e-mail address, in the form in which addresses are kept."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "address": _("This is not an e-mail address. Write it like name@example.com.")
    }

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.TextInput(attrs={"type": "email", "autocomplete": "email"}))
        super().__init__(**{"max_length": 254, **kwargs})

    def clean(self, value: Any) -> str:
        typed = super().clean(value)
        kept = normalise_address(typed)
        if typed and not kept:
            raise forms.ValidationError(self.error_messages["address"], code="address")
        return kept


class PhoneField(LineField):
    """An international number with an optional extension (K6). `region` is the country of a number without '+'."""

    def __init__(self, *, region: str = "", **kwargs: Any) -> None:
        kwargs.setdefault(
            "help_text", _("With the code of the country: +371 20 000 000. An extension may follow: ext. 12.")
        )
        kwargs.setdefault("widget", forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}))
        super().__init__(**{"max_length": 60, **kwargs})
        self.region = region

    def clean(self, value: Any) -> str:
        typed = super().clean(value)
        kept = normalise_phone(typed, self.region)
        if typed and not kept:
            words = _("This is not a telephone number. Write it with the code of the country, like +371 20 000 000.")
            raise forms.ValidationError(words, code="phone")
        return kept

    def prepare_value(self, value: Any) -> Any:
        return shown_phone(value) if isinstance(value, str) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(shown_phone(initial or ""), data)


def not_past(day: date) -> None:
    """Raises ValidationError for a day before today, where the desk is."""
    if day < timezone.localdate():
        raise forms.ValidationError(_("This day has passed. Choose today or a later day."), code="past")


def day_field(label: Any, **kwargs: Any) -> forms.DateField:
    """A day that a browser's calendar gives. `validators` come besides."""
    validators = [MinValueValidator(FIRST_DAY), MaxValueValidator(LAST_DAY), *kwargs.pop("validators", [])]
    return forms.DateField(
        label=label,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        validators=validators,
        **kwargs,
    )
