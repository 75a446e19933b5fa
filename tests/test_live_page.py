"""An open request in a real browser: what others do appears by itself, and what is being typed stays."""

from typing import Any

import pytest

from tests.conftest import Product, Session, wait_for
from tests.stories import file_request, open_ticket, press

pytestmark = pytest.mark.browser

CUSTOMER, AGENT = "customer@rudzumaize.example", "agent@integrator.example"


def time_passes(page: Any) -> None:
    """Longer than the page waits between two questions."""
    page.clock.fast_forward(70_000)


def answer(page: Any, text: str) -> None:
    composer = page.locator("form[action$='/reply/']")
    composer.locator("textarea").fill(text)
    composer.locator("button:visible").last.click()
    page.wait_for_load_state()


def test_b9_the_answer_appears_by_itself_and_what_is_half_written_stays(product: Product, session: Session) -> None:
    customer, agent = session(CUSTOMER), session(AGENT)
    reference = file_request(customer, "Payroll", "Live: the report is empty")
    customer.clock.install()
    customer.goto(f"/requests/{reference}/")
    customer.locator("#comment-form textarea").fill("By the way, it is the")
    customer.locator("#more summary").first.click()
    customer.locator("#more textarea").fill("Not needed")
    top = "document.querySelector('#more').getBoundingClientRect().top"
    before = customer.evaluate(top)

    open_ticket(agent, reference)
    answer(agent, "Which report is it?")
    press(agent, "start_work", minutes="20")
    time_passes(customer)

    wait_for(lambda: "Which report is it?" in customer.locator("#talk").inner_text(), "the answer to appear")
    assert "In progress" in customer.locator("#request-head").inner_text()
    assert customer.locator("#comment-form textarea").input_value() == "By the way, it is the"
    assert "New comment from Andris Atbalsts." in customer.locator("#live").inner_text()
    # The form that was being filled in is where it was, as it was, beside a word that what can be done has changed.
    assert customer.locator("#more textarea").input_value() == "Not needed"
    assert abs(customer.evaluate(top) - before) < 2
    customer.get_by_role("button", name="Show").click()
    assert customer.locator("#act-cancel").count() == 0

    customer.context.clear_cookies()
    time_passes(customer)
    wait_for(lambda: "Nothing new appears here" in customer.locator("#request").inner_text(), "the quiet notice")
