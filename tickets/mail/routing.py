"""Which ticket a message goes on with, and whether its sender may write there."""

import re
import unicodedata
from dataclasses import dataclass

from accounts.hosts import remembered
from accounts.models import Person
from notifications.models import Going, OutboxMessage
from tickets.actions import can_be_reopened
from tickets.mail.parse import ParsedMessage
from tickets.mail.vouching import is_denied, is_vouched_for, relay_of, signed_for
from tickets.models import IncomingMessage, Mailbox, SubjectRule, Ticket
from tickets.permissions import may_comment
from tickets.references import references_in

MOST_IDS, MOST_REFERENCES, MOST_RECEIVED = 20, 5, 200
# What mail programs put before a subject, in the desk's languages and their neighbours'.
_PREFIX = re.compile(
    r"(?:re|fwd?|aw|wg|sv|vs|vb|ref|rv|tr|odp|pd|atb|pars|pārs|pārsūt|odpověď|předáno|na|отв|ha|пересл)\.?(?:\[\d+\])?:\s*"
)


@dataclass(frozen=True)
class Route:
    """Where a message goes. Without a ticket it makes a new one."""

    ticket: Ticket | None = None
    # Who writes, where they are known.
    author: Person | None = None
    # Something proves that the author wrote it.
    is_proved: bool = False
    # What it says it belongs to, where it may not go: it ended too long ago, or is not the author's.
    ended: Ticket | None = None
    claimed: Ticket | None = None


def route_of(message: IncomingMessage, parsed: ParsedMessage) -> Route:
    """By our signed address, then by the mail it answers, then by the reference in its subject.

    Without the signed address or the relay's word a From is only a claim: it may add to a ticket that its person may
    write on, but waits there as unverified.
    """
    sender = Person.objects.active().filter(email=parsed.from_address).first()
    relay = relay_of(message)
    is_vouched = is_vouched_for(parsed, relay)
    # A reply address is shown to whoever is in copy: the relay's plain no outweighs it.
    signed = [] if is_denied(parsed, relay) else signed_for(message, parsed)
    if sender is not None:
        # A forwarded reply address in other hands proves nothing: the From has to be its owner's too.
        own = [ticket_id for ticket_id, person_id in signed if person_id == sender.pk]
        for ticket in _tickets(pk__in=own) if own else ():
            if may_comment(sender, ticket):
                return _to(ticket, sender, is_proved=True)
    claims = _claimed(parsed, [ticket_id for ticket_id, _person_id in signed])
    if sender is not None:
        for ticket in claims:
            if _may_write(sender, ticket):
                return _to(ticket, sender, is_proved=is_vouched)
    return Route(author=sender, is_proved=is_vouched, claimed=claims[0] if claims else None)


def _to(ticket: Ticket, author: Person, *, is_proved: bool) -> Route:
    """The ticket itself, the one it was merged into, or a new one that follows it when it ended too long ago."""
    if ticket.merged_into_id is not None and ticket.merged_into is not None:
        if not _may_write(author, ticket.merged_into):
            return Route(author=author, is_proved=is_proved, ended=ticket)
        ticket = ticket.merged_into
    if ticket.has_ended and not can_be_reopened(ticket):
        return Route(author=author, is_proved=is_proved, ended=ticket)
    return Route(ticket, author, is_proved)


def _may_write(person: Person, ticket: Ticket) -> bool:
    if ticket.requester_id == person.pk:
        return person.is_active
    return may_comment(person, ticket) and Ticket.objects.visible_to(person).filter(pk=ticket.pk).exists()


def answered_ticket(message: IncomingMessage, parsed: ParsedMessage) -> Ticket | None:
    """What an automatic message answers, whoever sent it: for showing it there, and nothing else."""
    found = _claimed(parsed, [ticket_id for ticket_id, _person_id in signed_for(message, parsed)])
    return found[0] if found else None


def _claimed(parsed: ParsedMessage, signed: list[int]) -> list[Ticket]:
    """Tickets that a message says it belongs to: by whom it is addressed to, by the mail it answers, by its subject."""
    ids = [*signed, *_answered(parsed)]
    found = {ticket.pk: ticket for ticket in _tickets(pk__in=ids)} if ids else {}
    by_mail = [found[pk] for pk in dict.fromkeys(ids) if pk in found]
    references = references_in(parsed.subject)[:MOST_REFERENCES]
    by_subject = _tickets(reference__in=references) if references else []
    return [*by_mail, *(ticket for ticket in by_subject if ticket not in by_mail)]


def _answered(parsed: ParsedMessage) -> list[int]:
    """Ids of the tickets that the mails it answers are about: of what it answers first, then of what that answered."""
    answered = list(dict.fromkeys(filter(None, [parsed.in_reply_to, *reversed(parsed.references)])))[:MOST_IDS]
    if not answered:
        return []
    about = OutboxMessage.objects.filter(message_id__in=answered, about_label=Ticket._meta.label_lower)
    # A summary is about many: who answers it answers none of them.
    about = about.exclude(going=Going.DIGEST)
    received = IncomingMessage.objects.filter(message_id__in=answered, ticket__isnull=False)
    rows: list[tuple[str, int | None]] = [
        *about.values_list("message_id", "about_id"),
        # Anybody may write under an id that somebody else has used: the first is the one that was answered.
        *received.order_by("id").values_list("message_id", "ticket_id")[:MOST_RECEIVED],
    ]
    found = sorted(rows, key=lambda row: answered.index(row[0]))
    return [ticket_id for _id, ticket_id in found if ticket_id is not None]


def _tickets(**which: object) -> list[Ticket]:
    # What hangs on them is read where it is asked for: whoever writes on one locks it, and reads it again with that.
    return list(Ticket.objects.filter(**which).order_by("-id"))


def rule_for(mailbox: Mailbox, subject: str) -> SubjectRule | None:
    """What the subject says about the kind of request: the mailbox's own rules first, longer beginnings first."""
    known = remembered("subject rules", lambda: list(SubjectRule.objects.select_related("request_type")))
    rules = [row for row in known if row.mailbox_id in (None, mailbox.pk)]
    said = plain_subject(subject)
    lengths = {
        row: len(begins) for row in rules if (begins := plain_subject(row.begins_with)) and said.startswith(begins)
    }
    return max(lengths, key=lambda row: (row.mailbox_id is not None, lengths[row]), default=None)


def plain_subject(subject: str) -> str:
    """Without case, accents and the marks of answers and forwardings: people type 'jauns lietotajs' too."""
    said = " ".join(unicodedata.normalize("NFC", subject).casefold().split())
    while match := _PREFIX.match(said):
        said = said[match.end() :]
    spread = unicodedata.normalize("NFKD", said)
    return "".join(letter for letter in spread if not unicodedata.combining(letter))
