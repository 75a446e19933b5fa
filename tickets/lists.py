"""Pages of a long list: by keyset, so that the thousandth page costs what the first one does; counts that stop.

A line of the portal's lists is a function of the few values it shows, so it is rendered once for the same values.
"""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from django.db import models
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils.formats import number_format
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import get_current_timezone
from django.utils.translation import get_language

from accounts.models import Person
from tickets.models import Ticket
from tickets.querysets import TicketQuerySet
from tickets.workflow import WITH_CUSTOMER, Status

PAGE = 20
COUNT_STOPS = 1000
# About a kilobyte each.
LINES_REMEMBERED = 4096


class Row(NamedTuple):
    """What a line shows of a ticket. Everything shown must be in here: the line is remembered by it."""

    id: int
    reference: str
    subject: str
    status: str
    last_activity_at: datetime
    request_type: str
    requester: str
    # Empty for who represents one organisation only: they know whose it is.
    organisation: str
    # False in the list of what is shared with somebody who decides nothing there.
    asks_reader: bool = True

    @property
    def status_label(self) -> str:
        return str(Status(self.status).label)  # get_status_display makes a table of all labels for each row

    @property
    def waits_for_me(self) -> bool:
        return self.asks_reader and self.status in WITH_CUSTOMER


@dataclass(frozen=True)
class Page:
    rows: list[Row]
    # The cursor of the page after this one; '' at the end.
    after: str


def page(tickets: TicketQuerySet, after: str, *, reader: Person) -> Page:
    """Twenty tickets, newest activity first, after a cursor. An unreadable cursor gives the first page."""
    found = read_cursor(after)
    rows = newest(beyond(tickets, *found) if found else tickets, PAGE + 1, reader=reader)
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    return Page(rows[:PAGE], write_cursor(last.last_activity_at, last.id) if last else "")


def beyond(tickets: TicketQuerySet, moment: datetime, pk: int) -> TicketQuerySet:
    """Those that come after a row in the order of `newest_first`."""
    return tickets.filter(Q(last_activity_at__lt=moment) | Q(last_activity_at=moment, pk__lt=pk)).filter(
        last_activity_at__lte=moment  # the condition that an index can start at
    )


def newest(tickets: TicketQuerySet, number: int, *, reader: Person) -> list[Row]:
    """The first lines of a list: values, because objects of four tables cost more than asking for them, and no join
    whose columns are not shown, because every list pays for its planning."""
    columns = ["pk", "reference", "subject", "status", "last_activity_at", "request_type__name"]
    columns += ["requester__name", "requester__email"]
    columns += ["organisation__name"] if represents_several(reader) else []
    return [
        Row(pk, reference, subject, status, at, str(kind or ""), name or email, next(iter(organisation), "") or "")
        for pk, reference, subject, status, at, kind, name, email, *organisation in (
            tickets.newest_first().values_list(*columns)[:number]
        )
    ]


def represents_several(person: Person) -> bool:
    return not person.is_staff and len(person.represents) > 1


def lines(rows: Iterable[Row]) -> SafeString:
    """The rows as HTML, in the language and time zone of the moment."""
    language, zone = get_language() or "", str(get_current_timezone())
    return mark_safe("".join(_line(row, language, zone) for row in rows))  # noqa: S308


@lru_cache(maxsize=LINES_REMEMBERED)
def _line(row: Row, language: str, zone: str) -> str:
    return render_to_string("_request_row.html", {"item": row})


def write_cursor(moment: datetime, pk: int) -> str:
    return base64.urlsafe_b64encode(f"{moment.isoformat()} {pk}".encode()).decode()


def read_cursor(cursor: str) -> tuple[datetime, int] | None:
    """The row to go on after; None for what is no cursor of ours."""
    try:
        moment, _, pk = base64.urlsafe_b64decode(cursor.encode()).decode().partition(" ")
        at = datetime.fromisoformat(moment)
        utc = at.astimezone(UTC) if at.tzinfo else None
        number = int(pk)
    except (ValueError, OverflowError, binascii.Error):
        return None
    return (utc, number) if utc and 0 < number < 2**63 else None


def count(rows: "models.QuerySet[Ticket]") -> str:
    """How many there are, '1,000+' at most."""
    return _number(rows.order_by()[: COUNT_STOPS + 1].count())


def count_open_and_waiting(tickets: TicketQuerySet) -> tuple[str, str]:
    """Both from one read of the index of open tickets, which holds the status. Beyond 1,000 both say 'or more'."""
    statuses = list(tickets.alive().order_by().values_list("status", flat=True)[: COUNT_STOPS + 1])
    waiting = sum(status in WITH_CUSTOMER for status in statuses)
    return _number(len(statuses)), _number(waiting, more=len(statuses) > COUNT_STOPS)


def _number(number: int, *, more: bool = False) -> str:
    shown = number_format(min(number, COUNT_STOPS), use_l10n=True, force_grouping=True)
    return f"{shown}+" if more or number > COUNT_STOPS else shown
