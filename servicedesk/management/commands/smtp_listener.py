"""`manage.py smtp_listener`: receives mail for all desks."""

import asyncio
import contextlib
import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from servicedesk.role import ensure_bound_by_policies
from tickets.mail.listener import serve


class Command(BaseCommand):
    help = "Receive e-mail by SMTP, and by LMTP where LMTP_ADDRESS is set, and turn it into requests."

    def handle(self, *args: Any, **options: Any) -> None:
        ensure_bound_by_policies()
        lmtp = settings.LMTP_ADDRESS
        self.stdout.write(f"listening on {settings.SMTP_HOST}:{settings.SMTP_PORT}" + (f" and {lmtp}" if lmtp else ""))
        try:
            asyncio.run(_until_stopped(lmtp))
        except KeyboardInterrupt:
            return
        except (OSError, ValueError) as error:
            raise CommandError(
                f"The listener cannot start: {error}. Look at SMTP_HOST, SMTP_PORT, LMTP_ADDRESS, SMTP_TLS_CERT and "
                "SMTP_TLS_KEY."
            ) from error


async def _until_stopped(lmtp: str) -> None:
    """Until SIGTERM, by which a supervisor says that it is time; what is being stored is finished."""
    serving = asyncio.ensure_future(serve(settings.SMTP_HOST, settings.SMTP_PORT, lmtp))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, serving.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await serving
