"""What an invoice says, already decided: the renderer only writes it down."""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal, get_args

Language = Literal["en", "lv", "cs", "pl", "ru"]
Unit = Literal["h", "pcs"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Party:
    name: str
    registration_number: str = ""
    vat_number: str = ""
    address: tuple[str, ...] = ()
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seller(Party):
    iban: str = ""
    bank: str = ""
    bic: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class InvoiceLine:
    reference: str
    description: str
    quantity: Decimal
    unit: Unit
    unit_price: Decimal
    vat_rate: Decimal  # percent: 21 means 21 %
    net: Decimal
    # The customer's own, where they are not those of the whole invoice.
    order_number: str = ""
    cost_centre: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class VatLine:
    rate: Decimal  # percent
    net: Decimal
    vat: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class InvoiceDocumentData:
    """One issued invoice. ValueError when language, currency or accent colour cannot be used.

    Amounts are printed as given, with all their decimals: whoever issues the invoice has rounded them.
    With `corrects` (the number of the invoice taken back) the document is titled as a credit note.
    """

    number: str
    issued_on: date
    due_on: date
    supplied_on: date
    currency: str
    language: Language
    seller: Seller
    buyer: Party
    lines: tuple[InvoiceLine, ...]
    vat_summary: tuple[VatLine, ...]
    net_total: Decimal
    vat_total: Decimal
    total: Decimal
    order_number: str | None = None
    cost_centre: str | None = None
    corrects: str | None = None
    note: str = ""
    logo: bytes | None = None
    accent: str = "#1f4e79"

    def __post_init__(self) -> None:
        if self.language not in get_args(Language):
            raise ValueError(f"no documents in language {self.language!r}")
        if not re.fullmatch(r"[A-Z]{3}", self.currency):
            raise ValueError(f"not an ISO 4217 currency code: {self.currency!r}")
        if not re.fullmatch(r"#[0-9a-fA-F]{6}", self.accent):
            raise ValueError(f"not a colour of the form #rrggbb: {self.accent!r}")
