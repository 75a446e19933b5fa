"""Jobs of the intake. They call verbs (through tickets.mail.intake), so they live above them."""

from datetime import timedelta
from functools import partial

from celery import shared_task
from django.db import connection
from django.utils import timezone

from accounts.hosts import tenant_ids
from accounts.jobs import enqueue, gathered
from accounts.tenancy import enter
from notifications.tasks import deliver
from tickets.mail import intake
from tickets.mail.collector import collect
from tickets.mail.troubles import desks_with_troubles, tell_of_troubles
from tickets.models.mailboxes import Mailbox

SWEEP_BATCH = 5_000
# So many messages of a backlog are one job.
A_JOB = 10
# A mailbox that was handed to a worker is handed out again when nothing came of it.
COLLECT_AGAIN = timedelta(seconds=40)


@shared_task
def process_incoming(tenant_id: int, *message_ids: int) -> None:
    """One transaction each: what stops one message stops none behind it."""
    with gathered(deliver):
        for message_id in message_ids:
            with enter(tenant_id):
                intake.process(message_id)


@shared_task
def sweep_incoming() -> None:
    """Take up what a broker lost, what a crash interrupted and what waits for its next try."""
    for tenant_id in tenant_ids("SELECT tenant_id FROM desk_tenants_with_due_incoming()"):
        with enter(tenant_id):
            due = intake.take_up_due(SWEEP_BATCH)
        # All workers share what has piled up.
        for start in range(0, len(due), A_JOB):
            enqueue(process_incoming, tenant_id, *due[start : start + A_JOB])


@shared_task
def collect_mailbox(tenant_id: int, mailbox_id: int) -> None:
    """Look for new mail. Harmless when run twice: one of the two sees that the other is at it."""
    done = collect(tenant_id, mailbox_id, hand_over=partial(enqueue, process_incoming))
    if done is not None and done.more:
        enqueue(collect_mailbox, tenant_id, mailbox_id)


@shared_task
def collect_due_mailboxes() -> None:
    """Hand out each mailbox whose time has come."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tenant_id, mailbox_id FROM desk_due_mailboxes(%s)", [timezone.now()])
        due: list[tuple[int, int]] = cursor.fetchall()
    for tenant_id, mailbox_id in due:
        if _hand_out(tenant_id, mailbox_id):
            enqueue(collect_mailbox, tenant_id, mailbox_id)


def _hand_out(tenant_id: int, mailbox_id: int) -> bool:
    """Put off the next look: workers that are behind must not find the same mailbox in their queue many times."""
    now = timezone.now()
    with enter(tenant_id):
        # Whoever holds the row is at it; all other desks' mailboxes are not to wait for that.
        due = Mailbox.objects.select_for_update(skip_locked=True).filter(pk=mailbox_id, next_look_at__lte=now)
        free = list(due.values_list("pk", flat=True))
        return bool(Mailbox.objects.filter(pk__in=free).update(next_look_at=now + COLLECT_AGAIN)) if free else False


@shared_task
def watch_mail() -> None:
    """Tell managers what has begun to stand still in their desk's mail."""
    for tenant_id in desks_with_troubles(timezone.now()):
        with enter(tenant_id):
            tell_of_troubles()
