"""A list of requests as a file for spreadsheets: UTF-8 with its mark, a row each, nothing that a program would run."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from accounts.models import Tenant
from tickets.lists import SORTS, beyond, sorted_by
from tickets.querysets import TicketQuerySet
from tickets.workflow import Status

MOST = 50_000
# So many are read at a time, by keyset, so that the last thousand costs what the first one does.
CHUNK = 1_000
IN_MEMORY = 1024 * 1024
# A cell that begins with one of these is a formula to a spreadsheet.
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
# Where a comma is the sign of decimals a spreadsheet parts cells at ';', inside of ours too.
NEXT_CELL = re.compile(r"(;[\"\s]*)(?=[=+\-@])")


def as_csv(tickets: TicketQuerySet, *, sort: str, few: bool = False, has_books: bool) -> IO[bytes]:
    """The file, ready to be read from its beginning. It is made here, inside the tenant, and not while it is sent."""
    content: IO[bytes] = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  # whoever sends it closes it
    text = io.TextIOWrapper(content, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow(_head(has_books=has_books))
    rows = walk(tickets, sort, few=few)
    writer.writerows([safe(cell) for cell in _cells(row, has_books=has_books)] for row in islice(rows, MOST))
    if next(rows, None) is not None:
        sentence = _("Only the first %(number)s requests are in this file. Narrow the list down to get the others.")
        writer.writerow([sentence % {"number": number_format(MOST, force_grouping=True)}])
    text.detach()
    content.seek(0)
    return content


def walk(tickets: TicketQuerySet, sort: str, *, few: bool) -> Iterator[dict[str, Any]]:
    """All rows of a list in its order, a thousand at a time."""
    order, place = SORTS[sort], None
    while True:
        rest = tickets if place is None else beyond(tickets, *place, order)
        rows = list(sorted_by(rest, order, few=few).values("id", order.column, *COLUMNS)[:CHUNK])
        yield from rows
        if len(rows) < CHUNK:
            return
        place = rows[-1][order.column], rows[-1]["id"]


COLUMNS = (
    "reference",
    "subject",
    "request_type__name",
    "status",
    "organisation__name",
    "requester__name",
    "requester__email",
    "recorded_by__name",
    "created_at",
    "last_activity_at",
    "due_date",
    "closed_at",
    "order_number",
    "cost_centre",
)


def _head(*, has_books: bool) -> list[str]:
    return [
        _("Request"),
        _("Summary"),
        _("Topic"),
        _("Status"),
        _("Organisation"),
        _("Requested by"),
        _("Filed by"),
        _("Asked"),
        _("Last activity"),
        _("Needed by"),
        _("Ended"),
        *([_("Your order number"), _("Cost centre")] if has_books else []),
    ]


def _cells(row: dict[str, Any], *, has_books: bool) -> list[str]:
    return [
        row["reference"],
        row["subject"],
        str(row["request_type__name"] or ""),
        str(Status(row["status"]).label),
        row["organisation__name"] or "",
        row["requester__name"] or row["requester__email"],
        row["recorded_by__name"] or "",
        _moment(row["created_at"]),
        _moment(row["last_activity_at"]),
        row["due_date"].isoformat() if row["due_date"] else "",
        _moment(row["closed_at"]),
        *([row["order_number"], row["cost_centre"]] if has_books else []),
    ]


def _moment(at: datetime | None) -> str:
    """In the desk's own time, as spreadsheets read it in every language."""
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M") if at else ""


def safe(cell: str) -> str:
    """Text that stays text: an apostrophe before what a spreadsheet would take for a formula."""
    cell = NEXT_CELL.sub(r"\1'", cell)
    return f"'{cell}" if cell.startswith(DANGEROUS) else cell


def file_name(tenant: Tenant) -> str:
    return f"{_('requests')}-{tenant.today.isoformat()}.csv"
