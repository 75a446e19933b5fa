"""What applies to one ticket: the contract goes before the request type, that before the desk (B10)."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import POLICY_COLUMNS, Contract
from conftest import Desk, in_days
from tickets.models import RequestType, Ticket
from tickets.policy import policy_for, policy_of, with_tolerance

# For each column three values that differ: the desk's, the type's, the contract's.
VALUES: dict[str, tuple[Any, Any, Any]] = {
    "threshold_minutes": (30, 60, 90),
    "tolerance_percent": (10, 20, 0),
    "review_days": (7, 10, 14),
    "information_days": (5, 6, 8),
    "estimate_days": (30, 20, 10),
    "reopen_days": (30, 0, 60),
    "business_days": (True, False, True),
}


def test_every_column_is_tried() -> None:
    assert set(VALUES) == set(POLICY_COLUMNS)


@pytest.mark.parametrize("column", VALUES)
@pytest.mark.parametrize("has_type", [True, False])
@pytest.mark.parametrize("has_contract", [True, False])
def test_the_nearest_word_counts(inside: Desk, column: str, has_type: bool, has_contract: bool) -> None:
    desk, of_type, of_contract = VALUES[column]
    setattr(inside.tenant, column, desk)
    request_type = RequestType(**{column: of_type if has_type else None})
    contract = Contract(**{column: of_contract if has_contract else None})
    wanted = of_contract if has_contract else of_type if has_type else desk
    assert getattr(policy_for(inside.tenant, request_type, contract), column) == wanted


def test_without_type_and_contract_the_desks_policy_applies(inside: Desk) -> None:
    assert policy_for(inside.tenant, None, None).threshold_minutes == inside.tenant.threshold_minutes


def test_zero_is_a_word_too(inside: Desk) -> None:
    """A type with no minutes without approval: every minute of it has to be approved."""
    assert policy_for(inside.tenant, RequestType(threshold_minutes=0), None).minutes_without_estimate == 0


@pytest.mark.parametrize(
    ("billing", "of_type", "covers", "is_billable"),
    [
        (True, True, False, True),
        (True, False, False, False),
        (True, True, True, False),
        (False, True, False, False),
    ],
    ids=["as usual", "a fault", "covered", "billing is off"],
)
def test_what_is_charged_at_all(inside: Desk, billing: bool, of_type: bool, covers: bool, is_billable: bool) -> None:
    inside.tenant.billing_enabled = billing
    policy = policy_for(inside.tenant, RequestType(is_billable=of_type), Contract(covers_work=covers))
    assert policy.is_billable is is_billable


@pytest.mark.parametrize(("rate", "price"), [(None, "60.00"), ("45.00", "45.00"), ("0.00", "0.00")])
def test_the_contracts_price_of_an_hour_goes_first(inside: Desk, rate: str | None, price: str) -> None:
    contract = Contract(hourly_rate=Decimal(rate) if rate else None)
    assert policy_for(inside.tenant, None, contract).hourly_rate == Decimal(price)


@pytest.mark.parametrize(
    ("minutes", "percent", "most"), [(30, 10, 33), (60, 0, 60), (31, 10, 34), (1, 99, 1), (0, 50, 0), (180, 10, 198)]
)
def test_the_tolerance_is_rounded_down(minutes: int, percent: int, most: int) -> None:
    assert with_tolerance(minutes, percent) == most


# ---- which contract a ticket is under ----


def contract(desk: Desk, number: str = "C-1", *, first: int = 0, last: int | None = None) -> Contract:
    row: Contract = Contract.objects.create(
        organisation=desk.organisation,
        number=number,
        starts_on=day(first),
        ends_on=None if last is None else day(last),
    )
    return row


def day(number: int) -> date:
    return in_days(number)


@pytest.mark.parametrize(
    ("first", "last", "counts"),
    [(0, None, True), (0, 0, True), (-5, 5, True), (1, None, False), (-5, -1, False)],
)
def test_a_new_ticket_is_under_the_contract_of_the_day(
    inside: Desk, first: int, last: int | None, counts: bool
) -> None:
    row = contract(inside, first=first, last=last)
    assert inside.submit().contract == (row if counts else None)


def test_of_two_contracts_an_agent_chooses(inside: Desk) -> None:
    contract(inside, "C-1")
    contract(inside, "C-2")
    assert inside.submit().contract is None


def test_another_organisations_contract_is_not_taken(inside: Desk) -> None:
    Contract.objects.create(organisation=inside.other_organisation, number="C-1", starts_on=in_days(0))
    assert inside.submit().contract is None


def test_a_tickets_policy_is_made_of_all_three(inside: Desk) -> None:
    request_type = inside.type()
    request_type.review_days, request_type.information_days = 3, 4
    request_type.save()
    row = contract(inside)
    row.information_days = 5
    row.save()
    ticket = Ticket.objects.select_related("tenant", "request_type", "contract").get(pk=inside.submit().pk)
    policy = policy_of(ticket)
    assert (policy.review_days, policy.information_days, policy.reopen_days) == (3, 5, inside.tenant.reopen_days)
