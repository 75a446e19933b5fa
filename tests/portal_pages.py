"""Every page of the portal that somebody sees in the demo, by desk and person: what is looked at as a whole."""

import re
from typing import Any

# Names in capitals stand for the first of their kind on a page, whose numbers depend on what the demo made before.
Pages = tuple[str, ...]
VISITOR: Pages = (
    "/",
    "/contact/",
    "/pages/",
    "/pages/jautajumi/",
    "/terms/",
    "/terms/1/",
    "/account/login/",
    "/account/password/reset/",
    "/account/password/reset/done/",
    "/account/password/reset/key/1-x/",
    "/account/inactive/",
    "/account/mail/stop/no-token/",
    "/decide/no-token/",
    "/invitation/no-token/",
    "/demo/mail/",
    "/demo/design/",
    "/nothing-here/",
)
CUSTOMER: Pages = (
    "/",
    "/requests/",
    "/requests/?scope=organisation&state=all",
    "/requests/?q=nothing-has-this",
    "/requests/order/",
    "/requests/new/",
    "TYPE",
    "REQUEST",
    "/notices/",
    "/contracts/",
    "/prices/",
    "/terms/",
    "/pages/",
    "/organisation/",
    "/account/",
    "/account/mail/",
    "/account/password/change/",
    "/account/second-factor/",
    "/account/sessions/",
    "/account/tokens/",
    "/account/data/",
    "/account/reauthenticate/",
    "/account/logout/",
)
APPROVER: Pages = ("/", "REQUEST", "PROOF", "/deputies/", "/invoices/", "/organisation/", "MEMBER")
PAGES: dict[tuple[str, str], Pages] = {
    ("integrator", ""): VISITOR,
    ("integrator", "customer@rudzumaize.example"): CUSTOMER,
    ("integrator", "approver@rudzumaize.example"): APPROVER,
    ("agency", ""): ("/",),
    ("agency", "approver@knihy.example"): ("/", "REQUEST"),
    ("accounting", "head@bilans.example"): ("/", "/requests/new/", "TYPE", "REQUEST"),
    ("accounting", "clerk@bilans.example"): ("/", "/requests/new/"),
    ("vendor", "customer@school.example"): ("/", "/requests/new/", "TYPE", "REQUEST"),
}


# Name → the page with the links, and what the first of them looks like.
FIRST = {
    "TYPE": ("/requests/new/", r"^/requests/new/\d+/"),
    "REQUEST": ("/requests/?scope=organisation&state=all", r"^/requests/[A-Z]+-\d+/"),
    # What the approver accepted in the demo.
    "PROOF": ("/requests/DESK-4/", r"^/requests/DESK-4/approvals/\d+/$"),
    "MEMBER": ("/organisation/", r"^/organisation/\d+/$"),
}


def addresses(page: Any, pages: Pages) -> list[str]:
    """The pages with what stands for a number filled in, by a browser page of the person's."""
    return [_first(page, name) if name in FIRST else name for name in pages]


def _first(page: Any, name: str) -> str:
    where, pattern = FIRST[name]
    page.goto(where)
    links = page.locator("main a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    return str(next(link for link in links if link and re.match(pattern, link)))
