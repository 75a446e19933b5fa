"""The main job, in a real browser on the running product: a request from the portal to CLOSED, another by e-mail."""

import smtplib
from email.message import EmailMessage
from typing import Any

import pytest

from tests.conftest import Product, Session, log_in, wait_for
from tests.stories import file_request, open_ticket, press, record_time, status_of
from tests.test_axe import violations

pytestmark = pytest.mark.browser

CUSTOMER, AGENT, ACCOUNTANT, APPROVER = (
    "customer@rudzumaize.example",
    "agent@integrator.example",
    "accountant@integrator.example",
    "approver@rudzumaize.example",
)


def file_payroll(page: Any, summary: str) -> str:
    return file_request(page, "Payroll", summary)


def test_a_request_goes_from_the_portal_to_closed(product: Product, session: Session) -> None:
    customer = session(CUSTOMER)
    reference = file_payroll(customer, "Holiday pay is not calculated")
    assert status_of(product, reference) == "open"

    agent = session(AGENT)
    open_ticket(agent, reference)
    press(agent, "start_work", minutes="30")
    assert status_of(product, reference) == "in_progress"
    record_time(agent, "25 corrected the formula")
    press(agent, "deliver", text="Holiday pay is calculated again. Please check October.")
    assert status_of(product, reference) == "waiting_for_customer review"

    customer.goto(f"/requests/{reference}/")
    assert customer.get_by_text("Holiday pay is calculated again.").first.is_visible()
    customer.get_by_role("button", name="Accept the solution").first.click()
    customer.wait_for_load_state()
    wait_for(lambda: status_of(product, reference) == "invoice", "the acceptance")

    accountant = session(ACCOUNTANT)
    accountant.goto("/admin/billing/invoice/ready/")
    assert accountant.get_by_text(reference).first.is_visible()
    accountant.get_by_role("button", name="Issue invoice").first.click()
    accountant.wait_for_url("**/admin/billing/invoice/*/change/")
    assert status_of(product, reference) == "closed"


@pytest.mark.slow
def test_a_colleague_is_assigned_by_the_keyboard(product: Product, session: Session) -> None:
    reference = file_payroll(session(CUSTOMER), "Handed to a colleague")
    agent = session(AGENT)
    open_ticket(agent, reference)
    agent.locator("#handling .select2-selection").first.focus()
    agent.keyboard.press("Enter")
    agent.locator(".select2-search__field").fill("Sandra")
    found = agent.locator(".select2-results__option")
    wait_for(lambda: [text.strip() for text in found.all_inner_texts()] == ["Sandra Otrā"], "the colleague")
    agent.keyboard.press("Enter")
    agent.locator("form[action$='/handling/'] button:visible", has_text="Save").click()
    agent.wait_for_load_state()
    find = (
        "SELECT p.email FROM tickets_ticket t JOIN accounts_person p ON p.id = t.assignee_id"
        f" WHERE t.reference = '{reference}' AND t.tenant_id = 1"
    )
    assert product.query(find) == [("second@integrator.example",)]


def test_leaving_and_changing_the_language_by_the_menu(product: Product, session: Session) -> None:
    page = session(CUSTOMER)
    page.goto("/requests/")
    page.get_by_role("link", name="All", exact=True).click()
    page.wait_for_url("**state=all**")
    page.locator(".top-tools summary", has_text="EN").click()
    page.locator(".top-tools button[lang=lv]").click()
    page.wait_for_url("**state=all**")  # the list had moved on without the frame
    assert page.locator("html").get_attribute("lang") == "lv"
    page.locator(".top-tools summary", has=page.locator(".avatar")).click()
    page.locator(".top-tools button[data-forget]").click()
    page.wait_for_url(product.at() + "/")
    assert page.locator("input[name=login]").is_visible()
    product.query("UPDATE accounts_person SET language = 'en'")


def test_the_invoice_is_there_for_who_may_see_it(product: Product, session: Session) -> None:
    approver = session(APPROVER)
    approver.goto("/invoices/")
    approver.locator("main a[href^='/invoices/']").first.click()
    approver.wait_for_url("**/invoices/*/")
    assert violations(approver) == []
    wait_for(lambda: approver.reload() and approver.locator("a[href$='/pdf/']").count(), "the document")
    with approver.expect_download() as download:
        approver.locator("a[href$='/pdf/']").first.click()
    assert download.value.suggested_filename.endswith(".pdf")


def send(product: Product, message: EmailMessage, to: str) -> None:
    message["To"] = to
    with smtplib.SMTP("127.0.0.1", product.smtp_port, timeout=30) as relay:
        relay.send_message(message, CUSTOMER, [to])


def letter(subject: str, body: str, message_id: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["Subject"], message["Message-ID"] = CUSTOMER, subject, message_id
    message.set_content(body)
    return message


def test_b5_a_request_comes_by_mail_and_is_answered_by_reply(product: Product, session: Session) -> None:
    send(
        product,
        letter("Stock differs", "The stock differs by two.", "<first@rudzumaize.example>"),
        "support@integrator.localhost",
    )
    find = "SELECT reference FROM tickets_ticket WHERE subject = 'Stock differs' AND channel = 'email'"
    reference = wait_for(lambda: product.query(find), "the ticket")[0][0]

    agent = session(AGENT)
    open_ticket(agent, reference)
    composer = agent.locator("form[action$='/reply/']")
    composer.locator("textarea").fill("Which article is it?")
    composer.locator("button:visible").last.click()
    agent.wait_for_load_state()

    # The customer's side, as the demo's mailbox shows it: the mail's own reply address leads back to the ticket.
    sent = (
        "SELECT reply_to, message_id FROM notifications_outboxmessage"
        " WHERE text LIKE '%Which article is it?%' AND state = 'sent'"
    )
    reply_to, _ = wait_for(lambda: product.query(sent), "the mail to the customer")[0]
    send(product, letter(f"Re: {reference}", "It is rye flour.", "<second@rudzumaize.example>"), reply_to)
    comment = "SELECT is_verified FROM tickets_comment WHERE text = 'It is rye flour.'"
    assert wait_for(lambda: product.query(comment), "the comment") == [(True,)]


def test_the_demos_mailbox_shows_both_sides(product: Product, session: Session) -> None:
    page = session()
    wait_for(lambda: page.goto("/demo/mail/") and page.get_by_text("registered").count(), "the confirmation")
    page.get_by_text("registered").first.click()
    page.wait_for_url("**/demo/mail/*/")
    assert page.frame_locator("iframe").get_by_text("Open the request").is_visible()


def test_another_desks_mailbox_is_another(product: Product, session: Session) -> None:
    page = session(desk="agency")
    page.goto("/demo/mail/")
    assert page.get_by_text(CUSTOMER).count() == 0


def test_a1_two_hosts_lead_to_one_desk(product: Product, session: Session) -> None:
    names = [session(desk=desk).goto("/").text().count("Sázava Platforma") for desk in ("agency", "platform")]
    assert names[0] == 0
    assert names[1] > 0


def test_a_draft_survives_a_reload(product: Product, session: Session) -> None:
    page = session(CUSTOMER)
    page.goto("/requests/new/1/")
    page.get_by_label("Summary").fill("Half a thought")
    page.wait_for_timeout(600)
    page.reload()
    assert page.get_by_label("Summary").input_value() == "Half a thought"


def test_the_portal_works_without_javascript(product: Product, browser: Any) -> None:
    context = browser.new_context(base_url=product.at(), java_script_enabled=False)
    page = context.new_page()
    log_in(page, CUSTOMER)
    reference = file_payroll(page, "Without JavaScript")
    assert status_of(product, reference) == "open"
    context.close()
