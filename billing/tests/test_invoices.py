"""From accepted tickets to an issued invoice that closes them (B18), and that it never changes."""

import io
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from pypdf import PdfReader

from accounts.errors import NotAllowed, Refused
from accounts.files import open_file
from accounts.models import Event, TenantHost
from billing import actions, making
from billing.amounts import lines_of
from billing.document_data import document_data
from billing.documents.data import InvoiceDocumentData
from billing.models import Invoice, InvoiceDocument, InvoiceLine
from conftest import Desk
from tickets import actions as ticket_actions
from tickets.charges import bill_of
from tickets.models import Ticket
from tickets.sums import vat_by_rate
from tickets.workflow import Status


def issue(desk: Desk, *tickets: Ticket) -> Invoice:
    return actions.issue_invoice(desk.organisation, tickets=[ticket.pk for ticket in tickets], by=desk.accountant)


def test_b18_issuing_closes_the_tickets(inside: Desk) -> None:
    ticket = inside.accepted()
    issue(inside, ticket)
    assert Ticket.objects.get(pk=ticket.pk).status == Status.CLOSED


def test_time_worked_is_what_the_invoice_is_made_of(inside: Desk) -> None:
    invoice = issue(inside, inside.accepted(minutes=90))
    line = InvoiceLine.objects.get(invoice=invoice)
    assert (line.quantity, line.unit_price, line.net) == (Decimal("1.50"), Decimal("60.00"), Decimal("90.00"))


@pytest.mark.parametrize(("minutes", "net"), [(40, "40.00"), (20, "20.00"), (1, "1.00"), (7, "7.00"), (90, "90.00")])
def test_minutes_are_billed_to_the_cent(inside: Desk, minutes: int, net: str) -> None:
    """At 60.00 an hour a minute is 1.00: rounding the hours to two places would make 40.20 of 40."""
    assert issue(inside, inside.accepted(minutes=minutes)).net_total == Decimal(net)


def test_vat_is_added_once_per_rate(inside: Desk) -> None:
    invoice = issue(inside, inside.accepted(minutes=90))
    assert (invoice.net_total, invoice.vat_total, invoice.total) == (
        Decimal("90.00"),
        Decimal("18.90"),
        Decimal("108.90"),
    )


def test_time_that_is_not_billable_is_left_out(inside: Desk) -> None:
    ticket = inside.submit()
    ticket_actions.start_work(ticket, by=inside.agent, expected_minutes=60)
    ticket_actions.record_time(ticket, by=inside.agent, minutes=60, description="Work")
    ticket_actions.record_time(ticket, by=inside.agent, minutes=30, description="Our mistake", is_billable=False)
    assert [line.charge.quantity for line in lines_of({ticket: bill_of(ticket)})] == [Decimal(1)]


def test_several_tickets_stand_on_one_invoice(inside: Desk) -> None:
    invoice = issue(inside, inside.accepted(), inside.accepted())
    assert InvoiceLine.objects.filter(invoice=invoice).count() == 2


def test_numbers_count_up_within_the_year(inside: Desk) -> None:
    year = timezone.localdate(timezone=inside.tenant.zone).year
    first, second = issue(inside, inside.accepted()), issue(inside, inside.accepted())
    assert (first.number, second.number) == (f"{year}-00001", f"{year}-00002")


def test_a_refused_invoice_uses_up_no_number(inside: Desk) -> None:
    ticket = inside.submit()
    with pytest.raises(Refused):
        issue(inside, ticket)
    assert issue(inside, inside.accepted()).number.endswith("-00001")


def test_a_ticket_is_billed_once(inside: Desk) -> None:
    ticket = inside.accepted()
    issue(inside, ticket)
    with pytest.raises(Refused) as caught:
        issue(inside, ticket)
    assert caught.value.code == "not_ready"


def test_a_held_line_is_never_issued(inside: Desk) -> None:
    ticket = inside.accepted()
    ticket_actions.comment(ticket, by=inside.requester, text="Wait.")
    with pytest.raises(Refused):
        issue(inside, ticket)


def test_one_bad_ticket_stops_the_whole_invoice(inside: Desk) -> None:
    good, bad = inside.accepted(), inside.submit()
    with pytest.raises(Refused):
        issue(inside, good, bad)
    assert Ticket.objects.get(pk=good.pk).status == Status.INVOICE


def test_an_invoice_without_tickets_is_refused(inside: Desk) -> None:
    with pytest.raises(Refused):
        issue(inside)


def test_another_organisations_ticket_is_refused(inside: Desk) -> None:
    ticket = inside.accepted()
    with pytest.raises(Refused) as caught:
        actions.issue_invoice(inside.other_organisation, tickets=[ticket.pk], by=inside.accountant)
    assert caught.value.code == "foreign"


def test_another_desks_ticket_does_not_exist(desk: Desk, rival: Desk) -> None:
    with rival.entered():
        foreign = rival.accepted()
    with desk.entered(), pytest.raises(Refused) as caught:
        issue(desk, foreign)
    assert caught.value.code == "gone"


@pytest.mark.parametrize("role", ["agent", "requester", "colleague"])
def test_only_accountants_issue(inside: Desk, role: str) -> None:
    with pytest.raises(NotAllowed):
        actions.issue_invoice(inside.organisation, tickets=[inside.accepted().pk], by=getattr(inside, role))


def test_m9_a_desk_without_billing_issues_nothing(inside: Desk) -> None:
    ticket = inside.accepted()
    inside.tenant.billing_enabled = False
    inside.tenant.save()
    with pytest.raises(Refused) as caught:
        issue(inside, ticket)
    assert caught.value.code == "no_billing"


@pytest.mark.parametrize("statement", ["UPDATE billing_invoice SET total = 0", "DELETE FROM billing_invoiceline"])
def test_an_issued_invoice_cannot_be_changed(inside: Desk, statement: str) -> None:
    issue(inside, inside.accepted())
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_the_parties_are_copies(inside: Desk) -> None:
    invoice = issue(inside, inside.accepted())
    inside.organisation.name = "Renamed Ltd"
    inside.organisation.save()
    assert Invoice.objects.get(pk=invoice.pk).buyer["name"] == "Rye Bread Ltd"


def test_issuing_is_history(inside: Desk) -> None:
    issue(inside, inside.accepted())
    assert Event.objects.get(kind="invoice.issued").by == inside.accountant


def test_half_a_cent_is_rounded_up_once() -> None:
    class Part:
        vat_rate, net = Decimal(21), Decimal("0.50")

    assert vat_by_rate([Part(), Part(), Part()]) == {Decimal(21): Decimal("0.32")}


# ---- the document ----


def lines_in_document(desk: Desk, *orders: str) -> InvoiceDocumentData:
    """An invoice of a ticket per order number. Call it inside the desk."""
    tickets = [desk.submit(order_number=order) for order in orders]
    for ticket in tickets:
        ticket_actions.start_work(ticket, by=desk.agent, expected_minutes=20)
        ticket_actions.record_time(ticket, by=desk.agent, minutes=20, description="Work")
        ticket_actions.deliver(ticket, by=desk.agent, text="Done.")
        ticket_actions.accept_solution(ticket, by=desk.requester)
    return document_data(issue(desk, *tickets), TenantHost.objects.get())


def test_an_order_number_of_all_lines_is_the_invoices(inside: Desk) -> None:
    data = lines_in_document(inside, "PO-7", "PO-7")
    assert (data.order_number, [line.order_number for line in data.lines]) == ("PO-7", ["", ""])


def test_order_numbers_that_differ_are_the_lines(inside: Desk) -> None:
    data = lines_in_document(inside, "PO-7", "PO-8")
    assert (data.order_number, [line.order_number for line in data.lines]) == (None, ["PO-7", "PO-8"])


def test_the_pdf_is_made_after_the_answer(inside: Desk) -> None:
    invoice = issue(inside, inside.accepted())
    assert InvoiceDocument.objects.get(invoice=invoice).file is None


def test_the_pdf_says_what_the_invoice_says(desk: Desk) -> None:
    with desk.entered():
        invoice = issue(desk, desk.accepted(minutes=90))
        document = InvoiceDocument.objects.get(invoice=invoice)
    assert making.make(desk.id, document.pk)
    with desk.entered():
        document.refresh_from_db()
        with open_file(document.file) as file:
            text = PdfReader(io.BytesIO(file.read())).pages[0].extract_text()
    assert invoice.number in text
    assert "108.90" in text


def test_a_document_is_made_once(desk: Desk) -> None:
    with desk.entered():
        document = InvoiceDocument.objects.get(invoice=issue(desk, desk.accepted()))
    assert (making.make(desk.id, document.pk), making.make(desk.id, document.pk)) == (True, False)


def test_a_document_that_fails_says_why_and_waits(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "_render", lambda job: 1 / 0)
    with desk.entered():
        document = InvoiceDocument.objects.get(invoice=issue(desk, desk.accepted()))
    making.make(desk.id, document.pk)
    with desk.entered():
        document.refresh_from_db()
    assert document.error.startswith("ZeroDivisionError")
    assert document.next_try_at is not None
    assert document.next_try_at > timezone.now()
