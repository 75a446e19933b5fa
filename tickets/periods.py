"""When periods end. A day ends at midnight where the tenant is, whatever the server's clock is set to."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo


def end_of_day_after(start: datetime, *, days: int, zone: ZoneInfo) -> datetime:
    """The midnight that ends the last of `days` calendar days after the day of `start`, in the zone."""
    last_day = start.astimezone(zone).date() + timedelta(days=days)
    return datetime.combine(last_day + timedelta(days=1), time.min, tzinfo=zone)


def reminder_before(start: datetime, end: datetime) -> datetime:
    """Two days before the end, or half-way where the whole period is shorter than four days."""
    return max(end - timedelta(days=2), start + (end - start) / 2)
