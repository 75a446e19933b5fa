"""From stored bytes to a ticket or a comment: once, in one transaction. Nothing is lost, nothing blocks the rest."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import IO, Any

import structlog
from django.core.files.base import File
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from psycopg2.errors import QueryCanceled

from accounts import events
from accounts.addresses import normalise_address
from accounts.errors import NotAllowed, Refused
from accounts.files import no_files_of_failures, open_file
from accounts.hosts import current_host, remembered
from accounts.models import Person, Tenant
from accounts.permissions import is_agent
from accounts.tenancy import current_tenant_id
from notifications.delivery import instance_ids
from notifications.models import OutboxMessage
from tickets import actions, notices
from tickets.mail.addresses import split_tag
from tickets.mail.automatic import Automatic, classify
from tickets.mail.bounces import note_bounce, read_bounce
from tickets.mail.keeping import HAND_OVER
from tickets.mail.mailboxes import NamedAddress
from tickets.mail.parse import ParsedAttachment, ParsedMessage, parse, reply_text
from tickets.mail.routing import Route, answered_ticket, route_of, rule_for
from tickets.models import IncomingMessage, Mailbox, RequestType, SubjectRule
from tickets.models.incoming import NOBODY, IncomingState, Reason, Source
from tickets.permissions import may_invite

log = structlog.get_logger(__name__)

MOST_TRIES = 3
RETRY = timedelta(seconds=20)
# What is not the message's fault – a database that restarts, a disk that is full – costs it no try.
PASSING = (OSError, OperationalError, InterfaceError)
RETRY_PASSING = timedelta(seconds=10)
MEGABYTE = 1024 * 1024
IN_MEMORY = 256 * 1024  # bytes of a file; what is larger waits on the disk
MOST_COMPARED = 4_000  # characters
LONGEST_TEXT = 100_000  # characters; of a longer one the whole is kept as a file besides
MOST_COPIED, MOST_INVITED, MOST_RECEIPTS = 50, 10, 50
A_DAY, AN_HOUR = timedelta(days=1), timedelta(hours=1)

DONE = (IncomingState.TICKET, IncomingState.COMMENT, IncomingState.AUTOMATIC, IncomingState.IGNORED)
_NOT_WORDS = re.compile(r"[\W\d_]+")


# ---- one message ----


def process(message_id: int) -> IncomingMessage | None:
    """Make of one stored message what it is to become. None when it is done already or another worker has it."""
    message = (
        IncomingMessage.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("mailbox", "raw")
        .filter(pk=message_id, next_try_at__isnull=False)
        .first()
    )
    if message is None:
        return None
    try:
        with no_files_of_failures(), transaction.atomic(), translation.override(current_host().tenant.language):
            _become(message)
    except Exception as error:  # a bad message must neither vanish nor stand in the way of those behind it
        log.exception("incoming mail failed", message=message.message_id, incoming=message.pk)
        _note_failure(message, error)
    else:
        message.done_at = timezone.now()
    message.save()
    return message


def _note_failure(message: IncomingMessage, error: Exception) -> None:
    is_passing = isinstance(error, PASSING) and not _is_its_own_fault(error)
    message.tries += not is_passing
    gives_up = message.tries >= MOST_TRIES
    message.state = IncomingState.QUARANTINED if gives_up else IncomingState.FAILED
    message.reason = f"{type(error).__name__}: {error}"[:500].replace("\x00", "")
    message.ticket = message.comment = message.same_as = None
    message.done_at = None
    message.next_try_at = None if gives_up else timezone.now() + (RETRY_PASSING if is_passing else RETRY)


def _is_its_own_fault(error: Exception) -> bool:
    """A file that is not there any more will not come back, and a statement that takes too long will again."""
    return isinstance(error, FileNotFoundError) or isinstance(error.__cause__, QueryCanceled)


@transaction.atomic
def try_again(message: IncomingMessage, *, by: Person) -> None:
    """Have a message processed again that was set aside. Raises NotAllowed, and Refused when it was not."""
    if not is_agent(by):
        raise NotAllowed(_("Only agents and managers may process mail again."))
    message = IncomingMessage.objects.select_for_update(of=("self",)).get(pk=message.pk)
    if message.state not in (IncomingState.FAILED, IncomingState.QUARANTINED):
        raise Refused(_("This message did not fail: it is not processed twice."), code="not_failed")
    message.next_try_at, message.tries = timezone.now(), 0
    message.save(update_fields=["next_try_at", "tries"])
    events.record("incomingmessage.tried_again", message, by=by)


@transaction.atomic
def leave_aside(message: IncomingMessage, *, by: Person) -> None:
    """Somebody looked at a message that was set aside, and nothing is to come of it; it stays readable.

    Raises NotAllowed, and Refused when it was not set aside.
    """
    if not is_agent(by):
        raise NotAllowed(_("Only agents and managers may process mail again."))
    message = IncomingMessage.objects.select_for_update(of=("self",)).get(pk=message.pk)
    if message.state != IncomingState.QUARANTINED or message.next_try_at is not None:
        raise Refused(_("This message is not set aside."), code="not_set_aside")
    before, message.state, message.reason = message.reason, IncomingState.IGNORED, Reason.LEFT
    message.save(update_fields=["state", "reason"])
    events.record("incomingmessage.left_aside", message, by=by, before=before)


@transaction.atomic
def take_up_due(limit: int) -> list[int]:
    """Ids of stored messages that wait to be processed (again), oldest first. Nobody takes them up again for a while:
    behind a long queue that would only make it longer."""
    due = IncomingMessage.objects.select_for_update(skip_locked=True).filter(next_try_at__lte=timezone.now())
    ids = list(due.order_by("next_try_at", "id").values_list("pk", flat=True)[:limit])
    IncomingMessage.objects.filter(pk__in=ids).update(next_try_at=timezone.now() + HAND_OVER)
    return ids


# ---- what it is ----


def _become(message: IncomingMessage) -> None:
    with open_file(message.raw) as file:
        parsed = parse(file.read())
    # In the form in which addresses are stored: a person known by it is not made twice.
    parsed = replace(parsed, from_address=normalise_address(parsed.from_address) or parsed.from_address)
    message.next_try_at = None
    _note_what_it_says(message, parsed)
    automatic = classify(parsed, instances=instance_ids())
    if automatic is not None or _wants_no_answer(message):
        _end_automatic(message, parsed, automatic)
        return
    if not parsed.from_address:
        _end(message, IncomingState.IGNORED, Reason.NO_SENDER)
        return
    parsed = _with_real_sender(parsed)
    message.from_address = parsed.from_address or message.from_address
    if not parsed.from_address:
        message.automatic = Automatic.OWN.value
        _end(message, IncomingState.AUTOMATIC, Reason.OWN)
    elif (first := _first_copy(message)) is not None:
        message.same_as, message.ticket = first, first.ticket
        _end(message, IncomingState.IGNORED, Reason.COPY)
        _let_copy_prove(message, parsed, first)
    else:
        _file_unless_too_often(message, parsed)


def _end(message: IncomingMessage, state: str, reason: str) -> None:
    message.state, message.reason = state, reason[:500]


def _wants_no_answer(message: IncomingMessage) -> bool:
    """Delivered in nobody's name, by which mail servers say so. A collected message has no envelope any more."""
    return message.envelope_from == NOBODY or (message.source == Source.SMTP and not message.envelope_from)


def _note_what_it_says(message: IncomingMessage, parsed: ParsedMessage) -> None:
    message.message_id = parsed.message_id[:255]
    message.identity = parsed.identity
    message.from_address = (parsed.from_address or ", ".join(filter(None, (one[1] for one in parsed.senders))))[:320]
    message.from_name = (parsed.senders[0][0] if parsed.senders else "")[:200]
    message.subject = parsed.subject
    message.text_length = len(parsed.text)
    message.text_sha256 = _said(parsed.text)
    message.attachments = [
        *(
            {"name": one.name, "type": one.content_type, "size": _size_of(one), "kept": True}
            for one in parsed.attachments
        ),
        *({"name": name, "type": "", "size": None, "kept": False} for name in parsed.dropped),
    ]
    message.copied, message.automatic, message.reason, message.same_as = [], "", "", None
    message.is_proved = False


def _size_of(attachment: ParsedAttachment) -> int:
    return sum(len(piece) for piece in attachment.pieces())


def _said(text: str) -> str:
    """The same for what answering machines say each time, whatever numbers and times they put in."""
    words = _own_words(text)
    return hashlib.sha256(words.encode("utf_8", "replace")).hexdigest() if words else ""


def _own_words(text: str) -> str:
    own = "".join(line for line in text[:MOST_COMPARED].split("\n") if not line.startswith(">"))
    return _NOT_WORDS.sub("", own.casefold())


def _end_automatic(message: IncomingMessage, parsed: ParsedMessage, automatic: Automatic | None) -> None:
    """Never a ticket, never answered. A bounce is noted where the letter that did not arrive belongs."""
    kind = automatic or Automatic.BOUNCE
    message.automatic = kind.value
    bounce = read_bounce(parsed) if kind == Automatic.BOUNCE else None
    if bounce is not None:
        message.ticket = note_bounce(bounce)
    elif kind in (Automatic.AUTO_REPLY, Automatic.BOUNCE):
        message.ticket = answered_ticket(message, parsed)
    _end(message, IncomingState.AUTOMATIC, kind.value if automatic else Reason.NOBODY)


def _with_real_sender(parsed: ParsedMessage) -> ParsedMessage:
    """Web forms send in the desk's own name and put the visitor into Reply-To: a claim like any From, and as unproved.
    Without one it is our own address that writes to us, and nobody is there to answer."""
    ours = _own_addresses()
    if split_tag(parsed.from_address)[0] not in ours:
        return parsed
    visitors = [one for one in parsed.reply_to if split_tag(one[1])[0] not in ours]
    name, address = visitors[0] if len(visitors) == len(parsed.reply_to) == 1 else ("", "")
    # What it says it answers, and a relay's word for it, would be believed of the desk itself, not of a visitor.
    headers = tuple(field for field in parsed.headers if field[0] != "authentication-results")
    return replace(
        parsed,
        from_address=normalise_address(address),
        from_name=name,
        in_reply_to="",
        references=(),
        headers=headers,
    )


def _own_addresses() -> set[str]:
    addresses = remembered("mailboxes", lambda: frozenset(Mailbox.objects.values_list("address", flat=True)))
    return {current_host().tenant.support_email, *addresses}


def _first_copy(message: IncomingMessage) -> IncomingMessage | None:
    """The message of which this is a copy. Two copies at once: the second waits here until the first is done."""
    with connection.cursor() as cursor:
        cursor.execute(FIND_COPY, [int(message.identity[:15], 16), current_tenant_id(), message.identity, message.pk])
        found = cursor.fetchone()
    # Hardly ever there is one: the question costs little, and the answer is read only then.
    return IncomingMessage.objects.get(pk=found[0]) if found else None


# A list's copy of a letter became nothing: the letter itself still does.
FIND_COPY = """
SELECT pg_advisory_xact_lock(%s);
SELECT id FROM tickets_incomingmessage
WHERE tenant_id = %s AND identity = %s AND id <> %s AND state IN ('ticket', 'comment') ORDER BY id LIMIT 1
"""


def _let_copy_prove(message: IncomingMessage, parsed: ParsedMessage, first: IncomingMessage) -> None:
    """Who answers all answers our signed address and the desk's own; the copy without the signature may come first."""
    if first.comment is None or first.comment.is_verified:
        return
    route = route_of(message, parsed)
    if route.is_proved and route.author is not None:
        message.is_proved = True
        actions.prove_comment(first.comment, by=route.author)


def _file_unless_too_often(message: IncomingMessage, parsed: ParsedMessage) -> None:
    route = route_of(message, parsed)
    message.is_proved = route.is_proved
    if _comes_too_often(message) and not _was_let_in(message):
        _end(message, IncomingState.QUARANTINED, Reason.TOO_OFTEN)
    else:
        _file(message, parsed, route)


def _comes_too_often(message: IncomingMessage) -> bool:
    """What is proved is counted apart: nobody's own letters wait because somebody else writes in their name."""
    limit = current_host().tenant.mail_hourly_limit
    recent = IncomingMessage.objects.filter(
        from_address=message.from_address,
        received_at__gt=timezone.now() - AN_HOUR,
        automatic="",
        is_proved=message.is_proved,
    ).exclude(pk=message.pk)
    return len(recent.order_by("-received_at").values_list("pk")[:limit]) >= limit


def _was_let_in(message: IncomingMessage) -> bool:
    """Somebody looked at it: it is not set aside a second time."""
    return events.last_of(message, "incomingmessage.tried_again") is not None


# ---- where it goes ----


def _file(message: IncomingMessage, parsed: ParsedMessage, route: Route) -> None:
    """A comment where the sender may write one; else a new ticket."""
    message.copied = [{"name": name, "address": address} for name, address in _copied(parsed)]
    with _files(message, parsed) as taken:
        if route.ticket is not None and route.author is not None:
            _comment(message, parsed, route, taken)
        else:
            _submit(message, parsed, route, taken)
    if route.is_proved and message.ticket is not None:
        _invite_copied(message)


def _comment(message: IncomingMessage, parsed: ParsedMessage, route: Route, taken: "Taken") -> None:
    assert route.ticket is not None
    assert route.author is not None
    text, quoted = reply_text(parsed.text)
    message.comment = actions.comment_by_mail(
        route.ticket,
        by=route.author,
        text=text[:LONGEST_TEXT] or _("(no text, see the files)"),
        quoted=quoted[:LONGEST_TEXT],
        files=taken.files,
        is_verified=route.is_proved,
        references=_thread_for_others(parsed),
        left_out=taken.left_out,
    )
    message.ticket = route.ticket
    _end(message, IncomingState.COMMENT, "")


def _submit(message: IncomingMessage, parsed: ParsedMessage, route: Route, taken: "Taken") -> None:
    rule = rule_for(message.mailbox, parsed.subject)
    text, quoted = _parts_of_first_message(parsed)
    requester = route.author or _sender(parsed, rule.language if rule else "")
    message.ticket = actions.submit_by_mail(
        requester=requester,
        subject=parsed.subject[:200] or _("(no subject)"),
        description=text[:LONGEST_TEXT],
        quoted=quoted[:LONGEST_TEXT],
        request_type=_kind_of_request(message, route, rule),
        files=taken.files,
        references=_thread_of(parsed),
        is_proved=route.is_proved,
        follows=route.ended,
        claims=route.claimed,
        # Whom nobody knows has been sent nothing that they could answer.
        is_confirmed=route.author is None or not _answers_itself(message, parsed, requester),
        left_out=taken.left_out,
    )
    _end(message, IncomingState.TICKET, "")


def _kind_of_request(message: IncomingMessage, route: Route, rule: SubjectRule | None) -> RequestType | None:
    """What it goes on from is known better than what mail to this address mostly is."""
    before = route.ended.request_type if route.ended else None
    return before or (rule.request_type if rule else None) or message.mailbox.request_type


def _parts_of_first_message(parsed: ParsedMessage) -> tuple[str, str]:
    """What an answer quotes is folded; what somebody forwards is what they write about."""
    if not (parsed.in_reply_to or parsed.references):
        return parsed.text, ""
    return reply_text(parsed.text)


def _thread_of(parsed: ParsedMessage) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*parsed.references, parsed.message_id]))[-20:] if parsed.message_id else ()


def _thread_for_others(parsed: ParsedMessage) -> tuple[str, ...]:
    """Without our letters to the sender: who knows one's id can say in the sender's place that it did not arrive."""
    thread = _thread_of(parsed)
    ours = set(OutboxMessage.objects.filter(message_id__in=thread).values_list("message_id", flat=True))
    return tuple(one for one in thread if one not in ours)


def _sender(parsed: ParsedMessage, language: str) -> Person:
    """The person of a new address: an applicant whose address nobody has proved, spoken to in the desk's language."""
    # Two first mails at once are two of one person: the second finds what the first has made.
    person, is_new = Person.objects.get_or_create(
        email=parsed.from_address,
        defaults={
            "name": parsed.from_name[:150] or parsed.from_address.partition("@")[0],
            "language": language or current_host().tenant.language,
            "is_verified": False,
        },
    )
    if is_new:
        person.represents = []  # and nothing has to be asked to know that
    return person


def _answers_itself(message: IncomingMessage, parsed: ParsedMessage, sender: Person) -> bool:
    """An answering machine that marks nothing says the same each time, or what we wrote: it is not answered again."""
    return _repeats_itself(message, parsed) or _repeats_us(parsed, sender)


def _repeats_itself(message: IncomingMessage, parsed: ParsedMessage) -> bool:
    if not message.text_sha256 and any(not one.is_inline for one in parsed.attachments):
        return False  # who sends files without a word has something to say
    same = IncomingMessage.objects.filter(
        from_address=message.from_address,
        received_at__gt=timezone.now() - A_DAY,
        text_sha256=message.text_sha256,
        state__in=DONE,
    )
    return same.exclude(pk=message.pk).exists()


def _repeats_us(parsed: ParsedMessage, sender: Person) -> bool:
    """Whether the words of a receipt of today stand in it, not quoted: each receipt would bring the next one."""
    receipts = OutboxMessage.objects.filter(
        to_person=sender, kind=notices.SUBMITTED, created_at__gt=timezone.now() - A_DAY
    )
    leads = [str(said.get("lead", "")) for said in receipts.values_list("said", flat=True)[:MOST_RECEIPTS]]
    words = _own_words(parsed.text) if leads else ""
    return any(lead in words for lead in filter(None, map(_own_words, leads)))


# ---- who else got it ----


def _copied(parsed: ParsedMessage) -> list[NamedAddress]:
    """Everybody else that the message was addressed to, each once."""
    ours = _own_addresses()
    people = {address: name for name, address in (*parsed.to, *parsed.cc)}
    ours |= {parsed.from_address}
    return [(name, one) for one, name in people.items() if split_tag(one)[0] not in ours][:MOST_COPIED]


def _invite_copied(message: IncomingMessage) -> None:
    """Who is in copy takes part, when somebody who may invite them is proved to have written. Agents see the others."""
    ticket = message.ticket
    author = message.comment.author if message.comment else ticket.requester if ticket else None
    if ticket is None or author is None or author.is_staff or not may_invite(author, ticket):
        return
    for one in message.copied[:MOST_INVITED]:
        try:
            with transaction.atomic():
                actions.add_participant(ticket, by=author, address=one["address"], name=one["name"])
        except Refused as refusal:
            log.info("not invited", reference=ticket.reference, code=refusal.code)


# ---- its files ----


@dataclass(frozen=True)
class Taken:
    """The files that are kept, and the names of those that are not."""

    files: "list[File[bytes]]"
    left_out: list[str]


@contextmanager
def _files(message: IncomingMessage, parsed: ParsedMessage) -> Iterator[Taken]:
    """In their order, as long as they fit into what the desk takes. One at a time is in memory, and in part only."""
    room = Tenant.objects.get().mail_megabytes * MEGABYTE if parsed.attachments else 0
    opened: list[IO[bytes]] = []
    taken = Taken([], list(parsed.dropped))
    try:
        for number, one in enumerate(parsed.attachments):
            size = int(message.attachments[number]["size"])
            if size > room or (message.is_cut and one.ends_with_message):
                message.attachments[number]["kept"] = False
                taken.left_out.append(one.name)
                continue
            room -= size
            opened.append(_decoded(one))
            taken.files.append(File(opened[-1], name=one.name))
        if len(parsed.text) > LONGEST_TEXT:
            opened.append(BytesIO(parsed.text.encode()))
            taken.files.append(File(opened[-1], name="message.txt"))
        yield taken
    finally:
        for file in opened:
            file.close()


def _decoded(attachment: ParsedAttachment) -> IO[bytes]:
    file: Any = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 (its caller closes it)
    for piece in attachment.pieces():
        file.write(piece)
    file.seek(0)
    return file  # type: ignore[no-any-return]
