"""axe finds nothing to complain of on any page of the portal; all themes and languages are in test_grid.py."""

from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest

from tests.conftest import Product, Session
from tests.portal_pages import PAGES, addresses
from tests.stories import letter, link_in

pytestmark = pytest.mark.browser

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
# WCAG 2.2 A and AA, and what axe holds for good practice.
RUN = """async () => {
  const found = await axe.run(document, { resultTypes: ["violations"] });
  return found.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.target.join(" ")).join(", ")}`);
}"""


def violations(page: Any) -> list[str]:
    page.evaluate(AXE)
    return [f"{page.url}: {one}" for one in page.evaluate(RUN)]


# The same pages in other colours, which the grid looks at, too.
ALIKE = "agency"
VISITS = [pytest.param(*one, marks=[pytest.mark.slow] if one[0] == ALIKE else []) for one in PAGES]


@pytest.mark.parametrize(("desk", "email"), VISITS, ids=lambda part: part or "visitor")
def test_axe_finds_no_violation(product: Product, session: Session, desk: str, email: str) -> None:
    page = session(email, desk=desk)
    found: list[str] = []
    for where in addresses(page, PAGES[desk, email]):
        page.goto(where)
        found += violations(page)
    assert found == []


def test_nor_where_an_invitation_leads(product: Product, session: Session) -> None:
    head = session("approver@rudzumaize.example")
    head.goto("/organisation/")
    head.locator("[name=email]").fill("nina@rudzumaize.example")
    head.locator("form:has([name=email]) [name=name]").fill("Nina New")
    head.get_by_role("button", name="Send the invitation").click()
    guest = session("")
    text = letter(guest, product, "nina@rudzumaize.example", "/invitation/")
    guest.goto(link_in(text, "invitation/"))
    assert guest.locator("[name=password1]").is_visible()
    assert violations(guest) == []
