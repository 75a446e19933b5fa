"""Acceptance by silence (A7, B19), and that it is fair: only when notice and reminder reached somebody."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from accounts.hosts import tenant_ids
from accounts.models import Person
from conftest import Desk
from notifications.models import OutboxMessage
from tickets import actions
from tickets.models import Approval, Ticket
from tickets.periods import Calendar, reminder_before
from tickets.tests.steps import all_mail_is_sent, fresh, next_tick, pass_until, tick
from tickets.workflow import Status


def reminded(desk: Desk) -> Ticket:
    return next_tick(desk, desk.delivered())


def test_nothing_happens_before_the_reminder_is_due(inside: Desk) -> None:
    ticket = inside.delivered()
    tick(inside)
    assert fresh(ticket).reminders_sent == 0


def test_the_customer_is_reminded_before_the_end(inside: Desk) -> None:
    ticket = reminded(inside)
    assert OutboxMessage.objects.filter(kind="ticket.review_reminder", about_id=ticket.pk).count() == 1


def test_silence_after_notice_and_reminder_accepts(inside: Desk) -> None:
    ticket = reminded(inside)
    all_mail_is_sent()
    pass_until(ticket, ticket.period_ends_at, seconds=1)
    tick(inside)
    assert fresh(ticket).status == Status.INVOICE


def test_the_proof_says_by_silence(inside: Desk) -> None:
    ticket = reminded(inside)
    all_mail_is_sent()
    pass_until(ticket, ticket.period_ends_at, seconds=1)
    tick(inside)
    assert Approval.objects.get(ticket=ticket).manner == "silence"


def test_silence_does_not_count_when_the_mail_never_went_out(inside: Desk) -> None:
    ticket = reminded(inside)
    pass_until(ticket, ticket.period_ends_at, seconds=1)
    tick(inside)
    assert fresh(ticket).status == Status.WAITING


def test_the_agent_hears_that_nobody_was_reached(inside: Desk) -> None:
    ticket = reminded(inside)
    pass_until(ticket, ticket.period_ends_at, seconds=1)
    tick(inside)
    assert OutboxMessage.objects.filter(kind="ticket.silence_unheard", to_person=inside.agent).exists()


def test_silence_of_somebody_who_left_does_not_count(inside: Desk) -> None:
    ticket = reminded(inside)
    all_mail_is_sent()
    Person.objects.filter(pk=inside.requester.pk).update(is_active=False)
    pass_until(ticket, ticket.period_ends_at, seconds=1)
    tick(inside)
    assert fresh(ticket).status == Status.WAITING


def test_a_late_reminder_moves_the_end(inside: Desk) -> None:
    """A clock that stood still over the whole period reminds first and waits at least a day."""
    ticket = inside.delivered()
    pass_until(ticket, ticket.period_ends_at, days=3)
    tick(inside)
    end = fresh(ticket).period_ends_at
    assert end is not None
    assert end > timezone.now() + timedelta(days=1)


def test_a_second_tick_does_nothing_twice(inside: Desk) -> None:
    ticket = reminded(inside)
    tick(inside)
    assert OutboxMessage.objects.filter(kind="ticket.review_reminder", about_id=ticket.pk).count() == 1


def test_a_comment_stops_the_clock(inside: Desk) -> None:
    ticket = inside.delivered()
    actions.comment(ticket, by=inside.requester, text="Not yet.")
    assert fresh(ticket).clock_at is None


def test_only_tenants_with_something_due_are_visited(desk: Desk) -> None:
    with desk.entered():
        ticket = desk.delivered()
    assert ticket.clock_at is not None
    due = ticket.clock_at + timedelta(seconds=1)
    assert tenant_ids("SELECT tenant_id FROM desk_tenants_with_due_clock(%s)", due) == [desk.id]


@pytest.mark.parametrize(
    ("zone", "start", "end"),
    [
        ("Europe/Riga", datetime(2026, 3, 22, 10, tzinfo=UTC), datetime(2026, 3, 29, 21, tzinfo=UTC)),
        ("Europe/Riga", datetime(2026, 10, 18, 10, tzinfo=UTC), datetime(2026, 10, 25, 22, tzinfo=UTC)),
        ("Asia/Vladivostok", datetime(2026, 12, 28, 20, tzinfo=UTC), datetime(2027, 1, 5, 14, tzinfo=UTC)),
        ("Europe/Prague", datetime(2028, 2, 22, 12, tzinfo=UTC), datetime(2028, 2, 29, 23, tzinfo=UTC)),
    ],
    ids=["summer time begins", "summer time ends", "year end in the east", "leap day"],
)
def test_a7_the_period_ends_at_midnight_where_the_desk_is(zone: str, start: datetime, end: datetime) -> None:
    assert Calendar(ZoneInfo(zone)).end_after(start, 7) == end


def test_a_short_period_reminds_half_way() -> None:
    start = datetime(2026, 5, 1, tzinfo=UTC)
    assert reminder_before(start, start + timedelta(days=2)) == start + timedelta(days=1)
