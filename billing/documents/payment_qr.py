"""Codes that a banking application reads: SEPA credit transfer (EPC069-12) for EUR, SPD 1.0 for CZK."""

import re
import unicodedata
from decimal import Decimal

import segno
from segno.helpers import make_epc_qr

from .data import InvoiceDocumentData
from .text import clean_line

MAX_AMOUNT = {"EUR": Decimal("999999999.99"), "CZK": Decimal("9999999.99")}


def payment_qr(invoice: InvoiceDocumentData) -> str | None:
    """The payment code as SVG, with its quiet zone; None when the invoice cannot be paid by one."""
    limit = MAX_AMOUNT.get(invoice.currency)
    iban = compact(invoice.seller.iban)
    if limit is None or not is_iban(iban) or not Decimal("0.01") <= invoice.total <= limit:
        return None
    if invoice.total != round(invoice.total, 2):  # a code for another amount than the printed one would be worse
        return None
    code = _sepa(invoice, iban) if invoice.currency == "EUR" else _czech(invoice, iban)
    return code.svg_inline(border=4, light="white") if code else None


def variable_symbol(number: str) -> str | None:
    """The digits of an invoice number, by which Czech banks match payments: at most ten, else there is none."""
    digits = re.sub(r"[^0-9]", "", number)
    return digits if 0 < len(digits) <= 10 else None


def compact(code: str) -> str:
    return "".join(code.split()).upper()


def is_iban(iban: str) -> bool:
    """ISO 13616: the rotated number, letters as 10 to 35, leaves 1 when divided by 97."""
    if not re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", iban):
        return False
    return int("".join(str(int(sign, 36)) for sign in iban[4:] + iban[:4])) % 97 == 1


def _bic(invoice: InvoiceDocumentData) -> str | None:
    bic = compact(invoice.seller.bic)
    return bic if re.fullmatch(r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?", bic) else None


def _sepa(invoice: InvoiceDocumentData, iban: str) -> segno.QRCode | None:
    # Fields are lines: clean_line keeps a name with a line break from writing the next field.
    name = clean_line(invoice.seller.name)[:70]
    try:
        return make_epc_qr(
            name, iban, invoice.total, text=clean_line(invoice.number), bic=_bic(invoice), encoding="utf-8"
        )
    except ValueError:  # longer than the standard's 331 bytes; a cut reference would not be matched
        return None


def _czech(invoice: InvoiceDocumentData, iban: str) -> segno.QRCode:
    bic, symbol = _bic(invoice), variable_symbol(invoice.number)
    fields = {
        "ACC": f"{iban}+{bic}" if bic else iban,
        "AM": f"{invoice.total:.2f}",
        "CC": invoice.currency,
        "DT": f"{invoice.due_on:%Y%m%d}",
        "X-VS": symbol or "",
        "MSG": _ascii(invoice.number, 60),
        "RN": _ascii(invoice.seller.name, 35),
    }
    return segno.make_qr("SPD*1.0*" + "*".join(f"{key}:{value}" for key, value in fields.items() if value), error="m")


def _ascii(text: str, limit: int) -> str:
    # '*' parts the fields and '%' begins an escape; capitals without accents keep the code small and readable by all.
    plain = unicodedata.normalize("NFKD", clean_line(text)).encode("ascii", "ignore").decode()
    return re.sub(r"[*%]", " ", plain).strip().upper()[:limit].strip()
