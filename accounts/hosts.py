"""From a host name, or from nothing at all, to a tenant: the few questions that look across the walls.

Each is one SECURITY DEFINER function that returns ids only (accounts/migrations/0002).
"""

import time

from django.conf import settings
from django.db import connection

from accounts.models import Tenant, TenantHost
from accounts.tenancy import enter

# A host changes hands seldom, and every request asks.
_REMEMBER_SECONDS = 30
_known: dict[str, tuple[float, tuple[int, int] | None]] = {}


def find_host(host: str) -> tuple[int, int] | None:
    """(tenant id, host id) of an active tenant, or None."""
    name = host.partition(":")[0].rstrip(".").lower()
    found = _known.get(name)
    if found and found[0] > time.monotonic():
        return found[1]
    with connection.cursor() as cursor:
        cursor.execute("SELECT tenant_id, host_id FROM desk_find_host(%s)", [name[:253]])
        answer: tuple[int, int] | None = cursor.fetchone()
    if len(_known) > 10_000:  # somebody sends names at random
        _known.clear()
    if answer:
        _known[name] = (time.monotonic() + _REMEMBER_SECONDS, answer)
    return answer


def forget_hosts() -> None:
    _known.clear()


def active_tenant_ids() -> list[int]:
    """All active tenants, for jobs that visit each."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tenant_id FROM desk_active_tenants() ORDER BY 1")
        return [row[0] for row in cursor.fetchall()]


def demo_desks() -> list[TenantHost]:
    """The primary hosts of all desks: only in demo mode, where the unknown host's page lists them."""
    if not settings.DEMO:
        return []
    hosts: list[TenantHost] = []
    for tenant_id in active_tenant_ids():
        with enter(tenant_id):
            hosts += TenantHost.objects.filter(is_primary=True).select_related("tenant")
    return hosts


def current_host() -> TenantHost:
    """The entered tenant's host for links made outside of a request."""
    host = TenantHost.objects.order_by("-is_primary", "id").first()
    assert host is not None  # a desk is made with its hosts, and nothing removes the last one
    return host


def offered_languages(tenant: Tenant) -> list[tuple[str, str]]:
    """(code, own name) of the languages this desk speaks, its first language first."""
    names = dict(settings.LANGUAGES)
    return [(code, names[code]) for code in tenant.languages or list(names) if code in names]
