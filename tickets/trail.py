"""Everything that a request's page shows of one ticket but for its own columns, read in one statement.

Asking for comments, events, files, guests, readers and the names of all of them one by one costs most of a page's time
before the first letter is shown. What few tickets have (versions of an estimate, proofs) is only noticed here, and read
by whoever shows it.
"""

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from django.db import connection, models

from accounts.models import Person
from accounts.models.people import initials_of
from accounts.tenancy import current_tenant_id
from accounts.texts import Texts
from tickets.models import Ticket

# So many representatives of an organisation are read for a page; beyond it says 'or more'.
READERS_READ = 200

# By these events time is known to have been worked, where the contract shows it.
TIME_EVENTS = ("ticket.time_recorded", "ticket.time_corrected")

# How the customer runs their house: not for who was invited to one request.
NOT_FOR_GUESTS = ("ticket.ordered",)

# What a page never shows to anybody, so that a note among colleagues changes nothing for who must not know of it.
UNSEEN = (
    "last_activity_at",
    "unread_since",
    "clock_at",
    "queue_at",
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
  SELECT 'ticket' AS part, here.id, NULL::timestamptz AS at, here.requester_id AS person_id,
         here.assignee_id AS other_id, NULL AS words, NULL AS more, to_jsonb(here) - '{{{unseen}}}'::text[] AS data
  FROM here
  UNION ALL
  SELECT 'type', type.id, NULL, NULL, NULL, NULL, NULL, type.name
  FROM tickets_requesttype AS type
  WHERE type.tenant_id = %(tenant)s AND type.id = (SELECT request_type_id FROM here)
  UNION ALL
  SELECT 'comment', row.id, row.created_at, row.author_id, NULL, row.text, row.quoted,
         jsonb_build_array(row.is_internal, row.is_verified, row.channel)
  FROM tickets_comment AS row
  WHERE row.tenant_id = %(tenant)s AND row.ticket_id = (SELECT id FROM here)
        AND (%(is_staff)s OR NOT row.is_internal)
  UNION ALL
  SELECT 'event', row.id, row.at, row.by_id,
         CASE WHEN coalesce(row.data ->> 'to', row.data ->> 'person') ~ '^[0-9]{{1,18}}$'
              THEN coalesce(row.data ->> 'to', row.data ->> 'person')::bigint END,
         row.kind, NULL, row.data
  FROM accounts_event AS row
  WHERE row.tenant_id = %(tenant)s AND row.subject_label = %(label)s AND row.subject_id = (SELECT id FROM here)
  UNION ALL
  SELECT 'answer', row.id, NULL, NULL, NULL, row.kind, NULL, jsonb_build_array(row.position, row.label, row.value)
  FROM tickets_answer AS row
  WHERE row.tenant_id = %(tenant)s AND row.ticket_id = (SELECT id FROM here)
  UNION ALL
  SELECT 'file', file.id, NULL, NULL, row.comment_id, file.name, file.thumbnail_key, to_jsonb(file.size)
  FROM tickets_attachment AS row
       JOIN accounts_storedfile AS file ON file.tenant_id = %(tenant)s AND file.id = row.file_id
  WHERE row.tenant_id = %(tenant)s AND row.ticket_id = (SELECT id FROM here)
  UNION ALL
  SELECT 'guest', row.id, NULL, row.person_id, NULL, NULL, NULL, NULL
  FROM tickets_participant AS row
  WHERE row.tenant_id = %(tenant)s AND row.ticket_id = (SELECT id FROM here)
  UNION ALL
  SELECT 'attention', row.id, NULL, NULL, NULL, row.choice, NULL, NULL
  FROM tickets_attention AS row
  WHERE row.tenant_id = %(tenant)s AND row.ticket_id = (SELECT id FROM here) AND row.person_id = %(reader)s
  UNION ALL
  SELECT 'estimate', row.id, row.decided_at, NULL, NULL, row.state, NULL, NULL
  FROM tickets_estimate AS row
  WHERE row.tenant_id = %(tenant)s AND row.ticket_id = (SELECT id FROM here)
  UNION ALL
  SELECT 'proof', row.id, NULL, NULL, NULL, NULL, NULL, NULL
  FROM tickets_approval AS row
  WHERE row.tenant_id = %(tenant)s AND row.ticket_id = (SELECT id FROM here)
  UNION ALL
  SELECT 'contract', row.id, NULL, NULL, NULL, NULL, NULL, to_jsonb(row.shows_time)
  FROM accounts_contract AS row
  WHERE row.tenant_id = %(tenant)s AND row.id = (SELECT contract_id FROM here)
  UNION ALL (
    SELECT 'reader', row.id, NULL, row.person_id, NULL, NULL, NULL, NULL
    FROM accounts_representation AS row
    WHERE row.tenant_id = %(tenant)s AND row.organisation_id = (SELECT organisation_id FROM here)
    ORDER BY row.id LIMIT %(readers)s
  )
)
SELECT * FROM trail
UNION ALL
SELECT 'person', person.id, NULL, NULL, NULL, coalesce(nullif(person.name, ''), person.email), NULL,
       jsonb_build_array(person.is_agent OR person.is_accountant OR person.is_manager, person.is_active)
FROM accounts_person AS person
WHERE person.tenant_id = %(tenant)s AND person.id IN (
  SELECT person_id FROM trail UNION ALL SELECT other_id FROM trail WHERE part IN ('ticket', 'event')
  UNION ALL SELECT recorded_by_id FROM here
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
    thumbnail_key: str


class Answered(NamedTuple):
    """What a field of the type's form was answered, as tickets.models.Answer keeps it."""

    kind: str
    label: str
    value: Any


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
    answers: list[Answered] = field(default_factory=list)
    guests: list[Human] = field(default_factory=list)
    # Active representatives of the ticket's organisation, by name; at most READERS_READ.
    representatives: list[Human] = field(default_factory=list)
    # The reader's own choice: Attention.Choice, or empty.
    attention: str = ""
    has_estimates: bool = False
    has_proofs: bool = False
    # Whether the contract shows time; what was merged into the ticket may have some of which it has no event.
    shows_time: bool = False


Row = tuple[Any, ...]


def read_trail(ticket: Ticket, reader: Person, *, kinds: Collection[str]) -> Trail:
    """Of a ticket that the reader was let in to. `kinds` are the events that they are told."""
    rows = _rows("%(ticket)s", {"ticket": ticket.pk}, reader, kinds)
    return _trail(rows, _version(rows, reader, ticket.tenant.today), kinds)


def read_version(tickets: "models.QuerySet[Ticket]", reader: Person, *, kinds: Collection[str], today: date) -> str:
    """The version of the one ticket among those that the reader may see; '' when there is none. One query."""
    statement, values = tickets.order_by().values("pk").query.sql_with_params()
    named = {f"value_{number}": value for number, value in enumerate(values)}
    rows = _rows(statement % tuple(f"%({name})s" for name in named), named, reader, kinds)
    return _version(rows, reader, today) if rows else ""


def _rows(tickets: str, values: dict[str, Any], reader: Person, kinds: Collection[str]) -> list[Row]:
    values |= {
        "tenant": current_tenant_id(),
        "reader": reader.pk,
        "is_staff": reader.is_staff,
        "label": Ticket._meta.label_lower,
        "readers": READERS_READ,
    }
    with connection.cursor() as cursor:
        cursor.execute(STATEMENT.format(tickets=tickets, unseen=",".join(UNSEEN)), values)
        rows: list[Row] = cursor.fetchall()
    # A file of a note is seen by whom the note is seen; events are told by their kind, time where a contract says so.
    comments = {row[1] for row in rows if row[0] == "comment"} | {None}
    ticket = {"requester_id": 0, "organisation_id": 0, "recorded_by_id": 0}
    for row in rows:
        if row[0] == "ticket":
            ticket = json.loads(row[7])
    is_guest = _is_guest(ticket, reader)
    shows_time = not is_guest and any(row[0] == "contract" and row[7] == "true" for row in rows)
    told = {*kinds, *(TIME_EVENTS if shows_time else ())} - {*(NOT_FOR_GUESTS if is_guest else ())}
    seen = {"file": (4, comments), "event": (5, told)}
    kept = [row for row in rows if row[0] not in seen or row[seen[row[0]][0]] in seen[row[0]][1]]
    # Whom only something untold names must not change the version.
    named = {pk for row in kept for pk in (row[3], row[4] if row[0] in ("ticket", "event") else None)}
    named.add(ticket["recorded_by_id"])
    return [row for row in kept if row[0] != "person" or row[1] in named]


def _is_guest(ticket: dict[str, Any], reader: Person) -> bool:
    is_theirs = ticket["requester_id"] == reader.pk or ticket["organisation_id"] in reader.organisation_ids
    return not reader.is_staff and not is_theirs


def _version(rows: list[Row], reader: Person, today: date) -> str:
    """Opaque, and another one whenever something is shown that was not, or not like this: it is made of all that was
    read, of the day, by which offers end, and of the reader's own rights, by which they are made."""
    rights = [
        (row.organisation_id, row.may_ask, row.may_approve, row.approval_limit, row.may_see_invoices)
        for row in reader.represents
    ]
    told = repr((sorted(rows, key=lambda row: (row[0], row[1])), today, rights))
    return hashlib.sha256(told.encode()).hexdigest()[:20]


def _trail(rows: list[Row], version: str, kinds: Collection[str]) -> Trail:
    parts: dict[str, list[Row]] = {}
    for row in rows:
        parts.setdefault(row[0], []).append(row)
    people = {row[1]: Human(row[1], row[5], *json.loads(row[7])) for row in parts["person"]}
    files: dict[int | None, list[File]] = {}
    for _, pk, _, _, comment, name, thumbnail_key, size in _by_id(parts, "file"):
        files.setdefault(comment, []).append(File(pk, name, int(size), thumbnail_key))
    ticket = parts["ticket"][0]
    events = [
        Happened(pk, at, people.get(by), kind, data, str(people.get(person, "")))
        for _, pk, at, by, person, kind, _, data in _by_id(parts, "event")
    ]
    return Trail(
        version=version,
        requester=people[ticket[3]],
        assignee=people.get(ticket[4]),
        recorder=people.get(json.loads(ticket[7])["recorded_by_id"]),
        request_type=str(Texts(json.loads(parts["type"][0][7]))) if "type" in parts else "",
        comments=[_said(row, people, files) for row in _by_id(parts, "comment")],
        events=[event for event in events if event.kind in kinds],
        files=tuple(files.get(None, ())),
        answers=[_answered(row) for row in _by_id(parts, "answer")],
        guests=[people[row[3]] for row in _by_id(parts, "guest")],
        representatives=sorted(
            (people[row[3]] for row in parts.get("reader", ()) if people[row[3]].is_active),
            key=lambda person: (person.name, person.id),
        ),
        attention=parts["attention"][0][5] if "attention" in parts else "",
        has_estimates="estimate" in parts,
        has_proofs="proof" in parts,
        shows_time=any(row[7] == "true" for row in parts.get("contract", ())),
    )


def _answered(row: Row) -> Answered:
    _position, label, value = json.loads(row[7])
    return Answered(row[5], str(Texts(label)), value)


def _said(row: Row, people: dict[int, Human], files: dict[int | None, list[File]]) -> Said:
    _, pk, at, author, _, text, quoted, data = row
    is_internal, is_verified, channel = json.loads(data)
    return Said(pk, at, people[author], text, quoted, is_internal, is_verified, channel, tuple(files.get(pk, ())))


def _by_id(parts: dict[str, list[Row]], name: str) -> list[Row]:
    return sorted(parts.get(name, ()), key=lambda row: row[1])
