"""Estimates: what is sent, who may accept it, and what becomes of a version (B10, B11, B12, A4, A8)."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.errors import NotAllowed, Refused
from accounts.models import Contract, Person, Representation
from conftest import LINES, Desk, comments_of, in_days
from tickets import actions
from tickets.actions import NewLine
from tickets.actions.estimates import MOST_LINES
from tickets.charges import Charge
from tickets.models import Estimate, EstimateLine, EstimateState, Ticket
from tickets.pages import estimates, what_changed
from tickets.tests.steps import fixed, fresh, hours, limit, newest, says, stands_in
from tickets.verbs import available
from tickets.workflow import Status


def sent(desk: Desk, *lines: actions.NewLine, ticket: Ticket | None = None, **changes: Any) -> Estimate:
    return newest(desk.estimated(ticket, lines=lines or LINES, **changes))


def lines_of(estimate: Estimate) -> list[EstimateLine]:
    return list(estimate.lines.order_by("position"))


def refusal(deed: Any, *args: Any, **kwargs: Any) -> str | None:
    with pytest.raises(Refused) as caught:
        deed(*args, **kwargs)
    return caught.value.code


def states(ticket: Ticket) -> list[str]:
    return list(Estimate.objects.filter(ticket=ticket).order_by("version").values_list("state", flat=True))


# ---- lines and sums ----


def test_b11_a_sent_estimate_waits_for_the_approver(inside: Desk) -> None:
    ticket = inside.estimated()
    assert (ticket.status, newest(ticket).state) == (Status.ESTIMATED, EstimateState.OPEN)


def test_an_hourly_line_takes_the_desks_price(inside: Desk) -> None:
    (line,) = lines_of(sent(inside, hours(90)))
    assert (line.unit_price, line.net) == (Decimal("60.00"), Decimal("90.00"))


def test_an_hourly_line_may_have_its_own_price(inside: Desk) -> None:
    (line,) = lines_of(sent(inside, hours(90, price="80.00")))
    assert line.net == Decimal("120.00")


def test_an_hourly_line_takes_the_contracts_price(inside: Desk) -> None:
    Contract.objects.create(organisation=inside.organisation, number="C-1", starts_on=in_days(0), hourly_rate=45)
    (line,) = lines_of(sent(inside, hours(60)))
    assert line.net == Decimal("45.00")


def test_a_fixed_line_has_no_minutes(inside: Desk) -> None:
    (line,) = lines_of(sent(inside, fixed("110.00")))
    assert (line.kind, line.minutes, line.net) == ("fixed", None, Decimal("110.00"))


def test_the_minutes_are_those_of_the_hourly_lines(inside: Desk) -> None:
    assert sent(inside, hours(90), fixed("10.00"), hours(30, "Tests")).minutes == 120


def test_the_lines_keep_their_order(inside: Desk) -> None:
    estimate = sent(inside, fixed("1.00", "First"), hours(5, "Second"), fixed("3.00", "Third"))
    assert [line.description for line in lines_of(estimate)] == ["First", "Second", "Third"]


def test_the_sums_are_with_and_without_vat(inside: Desk) -> None:
    estimate = sent(inside)
    assert (estimate.net_total, estimate.vat_total, estimate.total) == (
        Decimal("290.00"),
        Decimal("60.90"),
        Decimal("350.90"),
    )


def test_vat_is_rounded_once_and_not_per_line(inside: Desk) -> None:
    """21 % of 0.02 is nothing, but of three of them it is a cent."""
    assert sent(inside, *[fixed("0.02", f"Part {n}") for n in range(3)]).vat_total == Decimal("0.01")


def test_half_a_cent_is_rounded_up(inside: Desk) -> None:
    assert sent(inside, hours(30, price="0.05")).net_total == Decimal("0.03")


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(minutes=st.integers(1, 60_000), price=st.decimals(0, 5000, places=2).map(lambda price: price + 1))
def test_what_is_estimated_is_what_the_same_time_will_be_billed_at(inside: Desk, minutes: int, price: Decimal) -> None:
    (line,) = lines_of(sent(inside, actions.NewLine("Work", minutes, price)))
    assert line.net == Charge("hours", "Work", minutes, price, Decimal(21)).net


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (actions.NewLine(" ", minutes=60), "empty"),
        (actions.NewLine("x" * 251, minutes=60), "lines"),
        (actions.NewLine("Neither time nor price"), "lines"),
        (hours(0), "minutes"),
        (hours(-5), "minutes"),
        (hours(60_001), "minutes"),
        (fixed("-1.00"), "price"),
        (fixed("0.001"), "price"),
        (fixed("1e10"), "price"),
        (hours(60, price="0.005"), "price"),
    ],
)
def test_a_faulty_line_is_refused(inside: Desk, line: actions.NewLine, code: str) -> None:
    assert refusal(sent, inside, line) == code


@pytest.mark.parametrize("number", [0, MOST_LINES + 1])
def test_an_estimate_has_one_to_a_hundred_lines(inside: Desk, number: int) -> None:
    lines = [fixed("1.00", f"Part {n}") for n in range(number)]
    ticket = inside.submit()
    assert refusal(actions.send_estimate, ticket, by=inside.agent, lines=lines, due_on=in_days(0)) == "lines"


# ---- sending ----


@pytest.mark.parametrize("role", ["requester", "colleague", "stranger", "accountant"])
def test_only_agents_send_estimates(inside: Desk, role: str) -> None:
    with pytest.raises(NotAllowed):
        inside.estimated(by=getattr(inside, role))


def test_m9_without_billing_there_are_no_estimates(inside: Desk) -> None:
    inside.tenant.billing_enabled = False
    inside.tenant.save()
    assert refusal(sent, inside) == "no_billing"


def test_b6_an_estimate_needs_an_organisation(inside: Desk) -> None:
    ticket = inside.submit(by=inside.agent, requester=inside.requester, organisation=None)
    assert refusal(sent, inside, ticket=ticket) == "incomplete"


def test_b6_an_estimate_needs_the_requesters_name(inside: Desk) -> None:
    ticket = inside.submit()
    Person.objects.filter(pk=inside.requester.pk).update(name="")
    assert refusal(sent, inside, ticket=ticket) == "incomplete"


def test_a_price_of_zero_needs_a_reason(inside: Desk) -> None:
    assert refusal(sent, inside, fixed("0.00")) == "empty"


def test_a8_a_price_of_zero_with_a_reason_is_sent(inside: Desk) -> None:
    assert sent(inside, fixed("0.00"), zero_reason=" Our mistake ").zero_reason == "Our mistake"


def test_what_costs_something_is_not_free_for_a_reason(inside: Desk) -> None:
    assert sent(inside, fixed("1.00"), zero_reason="Our mistake").zero_reason == ""


@pytest.mark.parametrize("dates", [{"due_on": -1}, {"valid_until": -1}])
def test_dates_in_the_past_are_refused(inside: Desk, dates: dict[str, int]) -> None:
    assert refusal(sent, inside, **{name: in_days(days) for name, days in dates.items()}) == "dates"


def test_it_is_valid_as_long_as_the_policy_says(inside: Desk) -> None:
    assert sent(inside).valid_until == in_days(inside.tenant.estimate_days)


def test_it_is_valid_as_long_as_the_agent_says(inside: Desk) -> None:
    assert sent(inside, valid_until=in_days(3)).valid_until == in_days(3)


def test_nobody_can_approve_the_amount(inside: Desk) -> None:
    limit(inside.approver, "289.99")
    assert refusal(sent, inside) == "no_approver"


def test_the_refusal_says_whose_limit_does_not_reach(inside: Desk) -> None:
    limit(inside.approver, "10.00")
    with pytest.raises(Refused) as caught:
        sent(inside)
    sentence = str(caught.value.sentence)
    assert ("Rye Bread Ltd" in sentence, "290.00 EUR" in sentence) == (True, True)


def test_an_approver_who_left_does_not_count(inside: Desk) -> None:
    Person.objects.filter(pk=inside.approver.pk).update(is_active=False)
    assert refusal(sent, inside) == "no_approver"


def test_a_refused_estimate_leaves_the_state(inside: Desk) -> None:
    limit(inside.approver, "1.00")
    ticket = inside.submit()
    refusal(sent, inside, ticket=ticket)
    assert (fresh(ticket).status, Estimate.objects.count()) == (Status.OPEN, 0)


def test_the_assignee_of_nobodys_ticket_is_who_estimates(inside: Desk) -> None:
    ticket = inside.submit()
    Ticket.objects.update(assignee=None)
    assert inside.estimated(ticket).assignee == inside.agent


def test_during_a_review_nothing_is_estimated(inside: Desk) -> None:
    assert refusal(sent, inside, ticket=inside.delivered()) == "wrong_state"


# ---- versions ----


def test_a_new_version_replaces_the_open_one(inside: Desk) -> None:
    ticket = inside.estimated()
    inside.estimated(ticket, lines=[hours(60)])
    assert (newest(ticket).version, states(ticket)) == (2, ["replaced", "open"])


def test_versions_of_two_requests_count_apart(inside: Desk) -> None:
    inside.estimated()
    assert sent(inside).version == 1


def changes(ticket: Ticket) -> list[str]:
    """What the page says of the newest version."""
    said: list[str] = estimates(fresh(ticket))[0]["changed"]
    return said


def test_the_first_version_changes_nothing(inside: Desk) -> None:
    assert changes(inside.estimated()) == []


def test_the_same_again_changes_nothing(inside: Desk) -> None:
    assert changes(inside.estimated(inside.estimated())) == []


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ([*LINES, fixed("5.00", "Paper")], ["Added: Paper.", "Total 295.00 EUR instead of 290.00 EUR without VAT."]),
        (LINES[:1], ["Left out: A new tray.", "Total 180.00 EUR instead of 290.00 EUR without VAT."]),
        (
            [hours(240), LINES[1]],
            [
                "Analysis: 4 h at 60.00 EUR an hour, 240.00 EUR instead of 3 h at 60.00 EUR an hour, 180.00 EUR.",
                "Total 350.00 EUR instead of 290.00 EUR without VAT.",
            ],
        ),
        ([LINES[0], fixed("110.00", "A tray")], ["Added: A tray.", "Left out: A new tray."]),
        (LINES[::-1], []),
    ],
    ids=["added", "left out", "more time", "renamed at the same price", "another order"],
)
def test_what_a_version_changed(inside: Desk, after: list[actions.NewLine], said: list[str]) -> None:
    assert changes(inside.estimated(inside.estimated(), lines=after)) == said


def test_among_lines_with_the_same_words_the_sum_tells_the_difference(inside: Desk) -> None:
    before = sent(inside, fixed("10.00", "Part"), fixed("20.00", "Part"))
    after = sent(inside, fixed("15.00", "Part"), fixed("20.00", "Part"), ticket=before.ticket)
    said = what_changed(before, lines_of(before), after, lines_of(after))
    assert said == ["Total 35.00 EUR instead of 30.00 EUR without VAT."]


# ---- accepting ----


def test_b12_the_approver_accepts(inside: Desk) -> None:
    ticket = inside.agreed()
    assert (ticket.status, newest(ticket).state) == (Status.ESTIMATE_ACCEPTED, EstimateState.ACCEPTED)


def test_b12_what_was_promised_is_the_due_date(inside: Desk) -> None:
    ticket = inside.agreed()
    assert ticket.due_date == newest(ticket).due_on


@pytest.mark.parametrize("role", ["requester", "stranger", "agent", "manager"])
def test_who_has_no_right_to_approve_does_not_accept(inside: Desk, role: str) -> None:
    with pytest.raises(NotAllowed):
        actions.accept_estimate(inside.estimated(), by=getattr(inside, role))


@pytest.mark.parametrize(("amount", "accepts"), [("290.00", True), ("289.99", False), (None, True)])
def test_the_limit_is_without_vat_and_included(inside: Desk, amount: str | None, accepts: bool) -> None:
    ticket = inside.estimated()
    inside.signatory()  # somebody else may; it is this one's limit that is asked
    limit(inside.approver, amount)
    approver = Person.objects.get(pk=inside.approver.pk)
    if accepts:
        assert actions.accept_estimate(ticket, by=approver).status == Status.ESTIMATE_ACCEPTED
    else:
        with pytest.raises(NotAllowed):
            actions.accept_estimate(ticket, by=approver)


def test_the_refusal_names_those_who_may(inside: Desk) -> None:
    with pytest.raises(NotAllowed, match="Colin Colleague"):
        actions.accept_estimate(inside.estimated(), by=inside.requester)


def test_the_version_that_was_read_is_the_one_that_is_accepted(inside: Desk) -> None:
    ticket = inside.estimated(inside.estimated())
    assert refusal(actions.accept_estimate, ticket, by=inside.approver, version=1) == "replaced"


def test_an_expired_version_is_not_accepted(inside: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    ticket = inside.estimated(valid_until=in_days(0))
    the_day_after_tomorrow(monkeypatch)
    assert refusal(actions.accept_estimate, ticket, by=inside.approver) == "expired"


def the_day_after_tomorrow(monkeypatch: pytest.MonkeyPatch) -> None:
    later = timezone.now() + timedelta(days=2)
    monkeypatch.setattr(timezone, "now", lambda: later)


def test_on_its_last_day_it_is_accepted(inside: Desk) -> None:
    assert inside.agreed(inside.estimated(valid_until=in_days(0))).status == Status.ESTIMATE_ACCEPTED


def test_an_accepted_version_is_not_accepted_again(inside: Desk) -> None:
    assert refusal(actions.accept_estimate, inside.agreed(), by=inside.approver) == "wrong_state"


def test_without_an_estimate_there_is_nothing_to_accept(inside: Desk) -> None:
    assert refusal(actions.accept_estimate, inside.submit(), by=inside.approver) == "wrong_state"


def test_the_customers_order_number_is_kept(inside: Desk) -> None:
    ticket = actions.accept_estimate(inside.estimated(), by=inside.approver, order_number=" PO-7 ")
    assert ticket.order_number == "PO-7"


def test_no_order_number_leaves_the_one_that_stood(inside: Desk) -> None:
    ticket = inside.estimated(inside.submit(order_number="PO-1"))
    assert actions.accept_estimate(ticket, by=inside.approver).order_number == "PO-1"


# ---- quoting an approver ----


def test_an_agent_quotes_the_approver(inside: Desk) -> None:
    ticket = actions.accept_estimate(inside.estimated(), by=inside.agent, quote=says(inside.approver))
    assert ticket.status == Status.ESTIMATE_ACCEPTED


def test_only_who_may_approve_is_quoted(inside: Desk) -> None:
    with pytest.raises(NotAllowed):
        actions.accept_estimate(inside.estimated(), by=inside.agent, quote=says(inside.requester))


def test_a_quote_needs_words(inside: Desk) -> None:
    assert refusal(actions.accept_estimate, inside.estimated(), by=inside.agent, quote=says(inside.approver, " "))


def test_a_customer_quotes_nobody(inside: Desk) -> None:
    with pytest.raises(NotAllowed):
        actions.accept_estimate(inside.estimated(), by=inside.requester, quote=says(inside.approver))


# ---- deputies ----


@pytest.mark.parametrize(
    ("first", "last", "accepts"), [(0, 0, True), (-3, 3, True), (1, 5, False), (-5, -1, False)], ids=str
)
def test_a_deputy_accepts_within_their_dates(inside: Desk, first: int, last: int, accepts: bool) -> None:
    ticket, deputy = inside.estimated(), inside.clerk()
    stands_in(deputy, for_=inside.approver, first=first, last=last)
    if accepts:
        assert actions.accept_estimate(ticket, by=deputy).status == Status.ESTIMATE_ACCEPTED
    else:
        with pytest.raises(NotAllowed):
            actions.accept_estimate(ticket, by=deputy)


def test_a_deputy_has_the_limit_of_whom_they_stand_for(inside: Desk) -> None:
    ticket, deputy = inside.estimated(), inside.clerk()
    inside.signatory()
    small = inside.small_approver()
    stands_in(deputy, for_=small)
    with pytest.raises(NotAllowed):
        actions.accept_estimate(ticket, by=deputy)


def test_a_deputy_of_another_organisation_does_not_count(inside: Desk) -> None:
    ticket = inside.estimated()
    stands_in(inside.stranger, for_=inside.approver)
    with pytest.raises(NotAllowed):
        actions.accept_estimate(ticket, by=inside.stranger)


def test_a_deputy_alone_is_enough_to_send_it(inside: Desk) -> None:
    """The approver is away and inactive people decide nothing; their deputy can."""
    deputy = inside.deputy()
    Person.objects.filter(pk=inside.approver.pk).update(is_active=False)
    assert actions.accept_estimate(inside.estimated(), by=deputy).status == Status.ESTIMATE_ACCEPTED


def test_a_deputy_who_left_decides_nothing(inside: Desk) -> None:
    ticket, deputy = inside.estimated(), inside.deputy()
    deputy.is_active = False
    deputy.save()
    with pytest.raises(NotAllowed):
        actions.accept_estimate(ticket, by=deputy)


# ---- changes, withdrawal, expiry ----


def wanting_changes(desk: Desk, ticket: Ticket | None = None) -> Ticket:
    return actions.request_changes(ticket or desk.estimated(), by=desk.requester, text="Without the tray.")


def test_the_customer_asks_for_changes(inside: Desk) -> None:
    ticket = wanting_changes(inside)
    assert (ticket.status, states(ticket)) == (Status.REOPENED, ["changes_requested"])


def test_the_wish_stands_in_the_conversation(inside: Desk) -> None:
    assert comments_of(wanting_changes(inside)) == ["Without the tray."]


def test_asking_for_changes_needs_words(inside: Desk) -> None:
    assert refusal(actions.request_changes, inside.estimated(), by=inside.requester, text=" ") == "empty"


@pytest.mark.parametrize("who", ["approver", "deputy", "signatory", "small_approver"])
def test_who_approves_may_ask_for_changes(inside: Desk, who: str) -> None:
    ticket = inside.estimated()
    by = getattr(inside, who)
    assert actions.request_changes(ticket, by=by() if callable(by) else by, text="Less.").status == Status.REOPENED


@pytest.mark.parametrize("role", ["stranger", "agent"])
def test_others_do_not_ask_for_changes(inside: Desk, role: str) -> None:
    with pytest.raises(NotAllowed):
        actions.request_changes(inside.estimated(), by=getattr(inside, role), text="Less.")


def test_a_guest_does_not_ask_for_changes(inside: Desk) -> None:
    ticket = inside.estimated()
    with pytest.raises(NotAllowed):
        actions.request_changes(ticket, by=inside.guest(ticket), text="Less.")


def test_after_changes_were_asked_for_the_version_can_still_be_accepted(inside: Desk) -> None:
    assert states(inside.agreed(wanting_changes(inside))) == ["accepted"]


def test_a_replaced_version_cannot_be_accepted_any_more(inside: Desk) -> None:
    ticket = inside.estimated(wanting_changes(inside))
    actions.withdraw_estimate(ticket, by=inside.agent, text="A mistake.")
    assert refusal(actions.accept_estimate, ticket, by=inside.approver) == "wrong_state"


def test_the_last_accepted_version_stays_valid(inside: Desk) -> None:
    """A second version was sent, and changes of it were asked for: what was agreed before still is."""
    ticket = wanting_changes(inside, inside.estimated(inside.agreed()))
    assert states(ticket) == ["accepted", "changes_requested"]


def test_work_goes_on_by_the_last_accepted_version(inside: Desk) -> None:
    ticket = wanting_changes(inside, inside.estimated(inside.agreed()))
    assert actions.start_work(ticket, by=inside.agent, expected_minutes=180).status == Status.IN_PROGRESS


def test_accepting_the_second_version_replaces_the_first(inside: Desk) -> None:
    assert states(inside.agreed(inside.estimated(inside.agreed()))) == ["replaced", "accepted"]


def test_the_agent_withdraws_it(inside: Desk) -> None:
    ticket = actions.withdraw_estimate(inside.estimated(), by=inside.agent, text="A mistake.")
    assert (ticket.status, states(ticket)) == (Status.REOPENED, ["withdrawn"])


def test_a_withdrawn_version_is_not_accepted(inside: Desk) -> None:
    ticket = actions.withdraw_estimate(inside.estimated(), by=inside.agent, text="A mistake.")
    assert refusal(actions.accept_estimate, ticket, by=inside.approver) == "wrong_state"


def test_withdrawing_needs_a_reason(inside: Desk) -> None:
    assert refusal(actions.withdraw_estimate, inside.estimated(), by=inside.agent, text="") == "empty"


def test_a_customer_withdraws_nothing(inside: Desk) -> None:
    with pytest.raises(NotAllowed):
        actions.withdraw_estimate(inside.estimated(), by=inside.requester, text="No.")


def test_a_valid_estimate_does_not_expire(inside: Desk) -> None:
    assert refusal(actions.expire_estimate, inside.estimated()) == "too_early"


def test_a_comment_decides_nothing(inside: Desk) -> None:
    ticket = inside.estimated()
    actions.comment(ticket, by=inside.approver, text="I accept it.")
    assert (fresh(ticket).status, states(ticket)) == (Status.ESTIMATED, ["open"])


def test_cancelling_ends_the_open_version(inside: Desk) -> None:
    ticket = actions.cancel(inside.estimated(), by=inside.requester, text="Too dear.")
    assert (ticket.status, states(ticket)) == (Status.CANCELLED, ["withdrawn"])


def test_merging_ends_the_open_version(inside: Desk) -> None:
    ticket = actions.merge(inside.estimated(), by=inside.agent, into=inside.submit())
    assert states(ticket) == ["withdrawn"]


# ---- taking an acceptance back ----


def test_a_wrong_acceptance_is_taken_back(inside: Desk) -> None:
    ticket = actions.take_back_acceptance(inside.agreed(), by=inside.approver)
    assert (ticket.status, states(ticket)) == (Status.ESTIMATED, ["open"])


def test_what_was_agreed_before_is_agreed_again(inside: Desk) -> None:
    ticket = inside.agreed(inside.estimated(inside.agreed()))
    actions.take_back_acceptance(ticket, by=inside.approver)
    assert states(ticket) == ["accepted", "open"]


def test_what_was_taken_back_before_is_not_agreed_again(inside: Desk) -> None:
    ticket = actions.take_back_acceptance(inside.agreed(), by=inside.approver)
    ticket = inside.agreed(inside.estimated(ticket))
    actions.take_back_acceptance(ticket, by=inside.approver)
    assert states(ticket) == ["replaced", "open"]


def test_after_taking_back_its_validity_is_watched_again(inside: Desk) -> None:
    ticket = inside.estimated()
    ends = ticket.period_ends_at
    actions.take_back_acceptance(inside.agreed(ticket), by=inside.approver)
    row = fresh(ticket)
    assert (row.period_ends_at, row.clock_at is not None) == (ends, True)


def test_it_can_be_accepted_once_more(inside: Desk) -> None:
    ticket = actions.take_back_acceptance(inside.agreed(), by=inside.approver)
    assert inside.agreed(ticket).status == Status.ESTIMATE_ACCEPTED


def test_nobody_else_takes_it_back(inside: Desk) -> None:
    with pytest.raises(NotAllowed):
        actions.take_back_acceptance(inside.agreed(), by=inside.requester)


def test_once_work_began_it_is_too_late(inside: Desk) -> None:
    ticket = actions.start_work(inside.agreed(), by=inside.agent, expected_minutes=10)
    assert refusal(actions.take_back_acceptance, ticket, by=inside.approver) == "acted_on"


def test_a_comment_does_not_make_it_too_late(inside: Desk) -> None:
    ticket = inside.agreed()
    actions.comment(ticket, by=inside.agent, text="Thank you.")
    assert actions.take_back_acceptance(ticket, by=inside.approver).status == Status.ESTIMATED


def test_the_agent_who_quoted_takes_the_quote_back(inside: Desk) -> None:
    ticket = actions.accept_estimate(inside.estimated(), by=inside.agent, quote=says(inside.approver))
    assert actions.take_back_acceptance(ticket, by=inside.agent).status == Status.ESTIMATED


# ---- the threshold, and going beyond what was accepted ----


def start(desk: Desk, minutes: int, ticket: Ticket | None = None) -> str | None:
    """The refusal's code, or nothing when work starts."""
    try:
        actions.start_work(ticket or desk.submit(), by=desk.agent, expected_minutes=minutes)
    except Refused as refused:
        return refused.code
    return None


@pytest.mark.parametrize("threshold", [30, 60])
@pytest.mark.parametrize(("more", "code"), [(0, None), (1, "threshold")])
def test_b10_work_up_to_the_desks_threshold_starts(inside: Desk, threshold: int, more: int, code: str | None) -> None:
    inside.tenant.threshold_minutes = threshold
    inside.tenant.save()
    assert start(inside, threshold + more) == code


@pytest.mark.parametrize(("minutes", "code"), [(30, None), (31, "threshold")])
def test_b10_a_request_type_has_its_own_threshold(inside: Desk, minutes: int, code: str | None) -> None:
    request_type = inside.type()
    request_type.threshold_minutes = 30
    request_type.save()
    assert start(inside, minutes, inside.submit(request_type=request_type)) == code


@pytest.mark.parametrize(("minutes", "code"), [(60, None), (61, "threshold")])
def test_b10_a_contract_has_its_own_threshold(inside: Desk, minutes: int, code: str | None) -> None:
    Contract.objects.create(organisation=inside.organisation, number="C-1", starts_on=in_days(0), threshold_minutes=60)
    assert start(inside, minutes) == code


def test_a8_a_fault_has_no_threshold(inside: Desk) -> None:
    request_type = inside.type()
    request_type.is_billable = False
    request_type.save()
    assert start(inside, 6000, inside.submit(request_type=request_type)) is None


def test_what_a_contract_covers_has_no_threshold(inside: Desk) -> None:
    Contract.objects.create(organisation=inside.organisation, number="C-1", starts_on=in_days(0), covers_work=True)
    assert start(inside, 6000) is None


def test_m9_without_billing_there_is_no_threshold(inside: Desk) -> None:
    inside.tenant.billing_enabled = False
    inside.tenant.save()
    assert start(inside, 6000) is None


def test_b11_above_the_threshold_an_open_estimate_is_not_enough(inside: Desk) -> None:
    assert start(inside, 180, wanting_changes(inside)) == "threshold"


@pytest.mark.parametrize(("minutes", "code"), [(180, None), (198, None), (199, "overrun")])
def test_b12_work_starts_within_what_was_accepted_and_its_tolerance(
    inside: Desk, minutes: int, code: str | None
) -> None:
    assert start(inside, minutes, inside.agreed()) == code


def test_at_a_fixed_price_it_is_ours_how_long_it_takes(inside: Desk) -> None:
    assert start(inside, 6000, inside.agreed(inside.estimated(lines=[fixed("900.00")]))) is None


def test_a_withdrawn_version_does_not_start_work(inside: Desk) -> None:
    ticket = actions.withdraw_estimate(inside.estimated(), by=inside.agent, text="A mistake.")
    assert start(inside, 180, ticket) == "threshold"


# ---- what is offered ----


def offered(ticket: Ticket, person: Person) -> set[str]:
    row = Ticket.objects.select_related("tenant", "organisation", "request_type", "contract").get(pk=ticket.pk)
    return {verb.name for verb in available(row, Person.objects.get(pk=person.pk))}


@pytest.mark.parametrize(
    ("who", "accepts", "changes"),
    [
        ("approver", True, True),
        ("signatory", True, True),
        ("deputy", True, True),
        ("requester", False, True),
        ("clerk", False, True),
        ("small_approver", False, True),
        ("reader", False, False),
        ("stranger", False, False),
    ],
)
def test_who_is_offered_what(inside: Desk, who: str, accepts: bool, changes: bool) -> None:
    ticket, person = inside.estimated(), getattr(inside, who)
    names = offered(ticket, person() if callable(person) else person)
    assert ("accept_estimate" in names, "request_changes" in names) == (accepts, changes)


def test_a_right_that_was_taken_away_is_not_offered(inside: Desk) -> None:
    ticket = inside.estimated()
    Representation.objects.filter(person=inside.approver).update(may_approve=False)
    assert "accept_estimate" not in offered(ticket, inside.approver)


@pytest.mark.parametrize(
    "lines",
    [[NewLine("big", 60_000, Decimal("9999999999.99"))], [NewLine("big", price=Decimal("9999999999.99"))] * 100],
)
def test_a_sum_that_no_column_holds_is_refused(inside: Desk, lines: list[NewLine]) -> None:
    with pytest.raises(Refused) as caught:
        actions.send_estimate(inside.submit(), by=inside.agent, lines=lines, due_on=in_days(9))
    assert caught.value.code == "price"
