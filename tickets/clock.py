"""The clocks: what happens when nobody does anything. They call the verbs; what is due is found by index.

A ticket carries the moment at which a clock has to look at it again (`clock_at`). What happens then follows from its
state; a day that was missed is caught up in order, because each step sets the moment of the next one.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from celery import shared_task
from django.utils import timezone

from accounts.errors import Refused
from accounts.hosts import tenant_ids
from accounts.jobs import enqueue
from accounts.locks import settled
from accounts.tenancy import enter
from tickets import actions
from tickets.actions.base import for_update
from tickets.actions.review import INFORMATION_REMINDERS
from tickets.models import Ticket
from tickets.models.ticket import read_company
from tickets.workflow import Status, WaitingFor

log = structlog.get_logger(__name__)

BATCH = 100
# A rollout that was not reported is asked about again each week.
DEPLOYMENT_REMINDER = timedelta(days=7)


@shared_task
def run_clocks() -> None:
    """Do what is due, tenant by tenant."""
    for tenant_id in tenant_ids("SELECT tenant_id FROM desk_tenants_with_due_clock(%s)", timezone.now()):
        run_clock(tenant_id)


@shared_task
def run_clock(tenant_id: int) -> None:
    """Do what is due at one tenant. A long list is shared: another worker begins at the same time, and SKIP LOCKED
    lets neither wait for the other."""
    now = timezone.now()
    if work_off(tenant_id, now) < BATCH:
        return
    enqueue(run_clock, tenant_id)
    while work_off(tenant_id, now) == BATCH:
        pass


def work_off(tenant_id: int, now: datetime) -> int:
    """One batch of due tickets, each in the savepoint of its verb; returns how many there were.

    Whoever comes second to a row finds it no longer due.
    """
    with enter(tenant_id):
        due = for_update(skip_locked=True).filter(clock_at__lte=now).order_by("clock_at")
        tickets = settled(due[:BATCH])
        read_company(tickets)
        for ticket in tickets:
            ticket.is_locked = True
            try:
                next_step(ticket, now)
            except Exception:
                # One ticket's trouble must not stop the others' clocks; it is due again in an hour.
                log.exception("clock failed", tenant=tenant_id, reference=ticket.reference)
                Ticket.objects.filter(pk=ticket.pk).update(clock_at=now + timedelta(hours=1))
        return len(tickets)


def next_step(ticket: Ticket, now: datetime) -> None:
    """What the clock does with one due ticket."""
    match ticket.status, ticket.waiting_for:
        case Status.WAITING, WaitingFor.REVIEW:
            _review(ticket)
        case Status.WAITING, WaitingFor.INFORMATION:
            _information(ticket)
        case Status.ESTIMATED, _:
            _validity(ticket)
        case Status.READY_TO_DEPLOY, _:
            actions.remind_of_deployment(ticket, again_at=now + DEPLOYMENT_REMINDER)
        case Status.ESTIMATE_ACCEPTED, _:
            _order(ticket)
        case _:
            _nothing_due(ticket)


def _review(ticket: Ticket) -> None:
    if not ticket.reminders_sent:
        actions.remind_of_review(ticket)
    else:
        _or_tell_agent(ticket, actions.accept_by_silence)


def _information(ticket: Ticket) -> None:
    if ticket.reminders_sent < INFORMATION_REMINDERS:
        actions.remind_of_information(ticket)
    else:
        _or_tell_agent(ticket, actions.close_unanswered)


def _validity(ticket: Ticket) -> None:
    if not ticket.reminders_sent and ticket.period_ends_at is not None and ticket.period_ends_at > timezone.now():
        actions.remind_of_estimate(ticket)
    else:
        actions.expire_estimate(ticket)


def _order(ticket: Ticket) -> None:
    """The order's time to be paid is over; where it was paid meanwhile, nothing is due."""
    try:
        actions.lapse_unpaid_order(ticket)
    except Refused:
        _nothing_due(ticket)


def _nothing_due(ticket: Ticket) -> None:
    Ticket.objects.filter(pk=ticket.pk).update(clock_at=None)


def _or_tell_agent(ticket: Ticket, end: Callable[[Ticket], object]) -> None:
    """Let the period's end do its work, or tell the agent that silence does not count."""
    try:
        end(ticket)
    except Refused as refusal:
        if refusal.code != "unheard":
            raise
        actions.note_unheard_silence(ticket)
