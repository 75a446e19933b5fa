"""The accountant's pages: what is ready, issuing it, the invoice and its document."""

from typing import Any

import pytest

from billing import making, views
from billing.actions import issue_invoice
from billing.models import Invoice, InvoiceDocument
from conftest import Desk, Visit
from tickets import actions
from tickets.models import Ticket


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
    assert ([row["line"].ticket.pk for row in context["held"]], context["groups"]) == ([ticket.pk], [])


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
