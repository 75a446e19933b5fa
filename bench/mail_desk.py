"""The desk that the mail benchmarks write to. Runs inside Django (bench/inside.py)."""

from accounts.hosts import active_tenant_ids
from accounts.models import Tenant
from accounts.tenancy import enter
from notifications.models import OutboxMessage
from servicedesk.desks import Brand, create_desk
from tickets.models import IncomingMessage

HOST = "mail.bench.localhost"
# Collections have many messages of one invented sender.
NO_LIMIT = 1_000_000


def create() -> None:
    tenant = create_desk(
        preset="integrator",
        name="Mail bench",
        slug="mail-bench",
        brands=[Brand(HOST, "Mail bench")],
        support_email=f"support@{HOST}",
        language="en",
    )
    with enter(tenant.pk):
        Tenant.objects.update(mail_hourly_limit=NO_LIMIT)


def answered() -> int:
    """Letters to anybody whose only messages were automatic ones."""
    (tenant_id,) = active_tenant_ids()
    with enter(tenant_id):
        people = set(IncomingMessage.objects.filter(automatic="").values_list("from_address", flat=True))
        machines = set(IncomingMessage.objects.exclude(automatic="").values_list("from_address", flat=True)) - people
        return OutboxMessage.objects.filter(to_address__in=machines).count()
