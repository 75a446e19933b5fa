"""Pages of a long list: by keyset, so that the thousandth page costs what the first one does; counts that stop."""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import models
from django.db.models import Q
from django.utils.formats import number_format

from tickets.models import Ticket
from tickets.querysets import TicketQuerySet

PAGE = 20
COUNT_STOPS = 1000


@dataclass(frozen=True)
class Page:
    rows: list[Ticket]
    # The cursor of the page after this one; '' at the end.
    after: str


def page(tickets: TicketQuerySet, after: str) -> Page:
    """Twenty tickets, newest activity first, after a cursor. An unreadable cursor gives the first page."""
    found = _read(after)
    if found:
        moment, pk = found
        tickets = tickets.filter(Q(last_activity_at__lt=moment) | Q(last_activity_at=moment, pk__lt=pk)).filter(
            last_activity_at__lte=moment  # the condition that an index can start at
        )
    rows = list(tickets.newest_first()[: PAGE + 1])
    return Page(rows[:PAGE], _write(rows[PAGE - 1]) if len(rows) > PAGE else "")


def _write(ticket: Ticket) -> str:
    return base64.urlsafe_b64encode(f"{ticket.last_activity_at.isoformat()} {ticket.pk}".encode()).decode()


def _read(cursor: str) -> tuple[datetime, int] | None:
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
    number = rows.order_by()[: COUNT_STOPS + 1].count()
    shown = number_format(min(number, COUNT_STOPS), use_l10n=True, force_grouping=True)
    return f"{shown}+" if number > COUNT_STOPS else shown
