"""What the middlewares add to a request, by name and type."""

from django.http import HttpRequest

from accounts.models import ApiToken, Organisation, Person, Tenant, TenantHost


class DeskRequest(HttpRequest):
    """A request at a tenant's host."""

    tenant: Tenant
    host: TenantHost
    # None for a visitor.
    person: Person | None
    # The organisation the person acts for; None for staff, visitors and persons without one.
    acting: Organisation | None
    # By which a program acts for the person; None for a session.
    token: ApiToken | None
    LANGUAGE_CODE: str


class PersonRequest(DeskRequest):
    """A request of somebody who is logged in (see accounts.access.person_required)."""

    person: Person
