"""Jobs about people. They call the verbs, so they live above them."""

from celery import shared_task
from django.utils import timezone

from accounts import actions, uploads
from accounts.answers import forget_old_answers
from accounts.hosts import active_tenant_ids, tenant_ids
from accounts.models import Session
from accounts.tenancy import enter


@shared_task
def request_reset(tenant_id: int, address: str) -> None:
    """Run after the answer, for known and unknown addresses alike, so that nobody can time the difference."""
    with enter(tenant_id):
        actions.request_reset(address)


@shared_task
def forget_expired_sessions() -> None:
    """What nobody can use any more is not kept, desk by desk."""
    for tenant_id in active_tenant_ids():
        with enter(tenant_id):
            Session.objects.filter(expire_date__lt=timezone.now()).delete()


@shared_task
def forget_kept_answers() -> None:
    """Answers to calls with an Idempotency-Key, a day after."""
    for tenant_id in active_tenant_ids():
        with enter(tenant_id):
            forget_old_answers()


@shared_task
def forget_old_uploads() -> None:
    """Files that nobody sent for a week, at the desks that have such."""
    now = timezone.now()
    for tenant_id in tenant_ids("SELECT tenant_id FROM desk_tenants_with_old_uploads(%s)", uploads.old_before(now)):
        more = True
        while more:
            with enter(tenant_id):
                more = uploads.forget_old(now) == uploads.FORGET_BATCH
