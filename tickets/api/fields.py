"""Our forms as programs fill them in: JSON values in, each of its kind; the fields described; errors with pointers.

The forms judge, here as in the portal. This only sees to it that what reaches them is what a form expects: a list where
words are due, or `true` where a number is, never gets that far.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any, cast

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.api.calls import Problem
from tickets.durations import MOST_MINUTES
from tickets.forms import DurationField, FilesField, QuantityField

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PRICE = re.compile(r"[0-9]{1,10}(\.[0-9]{1,2})?")
_DECIMAL = re.compile(r"-?[0-9]{1,11}(\.[0-9]{1,4})?")
_LARGEST = 2**63
MOST_TOLD = 50


def _words(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError
    return value


def _whole(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= _LARGEST:
        raise ValueError
    return str(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _day(value: Any) -> str:
    if not _DAY.fullmatch(_words(value)):
        raise ValueError
    return str(value)


def _moment(value: Any) -> datetime:
    moment = parse_datetime(_words(value))
    if moment is None or moment.tzinfo is None:
        raise ValueError
    return moment


def _price(value: Any) -> Decimal:
    """As a number: as text the form would read it with the comma of the reader's language."""
    if not _PRICE.fullmatch(_words(value)):
        raise ValueError
    return Decimal(value)


def _decimal(value: Any) -> Decimal:
    if not _DECIMAL.fullmatch(_words(value)):
        raise ValueError
    return Decimal(value)


@dataclass(frozen=True)
class Kind:
    """A kind of value. `read` gives what the form takes, or raises ValueError; `sentence` then says what is due."""

    name: str
    schema: dict[str, Any]
    read: Callable[[Any], Any]
    sentence: Promise


WORDS = Kind("string", {"type": "string"}, _words, gettext_lazy("Send a text, in quotation marks."))
NUMBER = Kind("integer", {"type": "integer"}, _whole, gettext_lazy("Send a whole number."))
FLAG = Kind("boolean", {"type": "boolean"}, _flag, gettext_lazy("Send true or false."))
DAY = Kind("date", {"type": "string", "format": "date"}, _day, gettext_lazy("Send a day like 2026-12-05."))
MOMENT = Kind(
    "date-time",
    {"type": "string", "format": "date-time"},
    _moment,
    gettext_lazy("Send a moment with its offset, like 2026-12-05T14:30:00+02:00."),
)
PRICE = Kind(
    "decimal",
    {"type": "string", "pattern": f"^{_PRICE.pattern}$"},
    _price,
    gettext_lazy("Send an amount as text, like 150.00."),
)
DECIMAL = Kind(
    "decimal",
    {"type": "string", "pattern": f"^{_DECIMAL.pattern}$"},
    _decimal,
    gettext_lazy("Send a number as text, like 12.5."),
)
MINUTES = Kind("minutes", {"type": "integer", "minimum": 1, "maximum": MOST_MINUTES}, _whole, NUMBER.sentence)

# The first that fits: some of these classes are made of others.
_KINDS: tuple[tuple[type[forms.Field], Kind], ...] = (
    (DurationField, MINUTES),
    (forms.ModelChoiceField, NUMBER),
    (forms.BooleanField, FLAG),
    (forms.DateTimeField, MOMENT),
    (forms.DateField, DAY),
    (QuantityField, DECIMAL),
    (forms.DecimalField, PRICE),
    (forms.IntegerField, NUMBER),
    (forms.Field, WORDS),
)


def kind_of(field: forms.Field) -> Kind:
    return next(kind for cls, kind in _KINDS if isinstance(field, cls))


def askable(fields: Mapping[str, forms.Field]) -> dict[str, forms.Field]:
    """Those that JSON can fill in; files cannot be sent yet."""
    return {name: field for name, field in fields.items() if not isinstance(field, FilesField)}


# ---- reading ----


@dataclass(frozen=True)
class Mistake:
    """`path` leads to it: ('lines', 0, 'price')."""

    path: tuple[str | int, ...]
    detail: str
    code: str = "invalid"

    @property
    def described(self) -> dict[str, str]:
        steps = (str(step).replace("~", "~0").replace("/", "~1") for step in self.path)
        return {"pointer": "#" + "".join(f"/{step}" for step in steps), "code": self.code, "detail": self.detail}


def refusal(mistakes: Iterable[Mistake]) -> Problem:
    """Tells of each, up to a number: a body of nothing but mistakes is not worth an answer many times its size."""
    return Problem(422, "invalid", errors=[mistake.described for mistake in islice(mistakes, MOST_TOLD)])


def refuse(mistakes: list[Mistake]) -> None:
    """Raises a Problem when there are any."""
    if mistakes:
        raise refusal(mistakes)


def fill(form: forms.Form, body: Mapping[str, Any], names: Mapping[str, str] | None = None) -> None:
    """Give an empty form what was sent, and let it judge. `null` is the same as nothing.

    `names` are the form's own by those in JSON, where they differ. Raises a Problem that tells of every mistake.
    """
    refuse(mistakes_in(form, body, names or {}))


def mistakes_in(
    form: forms.Form, body: Mapping[str, Any], own: Mapping[str, str], path: tuple[str | int, ...] = ()
) -> list[Mistake]:
    """Fill an empty form and tell everything that is wrong at once: what is of no use to it, and what it finds."""
    theirs = {ours: name for name, ours in own.items()}
    fields = {theirs.get(name, name): field for name, field in askable(form.fields).items()}
    values, mistakes = values_of(fields, body, path)
    form.data, form.is_bound = {own.get(name, name): value for name, value in values.items()}, True
    found = mistakes_of(form, theirs, path)
    if not mistakes:
        return found
    # What the form says of the rest may come from what did not reach it; only what is missing is missing anyway.
    told = {mistake.path for mistake in mistakes}
    return mistakes + [mistake for mistake in found if mistake.code == "required" and mistake.path not in told]


def values_of(
    fields: Mapping[str, forms.Field], body: Mapping[str, Any], path: tuple[str | int, ...]
) -> tuple[dict[str, Any], list[Mistake]]:
    values: dict[str, Any] = {}
    mistakes = [
        Mistake((*path, name), _("There is no such field here."), "unknown") for name in body if name not in fields
    ]
    for name, field in fields.items():
        value = body.get(name)
        if value is None:
            continue
        kind = kind_of(field)
        try:
            values[name] = kind.read(value)
        except (ValueError, OverflowError):
            mistakes.append(Mistake((*path, name), str(kind.sentence), "type"))
    return values, mistakes


def mistakes_of(form: forms.Form, names: Mapping[str, str], path: tuple[str | int, ...]) -> list[Mistake]:
    """What a form finds wrong; `names` are those in JSON by the form's own, where they differ."""
    return [
        Mistake((*path, *_step(name, names)), str(sentence), error.code or "invalid")
        for name, errors in form.errors.as_data().items()
        for error in errors
        for sentence in error.messages
    ]


def _step(name: str, names: Mapping[str, str]) -> tuple[str, ...]:
    """What is wrong with all of it has no field."""
    return () if name == NON_FIELD_ERRORS else (names.get(name, name),)


# ---- describing ----


def described(form: forms.Form, names: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """The fields of a form that is shown to somebody now, with the choices that they have."""
    theirs = {ours: name for name, ours in (names or {}).items()}
    return [described_field(theirs.get(name, name), field) for name, field in askable(form.fields).items()]


def described_field(name: str, field: forms.Field) -> dict[str, Any]:
    return {
        "name": name,
        "label": str(field.label or ""),
        "help": help_of(field),
        "type": kind_of(field).name,
        "required": field.required,
        "max_length": getattr(field, "max_length", None) if kind_of(field) is WORDS else None,
        "choices": _choices(field),
        "items": None,
    }


def help_of(field: forms.Field) -> str:
    """What a person may type is not what a program sends."""
    return _("Whole minutes.") if kind_of(field) is MINUTES else str(field.help_text or "")


def _choices(field: forms.Field) -> list[dict[str, Any]] | None:
    if isinstance(field, forms.ModelChoiceField):
        return [{"value": row.pk, "label": field.label_from_instance(row)} for row in field.queryset or ()]
    if isinstance(field, forms.ChoiceField):
        return [{"value": value, "label": str(label)} for value, label in flat(cast(Any, field.choices)) if value]
    return None


def flat(choices: Iterable[tuple[Any, Any]]) -> Iterator[tuple[Any, Any]]:
    """Without the headings of their groups."""
    for value, label in choices:
        if isinstance(label, list | tuple):
            yield from label
        else:
            yield value, label


def body_schema(form: type[forms.Form], names: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The body that a form takes, for OpenAPI: whatever the ticket and the person, so without the choices."""
    theirs = {ours: name for name, ours in (names or {}).items()}
    fields = {theirs.get(name, name): field for name, field in askable(form.base_fields).items()}
    needed = [name for name, field in fields.items() if field.required]
    return object_schema({name: field_schema(field) for name, field in fields.items()}, needed)


def object_schema(properties: dict[str, Any], needed: list[str]) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**schema, "required": needed} if needed else schema


def field_schema(field: forms.Field) -> dict[str, Any]:
    schema = dict(kind_of(field).schema)
    if kind_of(field) is WORDS and getattr(field, "max_length", None):
        schema["maxLength"] = field.max_length  # type: ignore[attr-defined]
    if isinstance(field, forms.ChoiceField) and not isinstance(field, forms.ModelChoiceField):
        schema["enum"] = [value for value, _label in cast(Any, field.choices)]
    if not field.required:
        schema["type"] = [schema["type"], "null"]
    words = ". ".join(str(text).rstrip(".") for text in (field.label, help_of(field)) if text)
    return {**schema, "description": words} if words else schema
