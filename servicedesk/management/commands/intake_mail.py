"""`manage.py intake_mail`: messages from files or a pipe, stored and made into requests at once.

For `pipe` in Postfix's master.cf, for an alias, and for bringing in an archive. Its exit status is what mail servers
read: 0 stored, 75 try again later, 67 no desk at this address, 64 called in the wrong way.
"""

import contextlib
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import structlog
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseError
from django.db import close_old_connections
from django.utils import timezone

from accounts.tenancy import enter
from servicedesk.role import ensure_bound_by_policies
from tickets.mail import intake
from tickets.mail.keeping import BEGINNING, LARGEST_MESSAGE, find_mailbox, keep
from tickets.mail.mailboxes import return_path
from tickets.models import IncomingMessage
from tickets.models.incoming import NOBODY, IncomingState, Source

log = structlog.get_logger(__name__)

STANDARD_INPUT = "-"
ARGPARSES_USAGE_STATUS = 2
IN_MEMORY = 1024 * 1024

# What became of so many: one of them, several.
WORDS = {
    IncomingState.TICKET: ("ticket", "tickets"),
    IncomingState.COMMENT: ("comment", "comments"),
    IncomingState.AUTOMATIC: ("automatic", "automatic"),
    IncomingState.IGNORED: ("ignored", "ignored"),
    IncomingState.FAILED: ("failed and tried again later", "failed and tried again later"),
    IncomingState.QUARANTINED: ("set aside", "set aside"),
    IncomingState.RECEIVED: ("waiting", "waiting"),
}


class Tally:
    """What happened to the messages so far."""

    def __init__(self) -> None:
        self.known = self.lost = 0
        self.states: Counter[str] = Counter()

    def __str__(self) -> str:
        """'12 stored, 3 of them known already: 9 tickets, 2 comments, 1 automatic'"""
        sentence = f"{self.states.total()} stored"
        if self.known:
            sentence += f", {self.known} of them known already"
        became = [
            f"{self.states[state]} {words[self.states[state] > 1]}"
            for state, words in WORDS.items()
            if self.states[state]
        ]
        if became:
            sentence += ": " + ", ".join(became)
        return sentence + (f"; {self.lost} not stored" if self.lost else "")

    @property
    def status(self) -> int:
        return os.EX_TEMPFAIL if self.lost else os.EX_OK


class Command(BaseCommand):
    help = "Store messages from files, or one from standard input, and make requests of them."
    # A mail server starts this for each message, and checks are for people.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--to", required=True, metavar="ADDRESS", help="the desk's address, its signed part included"
        )
        parser.add_argument(
            "--from", dest="sender", metavar="ADDRESS", help="the envelope's sender; else that of Return-Path counts"
        )
        parser.add_argument("files", nargs="*", metavar="FILE", help="a message; none or '-' is standard input")

    def run_from_argv(self, argv: list[str]) -> None:
        try:
            super().run_from_argv(argv)
        except SystemExit as end:
            if end.code == ARGPARSES_USAGE_STATUS:
                sys.exit(os.EX_USAGE)
            raise

    def handle(self, *args: Any, to: str, sender: str | None, files: list[str], **options: Any) -> None:
        place = _place_of(to)
        tally = Tally()
        for name in files or [STANDARD_INPUT]:
            message = self.stored(name, place, to.strip(), sender, tally)
            if message:
                tally.states[_processed(place[0], message)] += 1
        self.stdout.write(str(tally))
        if tally.status:
            sys.exit(tally.status)

    def stored(
        self, name: str, place: tuple[int, int], to: str, sender: str | None, tally: Tally
    ) -> IncomingMessage | None:
        """None when it could not be: whoever has it must keep it, whatever the reason."""
        tenant_id, mailbox_id = place
        began = timezone.now()
        close_old_connections()
        try:
            with _opened(name) as (content, is_cut), enter(tenant_id):
                message = keep(
                    content,
                    mailbox_id=mailbox_id,
                    envelope_to=to,
                    envelope_from=return_path(content) if sender is None else _sender(sender),
                    source=Source.PIPE,
                    is_cut=is_cut,
                )
        except Exception as error:
            if not isinstance(error, OSError | DatabaseError):
                log.exception("message could not be stored", file=name)
            tally.lost += 1
            self.stderr.write(f"{name}: not stored ({_first_line(error)}). Please try again later.")
            return None
        tally.known += message.received_at < began
        return message


def _place_of(to: str) -> tuple[int, int]:
    """(tenant id, mailbox id). Raises CommandError with the status that a mail server understands."""
    try:
        ensure_bound_by_policies()
        place = find_mailbox(to)
    except DatabaseError as error:
        raise CommandError(
            f"The database cannot be reached, so nothing was stored ({_first_line(error)}). Please try again later.",
            returncode=os.EX_TEMPFAIL,
        ) from error
    if place is None:
        raise CommandError(f"No desk receives mail at '{to}'. Please check the address.", returncode=os.EX_NOUSER)
    return place


@contextlib.contextmanager
def _opened(name: str) -> Iterator[tuple[IO[bytes], bool]]:
    """A file that can be read twice, and whether it is only the beginning of a message that is too large for anybody.

    A pipe is copied into a temporary file, in pieces. Raises OSError.
    """
    with contextlib.ExitStack() as closing:
        source = sys.stdin.buffer if name == STANDARD_INPUT else closing.enter_context(Path(name).open("rb"))
        if name == STANDARD_INPUT or not source.seekable():
            copy = closing.enter_context(tempfile.SpooledTemporaryFile(max_size=IN_MEMORY))
            source = _copied(source, copy, LARGEST_MESSAGE + 1)
        is_cut = source.seek(0, os.SEEK_END) > LARGEST_MESSAGE
        if is_cut:
            source.seek(0)
            source = _copied(source, closing.enter_context(tempfile.TemporaryFile()), BEGINNING)
        yield source, is_cut


def _copied(source: IO[bytes], copy: IO[bytes], most: int) -> IO[bytes]:
    """At most so many bytes of it. The rest of a pipe is read all the same: its writer waits for us."""
    while piece := source.read(IN_MEMORY):
        copy.write(piece[: max(0, most - copy.tell())])
    return copy


def _processed(tenant_id: int, message: IncomingMessage) -> str:
    """What became of a stored message. What fails here waits for its next try."""
    try:
        with enter(tenant_id):
            done = intake.process(message.pk) or IncomingMessage.objects.only("state").get(pk=message.pk)
            return done.state
    except Exception:
        log.exception("message waits for its next try", incoming=message.pk)
        return message.state


def _sender(given: str) -> str:
    """NOBODY for what mail servers call nobody: <> or MAILER-DAEMON without a domain."""
    address = given.strip().removeprefix("<").removesuffix(">")
    return address if "@" in address and address.isprintable() else NOBODY


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
