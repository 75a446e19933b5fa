"""`manage.py compile_texts`: .po to .mo by Babel, so that no machine needs gettext's tools."""

from typing import Any

from django.core.management.base import BaseCommand

from servicedesk.catalogues import compile_catalogues


class Command(BaseCommand):
    help = "Compile the translation catalogues."
    requires_system_checks: Any = []

    def handle(self, *args: Any, **options: Any) -> None:
        compile_catalogues()
