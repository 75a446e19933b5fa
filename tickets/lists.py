"""Pages of a long list: by keyset, so that the thousandth page costs what the first one does; counts that stop.

A line of the portal's lists is a function of the few values it shows, so it is rendered once for the same values.
"""

import base64
import binascii
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce
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
    # Who filed it for the requester; empty where it was the requester.
    filed_by: str = ""
    filed_by_reader: bool = False
    # Whether it is the reader of whom something is asked when the customer is: it is theirs, or theirs to decide.
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


@dataclass(frozen=True)
class Sort:
    """An order of a list. Ties are broken by the number, in the same direction."""

    column: str
    is_descending: bool
    # The column's value as a text of a cursor, and back.
    write: Callable[[Any], str]
    read: Callable[[str], Any]


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a moment without its zone")
    return at.astimezone(UTC)


def _number_of_row(text: str) -> int:
    number = int(text)
    if not 0 < number < 2**63:
        raise ValueError("no number of a row")
    return number


SORTS = {
    "activity": Sort("last_activity_at", True, datetime.isoformat, _moment),
    "newest": Sort("id", True, str, _number_of_row),
    "oldest": Sort("id", False, str, _number_of_row),
    "order": Sort("queue_at", False, datetime.isoformat, _moment),
}


def page(tickets: TicketQuerySet, after: str, *, reader: Person, sort: str = "activity", few: bool = False) -> Page:
    """Twenty tickets after a cursor. An unreadable cursor gives the first page, and so does one of another order.

    `few`: the tickets are so few that they are sorted, rather than found by an index that has the order of many others.
    """
    order = SORTS[sort]
    found = read_cursor(after, order)
    tickets = sorted_by(tickets if found is None else beyond(tickets, *found, order), order, few=few)
    rows = _rows(tickets, PAGE + 1, reader, order)
    last, place = rows[PAGE - 1] if len(rows) > PAGE else (None, None)
    return Page([row for row, _ in rows[:PAGE]], write_cursor(place, last.id, order) if last else "")


ACTIVITY = SORTS["activity"]


def sorted_by(tickets: TicketQuerySet, order: Sort, *, few: bool = False) -> TicketQuerySet:
    # As an expression no index has the column's order; the planner then finds the few and sorts them.
    columns = [Coalesce(name, name) if few else F(name) for name in dict.fromkeys([order.column, "id"])]
    return tickets.order_by(*[column.desc() if order.is_descending else column.asc() for column in columns])


def beyond(tickets: TicketQuerySet, place: Any, pk: int, order: Sort = ACTIVITY) -> TicketQuerySet:
    """Those that come after a row in an order."""
    than, or_at = ("lt", "lte") if order.is_descending else ("gt", "gte")
    if order.column == "id":
        return tickets.filter(**{f"id__{than}": pk})
    return tickets.filter(
        Q(**{f"{order.column}__{than}": place}) | Q(**{order.column: place, f"pk__{than}": pk})
    ).filter(**{f"{order.column}__{or_at}": place})  # the condition that an index can start at


def newest(tickets: TicketQuerySet, number: int, *, reader: Person) -> list[Row]:
    """The first lines of a list, the newest activity first."""
    return [row for row, _ in _rows(tickets.newest_first(), number, reader, ACTIVITY)]


def _rows(tickets: TicketQuerySet, number: int, reader: Person, order: Sort) -> list[tuple[Row, Any]]:
    """The lines, each with its place in the order: values, because objects of four tables cost more than asking for
    them, and no join whose columns are not shown, because every list pays for its planning."""
    columns = ["pk", "reference", "subject", "status", "last_activity_at", "request_type__name"]
    columns += [
        "requester__name",
        "requester__email",
        "requester_id",
        "recorded_by_id",
        "organisation_id",
        order.column,
    ]
    columns += ["organisation__name"] if represents_several(reader) else []
    values = list(tickets.values_list(*columns)[:number])
    # Few are filed by somebody else; their names cost a query only where there are any.
    names = names_of({row[9] for row in values if row[9] not in (None, row[8])})
    deciding = {row.organisation_id for row in reader.represents if row.may_approve}
    return [
        (
            Row(
                id=pk,
                reference=reference,
                subject=subject,
                status=status,
                last_activity_at=at,
                request_type=str(kind or ""),
                requester=name or email,
                organisation=next(iter(rest), "") or "",
                filed_by=names.get(by, "") if by != requester else "",
                filed_by_reader=by == reader.pk and by != requester,
                asks_reader=requester == reader.pk or (status == Status.ESTIMATED and whose in deciding),
            ),
            place,
        )
        for pk, reference, subject, status, at, kind, name, email, requester, by, whose, place, *rest in values
    ]


def names_of(ids: set[int]) -> dict[int, str]:
    return {row.pk: str(row) for row in Person.objects.filter(pk__in=ids)} if ids else {}


def represents_several(person: Person) -> bool:
    return not person.is_staff and len(person.represents) > 1


def lines(rows: Iterable[Row]) -> SafeString:
    """The rows as HTML, in the language and time zone of the moment."""
    language, zone = get_language() or "", str(get_current_timezone())
    return mark_safe("".join(_line(row, language, zone) for row in rows))  # noqa: S308


@lru_cache(maxsize=LINES_REMEMBERED)
def _line(row: Row, language: str, zone: str) -> str:
    return render_to_string("_request_row.html", {"item": row})


def write_cursor(place: Any, pk: int, order: Sort = ACTIVITY) -> str:
    return base64.urlsafe_b64encode(f"{order.write(place)} {pk}".encode()).decode()


def read_cursor(cursor: str, order: Sort = ACTIVITY) -> tuple[Any, int] | None:
    """The row to go on after; None for what is no cursor of ours."""
    try:
        place, _, pk = base64.urlsafe_b64decode(cursor.encode()).decode().partition(" ")
        return order.read(place), _number_of_row(pk)
    except (ValueError, OverflowError, binascii.Error):
        return None


def places_in_order(tickets: Iterable[Ticket]) -> dict[int, int]:
    """Which one each is in the order that its organisation has set; a query only where one of them has an order."""
    organisations = {ticket.organisation_id for ticket in tickets if ticket.handling_rank is not None}
    if not organisations:
        return {}
    ranked = Ticket.objects.filter(organisation_id__in=organisations, handling_rank__isnull=False)
    rows = ranked.order_by("organisation_id", "handling_rank").values_list("organisation_id", "pk")
    groups = groupby(rows, key=lambda row: row[0])
    return {pk: place for _, group in groups for place, (_, pk) in enumerate(group, 1)}


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
