"""`manage.py smtp_listener`: receives mail for all desks."""

import asyncio
import contextlib
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from servicedesk.role import ensure_bound_by_policies
from tickets.mail.listener import serve


class Command(BaseCommand):
    help = "Receive e-mail by SMTP and turn it into requests."

    def handle(self, *args: Any, **options: Any) -> None:
        ensure_bound_by_policies()
        self.stdout.write(f"listening on {settings.SMTP_HOST}:{settings.SMTP_PORT}")
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(serve(settings.SMTP_HOST, settings.SMTP_PORT))
