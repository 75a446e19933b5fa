"""My contracts and My prices: what an organisation agreed, what it uses of others' (K8), and nothing of money without
billing (M9)."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Contract, ContractUser, Cover, Organisation, Person, Product, Tenant
from conftest import Desk, Visit, in_days


def contract(organisation: Organisation, number: str = "C-1", **values: Any) -> Contract:
    row: Contract = Contract.objects.create(
        organisation=organisation, number=number, **{"starts_on": date(2026, 1, 1), **values}
    )
    return row


def read(desk: Desk, visit: Visit, address: str = "/contracts/", by: Person | None = None) -> str:
    page = visit(desk, by or desk.requester).get(address).content.decode()
    return page.split("<main")[1].split("</main>")[0]


def set_tenant(**values: Any) -> None:
    tenant = Tenant.objects.get()
    for name, value in values.items():
        setattr(tenant, name, value)
    tenant.save()


# ---- contracts ----


def test_a_contract_with_its_products_and_days(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        row = contract(desk.organisation, title="Care of the books", ends_on=in_days(30))
        Cover.objects.create(contract=row, product=Product.objects.create(name="Ledger"))
    page = read(desk, visit)
    assert ["C-1" in page, "Care of the books" in page, "Ledger: covered" in page] == [True, True, True]


def test_without_products_it_covers_whatever_is_asked(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        contract(desk.organisation)
    assert "Whatever you ask about is covered" in read(desk, visit)


@pytest.mark.parametrize("days", [{"ends_on": in_days(-1)}, {"starts_on": in_days(1)}])
def test_what_is_not_in_force_is_not_called_covered(desk: Desk, visit: Visit, days: dict[str, date]) -> None:
    with desk.entered():
        row = contract(desk.organisation, **days)
        Cover.objects.create(contract=row, product=Product.objects.create(name="Ledger"))
    page = read(desk, visit)
    assert ("Ledger" in page, "Ledger: covered" in page) == (True, False)


def test_without_a_rate_the_estimate_says_the_price(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        set_tenant(hourly_rate=Decimal(0))
        contract(desk.organisation)
    page = read(desk, visit)
    assert ("Price by estimate" in page, "without VAT" in page) == (True, False)


def test_k8_who_holds_a_contract_that_one_works_under_is_said(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        row = contract(desk.other_organisation)
    before = read(desk, visit)
    with desk.entered():
        ContractUser.objects.create(contract=row, organisation=desk.organisation)
    assert ("C-1" in before, "Timber Ltd holds this contract" in read(desk, visit)) == (False, True)


def test_the_holder_is_not_told_about_themselves(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        contract(desk.organisation)
    assert "holds this contract" not in read(desk, visit)


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ({"threshold_minutes": 45}, "Work up to 45 min starts without asking you."),
        ({"threshold_minutes": 0}, "You first get an estimate to accept; until then it costs nothing."),
        ({"tolerance_percent": 25}, "by at most 25 %"),
        ({"review_days": 21}, "You have 21 days to check a solution."),
        ({"information_days": 1}, "You have 1 day to answer a question."),
        ({"estimate_days": 9}, "An estimate is valid for 9 days."),
        ({"reopen_days": 90}, "A closed request can be reopened for 90 days."),
        ({"business_days": True}, "Business days are counted."),
    ],
)
def test_what_differs_is_said_in_words(desk: Desk, visit: Visit, override: dict[str, Any], sentence: str) -> None:
    with desk.entered():
        contract(desk.organisation, **override)
    assert sentence in read(desk, visit)


def test_what_is_as_everywhere_is_not_repeated(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        contract(desk.organisation, review_days=Tenant.objects.get().review_days)
    assert "Our usual periods apply." in read(desk, visit)


def test_an_ended_contract_is_folded_away(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        contract(desk.organisation, "C-OLD", ends_on=in_days(-1))
    current, folded = read(desk, visit).split("<details")
    assert ("C-OLD" in current, "C-OLD" in folded) == (False, True)


def test_the_last_day_counts(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        contract(desk.organisation, ends_on=in_days(0))
    assert "<details" not in read(desk, visit)


def test_another_organisations_contract_is_not_shown(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        contract(desk.other_organisation)
    assert "C-1" not in read(desk, visit) + read(desk, visit, "/prices/")


def test_another_desks_contract_is_not_shown(desk: Desk, rival: Desk, visit: Visit) -> None:
    with rival.entered():
        contract(rival.organisation)
    assert "C-1" not in read(desk, visit)


def test_the_page_costs_the_same_whatever_its_length(desk: Desk, visit: Visit) -> None:
    browser = visit(desk, desk.requester)
    counts = []
    for number in range(3):
        with desk.entered():
            row = contract(desk.organisation, f"C-{number}")
            Cover.objects.create(contract=row, product=Product.objects.create(name=f"Product {number}"))
        browser.get("/contracts/")
        with CaptureQueriesContext(connection) as queries:
            browser.get("/contracts/")
        counts.append(len(queries))
    assert counts[0] == counts[2]


# ---- prices ----


def test_the_price_of_a_contract_and_without_one(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        set_tenant(hourly_rate=Decimal("60.00"))
        contract(desk.organisation, hourly_rate=Decimal("48.50"), threshold_minutes=30)
    page = read(desk, visit, "/prices/")
    assert ["48.50 EUR" in page, "60.00 EUR" in page, "Work up to 30 min starts" in page] == [True, True, True]


def test_how_far_an_estimate_may_be_exceeded_is_said(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        set_tenant(threshold_minutes=0, tolerance_percent=10)
    assert "by at most 10 %" in read(desk, visit, "/prices/")


def test_included_work_has_no_price(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        contract(desk.organisation, covers_work=True)
    page = read(desk, visit, "/prices/")
    assert ("<b>Included</b>" in page, "is included and costs nothing besides it" in page) == (True, True)


@pytest.mark.parametrize("days", [{"ends_on": in_days(-1)}, {"starts_on": in_days(1)}])
def test_only_todays_contracts_have_prices(desk: Desk, visit: Visit, days: dict[str, date]) -> None:
    with desk.entered():
        contract(desk.organisation, **days)
    assert "C-1" not in read(desk, visit, "/prices/")


def test_m9_without_billing_there_are_no_prices(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        set_tenant(billing_enabled=False)
        contract(desk.organisation, hourly_rate=Decimal("48.50"), threshold_minutes=45, review_days=3)
    page = read(desk, visit)
    status = visit(desk, desk.requester).get("/prices/").status_code
    shown = [word in page for word in ("48.50", "estimate", "Work up to", "3 days to check")]
    assert (status, shown) == (404, [False, False, False, True])


def test_who_represents_nobody_has_neither(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        guest = desk.joins("Gus Guest")
    answers = [visit(desk, guest).get(address).status_code for address in ("/contracts/", "/prices/")]
    assert answers == [404, 404]
