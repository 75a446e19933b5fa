"""Invoices as a customer sees them."""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.access import get_or_404, rule_required
from accounts.http import PersonRequest
from accounts.permissions import sees_invoices
from billing.amounts import net_by_rate, vat_by_rate
from billing.models import Invoice, InvoiceDocument
from tickets.views import download

MOST = 200


@rule_required(sees_invoices)
@require_GET
def invoices(request: PersonRequest) -> HttpResponse:
    rows = Invoice.objects.visible_to(request.person).select_related("organisation").order_by("-id")[:MOST]
    return render(request, "billing/invoices.html", {"invoices": rows, "nav_current": "invoices"})


def visible_invoice(request: PersonRequest, number: str) -> Invoice:
    return get_or_404(Invoice.objects.visible_to(request.person).select_related("organisation"), number=number)


@rule_required(sees_invoices)
@require_GET
def invoice(request: PersonRequest, number: str) -> HttpResponse:
    row = visible_invoice(request, number)
    lines = list(row.lines.order_by("position"))
    net, vat = net_by_rate(lines), vat_by_rate(lines)
    return render(
        request,
        "billing/invoice.html",
        {
            "invoice": row,
            "pdf_ready": InvoiceDocument.objects.filter(invoice=row, file__isnull=False).exists(),
            "lines": lines,
            "vat_summary": [{"rate": rate, "net": net[rate], "vat": amount} for rate, amount in vat.items()],
            "nav_current": "invoices",
        },
    )


@rule_required(sees_invoices)
@require_GET
def invoice_pdf(request: PersonRequest, number: str) -> HttpResponse:
    row = visible_invoice(request, number)
    document = InvoiceDocument.objects.filter(invoice=row, file__isnull=False).select_related("file").first()
    if document is None or document.file is None:
        raise Http404
    return download(document.file)
