"""After the delivery: accepted, sent back, or accepted by silence; and the end."""

import hashlib
from datetime import timedelta

from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts import events
from accounts.errors import Refused
from accounts.models import Person
from notifications.models import OutboxMessage, OutboxState
from tickets import followers, notices
from tickets.actions.base import change, locked, note_status, permit, save
from tickets.models import Approval, Comment, Ticket, TimeEntry
from tickets.periods import end_of_day_after
from tickets.permissions import is_customer, may_bill, may_decide, may_work_on
from tickets.sentences import acceptance_text
from tickets.workflow import Status, WaitingFor


def something_to_bill(ticket: Ticket) -> bool:
    """Whether an accepted ticket has to go on an invoice."""
    return ticket.tenant.billing_enabled and TimeEntry.objects.filter(ticket=ticket, is_billable=True).exists()


@transaction.atomic
def accept_solution(ticket: Ticket, *, by: Person, from_address: str | None = None) -> Ticket:
    """The customer accepts what was delivered; the proof is kept. Raises NotAllowed, and Refused outside a review."""
    ticket = locked(ticket)
    permit(may_decide, by, ticket)
    return _accept(ticket, by=by, manner=Approval.Manner.BUTTON, from_address=from_address)


@transaction.atomic
def accept_by_silence(ticket: Ticket) -> Ticket:
    """The review ended without a word (B19). Raises Refused when it did not, or when nobody was reached."""
    ticket = locked(ticket)
    if ticket.review_ends_at is None or ticket.review_ends_at > timezone.now():
        raise Refused(_("The review has not ended."), code="too_early")
    if not silence_counts(ticket):
        raise Refused(_("Nobody was reached, so silence does not count."), code="unheard")
    return _accept(ticket, by=None, manner=Approval.Manner.SILENCE, from_address=None)


def silence_counts(ticket: Ticket) -> bool:
    """Only when the delivery's notice and a reminder reached somebody active who could have answered."""
    if not ticket.requester.is_active or ticket.delivered_at is None:
        return False
    sent = OutboxMessage.objects.filter(
        about_label=ticket._meta.label_lower,
        about_id=ticket.pk,
        to_person_id=ticket.requester_id,
        state=OutboxState.SENT,
        created_at__gte=ticket.delivered_at - timedelta(seconds=5),
        kind__in=[notices.DELIVERED, notices.REVIEW_REMINDER],
    )
    return len(set(sent.values_list("kind", flat=True))) == 2


def _accept(ticket: Ticket, *, by: Person | None, manner: str, from_address: str | None) -> Ticket:
    # The sentence is taken down before the state moves on, in the words of the one who accepts.
    with translation.override((by or ticket.requester).language):
        text = acceptance_text(ticket)
    change(ticket, ticket.accept_solution, something_to_bill=something_to_bill(ticket))
    now = timezone.now()
    ticket.accepted_at, ticket.clock_at, ticket.is_held = now, None, False
    ticket.closed_at = now if ticket.status == Status.CLOSED else None
    save(ticket, "accepted_at", "clock_at", "is_held", "closed_at")
    approval = Approval.objects.create(
        ticket=ticket,
        subject=Approval.Subject.SOLUTION,
        manner=manner,
        person=by,
        from_address=from_address,
        text=text,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )
    note_status(ticket, "accepted", by=by, manner=manner, approval=approval.pk)
    followers.solution_accepted(ticket)
    notices.accepted(ticket, by=by)
    return ticket


@transaction.atomic
def remind_of_review(ticket: Ticket) -> Ticket:
    """Once, before the review ends. Raises Refused when it is over or was said before."""
    ticket = locked(ticket)
    if ticket.waiting_for != WaitingFor.REVIEW or ticket.reminded_at is not None:
        raise Refused(_("There is nothing to remind of."), code="wrong_state")
    now = timezone.now()
    # A reminder that comes late (a clock stood still) moves the end: nobody is bound by a day they were not told of.
    earliest = end_of_day_after(now, days=1, zone=ticket.tenant.zone)
    ticket.reminded_at = now
    ticket.review_ends_at = ticket.clock_at = max(ticket.review_ends_at or earliest, earliest)
    ticket.save(update_fields=["reminded_at", "review_ends_at", "clock_at"])
    note_status(ticket, "reminded", by=None)
    notices.review_reminder(ticket)
    return ticket


@transaction.atomic
def note_unheard_silence(ticket: Ticket) -> Ticket:
    """The review ended but nobody was reached: the agent is told, and no clock asks again."""
    ticket = locked(ticket)
    ticket.clock_at = None
    ticket.save(update_fields=["clock_at"])
    note_status(ticket, "silence_unheard", by=None)
    notices.silence_unheard(ticket)
    return ticket


@transaction.atomic
def reopen(ticket: Ticket, *, by: Person, text: str) -> Ticket:
    """Back to the provider, with words. A closed ticket reopens within the desk's period.

    Raises NotAllowed, and Refused without words, after the period, or when the state does not allow it.
    """
    ticket = locked(ticket)
    permit(_may_reopen, by, ticket)
    if not text.strip():
        raise Refused(_("Say what is still to be done."), code="empty")
    if ticket.closed_at and timezone.now() > ticket.closed_at + timedelta(days=ticket.tenant.reopen_days):
        raise Refused(_("It was closed too long ago. Please file a new request and name this one."), code="too_late")
    change(ticket, ticket.reopen)
    ticket.clock_at, ticket.closed_at, ticket.is_held = None, None, False
    save(ticket, "clock_at", "closed_at", "is_held")
    words = Comment.objects.create(ticket=ticket, author=by, text=text.strip())
    note_status(ticket, "reopened", by=by, comment=words.pk)
    notices.reopened(ticket, words, by=by)
    return ticket


def _may_reopen(actor: Person, ticket: Ticket) -> bool:
    return is_customer(actor, ticket) or may_work_on(actor, ticket) or may_bill(actor, ticket)


@transaction.atomic
def dismiss_objection(ticket: Ticket, *, by: Person) -> Ticket:
    """What held the line back is settled: the next invoice has it. Raises NotAllowed, Refused when nothing held it."""
    ticket = locked(ticket)
    permit(may_work_on, by, ticket)
    if ticket.status != Status.INVOICE or not ticket.is_held:
        raise Refused(_("No objection holds this ticket back."), code="wrong_state")
    ticket.is_held = False
    ticket.save(update_fields=["is_held"])
    note_status(ticket, "released", by=by)
    return ticket


@transaction.atomic
def close(ticket: Ticket, *, by: Person, reason: str = "", invoice: str = "") -> Ticket:
    """End of the life: `invoice` bears its number, or there is nothing to charge for a `reason`.

    Raises NotAllowed, and Refused when an objection holds it back or neither is given.
    """
    ticket = locked(ticket)
    permit(may_bill, by, ticket)
    if ticket.is_held:
        raise Refused(_("An objection holds %(reference)s back.") % {"reference": ticket.reference}, code="held")
    if not invoice and not reason.strip():
        raise Refused(_("Say why there is nothing to charge."), code="empty")
    change(ticket, ticket.close)
    ticket.closed_at = timezone.now()
    save(ticket, "closed_at")
    events.record("ticket.closed", ticket, by=by, status=ticket.status, invoice=invoice, reason=reason.strip())
    notices.closed(ticket, by=by, invoice=invoice)
    return ticket
