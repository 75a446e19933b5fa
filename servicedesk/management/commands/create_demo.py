"""`manage.py create_demo`: the demo desks with people and a few requests, when there is no desk yet."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts.hosts import active_tenant_ids
from servicedesk.demo_desks import create_demo_desks


class Command(BaseCommand):
    help = "Create the demo desks when the database has none."

    def handle(self, *args: Any, **options: Any) -> None:
        if active_tenant_ids():
            return
        create_demo_desks()
        self.stdout.write("The demo desks are created.")
