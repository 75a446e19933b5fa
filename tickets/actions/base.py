"""What every verb does in the same way: lock the row, change its state, attach files, set its clock."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection, models
from django.utils import timezone
from django.utils.translation import gettext as _
from django_fsm import TransitionNotAllowed

from accounts import events
from accounts.errors import NotAllowed, Refused
from accounts.locks import settled
from accounts.models import Person
from accounts.thumbnails import draw_later
from accounts.uploads import SentFile, take
from tickets.models import Attachment, Comment, Ticket
from tickets.periods import Calendar, calendar_of
from tickets.policy import policy_of
from tickets.querysets import TicketQuerySet
from tickets.workflow import UNFINISHED

M = TypeVar("M", bound=models.Model)
Rule = Callable[[Person, Ticket], bool]

# What `change` touches; a verb adds its own.
CHANGED = (
    "status",
    "waiting_for",
    "last_activity_at",
    "period_ends_at",
    "reminders_sent",
    "clock_at",
    "closed_at",
    "unread_since",
    "cancel_asked_at",
    "handling_rank",
)


def for_update(*, skip_locked: bool = False) -> TicketQuerySet:
    """Tickets with what verbs look at, held until the transaction ends. Whoever reads them settles them."""
    return Ticket.objects.select_for_update(of=("self",), skip_locked=skip_locked).whole()


def locked(ticket: Ticket) -> Ticket:
    """The ticket as it is now: the second of two verbs sees the first one's state.

    Who locks several at a time says so on the rows; they are not read again.
    """
    return ticket if ticket.is_locked else settled([for_update().get(pk=ticket.pk)])[0]


def all_locked(ids: Iterable[int]) -> dict[int, Ticket]:
    """Several tickets by their ids, locked in that order, so that two verbs at once do not wait for each other."""
    rows = {row.pk: row for row in settled(for_update().filter(pk__in=ids).order_by("pk"))}
    for row in rows.values():
        row.is_locked = True
    return rows


def permit(rule: Rule, actor: Person, ticket: Ticket) -> None:
    """Raises NotAllowed unless the rule holds."""
    if not rule(actor, ticket):
        raise NotAllowed(_("You do not have the right to do this."))


def change(ticket: Ticket, transition: Callable[..., Any], **arguments: Any) -> None:
    """Make a transition. What belonged to the state before – period, reminders, clock, a wish to cancel – ends with it.

    Raises Refused with the state as the person knows it.
    """
    try:
        transition(**arguments)
    except TransitionNotAllowed:
        raise wrong_state(ticket) from None
    now = timezone.now()
    ticket.last_activity_at = now
    ticket.period_ends_at, ticket.reminders_sent, ticket.clock_at = None, 0, None
    ticket.closed_at = now if ticket.has_ended else None
    ticket.cancel_asked_at = None
    if ticket.status not in UNFINISHED:
        ticket.handling_rank = None


def wrong_state(ticket: Ticket) -> Refused:
    sentence = _("This is not possible any more: the status is now “%(status)s”.")
    return Refused(sentence % {"status": ticket.get_status_display()}, code="wrong_state")


def save(ticket: Ticket, *fields: str) -> None:
    ticket.save(update_fields=[*CHANGED, *fields])


def check_complete(ticket: Ticket) -> None:
    """Nothing is handed over before it is known whose it is (B6): it could not be billed. Raises Refused."""
    if not ticket.is_complete:
        raise Refused(_("First the requester's name and the organisation are needed."), code="incomplete")


def answered(ticket: Ticket, by: Person | None) -> None:
    """Somebody at the desk acted or wrote: what the customer wrote before is read."""
    if by is not None and by.is_staff:
        ticket.unread_since = None


def heard(ticket: Ticket, by: Person) -> None:
    """Somebody wrote: a customer's words are unread until somebody at the desk writes or acts."""
    if by.is_staff:
        answered(ticket, by)
    else:
        ticket.unread_since = ticket.unread_since or timezone.now()


def calendar(ticket: Ticket) -> Calendar:
    """How days are counted for this ticket."""
    return calendar_of(ticket.tenant, business_days=policy_of(ticket).business_days)


def begin_period(ticket: Ticket, days: int, first_reminder: Callable[[datetime, datetime], datetime]) -> None:
    """Give the customer so many days from now, and set the clock to the first reminder."""
    now = timezone.now()
    ticket.period_ends_at = calendar(ticket).end_after(now, days)
    ticket.clock_at = first_reminder(now, ticket.period_ends_at)


def required(text: str, sentence: str) -> str:
    """The words without the space around them. Raises Refused with the sentence when there are none."""
    if not text.strip():
        raise Refused(sentence, code="empty")
    return text.strip()


def sent_before(rows: "models.QuerySet[M]", submission: UUID | None, **said: Any) -> tuple[M | None, UUID | None]:
    """What the same form has made already, if it said the same; and the number to keep with what it makes now.

    The second of two identical forms waits until the first one's transaction has ended. A number that stands for other
    words, another person or another ticket is no reason to lose these words: they are kept without it.
    """
    if submission is None:
        return None, None
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [submission.int % 2**63])
    made = rows.filter(submission=submission).first()
    if made is None:
        return None, submission
    return (made if all(getattr(made, name) == value for name, value in said.items()) else None), None


def attach(files: "Iterable[SentFile]", *, by: Person, ticket: Ticket, comment: Comment | None = None) -> None:
    """Keep what was sent along. Here and not before: what a verb refuses or has done already leaves no file behind."""
    kept = take(list(files), by=by)
    if kept:
        draw_later(kept)
        Attachment.objects.bulk_create(Attachment(ticket=ticket, comment=comment, file=row) for row in kept)


def say(ticket: Ticket, *, by: Person, text: str) -> Comment:
    """The words that go with a verb, as a comment that the other side reads."""
    comment: Comment = Comment.objects.create(ticket=ticket, author=by, text=text.strip())
    return comment


def note_status(ticket: Ticket, kind: str, *, by: Person | None, **data: Any) -> None:
    """History: the verb and the state it led to."""
    events.record(f"ticket.{kind}", ticket, by=by, status=ticket.status, **data)
