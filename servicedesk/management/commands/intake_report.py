"""`manage.py intake_report`: what became of every message that came in, for operators and their programs."""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet

from accounts.hosts import active_tenant_ids, find_host
from accounts.tenancy import enter
from tickets.mail.addresses import split_tag
from tickets.mail.clean import one_line
from tickets.mail.keeping import find_mailbox
from tickets.models import IncomingMessage
from tickets.models.incoming import IncomingState

BATCH = 500
FAILURES = (IncomingState.FAILED, IncomingState.QUARANTINED)
LONGEST_SUBJECT = 60


class Command(BaseCommand):
    help = "Print a line for each incoming message: what it was, what became of it, and why."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object a line")
        places = parser.add_mutually_exclusive_group()
        places.add_argument("--to", metavar="ADDRESS", help="of the mailbox with this address only")
        places.add_argument("--host", help="of the desk at this host only")

    def handle(self, *args: Any, **options: Any) -> None:
        mailbox_id, tenant_ids = _asked_for(options["to"], options["host"])
        counts: Counter[str] = Counter()
        try:
            for row in _rows(tenant_ids, mailbox_id):
                counts[row.state] += 1
                self.stdout.write(json.dumps(described(row)) if options["json"] else readable(row))
            if not options["json"]:
                self.stdout.write(_summary(counts))
            self.stdout.flush()
        except BrokenPipeError:
            # Whoever reads has seen enough. What is left in the buffer goes nowhere when the process ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _asked_for(to: str | None, host: str | None) -> tuple[int | None, list[int]]:
    """(mailbox id or None for all, tenant ids). Raises CommandError for what leads to no desk."""
    if to is not None:
        place = find_mailbox(to)
        if place is None:
            raise CommandError(f"No desk receives mail at '{to}'.", returncode=os.EX_NOUSER)
        return place[1], [place[0]]
    if host is not None:
        found = find_host(host)
        if found is None:
            raise CommandError(f"There is no desk at '{host}'.", returncode=os.EX_NOHOST)
        return None, [found[0]]
    return None, active_tenant_ids()


def _rows(tenant_ids: list[int], mailbox_id: int | None) -> Iterator[IncomingMessage]:
    for tenant_id in tenant_ids:
        with enter(tenant_id):
            yield from _messages(mailbox_id).iterator(chunk_size=BATCH)


def _messages(mailbox_id: int | None) -> "QuerySet[IncomingMessage]":
    rows = IncomingMessage.objects.select_related("mailbox", "ticket").order_by("id")
    rows = rows.only(*_COLUMNS)
    return rows.filter(mailbox_id=mailbox_id) if mailbox_id is not None else rows


_COLUMNS = (
    "sha256",
    "mailbox__address",
    "envelope_to",
    "received_at",
    "state",
    "reason",
    "ticket__reference",
    "automatic",
    "from_address",
    "from_name",
    "subject",
    "message_id",
    "text_length",
    "attachments",
    "size",
    "tries",
)


def described(row: IncomingMessage) -> dict[str, Any]:
    """A message for programs. Its signed address is left out: by it one could write in somebody else's name."""
    return {
        "sha256": row.sha256,
        "mailbox": row.mailbox.address,
        "to": split_tag(row.envelope_to)[0],
        "received_at": row.received_at.isoformat(),
        "state": row.state,
        "reason": row.reason,
        "ticket": row.ticket.reference if row.ticket else None,
        "automatic": row.state == IncomingState.AUTOMATIC or bool(row.automatic),
        "automatic_kind": row.automatic,
        "from": row.from_address,
        "from_name": row.from_name,
        "subject": row.subject,
        "message_id": row.message_id,
        "text_length": row.text_length,
        "attachments": row.attachments,
        "size": row.size,
        "tries": row.tries,
        "error": row.reason if row.state in FAILURES else "",
    }


def readable(row: IncomingMessage) -> str:
    """A message for people, on one line."""
    ticket = row.ticket.reference if row.ticket else "-"
    subject = one_line(row.subject, LONGEST_SUBJECT) or "-"
    line = f"{row.received_at:%Y-%m-%d %H:%M}  {row.state:<11}  {ticket:<12}  {row.from_address or '-':<32}  {subject}"
    return f"{line}  ({one_line(row.reason, 200)})" if row.reason else line


def _summary(counts: Counter[str]) -> str:
    """'12 messages: 9 ticket, 2 comment, 1 failed'"""
    states = ", ".join(f"{counts[state]} {state}" for state in IncomingState.values if counts[state])
    total = counts.total()
    return f"{total} {'message' if total == 1 else 'messages'}" + (f": {states}" if states else "")
