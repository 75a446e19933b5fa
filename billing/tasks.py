"""Jobs that make documents. Called by actions, they live below them."""

from celery import shared_task

from accounts.hosts import tenant_ids
from accounts.tenancy import enter
from billing import making

SWEEP_BATCH = 100


@shared_task
def make_document(tenant_id: int, document_id: int) -> None:
    making.make(tenant_id, document_id)


@shared_task
def sweep_documents() -> None:
    """Take up what a broker lost and what waits for its next try."""
    for tenant_id in tenant_ids("SELECT tenant_id FROM desk_tenants_with_due_documents()"):
        with enter(tenant_id):
            due = making.due_documents(SWEEP_BATCH)
        for document_id in due:
            making.make(tenant_id, document_id)
