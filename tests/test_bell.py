"""The bell in a real browser: it shows what is new, asks seldom, and opening what a notice leads to reads it."""

from typing import Any

import pytest

from tests.conftest import Product, Session, wait_for

pytestmark = pytest.mark.browser

CUSTOMER, AGENT = "customer@rudzumaize.example", "agent@integrator.example"
THEIRS = "FROM notifications_notice n JOIN accounts_person p ON p.id = n.person_id WHERE p.email = '{}'"


def unread(product: Product, email: str) -> int:
    return int(product.query(f"SELECT count(*) {THEIRS.format(email)} AND read_at IS NULL")[0][0])


def shown(page: Any) -> int:
    """The number at the bell, once it is there."""
    count = page.locator("[data-bell-count]:visible")
    wait_for(lambda: count.count() and count.first.inner_text(), "the bell's number")
    return int(count.first.inner_text())


def questions(page: Any) -> list[str]:
    """What the page asks about notices from now on."""
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.method) if "/notices/" in one.url else None)
    return asked


@pytest.mark.parametrize(
    ("email", "leads_to"), [(CUSTOMER, "**/requests/DESK-*/"), (AGENT, "**/admin/tickets/ticket/*/change/")]
)
def test_opening_what_a_notice_leads_to_reads_it(product: Product, session: Session, email: str, leads_to: str) -> None:
    page = session(email)
    before = unread(product, email)
    page.goto("/notices/")
    assert shown(page) == before > 0
    page.locator(".row-new a").first.click()
    page.wait_for_url(leads_to)
    wait_for(lambda: unread(product, email) < before, "the notice to be read")
    wait_for(lambda: shown(page) == unread(product, email), "the bell to follow")


def test_the_bell_asks_once_a_minute(product: Product, session: Session) -> None:
    page = session(CUSTOMER)
    page.goto("/requests/")
    page.wait_for_load_state("networkidle")
    asked = questions(page)
    for address in ("/", "/requests/", "/contact/"):
        page.goto(address)
        page.wait_for_load_state("networkidle")
    assert asked == []


def test_a_page_that_is_not_looked_at_reads_nothing(product: Product, session: Session) -> None:
    page = session(CUSTOMER)
    page.add_init_script("Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' })")
    asked = questions(page)
    page.goto("/requests/DESK-1/")
    page.wait_for_load_state("networkidle")
    assert asked == []


def test_marking_all_silences_the_bell(product: Product, session: Session) -> None:
    page = session(CUSTOMER)
    page.goto("/notices/")
    page.get_by_role("button", name="Mark all as read").click()
    wait_for(lambda: unread(product, CUSTOMER) == 0, "all to be read")
    wait_for(lambda: not page.locator("[data-bell-count]:visible").count(), "the bell to be silent")
