"""When a letter may go out: at once, with what else happens within two minutes, in a summary, after quiet hours."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

from accounts.models import MailChoice, Person
from notifications.models import Going

MORNING = time(8, 0)


@dataclass(frozen=True)
class Departure:
    going: Going
    at: datetime


def departure(person: Person, *, zone: ZoneInfo, now: datetime, at_once: bool, needs_reader: bool) -> Departure | None:
    """How and when news reaches its reader by e-mail; None when they wish to see it inside the product only.

    `at_once` is for receipts and for access, which somebody waits for: nothing holds them back. `zone` is where the
    reader is.
    """
    if at_once:
        return Departure(Going.ALONE, now)
    if needs_reader or person.mail_choice == MailChoice.EACH:
        moment = now + timedelta(seconds=settings.MAIL_BUNDLE_SECONDS)
        return Departure(Going.TOGETHER, after_quiet_hours(person, moment, zone))
    if person.mail_choice == MailChoice.NEEDS_ME:
        return None
    moment = _next_hour(now, zone) if person.mail_choice == MailChoice.HOURLY else _next_morning(now, zone)
    return Departure(Going.DIGEST, after_quiet_hours(person, moment, zone))


def after_quiet_hours(person: Person, moment: datetime, zone: ZoneInfo) -> datetime:
    """The moment itself, or the end of the quiet hours that it falls into."""
    begins, ends = person.quiet_from, person.quiet_until
    if begins is None or ends is None or begins == ends:
        return moment
    local = moment.astimezone(zone)
    clock = local.time().replace(tzinfo=None)
    is_overnight = begins > ends
    is_quiet = (clock >= begins or clock < ends) if is_overnight else begins <= clock < ends
    if not is_quiet:
        return moment
    day = local.date() + timedelta(days=1 if is_overnight and clock >= begins else 0)
    return datetime.combine(day, ends, zone)


def zone_of(person: Person, desk: ZoneInfo) -> ZoneInfo:
    return ZoneInfo(person.time_zone) if person.time_zone else desk


def _next_hour(now: datetime, zone: ZoneInfo) -> datetime:
    """By the reader's clock: not everywhere does it show a full hour when it is one in London."""
    minute = now.astimezone(zone).minute
    return now + timedelta(hours=1) - timedelta(minutes=minute, seconds=now.second, microseconds=now.microsecond)


def _next_morning(now: datetime, zone: ZoneInfo) -> datetime:
    local = now.astimezone(zone)
    day = local.date() + timedelta(days=0 if local.time().replace(tzinfo=None) < MORNING else 1)
    return datetime.combine(day, MORNING, zone)
