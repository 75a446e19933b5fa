"""My contracts, My prices: what the organisation one acts for has agreed with the desk."""

from typing import cast

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.access import rule_required
from accounts.http import PersonRequest
from accounts.models import Organisation
from accounts.permissions import represents_somebody
from tickets.agreements import agreements_of, prices_of


@rule_required(represents_somebody)
@require_GET
def contracts(request: PersonRequest) -> HttpResponse:
    found = agreements_of(_acting(request), request.tenant)
    context = {
        "organisation": request.acting,
        "agreements": [one for one in found if not one.has_ended],
        "ended": [one for one in found if one.has_ended],
        "nav_current": "contracts",
    }
    return render(request, "tickets/contracts.html", context)


@rule_required(represents_somebody)
@require_GET
def prices(request: PersonRequest) -> HttpResponse:
    """Without billing nothing has a price (M9)."""
    if not request.tenant.billing_enabled:
        raise Http404
    found = prices_of(_acting(request), request.tenant)
    context = {"organisation": request.acting, "prices": found, "nav_current": "prices"}
    return render(request, "tickets/prices.html", context)


def _acting(request: PersonRequest) -> Organisation:
    return cast(Organisation, request.acting)  # who represents somebody acts for one
