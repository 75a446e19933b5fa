"""The accountant's pages: what is ready, issuing it, the invoice and its document."""

import html
import re
from decimal import Decimal
from typing import Any

import pytest

from billing import making, views
from billing.actions import issue_invoice
from billing.models import Invoice, InvoiceDocument
from conftest import Desk, Visit, in_days
from tickets import actions
from tickets.models import RequestType, Ticket
from tickets.workflow import Status


def accepted(desk: Desk) -> Ticket:
    with desk.entered():
        return desk.accepted(minutes=90)


def issue(visit: Visit, desk: Desk, **fields: Any) -> Any:
    return visit(desk, desk.accountant).post(
        f"/admin/billing/invoice/issue/{desk.organisation.pk}/", fields, follow=True
    )


def invoices(desk: Desk) -> int:
    with desk.entered():
        return int(Invoice.objects.count())


def test_what_is_ready_is_listed_with_its_price(desk: Desk, visit: Visit) -> None:
    ticket = accepted(desk)
    page = visit(desk, desk.accountant).get("/admin/billing/invoice/ready/").content.decode()
    assert (ticket.reference in page, "90.00" in page) == (True, True)


def test_what_is_held_stands_apart(desk: Desk, visit: Visit) -> None:
    ticket = accepted(desk)
    with desk.entered():
        actions.comment(ticket, by=desk.requester, text="Wait.")
    context = visit(desk, desk.accountant).get("/admin/billing/invoice/ready/").context
    assert ([row["ticket"].pk for row in context["held"]], context["groups"]) == ([ticket.pk], [])


def estimated(desk: Desk, *lines: actions.NewLine, **changes: Any) -> Ticket:
    """Accepted by estimate and by solution, with an hour worked. Call it inside the desk."""
    ticket = desk.submit(**changes)
    due_on = in_days(5)
    actions.send_estimate(ticket, by=desk.agent, lines=lines, due_on=due_on, zero_reason="A claim.")
    actions.accept_estimate(ticket, by=desk.colleague)
    actions.start_work(ticket, by=desk.agent, expected_minutes=30)
    actions.record_time(ticket, by=desk.agent, minutes=60, description="Work")
    actions.deliver(ticket, by=desk.agent, text="Done.")
    return actions.accept_solution(ticket, by=desk.requester)


def fixed(price: str) -> actions.NewLine:
    return actions.NewLine("New form", price=Decimal(price))


def ready(visit: Visit, desk: Desk) -> Any:
    return visit(desk, desk.accountant).get("/admin/billing/invoice/ready/")


def text_of(page: Any) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.content.decode())).split())


def test_each_charge_has_its_line(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        estimated(desk, actions.NewLine("Analysis", 90), fixed("240"))
    said = text_of(ready(visit, desk))
    assert ("Analysis 1.00 h 60.00 21 60.00" in said, "New form fixed price 240.00 21 240.00" in said) == (True, True)


def test_the_customers_numbers_stand_beside_the_ticket(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = estimated(desk, fixed("240"), order_number="PO-7", cost_centre="Bakery 2")
    assert f"{ticket.reference} , order PO-7, cost centre Bakery 2" in text_of(ready(visit, desk))


def test_what_is_not_charged_of_the_time_is_said(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        estimated(desk, actions.NewLine("Analysis", 30))
    assert "27 min are not charged: the customer did not accept them." in text_of(ready(visit, desk))


def nothing_due(desk: Desk) -> Ticket:
    """Accepted as billable, before an agent found out that it was a fault. Call it inside the desk."""
    ticket = desk.accepted(minutes=30)
    RequestType.objects.filter(pk=ticket.request_type_id).update(is_billable=False)
    return ticket


def test_a_ticket_with_nothing_due_is_not_to_be_chosen(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = nothing_due(desk)
    page = ready(visit, desk)
    assert ([row.pk for row in page.context["groups"][0]["nothing_due"]], 'name="ticket"' in page.content.decode()) == (
        [ticket.pk],
        False,
    )


def test_a_ticket_with_nothing_due_leads_to_where_it_is_closed(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = nothing_due(desk)
    page = ready(visit, desk)
    assert f'href="/admin/tickets/ticket/{ticket.pk}/change/"' in page.content.decode()


def test_an_accountant_closes_what_costs_nothing_with_a_reason(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = nothing_due(desk)
    where = f"/admin/tickets/ticket/{ticket.pk}/verb/close/"
    visit(desk, desk.accountant).post(where, {"text": "It was our fault."})
    with desk.entered():
        assert Ticket.objects.get(pk=ticket.pk).status == Status.CLOSED


def test_vat_is_rounded_once_per_rate(desk: Desk, visit: Visit) -> None:
    """Three times 0.50 at 21 % are 0.32 of VAT; line by line it would be 0.33."""
    with desk.entered():
        for _ in range(3):
            estimated(desk, fixed("0.50"))
        desk.tenant.vat_rate = Decimal(12)
        desk.tenant.save()
        desk.accepted(minutes=30)
    group = ready(visit, desk).context["groups"][0]
    found = [(rate["rate"], rate["net"], rate["vat"]) for rate in group["rates"]]
    assert (found, group["gross"]) == (
        [
            (Decimal("12.00"), Decimal("30.00"), Decimal("3.60")),
            (Decimal("21.00"), Decimal("1.50"), Decimal("0.32")),
        ],
        Decimal("35.42"),
    )


def test_the_script_gets_the_sums_per_rate(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        desk.accountant.language = "lv"
        desk.accountant.save()
        estimated(desk, actions.NewLine("Analysis", 90), fixed("240"))
    assert 'data-rates="21.00:300.00"' in ready(visit, desk).content.decode()


def test_an_invoice_is_issued(desk: Desk, visit: Visit) -> None:
    issue(visit, desk, ticket=accepted(desk).pk)
    assert invoices(desk) == 1


@pytest.mark.parametrize("value", ["", "x", "-1", "99999999999999999999999"])
def test_a_made_up_ticket_is_a_sentence(desk: Desk, visit: Visit, value: str) -> None:
    accepted(desk)
    assert (issue(visit, desk, ticket=value).status_code, invoices(desk)) == (200, 0)


def test_a_button_clicked_twice_issues_once(desk: Desk, visit: Visit) -> None:
    ticket = accepted(desk)
    issue(visit, desk, ticket=ticket.pk)
    page = issue(visit, desk, ticket=ticket.pk).content.decode()
    assert (invoices(desk), "not ready for an invoice any more" in page) == (1, True)


def issued(desk: Desk) -> Invoice:
    with desk.entered():
        return issue_invoice(desk.organisation, tickets=[desk.accepted(minutes=90).pk], by=desk.accountant)


def test_a_document_in_the_making_is_a_sentence(desk: Desk, visit: Visit) -> None:
    page = visit(desk, desk.accountant).get(f"/admin/billing/invoice/{issued(desk).pk}/pdf/", follow=True)
    assert "being made" in page.content.decode()


@pytest.mark.parametrize(
    ("role", "where"),
    [("accountant", "/admin/billing/invoice/{0.pk}/pdf/"), ("colleague", "/invoices/{0.number}/pdf/")],
)
def test_the_document_is_downloaded(desk: Desk, visit: Visit, role: str, where: str) -> None:
    invoice = issued(desk)
    with desk.entered():
        document = InvoiceDocument.objects.get().pk
    making.make(desk.id, document)
    answer = visit(desk, getattr(desk, role)).get(where.format(invoice))
    assert b"".join(answer.streaming_content).startswith(b"%PDF-")


def test_the_customer_reads_the_invoice_in_the_portal(desk: Desk, visit: Visit) -> None:
    page = visit(desk, desk.colleague).get(f"/invoices/{issued(desk).number}/").content.decode()
    assert "108.90" in page


def issued_of(desk: Desk, *tickets: Ticket) -> Invoice:
    return issue_invoice(desk.organisation, tickets=[ticket.pk for ticket in tickets], by=desk.accountant)


PAGES = [("accountant", "/admin/billing/invoice/{0.pk}/change/"), ("colleague", "/invoices/{0.number}/")]


@pytest.mark.parametrize(("role", "where"), PAGES)
def test_the_invoice_tells_hours_from_fixed_prices(desk: Desk, visit: Visit, role: str, where: str) -> None:
    with desk.entered():
        invoice = issued_of(desk, estimated(desk, actions.NewLine("Analysis", 90), fixed("240")))
    said = text_of(visit(desk, getattr(desk, role)).get(where.format(invoice)))
    assert ("1.00 h 60.00" in said, "fixed price 240.00" in said) == (True, True)


@pytest.mark.parametrize(("role", "where"), PAGES)
def test_numbers_that_all_lines_share_stand_once(desk: Desk, visit: Visit, role: str, where: str) -> None:
    with desk.entered():
        invoice = issued_of(desk, *(estimated(desk, fixed("10"), order_number="PO-7") for _ in range(2)))
    assert text_of(visit(desk, getattr(desk, role)).get(where.format(invoice))).count("PO-7") == 1


@pytest.mark.parametrize(("role", "where"), PAGES)
def test_numbers_that_differ_stand_at_their_lines(desk: Desk, visit: Visit, role: str, where: str) -> None:
    with desk.entered():
        rows = [estimated(desk, fixed("10"), cost_centre=centre) for centre in ("Bakery 1", "Bakery 2")]
        invoice = issued_of(desk, *rows)
    said = text_of(visit(desk, getattr(desk, role)).get(where.format(invoice)))
    assert [f"cost centre {centre}" in said for centre in ("Bakery 1", "Bakery 2")] == [True, True]


def test_m9_without_billing_there_is_no_page_of_it(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        desk.tenant.billing_enabled = False
        desk.tenant.save()
    assert visit(desk, desk.accountant).get("/admin/billing/invoice/ready/").status_code == 404


def test_an_invoice_cannot_be_posted_to(desk: Desk, visit: Visit) -> None:
    assert (
        visit(desk, desk.accountant)
        .post(f"/admin/billing/invoice/{issued(desk).pk}/change/", {"total": "0"})
        .status_code
        == 405
    )


def test_a_long_list_of_invoices_has_pages(desk: Desk, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "PAGE", 1)
    for _ in range(2):
        issue(visit, desk, ticket=accepted(desk).pk)
    browser = visit(desk, desk.colleague)
    first = browser.get("/invoices/")
    second = browser.get(first.context["next_url"])
    numbers = [row.number for page in (first, second) for row in page.context["invoices"]]
    assert (len(numbers), len(set(numbers)), second.context["next_url"]) == (2, 2, None)


@pytest.mark.parametrize("before", ["x", "-1", "9" * 30, "²"])
def test_an_unreadable_place_in_the_list_shows_its_beginning(desk: Desk, visit: Visit, before: str) -> None:
    issue(visit, desk, ticket=accepted(desk).pk)
    page = visit(desk, desk.colleague).get("/invoices/", {"before": before})
    assert len(page.context["invoices"]) == 1
