"""A tenant's own texts in several languages: stored as {'lv': …, 'en': …}, read as one string."""

from typing import Any

from django import forms
from django.conf import settings
from django.db import models
from django.utils.translation import get_language


class Texts(dict[str, str]):
    """As a string: the text in the reader's language, else in English, else in whichever there is."""

    def __str__(self) -> str:
        language = (get_language() or settings.LANGUAGE_CODE).split("-")[0]
        return self.get(language) or self.get(settings.LANGUAGE_CODE) or next(iter(self.values()), "")


class TextsField(models.JSONField):
    """A short text in up to five languages."""

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Texts:
        return Texts(super().from_db_value(value, expression, connection) or {})

    def to_python(self, value: Any) -> Texts:
        return Texts(value or {})

    def formfield(self, **kwargs: Any) -> Any:
        # The admin offers a box for JSON; whoever asks gets the boxes of the languages.
        offered = {**kwargs, "form_class": TextsFormField, "widget": TextsWidget}
        return models.Field.formfield(self, **offered)


class TextsWidget(forms.MultiWidget):
    template_name = "accounts/_texts_widget.html"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({code: forms.TextInput({"lang": code}) for code, _ in settings.LANGUAGES}, attrs)

    def decompress(self, value: Any) -> list[str]:
        return [(value or {}).get(code, "") for code, _ in settings.LANGUAGES]


class TextsFormField(forms.MultiValueField):
    widget = TextsWidget

    def __init__(
        self, *, max_length: int | None = None, encoder: Any = None, decoder: Any = None, **kwargs: Any
    ) -> None:
        fields = [forms.CharField(required=False, max_length=500) for _ in settings.LANGUAGES]
        super().__init__(fields, require_all_fields=False, **kwargs)

    def compress(self, data_list: list[str]) -> Texts:
        return Texts({code: text for (code, _), text in zip(settings.LANGUAGES, data_list, strict=False) if text})
