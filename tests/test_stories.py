"""The four desks' stories in a real browser on the running product: estimates, proof, silence and money."""

from typing import Any

import pytest

from tests.conftest import Product, Session, wait_for
from tests.stories import (
    estimate,
    file_request,
    let_pass,
    letter,
    link_in,
    open_ticket,
    press,
    record_time,
    status_of,
    tick,
    unfold,
)
from tests.test_axe import violations

pytestmark = pytest.mark.browser

CUSTOMER, APPROVER = "customer@rudzumaize.example", "approver@rudzumaize.example"
AGENT, ACCOUNTANT = "agent@integrator.example", "accountant@integrator.example"


def test_b11_the_integrators_story(product: Product, session: Session) -> None:
    """A 3 h estimate above the threshold, accepted from the e-mail page, work, a defect, the rollout, the invoice."""
    customer, agent = session(CUSTOMER), session(AGENT)
    reference = file_request(customer, "Payroll", "Holiday pay needs a new rule")
    open_ticket(agent, reference)
    press(agent, "start_work", minutes="3h")
    assert "needs the customer's approval" in agent.locator("body").inner_text()
    estimate(agent, ("Analysis", "1h", ""), ("Programming", "2:00", ""))
    assert status_of(product, reference) == "estimated"

    approve_from_the_mail(product, session, reference)
    open_ticket(agent, reference)
    press(agent, "start_work", minutes="3h")
    record_time(agent, "2h50 programming")
    press(agent, "deliver", text="The rule is in. Please check November.")

    customer.goto(f"/requests/{reference}/")
    press(customer, "reopen", text="November is right, December is not.")
    assert status_of(product, reference) == "reopened"
    agent.reload()
    press(agent, "schedule_deployment", day="2099-01-15")
    assert status_of(product, reference) == "ready_to_deploy"
    press(agent, "deliver", text="December too, and it is in production.")
    customer.reload()
    press(customer, "accept_solution")
    assert status_of(product, reference) == "invoice"
    issue_the_invoice(product, session, reference)
    net = product.query(f"SELECT net FROM billing_invoiceline WHERE reference = '{reference}' ORDER BY position")
    # Time fills the lines in their order: one hour of analysis, 1 h 50 min of programming, at 60.00.
    assert [str(row[0]) for row in net] == ["60.00", "110.00"]


def approve_from_the_mail(product: Product, session: Session, reference: str) -> None:
    """The approver never logs in: the e-mail's page shows what it is about, and a POST decides."""
    mailbox = session()
    text = letter(mailbox, product, APPROVER, f"{reference} “Holiday pay needs a new rule” has an estimate")
    assert "180.00 EUR" in text
    page = session()
    page.goto(link_in(text, "decide/"))
    assert status_of(product, reference) == "estimated"
    assert violations(page) == []
    unfold(page.locator("[name=order_number]"))
    page.locator("[name=order_number]").fill("PO-77")
    page.get_by_role("button", name="Accept the estimate").first.click()
    page.wait_for_load_state()
    assert status_of(product, reference) == "estimate_accepted"
    manner, amount = product.query(
        "SELECT a.manner, a.amount FROM tickets_approval a JOIN tickets_ticket t ON t.id = a.ticket_id"
        f" WHERE t.reference = '{reference}' AND t.tenant_id = 1"
    )[0]
    assert (manner, str(amount)) == ("email", "180.00")
    page.goto(link_in(text, "decide/"))  # it opens one decision, once
    assert page.locator("form[method=post] [name=verb]").count() == 0


def issue_the_invoice(product: Product, session: Session, reference: str) -> None:
    accountant = session(ACCOUNTANT)
    accountant.goto("/admin/billing/invoice/ready/")
    for box in accountant.locator("[name=ticket]").all():
        row = accountant.locator("tr", has=accountant.locator(f"[name=ticket][value='{box.get_attribute('value')}']"))
        box.set_checked(reference in row.inner_text())
    accountant.get_by_role("button", name="Issue invoice").first.click()
    accountant.wait_for_url("**/admin/billing/invoice/*/change/")
    assert "PO-77" in accountant.locator("main, #content").first.inner_text()
    assert status_of(product, reference) == "closed"


@pytest.mark.slow
def test_a7_the_agencys_story(product: Product, session: Session) -> None:
    """A priced quote, changes, the second version accepted, seven calendar days of review, silence, the invoice."""
    customer, approver = (
        session("customer@knihy.example", desk="agency"),
        session("approver@knihy.example", desk="agency"),
    )
    agent = session("agent@agency.example", desk="agency")
    reference = file_request(customer, "A new website or shop", "A page for readings")
    open_ticket(agent, reference)
    estimate(agent, ("Design", "", "3500"), ("Form", "4h", ""))
    approver.goto(f"/requests/{reference}/")
    press(approver, "request_changes", text="Without the form, please.")
    assert status_of(product, reference) == "reopened"
    open_ticket(agent, reference)
    estimate(agent, ("Design", "", "3200"), ("", "", ""))
    approver.goto(f"/requests/{reference}/")
    assert "3,200.00 CZK" in approver.locator("main").inner_text()
    press(approver, "accept_estimate")
    assert status_of(product, reference) == "estimate_accepted"
    open_ticket(agent, reference)
    press(agent, "start_work", minutes="300")
    press(agent, "deliver", text="The page is up.")
    days = product.query(
        "SELECT (period_ends_at AT TIME ZONE 'Europe/Prague')::date - (now() AT TIME ZONE 'Europe/Prague')::date"
        f" FROM tickets_ticket WHERE reference = '{reference}'"
    )
    assert days == [(8,)]  # midnight after the seventh day
    silence(product, session, reference)
    accountant = session("accountant@agency.example", desk="agency")
    accountant.goto("/admin/billing/invoice/ready/")
    accountant.get_by_role("button", name="Issue invoice").first.click()
    accountant.wait_for_url("**/admin/billing/invoice/*/change/")
    assert status_of(product, reference) == "closed"


def silence(product: Product, session: Session, reference: str) -> None:
    """Nobody answers: a reminder goes out, and the end of the period accepts."""
    sent = (
        "SELECT count(*) FROM notifications_outboxmessage m JOIN tickets_ticket t ON t.id = m.about_id"
        f" WHERE t.reference = '{reference}' AND m.kind = '%s' AND m.state = 'sent'"
    )
    wait_for(lambda: product.query(sent % "ticket.delivered")[0][0], "the delivery's mail")
    let_pass(product, reference, 6)
    tick(product)
    wait_for(lambda: product.query(sent % "ticket.review_reminder")[0][0], "the reminder")
    let_pass(product, reference, 8)
    tick(product)
    wait_for(lambda: status_of(product, reference) == "invoice", "the acceptance by silence")


@pytest.mark.slow
def test_a8_a_claim_is_quoted_at_price_zero(product: Product, session: Session) -> None:
    customer, approver = (
        session("customer@knihy.example", desk="agency"),
        session("approver@knihy.example", desk="agency"),
    )
    agent = session("agent@agency.example", desk="agency")
    reference = file_request(customer, "Warranty claim", "The footer covers the basket")
    open_ticket(agent, reference)
    estimate(agent, ("Repair", "", "0"))
    assert (
        "why it costs nothing" in agent.locator("body").inner_text()
    )  # nothing typed is lost, the reason is asked for
    assert agent.locator("[name=lines-0-description]").input_value() == "Repair"
    reason = agent.locator("[name=zero_reason]")
    reason.fill("Under warranty")
    agent.locator("form[data-estimate] button[data-once]").click()
    agent.wait_for_load_state()
    approver.goto(f"/requests/{reference}/")
    assert "Under warranty" in approver.locator("main").inner_text()
    press(approver, "accept_estimate")
    open_ticket(agent, reference)
    press(agent, "start_work", minutes="20")
    record_time(agent, "20 repaired")
    press(agent, "deliver", text="Repaired.")
    customer.goto(f"/requests/{reference}/")
    press(customer, "accept_solution")
    assert status_of(product, reference) == "closed"  # there is nothing to charge


@pytest.mark.slow
def test_m9_a_desk_without_billing(product: Product, session: Session) -> None:
    product.query("UPDATE accounts_tenant SET billing_enabled = false WHERE slug = 'agency'")
    try:
        customer, agent = (session(who, desk="agency") for who in ("customer@knihy.example", "agent@agency.example"))
        wait_for(lambda: no_money(customer), "the desk without billing")
        reference = file_request(customer, "A new website or shop", "How do I log in?")
        open_ticket(agent, reference)
        assert agent.locator("a[href$='/estimate/']").count() == 0
        press(agent, "start_work", minutes="5h")
        record_time(agent, "5h explained")
        press(agent, "deliver", text="By the button at the top.")
        customer.goto(f"/requests/{reference}/")
        press(customer, "accept_solution")
        assert status_of(product, reference) == "closed"
        assert "Invoice" not in customer.locator("main").inner_text()
    finally:
        product.query("UPDATE accounts_tenant SET billing_enabled = true WHERE slug = 'agency'")


def no_money(page: Any) -> bool:
    """A web process remembers a desk's row for some seconds."""
    page.goto("/requests/")
    return bool(page.locator("a[href='/invoices/']").count() == 0)


@pytest.mark.slow
def test_an_estimate_that_nobody_may_approve_is_not_sent(product: Product, session: Session) -> None:
    reference = file_request(session(CUSTOMER), "Payroll", "Everything anew")
    agent = session(AGENT)
    open_ticket(agent, reference)
    estimate(agent, ("Everything", "", "5000"))  # the approver's limit is 2,000.00
    assert "can approve 5,000.00 EUR" in agent.locator("body").inner_text()
    assert agent.locator("[name=lines-0-price]").input_value() == "5000"
    assert status_of(product, reference) == "open"


@pytest.mark.slow
def test_a_deputy_decides_while_the_approver_is_away(product: Product, session: Session) -> None:
    customer = session(CUSTOMER)
    reference = file_request(customer, "Payroll", "While the director is away")
    agent = session(AGENT)
    open_ticket(agent, reference)
    estimate(agent, ("Work", "2h", ""))
    customer.goto(f"/requests/{reference}/")
    assert customer.locator("form[action$='/do/accept_estimate/']").count() == 0
    product.query(
        "INSERT INTO accounts_deputy (tenant_id, representation_id, person_id, starts_on, ends_on)"
        " SELECT r.tenant_id, r.id, (SELECT id FROM accounts_person WHERE email = 'customer@rudzumaize.example'),"
        " current_date - 1, current_date + 1 FROM accounts_representation r JOIN accounts_person p"
        " ON p.id = r.person_id WHERE p.email = 'approver@rudzumaize.example' AND r.may_approve"
    )
    customer.reload()
    press(customer, "accept_estimate")
    assert status_of(product, reference) == "estimate_accepted"
    proof = product.query(
        "SELECT p.email FROM tickets_approval a JOIN accounts_person p ON p.id = a.in_place_of_id"
        f" JOIN tickets_ticket t ON t.id = a.ticket_id WHERE t.reference = '{reference}'"
    )
    assert proof == [("approver@rudzumaize.example",)]
    product.query("DELETE FROM accounts_deputy")
