"""Quiet hours: news waits for their end where its reader is; what somebody waits for does not wait (A9)."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from accounts import actions as accounts_actions
from accounts.models import Person
from conftest import Desk
from notifications.models import OutboxMessage
from notifications.timing import after_quiet_hours, departure
from tickets import actions

RIGA, NEW_YORK = ZoneInfo("Europe/Riga"), ZoneInfo("America/New_York")
NIGHT, NOON = (time(22), time(7)), (time(12), time(13, 30))


def quiet(hours: tuple[time | None, time | None], **values: Any) -> Person:
    return Person(tenant_id=1, quiet_from=hours[0], quiet_until=hours[1], **values)


def at(text: str, zone: ZoneInfo = RIGA) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def goes(person: Person, moment: datetime, **kind: bool) -> datetime:
    """When news that was caused then may leave, as the reader's clock shows it."""
    kinds = {"at_once": False, "needs_reader": False, **kind}
    leaves = departure(person, zone=RIGA, now=moment.astimezone(UTC), **kinds)
    assert leaves is not None
    return leaves.at.astimezone(RIGA)


# ---- where the hours end ----


@pytest.mark.parametrize(
    ("hours", "moment", "leaves"),
    [
        (NIGHT, "2026-03-10T21:59", "2026-03-10T21:59"),
        (NIGHT, "2026-03-10T22:00", "2026-03-11T07:00"),
        (NIGHT, "2026-03-10T23:59", "2026-03-11T07:00"),
        (NIGHT, "2026-03-11T00:00", "2026-03-11T07:00"),
        (NIGHT, "2026-03-11T06:59", "2026-03-11T07:00"),
        (NIGHT, "2026-03-11T07:00", "2026-03-11T07:00"),
        (NOON, "2026-03-10T11:59", "2026-03-10T11:59"),
        (NOON, "2026-03-10T12:00", "2026-03-10T13:30"),
        (NOON, "2026-03-10T13:29", "2026-03-10T13:30"),
        (NOON, "2026-03-10T13:30", "2026-03-10T13:30"),
        ((time(0), time(7)), "2026-03-10T00:00", "2026-03-10T07:00"),
        ((time(22), time(0)), "2026-03-10T23:00", "2026-03-11T00:00"),
        ((time(22), time(22)), "2026-03-10T22:00", "2026-03-10T22:00"),
        ((None, None), "2026-03-10T03:00", "2026-03-10T03:00"),
        # The clocks go forward at 3 on 29 March and back at 4 on 25 October.
        (NIGHT, "2026-03-28T23:00", "2026-03-29T07:00"),
        (NIGHT, "2026-10-24T23:00", "2026-10-25T07:00"),
        (NIGHT, "2026-12-31T23:00", "2027-01-01T07:00"),
    ],
)
def test_news_waits_for_the_end_of_the_quiet_hours(
    hours: tuple[time | None, time | None], moment: str, leaves: str
) -> None:
    assert goes(quiet(hours), at(moment)) == at(leaves)


def test_across_a_summer_time_change_it_is_still_seven() -> None:
    """One hour less in the night, so seven o'clock is four in the morning elsewhere and no longer five."""
    leaves = [after_quiet_hours(quiet(NIGHT), at(day), RIGA) for day in ("2026-03-27T23:00", "2026-03-28T23:00")]
    assert [moment.astimezone(UTC).hour for moment in leaves] == [5, 4]


def test_what_would_leave_in_the_quiet_hours_counts_not_what_happened_in_them(settings: Any) -> None:
    """A minute before they begin, with two minutes to wait for what else happens."""
    settings.MAIL_BUNDLE_SECONDS = 120
    assert goes(quiet(NIGHT), at("2026-03-10T21:59")) == at("2026-03-11T07:00")


def test_the_hours_are_counted_where_the_reader_is() -> None:
    """Midnight in Riga is five in the afternoon in New York."""
    moment = at("2026-01-11T00:00")
    assert after_quiet_hours(quiet(NIGHT), moment, NEW_YORK) == moment


@pytest.mark.parametrize("choice", ["hourly", "daily"])
def test_a_summary_waits_too(choice: str) -> None:
    until_nine = quiet((time(20), time(9)), mail_choice=choice)
    assert goes(until_nine, at("2026-03-10T22:10")) == at("2026-03-11T09:00")


def test_what_needs_the_reader_waits_as_well() -> None:
    assert goes(quiet(NIGHT), at("2026-03-10T23:00"), needs_reader=True) == at("2026-03-11T07:00")


def test_a_receipt_does_not_wait() -> None:
    assert goes(quiet(NIGHT), at("2026-03-10T23:00"), at_once=True) == at("2026-03-10T23:00")


# ---- through the verbs ----


@pytest.fixture
def sleeper(inside: Desk) -> Person:
    """The requester, whose quiet hours have just begun and last until a minute before that, tomorrow."""
    begins = timezone.localtime(timezone=inside.tenant.zone).replace(second=0, microsecond=0)
    inside.requester.quiet_from = begins.time()
    inside.requester.quiet_until = (begins - timedelta(minutes=1)).time()
    inside.requester.save()
    return inside.requester


def held_back(kind: str, person: Person) -> bool:
    row = OutboxMessage.objects.get(kind=kind, to_person=person)
    return bool(row.next_try_at > timezone.now())


def test_news_of_a_request_is_held_back(inside: Desk, sleeper: Person) -> None:
    actions.comment(inside.submit(), by=inside.agent, text="Hello")
    assert held_back("ticket.commented", sleeper)


def test_the_receipt_is_not_held_back(inside: Desk, sleeper: Person) -> None:
    inside.submit()
    assert not held_back("ticket.submitted", sleeper)


def test_a_reset_is_not_held_back(inside: Desk, sleeper: Person) -> None:
    accounts_actions.request_reset(sleeper.user.email)
    assert not held_back("person.reset", sleeper)


def test_an_invitation_is_not_held_back(inside: Desk, sleeper: Person) -> None:
    accounts_actions.invite(sleeper, by=inside.manager)
    assert not held_back("person.invitation", sleeper)


def test_the_persons_own_time_zone_counts(inside: Desk, sleeper: Person) -> None:
    """The hours that have just begun at the desk begin there in six or seven hours."""
    sleeper.quiet_until = sleeper.quiet_from.replace(hour=(sleeper.quiet_from.hour + 3) % 24)
    sleeper.time_zone = "America/New_York"
    sleeper.save()
    actions.comment(inside.submit(), by=inside.agent, text="Hello")
    assert not held_back("ticket.commented", sleeper)


def test_without_one_the_desks_counts(inside: Desk, sleeper: Person) -> None:
    sleeper.quiet_until = sleeper.quiet_from.replace(hour=(sleeper.quiet_from.hour + 3) % 24)
    sleeper.save()
    actions.comment(inside.submit(), by=inside.agent, text="Hello")
    assert held_back("ticket.commented", sleeper)
