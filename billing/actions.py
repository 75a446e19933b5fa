"""The verbs of money. Tickets are locked by id before anything of an invoice is written."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import events
from accounts.errors import NotAllowed, Refused
from accounts.jobs import after_commit
from accounts.models import Counter, Organisation, Person, Tenant
from accounts.permissions import is_accountant
from accounts.tenancy import current_tenant_id
from billing.amounts import Line, lines_of
from billing.models import Invoice, InvoiceDocument, InvoiceLine
from billing.tasks import make_document
from tickets import actions as ticket_actions
from tickets.charges import bills_of
from tickets.models import Ticket
from tickets.sums import vat_by_rate
from tickets.workflow import Status


@transaction.atomic
def issue_invoice(organisation: Organisation, *, tickets: Iterable[int], by: Person) -> Invoice:
    """Put accepted tickets of one organisation on an invoice and close them (B18).

    `tickets` are ids. Raises NotAllowed, and Refused when there is none, when one is not ready (any more), is held back
    by an objection, or belongs to somebody else.
    """
    if not is_accountant(by):
        raise NotAllowed(_("Only accountants issue invoices."))
    tenant = Tenant.objects.get(pk=current_tenant_id())
    if not tenant.billing_enabled:
        raise Refused(_("Billing is switched off for this desk."), code="no_billing")
    rows = _locked_and_ready(organisation, set(tickets))
    found = bills_of(rows)
    bills = {row: found[row.pk] for row in rows}
    for ticket, bill in bills.items():
        if not bill.charges:
            raise Refused(
                _("%(reference)s has nothing to charge. Close it with a reason instead.")
                % {"reference": ticket.reference},
                code="nothing",
            )
    lines = lines_of(bills)
    invoice = _write(organisation, lines, tenant=tenant, by=by)
    for ticket, bill in bills.items():
        ticket_actions.close(ticket, by=by, invoice=invoice.number, minutes=bill.minutes, fixed=bill.fixed)
    document = InvoiceDocument.objects.create(invoice=invoice)
    after_commit(make_document, tenant.pk, document.pk)
    events.record("invoice.issued", invoice, by=by, number=invoice.number, tickets=[row.pk for row in rows])
    return invoice


def _locked_and_ready(organisation: Organisation, ids: set[int]) -> list[Ticket]:
    if not ids:
        raise Refused(_("Choose at least one ticket."), code="empty")
    rows = list(ticket_actions.all_locked(ids).values())
    if len(rows) != len(ids):
        raise Refused(_("One of the tickets does not exist any more. Look at the list again."), code="gone")
    for ticket in rows:
        if ticket.organisation_id != organisation.pk:
            raise Refused(
                _("%(reference)s belongs to another organisation.") % {"reference": ticket.reference}, code="foreign"
            )
        if ticket.status != Status.INVOICE or ticket.is_held:
            raise Refused(
                _("%(reference)s is not ready for an invoice any more. Look at the list again.")
                % {"reference": ticket.reference},
                code="not_ready",
            )
    return rows


def _write(organisation: Organisation, lines: list[Line], *, tenant: Tenant, by: Person) -> Invoice:
    today = tenant.today
    net = sum((line.net for line in lines), Decimal(0))
    vat = sum(vat_by_rate(lines).values(), Decimal(0))
    invoice = Invoice.objects.create(
        number=f"{today.year}-{Counter.next(f'invoice-{today.year}'):05d}",
        organisation=organisation,
        issued_on=today,
        due_on=today + timedelta(days=tenant.payment_days),
        currency=tenant.currency,
        language=tenant.language,
        seller=seller_of(tenant),
        buyer=buyer_of(organisation),
        net_total=net,
        vat_total=vat,
        total=net + vat,
        issued_by=by,
    )
    InvoiceLine.objects.bulk_create(
        InvoiceLine(
            invoice=invoice,
            ticket=line.ticket,
            position=position,
            kind=line.charge.kind,
            reference=line.ticket.reference,
            order_number=line.ticket.order_number,
            cost_centre=line.ticket.cost_centre,
            description=line.charge.description,
            quantity=line.charge.quantity,
            unit_price=line.charge.unit_price,
            vat_rate=line.vat_rate,
            net=line.net,
        )
        for position, line in enumerate(lines, start=1)
    )
    return invoice


def seller_of(tenant: Tenant) -> dict[str, str]:
    return {
        "name": tenant.legal_name or tenant.name,
        "registration_number": tenant.registration_number,
        "vat_number": tenant.vat_number,
        "address": tenant.office_address,
        "email": tenant.support_email,
        "phone": tenant.support_phone,
        "bank": tenant.bank_name,
        "iban": tenant.iban,
        "bic": tenant.bic,
    }


def buyer_of(organisation: Organisation) -> dict[str, str]:
    return {
        "name": organisation.name,
        "registration_number": organisation.registration_number,
        "vat_number": organisation.vat_number,
        "address": organisation.address,
        "email": organisation.invoice_email,
    }
