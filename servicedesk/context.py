"""What the frame of every page shows."""

import hashlib
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from accounts.hosts import offered_languages
from accounts.permissions import sees_invoices


def frame(request: HttpRequest) -> dict[str, Any]:
    """Empty at an unknown host: error pages show themselves without a tenant."""
    tenant = getattr(request, "tenant", None)
    if tenant is None:
        return {"demo": settings.DEMO}
    person = getattr(request, "person", None)
    host = request.host  # type: ignore[attr-defined]
    return {
        "tenant": tenant,
        "brand": {
            "name": host.brand_name,
            "logo_url": "",
            "version": hashlib.sha256(host.accent.encode()).hexdigest()[:8],
        },
        "person": person,
        "acting": getattr(request, "acting", None),
        "organisations": [row.organisation for row in person.represents] if person and not person.is_staff else [],
        "nav": {"invoices": bool(person and tenant.billing_enabled and sees_invoices(person))},
        "LANGUAGES_OFFERED": offered_languages(tenant),
        "demo": settings.DEMO,
    }
