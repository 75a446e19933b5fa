"""From an issued invoice to what its document shows. Formats nothing, computes nothing but the sums per VAT rate."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, cast

from accounts.models import TenantHost
from billing.documents.data import InvoiceDocumentData, Language, Party, Seller, VatLine
from billing.documents.data import InvoiceLine as DocumentLine
from billing.models import Invoice, InvoiceLine
from tickets.models import EstimateLine
from tickets.sums import CENT, vat_summary


def document_data(invoice: Invoice, host: TenantHost) -> InvoiceDocumentData:
    lines = list(invoice.lines.order_by("position"))
    common = in_common(lines)
    return InvoiceDocumentData(
        number=invoice.number,
        issued_on=invoice.issued_on,
        due_on=invoice.due_on,
        supplied_on=invoice.issued_on,
        currency=invoice.currency,
        language=cast(Language, invoice.language),
        seller=Seller(
            **_party(invoice.seller),
            bank=invoice.seller["bank"],
            iban=invoice.seller["iban"],
            bic=invoice.seller["bic"],
        ),
        buyer=Party(**_party(invoice.buyer)),
        lines=tuple(
            DocumentLine(
                reference=line.reference,
                description=line.description,
                quantity=shown_hours(line.quantity),
                # A fixed price is one piece of what its words say.
                unit="h" if line.kind == EstimateLine.Kind.HOURS else "pcs",
                unit_price=line.unit_price,
                vat_rate=line.vat_rate,
                net=line.net,
                order_number="" if common["order_number"] else line.order_number,
                cost_centre="" if common["cost_centre"] else line.cost_centre,
            )
            for line in lines
        ),
        vat_summary=tuple(VatLine(**row) for row in vat_summary(lines)),
        net_total=invoice.net_total,
        vat_total=invoice.vat_total,
        total=invoice.total,
        order_number=common["order_number"] or None,
        cost_centre=common["cost_centre"] or None,
        accent=host.accent,
    )


def _party(copy: dict[str, str]) -> dict[str, Any]:
    return {
        "name": copy["name"],
        "registration_number": copy["registration_number"],
        "vat_number": copy["vat_number"],
        "address": tuple(copy["address"].splitlines()),
        "email": copy["email"],
        **({"phone": copy["phone"]} if "phone" in copy else {}),
    }


def shown_hours(quantity: Decimal) -> Decimal:
    """1.5 as 1.50, two thirds as 0.6667: the places that are needed, two at least."""
    short = quantity.quantize(CENT)
    return short if short == quantity else quantity


def with_quantity(lines: Sequence[InvoiceLine]) -> list[dict[str, Any]]:
    """The lines for a page, each with its quantity as it is shown."""
    return [{"row": line, "quantity": shown_hours(line.quantity)} for line in lines]


def in_common(lines: Sequence[InvoiceLine]) -> dict[str, str]:
    """The customer's own numbers that all lines share: they stand once at the top, and at no line."""
    orders, centres = {line.order_number for line in lines}, {line.cost_centre for line in lines}
    return {
        "order_number": orders.pop() if len(orders) == 1 else "",
        "cost_centre": centres.pop() if len(centres) == 1 else "",
    }
