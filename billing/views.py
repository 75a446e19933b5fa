"""Invoices as a customer sees them."""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from accounts.access import get_or_404, row_number, rule_required
from accounts.files import download
from accounts.http import PersonRequest
from accounts.permissions import sees_invoices
from billing.document_data import in_common, with_quantity
from billing.models import Invoice
from tickets.sums import vat_summary

PAGE = 50


@rule_required(sees_invoices)
@require_GET
def invoices(request: PersonRequest) -> HttpResponse:
    """Newest first, by keyset. An unreadable cursor gives the first page."""
    rows = Invoice.objects.visible_to(request.person).select_related("organisation").order_by("-id")
    before = row_number(request.GET.get("before", ""))
    if before:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: PAGE + 1])
    context = {
        "invoices": found[:PAGE],
        "next_url": reverse("invoices", query={"before": found[PAGE - 1].pk}) if len(found) > PAGE else None,
        "previous_url": reverse("invoices") if before else None,
        "nav_current": "invoices",
    }
    return render(request, "billing/invoices.html", context)


def visible_invoice(request: PersonRequest, number: str) -> Invoice:
    return get_or_404(Invoice.objects.visible_to(request.person).select_related("organisation"), number=number)


@rule_required(sees_invoices)
@require_GET
def invoice(request: PersonRequest, number: str) -> HttpResponse:
    row = visible_invoice(request, number)
    lines = list(row.lines.order_by("position"))
    return render(
        request,
        "billing/invoice.html",
        {
            "invoice": row,
            "pdf_ready": row.document_file() is not None,
            "lines": with_quantity(lines),
            "common": in_common(lines),
            "vat_summary": vat_summary(lines),
            "nav_current": "invoices",
        },
    )


@rule_required(sees_invoices)
@require_GET
def invoice_pdf(request: PersonRequest, number: str) -> HttpResponse:
    row = visible_invoice(request, number)
    document = row.document_file()
    if document is None:
        raise Http404
    return download(document)
