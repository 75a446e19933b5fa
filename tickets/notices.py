"""Who hears what. Never the one who acted; staff by their own address, customers with an address that takes replies."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone

from accounts.models import Person
from notifications.models import OutboxMessage
from notifications.outbox import Letter, put
from tickets.mail.addresses import reply_address
from tickets.models import Comment, Ticket
from tickets.sentences import last_review_day

SUBMITTED = "tickets/mail/submitted"
NEW_TICKET = "tickets/mail/new_ticket"
ASSIGNED = "tickets/mail/assigned"
STARTED = "tickets/mail/started"
COMMENTED = "tickets/mail/commented"
DELIVERED = "tickets/mail/delivered"
REVIEW_REMINDER = "tickets/mail/review_reminder"
SILENCE_UNHEARD = "tickets/mail/silence_unheard"
ACCEPTED = "tickets/mail/accepted"
REOPENED = "tickets/mail/reopened"
CLOSED = "tickets/mail/closed"


def submitted(ticket: Ticket, *, by: Person | None, references: tuple[str, ...]) -> None:
    """The applicant hears that it is registered (K16), the assignee that there is work."""
    if by is None or by.pk != ticket.requester_id or ticket.requester.email:
        _confirm(ticket, references)
    _tell(ticket, _staff(ticket), NEW_TICKET, by=by)


def _confirm(ticket: Ticket, references: tuple[str, ...]) -> None:
    """To the applicant also when they filed it themselves: the mail is their receipt, and its reply reaches us."""
    person = ticket.requester
    # Anybody can write in somebody's name: one confirmation an hour at most, without the sender's words (see template).
    is_proved = ticket.is_verified and person.is_verified
    hour_ago = timezone.now() - timedelta(hours=1)
    if (
        not is_proved
        and OutboxMessage.objects.filter(to_person=person, kind=SUBMITTED, created_at__gte=hour_ago).exists()
    ):
        return
    _tell(ticket, [person], SUBMITTED, by=None, references=references, is_proved=is_proved)


def assigned(ticket: Ticket, *, by: Person) -> None:
    _tell(ticket, _staff(ticket), ASSIGNED, by=by)


def started(ticket: Ticket, *, by: Person) -> None:
    _tell(ticket, [ticket.requester], STARTED, by=by)


def commented(ticket: Ticket, comment: Comment, *, by: Person, references: tuple[str, ...] = ()) -> None:
    """A note stays among staff, and so does what nobody has proved: we do not pass a forger's words on as ours."""
    among_staff = comment.is_internal or not comment.is_verified
    hearers = _staff(ticket) if among_staff else [*_staff(ticket), ticket.requester]
    _tell(ticket, hearers, COMMENTED, by=by, references=references, comment=comment)


def delivered(ticket: Ticket, words: Comment, *, by: Person) -> None:
    _tell(ticket, [ticket.requester], DELIVERED, by=by, comment=words, last_day=last_review_day(ticket))


def review_reminder(ticket: Ticket) -> None:
    _tell(ticket, [ticket.requester], REVIEW_REMINDER, by=None, last_day=last_review_day(ticket))


def silence_unheard(ticket: Ticket) -> None:
    _tell(ticket, _staff(ticket), SILENCE_UNHEARD, by=None)


def accepted(ticket: Ticket, *, by: Person | None) -> None:
    _tell(ticket, [*_staff(ticket), ticket.requester], ACCEPTED, by=by, by_silence=by is None)


def reopened(ticket: Ticket, words: Comment, *, by: Person) -> None:
    _tell(ticket, [*_staff(ticket), ticket.requester], REOPENED, by=by, comment=words)


def closed(ticket: Ticket, *, by: Person, invoice: str) -> None:
    _tell(ticket, [ticket.requester], CLOSED, by=by, invoice=invoice)


def _staff(ticket: Ticket) -> list[Person]:
    return [ticket.assignee] if ticket.assignee else []


def _tell(
    ticket: Ticket,
    hearers: Iterable[Person],
    kind: str,
    *,
    by: Person | None,
    references: tuple[str, ...] = (),
    **context: Any,
) -> None:
    for person in {hearer.pk: hearer for hearer in hearers}.values():
        if not person.is_active or (by is not None and person.pk == by.pk):
            continue
        put(
            Letter(
                kind,
                {"ticket": ticket, "by": by, "link": _path(ticket, person), **context},
                reply_to=reply_address(ticket, person),
                references=references or _thread(ticket, person),
                about=ticket,
            ),
            to=person,
        )


def _path(ticket: Ticket, person: Person) -> str:
    """Where this person reads the ticket, without the host: the template puts the tenant's own before it."""
    if person.is_staff:
        return reverse("admin:tickets_ticket_change", args=[ticket.pk])
    return reverse("request", args=[ticket.reference])


def _thread(ticket: Ticket, person: Person) -> tuple[str, ...]:
    """What this person got about the ticket before, so that their mail program keeps it together."""
    earlier = OutboxMessage.objects.filter(
        about_label=ticket._meta.label_lower, about_id=ticket.pk, to_person=person
    ).order_by("-id")
    return tuple(reversed(earlier.values_list("message_id", flat=True)[:5]))
