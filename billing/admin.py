"""The accountant's pages: what is ready to be invoiced, and what was."""

from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.access import get_or_404, row_number
from accounts.admin import DeskAdmin, actor
from accounts.errors import Refused
from accounts.files import download
from accounts.models import Organisation
from accounts.permissions import is_accountant, nobody
from billing import actions
from billing.amounts import lines_of
from billing.document_data import in_common, shown_hours, with_quantity
from billing.models import Invoice, InvoiceDocument
from tickets.charges import Bill, bills_of
from tickets.durations import as_duration
from tickets.models import Comment, Ticket
from tickets.sums import net_by_rate, vat_summary
from tickets.workflow import Status

# What an accountant looks through at once; the rest comes when these are issued.
MOST_READY = 500


class InvoiceAdmin(DeskAdmin):
    list_display = ("number", "organisation", "issued_on", "due_on", "total", "currency")
    list_select_related = ("organisation",)
    ordering = ("-id",)
    view_rule = staticmethod(is_accountant)
    add_rule = change_rule = staticmethod(nobody)
    change_list_template = "billing/admin/invoices.html"

    def has_module_permission(self, request: HttpRequest) -> bool:
        return super().has_module_permission(request) and bool(request.tenant.billing_enabled)  # type: ignore[attr-defined]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("ready/", view(require_GET(self.ready)), name="billing_ready"),
            path("issue/<int:organisation_id>/", view(require_POST(self.issue)), name="billing_issue"),
            path("<path:object_id>/pdf/", view(require_GET(self.pdf)), name="billing_invoice_pdf"),
            *super().get_urls(),
        ]

    def check_accountant(self, request: HttpRequest) -> None:
        if not self.has_module_permission(request):
            raise Http404

    def ready(self, request: HttpRequest) -> HttpResponse:
        """Accepted tickets by organisation, with what each would cost; the held ones apart."""
        self.check_accountant(request)
        tickets = (
            Ticket.objects.visible_to(actor(request))
            .filter(status=Status.INVOICE, organisation__isnull=False)
            .select_related("organisation", "tenant", "request_type", "contract")
        )
        rows = list(tickets.order_by("organisation__name", "id")[:MOST_READY])
        tenant = request.tenant  # type: ignore[attr-defined]
        found = bills_of(rows)
        bills = {row: found[row.pk] for row in rows}
        context = {
            **self.admin_site.each_context(request),
            "title": _("Ready to invoice"),
            "opts": self.opts,
            "groups": group_by_organisation({row: bill for row, bill in bills.items() if not row.is_held}),
            "held": with_objections({row: bill for row, bill in bills.items() if row.is_held}),
            "currency": tenant.currency,
            "more": len(rows) == MOST_READY,
        }
        return TemplateResponse(request, "billing/admin/ready.html", context)

    def issue(self, request: HttpRequest, organisation_id: int) -> HttpResponse:
        self.check_accountant(request)
        organisation = get_or_404(Organisation.objects.visible_to(actor(request)), pk=organisation_id)
        ids = [row_number(value) for value in request.POST.getlist("ticket")]
        try:
            invoice = actions.issue_invoice(organisation, tickets=ids, by=actor(request))
        except Refused as refusal:
            messages.error(request, str(refusal.sentence))
            return redirect("admin:billing_ready")
        messages.success(request, _("Invoice %(number)s is issued.") % {"number": invoice.number})
        return redirect("admin:billing_invoice_change", invoice.pk)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self.check_accountant(request)
        if request.method != "GET":
            return HttpResponse(status=405)
        invoice = self.invoice(request, object_id)
        lines = list(invoice.lines.order_by("position"))
        context = {
            **self.admin_site.each_context(request),
            "title": invoice.number,
            "opts": self.opts,
            "invoice": invoice,
            "lines": with_quantity(lines),
            "common": in_common(lines),
            "vat_summary": vat_summary(lines),
            "document": InvoiceDocument.objects.filter(invoice=invoice).select_related("file").first(),
            "pdf_url": reverse("admin:billing_invoice_pdf", args=[invoice.pk]),
        }
        return TemplateResponse(request, "billing/admin/invoice.html", context)

    def invoice(self, request: HttpRequest, object_id: str) -> Invoice:
        rows: models.QuerySet[Invoice] = self.get_queryset(request).select_related("organisation", "issued_by")
        return get_or_404(rows, pk=unquote(object_id))

    def pdf(self, request: HttpRequest, object_id: str) -> HttpResponse:
        self.check_accountant(request)
        invoice = self.invoice(request, object_id)
        document = invoice.document_file()
        if document is None:
            messages.info(request, _("The document is being made. Try again in a moment."))
            return redirect("admin:billing_invoice_change", invoice.pk)
        return download(document)


def group_by_organisation(bills: dict[Ticket, Bill]) -> list[dict[str, Any]]:
    """Per organisation its tickets with their bills, and the sums as the invoice would have them."""
    groups: dict[int, dict[str, Any]] = {}
    for ticket, bill in bills.items():
        organisation = ticket.organisation
        assert organisation is not None  # work does not start without one (B6)
        group = groups.setdefault(organisation.pk, {"organisation": organisation, "bills": {}})
        group["bills"][ticket] = bill
    return [group | sums_of(group["bills"]) for group in groups.values()]


def sums_of(bills: dict[Ticket, Bill]) -> dict[str, Any]:
    """What there is to charge, apart from the tickets on which there is nothing; VAT rounded once per rate."""
    lines = lines_of(bills)
    rates = vat_summary(lines)
    net = sum((line.net for line in lines), Decimal(0))
    return {
        "tickets": [ready_ticket(ticket, bill) for ticket, bill in bills.items() if bill.charges],
        "nothing_due": [ticket for ticket, bill in bills.items() if not bill.charges],
        "rates": rates,
        "total": net,
        "gross": net + sum((rate["vat"] for rate in rates), Decimal(0)),
    }


def ready_ticket(ticket: Ticket, bill: Bill) -> dict[str, Any]:
    """`by_rate` is for the page's script, which sums the chosen tickets per rate: '21.00:90.00 12.00:5.00'."""
    by_rate = net_by_rate(lines_of({ticket: bill}))
    return {
        "ticket": ticket,
        "charges": [{"row": charge, "quantity": shown_hours(charge.quantity)} for charge in bill.charges],
        "by_rate": " ".join(f"{rate}:{net}" for rate, net in by_rate.items()),
        "over": as_duration(bill.over) if bill.over else "",
    }


def with_objections(bills: dict[Ticket, Bill]) -> list[dict[str, Any]]:
    """Each held ticket with the newest words of its customer, in one query for all."""
    customers = {"author__is_agent": False, "author__is_accountant": False, "author__is_manager": False}
    said = Comment.objects.filter(ticket__in=list(bills), is_internal=False, **customers)
    newest = {row.ticket_id: row for row in said.order_by("ticket_id", "-id").distinct("ticket_id")}
    return [{"ticket": row, "bill": bill, "objection": newest.get(row.pk)} for row, bill in bills.items()]
