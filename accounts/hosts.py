"""From a host name, or from nothing at all, to a tenant: the few questions that look across the walls.

Each is one SECURITY DEFINER function that returns ids only (accounts/migrations/0002).
"""

import time
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, TypeVar

from django.conf import settings
from django.db import connection

from accounts.models import ClosedDay, Tenant, TenantHost
from accounts.tenancy import current_tenant_id, enter, entered_tenant_id

T = TypeVar("T")

# A host changes hands seldom, and every request asks.
_REMEMBER_SECONDS = 30
_known: dict[str, tuple[float, tuple[int, int]]] = {}
# The desk's own row changes seldom too, but whoever changed it wants to see that: this process forgets at once
# (accounts.apps), the others after a moment. Verbs and clocks read the policy from the database, never from here.
_REMEMBER_DESK_SECONDS = 5
_desks: dict[int, tuple[float, TenantHost]] = {}
_primary: dict[int, tuple[float, TenantHost]] = {}
_of_desk: dict[tuple[int, str], tuple[float, Any]] = {}
# Each desk's own language, as it was when its row was last read.
_languages: dict[int, str] = {}


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


def host_with_tenant(host_id: int) -> TenantHost:
    """The entered tenant's host, its tenant at hand. For reading only: threads share it."""
    found = _desks.get(host_id)
    if found is None or found[0] < time.monotonic():
        row = TenantHost.objects.select_related("tenant", "logo").get(pk=host_id)
        found = _desks[host_id] = (time.monotonic() + _REMEMBER_DESK_SECONDS, row)
        _languages[row.tenant.pk] = row.tenant.language
    return found[1]


def forget_hosts(**_signal: object) -> None:
    for remembered in (_known, _desks, _primary, _of_desk, _languages):
        remembered.clear()


def active_tenant_ids() -> list[int]:
    """All active tenants, for jobs that visit each."""
    return tenant_ids("SELECT tenant_id FROM desk_active_tenants() ORDER BY 1")


def tenant_ids(query: str, *values: datetime) -> list[int]:
    """What one of the functions above the walls answers to 'which tenants have something due?'."""
    with connection.cursor() as cursor:
        cursor.execute(query, values)
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
    """The entered tenant's host for links made outside of a request, its tenant at hand. For reading only."""
    tenant_id = current_tenant_id()
    found = _primary.get(tenant_id)
    if found is None or found[0] < time.monotonic():
        row = TenantHost.objects.select_related("tenant").order_by("-is_primary", "id").first()
        assert row is not None  # a desk is made with its hosts, and nothing removes the last one
        found = _primary[tenant_id] = (time.monotonic() + _REMEMBER_DESK_SECONDS, row)
        _languages[tenant_id] = row.tenant.language
    return found[1]


def own_language() -> str:
    """The entered desk's own language; empty outside of a desk."""
    tenant_id = entered_tenant_id()
    if tenant_id is None:
        return ""
    return _languages.get(tenant_id) or current_host().tenant.language


def closed_days() -> frozenset[date]:
    """The days on which the entered tenant does not work, besides weekends and public holidays."""
    return remembered("closed days", lambda: frozenset(ClosedDay.objects.values_list("day", flat=True)))


def remembered(what: str, read: Callable[[], T]) -> T:
    """Something of the entered tenant that changes seldom, read again after a moment. For reading only: threads share
    it. What writes it sends a signal that makes this process forget (see the apps' `ready`)."""
    key = current_tenant_id(), what
    found = _of_desk.get(key)
    if found is None or found[0] < time.monotonic():
        found = _of_desk[key] = (time.monotonic() + _REMEMBER_DESK_SECONDS, read())
    answer: T = found[1]
    return answer


def offered_languages(tenant: Tenant) -> list[tuple[str, str]]:
    """(code, own name) of the languages this desk speaks, its first language first."""
    names = dict(settings.LANGUAGES)
    return [(code, names[code]) for code in tenant.languages or list(names) if code in names]
