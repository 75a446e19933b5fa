"""An invoice as a PDF/A-3a that is also PDF/UA-1: archived for years, and read aloud by a screen reader.

The words of an invoice come from strangers. They reach the typesetter as JSON and are placed as strings, never as
source; and it works in an empty folder with our fonts only, so that there is nothing it could open. Even pictures are
handed over in memory.
"""

import json
import tempfile
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import cast

import typst
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, format_percent, get_currency_precision, get_decimal_symbol
from django.utils.translation import gettext as _
from django.utils.translation import override

from .data import InvoiceDocumentData, InvoiceLine, Party, Unit
from .logo import printable_logo
from .payment_qr import compact, is_iban, payment_qr, variable_symbol
from .text import clean, clean_line, shortened

FOLDER = Path(__file__).parent
LOCALES = {"en": "en_GB", "lv": "lv", "cs": "cs", "pl": "pl", "ru": "ru"}

Pairs = list[tuple[str, str]]


def render_invoice(invoice: InvoiceDocumentData) -> bytes:
    """The PDF of an issued invoice; the same bytes for the same data, labels and versions of the libraries."""
    with override(invoice.language):
        page = _page(invoice)
    return _typeset((FOLDER / "invoice.typ").read_bytes(), page, issued_on=invoice.issued_on)


def _typeset(template: bytes, page: dict[str, object], *, issued_on: date) -> bytes:
    with tempfile.TemporaryDirectory() as empty:
        compiler = typst.Compiler(
            template,
            root=empty,
            font_paths=_fonts(),
            ignore_system_fonts=True,
            sys_inputs={"page": json.dumps(page)},
            package_path=empty,
            package_cache_path=empty,
        )
        # The creation date is the invoice's: made again from the same data, the file is the same.
        created = datetime.combine(issued_on, time(), UTC)
        return cast(bytes, compiler.compile(format="pdf", pdf_standards=["a-3a", "ua-1"], timestamp=created))


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[FOLDER / "fonts"])


def _page(invoice: InvoiceDocumentData) -> dict[str, object]:
    """All that the template prints, as strings in the document's language."""
    number, seller = clean_line(invoice.number), clean_line(invoice.seller.name)
    title = _("Credit note") if invoice.corrects else _("Invoice")
    return {
        "language": invoice.language,
        "accent": invoice.accent,
        "title": title,
        "number": number,
        "name": shortened(f"{title} {number}", 60),
        "seller_name": shortened(seller, 60),
        "page": _("Page {page} of {pages}"),
        "facts": _facts(invoice),
        # A list of numbers, because the typesetter has no other way than files to take bytes from outside.
        "logo": list(printable_logo(invoice.logo) or b""),
        "parties": [_party(_("Seller"), invoice.seller), _party(_("Buyer"), invoice.buyer)],
        "table": _table(invoice),
        "vat_summary": _vat_summary(invoice),
        "totals": _totals(invoice),
        "payment": _payment(invoice),
        "note": clean(invoice.note),
    }


def _facts(invoice: InvoiceDocumentData) -> Pairs:
    dates = [(_("Issued"), invoice.issued_on), (_("Supplied"), invoice.supplied_on), (_("Pay by"), invoice.due_on)]
    facts = [(label, format_date(day, "medium", LOCALES[invoice.language])) for label, day in dates]
    facts.append((_("Corrects invoice"), clean_line(invoice.corrects or "")))
    return _given(facts) + _customers_numbers(invoice)


def _party(role: str, party: Party) -> dict[str, object]:
    numbers = _given(
        [
            (_("Registration number"), clean_line(party.registration_number)),
            (_("VAT number"), clean_line(party.vat_number)),
        ]
    )
    contact = [clean_line(party.email), clean_line(party.phone)]
    return {
        "role": role,
        "name": clean_line(party.name),
        "address": [line for line in map(clean_line, party.address) if line],
        "numbers": numbers,
        "contact": [line for line in contact if line],
    }


def _table(invoice: InvoiceDocumentData) -> dict[str, object]:
    return {
        "reference": _("Reference"),
        "description": _("Description"),
        "quantity": _("Quantity"),
        "unit_price": _("Unit price"),
        "vat_rate": _("VAT"),
        # Translators: the heading of a column of amounts before tax, such as "Net, EUR".
        "net": _("Net, {currency}").replace("{currency}", invoice.currency),
        "lines": [_line(invoice, line) for line in invoice.lines],
    }


def _line(invoice: InvoiceDocumentData, line: InvoiceLine) -> dict[str, object]:
    locale = LOCALES[invoice.language]
    return {
        "reference": clean_line(line.reference),
        "description": clean(line.description),
        "own": " · ".join(f"{label}: {value}" for label, value in _customers_numbers(line)),
        "quantity": _split(_number(line.quantity, locale), locale),
        "unit": _unit(line.unit),
        "unit_price": _split(_amount(line.unit_price, invoice), locale),
        "vat_rate": _percent(line.vat_rate, locale),
        "net": _amount(line.net, invoice),
    }


def _customers_numbers(given: InvoiceDocumentData | InvoiceLine) -> Pairs:
    return _given(
        [
            (_("Your order number"), clean_line(given.order_number or "")),
            (_("Cost centre"), clean_line(given.cost_centre or "")),
        ]
    )


def _vat_summary(invoice: InvoiceDocumentData) -> dict[str, object]:
    return {
        "rate": _("VAT rate"),
        "net": _("Taxable amount"),
        "vat": _("VAT"),
        "lines": [
            [
                _percent(line.rate, LOCALES[invoice.language]),
                _amount(line.net, invoice),
                _amount(line.vat, invoice),
            ]
            for line in invoice.vat_summary
        ],
    }


def _totals(invoice: InvoiceDocumentData) -> dict[str, object]:
    total = _("Total to pay") if invoice.total > 0 else _("Total")
    return {
        "parts": [
            (_("Total without VAT"), _amount(invoice.net_total, invoice)),
            (_("VAT"), _amount(invoice.vat_total, invoice)),
        ],
        "total": (total, _money(invoice.total, invoice)),
    }


def _payment(invoice: InvoiceDocumentData) -> dict[str, object]:
    seller = invoice.seller
    account = clean_line(seller.iban)
    symbol = variable_symbol(invoice.number) if invoice.currency == "CZK" else None
    details = [
        (_("Bank"), clean_line(seller.bank)),
        (_("IBAN"), _in_fours(compact(account))) if is_iban(compact(account)) else (_("Account"), account),
        (_("BIC"), compact(clean_line(seller.bic))),
        (_("Payment reference"), clean_line(invoice.number)),
        (_("Variable symbol"), symbol or ""),
        (_("Pay by"), format_date(invoice.due_on, "long", LOCALES[invoice.language])),
    ]
    to_pay = invoice.total > 0 and bool(account)
    return {
        "heading": _("Payment"),
        "details": _given(details) if to_pay else [],
        "qr": payment_qr(invoice),
        "scan": _("Scan to pay"),
        "qr_alt": _("Payment code with the account, the amount and the reference printed beside it"),
    }


def _given(pairs: Iterable[tuple[str, str]]) -> Pairs:
    return [(label, value) for label, value in pairs if value]


def _unit(unit: Unit) -> str:
    # Translators: "h" is short for hours, "pcs" for pieces, after a quantity on an invoice.
    return {"h": _("h"), "pcs": _("pcs")}[unit]


def _number(number: Decimal, locale: str) -> str:
    return format_decimal(number, locale=locale, decimal_quantization=False)


def _amount(amount: Decimal, invoice: InvoiceDocumentData) -> str:
    pattern = "#,##0." + "0" * get_currency_precision(invoice.currency)
    return format_decimal(amount, pattern, locale=LOCALES[invoice.language], decimal_quantization=False)


def _money(amount: Decimal, invoice: InvoiceDocumentData) -> str:
    return format_currency(amount, invoice.currency, locale=LOCALES[invoice.language], decimal_quantization=False)


def _percent(percent: Decimal, locale: str) -> str:
    return format_percent(percent / 100, locale=locale, decimal_quantization=False)


def _split(number: str, locale: str) -> tuple[str, str]:
    """A number before and from its decimal sign, which the template sets one below the other."""
    whole, sign, fraction = number.partition(get_decimal_symbol(locale))
    return whole, sign + fraction


def _in_fours(iban: str) -> str:
    return " ".join(iban[start : start + 4] for start in range(0, len(iban), 4))
