"""The provider's verbs: take up, assign, record time, hand over."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import events
from accounts.errors import Refused
from accounts.models import Organisation, Person
from accounts.permissions import is_agent
from tickets import gates, notices
from tickets.actions.base import change, locked, note_status, permit, save
from tickets.models import Comment, RequestType, Ticket, TimeEntry
from tickets.models.time import LONGEST_ENTRY
from tickets.periods import end_of_day_after, reminder_before
from tickets.permissions import may_work_on
from tickets.workflow import Status


@transaction.atomic
def assign(ticket: Ticket, *, by: Person, to: Person) -> Ticket:
    """Make a colleague responsible. Raises NotAllowed, and Refused when they are no active agent."""
    ticket = locked(ticket)
    permit(may_work_on, by, ticket)
    if not is_agent(to):
        raise Refused(_("%(name)s does not answer tickets. Choose an agent.") % {"name": to}, code="no_agent")
    if ticket.assignee_id == to.pk:
        return ticket
    ticket.assignee = to
    ticket.save(update_fields=["assignee"])
    events.record("ticket.assigned", ticket, by=by, to=to.pk)
    notices.assigned(ticket, by=by)
    return ticket


@transaction.atomic
def complete(
    ticket: Ticket,
    *,
    by: Person,
    organisation: Organisation | None,
    request_type: RequestType | None,
    priority: int,
) -> Ticket:
    """Fill in what a mail or a call did not say (B6). Raises NotAllowed, and Refused across organisations."""
    ticket = locked(ticket)
    permit(may_work_on, by, ticket)
    before = ticket.organisation, ticket.request_type, ticket.priority
    if before == (organisation, request_type, priority):
        return ticket
    if ticket.status == Status.INVOICE or ticket.has_ended:
        raise Refused(_("What is accepted or has ended is not changed any more. Reopen it first."), code="wrong_state")
    if organisation is None and ticket.status != Status.OPEN:
        raise Refused(_("Work has begun, so the organisation cannot be left out. Choose one."), code="incomplete")
    ticket.organisation, ticket.request_type, ticket.priority = organisation, request_type, priority
    ticket.save(update_fields=["organisation", "request_type", "priority"])
    events.record(
        "ticket.completed",
        ticket,
        by=by,
        organisation=organisation and organisation.pk,
        request_type=request_type and request_type.pk,
        priority=priority,
    )
    return ticket


@transaction.atomic
def start_work(ticket: Ticket, *, by: Person, expected_minutes: int) -> Ticket:
    """Take the ticket up, naming the minutes it will take.

    Raises NotAllowed, and Refused when B6's minimum is missing, a gate says no, or the state has moved on.
    """
    ticket = locked(ticket)
    permit(may_work_on, by, ticket)
    if not ticket.is_complete:
        raise Refused(
            _("Work cannot start yet: the requester's name and the organisation are needed first."), code="incomplete"
        )
    for objection in gates.may_start_work(ticket):
        if objection:
            raise Refused(objection, code="gate")
    change(ticket, ticket.start_work)
    ticket.expected_minutes = expected_minutes
    ticket.assignee = ticket.assignee or by
    save(ticket, "expected_minutes", "assignee")
    note_status(ticket, "started", by=by, expected_minutes=expected_minutes)
    notices.started(ticket, by=by)
    return ticket


@transaction.atomic
def record_time(
    ticket: Ticket, *, by: Person, minutes: int, description: str, is_billable: bool | None = None
) -> TimeEntry:
    """Note minutes worked, 1 to 1,440 an entry. Raises NotAllowed, Refused for an ended ticket or a wrong number."""
    ticket = locked(ticket)
    permit(may_work_on, by, ticket)
    if ticket.has_ended or ticket.status == Status.INVOICE:
        raise Refused(_("It is accepted or has ended; reopen it to record time."), code="wrong_state")
    if not 1 <= minutes <= LONGEST_ENTRY:
        raise Refused(_("An entry takes 1 to 1,440 minutes."), code="minutes")
    if is_billable is None:
        is_billable = ticket.request_type.is_billable if ticket.request_type else True
    entry = TimeEntry.objects.create(
        ticket=ticket,
        person=by,
        minutes=minutes,
        description=description.strip(),
        is_billable=is_billable,
        worked_on=timezone.localdate(timezone=ticket.tenant.zone),
    )
    events.record("ticket.time_recorded", ticket, by=by, minutes=minutes, entry=entry.pk)
    return entry


@transaction.atomic
def deliver(ticket: Ticket, *, by: Person, text: str) -> Ticket:
    """Hand the solution over with words for the customer; their review period begins (A7).

    Raises NotAllowed, and Refused without words or when the state has moved on.
    """
    ticket = locked(ticket)
    permit(may_work_on, by, ticket)
    if not text.strip():
        raise Refused(_("Say what was done; the customer checks it by these words."), code="empty")
    change(ticket, ticket.deliver)
    now = timezone.now()
    ticket.delivered_at, ticket.reminded_at = now, None
    ticket.review_ends_at = end_of_day_after(now, days=ticket.tenant.review_days, zone=ticket.tenant.zone)
    ticket.clock_at = reminder_before(now, ticket.review_ends_at)
    save(ticket, "delivered_at", "reminded_at", "review_ends_at", "clock_at")
    words = Comment.objects.create(ticket=ticket, author=by, text=text.strip())
    note_status(ticket, "delivered", by=by, comment=words.pk, review_ends_at=ticket.review_ends_at)
    notices.delivered(ticket, words, by=by)
    return ticket
