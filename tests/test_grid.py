"""The grid: pages × languages × widths × themes in a real browser. Nothing scrolls sideways, nothing complains, axe not
either."""

import urllib.request
from typing import Any

import pytest

from tests.conftest import ROOT, Product, log_in, wait_for
from tests.portal_pages import PAGES, addresses
from tests.test_axe import violations

pytestmark = [pytest.mark.slow, pytest.mark.browser]

AGENT_PAGES = (
    "/admin/",
    "/admin/tickets/ticket/",
    "/admin/tickets/ticket/1/change/",
    "/admin/accounts/person/",
    "/admin/accounts/person/6/change/",
    "/admin/tickets/incomingmessage/",
)
WHO = {
    **{email: pages for (desk, email), pages in PAGES.items() if desk == "integrator"},
    "agent@integrator.example": AGENT_PAGES,
}


@pytest.fixture(scope="module")
def cookies(product: Product, browser: Any) -> dict[str, Any]:
    """Everybody logs in once: sixty log-ins in a minute would be stopped, and rightly."""
    states = {}
    for email in filter(None, WHO):
        context = browser.new_context(base_url=product.at())
        log_in(context.new_page(), email)
        states[email] = context.storage_state()
        context.close()
    return states


CUT_WORDS = (ROOT / "tests" / "cut_words.js").read_text()


def spoken_to_strangers(product: Product) -> str | None:
    asked = urllib.request.Request(f"http://127.0.0.1:{product.port}/", headers={"Host": "integrator.localhost"})
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return str(answer.headers["Content-Language"])


@pytest.fixture(params=["en", "lv", "cs", "pl", "ru"])
def spoken(request: pytest.FixtureRequest, product: Product) -> Any:
    """The product in one language: every person's, offered by the desk."""
    language = request.param
    product.query(f"UPDATE accounts_person SET language = '{language}'")
    product.query(
        f"""UPDATE accounts_tenant SET languages = '["{language}", "en"]', language = '{language}' WHERE id = 1"""
    )
    # What is written past the product it learns of when it next reads its desk.
    wait_for(lambda: spoken_to_strangers(product) == language, "the desk's language")
    yield language
    product.query("UPDATE accounts_person SET language = 'en'")
    product.query("""UPDATE accounts_tenant SET languages = '["lv", "en"]', language = 'lv' WHERE id = 1""")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("email", WHO)
def test_pages_fit_and_do_not_complain(
    product: Product, browser: Any, cookies: dict[str, Any], spoken: str, email: str, width: int, theme: str
) -> None:
    context = browser.new_context(
        base_url=product.at(),
        viewport={"width": width, "height": 900},
        color_scheme=theme,
        locale=spoken,
        storage_state=cookies.get(email),
    )
    page, faults = context.new_page(), []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    for where in addresses(page, WHO[email]):
        page.goto(where)
        if width > 600 and not where.startswith("/admin/"):
            faults += violations(page)
        faults += [f"{where} cuts “{words}” at {width} px" for words in page.evaluate(CUT_WORDS)]
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            faults.append(f"{where} scrolls sideways at {width} px")
        if page.evaluate("document.documentElement.lang") != spoken and not where.startswith("/demo"):
            faults.append(f"{where} is not in {spoken}")
    context.close()
    # The page that is not there answers 404, which the browser notes as an error of the network.
    assert [fault for fault in faults if "status of 404" not in fault] == []
