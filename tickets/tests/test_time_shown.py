"""How long was worked, on the customer's page, where the contract shows it."""

import re
from typing import Any

import pytest

from accounts.models import Contract, Tenant
from conftest import Desk, Visit
from tickets import actions
from tickets.models import Ticket
from tickets.tests.steps import fresh


def under_contract(desk: Desk, ticket: Ticket, *, shows_time: bool = True) -> Ticket:
    contract = Contract.objects.create(
        organisation=desk.organisation, number=f"C-{ticket.pk}", starts_on=desk.tenant.today, shows_time=shows_time
    )
    Ticket.objects.filter(pk=ticket.pk).update(contract=contract)
    return fresh(ticket)


def worked(desk: Desk, ticket: Ticket, minutes: int, description: str = "Analysis", **more: Any) -> Any:
    return actions.record_time(ticket, by=desk.agent, minutes=minutes, description=description, **more)


def time_on(visit: Visit, desk: Desk, ticket: Ticket) -> str:
    """The words of the part that shows it; empty when there is none."""
    shown = visit(desk, desk.requester).get(f"/requests/{ticket.reference}/").content.decode()
    found = re.search(r'<section[^>]* id="time".*?</section>', shown, re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", found.group(0)).split()) if found else ""


def test_the_time_so_far_stands_on_the_page(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = under_contract(desk, desk.started())
        worked(desk, ticket, 60)
        worked(desk, ticket, 20, "Programming")
    shown = time_on(visit, desk, ticket)
    assert all(words in shown for words in ("1 h 20 min", "Analysis 1 h", "Programming 20 min"))


@pytest.mark.parametrize("has_contract", [True, False])
def test_not_without_a_contract_that_shows_it(desk: Desk, visit: Visit, has_contract: bool) -> None:
    with desk.entered():
        ticket = desk.started(minutes=25)
        if has_contract:
            ticket = under_contract(desk, ticket, shows_time=False)
    assert time_on(visit, desk, ticket) == ""


def test_beside_what_was_agreed(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = under_contract(desk, actions.start_work(desk.agreed(), by=desk.agent, expected_minutes=180))
        worked(desk, ticket, 80)
    assert "1 h 20 min of 3 h agreed" in time_on(visit, desk, ticket)


def test_m9_without_billing_the_time_is_shown_and_no_price(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = under_contract(desk, actions.start_work(desk.agreed(), by=desk.agent, expected_minutes=180))
        worked(desk, ticket, 80)
        Tenant.objects.update(billing_enabled=False)
    shown = time_on(visit, desk, ticket)
    assert ("1 h 20 min" in shown, "EUR" in shown, "agreed" in shown) == (True, False, False)


def test_nobody_of_the_staff_is_named(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = under_contract(desk, desk.started())
        worked(desk, ticket, 60)
    assert "Agnes" not in time_on(visit, desk, ticket)


def test_only_what_is_billable_and_stands(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = under_contract(desk, desk.started())
        entry = worked(desk, ticket, 60, "Typed wrong")
        actions.correct_time(entry, by=desk.agent, minutes=30, description="Typed right", is_billable=True)
        worked(desk, ticket, 45, "Our own fault", is_billable=False)
    shown = time_on(visit, desk, ticket)
    assert ("Typed wrong" in shown, "Our own fault" in shown, "Typed right 30 min" in shown) == (False, False, True)


def test_what_was_merged_into_it_counts_here(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = under_contract(desk, desk.started())
        worked(desk, ticket, 10)
        other = desk.started(minutes=30)
        actions.merge(other, by=desk.agent, into=ticket)
    assert "40 min" in time_on(visit, desk, ticket)
