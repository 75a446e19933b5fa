"""The clocks: what happens when nobody does anything. They call the verbs; what is due is found by index."""

from datetime import datetime, timedelta

import structlog
from celery import shared_task
from django.db import transaction
from django.utils import timezone

from accounts.errors import Refused
from accounts.hosts import tenant_ids
from accounts.tenancy import enter
from tickets import actions
from tickets.models import Ticket
from tickets.workflow import WaitingFor

log = structlog.get_logger(__name__)

BATCH = 100


@shared_task
def accept_silent() -> None:
    """Remind of reviews that end soon and accept those that ended in silence (B19), tenant by tenant."""
    now = timezone.now()
    for tenant_id in tenant_ids("SELECT tenant_id FROM desk_tenants_with_due_clock(%s)", now):
        while work_off(tenant_id, now) == BATCH:
            pass


def work_off(tenant_id: int, now: datetime) -> int:
    """One batch of due tickets, each in its own savepoint; returns how many there were.

    SKIP LOCKED lets two workers share the work, and whoever comes second to a row finds it no longer due.
    """
    with enter(tenant_id):
        due = Ticket.objects.filter(clock_at__lte=now).order_by("clock_at")
        tickets = list(due.select_for_update(skip_locked=True, of=("self",))[:BATCH])
        for ticket in tickets:
            try:
                with transaction.atomic():
                    next_step(ticket, now)
            except Exception:
                # One ticket's trouble must not stop the others' clocks; it is due again in an hour.
                log.exception("clock failed", tenant=tenant_id, reference=ticket.reference)
                Ticket.objects.filter(pk=ticket.pk).update(clock_at=now + timedelta(hours=1))
        return len(tickets)


def next_step(ticket: Ticket, now: datetime) -> None:
    """What the clock does with one due ticket."""
    if ticket.waiting_for != WaitingFor.REVIEW or ticket.review_ends_at is None:
        Ticket.objects.filter(pk=ticket.pk).update(clock_at=None)
    elif ticket.reminded_at is None:
        actions.remind_of_review(ticket)
    elif ticket.review_ends_at <= now:
        _accept_or_tell(ticket)


def _accept_or_tell(ticket: Ticket) -> None:
    try:
        actions.accept_by_silence(ticket)
    except Refused as refusal:
        if refusal.code != "unheard":
            raise
        actions.note_unheard_silence(ticket)
