"""The translation catalogues: collected from sources and templates and compiled, both by Babel."""

import ast
import io
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import django
import unfold
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

from servicedesk.line import APPS

ROOT = Path(settings.BASE_DIR)
KEYWORDS: dict[str, Any] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
# (file, comments, the text or its (singular, plural), context)
Text = tuple[str, list[str], Any, str | None]

# Django's words that are wrong in one of our languages: a name is put into a sentence that would have to inflect it,
# the Latvian plurals stand in the wrong order, and the Czech lack a sentence.
OURS_INSTEAD = (
    "Add %s",
    "Change %s",
    "Add another %(verbose_name)s",
    ("%(size)d byte", "%(size)d bytes"),
    (
        "This password is too short. It must contain at least %d character.",
        "This password is too short. It must contain at least %d characters.",
    ),
    (
        "Your password must contain at least %(min_length)d character.",
        "Your password must contain at least %(min_length)d characters.",
    ),
    (
        "Ensure this value has at most %(limit_value)d character (it has %(show_value)d).",
        "Ensure this value has at most %(limit_value)d characters (it has %(show_value)d).",
    ),
    (
        "Ensure that there are no more than %(max)s digit in total.",
        "Ensure that there are no more than %(max)s digits in total.",
    ),
    (
        "Ensure that there are no more than %(max)s decimal place.",
        "Ensure that there are no more than %(max)s decimal places.",
    ),
    (
        "Ensure that there are no more than %(max)s digit before the decimal point.",
        "Ensure that there are no more than %(max)s digits before the decimal point.",
    ),
)

TRANSLATED = [code for code, _ in settings.LANGUAGES if code != "en"]


def catalogue_path(language: str) -> Path:
    return ROOT / "locale" / language / "LC_MESSAGES" / "django.po"


def compile_catalogues() -> None:
    """Write a .mo beside each .po that is newer than it."""
    for language in TRANSLATED:
        source = catalogue_path(language)
        target = source.with_suffix(".mo")
        if not source.exists() or (target.exists() and target.stat().st_mtime >= source.stat().st_mtime):
            continue
        scratch = target.with_suffix(f".mo.{os.getpid()}")
        with scratch.open("wb") as file:
            write_mo(file, read_catalogue(language))
        scratch.replace(target)  # in one step: another process may be reading it


def read_catalogue(language: str) -> Catalog:
    path = catalogue_path(language)
    if not path.exists():
        return Catalog(locale=language, project="Service desk", version="1", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=language)


@cache
def collect() -> Catalog:
    """Every text of the product that people read, with the file it stands in."""
    catalogue = Catalog(fuzzy=False)
    for path, comments, found, context in sorted(_texts(), key=lambda text: (text[0], str(text[2]))):
        catalogue.add(found, locations=[(path, 0)], auto_comments=comments, context=context)
    return catalogue


def _texts() -> Iterator[Text]:
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if "migrations" not in path.parts and "tests" not in path.parts:
                yield from _in_source(path.read_bytes(), str(path.relative_to(ROOT)))
    for path in sorted(path for path in (ROOT / "templates").rglob("*") if path.suffix in (".html", ".txt")):
        yield from _in_template(path, str(path.relative_to(ROOT)))
    yield from _unfolds_own()
    yield from (("django", [], text, None) for text in OURS_INSTEAD)


def _unfolds_own() -> Iterator[Text]:
    """The admin's library brings no translations; what Django's own admin does not translate is ours to."""
    known = _djangos_own()
    package = Path(unfold.__file__).parent
    for path in sorted(package.rglob("*.html")):
        yield from (text for text in _in_template(path, "unfold") if text[2] not in known)
    for path in sorted(package.rglob("*.py")):
        yield from (text for text in _in_source(path.read_bytes(), "unfold") if text[2] not in known)


def _djangos_own() -> set[Any]:
    base = Path(django.__file__).parent
    files = [base / "conf", base / "contrib" / "admin", base / "contrib" / "auth"]
    known: set[Any] = set()
    for folder in files:
        with (folder / "locale" / "en" / "LC_MESSAGES" / "django.po").open("rb") as file:
            known |= {message.id for message in read_po(file)}
    return known


def _in_source(source: bytes, name: str) -> Iterator[Text]:
    for _line, found, comments, context in extract(
        "python", io.BytesIO(source), KEYWORDS, comment_tags=["Translators:"], options={"encoding": "utf-8"}
    ):
        yield name, comments, found, context


# Django turns a template into calls between characters that are no text; the calls are all that is read of it.
_CALL = re.compile(r"\b(gettext|ngettext|pgettext|npgettext|_)\(")
_LITERAL = re.compile(r"""\s*,?\s*u?("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")


def _in_template(path: Path, name: str) -> Iterator[Text]:
    calls = templatize(path.read_text(encoding="utf-8"), origin=str(path))
    for call in _CALL.finditer(calls):
        strings = _literals_at(calls, call.end())
        context = strings.pop(0) if call[1] in ("pgettext", "npgettext") and strings else None
        if strings:
            plural = call[1] in ("ngettext", "npgettext")
            yield name, [], tuple(strings[:2]) if plural else strings[0], context


def _literals_at(text: str, position: int) -> list[str]:
    found = []
    while match := _LITERAL.match(text, position):
        found.append(ast.literal_eval(match[1]))
        position = match.end()
    return found


def update_catalogues() -> None:
    """Bring every catalogue up to date: new texts come in empty, unused ones go, nothing is guessed."""
    template = collect()
    for language in TRANSLATED:
        catalogue = read_catalogue(language)
        catalogue.update(template, no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        catalogue.fuzzy = False
        catalogue.header_comment = (
            f"# Service desk: texts in {catalogue.locale.english_name}" if catalogue.locale else "#"
        )
        path = catalogue_path(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            write_po(file, catalogue, width=120, include_lineno=False, sort_output=True)


def untranslated(language: str) -> list[str]:
    """Texts of the product that this language lacks or only guesses."""
    catalogue = read_catalogue(language)
    missing = []
    for message in collect():
        known = catalogue.get(message.id, message.context) if message.id else None
        if message.id and (known is None or known.fuzzy or not _complete(known)):
            missing.append(message.id if isinstance(message.id, str) else message.id[0])
    return missing


def _complete(message: Any) -> bool:
    strings = message.string if isinstance(message.string, (list, tuple)) else [message.string]
    return all(strings)
