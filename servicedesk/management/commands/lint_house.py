"""`manage.py lint_house`: this house's own rules that no general linter knows."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from servicedesk.line import APPS

ROOT = Path(settings.BASE_DIR)

RULES: list[tuple[str, re.Pattern[str], str]] = [
    (
        "*.py",
        re.compile(r"__(i?contains|iexact|i?startswith|i?endswith|i?regex|search|trigram\w*)\b\s*="),
        "is not leakproof, so it never uses an index under a policy; go through a search function (accounts/search.py)",
    ),
    (
        "*.py",
        re.compile(r"suppress\(Exception\)|fail_silently\s*=\s*True"),
        "hides errors; catch what can happen, by name",
    ),
    ("*.py", re.compile(r"models\.ManyToManyField\("), "makes a table without a tenant; write the table's model"),
    ("*.py", re.compile(r"\bprint\("), "is not a log; use structlog"),
    ("*.html", re.compile(r"<script(?![^>]*\bsrc=)[^>]*>"), "is inline script, which the policy forbids"),
    ("*.html", re.compile(r"\son[a-z]+=\""), "is an inline handler, which the policy forbids"),
    ("*.html", re.compile(r"\|safe\b|autoescape off"), "prints unescaped; make it safe in Python, with the reason"),
]
# The e-mails' styles have to be inline: mail programs read no stylesheets.
INLINE_STYLE = re.compile(r"\sstyle=\"")


class Command(BaseCommand):
    help = "Check the rules of this house."
    requires_system_checks: Any = []

    def handle(self, *args: Any, **options: Any) -> None:
        found = list(violations())
        for line in found:
            self.stderr.write(line)
        if found:
            raise CommandError(f"{len(found)} places break the rules of the house.")
        self.stdout.write("The house is in order.")


def violations() -> Iterator[str]:
    """'path:line what breaks which rule', for every place."""
    for pattern, rule, why in RULES:
        for path in _files(pattern):
            yield from _in_file(path, rule, why)
    for path in _files("*.html"):
        if "mail" not in path.parts and "admin" not in path.parts:
            yield from _in_file(path, INLINE_STYLE, "is inline style, which the policy forbids")


def _files(pattern: str) -> Iterator[Path]:
    folders = APPS if pattern == "*.py" else ("templates",)
    for folder in folders:
        for path in sorted((ROOT / folder).rglob(pattern)):
            if not {"tests", "migrations", "embedded"} & set(path.parts):
                yield path


def _in_file(path: Path, rule: re.Pattern[str], why: str) -> Iterator[str]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        match = rule.search(line)
        if match:
            yield f"{path.relative_to(ROOT)}:{number}: '{match.group().strip()}' {why}"
