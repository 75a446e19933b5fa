"""Jobs that deliver what the outbox holds. Called by actions, they live below them."""

import random
import time

from celery import shared_task

from accounts.hosts import tenant_ids
from accounts.tenancy import enter
from notifications import delivery

SWEEP_BATCH = 200
# What a sweep leaves is for the next one.
SWEEP_SECONDS = 20.0


@shared_task
def deliver(tenant_id: int, *message_ids: int) -> None:
    for message_id in message_ids:
        delivery.deliver(tenant_id, message_id)


@shared_task
def sweep_outbox() -> None:
    """Take up what has come due, what a broker lost, what was killed on the way and what waits for its next try."""
    end = time.monotonic() + SWEEP_SECONDS
    desks = tenant_ids("SELECT tenant_id FROM desk_tenants_with_due_mail()")
    random.shuffle(desks)  # one whose mail server is slow does not come first each time
    for tenant_id in desks:
        with enter(tenant_id):
            due = delivery.due_messages(SWEEP_BATCH)
        for message_id in due:
            if time.monotonic() > end:
                return
            delivery.deliver(tenant_id, message_id)
