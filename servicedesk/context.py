"""What the frame of every page shows."""

import hashlib
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest

from accounts.hosts import offered_languages
from accounts.permissions import sees_invoices


def came_from(request: HttpRequest) -> str:
    """The path of the page whose form was sent."""
    page = urlsplit(request.headers.get("Referer", "")[:2000])
    return f"{page.path}?{page.query}" if page.query else page.path or "/"


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
            "version": hashlib.sha256(host.accent.encode()).hexdigest()[:8],
        },
        "person": person,
        # Where the frame's forms come back to: a page that answers a POST may have no address of its own to show.
        "back": here if request.method == "GET" else came_from(request),
        "acting": getattr(request, "acting", None),
        "organisations": [row.organisation for row in person.represents] if person and not person.is_staff else [],
        "nav": {"invoices": bool(person and tenant.billing_enabled and sees_invoices(person))},
        "LANGUAGES_OFFERED": offered_languages(tenant),
        "demo": settings.DEMO,
    }
