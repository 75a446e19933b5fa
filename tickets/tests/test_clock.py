"""What the clock does when nobody does anything: asks twice and closes, lets expire, reminds, lets lapse (B13, B17)."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.errors import Refused
from accounts.hosts import tenant_ids
from accounts.models import Event, Person
from conftest import Desk, in_days
from notifications.models import OutboxMessage, OutboxState
from tickets import actions, clock, followers, gates
from tickets.models import Estimate, Ticket
from tickets.tests.steps import all_mail_is_sent, fixed, fresh, letters, newest, next_tick, pass_until, tick, told
from tickets.workflow import Status

WEEK = timedelta(days=7)


# ---- a question that is not answered ----


def asked_twice(desk: Desk) -> Ticket:
    """Both reminders went out, and the end is near."""
    ticket = desk.asked()
    next_tick(desk, ticket)
    return next_tick(desk, ticket)


def test_b13_a_question_waits_as_long_as_the_policy_says(inside: Desk) -> None:
    inside.tenant.information_days = 3
    inside.tenant.save()
    ends = inside.asked().period_ends_at
    assert ends is not None
    assert timedelta(days=3) <= ends - timezone.now() <= timedelta(days=4)


def test_nothing_is_said_before_it_is_due(inside: Desk) -> None:
    ticket = inside.asked()
    tick(inside)
    assert fresh(ticket).reminders_sent == 0


def test_two_reminders_go_out(inside: Desk) -> None:
    asked_twice(inside)
    assert len(letters("information_reminder")) == 2


def test_the_reminders_repeat_the_question(inside: Desk) -> None:
    asked_twice(inside)
    assert ["Which printer?" in letter.text for letter in letters("information_reminder")] == [True, True]


def test_no_third_reminder_goes_out(inside: Desk) -> None:
    ticket = asked_twice(inside)
    with pytest.raises(Refused):
        actions.remind_of_information(ticket)


def test_after_both_the_request_is_closed(inside: Desk) -> None:
    ticket = asked_twice(inside)
    all_mail_is_sent()
    assert next_tick(inside, ticket).status == Status.CLOSED


def test_work_that_was_done_before_the_question_is_billed(inside: Desk) -> None:
    ticket = inside.asked()
    actions.record_time(ticket, by=inside.agent, minutes=20, description="Looked into it")
    for _ in range(2):
        next_tick(inside, ticket)
    all_mail_is_sent()
    assert next_tick(inside, ticket).status == Status.INVOICE


def test_silence_that_reached_nobody_closes_nothing(inside: Desk) -> None:
    ticket = asked_twice(inside)
    OutboxMessage.objects.update(state=OutboxState.FAILED)
    assert next_tick(inside, ticket).status == Status.WAITING


def test_of_a_silence_that_reached_nobody_the_agent_hears(inside: Desk) -> None:
    next_tick(inside, asked_twice(inside))
    assert told("silence_unheard") == {inside.agent}


def test_the_clock_asks_once_only_whether_anybody_was_reached(inside: Desk) -> None:
    ticket = next_tick(inside, asked_twice(inside))
    assert ticket.clock_at is None


def test_silence_of_who_has_no_address_closes_nothing(inside: Desk) -> None:
    Person.objects.filter(pk=inside.requester.pk).update(email="")
    ticket = asked_twice(inside)
    all_mail_is_sent()
    assert next_tick(inside, ticket).status == Status.WAITING


def test_letters_of_an_earlier_question_do_not_count(inside: Desk) -> None:
    ticket = asked_twice(inside)
    all_mail_is_sent()
    actions.comment(ticket, by=inside.requester, text="The one in the hall.")
    actions.request_information(ticket, by=inside.agent, text="Which hall?")
    OutboxMessage.objects.filter(state=OutboxState.SENT).update(created_at=timezone.now() - timedelta(days=20))
    for _ in range(2):
        next_tick(inside, ticket)
    OutboxMessage.objects.filter(kind="ticket.information_requested").update(state=OutboxState.SENT)
    assert next_tick(inside, ticket).status == Status.WAITING


def test_an_answer_stops_the_clock(inside: Desk) -> None:
    ticket = inside.asked()
    actions.comment(ticket, by=inside.requester, text="The one in the hall.")
    row = fresh(ticket)
    assert (row.status, row.clock_at, row.period_ends_at) == (Status.REOPENED, None, None)


def test_what_was_closed_so_is_reopened(inside: Desk) -> None:
    ticket = asked_twice(inside)
    all_mail_is_sent()
    next_tick(inside, ticket)
    assert actions.reopen(ticket, by=inside.requester, text="I was away.").status == Status.REOPENED


# ---- an estimate that nobody decides about ----


def test_the_approver_is_reminded_before_the_last_day(inside: Desk) -> None:
    ticket = next_tick(inside, inside.estimated())
    assert (ticket.status, told("estimate_reminder")) == (Status.ESTIMATED, {inside.approver})


def test_the_approver_is_reminded_once(inside: Desk) -> None:
    ticket = next_tick(inside, inside.estimated())
    with pytest.raises(Refused):
        actions.remind_of_estimate(ticket)


def test_then_the_estimate_expires(inside: Desk) -> None:
    ticket = next_tick(inside, next_tick(inside, inside.estimated()))
    assert (ticket.status, newest(ticket).state) == (Status.REOPENED, "expired")


def test_b12_silence_never_accepts_an_estimate(inside: Desk) -> None:
    ticket = inside.estimated()
    for _ in range(3):
        all_mail_is_sent()
        if fresh(ticket).clock_at is not None:
            next_tick(inside, ticket)
    assert not Estimate.objects.accepted().exists()


def test_an_expired_estimate_is_history(inside: Desk) -> None:
    next_tick(inside, next_tick(inside, inside.estimated()))
    assert Event.objects.get(kind="ticket.estimate_expired").data["version"] == 1


def test_an_accepted_estimate_needs_no_clock(inside: Desk) -> None:
    assert inside.agreed().clock_at is None


def test_a_version_that_is_taken_back_after_its_last_day_expires(inside: Desk) -> None:
    ticket = inside.agreed()
    actions.take_back_acceptance(ticket, by=inside.approver)
    pass_until(ticket, fresh(ticket).period_ends_at, seconds=1)
    tick(inside)
    assert newest(ticket).state == "expired"


# ---- a planned rollout ----


def test_b17_a_rollout_is_planned(inside: Desk) -> None:
    ticket = inside.scheduled()
    assert (ticket.status, ticket.deploy_on) == (Status.READY_TO_DEPLOY, in_days(3))


def test_b17_on_its_day_nobody_is_asked(inside: Desk) -> None:
    ticket = inside.scheduled()
    pass_until(ticket, ticket.clock_at, minutes=-1)
    tick(inside)
    assert fresh(ticket).reminders_sent == 0


def test_b17_past_its_day_the_agent_is_asked(inside: Desk) -> None:
    next_tick(inside, inside.scheduled())
    assert told("deployment_due") == {inside.agent}


def test_b17_and_again_after_a_week(inside: Desk) -> None:
    ticket = next_tick(inside, inside.scheduled())
    again = ticket.clock_at
    assert again is not None
    assert abs(again - timezone.now() - WEEK) < timedelta(minutes=5)
    assert next_tick(inside, ticket).reminders_sent == 2


def test_b17_no_silence_accepts_here(inside: Desk) -> None:
    ticket = inside.scheduled()
    for _ in range(4):
        all_mail_is_sent()
        next_tick(inside, ticket)
    assert fresh(ticket).status == Status.READY_TO_DEPLOY


def test_b17_once_it_is_rolled_out_the_review_has_its_own_clock(inside: Desk) -> None:
    ticket = actions.deliver(inside.scheduled(), by=inside.agent, text="Rolled out.")
    assert (ticket.status, ticket.deploy_on, ticket.reminders_sent) == (Status.WAITING, None, 0)


# ---- an order that has to be paid ----


class Orders:
    """A trial of what billing will register: an order to be paid by a moment, and whether it was."""

    def __init__(self) -> None:
        self.is_paid = False
        self.cancelled: list[str] = []
        self.pay_by = timezone.now() + WEEK

    def make(self, ticket: Ticket, estimate: Estimate) -> datetime:
        return self.pay_by

    def has_lapsed(self, ticket: Ticket) -> bool:
        return not self.is_paid

    def note(self, ticket: Ticket) -> None:
        self.cancelled.append(ticket.reference)


@pytest.fixture
def orders() -> Iterator[Orders]:
    orders = Orders()
    with (
        followers.estimate_accepted.registered(orders.make),
        gates.order_has_lapsed.registered(orders.has_lapsed),
        followers.cancelled.registered(orders.note),
    ):
        yield orders


def test_a4_an_order_is_watched_until_it_has_to_be_paid(inside: Desk, orders: Orders) -> None:
    assert inside.agreed().clock_at == orders.pay_by


def test_a4_an_order_that_is_not_paid_lapses(inside: Desk, orders: Orders) -> None:
    assert next_tick(inside, inside.agreed()).status == Status.CANCELLED


def test_a4_nobody_owes_anything_for_it(inside: Desk, orders: Orders) -> None:
    """Not even what had been worked before it was agreed on."""
    ticket = inside.submit()
    actions.record_time(ticket, by=inside.agent, minutes=30, description="Looked into it")
    assert next_tick(inside, inside.agreed(inside.estimated(ticket, lines=[fixed("900.00")]))).status == "cancelled"


def test_a4_an_order_lapses_once(inside: Desk, orders: Orders) -> None:
    ticket = next_tick(inside, inside.agreed())
    with pytest.raises(Refused):
        actions.lapse_unpaid_order(ticket)
    assert orders.cancelled == [ticket.reference]


def test_a4_both_sides_hear_that_it_lapsed(inside: Desk, orders: Orders) -> None:
    next_tick(inside, inside.agreed())
    assert told("cancelled") == {inside.requester, inside.agent}


def test_a4_a_paid_order_does_not_lapse(inside: Desk, orders: Orders) -> None:
    ticket = inside.agreed()
    orders.is_paid = True
    row = next_tick(inside, ticket)
    assert (row.status, row.clock_at) == (Status.ESTIMATE_ACCEPTED, None)


def test_a4_before_its_day_it_does_not_lapse(inside: Desk, orders: Orders) -> None:
    ticket = inside.agreed()
    tick(inside)
    assert fresh(ticket).status == Status.ESTIMATE_ACCEPTED


def test_a4_once_work_began_it_does_not_lapse(inside: Desk, orders: Orders) -> None:
    ticket = actions.start_work(inside.agreed(), by=inside.agent, expected_minutes=10)
    assert ticket.clock_at is None
    with pytest.raises(Refused):
        actions.lapse_unpaid_order(ticket)


def test_of_several_orders_the_first_day_counts(inside: Desk, orders: Orders) -> None:
    other = Orders()
    other.pay_by = orders.pay_by - timedelta(days=3)
    with followers.estimate_accepted.registered(other.make):
        assert inside.agreed().clock_at == other.pay_by


def test_without_orders_nothing_is_watched(inside: Desk) -> None:
    assert inside.agreed().clock_at is None


# ---- the gate before work ----


def test_a_gate_says_why_work_does_not_start(inside: Desk) -> None:
    def closed(ticket: Ticket) -> str:
        return "The order is not paid."

    with gates.may_start_work.registered(closed), pytest.raises(Refused, match="The order is not paid"):
        actions.start_work(inside.submit(), by=inside.agent, expected_minutes=10)


# ---- several clocks, and clocks of others ----


def together(deed: Callable[[], object], times: int) -> None:
    start = threading.Barrier(times)

    def run() -> None:
        start.wait()
        try:
            deed()
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def made_due(desk: Desk, make: Callable[[], Ticket]) -> Ticket:
    with desk.entered():
        ticket = make()
        Ticket.objects.filter(pk=ticket.pk).update(clock_at=timezone.now() - timedelta(minutes=1))
        return ticket


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (Desk.asked, "information_reminder"),
        (Desk.estimated, "estimate_reminder"),
        (Desk.delivered, "review_reminder"),
        (Desk.scheduled, "deployment_due"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_two_clocks_at_once_do_it_once(committed_desk: Desk, make: Callable[[Desk], Ticket], kind: str) -> None:
    desk = committed_desk
    made_due(desk, lambda: make(desk))
    together(lambda: clock.run_clock(desk.id), 3)
    with desk.entered():
        assert len(letters(kind)) == 1


def test_each_state_that_waits_has_its_clock(inside: Desk) -> None:
    waiting = [inside.asked(), inside.estimated(), inside.delivered(), inside.scheduled()]
    assert [ticket.reference for ticket in waiting if ticket.clock_at is None] == []


def test_what_waits_for_us_has_no_clock(inside: Desk) -> None:
    ours = [inside.submit(), inside.started(), inside.reopened(), inside.accepted(), inside.agreed()]
    assert [ticket.reference for ticket in ours if ticket.clock_at is not None] == []


def test_the_clock_leaves_other_desks_alone(desk: Desk, rival: Desk) -> None:
    theirs = made_due(rival, rival.asked)
    clock.work_off(desk.id, timezone.now())
    with rival.entered():
        assert fresh(theirs).reminders_sent == 0


def test_desks_without_anything_due_are_not_visited(desk: Desk, rival: Desk) -> None:
    with desk.entered():
        desk.asked()
    made_due(rival, rival.asked)
    assert tenant_ids("SELECT tenant_id FROM desk_tenants_with_due_clock(%s)", timezone.now()) == [rival.id]
