"""After the delivery: accepted, sent back, taken back, or accepted by silence."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import events
from accounts.errors import NotAllowed, Refused
from accounts.models import Person
from notifications.models import OutboxMessage, OutboxState
from tickets import followers, notices
from tickets.actions.base import (
    answered,
    begin_period,
    calendar,
    change,
    check_complete,
    heard,
    locked,
    note_status,
    permit,
    required,
    save,
    say,
    wrong_state,
)
from tickets.actions.estimates import reopen_estimate
from tickets.actions.handling import check_quote
from tickets.charges import bill_of
from tickets.models import Approval, Comment, Ticket, TimeEntry
from tickets.periods import reminder_before
from tickets.permissions import may_decide, may_reopen, may_take_back, may_work_on
from tickets.policy import policy_of
from tickets.proof import BY_BUTTON, Origin, Quote, prove, take_back
from tickets.workflow import Status, WaitingFor

INFORMATION_REMINDERS = 2
# What happens to a ticket without anybody acting on what was accepted.
NO_DEEDS = ("ticket.commented", "ticket.participant_added", "ticket.participant_removed")


def something_to_bill(ticket: Ticket) -> bool:
    """Whether an accepted ticket has to go on an invoice; without an organisation there is nobody to send one to."""
    return _is_billed(ticket) and bill_of(ticket).net > 0


def _is_billed(ticket: Ticket) -> bool:
    return ticket.tenant.billing_enabled and ticket.organisation_id is not None


def work_to_bill(ticket: Ticket) -> bool:
    """The same for what ends without an acceptance: a fixed price is owed only where work on it was done."""
    if not _is_billed(ticket):
        return False
    bill = bill_of(ticket)
    return bill.net > 0 and bill.worked > ticket.billed_minutes


@transaction.atomic
def accept_solution(ticket: Ticket, *, by: Person, quote: Quote | None = None, origin: Origin = BY_BUTTON) -> Ticket:
    """The customer accepts what was delivered (B16), or an agent quotes it; the proof is kept.

    Raises NotAllowed, and Refused outside of a review, or when work went on since the delivery.
    """
    ticket = locked(ticket)
    if quote is None:
        permit(may_decide, by, ticket)
    else:
        permit(may_work_on, by, ticket)
        check_quote(ticket, quote)
    if ticket.status == Status.REOPENED and worked_since_delivery(ticket):
        raise wrong_state(ticket)
    return _accept(ticket, ticket.accept_solution, by=by, quote=quote, origin=origin)


@transaction.atomic
def mark_for_invoice(ticket: Ticket, *, by: Person, quote: Quote) -> Ticket:
    """The agent writes down that the customer accepted (B15), also after something small was put right since.

    Raises NotAllowed, and Refused when the quote is nobody's, B6's minimum is missing, or the state has moved on.
    """
    ticket = locked(ticket)
    permit(may_work_on, by, ticket)
    check_complete(ticket)
    check_quote(ticket, quote)
    return _accept(ticket, ticket.mark_for_invoice, by=by, quote=quote, origin=BY_BUTTON)


def worked_since_delivery(ticket: Ticket) -> bool:
    """Whether there is something newer than what was handed over, or nothing was."""
    if ticket.delivered_at is None:
        return True
    return TimeEntry.objects.filter(ticket=ticket, created_at__gt=ticket.delivered_at).exists()


@transaction.atomic
def accept_by_silence(ticket: Ticket) -> Ticket:
    """The review ended without a word (B19). Raises Refused when it did not, or when nobody was reached."""
    ticket = locked(ticket)
    if ticket.waiting_for != WaitingFor.REVIEW:
        raise wrong_state(ticket)
    check_silence(ticket)
    return _accept(ticket, ticket.accept_solution, by=None, quote=None, origin=BY_BUTTON)


def check_silence(ticket: Ticket) -> None:
    """Raises Refused when the period has not ended, or when silence does not count because nobody was reached."""
    if ticket.period_ends_at is None or ticket.period_ends_at > timezone.now():
        raise Refused(_("The time to answer has not ended."), code="too_early")
    if not silence_counts(ticket):
        raise Refused(_("Nobody was reached, so silence does not count."), code="unheard")


def silence_counts(ticket: Ticket) -> bool:
    """Only when the period's notice and a reminder reached somebody active who could have answered."""
    if not ticket.requester.is_active:
        return False
    asked = ASKED[WaitingFor(ticket.waiting_for)]
    sent = OutboxMessage.objects.filter(
        about_label=ticket._meta.label_lower,
        about_id=ticket.pk,
        to_person_id=ticket.requester_id,
        state=OutboxState.SENT,
        created_at__gte=_asked_at(ticket, asked[0]),
        kind__in=asked,
    )
    return len(set(sent.values_list("kind", flat=True))) == len(asked)


# The notice that begins the period and its reminder.
ASKED = {
    WaitingFor.REVIEW: (notices.DELIVERED, notices.REVIEW_REMINDER),
    WaitingFor.INFORMATION: (notices.INFORMATION_REQUESTED, notices.INFORMATION_REMINDER),
}


def _asked_at(ticket: Ticket, kind: str) -> datetime:
    """When the period began: letters of an earlier one do not count. Written in the same transaction, so not after."""
    last = events.last_of(ticket, kind)
    return (last.at if last else ticket.created_at) - timedelta(seconds=5)


def _accept(
    ticket: Ticket, transition: Callable[..., object], *, by: Person | None, quote: Quote | None, origin: Origin
) -> Ticket:
    person = quote.person if quote else by
    change(ticket, transition, something_to_bill=something_to_bill(ticket))
    ticket.accepted_at, ticket.is_held = timezone.now(), False
    answered(ticket, by)
    save(ticket, "accepted_at", "is_held")
    approval = prove(ticket, estimate=None, person=person, by=by, quote=quote, origin=origin)
    note_status(ticket, "accepted", by=by, manner=approval.manner, approval=approval.pk)
    followers.solution_accepted(ticket)
    notices.accepted(ticket, by=by, accepted_by=person)
    return ticket


@transaction.atomic
def take_back_acceptance(ticket: Ticket, *, by: Person, origin: Origin = BY_BUTTON) -> Ticket:
    """A wrong 'Accept' of an estimate or a solution is undone by who gave it, until somebody acts on it; of a closed
    ticket within the reopen period.

    The proof stays, and another row says that it was taken back. Raises NotAllowed, and Refused when it is too late.
    """
    ticket = locked(ticket)
    approval = last_acceptance(ticket)
    if approval is None or not may_take_back(by, approval):
        raise NotAllowed(_("Only the person who accepted can take it back."))
    if not can_be_reopened(ticket):
        raise Refused(_("It was closed too long ago. File a new request that goes on from this one."), code="too_late")
    if not nobody_acted_on(ticket, approval):
        raise Refused(_("Somebody has acted on it already. Please write to us instead."), code="acted_on")
    if approval.subject == Approval.Subject.ESTIMATE:
        reopen_estimate(ticket, approval, by=by, origin=origin)
    else:
        change(ticket, ticket.take_back_solution)
        take_back(approval, by=by, origin=origin)
        ticket.accepted_at = None
        begin_period(ticket, policy_of(ticket).review_days, reminder_before)
    save(ticket, "accepted_at")
    note_status(ticket, "taken_back", by=by, approval=approval.pk, of=approval.subject)
    notices.taken_back(ticket, by=by)
    return ticket


def last_acceptance(ticket: Ticket) -> Approval | None:
    """The newest acceptance, unless it was taken back."""
    rows = Approval.objects.filter(ticket=ticket).select_related("ticket", "estimate").order_by("-pk")
    newest: Approval | None = rows.first()
    return newest if newest is not None and newest.takes_back_id is None else None


def nobody_acted_on(ticket: Ticket, approval: Approval) -> bool:
    """Whether the acceptance is the last thing that happened, but for words and who reads along."""
    last = events.history_of(ticket).exclude(kind__in=NO_DEEDS).last()
    return last is not None and last.data.get("approval") == approval.pk


# ---- reminders and the end of periods ----


@transaction.atomic
def remind_of_review(ticket: Ticket) -> Ticket:
    """Once, before the review ends. Raises Refused when it is over or was said before."""
    ticket = locked(ticket)
    if ticket.waiting_for != WaitingFor.REVIEW or ticket.reminders_sent:
        raise Refused(_("There is nothing to remind of."), code="wrong_state")
    _remind(ticket)
    ticket.clock_at = ticket.period_ends_at
    ticket.save(update_fields=["reminders_sent", "period_ends_at", "clock_at"])
    note_status(ticket, "reminded", by=None)
    notices.review_reminder(ticket)
    return ticket


@transaction.atomic
def remind_of_information(ticket: Ticket) -> Ticket:
    """Twice, before the time to answer ends. Raises Refused when nothing is asked or both were said."""
    ticket = locked(ticket)
    if ticket.waiting_for != WaitingFor.INFORMATION or ticket.reminders_sent >= INFORMATION_REMINDERS:
        raise Refused(_("There is nothing to remind of."), code="wrong_state")
    _remind(ticket)
    assert ticket.period_ends_at is not None
    ticket.clock_at = ticket.period_ends_at
    if ticket.reminders_sent < INFORMATION_REMINDERS:
        ticket.clock_at = reminder_before(timezone.now(), ticket.period_ends_at)
    ticket.save(update_fields=["reminders_sent", "period_ends_at", "clock_at"])
    note_status(ticket, "reminded", by=None)
    notices.information_reminder(ticket, _question(ticket))
    return ticket


def _question(ticket: Ticket) -> Comment | None:
    """What was asked, whoever wrote since."""
    asked = events.last_of(ticket, notices.INFORMATION_REQUESTED)
    return Comment.objects.filter(pk=asked.data["comment"]).first() if asked else None


def _remind(ticket: Ticket) -> None:
    """One that comes late (a clock stood still) moves the end: nobody is bound by a day they were not told of."""
    earliest = calendar(ticket).end_after(timezone.now(), 1)
    ticket.reminders_sent += 1
    ticket.period_ends_at = max(ticket.period_ends_at or earliest, earliest)


@transaction.atomic
def close_unanswered(ticket: Ticket) -> Ticket:
    """The question was not answered (the clock): closed, or to the invoice when billable work was done.

    Raises Refused when the period has not ended or nobody was reached.
    """
    ticket = locked(ticket)
    if ticket.waiting_for != WaitingFor.INFORMATION:
        raise wrong_state(ticket)
    check_silence(ticket)
    change(ticket, ticket.close_unanswered, something_to_bill=work_to_bill(ticket))
    save(ticket)
    note_status(ticket, "closed_unanswered", by=None)
    notices.closed_unanswered(ticket)
    return ticket


@transaction.atomic
def note_unheard_silence(ticket: Ticket) -> Ticket:
    """The period ended but nobody was reached: the agent is told, and no clock asks again.

    Raises Refused when it did not end, or somebody was reached.
    """
    ticket = locked(ticket)
    if ticket.status != Status.WAITING or ticket.period_ends_at is None or ticket.period_ends_at > timezone.now():
        raise wrong_state(ticket)
    if silence_counts(ticket):
        raise Refused(_("Somebody was reached, so silence counts."), code="heard")
    ticket.clock_at = None
    ticket.save(update_fields=["clock_at"])
    note_status(ticket, "silence_unheard", by=None)
    notices.silence_unheard(ticket)
    return ticket


# ---- back to the provider ----


@transaction.atomic
def reopen(ticket: Ticket, *, by: Person, text: str) -> Ticket:
    """Back to the provider, with words. What has ended reopens within the period.

    Raises NotAllowed, and Refused without words, after the period (`follow_up` goes on from there), or when the state
    does not allow it.
    """
    ticket = locked(ticket)
    permit(may_reopen, by, ticket)
    text = required(text, _("Say what is still to be done."))
    if ticket.merged_into_id is not None:
        raise Refused(_("It goes on as a part of another request. Write there."), code="merged")
    if not can_be_reopened(ticket):
        raise Refused(_("It was closed too long ago. File a new request that goes on from this one."), code="too_late")
    change(ticket, ticket.reopen)
    ticket.is_held = False
    heard(ticket, by)
    ticket.accepted_at = None
    save(ticket, "is_held", "accepted_at")
    words = say(ticket, by=by, text=text)
    note_status(ticket, "reopened", by=by, comment=words.pk)
    notices.reopened(ticket, words, by=by)
    return ticket


def can_be_reopened(ticket: Ticket) -> bool:
    """Whether the period in which an ended ticket comes back is still running; others have none."""
    if ticket.closed_at is None:
        return True
    return timezone.now() <= ticket.closed_at + timedelta(days=policy_of(ticket).reopen_days)


@transaction.atomic
def dismiss_objection(ticket: Ticket, *, by: Person) -> Ticket:
    """What held the line back is settled: the next invoice has it. Raises NotAllowed, Refused when nothing held it."""
    ticket = locked(ticket)
    permit(may_work_on, by, ticket)
    if ticket.status != Status.INVOICE or not ticket.is_held:
        raise Refused(_("No objection holds this ticket back."), code="wrong_state")
    ticket.is_held = False
    answered(ticket, by)
    ticket.save(update_fields=["is_held", "unread_since"])
    note_status(ticket, "released", by=by)
    return ticket
