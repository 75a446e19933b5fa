"""The provider's verbs: assign, complete, take up, ask, hand over, plan the rollout, reject."""

from datetime import date, datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import events
from accounts.errors import NotAllowed, Refused
from accounts.models import Contract, Organisation, Person
from accounts.permissions import is_agent
from tickets import gates, notices
from tickets.actions.base import (
    answered,
    begin_period,
    change,
    check_complete,
    locked,
    note_status,
    permit,
    required,
    save,
    say,
)
from tickets.durations import MOST_MINUTES, as_duration
from tickets.models import Estimate, EstimateState, RequestType, Ticket
from tickets.periods import end_of, half_way, reminder_before
from tickets.permissions import is_customer, may_work_on
from tickets.policy import policy_of, with_tolerance
from tickets.proof import Quote
from tickets.workflow import Status, WaitingFor


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
    contract: Contract | None = None,
    order_number: str | None = None,
    cost_centre: str | None = None,
) -> Ticket:
    """Fill in what a mail or a call did not say (B6), and what the customer's books need.

    `order_number` and `cost_centre` stay as they are when they are not given. Raises NotAllowed, and Refused across
    organisations, or for a ticket that is accepted or has ended.
    """
    ticket = locked(ticket)
    permit(may_work_on, by, ticket)
    new = {
        "organisation": organisation,
        "request_type": request_type,
        "priority": priority,
        "contract": contract,
        "order_number": ticket.order_number if order_number is None else order_number.strip()[:60],
        "cost_centre": ticket.cost_centre if cost_centre is None else cost_centre.strip()[:60],
    }
    changed = [name for name, value in new.items() if getattr(ticket, name) != value]
    if not changed:
        return ticket
    for_books_only = set(changed) <= {"order_number", "cost_centre"}
    if ticket.has_ended or (ticket.status == Status.INVOICE and not for_books_only):
        raise Refused(_("What is accepted or has ended is not changed any more. Reopen it first."), code="wrong_state")
    if organisation is None and ticket.status != Status.OPEN:
        raise Refused(_("Work has begun, so the organisation cannot be left out. Choose one."), code="incomplete")
    if "organisation" in changed:
        _end_estimates(ticket)
        ticket.handling_rank = None  # it had one among the other organisation's
        if ticket.product is not None and not ticket.product.is_offered_to(organisation):
            ticket.product = ticket.component = None
    if contract is not None and not _serves(contract, organisation):
        raise Refused(_("This contract is another organisation's. Choose one of its own."), code="foreign_contract")
    for name, value in new.items():
        setattr(ticket, name, value)
    ticket.save(update_fields=[*changed, "handling_rank", "product", "component"])
    events.record(
        "ticket.completed",
        ticket,
        by=by,
        fields=changed,
        organisation=organisation and organisation.pk,
        request_type=request_type and request_type.pk,
        priority=priority,
    )
    return ticket


def _serves(contract: Contract, organisation: Organisation | None) -> bool:
    """The organisation holds it, or works under it (K8)."""
    if organisation is None:
        return False
    return contract.organisation_id == organisation.pk or contract.users.filter(organisation=organisation).exists()


def _end_estimates(ticket: Ticket) -> None:
    """Another organisation neither decides about what was sent to this one nor is bound by it. Raises Refused."""
    versions = Estimate.objects.filter(ticket=ticket)
    if versions.open().exists():
        raise Refused(_("An estimate waits for this organisation's decision. Withdraw it first."), code="estimate_open")
    if versions.accepted().exists():
        raise Refused(
            _("The organisation has accepted an estimate, so the ticket stays theirs. File another one."),
            code="estimate_agreed",
        )
    versions.filter(state=EstimateState.CHANGES_REQUESTED).update(state=EstimateState.WITHDRAWN)


@transaction.atomic
def start_work(ticket: Ticket, *, by: Person, expected_minutes: int) -> Ticket:
    """Take the ticket up, naming the minutes it will take.

    Raises NotAllowed, and Refused when B6's minimum is missing, when billable work above the threshold has no accepted
    estimate that reaches, when a gate says no, or when the state has moved on.
    """
    ticket = locked(ticket)
    permit(may_work_on, by, ticket)
    if not 1 <= expected_minutes <= MOST_MINUTES:
        raise Refused(_("Say how long it will take: 1 to 60,000 minutes."), code="minutes")
    if not ticket.is_complete:
        raise Refused(
            _("Work cannot start yet: the requester's name and the organisation are needed first."), code="incomplete"
        )
    change(ticket, ticket.start_work)
    _check_threshold(ticket, expected_minutes)
    for objection in gates.may_start_work(ticket):
        if objection:
            raise Refused(objection, code="gate")
    ticket.expected_minutes = expected_minutes
    ticket.assignee = ticket.assignee or by
    # What is worked on again is not handed over any more.
    ticket.delivered_at = ticket.deploy_on = None
    answered(ticket, by)
    save(ticket, "expected_minutes", "assignee", "delivered_at", "deploy_on")
    note_status(ticket, "started", by=by, expected_minutes=expected_minutes)
    notices.started(ticket, by=by)
    return ticket


def _check_threshold(ticket: Ticket, minutes: int) -> None:
    """Work that is charged and takes longer than the threshold has to be approved first (B10, B11)."""
    policy = policy_of(ticket)
    if not policy.is_billable or minutes <= policy.threshold_minutes:
        return
    estimate = Estimate.objects.accepted().filter(ticket=ticket).first()
    if estimate is None:
        raise Refused(
            _("More than %(time)s needs the customer's approval. Send an estimate first.")
            % {"time": as_duration(policy.threshold_minutes)}
            if policy.threshold_minutes
            else _("This work needs the customer's approval. Send an estimate first."),
            code="threshold",
        )
    # At a fixed price it is ours how long it takes.
    if estimate.minutes and minutes > with_tolerance(estimate.minutes, policy.tolerance_percent):
        raise Refused(
            _("The customer accepted %(time)s. Send a new version of the estimate first.")
            % {"time": as_duration(estimate.minutes)},
            code="overrun",
        )


@transaction.atomic
def request_information(ticket: Ticket, *, by: Person, text: str) -> Ticket:
    """Ask the customer; the ticket waits for their answer, with two reminders, until the period ends (B13).

    Raises NotAllowed, and Refused without words or when the state has moved on.
    """
    ticket = locked(ticket)
    permit(may_work_on, by, ticket)
    text = required(text, _("Write the question; the customer answers it."))
    change(ticket, ticket.request_information)
    begin_period(ticket, policy_of(ticket).information_days, half_way)
    ticket.assignee = ticket.assignee or by
    answered(ticket, by)
    save(ticket, "assignee")
    words = say(ticket, by=by, text=text)
    note_status(ticket, "information_requested", by=by, comment=words.pk, ends_at=ticket.period_ends_at)
    notices.information_requested(ticket, words, by=by)
    return ticket


@transaction.atomic
def deliver(ticket: Ticket, *, by: Person, text: str) -> Ticket:
    """Hand the solution over with words for the customer; their review period begins (A7).

    Raises NotAllowed, and Refused without words, when B6's minimum is missing, or when the state has moved on.
    """
    ticket = locked(ticket)
    permit(may_work_on, by, ticket)
    check_complete(ticket)
    text = required(text, _("Say what was done; the customer checks it by these words."))
    change(ticket, ticket.deliver)
    ticket.delivered_at = timezone.now()
    begin_period(ticket, policy_of(ticket).review_days, reminder_before)
    ticket.assignee = ticket.assignee or by
    ticket.deploy_on = None
    answered(ticket, by)
    save(ticket, "assignee", "delivered_at", "deploy_on")
    words = say(ticket, by=by, text=text)
    note_status(ticket, "delivered", by=by, comment=words.pk, ends_at=ticket.period_ends_at)
    notices.delivered(ticket, words, by=by)
    return ticket


@transaction.atomic
def schedule_deployment(ticket: Ticket, *, by: Person, day: date, quote: Quote | None = None) -> Ticket:
    """The customer confirmed, and the rollout to production is planned for a day (B17); no silence accepts here.

    During a review the confirmation has to be quoted. Raises NotAllowed, and Refused for a day in the past, a missing
    quote, when B6's minimum is missing, or when the state has moved on.
    """
    ticket = locked(ticket)
    permit(may_work_on, by, ticket)
    check_complete(ticket)
    if day < ticket.tenant.today:
        raise Refused(_("This day has passed. Choose today or a later day."), code="dates")
    if ticket.waiting_for == WaitingFor.REVIEW and quote is None:
        raise Refused(_("Write down how the customer confirmed the solution."), code="quote")
    if quote is not None:
        check_quote(ticket, quote)
    change(ticket, ticket.schedule_deployment)
    ticket.deploy_on = day
    ticket.clock_at = end_of(day, ticket.tenant.zone)
    answered(ticket, by)
    save(ticket, "deploy_on")
    note_status(ticket, "deployment_scheduled", by=by, day=day, quote=quote.as_data if quote else None)
    notices.deployment_scheduled(ticket, by=by)
    return ticket


def check_quote(ticket: Ticket, quote: Quote) -> None:
    """Only the words of somebody who decides for the customer count. Raises Refused."""
    required(quote.words, _("Write down what the customer said."))
    if not is_customer(quote.person, ticket):
        raise NotAllowed(_("%(name)s does not decide about this ticket.") % {"name": quote.person})


@transaction.atomic
def remind_of_deployment(ticket: Ticket, *, again_at: datetime) -> Ticket:
    """The planned day is over and nothing was reported: the agent hears it, again at `again_at`."""
    ticket = locked(ticket)
    if ticket.status != Status.READY_TO_DEPLOY or ticket.deploy_on is None:
        raise Refused(_("There is nothing to remind of."), code="wrong_state")
    ticket.reminders_sent += 1
    ticket.clock_at = again_at
    ticket.save(update_fields=["reminders_sent", "clock_at"])
    note_status(ticket, "deployment_due", by=None)
    notices.deployment_due(ticket)
    return ticket


@transaction.atomic
def reject(ticket: Ticket, *, by: Person, text: str = "", is_spam: bool = False) -> Ticket:
    """The provider does not take it and says why; of spam nobody hears. Raises NotAllowed, Refused without a reason."""
    ticket = locked(ticket)
    permit(may_work_on, by, ticket)
    if not is_spam:
        text = required(text, _("Say why; the customer reads it."))
    change(ticket, ticket.reject)
    answered(ticket, by)
    save(ticket)
    note_status(ticket, "rejected", by=by, reason=text.strip(), is_spam=is_spam)
    if not is_spam:
        notices.rejected(ticket, by=by, reason=text)
    return ticket
