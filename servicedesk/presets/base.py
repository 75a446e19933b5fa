"""What a preset says. A preset is a complete desk of one kind of business, in its language."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Field:
    """A field of a type's form: its question and hint by language; `kind` and `meaning` as tickets.models.FormField."""

    kind: str
    label: dict[str, str]
    hint: dict[str, str] = field(default_factory=dict)
    is_required: bool = False
    meaning: str = ""
    # (kind of another field of the type, one of its values): shown only then.
    shown_when: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Type:
    """A request type: names and sentences by language."""

    icon: str
    name: dict[str, str]
    sentence: dict[str, str]
    is_billable: bool = True
    # What differs from the desk's policy: columns of PolicyOverrides.
    policy: dict[str, Any] = field(default_factory=dict)
    # What its form asks: columns of RequestType, and fields of its own.
    form: dict[str, Any] = field(default_factory=dict)
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True)
class Work:
    """A kind of work that time goes into: its names by language."""

    name: dict[str, str]
    is_billable: bool = True


@dataclass(frozen=True)
class Topic:
    icon: str
    name: dict[str, str]
    types: tuple[Type, ...]


@dataclass(frozen=True)
class Subject:
    """An e-mail whose subject begins so asks for a type, named in English, in a language."""

    begins_with: str
    type: str
    language: str


@dataclass(frozen=True)
class Preset:
    """`policy` are columns of Tenant; languages stand with the desk's own first."""

    languages: tuple[str, ...]
    topics: tuple[Topic, ...]
    accent: str
    policy: dict[str, Any] = field(default_factory=dict)
    work_types: tuple[Work, ...] = ()
    subjects: tuple[Subject, ...] = ()

    @property
    def language(self) -> str:
        return self.languages[0]


def general(icon: str, lv: str, en: str, sentence_lv: str, sentence_en: str) -> Topic:
    """A topic with the one type that bears its name."""
    name = {"lv": lv, "en": en}
    return Topic(icon, name, (Type(icon, name, {"lv": sentence_lv, "en": sentence_en}),))
