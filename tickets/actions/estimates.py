"""Estimates: sent, accepted, sent back, withdrawn, expired. Only a person accepts one, never a clock."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.approvers import approver_for, approvers_of, may_approve_something
from accounts.errors import NotAllowed, Refused
from accounts.models import Person
from tickets import followers, notices
from tickets.actions.base import (
    answered,
    calendar,
    change,
    heard,
    locked,
    note_status,
    permit,
    required,
    save,
    say,
    wrong_state,
)
from tickets.charges import as_hours
from tickets.durations import MOST_MINUTES
from tickets.models import Approval, Estimate, EstimateLine, EstimateState, Ticket
from tickets.periods import end_of, reminder_before
from tickets.permissions import is_customer, may_work_on
from tickets.policy import policy_of
from tickets.proof import BY_BUTTON, Origin, Quote, prove, take_back
from tickets.sentences import money
from tickets.sums import to_cents, vat_by_rate
from tickets.workflow import Status

MOST_LINES = 100
# What an estimate may come to: a typing mistake is told, and what the columns hold is never reached.
MOST_MONEY = Decimal(10) ** 9
Kind = EstimateLine.Kind


@dataclass(frozen=True)
class NewLine:
    """A line to be sent: minutes at a price of an hour (empty: the ticket's), or a fixed price."""

    description: str
    minutes: int | None = None
    price: Decimal | None = None


@transaction.atomic
def send_estimate(
    ticket: Ticket,
    *,
    by: Person,
    lines: Sequence[NewLine],
    due_on: date,
    valid_until: date | None = None,
    terms: str = "",
    note: str = "",
    zero_reason: str = "",
    after: int | None = None,
) -> Estimate:
    """Send the next version of the estimate to those who may accept its amount; it replaces the open one (B11).

    `after` is the newest version that was there when this one was written, 0 for none: what a colleague sent in between
    is not replaced unread, and a form sent twice makes one version.
    Raises NotAllowed, and Refused when B6's minimum is missing, billing is off, a line or date is wrong, a price of
    zero has no reason, or nobody at the organisation may approve the amount.
    """
    ticket = locked(ticket)
    permit(may_work_on, by, ticket)
    today = ticket.tenant.today
    if not ticket.tenant.billing_enabled:
        raise Refused(_("Billing is switched off for this desk, so there are no estimates."), code="no_billing")
    if not ticket.is_complete or ticket.organisation is None:
        raise Refused(
            _("An estimate cannot be sent yet: the requester's name and the organisation are needed first."),
            code="incomplete",
        )
    versions = list(Estimate.objects.filter(ticket=ticket))
    newest = max((before.version for before in versions), default=0)
    if after is not None and after != newest:
        raise Refused(
            _("Another version was sent while you wrote this one. It stands below; compare first."), code="replaced"
        )
    policy = policy_of(ticket)
    rows = [_line(number, line, policy.hourly_rate, ticket) for number, line in enumerate(lines, start=1)]
    if not 1 <= len(rows) <= MOST_LINES:
        raise Refused(_("An estimate has 1 to %(most)d lines.") % {"most": MOST_LINES}, code="lines")
    net = sum((row.net for row in rows), Decimal(0))
    if net >= MOST_MONEY:
        raise Refused(
            _("It comes to %(amount)s. Check the times and prices.") % {"amount": money(net, ticket.tenant.currency)},
            code="price",
        )
    if not net:
        required(zero_reason, _("Say why it costs nothing; the customer reads it."))
    valid_until = valid_until or calendar(ticket).day_after(today, policy.estimate_days)
    if valid_until < today or due_on < today:
        raise Refused(_("The dates lie in the past. Choose today or a later day."), code="dates")
    deciders = approvers_of(ticket.organisation, net, today=today)
    if not deciders:
        raise Refused(
            _(
                "Nobody at %(organisation)s can approve %(amount)s. Ask its head for a higher limit, or enter an "
                "approver among its representatives."
            )
            % {"organisation": ticket.organisation, "amount": money(net, ticket.tenant.currency)},
            code="no_approver",
        )
    change(ticket, ticket.send_estimate)
    for before in versions:
        if before.is_open:
            _move(before, EstimateState.REPLACED)
    vat = sum(vat_by_rate(rows).values(), Decimal(0))
    estimate = Estimate.objects.create(
        ticket=ticket,
        version=newest + 1,
        currency=ticket.tenant.currency,
        minutes=sum(row.minutes or 0 for row in rows),
        net_total=net,
        vat_total=vat,
        total=net + vat,
        due_on=due_on,
        valid_until=valid_until,
        terms=terms.strip(),
        note=note.strip(),
        zero_reason="" if net else zero_reason.strip(),
        sent_by=by,
    )
    for row in rows:
        row.estimate = estimate
    EstimateLine.objects.bulk_create(rows)
    _watch_validity(ticket, estimate)
    answered(ticket, by)
    ticket.assignee = ticket.assignee or by
    save(ticket, "assignee")
    note_status(ticket, "estimate_sent", by=by, estimate=estimate.pk, version=estimate.version)
    notices.estimate_sent(ticket, estimate, deciders, by=by)
    return estimate


def _line(position: int, line: NewLine, hourly_rate: Decimal, ticket: Ticket) -> EstimateLine:
    description = required(line.description, _("Every line needs words: the customer reads what it is for."))
    if len(description) > 250:
        raise Refused(_("A line has at most 250 characters. Put more into the note."), code="lines")
    is_hourly = line.minutes is not None
    if is_hourly and not 1 <= (line.minutes or 0) <= MOST_MINUTES:
        raise Refused(_("An hourly line takes 1 to 60,000 minutes."), code="minutes")
    if not is_hourly and line.price is None:
        raise Refused(_("A line needs time or a fixed price."), code="lines")
    price = line.price if line.price is not None else hourly_rate
    if not 0 <= price < Decimal(10) ** 10 or price != to_cents(price):
        raise Refused(_("A price is zero or more, with two places at most."), code="price")
    # As the invoice will count it: what is worked as estimated costs what was estimated, to the cent.
    net = price if not is_hourly else as_hours(line.minutes or 0) * price
    return EstimateLine(
        position=position,
        kind=Kind.HOURS if is_hourly else Kind.FIXED,
        description=description,
        minutes=line.minutes,
        unit_price=price,
        vat_rate=ticket.tenant.vat_rate,
        net=to_cents(net),
    )


def _watch_validity(ticket: Ticket, estimate: Estimate) -> None:
    """The clock reminds of an open estimate before its last day ends, and then lets it expire."""
    ticket.period_ends_at = end_of(estimate.valid_until, ticket.tenant.zone)
    ticket.clock_at = reminder_before(timezone.now(), ticket.period_ends_at)


def _move(estimate: Estimate, state: EstimateState) -> None:
    estimate.state, estimate.decided_at = state, timezone.now()
    estimate.save(update_fields=["state", "decided_at"])


def end_open_estimate(ticket: Ticket) -> None:
    """For verbs that end the ticket while an estimate is open."""
    Estimate.objects.open().filter(ticket=ticket).update(state=EstimateState.WITHDRAWN, decided_at=timezone.now())


def _open_estimate(ticket: Ticket) -> Estimate:
    """Of a ticket in ESTIMATED: there is one."""
    found: Estimate = Estimate.objects.open().get(ticket=ticket)
    return found


@transaction.atomic
def accept_estimate(
    ticket: Ticket,
    *,
    by: Person,
    version: int | None = None,
    quote: Quote | None = None,
    origin: Origin = BY_BUTTON,
    order_number: str = "",
) -> Ticket:
    """An approver within their limit accepts the version (B12); an agent may quote one. The proof is kept.

    `version` is the one that was read: another one that came in between is not accepted by mistake. After a request
    for changes the same version can still be accepted while it is neither replaced nor expired.
    Raises NotAllowed, and Refused when there is nothing to accept or the approver's limit does not reach.
    """
    ticket = locked(ticket)
    if quote is not None:
        permit(may_work_on, by, ticket)
    person = quote.person if quote else by
    versions = list(Estimate.objects.filter(ticket=ticket).order_by("-version"))
    estimate = _acceptable(versions)
    if estimate is None or ticket.status not in (Status.ESTIMATED, Status.REOPENED):
        raise wrong_state(ticket)
    if version is not None and version != estimate.version:
        raise Refused(_("There is a newer version of the estimate. Please read it first."), code="replaced")
    today = ticket.tenant.today
    if estimate.valid_until < today:
        raise Refused(_("The estimate is not valid any more. Please ask for a new one."), code="expired")
    right_of = _approver(ticket, estimate, person, today)
    if quote is not None:
        required(quote.words, _("Write down what the customer said."))
    change(ticket, ticket.accept_estimate)
    for before in versions:
        if before.is_accepted:
            Estimate.objects.filter(pk=before.pk).update(state=EstimateState.REPLACED)
    _move(estimate, EstimateState.ACCEPTED)
    in_place_of = right_of if right_of.pk != person.pk else None
    approval = prove(
        ticket,
        estimate=estimate,
        person=person,
        by=by,
        quote=quote,
        origin=replace(origin, in_place_of=in_place_of),
    )
    if order_number.strip():
        ticket.order_number = order_number.strip()[:60]
    ticket.due_date = estimate.due_on
    answered(ticket, by)
    # An order that has to be paid by a moment is watched until then (billing answers; nobody asks for it yet).
    ticket.clock_at = min((moment for moment in followers.estimate_accepted(ticket, estimate) if moment), default=None)
    save(ticket, "order_number", "due_date")
    note_status(
        ticket, "estimate_accepted", by=by, approval=approval.pk, version=estimate.version, manner=approval.manner
    )
    notices.estimate_accepted(ticket, estimate, by=by, accepted_by=person)
    return ticket


def acceptable(ticket: Ticket) -> Estimate | None:
    """The version that can be accepted: the open one, or the one that the customer wanted changed."""
    return _acceptable(Estimate.objects.filter(ticket=ticket).order_by("-version")[:1])


def _acceptable(versions: Iterable[Estimate]) -> Estimate | None:
    """Of the versions, newest first."""
    newest = next(iter(versions), None)
    states = (EstimateState.OPEN, EstimateState.CHANGES_REQUESTED)
    return newest if newest is not None and newest.state in states else None


def _approver(ticket: Ticket, estimate: Estimate, person: Person, today: date) -> Person:
    """In whose right the person accepts. Raises NotAllowed when the limit does not reach or there is no right."""
    assert ticket.organisation is not None  # no estimate is sent without one
    right_of = approver_for(person, ticket.organisation, estimate.net_total, today=today)
    if right_of is None:
        names = ", ".join(str(one) for one in approvers_of(ticket.organisation, estimate.net_total, today=today))
        raise NotAllowed(
            _("%(name)s may not accept %(amount)s. Those who may: %(people)s.")
            % {"name": person, "amount": money(estimate.net_total, estimate.currency), "people": names or "–"}
        )
    return right_of


def may_answer_estimate(actor: Person, ticket: Ticket) -> bool:
    """Whoever decides for the customer, whoever may approve anything for the organisation, and deputies of those."""
    if actor.is_staff:
        return False
    return (
        is_customer(actor, ticket) or may_approve_something(actor, ticket.organisation_id) or _stands_in(actor, ticket)
    )


def _stands_in(actor: Person, ticket: Ticket) -> bool:
    estimate = acceptable(ticket)
    if estimate is None or ticket.organisation is None:
        return False
    today = ticket.tenant.today
    return approver_for(actor, ticket.organisation, estimate.net_total, today=today) is not None


@transaction.atomic
def request_changes(ticket: Ticket, *, by: Person, text: str) -> Ticket:
    """The customer wants another estimate and says what; an earlier accepted version stays valid.

    Raises NotAllowed, and Refused without words or when no estimate is open.
    """
    ticket = locked(ticket)
    permit(may_answer_estimate, by, ticket)
    text = required(text, _("Say what should change."))
    change(ticket, ticket.request_changes)
    _move(_open_estimate(ticket), EstimateState.CHANGES_REQUESTED)
    heard(ticket, by)
    save(ticket)
    words = say(ticket, by=by, text=text)
    note_status(ticket, "changes_requested", by=by, comment=words.pk)
    notices.changes_requested(ticket, words, by=by)
    return ticket


@transaction.atomic
def withdraw_estimate(ticket: Ticket, *, by: Person, text: str) -> Ticket:
    """The agent takes the open version back and says why. Raises NotAllowed, Refused when none is open."""
    ticket = locked(ticket)
    permit(may_work_on, by, ticket)
    text = required(text, _("Say why; the customer reads it."))
    change(ticket, ticket.withdraw_estimate)
    estimate = _open_estimate(ticket)
    _move(estimate, EstimateState.WITHDRAWN)
    answered(ticket, by)
    save(ticket)
    note_status(ticket, "estimate_withdrawn", by=by, version=estimate.version, reason=text)
    notices.estimate_withdrawn(ticket, estimate, by=by, reason=text)
    return ticket


@transaction.atomic
def remind_of_estimate(ticket: Ticket) -> Ticket:
    """Once, before the validity ends. Raises Refused when it was said before or nothing is open."""
    ticket = locked(ticket)
    estimate = Estimate.objects.open().filter(ticket=ticket).first()
    if ticket.status != Status.ESTIMATED or ticket.reminders_sent or estimate is None:
        raise wrong_state(ticket)
    ticket.reminders_sent, ticket.clock_at = 1, ticket.period_ends_at
    ticket.save(update_fields=["reminders_sent", "clock_at"])
    note_status(ticket, "reminded", by=None)
    notices.estimate_reminder(ticket, estimate)
    return ticket


@transaction.atomic
def expire_estimate(ticket: Ticket) -> Ticket:
    """The validity ended without a decision. Raises Refused when it did not."""
    ticket = locked(ticket)
    if ticket.period_ends_at is None or ticket.period_ends_at > timezone.now():
        raise Refused(_("The estimate is still valid."), code="too_early")
    change(ticket, ticket.withdraw_estimate)
    estimate = _open_estimate(ticket)
    _move(estimate, EstimateState.EXPIRED)
    save(ticket)
    note_status(ticket, "estimate_expired", by=None, version=estimate.version)
    notices.estimate_expired(ticket, estimate)
    return ticket


def reopen_estimate(ticket: Ticket, approval: Approval, *, by: Person, origin: Origin) -> None:
    """Undo of an acceptance: the version waits again, until the last day that stands in it."""
    estimate = approval.estimate
    assert estimate is not None
    change(ticket, ticket.take_back_estimate)
    take_back(approval, by=by, origin=origin)
    Estimate.objects.filter(pk=estimate.pk).update(state=EstimateState.OPEN, decided_at=None)
    before = Approval.objects.filter(ticket=ticket, subject=Approval.Subject.ESTIMATE, pk__lt=approval.pk)
    stands = before.filter(takes_back=None, taken_back_by=None).select_related("estimate").order_by("-pk").first()
    if stands is not None and stands.estimate is not None:
        # What had been accepted before it is agreed again.
        Estimate.objects.filter(pk=stands.estimate.pk).update(state=EstimateState.ACCEPTED)
    _watch_validity(ticket, estimate)
