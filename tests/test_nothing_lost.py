"""A form of ten fields and three files: the line breaks, it is refused, the session ends, the page is loaded anew."""

import hashlib
import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Product, Session
from tests.stories import agree
from tests.test_axe import violations

pytestmark = pytest.mark.browser

CUSTOMER = "customer@school.example"
SUMMARY = "The report is empty since Monday"
TYPED = {
    "system": "Version 7.4\n16 GB",
    "summary": SUMMARY,
    "description": "First line\nSecond line",
    "due_date": "2031-05-06",
    "order_number": "PO-77",
    "cost_centre": "Reports",
}


def fill(page: Any) -> None:
    page.select_option("[name=product]", label="Вереск-Бюджет")
    page.select_option("[name=component]", label="Отчётность")
    page.check("[name=kind][value=error]")
    page.locator("details.more > summary").click()
    for name, words in TYPED.items():
        page.fill(f"[name={name}]", words)
    phone(page).fill("not a number")


def phone(page: Any) -> Any:
    return page.locator("input[type=tel]")


def shown(page: Any) -> dict[str, Any]:
    return {
        "product": page.locator("[name=product] option:checked").inner_text(),
        "component": page.locator("[name=component] option:checked").inner_text(),
        "kind": page.locator("[name=kind]:checked").get_attribute("value"),
        "files": page.locator("[name=files_uploaded]").count(),
        **{name: page.input_value(f"[name={name}]") for name in TYPED},
    }


EVERYTHING = {"product": "Вереск-Бюджет", "component": "Отчётность", "kind": "error", "files": 3, **TYPED}


def send(page: Any) -> None:
    agree(page)
    page.locator("#new-request [data-once]").click()


def test_nothing_of_a_long_form_is_lost(product: Product, session: Session, tmp_path: Path) -> None:
    files = [tmp_path / f"part-{number}.bin" for number in range(3)]
    for file in files:
        file.write_bytes(os.urandom(2 * 1024 * 1024))
    page = session(CUSTOMER, desk="vendor")
    page.goto("/requests/new/")
    page.locator("main .kinds a").first.click()
    page.locator(".drop-ready").wait_for()
    fill(page)

    # The line breaks in the middle of a file, and comes back.
    with page.expect_response(lambda answer: answer.request.method == "PATCH"):
        page.set_input_files("[name=files]", [str(file) for file in files])
    page.context.set_offline(True)
    page.wait_for_timeout(300)
    page.context.set_offline(False)
    page.locator("[name=files_uploaded]").nth(2).wait_for(state="attached", timeout=60_000)

    # What only the server refuses.
    send(page)
    page.locator(".field-error", has_text="telephone").wait_for()
    assert shown(page) == EVERYTHING
    assert violations(page) == []

    # The session ends while the form is open: it is kept through the log-in.
    phone(page).fill("+7 843 000-00-00")
    page.wait_for_timeout(500)  # the draft is written a moment after the last key
    page.context.clear_cookies()
    page.reload()
    page.fill("input[name=login]", CUSTOMER)
    page.fill("input[name=password]", "demo-demo-demo")
    page.locator("main button[data-once]").first.click()
    page.wait_for_url(re.compile(r"/requests/new/\d+/"))
    page.locator("[name=files_uploaded]").nth(2).wait_for(state="attached")
    assert shown(page) == EVERYTHING

    # And a reload.
    page.reload()
    page.locator("[name=files_uploaded]").nth(2).wait_for(state="attached")
    assert shown(page) == EVERYTHING
    phone(page).fill("+7 843 000-00-00")
    send(page)
    page.wait_for_url(re.compile(r"/requests/[A-Z]+-\d+/"))
    arrived = product.query(
        "SELECT f.sha256 FROM accounts_storedfile f JOIN tickets_attachment a ON a.file_id = f.id"
        f" JOIN tickets_ticket t ON t.id = a.ticket_id WHERE t.subject = '{SUMMARY}' ORDER BY f.name"
    )
    assert [digest for (digest,) in arrived] == [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
