"""No link of the portal leads to what does not exist: every page that can be reached is opened, whoever asks."""

import re
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.urls import Resolver404, resolve

from accounts.models import Audience, Contract, Page, Person, TermsVersion
from accounts.terms import publish_terms
from accounts.texts import Texts
from billing import actions as billing
from conftest import Desk, Visit, in_days
from tickets import actions

ENOUGH = 400


def furnish(desk: Desk) -> Person:
    """Something on every shelf; returns a guest of one of the requests."""
    actions.comment(desk.submit(), by=desk.requester, text="Look.", files=[ContentFile(b"text", name="a.txt")])
    desk.estimated()
    desk.agreed()
    desk.asked()
    desk.scheduled()
    billing.issue_invoice(desk.organisation, tickets=[desk.accepted().pk], by=desk.accountant)
    Contract.objects.create(organisation=desk.organisation, number="C-1", starts_on=in_days(-9))
    for _ in range(2):
        publish_terms(TermsVersion.objects.create(title=Texts(en="Terms"), body=Texts(en="Be kind.")), by=desk.manager)
    for audience in (Audience.PUBLIC, Audience.CUSTOMERS):
        words = {"title": Texts(en="Notes"), "body": Texts(en="Notes.")}
        Page.objects.create(slug=audience.value, audience=audience, is_published=True, **words)
    for number in range(25):  # more than one page of the list
        desk.submit(subject=f"Number {number}")
    return desk.guest(desk.delivered())


def links(page: str) -> set[str]:
    """Where anchors lead; mail and telephone are no pages, and the admin has its own."""
    found = {found.replace("&amp;", "&") for found in re.findall(r'<a\b[^>]*?\shref="([^"]*)"', page)}
    return {link for link in found if not link.startswith(("mailto:", "tel:", "http", "/admin/"))}


# What each must have come to: else nothing would be wrong because nothing was opened.
REACHED = {
    "visitor": {"/terms/1/", "/pages/public/", "/account/password/reset/", "/demo/design/"},
    "colleague": {"/invoices/", "/requests/order/", "/organisation/", "/deputies/", "/contracts/", "/account/data/"},
    "agent": {"/requests/new/", "/account/tokens/"},
    "guest": {"/requests/?scope=shared", "/account/sessions/"},
}


@pytest.mark.parametrize("role", REACHED)
def test_every_link_leads_to_a_page(desk: Desk, visit: Visit, settings: Any, role: str) -> None:
    settings.DEMO = True
    with desk.entered():
        guest = furnish(desk)
    browser = visit(desk, guest if role == "guest" else getattr(desk, role, None))
    ahead, seen, wrong = ["/"], {"/"}, []
    while ahead and len(seen) < ENOUGH:
        here = ahead.pop(0)
        answer = browser.get(here)
        if answer.status_code == 302:
            # Who they are is asked once more: that page is a page, too.
            answer = browser.get(urljoin(here, answer["Location"]))
        if answer.status_code != 200:
            wrong.append(f"{here} answers {answer.status_code}")
        if answer.streaming or "html" not in answer["Content-Type"]:
            continue
        page = answer.content.decode()
        wrong += [f"{here}: {fault}" for fault in [*no_address(page), *no_place(page), *no_picture(page)]]
        new = {urljoin(here, link).partition("#")[0] for link in links(page)} - seen
        ahead += sorted(new)
        seen |= new
    assert wrong == []
    assert REACHED[role] - seen == set()


def no_address(page: str) -> list[str]:
    """Forms that would be sent to nowhere."""
    return [where for where in re.findall(r'<form\b[^>]*?\saction="([^"?#]+)', page) if not exists(where)]


def exists(where: str) -> bool:
    try:
        resolve(urlsplit(where).path)
    except Resolver404:
        return False
    return True


def no_place(page: str) -> list[str]:
    """Links to a place on this page that is not there."""
    places = set(re.findall(r'\sid="([^"]+)"', page))
    return [place for place in re.findall(r'<a\b[^>]*?\shref="#([^"]+)"', page) if place not in places]


SYMBOLS = set(re.findall(r'<symbol id="([^"]+)"', (settings.BASE_DIR / "static" / "icons.svg").read_text()))


def no_picture(page: str) -> list[str]:
    return [name for name in re.findall(r'<use href="[^"#]*#([^"]+)"', page) if name not in SYMBOLS]
