"""What a ticket costs its customer: by the threshold, by the estimate, by the contract (B10, B22, A8)."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.errors import Refused
from accounts.models import Contract
from billing.actions import issue_invoice
from billing.models import Invoice, InvoiceLine
from conftest import Desk, in_days
from tickets import actions
from tickets.charges import Bill, Charge, bill_of, bills_of
from tickets.models import Ticket
from tickets.policy import with_tolerance
from tickets.tests.steps import all_mail_is_sent, fixed, fresh, hours, next_tick, says
from tickets.workflow import Status


def worked(desk: Desk, ticket: Ticket, minutes: int, **values: Any) -> Ticket:
    """So many minutes, in entries of a day at most."""
    for part in [1440] * (minutes // 1440) + [minutes % 1440]:
        if part:
            actions.record_time(ticket, by=desk.agent, minutes=part, description="Work", **values)
    return fresh(ticket)


def agreed(desk: Desk, *lines: actions.NewLine) -> Ticket:
    return desk.agreed(desk.estimated(lines=lines, zero_reason="A claim"))


def charges(ticket: Ticket) -> list[tuple[str, int, Decimal]]:
    return [(row.kind, row.minutes, row.net) for row in bill_of(fresh(ticket)).charges]


def net(ticket: Ticket) -> Decimal:
    return bill_of(fresh(ticket)).net


def contract(desk: Desk, **values: Any) -> None:
    Contract.objects.create(organisation=desk.organisation, number="C-1", starts_on=in_days(0), **values)


# ---- without an estimate ----


def test_nothing_worked_costs_nothing(inside: Desk) -> None:
    assert charges(inside.submit()) == []


def test_b10_below_the_threshold_the_time_is_charged(inside: Desk) -> None:
    assert charges(worked(inside, inside.submit(), 90)) == [("hours", 90, Decimal("90.00"))]


@pytest.mark.parametrize(("minutes", "charged", "over"), [(132, 132, 0), (133, 132, 1), (300, 132, 168)])
def test_b10_beyond_the_threshold_and_its_tolerance_nothing_is_charged(
    inside: Desk, minutes: int, charged: int, over: int
) -> None:
    bill = bill_of(worked(inside, inside.submit(), minutes))
    assert (bill.minutes, bill.over) == (charged, over)


def test_its_line_bears_the_requests_subject(inside: Desk) -> None:
    (charge,) = bill_of(worked(inside, inside.submit(), 5)).charges
    assert charge.description == "The printer prints nothing"


def test_what_is_not_billable_is_not_charged(inside: Desk) -> None:
    ticket = worked(inside, worked(inside, inside.submit(), 30), 60, is_billable=False)
    assert charges(ticket) == [("hours", 30, Decimal("30.00"))]


def test_forty_minutes_are_two_thirds_of_the_price(inside: Desk) -> None:
    assert net(worked(inside, inside.submit(), 40)) == Decimal("40.00")


def test_a_corrected_entry_is_charged_as_corrected(inside: Desk) -> None:
    ticket = inside.submit()
    entry = actions.record_time(ticket, by=inside.agent, minutes=60, description="Work")
    actions.correct_time(entry, by=inside.agent, minutes=15, description="Work", is_billable=True)
    assert charges(ticket) == [("hours", 15, Decimal("15.00"))]


# ---- by the accepted estimate ----


def test_an_hourly_line_costs_the_time_worked(inside: Desk) -> None:
    assert charges(worked(inside, agreed(inside, hours(180)), 100)) == [("hours", 100, Decimal("100.00"))]


@pytest.mark.parametrize(("minutes", "charged", "over"), [(180, 180, 0), (198, 198, 0), (250, 198, 52)])
def test_an_hourly_line_costs_at_most_what_was_accepted_with_the_tolerance(
    inside: Desk, minutes: int, charged: int, over: int
) -> None:
    bill = bill_of(worked(inside, agreed(inside, hours(180)), minutes))
    assert (bill.minutes, bill.over) == (charged, over)


@pytest.mark.parametrize("minutes", [0, 10, 5000])
def test_a_fixed_price_is_the_price(inside: Desk, minutes: int) -> None:
    ticket = worked(inside, agreed(inside, fixed("900.00")), minutes)
    assert (charges(ticket), bill_of(ticket).over) == ([("fixed", 0, Decimal("900.00"))], 0)


def test_both_kinds_side_by_side(inside: Desk) -> None:
    ticket = worked(inside, agreed(inside, hours(180), fixed("110.00")), 60)
    assert charges(ticket) == [("hours", 60, Decimal("60.00")), ("fixed", 0, Decimal("110.00"))]


@pytest.mark.parametrize(
    ("minutes", "per_line"), [(30, [30]), (60, [60]), (90, [60, 30]), (120, [60, 60]), (132, [60, 72]), (500, [60, 72])]
)
def test_time_fills_the_lines_in_their_order(inside: Desk, minutes: int, per_line: list[int]) -> None:
    ticket = worked(inside, agreed(inside, hours(60, "First"), hours(60, "Second", "90.00")), minutes)
    assert [charge.minutes for charge in bill_of(ticket).charges] == per_line


def test_each_line_has_its_own_price(inside: Desk) -> None:
    ticket = worked(inside, agreed(inside, hours(60, "First"), hours(60, "Second", "90.00")), 120)
    assert net(ticket) == Decimal("150.00")


def test_an_estimate_that_waits_changes_nothing(inside: Desk) -> None:
    assert net(worked(inside, inside.estimated(lines=[fixed("900.00")]), 60)) == Decimal("60.00")


def test_the_newest_accepted_version_counts(inside: Desk) -> None:
    ticket = inside.agreed(inside.estimated(agreed(inside, fixed("900.00")), lines=[fixed("700.00")]))
    assert net(ticket) == Decimal("700.00")


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(accepted=st.lists(st.integers(1, 600), min_size=1, max_size=4), minutes=st.integers(0, 3000))
def test_no_line_is_charged_beyond_its_time_but_the_last(inside: Desk, accepted: list[int], minutes: int) -> None:
    ticket = worked(inside, agreed(inside, *[hours(part, str(n)) for n, part in enumerate(accepted)]), minutes)
    found = bill_of(ticket).charges
    assert sum(charge.minutes for charge in found) == min(minutes, with_tolerance(sum(accepted), 10))
    assert all(charge.minutes <= accepted[int(charge.description)] for charge in found[:-1])


# ---- what costs nothing ----


def free_type(desk: Desk) -> Ticket:
    request_type = desk.type()
    request_type.is_billable = False
    request_type.save()
    return desk.submit(request_type=request_type)


def test_a8_a_fault_is_not_charged(inside: Desk) -> None:
    bill = bill_of(worked(inside, free_type(inside), 300))
    assert (bill.charges, bill.over) == ((), 0)


def test_a8_a_fault_with_an_accepted_estimate_costs_what_was_accepted(inside: Desk) -> None:
    ticket = inside.agreed(inside.estimated(free_type(inside), lines=[fixed("50.00")]))
    assert net(ticket) == Decimal("50.00")


def test_a8_a_quote_at_price_zero_closes_without_an_invoice(inside: Desk) -> None:
    ticket = agreed(inside, fixed("0.00"))
    actions.start_work(ticket, by=inside.agent, expected_minutes=60)
    actions.deliver(worked(inside, ticket, 60), by=inside.agent, text="Done.")
    assert actions.accept_solution(ticket, by=inside.requester).status == Status.CLOSED


def test_what_a_contract_covers_is_not_charged(inside: Desk) -> None:
    contract(inside, covers_work=True)
    assert charges(worked(inside, inside.submit(), 60)) == []


def test_covered_work_with_an_accepted_estimate_costs_what_was_accepted(inside: Desk) -> None:
    contract(inside, covers_work=True)
    assert net(agreed(inside, fixed("50.00"))) == Decimal("50.00")


def test_a_contract_has_its_own_price_of_an_hour(inside: Desk) -> None:
    contract(inside, hourly_rate=Decimal("45.00"))
    assert net(worked(inside, inside.submit(), 60)) == Decimal("45.00")


def test_a_contracts_price_may_be_nothing(inside: Desk) -> None:
    contract(inside, hourly_rate=Decimal(0))
    assert net(worked(inside, inside.submit(), 60)) == 0


def test_m9_without_billing_nothing_is_charged(inside: Desk) -> None:
    ticket = worked(inside, agreed(inside, fixed("900.00")), 60)
    inside.tenant.billing_enabled = False
    inside.tenant.save()
    assert charges(ticket) == []


# ---- tickets merged into another ----


def test_the_time_of_a_merged_ticket_is_charged_where_it_went(inside: Desk) -> None:
    duplicate, ticket = worked(inside, inside.submit(), 20), worked(inside, inside.submit(), 30)
    actions.merge(duplicate, by=inside.agent, into=ticket)
    assert charges(ticket) == [("hours", 50, Decimal("50.00"))]


def test_what_took_over_another_is_not_merged_itself(inside: Desk) -> None:
    """Of a chain nobody could say which time, people and files go where when one of its merges is undone."""
    first, second = inside.submit(), inside.submit()
    actions.merge(first, by=inside.agent, into=second)
    with pytest.raises(Refused) as caught:
        actions.merge(second, by=inside.agent, into=inside.submit())
    assert caught.value.code == "took_over"


def test_after_that_merge_is_undone_it_can_be(inside: Desk) -> None:
    first, second, third = (worked(inside, inside.submit(), 20) for _ in range(3))
    actions.merge(first, by=inside.agent, into=second)
    actions.unmerge(first, by=inside.agent)
    actions.merge(second, by=inside.agent, into=third)
    assert [bill_of(fresh(row)).worked for row in (first, third)] == [20, 40]


def test_undoing_a_merge_leaves_what_was_charged_where_it_was(inside: Desk) -> None:
    charged, into = inside.accepted(minutes=20), inside.submit()
    invoiced(inside, charged)
    actions.reopen(charged, by=inside.requester, text="It broke again.")
    actions.merge(charged, by=inside.agent, into=into)
    actions.unmerge(charged, by=inside.agent)
    assert (fresh(charged).billed_minutes, fresh(into).billed_minutes) == (20, 0)


def test_after_undoing_a_merge_each_has_its_own_time(inside: Desk) -> None:
    duplicate, ticket = worked(inside, inside.submit(), 20), worked(inside, inside.submit(), 30)
    actions.merge(duplicate, by=inside.agent, into=ticket)
    actions.unmerge(duplicate, by=inside.agent)
    assert [bill_of(fresh(row)).worked for row in (duplicate, ticket)] == [20, 30]


def test_many_bills_cost_as_many_queries_as_one(inside: Desk, django_assert_num_queries: Any) -> None:
    rows = [worked(inside, agreed(inside, hours(60)), 10) for _ in range(3)]
    tickets = Ticket.objects.select_related("tenant", "request_type", "contract")
    for number in (1, 3):
        found = list(tickets.filter(pk__in=[row.pk for row in rows[:number]]))
        with django_assert_num_queries(3):
            bills_of(found)


# ---- what was charged before ----


def invoiced(desk: Desk, ticket: Ticket) -> Invoice:
    return issue_invoice(desk.organisation, tickets=[ticket.pk], by=desk.accountant)


def again(desk: Desk, ticket: Ticket, minutes: int) -> Ticket:
    """Reopened, worked on for some more minutes, delivered and accepted once more."""
    actions.reopen(ticket, by=desk.requester, text="It broke again.")
    actions.start_work(ticket, by=desk.agent, expected_minutes=5)
    worked(desk, ticket, minutes)
    actions.deliver(ticket, by=desk.agent, text="Again.")
    return actions.accept_solution(ticket, by=desk.requester)


def test_b20_after_a_reopening_only_the_rest_is_due(inside: Desk) -> None:
    ticket = inside.accepted(minutes=25)
    invoiced(inside, ticket)
    assert charges(again(inside, ticket, 10)) == [("hours", 10, Decimal("10.00"))]


def test_b20_a_reopening_without_more_work_costs_nothing(inside: Desk) -> None:
    ticket = inside.accepted(minutes=25)
    invoiced(inside, ticket)
    assert again(inside, ticket, 0).status == Status.CLOSED


def test_the_threshold_counts_once_for_all_invoices(inside: Desk) -> None:
    ticket = inside.accepted(minutes=120)
    invoiced(inside, ticket)
    assert bill_of(again(inside, ticket, 60)).minutes == 12


def finished(desk: Desk, ticket: Ticket, minutes: int) -> Ticket:
    actions.start_work(ticket, by=desk.agent, expected_minutes=5)
    worked(desk, ticket, minutes)
    actions.deliver(ticket, by=desk.agent, text="Done.")
    return actions.accept_solution(ticket, by=desk.requester)


def test_the_invoice_has_the_order_of_the_estimate(inside: Desk) -> None:
    ticket = worked(inside, agreed(inside, fixed("5.00"), hours(60), fixed("7.00")), 60)
    assert [kind for kind, _, _ in charges(ticket)] == ["fixed", "hours", "fixed"]


def test_a_fixed_price_is_charged_once(inside: Desk) -> None:
    ticket = finished(inside, agreed(inside, fixed("900.00")), 10)
    invoiced(inside, ticket)
    assert charges(again(inside, ticket, 10)) == []


def test_a_higher_fixed_price_later_costs_the_difference(inside: Desk) -> None:
    ticket = finished(inside, agreed(inside, fixed("900.00")), 10)
    invoiced(inside, ticket)
    actions.reopen(ticket, by=inside.requester, text="One more thing.")
    inside.agreed(inside.estimated(fresh(ticket), lines=[fixed("1000.00")]))
    assert charges(ticket) == [("fixed", 0, Decimal("100.00"))]


def test_what_was_charged_of_a_duplicate_is_not_charged_again(inside: Desk) -> None:
    duplicate, ticket = inside.accepted(minutes=25), worked(inside, inside.submit(), 30)
    invoiced(inside, duplicate)
    actions.reopen(duplicate, by=inside.requester, text="It broke again.")
    actions.merge(duplicate, by=inside.agent, into=ticket)
    assert charges(ticket) == [("hours", 30, Decimal("30.00"))]


def test_a_merge_whose_time_is_on_an_invoice_is_not_undone(inside: Desk) -> None:
    duplicate, ticket = worked(inside, inside.submit(), 20), inside.submit()
    actions.merge(duplicate, by=inside.agent, into=ticket)
    invoiced(inside, finished(inside, ticket, 10))
    with pytest.raises(Refused) as caught:
        actions.unmerge(duplicate, by=inside.agent)
    assert caught.value.code == "billed"


def test_the_invoice_copies_the_bill(inside: Desk) -> None:
    ticket = finished(inside, agreed(inside, hours(180), fixed("110.00")), 60)
    bill = bill_of(fresh(ticket))
    invoice = invoiced(inside, ticket)
    lines = InvoiceLine.objects.filter(invoice=invoice)
    assert (sum(line.net for line in lines), invoice.net_total) == (bill.net, bill.net)


# ---- where it ends ----


def test_nothing_to_charge_closes(inside: Desk) -> None:
    assert finished(inside, inside.submit(), 0).status == Status.CLOSED


def test_something_to_charge_waits_for_its_invoice(inside: Desk) -> None:
    assert finished(inside, inside.submit(), 1).status == Status.INVOICE


def cancelled(desk: Desk, ticket: Ticket) -> str:
    return str(actions.cancel(ticket, by=desk.agent, text="Not needed.", quote=says(desk.requester)).status)


def test_b12_what_was_given_up_before_any_work_costs_nothing(inside: Desk) -> None:
    """Not even at a fixed price that was accepted."""
    assert cancelled(inside, agreed(inside, fixed("900.00"))) == Status.CANCELLED


@pytest.mark.parametrize("lines", [[fixed("900.00")], [hours(180)]], ids=["fixed", "hourly"])
def test_b12_agreed_work_that_was_done_is_billed(inside: Desk, lines: list[actions.NewLine]) -> None:
    ticket = agreed(inside, *lines)
    actions.start_work(ticket, by=inside.agent, expected_minutes=60)
    assert cancelled(inside, worked(inside, ticket, 30)) == Status.INVOICE


def test_silence_to_a_question_is_not_billed_before_any_work(inside: Desk) -> None:
    ticket = actions.request_information(agreed(inside, fixed("900.00")), by=inside.agent, text="Which one?")
    next_tick(inside, ticket)
    next_tick(inside, ticket)
    all_mail_is_sent()
    assert next_tick(inside, ticket).status == Status.CLOSED


# ---- figures ----


def test_a_bill_of_nothing_is_zero() -> None:
    bill = Bill((), 0, None, None)
    assert (bill.net, bill.minutes, bill.fixed, bill.over) == (Decimal(0), 0, Decimal(0), 0)


@given(minutes=st.integers(1, 100_000), price=st.decimals(0, 10_000, places=2))
def test_a_charge_is_its_quantity_times_its_price(minutes: int, price: Decimal) -> None:
    charge = Charge("hours", "Work", minutes, price, Decimal(21))
    assert abs(charge.net - charge.quantity * price) <= Decimal("0.005")
