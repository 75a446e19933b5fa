"""The SMTP listener: says 250 only when the raw message is stored, 451 when it cannot be, 550 to addresses not ours."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.conf import settings
from django.db import close_old_connections

from accounts.jobs import enqueue
from accounts.tenancy import enter
from tickets.mail import intake
from tickets.mail.addresses import split_tag
from tickets.mail.demo import DemoMailbox
from tickets.tasks import process_incoming

log = structlog.get_logger(__name__)

# Base64 makes 50 MB of attachments a third larger; the rest is for text and headers.
LARGEST_MESSAGE = 70 * 1024 * 1024
THREADS = 4
MOST_RECIPIENTS = 50

OK, TRY_LATER = "250 Message stored", "451 4.3.0 The message could not be stored; please try again later"
TOO_MANY, BAD = "452 4.5.3 Too many recipients", "553 5.1.3 This is not an address"
UNKNOWN = "550 5.1.1 No desk receives mail at this address"


class Handler:
    """aiosmtpd's hooks. In demo mode mail to the world is kept in the local mailbox instead of being refused."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self.demo = DemoMailbox() if settings.DEMO else None
        # The database is reached from these threads only; the event loop never waits for it.
        self.threads = threads

    async def in_thread(self, work: Callable[..., Any], *args: Any) -> Any:
        def run() -> Any:
            close_old_connections()
            return work(*args)

        return await asyncio.get_running_loop().run_in_executor(self.threads, run)

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return TOO_MANY
        if not address.isprintable():
            return BAD
        try:
            known = await self.in_thread(intake.find_mailbox, address)
        except Exception:
            log.exception("recipient could not be looked up", recipient=address)
            return TRY_LATER
        if known is None and self.demo is None:
            return UNKNOWN
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        try:
            await self.in_thread(self.receive, envelope)
        except Exception:
            log.exception("message could not be stored", sender=envelope.mail_from, recipients=envelope.rcpt_tos)
            return TRY_LATER
        return OK

    def receive(self, envelope: Envelope) -> None:
        raw = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        ours: dict[tuple[int, int], str] = {}
        for recipient in envelope.rcpt_tos:
            found = intake.find_mailbox(recipient)
            if found is not None:
                # One message is one message to a mailbox, however many of its addresses it names; a signed one wins.
                ours[found] = recipient if split_tag(recipient)[1] else ours.get(found, recipient)
            elif self.demo is not None:
                self.demo.keep(raw, sender=envelope.mail_from or "", recipient=recipient)
        for found, recipient in ours.items():
            self.store(found, raw, envelope.mail_from or "", recipient)

    def store(self, found: tuple[int, int], raw: bytes, sender: str, recipient: str) -> None:
        tenant_id, mailbox_id = found
        with enter(tenant_id):
            message = intake.keep(raw, mailbox_id=mailbox_id, envelope_from=sender, envelope_to=recipient)
        log.info("message stored", tenant=tenant_id, incoming=message.pk, bytes=len(raw))
        enqueue(process_incoming, tenant_id, message.pk)


class Server(SMTP):
    """Senders exist that write a paragraph as one line; the parser copes with it, so the door does too."""

    line_length_limit = 1024 * 1024


async def serve(host: str, port: int) -> None:
    """Listen until cancelled. The threads end with it, and their connections with them."""
    with ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="intake") as threads:
        handler = Handler(threads)
        server = await asyncio.get_running_loop().create_server(
            lambda: Server(handler, data_size_limit=LARGEST_MESSAGE, ident="Service desk", enable_SMTPUTF8=True),
            host=host,
            port=port,
        )
        async with server:
            await server.serve_forever()
