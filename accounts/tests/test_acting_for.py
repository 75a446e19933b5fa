"""Who represents several organisations acts for one of them: lists, forms, prices and rights follow (B6, M1)."""

from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Contract, Organisation, Representation
from conftest import Desk, Visit, in_days


@pytest.fixture
def client(desk: Desk) -> Organisation:
    """The requester asks for the bakery, and only reads what a second organisation asked for."""
    with desk.entered():
        Representation.objects.create(person=desk.requester, organisation=desk.other_organisation, may_ask=False)
        for number, organisation in enumerate((desk.organisation, desk.other_organisation)):
            Contract.objects.create(
                organisation=organisation,
                number=f"C-{number}",
                starts_on=in_days(-9),
                hourly_rate=Decimal(50 + number),
            )
        desk.submit(subject="Of the bakery")
        desk.submit(subject="Of the timber yard", by=desk.stranger, organisation=desk.other_organisation)
    return desk.other_organisation


def read(browser: Any, address: str) -> str:
    page: str = browser.get(address).content.decode()
    return page.split("<main")[1].split("</main>")[0]


@pytest.mark.parametrize(
    ("address", "first", "second"),
    [
        ("/requests/?scope=organisation", "Of the bakery", "Of the timber yard"),
        ("/requests/order/", "Of the bakery", "Of the timber yard"),
        ("/contracts/", "C-0", "C-1"),
        ("/prices/", "50.00", "51.00"),
    ],
)
def test_b6_lists_and_prices_follow(
    desk: Desk, client: Organisation, visit: Visit, address: str, first: str, second: str
) -> None:
    browser = visit(desk, desk.requester)
    before = read(browser, address)
    browser.post("/act-for/", {"organisation": client.pk})
    after = read(browser, address)
    assert [first in before, second in before, first in after, second in after] == [True, False, False, True]


def test_b6_rights_follow_and_the_reason_is_told(desk: Desk, client: Organisation, visit: Visit) -> None:
    browser = visit(desk, desk.requester)
    assert "You do not have this right" not in read(browser, "/requests/new/")
    browser.post("/act-for/", {"organisation": client.pk})
    assert "You do not have this right" in read(browser, "/requests/new/")


def test_b6_the_form_asks_for_the_one_acted_for(desk: Desk, client: Organisation, visit: Visit) -> None:
    with desk.entered():
        Representation.objects.filter(person=desk.requester).update(may_ask=True)
        address = f"/requests/new/{desk.type().pk}/"
    browser = visit(desk, desk.requester)
    browser.post("/act-for/", {"organisation": client.pk})
    assert f'<option value="{client.pk}" selected>Timber Ltd</option>' in read(browser, address)


def test_nobody_acts_for_an_organisation_of_others(desk: Desk, visit: Visit) -> None:
    browser = visit(desk, desk.requester)
    browser.post("/act-for/", {"organisation": desk.other_organisation.pk})
    assert "Rye Bread Ltd" in browser.get("/contracts/").content.decode()


def test_nor_for_one_of_another_desk(desk: Desk, rival: Desk, visit: Visit) -> None:
    browser = visit(desk, desk.requester)
    browser.post("/act-for/", {"organisation": rival.other_organisation.pk})
    assert "Rye Bread Ltd" in browser.get("/contracts/").content.decode()
