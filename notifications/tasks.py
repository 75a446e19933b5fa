"""Jobs that deliver what the outbox holds. Called by actions, they live below them."""

from celery import shared_task

from accounts.hosts import tenant_ids
from accounts.tenancy import enter
from notifications import delivery

SWEEP_BATCH = 200


@shared_task
def deliver(tenant_id: int, message_id: int) -> None:
    delivery.deliver(tenant_id, message_id)


@shared_task
def sweep_outbox() -> None:
    """Take up what a broker lost, what was killed on the way and what waits for its next try."""
    for tenant_id in tenant_ids("SELECT tenant_id FROM desk_tenants_with_due_mail()"):
        with enter(tenant_id):
            due = delivery.due_messages(SWEEP_BATCH)
        for message_id in due:
            delivery.deliver(tenant_id, message_id)
