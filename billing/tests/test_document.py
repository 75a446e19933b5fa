"""The invoice as people get it: what the PDF says, and what it must never do."""

import io
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest
import segno
import typst
from PIL import Image
from pypdf import PageObject, PdfReader
from pypdf.generic import DictionaryObject, StreamObject

from billing.documents.data import InvoiceDocumentData, InvoiceLine, Party, Seller, VatLine
from billing.documents.logo import MAX_BYTES, printable_logo
from billing.documents.payment_qr import payment_qr
from billing.documents.render import _typeset, render_invoice
from billing.documents.text import MISSING, PRINTABLE, clean

LINE = InvoiceLine(
    reference="DESK-38",
    description="Payroll module",
    quantity=Decimal("14.50"),
    unit="h",
    unit_price=Decimal("85.00"),
    vat_rate=Decimal("21"),
    net=Decimal("1232.50"),
)
INVOICE = InvoiceDocumentData(
    number="2026-0042",
    issued_on=date(2026, 12, 5),
    due_on=date(2026, 12, 19),
    supplied_on=date(2026, 11, 30),
    currency="EUR",
    language="en",
    seller=Seller(name="Northwind Ltd", iban="LV80 BANK 0000 4351 9500 1", bank="AS Banka", bic="HABALV22"),
    buyer=Party(name="Harbour Foods plc", vat_number="IE6388047V", address=("Unit 4, Dock Road", "Limerick")),
    lines=(LINE,),
    vat_summary=(VatLine(rate=Decimal("21"), net=Decimal("1232.50"), vat=Decimal("258.83")),),
    net_total=Decimal("1232.50"),
    vat_total=Decimal("258.83"),
    total=Decimal("1491.33"),
)
CZECH = replace(
    INVOICE,
    currency="CZK",
    seller=Seller(name="Příčná * řízky s.r.o.", iban="CZ65 0800 0000 1920 0014 5399", bic="GIBACZPX"),
)


def read(invoice: InvoiceDocumentData) -> PdfReader:
    return PdfReader(io.BytesIO(render_invoice(invoice)))


def pages(invoice: InvoiceDocumentData) -> list[PageObject]:
    return list(read(invoice).pages)


def text_of(invoice: InvoiceDocumentData) -> str:
    """All pages on one line, every kind of space as one."""
    return " ".join(" ".join(page.extract_text() for page in pages(invoice)).split())


def described(description: str) -> InvoiceDocumentData:
    return replace(INVOICE, lines=(replace(LINE, description=description),))


def with_lines(count: int) -> InvoiceDocumentData:
    return replace(INVOICE, lines=tuple(replace(LINE, reference=f"DESK-{number}") for number in range(count)))


def code_of(content: str | bytes) -> str:
    return segno.make_qr(content, error="m", boost_error=False).svg_inline(border=4, light="white")


def picture(kind: str = "PNG", size: tuple[int, int] = (60, 20), mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Image.new(mode, size).save(out, kind)
    return out.getvalue()


# What it says


@pytest.mark.parametrize("amount", ["1,232.50", "258.83", "€1,491.33"])
def test_totals_are_printed(amount: str) -> None:
    assert amount in text_of(INVOICE)


def test_a_fixed_price_is_one_piece() -> None:
    fixed = replace(LINE, quantity=Decimal("1.00"), unit="pcs", unit_price=Decimal("240.00"), net=Decimal("240.00"))
    assert "Payroll module 1 pcs 240.00 21% 240.00" in text_of(replace(INVOICE, lines=(fixed,)))


def test_the_customers_numbers_stand_at_the_top() -> None:
    assert "Cost centre Bakery 2" in text_of(replace(INVOICE, order_number="PO-7", cost_centre="Bakery 2"))


def test_a_lines_own_numbers_stand_under_it() -> None:
    line = replace(LINE, order_number="PO-7", cost_centre="Bakery 2")
    assert "Payroll module Your order number: PO-7 · Cost centre: Bakery 2" in text_of(replace(INVOICE, lines=(line,)))


@pytest.mark.parametrize(
    ("language", "total"),
    [
        ("en", "€1,491.33"),
        ("lv", "1 491,33 €"),
        ("cs", "1 491,33 €"),
        ("pl", "1 491,33 €"),
        ("ru", "1 491,33 €"),
    ],
)
def test_the_total_has_the_form_of_its_locale(language: str, total: str) -> None:
    invoice = replace(INVOICE, language=language)
    assert total in text_of(invoice)


def test_dates_have_the_form_of_their_locale() -> None:
    assert "19. prosince 2026" in text_of(replace(INVOICE, language="cs"))


def test_a_quantity_keeps_its_fraction_and_unit() -> None:
    assert "14.5 h" in text_of(INVOICE)


def test_a_unit_price_keeps_all_its_decimals() -> None:
    assert "0.0125" in text_of(replace(INVOICE, lines=(replace(LINE, unit_price=Decimal("0.0125")),)))


@pytest.mark.parametrize(
    "name", ["SIA “Ķīšezera žņaugs”", "Příliš žluťoučký kůň", "Łódź, święta źródła", "«Щука и Ёж»"]
)
def test_names_keep_their_letters(name: str) -> None:
    assert name in text_of(replace(INVOICE, buyer=Party(name=name)))


def test_the_bank_account_is_printed_in_fours() -> None:
    assert "LV80 BANK 0000 4351 9500 1" in text_of(INVOICE)


def test_an_account_that_is_no_iban_is_printed_as_it_is() -> None:
    assert "40702810900000012345" in text_of(replace(INVOICE, seller=Seller(name="Деск", iban="40702810900000012345")))


def test_the_customers_own_numbers_are_printed() -> None:
    text = text_of(replace(INVOICE, order_number="PO-7781", cost_centre="IT-400"))
    assert "PO-7781" in text
    assert "IT-400" in text


def test_an_invoice_taken_back_is_titled_as_a_credit_note() -> None:
    assert "Credit note" in text_of(replace(INVOICE, corrects="2026-0041", total=Decimal("-1491.33")))


# How it is laid out


def test_the_head_of_the_table_is_repeated() -> None:
    assert "Description" in pages(with_lines(60))[1].extract_text()


def test_pages_are_counted() -> None:
    assert "Page 2 of 2" in pages(with_lines(60))[-1].extract_text()


def test_three_hundred_lines_are_all_there() -> None:
    assert text_of(with_lines(300)).count("DESK-") == 300


def test_a_row_stays_on_one_page() -> None:
    invoice = replace(INVOICE, lines=tuple(replace(LINE, description="first\n" * 9 + "last") for _ in range(20)))
    assert all(page.extract_text().count("first") == 9 * page.extract_text().count("last") for page in pages(invoice))


def test_a_description_longer_than_a_page_runs_on() -> None:
    assert text_of(described("line\n" * 200)).count("line") == 200


def test_a_word_of_5000_letters_stays_inside_the_page() -> None:
    starts: list[float] = []
    for page in pages(described("W" * 5000)):
        page.extract_text(visitor_text=lambda _text, _cm, tm, _font, _size: starts.append(tm[4]))
    assert max(starts) < 560  # of 595 points


# What comes from strangers


@pytest.mark.parametrize(
    "hostile",
    [
        '#read("/etc/passwd")',
        "$x$",
        "*b* _i_ `r`",
        "<label> @ref",
        "= Title",
        '#image("https://x.example/a.png")',
        "]#1",
    ],
)
def test_source_code_stays_text(hostile: str) -> None:
    assert hostile in text_of(described(hostile))


@pytest.mark.parametrize("field", ["number", "note", "order_number", "cost_centre", "corrects"])
def test_source_code_stays_text_in_every_field(field: str) -> None:
    assert "#sys.version" in text_of(replace(INVOICE, **{field: "#sys.version"}))


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "{secret}", "../../../../../../etc/passwd", "render.py", "invoice.typ"]
)
def test_even_the_template_can_read_no_file(tmp_path: Path, path: str) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    with pytest.raises(typst.TypstError, match=r"not found|escape"):
        _typeset(f'#read("{path.format(secret=secret)}")'.encode(), {}, issued_on=date(2026, 12, 5))


def test_signs_that_turn_or_hide_text_are_dropped() -> None:
    assert clean("a\u202eb\x00c\u200bd\ufeff\ud800") == "abcd"


def test_a_sign_without_a_glyph_becomes_a_box() -> None:
    assert f"Fix {MISSING} now" in text_of(described("Fix \U0001f642 now"))


def test_the_fonts_have_every_printable_sign() -> None:
    signs = [chr(code) for code in range(0x10000) if re.match(f"[{PRINTABLE}]", chr(code))]
    every = " ".join(signs)
    # The typesetter refuses a PDF/A with a missing glyph; the name is set in the second weight.
    assert render_invoice(replace(INVOICE, note=every, buyer=Party(name=every)))


@pytest.mark.parametrize("wrong", [{"accent": "red"}, {"accent": '#000"'}, {"currency": "eur"}, {"language": "de"}])
def test_what_cannot_be_printed_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=re.escape(*wrong.values())):
        replace(INVOICE, **wrong)


# The file


def test_it_claims_pdf_a_3a() -> None:
    metadata = cast(StreamObject, read(INVOICE).root_object["/Metadata"]).get_data()
    assert b"<pdfaid:part>3</pdfaid:part><pdfaid:conformance>A</pdfaid:conformance>" in metadata


def test_it_names_its_language_for_screen_readers() -> None:
    assert str(read(replace(INVOICE, language="lv")).root_object["/Lang"]) == "lv"


def test_the_same_invoice_gives_the_same_bytes() -> None:
    assert render_invoice(replace(INVOICE, logo=picture())) == render_invoice(replace(INVOICE, logo=picture()))


def test_only_our_fonts_are_used() -> None:
    resources = cast(DictionaryObject, pages(INVOICE)[0]["/Resources"])
    fonts = [cast(DictionaryObject, font.get_object()) for font in cast(DictionaryObject, resources["/Font"]).values()]
    assert {str(font["/BaseFont"]).split("+")[1] for font in fonts} == {"Inter-Regular", "Inter-SemiBold"}


# The logo


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_logo_is_drawn(kind: str) -> None:
    assert len(pages(replace(INVOICE, logo=picture(kind)))[0].images) == 1


@pytest.mark.parametrize(
    "raw",
    [b"", b"<svg/>", b"\x89PNG\r\n\x1a\n broken", picture()[:60], picture("GIF"), picture() + b"\0" * MAX_BYTES],
    ids=["empty", "svg", "broken", "cut", "gif", "too large"],
)
def test_another_file_is_ignored(raw: bytes) -> None:
    assert printable_logo(raw) is None


def test_a_small_file_that_unfolds_to_a_huge_picture_is_ignored() -> None:
    assert printable_logo(picture(size=(5001, 5000), mode="1")) is None


# The payment code


def test_euros_are_paid_by_a_sepa_code() -> None:
    fields = ["BCD", "002", "1", "SCT", "HABALV22", "Northwind Ltd", "LV80BANK0000435195001", "EUR1491.33"]
    assert payment_qr(INVOICE) == code_of("\n".join([*fields, "", "", "2026-0042"]).encode())


def test_korunas_are_paid_by_a_czech_code() -> None:
    assert payment_qr(CZECH) == code_of(
        "SPD*1.0*ACC:CZ6508000000192000145399+GIBACZPX*AM:1491.33*CC:CZK*DT:20261219*X-VS:20260042"
        "*MSG:2026-0042*RN:PRICNA   RIZKY S.R.O."
    )


def test_a_name_cannot_write_another_field() -> None:
    forged = replace(INVOICE.seller, name="Northwind\nLV00EVIL")
    honest = replace(INVOICE.seller, name="Northwind LV00EVIL")
    assert payment_qr(replace(INVOICE, seller=forged)) == payment_qr(replace(INVOICE, seller=honest))


def test_the_code_is_on_the_page() -> None:
    assert "Scan to pay" in text_of(INVOICE)


@pytest.mark.parametrize(
    "change",
    [
        {"seller": Seller(name="Northwind Ltd")},
        {"seller": Seller(name="Northwind Ltd", iban="LV81BANK0000435195001")},
        {"currency": "PLN"},
        {"total": Decimal("0.00")},
        {"total": Decimal("-1.00")},
        {"number": "9" * 300},
    ],
    ids=["no account", "wrong check digits", "another currency", "nothing to pay", "credit", "number too long"],
)
def test_there_is_no_code_when_it_could_not_pay(change: dict[str, object]) -> None:
    assert "Scan to pay" not in text_of(replace(INVOICE, **change))
