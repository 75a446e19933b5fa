"""The terms of service: the version in force, the earlier ones, and accepting."""

from itertools import pairwise

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.access import get_or_404, person_required, public, row_number
from accounts.errors import Refused
from accounts.http import DeskRequest, PersonRequest
from accounts.markdown import rendered
from accounts.models import Consent, TermsVersion
from accounts.terms import accept_terms
from accounts.views import back_to
from accounts.visitors import address_of


@public
@require_GET
def terms(request: DeskRequest) -> HttpResponse:
    return terms_page(request, get_or_404(TermsVersion.objects.published()[:1]))


@public
@require_GET
def terms_version(request: DeskRequest, version: int) -> HttpResponse:
    return terms_page(request, get_or_404(TermsVersion.objects.published(), number=version))


def terms_page(request: DeskRequest, shown: TermsVersion) -> HttpResponse:
    versions = list(TermsVersion.objects.published().only("number", "published_at", "needs_consent"))
    ends = {older.pk: newer.published_at for newer, older in pairwise(versions)}
    mine = consent_of(request, shown)
    is_current = versions[0].pk == shown.pk
    context = {
        "terms": shown,
        "body": rendered(str(shown.body)),
        "versions": [{"row": row, "until": ends.get(row.pk)} for row in versions],
        "is_current": is_current,
        "until": ends.get(shown.pk),
        "consent": mine,
        "can_accept": is_current and shown.needs_consent and mine is None and is_customer(request),
        "nav_current": "terms",
    }
    return render(request, "accounts/terms.html", context)


def is_customer(request: DeskRequest) -> bool:
    return request.person is not None and not request.person.is_staff


def consent_of(request: DeskRequest, version: TermsVersion) -> Consent | None:
    return Consent.objects.filter(person=request.person, terms=version).first() if is_customer(request) else None


@person_required
@require_POST
def terms_accept(request: PersonRequest) -> HttpResponse:
    number = row_number(request.POST.get("number", ""))
    try:
        accept_terms(number, by=request.person, from_address=address_of(request))
    except Refused as refusal:
        messages.error(request, str(refusal.sentence))
        return redirect("terms")
    messages.success(request, _("You have accepted version %(number)d.") % {"number": number})
    return redirect(back_to(request))
