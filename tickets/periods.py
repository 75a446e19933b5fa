"""When periods end. A day ends at midnight where the tenant is, whatever the server's clock is set to."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

from accounts.hosts import closed_days
from accounts.models import Tenant

SATURDAY = 5
ONE_DAY = timedelta(days=1)


@lru_cache(maxsize=64)
def public_holidays(country: str, year: int) -> frozenset[date]:
    """The public holidays of a country in a year; none for a country that the library does not know."""
    if country not in holidays.list_supported_countries():
        return frozenset()
    return frozenset(holidays.country_holidays(country, years=year))


@dataclass(frozen=True)
class Calendar:
    """How a desk counts days: all of them, or those on which it works."""

    zone: ZoneInfo
    business_days: bool = False
    country: str = ""
    closed: frozenset[date] = field(default_factory=frozenset)

    def counts(self, day: date) -> bool:
        if not self.business_days:
            return True
        return (
            day.weekday() < SATURDAY
            and day not in self.closed
            and not (self.country and day in public_holidays(self.country, day.year))
        )

    def day_after(self, day: date, days: int) -> date:
        """The last of `days` days that count after a day, which itself does not."""
        while days > 0:
            day += ONE_DAY
            days -= self.counts(day)
        return day

    def end_after(self, start: datetime, days: int) -> datetime:
        """The midnight that ends the last of `days` days after the day of `start`."""
        return end_of(self.day_after(start.astimezone(self.zone).date(), days), self.zone)


def calendar_of(tenant: Tenant, *, business_days: bool) -> Calendar:
    """The desk's calendar; its closed days are read only where they count."""
    if not business_days:
        return Calendar(tenant.zone)
    return Calendar(tenant.zone, business_days=True, country=tenant.country, closed=closed_days())


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """The midnight after a day, in the zone."""
    return datetime.combine(day + ONE_DAY, time.min, tzinfo=zone)


def last_day_before(end: datetime, zone: ZoneInfo) -> date:
    """The last whole day before an end: its midnight is the end.

    Counted back in UTC: where summer time begins at midnight, the end is one o'clock on the wall.
    """
    return (end.astimezone(UTC) - timedelta(minutes=1)).astimezone(zone).date()


def reminder_before(start: datetime, end: datetime) -> datetime:
    """Two days before the end, or half-way where the whole period is shorter than four days."""
    return max(end - timedelta(days=2), start + (end - start) / 2)


def half_way(start: datetime, end: datetime) -> datetime:
    """The first of two reminders; the second is `reminder_before`, counted from here."""
    return start + (end - start) / 2
