"""From an issued invoice to what its document shows. Formats nothing, computes nothing but the sums per VAT rate."""

from decimal import Decimal
from typing import Any, cast

from accounts.models import TenantHost
from billing.amounts import CENT, vat_summary
from billing.documents.data import InvoiceDocumentData, Language, Party, Seller, VatLine
from billing.documents.data import InvoiceLine as DocumentLine
from billing.models import Invoice


def document_data(invoice: Invoice, host: TenantHost) -> InvoiceDocumentData:
    lines = list(invoice.lines.order_by("position"))
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
                unit="h",
                unit_price=line.unit_price,
                vat_rate=line.vat_rate,
                net=line.net,
            )
            for line in lines
        ),
        vat_summary=tuple(VatLine(**row) for row in vat_summary(lines)),
        net_total=invoice.net_total,
        vat_total=invoice.vat_total,
        total=invoice.total,
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
