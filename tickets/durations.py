"""Time as people type it: '1h20 analysis', '90', '1:30', '2 h 15 min', '1,5h'."""

import re
from decimal import ROUND_HALF_UP, Decimal

from django.utils.translation import gettext as _

# What one thing may be expected to take: 1,000 hours.
MOST_MINUTES = 60_000

# An amount may be followed by words, so what reads like one has to end there: '2 hosts moved' is no '2 h', and of
# '1.5 analysis' nobody knows whether it means hours.
_END = r"(?!\w|[.,:]\d)"
# As the five languages say them, in full and in short.
_HOURS = r"(?:h|hrs?|hours?|std?|stund(?:as?|u|ām)|hod(?:in[ay]?)?|godz(?:in[aęy]?)?|ч|час(?:а|ов)?)\.?"
_MINUTES = r"(?:m|mins?|minutes?|minut[aęuy]?|minū(?:tes?|šu)|мин(?:ут[аыу]?)?)\.?"
_FORMS = (
    re.compile(rf"(?P<hours>\d{{1,4}})\s*:\s*(?P<minutes>[0-5]\d){_END}"),
    re.compile(rf"(?P<hours>\d{{1,3}})\s*{_HOURS}\s*(?P<minutes>[0-5]?\d)\s*(?:{_MINUTES})?{_END}", re.I),
    re.compile(rf"(?P<part>\d{{1,3}}[.,]\d{{1,2}})\s*{_HOURS}{_END}", re.I),
    re.compile(rf"(?P<hours>\d{{1,3}})\s*{_HOURS}{_END}", re.I),
    re.compile(rf"(?P<minutes>\d{{1,5}})\s*(?:{_MINUTES})?{_END}", re.I),
)


def split_duration(text: str) -> tuple[int, str] | None:
    """(minutes, the words behind them) of '1h20 analysis'; None when the text does not begin with a duration."""
    text = text.strip()
    for form in _FORMS:
        match = form.match(text)
        if match:
            return _minutes(match.groupdict()), text[match.end() :].strip(" ,;:-–")
    return None


def _minutes(found: dict[str, str | None]) -> int:
    if part := found.get("part"):
        return int((Decimal(part.replace(",", ".")) * 60).to_integral_value(ROUND_HALF_UP))
    return int(found.get("hours") or 0) * 60 + int(found.get("minutes") or 0)


def as_clock(minutes: int) -> str:
    """'1:20', as it is typed."""
    return f"{minutes // 60}:{minutes % 60:02d}"


def as_duration(minutes: int) -> str:
    """'1 h 20 min', in words for people."""
    hours, rest = divmod(minutes, 60)
    if not hours:
        return _("%(minutes)d min") % {"minutes": rest}
    if not rest:
        return _("%(hours)d h") % {"hours": hours}
    return _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": rest}
