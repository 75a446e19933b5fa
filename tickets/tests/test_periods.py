"""When a period ends, to the minute: calendar and business days, summer time, holidays, leap days, east and west."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import ClosedDay
from conftest import Desk, written
from notifications.models import OutboxMessage
from tickets.models import Ticket
from tickets.periods import Calendar, end_of, half_way, last_day_before, public_holidays, reminder_before
from tickets.sentences import last_day_of_period
from tickets.tests.steps import all_mail_is_sent, fresh, next_tick, pass_until, tick
from tickets.workflow import Status

RIGA, VLADIVOSTOK, KOLKATA = ZoneInfo("Europe/Riga"), ZoneInfo("Asia/Vladivostok"), ZoneInfo("Asia/Kolkata")
CAIRO, HAVANA, APIA = ZoneInfo("Africa/Cairo"), ZoneInfo("America/Havana"), ZoneInfo("Pacific/Apia")


# By the second, from 2000 to 2100.
MOMENTS = st.integers(946_684_800, 4_102_444_800).map(lambda second: datetime.fromtimestamp(second, UTC))


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


# ---- calendar days ----


@pytest.mark.parametrize(
    ("zone", "start", "days", "end"),
    [
        (RIGA, utc(2026, 5, 4, 9), 1, utc(2026, 5, 5, 21)),
        (RIGA, utc(2026, 5, 4, 9), 7, utc(2026, 5, 11, 21)),
        # 23:30 and 00:30 where the desk is are two days, whatever the day is in London.
        (RIGA, utc(2026, 5, 4, 20, 30), 1, utc(2026, 5, 5, 21)),
        (RIGA, utc(2026, 5, 4, 21, 30), 1, utc(2026, 5, 6, 21)),
        (RIGA, utc(2026, 3, 28, 12), 1, utc(2026, 3, 29, 21)),
        (RIGA, utc(2026, 3, 27, 12), 1, utc(2026, 3, 28, 22)),
        (RIGA, utc(2026, 10, 24, 12), 1, utc(2026, 10, 25, 22)),
        (RIGA, utc(2026, 10, 23, 12), 1, utc(2026, 10, 24, 21)),
        (RIGA, utc(2026, 12, 25, 12), 7, utc(2027, 1, 1, 22)),
        (RIGA, utc(2028, 2, 28, 12), 1, utc(2028, 2, 29, 22)),
        (RIGA, utc(2026, 2, 27, 12), 2, utc(2026, 3, 1, 22)),
        (VLADIVOSTOK, utc(2026, 7, 1, 13, 59), 1, utc(2026, 7, 2, 14)),
        (VLADIVOSTOK, utc(2026, 7, 1, 14), 1, utc(2026, 7, 3, 14)),
        (VLADIVOSTOK, utc(2026, 12, 31, 15), 3, utc(2027, 1, 4, 14)),
        (KOLKATA, utc(2026, 3, 28, 18, 29), 1, utc(2026, 3, 29, 18, 30)),
        (KOLKATA, utc(2026, 3, 28, 18, 30), 1, utc(2026, 3, 30, 18, 30)),
    ],
    ids=[
        "a day",
        "a week",
        "late in the evening",
        "after midnight",
        "over the short night",
        "before the short night",
        "over the long night",
        "before the long night",
        "year end",
        "onto a leap day",
        "over no leap day",
        "the last minute in the east",
        "the first minute in the east",
        "year end in the east",
        "without summer time, the last minute",
        "without summer time, the first minute",
    ],
)
def test_a7_a_period_ends_at_midnight_of_its_last_day(
    zone: ZoneInfo, start: datetime, days: int, end: datetime
) -> None:
    assert Calendar(zone).end_after(start, days) == end


@given(
    start=MOMENTS,
    days=st.integers(1, 365),
    zone=st.sampled_from([RIGA, VLADIVOSTOK, KOLKATA, HAVANA, CAIRO]),
)
def test_the_last_day_that_is_named_is_the_one_that_ends(start: datetime, days: int, zone: ZoneInfo) -> None:
    calendar = Calendar(zone)
    stored = calendar.end_after(start, days).astimezone(UTC)
    assert last_day_before(stored, zone) == start.astimezone(zone).date() + timedelta(days=days)


def test_where_summer_time_begins_at_midnight_the_day_before_is_named() -> None:
    """24 April 2026 begins at one o'clock in Cairo: there is no midnight."""
    end = end_of(date(2026, 4, 23), CAIRO).astimezone(UTC)
    assert (end, last_day_before(end, CAIRO)) == (utc(2026, 4, 23, 22), date(2026, 4, 23))


def test_an_end_that_was_read_in_another_zone_names_the_same_day() -> None:
    end = end_of(date(2026, 4, 23), CAIRO)
    assert {last_day_before(end.astimezone(zone), CAIRO) for zone in (UTC, CAIRO, APIA)} == {date(2026, 4, 23)}


# ---- business days ----


def latvian(*closed: date, business_days: bool = True) -> Calendar:
    return Calendar(RIGA, business_days=business_days, country="LV", closed=frozenset(closed))


@pytest.mark.parametrize(
    ("day", "days", "last"),
    [
        (date(2026, 5, 11), 1, date(2026, 5, 12)),
        (date(2026, 5, 15), 1, date(2026, 5, 18)),
        (date(2026, 5, 16), 1, date(2026, 5, 18)),
        (date(2026, 5, 11), 10, date(2026, 5, 25)),
        (date(2026, 4, 2), 1, date(2026, 4, 7)),
        (date(2026, 4, 30), 1, date(2026, 5, 5)),
        (date(2026, 6, 22), 1, date(2026, 6, 25)),
        (date(2026, 11, 17), 1, date(2026, 11, 19)),
        (date(2026, 12, 30), 1, date(2027, 1, 4)),
        (date(2025, 5, 2), 1, date(2025, 5, 6)),
    ],
    ids=[
        "to the next day",
        "over a weekend",
        "from a Saturday",
        "two weeks",
        "over Easter",
        "Labour Day and the one after the weekend",
        "over Midsummer",
        "Independence Day",
        "over New Year",
        "a holiday moved to Monday",
    ],
)
def test_business_days_leave_out_weekends_and_public_holidays(day: date, days: int, last: date) -> None:
    assert latvian().day_after(day, days) == last


def test_a_desks_own_closed_day_is_left_out() -> None:
    assert latvian(date(2026, 5, 12)).day_after(date(2026, 5, 11), 1) == date(2026, 5, 13)


def test_where_all_days_count_holidays_and_closed_days_do_too() -> None:
    calendar = latvian(date(2026, 4, 3), business_days=False)
    assert calendar.day_after(date(2026, 4, 2), 1) == date(2026, 4, 3)


def test_the_holidays_are_the_desks_countrys() -> None:
    assert Calendar(RIGA, business_days=True, country="CZ").day_after(date(2026, 6, 22), 1) == date(2026, 6, 23)


@pytest.mark.parametrize("country", ["", "XX"])
def test_without_a_known_country_only_weekends_are_left_out(country: str) -> None:
    calendar = Calendar(RIGA, business_days=True, country=country)
    assert calendar.day_after(date(2026, 4, 2), 1) == date(2026, 4, 3)


def test_an_unknown_country_has_no_holidays() -> None:
    assert public_holidays("XX", 2026) == frozenset()


@given(day=st.dates(date(2024, 1, 1), date(2032, 1, 1)), days=st.integers(1, 60))
def test_so_many_days_count_and_the_last_one_is_among_them(day: date, days: int) -> None:
    calendar = latvian(date(2026, 5, 12))
    last = calendar.day_after(day, days)
    between = [day + timedelta(days=n) for n in range(1, (last - day).days + 1)]
    assert (sum(calendar.counts(one) for one in between), calendar.counts(last)) == (days, True)


def test_business_days_end_to_the_minute_over_the_short_night() -> None:
    assert latvian().end_after(utc(2026, 3, 27, 12), 1) == utc(2026, 3, 30, 21)


def test_business_days_in_the_east_end_at_their_midnight() -> None:
    calendar = Calendar(VLADIVOSTOK, business_days=True)
    assert calendar.end_after(utc(2026, 7, 2, 15), 1) == utc(2026, 7, 6, 14)


# ---- reminders ----


@pytest.mark.parametrize(
    ("days", "reminder"),
    [(10, timedelta(days=8)), (4, timedelta(days=2)), (3, timedelta(days=1.5)), (1, timedelta(days=0.5))],
)
def test_the_reminder_is_two_days_before_or_half_way(days: int, reminder: timedelta) -> None:
    start = utc(2026, 5, 4)
    assert reminder_before(start, start + timedelta(days=days)) == start + reminder


@given(
    start=MOMENTS,
    minutes=st.integers(1, 600_000),
)
def test_reminders_come_in_order_and_before_the_end(start: datetime, minutes: int) -> None:
    end = start + timedelta(minutes=minutes)
    first = half_way(start, end)
    second = reminder_before(first, end)
    assert start <= first <= second <= end
    assert start <= reminder_before(start, end) <= end


# ---- a ticket's period ----


def business_desk(desk: Desk, *closed: date) -> None:
    desk.tenant.business_days, desk.tenant.country = True, "LV"
    desk.tenant.save()
    for day in closed:
        ClosedDay.objects.create(day=day)


def at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    monkeypatch.setattr(timezone, "now", lambda: moment)


@pytest.mark.parametrize(
    ("business", "end"), [(False, utc(2026, 12, 30, 22)), (True, utc(2027, 1, 7, 22))], ids=["all days", "business"]
)
def test_a7_a_review_over_christmas(
    inside: Desk, monkeypatch: pytest.MonkeyPatch, business: bool, end: datetime
) -> None:
    """Seven days from 23 December: in Latvia the 24th to the 26th, the 31st and New Year are holidays."""
    inside.tenant.review_days = 7
    inside.tenant.save()
    if business:
        business_desk(inside)
    at(monkeypatch, utc(2026, 12, 23, 10))
    assert inside.delivered().period_ends_at == end


def test_a_closed_day_moves_the_end_of_a_review(inside: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    inside.tenant.review_days = 1
    business_desk(inside, date(2026, 5, 12))
    at(monkeypatch, utc(2026, 5, 11, 10))
    assert inside.delivered().period_ends_at == utc(2026, 5, 13, 21)


def test_the_last_day_that_the_customer_reads(inside: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    inside.tenant.review_days = 7
    inside.tenant.save()
    at(monkeypatch, utc(2026, 10, 20, 10))
    ticket = inside.delivered()
    letter = written(OutboxMessage.objects.get(kind="ticket.delivered"))
    assert last_day_of_period(ticket) == "27 Oct 2026"
    assert "27 Oct 2026" in letter.text


def test_a_request_type_counts_its_own_days(inside: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    request_type = inside.type()
    request_type.business_days, request_type.review_days = True, 1
    request_type.save()
    at(monkeypatch, utc(2026, 5, 15, 10))
    assert inside.delivered().period_ends_at == utc(2026, 5, 18, 21)


def test_a_clock_that_is_late_gives_a_business_day_at_least(inside: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reminded on a Saturday, after the end: whole Monday is left."""
    business_desk(inside)
    at(monkeypatch, utc(2026, 5, 1, 10))
    ticket = inside.delivered()
    at(monkeypatch, utc(2026, 5, 30, 10))
    tick(inside)
    assert fresh(ticket).period_ends_at == utc(2026, 6, 1, 21)


# ---- a clock that stood still catches up in order ----


def steps_of(ticket: Ticket) -> list[str]:
    letters = OutboxMessage.objects.filter(about_id=ticket.pk, to_person=ticket.requester).order_by("id")
    return [kind.partition(".")[2] for kind in letters.values_list("kind", flat=True)]


def test_a_missed_review_is_reminded_of_first_and_accepted_later(inside: Desk) -> None:
    ticket = inside.delivered()
    all_mail_is_sent()
    pass_until(ticket, ticket.period_ends_at, days=30)
    tick(inside)
    tick(inside)
    assert (fresh(ticket).status, steps_of(ticket)[-1]) == (Status.WAITING, "review_reminder")
    all_mail_is_sent()
    assert next_tick(inside, ticket).status == Status.INVOICE


def test_a_missed_question_is_reminded_of_twice_and_closed_later(inside: Desk) -> None:
    ticket = inside.asked()
    pass_until(ticket, ticket.period_ends_at, days=30)
    found = []
    for _ in range(3):
        row = next_tick(inside, ticket)
        found.append((row.reminders_sent, str(row.status)))
        all_mail_is_sent()
    assert found == [(1, Status.WAITING), (2, Status.WAITING), (0, Status.CLOSED)]


def test_a_missed_estimate_expires_without_a_late_reminder(inside: Desk) -> None:
    """Its last day stands in it and cannot be moved: a reminder after that day would ask for what nobody can do."""
    ticket = inside.estimated()
    pass_until(ticket, ticket.period_ends_at, days=3)
    tick(inside)
    assert (fresh(ticket).status, "estimate_reminder" in steps_of(ticket)) == (Status.REOPENED, False)
