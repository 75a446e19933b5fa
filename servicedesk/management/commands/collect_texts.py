"""`manage.py collect_texts`: bring the catalogues up to date with sources and templates."""

from typing import Any

from django.core.management.base import BaseCommand

from servicedesk.catalogues import TRANSLATED, untranslated, update_catalogues


class Command(BaseCommand):
    help = "Collect all texts into the translation catalogues and say what is left to translate."

    def handle(self, *args: Any, **options: Any) -> None:
        update_catalogues()
        for language in TRANSLATED:
            self.stdout.write(f"{language}: {len(untranslated(language))} left to translate")
