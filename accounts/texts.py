"""A tenant's own texts in several languages: stored as {'lv': …, 'en': …}, read as one string."""

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.db import models
from django.utils.translation import get_language

from accounts.registry import Registry

# Which language is the entered desk's own: `accounts.hosts` knows, and stands right of the models that use this.
own_language: Registry[[], str] = Registry()


class Texts(dict[str, str]):
    """As a string: the text in the reader's language, else in the desk's own, else in English, else in any."""

    def __str__(self) -> str:
        return self.get(self.language, "")

    @property
    def language(self) -> str:
        """The language in which it is read. The desk's own is looked up only where the reader's is missing."""
        readers = (get_language() or settings.LANGUAGE_CODE).split("-")[0]
        if self.get(readers):
            return readers
        wishes = (*own_language(), settings.LANGUAGE_CODE, *self)
        return next((code for code in wishes if self.get(code)), readers)


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


class LongTextsField(TextsField):
    """A text of any length, written in Markdown."""

    def formfield(self, **kwargs: Any) -> Any:
        return models.Field.formfield(self, **{**kwargs, "form_class": LongTextsFormField, "widget": LongTextsWidget})


class TextsWidget(forms.MultiWidget):
    template_name = "accounts/_texts_widget.html"
    box: type[forms.Widget] = forms.TextInput
    box_attributes: ClassVar[dict[str, Any]] = {}

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        boxes: dict[str, forms.Widget | type[forms.Widget]] = {
            code: self.box({"lang": code, **self.box_attributes}) for code, _ in settings.LANGUAGES
        }
        super().__init__(boxes, attrs)

    def decompress(self, value: Any) -> list[str]:
        return [(value or {}).get(code, "") for code, _ in settings.LANGUAGES]


class LongTextsWidget(TextsWidget):
    box = forms.Textarea
    box_attributes: ClassVar[dict[str, Any]] = {"rows": 14, "class": "desk-long-text"}


class TextsFormField(forms.MultiValueField):
    widget: type[TextsWidget] = TextsWidget
    longest = 500

    def __init__(
        self, *, max_length: int | None = None, encoder: Any = None, decoder: Any = None, **kwargs: Any
    ) -> None:
        fields = [forms.CharField(required=False, max_length=self.longest) for _ in settings.LANGUAGES]
        super().__init__(fields, require_all_fields=False, **kwargs)

    def compress(self, data_list: list[str]) -> Texts:
        return Texts({code: text for (code, _), text in zip(settings.LANGUAGES, data_list, strict=False) if text})


class LongTextsFormField(TextsFormField):
    widget = LongTextsWidget
    longest = 100_000
