"""What the frame of every page shows."""

import hashlib
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from accounts.hosts import offered_languages
from accounts.models import Organisation, Person, Tenant
from accounts.permissions import is_head_of, sees_invoices
from accounts.terms import terms_in_force
from accounts.visitors import page_before


def came_from(request: HttpRequest) -> str:
    """The path of the page whose form was sent."""
    page = page_before(request)
    return f"{page.path}?{page.query}" if page.query else page.path or "/"


def menu(person: Person, acting: Organisation | None, tenant: Tenant) -> dict[str, bool]:
    """What is there for this person. Nothing leads to where they may not go, nor to an empty shelf."""
    return {
        "invoices": tenant.billing_enabled and sees_invoices(person),
        "prices": tenant.billing_enabled and acting is not None,
        "contracts": acting is not None,
        "terms": terms_in_force() is not None,
        "head": acting is not None and is_head_of(person, acting),
    }


def frame(request: HttpRequest) -> dict[str, Any]:
    """Empty at an unknown host: error pages show themselves without a tenant."""
    tenant = getattr(request, "tenant", None)
    if tenant is None:
        return {"demo": settings.DEMO}
    person = getattr(request, "person", None)
    here = request.get_full_path()
    host = request.host  # type: ignore[attr-defined]
    return {
        "tenant": tenant,
        "brand": {
            "name": host.brand_name,
            "logo": reverse("brand_logo", args=[host.logo.sha256]) if host.logo else "",
            "version": hashlib.sha256(host.accent.encode()).hexdigest()[:8],
        },
        "person": person,
        # Where the frame's forms come back to: a page that answers a POST may have no address of its own to show.
        "back": here if request.method == "GET" else came_from(request),
        "acting": getattr(request, "acting", None),
        "organisations": [row.organisation for row in person.represents] if person and not person.is_staff else [],
        "nav": menu(person, getattr(request, "acting", None), tenant) if person else {},
        "LANGUAGES_OFFERED": offered_languages(tenant),
        "demo": settings.DEMO,
    }
