"""Everything that a request's page shows of one ticket but for its own columns, read in one statement.

Asking for comments, events, files, guests, readers and the names of all of them one by one costs most of a page's time
before the first letter is shown. What few tickets have (versions of an estimate, proofs) is only noticed here, and read
by whoever shows it.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from django.db import connection, models

from accounts.models import Event, Person
from accounts.models.people import initials_of
from accounts.tenancy import current_tenant_id
from accounts.texts import Texts
from tickets.models import Ticket

# So many of those who can read a ticket are named; the others are counted.
READERS_NAMED = 50

# What a page never shows to anybody, so that a note among colleagues changes nothing for who must not know of it.
UNSEEN = (
    "last_activity_at",
    "unread_since",
    "clock_at",
    "priority",
    "expected_minutes",
    "reminders_sent",
    "billed_minutes",
    "billed_fixed",
    "is_held",
    "submission",
)

# The policies bind it as they bind every statement; `here` is found by a query that began at `visible_to`.
STATEMENT = """
WITH here AS MATERIALIZED (
  SELECT * FROM tickets_ticket WHERE tenant_id = %(tenant)s AND id IN ({tickets})
), trail AS MATERIALIZED (
  SELECT 'ticket' AS part, here.id, here.created_at AS at, here.requester_id AS person_id,
         here.assignee_id AS other_id, NULL AS words, NULL AS more, to_jsonb(here) - %(unseen)s::text[] AS data
  FROM here
  UNION ALL
  SELECT 'type', type.id, NULL, NULL, NULL, NULL, NULL, type.name
  FROM here JOIN tickets_requesttype AS type ON type.tenant_id = %(tenant)s AND type.id = here.request_type_id
  UNION ALL
  SELECT 'recorder', here.id, NULL, here.recorded_by_id, NULL, NULL, NULL, NULL FROM here
  UNION ALL
  SELECT 'comment', row.id, row.created_at, row.author_id, NULL, row.text, row.quoted,
         jsonb_build_array(row.is_internal, row.is_verified, row.channel)
  FROM here JOIN tickets_comment AS row ON row.tenant_id = %(tenant)s AND row.ticket_id = here.id
  WHERE %(is_staff)s OR NOT row.is_internal
  UNION ALL
  SELECT 'event', row.id, row.at, row.by_id,
         CASE WHEN coalesce(row.data ->> 'to', row.data ->> 'person') ~ '^[0-9]{{1,18}}$'
              THEN coalesce(row.data ->> 'to', row.data ->> 'person')::bigint END,
         row.kind, NULL, row.data
  FROM here JOIN accounts_event AS row
       ON row.tenant_id = %(tenant)s AND row.subject_label = %(label)s AND row.subject_id = here.id
  WHERE row.kind = ANY (%(kinds)s)
  UNION ALL
  SELECT 'file', file.id, NULL, NULL, row.comment_id, file.name, NULL, to_jsonb(file.size)
  FROM here JOIN tickets_attachment AS row ON row.tenant_id = %(tenant)s AND row.ticket_id = here.id
       JOIN accounts_storedfile AS file ON file.tenant_id = %(tenant)s AND file.id = row.file_id
       LEFT JOIN tickets_comment AS comment ON comment.tenant_id = %(tenant)s AND comment.id = row.comment_id
  WHERE %(is_staff)s OR comment.is_internal IS NOT TRUE
  UNION ALL
  SELECT 'guest', row.id, NULL, row.person_id, NULL, NULL, NULL, NULL
  FROM here JOIN tickets_participant AS row ON row.tenant_id = %(tenant)s AND row.ticket_id = here.id
  UNION ALL
  SELECT 'attention', row.id, NULL, NULL, NULL, row.choice, NULL, NULL
  FROM here JOIN tickets_attention AS row
       ON row.tenant_id = %(tenant)s AND row.ticket_id = here.id AND row.person_id = %(reader)s
  UNION ALL
  SELECT 'estimate', row.id, row.decided_at, NULL, NULL, row.state, NULL, NULL
  FROM here JOIN tickets_estimate AS row ON row.tenant_id = %(tenant)s AND row.ticket_id = here.id
  UNION ALL
  SELECT 'proof', row.id, NULL, NULL, NULL, NULL, NULL, NULL
  FROM here JOIN tickets_approval AS row ON row.tenant_id = %(tenant)s AND row.ticket_id = here.id
  UNION ALL (
    SELECT 'reader', row.id, NULL, row.person_id, count(*) OVER (), NULL, NULL, NULL
    FROM here JOIN accounts_representation AS row
         ON row.tenant_id = %(tenant)s AND row.organisation_id = here.organisation_id
         JOIN accounts_person AS person ON person.tenant_id = %(tenant)s AND person.id = row.person_id
    WHERE person.is_active
    ORDER BY person.name, person.id LIMIT %(readers)s
  )
  UNION ALL
  SELECT 'time', row.id, NULL, NULL, row.minutes, row.description, NULL, to_jsonb(row.worked_on)
  FROM here JOIN accounts_contract AS contract
            ON contract.tenant_id = %(tenant)s AND contract.id = here.contract_id AND contract.shows_time
       JOIN tickets_timeentry AS row ON row.tenant_id = %(tenant)s AND row.ticket_id IN (
            SELECT here.id UNION ALL
            SELECT merged.id FROM tickets_ticket AS merged
            WHERE merged.tenant_id = %(tenant)s AND merged.merged_into_id = here.id)
       LEFT JOIN tickets_timeentry AS correction
            ON correction.tenant_id = %(tenant)s AND correction.corrects_id = row.id
  WHERE row.is_billable AND row.minutes > 0 AND correction.id IS NULL
)
SELECT * FROM trail
UNION ALL
SELECT 'person', person.id, NULL, NULL, NULL, coalesce(nullif(person.name, ''), person.email), NULL,
       jsonb_build_array(person.is_agent OR person.is_accountant OR person.is_manager, person.is_active)
FROM accounts_person AS person
WHERE person.tenant_id = %(tenant)s AND person.id IN (
  SELECT person_id FROM trail UNION ALL SELECT other_id FROM trail WHERE part IN ('ticket', 'event')
)
"""


class Human(NamedTuple):
    """Somebody by name, as a page shows them."""

    id: int
    name: str
    is_staff: bool
    is_active: bool

    def __str__(self) -> str:
        return self.name

    @property
    def initials(self) -> str:
        return initials_of(self.name)


class File(NamedTuple):
    id: int
    name: str
    # In bytes.
    size: int


class Said(NamedTuple):
    """A comment."""

    id: int
    at: datetime
    author: Human
    text: str
    quoted: str
    is_internal: bool
    is_verified: bool
    channel: str
    files: tuple[File, ...]


class Happened(NamedTuple):
    """An event. `data` is its JSON; `person` is whom it names besides who did it."""

    id: int
    at: datetime
    by: Human | None
    kind: str
    data: str
    person: str


class Worked(NamedTuple):
    """A billable entry of time, without the name of who worked."""

    on: date
    text: str
    minutes: int


@dataclass
class Trail:
    """What hangs on one ticket, as one reader may see it."""

    version: str
    requester: Human
    assignee: Human | None
    recorder: Human | None
    request_type: str = ""
    comments: list[Said] = field(default_factory=list)
    events: list[Happened] = field(default_factory=list)
    # The ticket's own files.
    files: tuple[File, ...] = ()
    guests: list[Human] = field(default_factory=list)
    # Active representatives of the ticket's organisation, the first by name, and how many there are altogether.
    representatives: list[Human] = field(default_factory=list)
    representatives_number: int = 0
    # The reader's own choice: Attention.Choice, or empty.
    attention: str = ""
    has_estimates: bool = False
    has_proofs: bool = False
    # Billable time, where the contract shows it.
    time: list[Worked] = field(default_factory=list)


Row = tuple[Any, ...]


def read_trail(ticket: Ticket, reader: Person, *, kinds: Iterable[str]) -> Trail:
    """Of a ticket that the reader was let in to. `kinds` are the events that they are told."""
    rows = _rows("%(ticket)s", {"ticket": ticket.pk}, reader, kinds)
    return _trail(rows, _version(rows, reader, ticket.tenant.today))


def read_version(
    tickets: "models.QuerySet[Ticket]", reader: Person, *, kinds: Iterable[str], today: date
) -> str:
    """The version of the one ticket among those that the reader may see; '' when there is none. One query."""
    statement, values = tickets.order_by().values("pk").query.sql_with_params()
    named = {f"value_{number}": value for number, value in enumerate(values)}
    rows = _rows(statement % tuple(f"%({name})s" for name in named), named, reader, kinds)
    return _version(rows, reader, today) if rows else ""


def _rows(tickets: str, values: dict[str, Any], reader: Person, kinds: Iterable[str]) -> list[Row]:
    values |= {
        "tenant": current_tenant_id(),
        "reader": reader.pk,
        "is_staff": reader.is_staff,
        "label": Ticket._meta.label_lower,
        "kinds": list(kinds),
        "unseen": list(UNSEEN),
        "readers": READERS_NAMED,
    }
    with connection.cursor() as cursor:
        cursor.execute(STATEMENT.format(tickets=tickets), values)
        rows: list[Row] = cursor.fetchall()
    return rows


def _version(rows: list[Row], reader: Person, today: date) -> str:
    """Opaque, and another one whenever something is shown that was not, or not like this: it is made of all that was
    read, of the day, by which offers end, and of the reader's own rights, by which they are made."""
    rights = [
        (row.organisation_id, row.may_ask, row.may_approve, row.approval_limit, row.may_see_invoices)
        for row in reader.represents
    ]
    told = repr((sorted(rows, key=lambda row: (row[0], row[1])), today, rights))
    return hashlib.sha256(told.encode()).hexdigest()[:20]


def _trail(rows: list[Row], version: str) -> Trail:
    parts: dict[str, list[Row]] = {}
    for row in rows:
        parts.setdefault(row[0], []).append(row)
    people = {row[1]: Human(row[1], row[5], *json.loads(row[7])) for row in parts["person"]}
    files: dict[int | None, list[File]] = {}
    for _, pk, _, _, comment, name, _, size in sorted(parts.get("file", ()), key=lambda row: row[1]):
        files.setdefault(comment, []).append(File(pk, name, int(size)))
    _, _, _, requester, assignee, *_ = parts["ticket"][0]
    return Trail(
        version,
        people[requester],
        people.get(assignee),
        people.get(parts["recorder"][0][3]),
        str(Texts(json.loads(parts["type"][0][7]))) if "type" in parts else "",
        [
            Said(pk, at, people[author], text, quoted, *json.loads(data), tuple(files.get(pk, ())))
            for _, pk, at, author, _, text, quoted, data in _by_id(parts, "comment")
        ],
        [
            Happened(pk, at, people.get(by), kind, data, str(people.get(person, "")))
            for _, pk, at, by, person, kind, _, data in _by_id(parts, "event")
        ],
        tuple(files.get(None, ())),
        [people[row[3]] for row in _by_id(parts, "guest")],
        [people[row[3]] for row in parts.get("reader", ())],
        parts["reader"][0][4] if "reader" in parts else 0,
        parts["attention"][0][5] if "attention" in parts else "",
        "estimate" in parts,
        "proof" in parts,
        [
            Worked(date.fromisoformat(json.loads(data)), text, minutes)
            for _, _, _, _, minutes, text, _, data in _by_id(parts, "time")
        ],
    )


def _by_id(parts: dict[str, list[Row]], name: str) -> list[Row]:
    return sorted(parts.get(name, ()), key=lambda row: row[1])
