"""Jobs that deliver what the outbox holds. Called by actions, they live below them."""

from typing import Any

import structlog
from celery import Task, shared_task
from django.db import connection
from kombu.exceptions import OperationalError

from accounts.tenancy import enter
from notifications import delivery

log = structlog.get_logger(__name__)

SWEEP_BATCH = 200


@shared_task
def deliver(tenant_id: int, message_id: int) -> None:
    delivery.deliver(tenant_id, message_id)


@shared_task
def sweep_outbox() -> None:
    """Take up what a broker lost, what was killed on the way and what waits for its next try."""
    for tenant_id in tenants_with_due_mail():
        with enter(tenant_id):
            due = delivery.due_messages(SWEEP_BATCH)
        for message_id in due:
            delivery.deliver(tenant_id, message_id)


def tenants_with_due_mail() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tenant_id FROM desk_tenants_with_due_mail()")
        return [row[0] for row in cursor.fetchall()]


def enqueue(task: "Task[Any, Any]", *ids: int) -> None:
    """Hand a job to the broker; when it is down the row waits for the sweep, and the person's answer does not."""
    try:
        task.apply_async(args=ids, retry=False)
    except OperationalError as error:
        log.warning("broker is down", task=task.name, ids=ids, error=str(error))
