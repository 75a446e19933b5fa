"""Jobs of the intake. They call verbs (through tickets.mail.intake), so they live above them."""

from celery import shared_task

from accounts.hosts import tenant_ids
from accounts.tenancy import enter
from tickets.mail import intake

SWEEP_BATCH = 200


@shared_task
def process_incoming(tenant_id: int, message_id: int) -> None:
    with enter(tenant_id):
        intake.process(message_id)


@shared_task
def sweep_incoming() -> None:
    """Take up what a broker lost, what a crash interrupted and what waits for its next try."""
    for tenant_id in tenant_ids("SELECT tenant_id FROM desk_tenants_with_due_incoming()"):
        with enter(tenant_id):
            due = intake.due_incoming(SWEEP_BATCH)
        for message_id in due:
            with enter(tenant_id):
                intake.process(message_id)
