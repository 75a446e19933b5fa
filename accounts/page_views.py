"""The desk's own pages."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from accounts.access import get_or_404, public, row_number
from accounts.http import DeskRequest
from accounts.markdown import rendered
from accounts.models import Page
from accounts.pages import PAGE


@public
@require_GET
def pages(request: DeskRequest) -> HttpResponse:
    """All that the reader may read, the newest first, by keyset."""
    after = row_number(request.GET.get("after", ""))
    rows = Page.objects.visible_to(request.person).select_related("organisation").defer("body").order_by("-id")
    found = list((rows.filter(pk__lt=after) if after else rows)[: PAGE + 1])
    context = {
        "pages": found[:PAGE],
        "next_url": reverse("pages", query={"after": found[PAGE - 1].pk}) if len(found) > PAGE else None,
        "previous_url": reverse("pages") if after else None,
    }
    return render(request, "accounts/pages.html", context)


@public
@require_GET
def page(request: DeskRequest, slug: str) -> HttpResponse:
    """For others, and before it is published, it is not there."""
    row = get_or_404(Page.objects.visible_to(request.person).select_related("organisation"), slug=slug)
    return render(request, "accounts/page.html", {"page": row, "body": rendered(str(row.body))})
