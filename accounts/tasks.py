"""Jobs about people. They call the verbs, so they live above them."""

from celery import shared_task

from accounts import actions
from accounts.tenancy import enter


@shared_task
def request_reset(tenant_id: int, address: str) -> None:
    """Run after the answer, for known and unknown addresses alike, so that nobody can time the difference."""
    with enter(tenant_id):
        actions.request_reset(address)
