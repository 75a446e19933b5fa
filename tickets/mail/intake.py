"""From raw bytes to a ticket or a comment. Stored first, processed after, once, in one transaction; nothing is lost."""

import hashlib
import io
from dataclasses import replace
from datetime import timedelta

import structlog
from django.core.files.base import File
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import events
from accounts.addresses import normalise_address
from accounts.errors import NotAllowed, Refused
from accounts.files import open_file, store
from accounts.hosts import current_host
from accounts.models import Person
from accounts.permissions import is_agent
from notifications.delivery import instance_id
from notifications.models import OutboxMessage
from tickets import actions
from tickets.mail.addresses import read_reply_address, split_tag
from tickets.mail.automatic import classify
from tickets.mail.parse import ParsedMessage, parse, reply_text
from tickets.models import IncomingMessage, Ticket
from tickets.models.incoming import IncomingState
from tickets.permissions import may_comment
from tickets.references import references_in

log = structlog.get_logger(__name__)

MOST_TRIES = 3
RETRY = timedelta(minutes=5)


def find_mailbox(recipient: str) -> tuple[int, int] | None:
    """(tenant id, mailbox id) for an envelope recipient, its signed part aside, or None."""
    address = normalise_address(split_tag(recipient)[0])
    if not address:
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT tenant_id, mailbox_id FROM desk_find_mailbox(%s)", [address])
        found: tuple[int, int] | None = cursor.fetchone()
    return found


@transaction.atomic
def keep(raw: bytes, *, mailbox_id: int, envelope_from: str, envelope_to: str) -> IncomingMessage:
    """Store a message as it came, in the entered tenant. The same bytes for the same recipient are stored once."""
    digest = hashlib.sha256(raw).hexdigest()
    known = IncomingMessage.objects.filter(mailbox_id=mailbox_id, envelope_to=envelope_to[:320], sha256=digest).first()
    if known is not None:
        return known
    return IncomingMessage.objects.create(
        mailbox_id=mailbox_id,
        envelope_from=envelope_from[:320],
        envelope_to=envelope_to[:320],
        raw=store(io.BytesIO(raw), name="message.eml", by=None),
        sha256=digest,
    )


def process(message_id: int) -> IncomingMessage | None:
    """Make of one stored message what it is to become. None when it is done already or another worker has it."""
    message = (
        IncomingMessage.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("mailbox__request_type", "raw")
        .filter(pk=message_id, next_try_at__isnull=False)
        .first()
    )
    if message is None:
        return None
    try:
        with transaction.atomic():
            _become(message)
    except Exception as error:  # a bad message must neither vanish nor stand in the way of those behind it
        log.exception("incoming mail failed", message=message.message_id, incoming=message.pk)
        _note_failure(message, error)
    message.save()
    return message


@transaction.atomic
def try_again(message: IncomingMessage, *, by: Person) -> None:
    """Have a message processed again that failed. Raises NotAllowed, and Refused when it did not fail."""
    if not is_agent(by):
        raise NotAllowed(_("Only agents and managers process mail again."))
    message = IncomingMessage.objects.select_for_update(of=("self",)).get(pk=message.pk)
    if message.state not in (IncomingState.FAILED, IncomingState.QUARANTINED):
        raise Refused(_("This message did not fail: it is not processed twice."), code="not_failed")
    message.next_try_at, message.tries = timezone.now(), 0
    message.save(update_fields=["next_try_at", "tries"])
    events.record("incomingmessage.tried_again", message, by=by)


def _note_failure(message: IncomingMessage, error: Exception) -> None:
    message.tries += 1
    gives_up = message.tries >= MOST_TRIES
    message.state = IncomingState.QUARANTINED if gives_up else IncomingState.FAILED
    message.reason = f"{type(error).__name__}: {error}"[:500].replace("\x00", "")
    message.ticket = message.comment = None
    message.next_try_at = None if gives_up else timezone.now() + RETRY


def _become(message: IncomingMessage) -> None:
    with open_file(message.raw) as file:
        parsed = parse(file.read())
    # In the form in which addresses are stored: a person known by it is not made twice.
    parsed = replace(parsed, from_address=normalise_address(parsed.from_address) or parsed.from_address)
    message.message_id = parsed.message_id[:255]
    message.next_try_at = None
    automatic = classify(parsed, instance=instance_id())
    if automatic is not None or not message.envelope_from:
        _end(message, IncomingState.AUTOMATIC, automatic.value if automatic else "no sender")
    elif not parsed.from_address:
        _end(message, IncomingState.IGNORED, "no single sender address")
    else:
        _file(message, parsed)


def _end(message: IncomingMessage, state: str, reason: str) -> None:
    message.state, message.reason = state, reason[:500]


def _file(message: IncomingMessage, parsed: ParsedMessage) -> None:
    """A comment where the sender may write one; else a new ticket."""
    ticket, author, is_verified = _conversation(message, parsed)
    files = [File(io.BytesIO(one.content), name=one.name) for one in parsed.attachments]
    if ticket is not None and author is not None:
        text, quoted = reply_text(parsed.text)
        message.comment = actions.comment_by_mail(
            ticket,
            by=author,
            text=text or _("(no text, see the files)"),
            quoted=quoted,
            files=files,
            is_verified=is_verified,
            references=_thread_of(parsed),
        )
        message.ticket = ticket
        _end(message, IncomingState.COMMENT, "")
        return
    author = author or _sender(parsed)
    message.ticket = actions.submit_by_mail(
        requester=author,
        subject=parsed.subject[:200] or _("(no subject)"),
        description=parsed.text[:100_000],
        request_type=message.mailbox.request_type,
        files=files,
        references=_thread_of(parsed),
    )
    _end(message, IncomingState.TICKET, "")


def _thread_of(parsed: ParsedMessage) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*parsed.references, parsed.message_id]))[-20:] if parsed.message_id else ()


def _conversation(message: IncomingMessage, parsed: ParsedMessage) -> tuple[Ticket | None, Person | None, bool]:
    """(ticket, author, proved) that a message continues, or a None ticket for a new one.

    Our signed address proves that the author got a mail of ours. Without it a From is only a claim: it may add to a
    ticket that its person may write on, but waits there as unverified.
    """
    signed = read_reply_address(message.envelope_to)
    sender = Person.objects.active().filter(email=parsed.from_address).first()
    if signed is not None:
        ticket_id, person_id = signed
        ticket = Ticket.objects.filter(pk=ticket_id).first()
        author = Person.objects.active().filter(pk=person_id).first()
        # A forwarded reply address in other hands proves nothing: the From has to be its owner's too.
        if ticket and author and author.email == parsed.from_address and may_comment(author, ticket):
            return ticket, author, True
    if sender is not None:
        for ticket in _claimed(parsed):
            if may_comment(sender, ticket) and Ticket.objects.visible_to(sender).filter(pk=ticket.pk).exists():
                return ticket, sender, False
    return None, sender, False


def _claimed(parsed: ParsedMessage) -> list[Ticket]:
    """Tickets that a message says it belongs to: by the mail it answers, then by the reference in its subject."""
    answered = list(dict.fromkeys(filter(None, [parsed.in_reply_to, *reversed(parsed.references)])))[:20]
    about = OutboxMessage.objects.filter(message_id__in=answered, about_label=Ticket._meta.label_lower)
    received = IncomingMessage.objects.filter(message_id__in=answered, ticket__isnull=False)
    ids = [*about.values_list("about_id", flat=True), *received.values_list("ticket_id", flat=True)]
    by_mail = list(Ticket.objects.filter(pk__in=ids))
    by_subject = list(Ticket.objects.filter(reference__in=references_in(parsed.subject)[:5]))
    return [*by_mail, *by_subject]


def _sender(parsed: ParsedMessage) -> Person:
    """The person of a new address: an applicant whose address nobody has proved, spoken to in the desk's language."""
    # Two first mails at once are two of one person: the second finds what the first has made.
    person, _made = Person.objects.get_or_create(
        email=parsed.from_address,
        defaults={
            "name": parsed.from_name[:150] or parsed.from_address.partition("@")[0],
            "language": current_host().tenant.language,
            "is_verified": False,
        },
    )
    return person


def due_incoming(limit: int) -> list[int]:
    """Ids of stored messages that wait to be processed (again), oldest first."""
    due = IncomingMessage.objects.filter(next_try_at__lte=timezone.now()).order_by("next_try_at", "id")
    return list(due.values_list("pk", flat=True)[:limit])
