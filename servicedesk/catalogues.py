"""The translation catalogues: collected from sources and templates and compiled, both by Babel."""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

ROOT = Path(settings.BASE_DIR)
APPS = ("accounts", "notifications", "tickets", "billing", "servicedesk")
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
        scratch = target.with_suffix(".mo.new")
        with scratch.open("wb") as file:
            write_mo(file, read_catalogue(language))
        scratch.replace(target)  # in one step: another process may be reading it


def read_catalogue(language: str) -> Catalog:
    path = catalogue_path(language)
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def collect() -> Catalog:
    """Every text of the product that people read, with the file it stands in."""
    catalogue = Catalog(fuzzy=False)
    for path, comments, found, context in sorted(_texts(), key=lambda text: (text[0], str(text[2]))):
        catalogue.add(found, locations=[(path, 0)], auto_comments=comments, context=context)
    return catalogue


def _texts() -> Iterator[tuple[str, list[str], Any, str | None]]:
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if "migrations" not in path.parts and "tests" not in path.parts:
                yield from _in_source(path, path.read_bytes())
    for path in _templates():
        python = templatize(path.read_text(encoding="utf-8"), origin=str(path))
        # Django marks every character that is no text with an X; Babel reads what is left as Python.
        yield from _in_source(path, re.sub(r"\bu(['\"])", r"\1", python).encode())


def _templates() -> list[Path]:
    return sorted(path for path in (ROOT / "templates").rglob("*") if path.suffix in (".html", ".txt"))


def _in_source(path: Path, source: bytes) -> Iterator[tuple[str, list[str], Any, str | None]]:
    name = str(path.relative_to(ROOT))
    for _line, found, comments, context in extract(
        "python", io.BytesIO(source), KEYWORDS, comment_tags=["Translators:"], options={"encoding": "utf-8"}
    ):
        yield name, comments, found, context


def update_catalogues() -> None:
    """Bring every catalogue up to date: new texts come in empty, unused ones go, nothing is guessed."""
    template = collect()
    for language in TRANSLATED:
        catalogue = read_catalogue(language)
        catalogue.update(template, no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        path = catalogue_path(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            write_po(file, catalogue, width=120, omit_header=False, include_lineno=False, sort_output=True)


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
