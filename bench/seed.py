"""Fills an empty, migrated database by COPY, as the owner. Runs inside Django (bench/inside.py)."""

import importlib
import os
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import psycopg2

from accounts.models import Counter, Event, Organisation, Person, Representation, Tenant, User
from accounts.tenancy import enter
from bench import plan
from bench.rows import NULL, Lines
from servicedesk.desks import Brand, create_desk
from tickets.models import Comment, RequestType, Ticket, TimeEntry
from tickets.workflow import Status, WaitingFor

# Its name begins with a number, so it cannot be imported by it.
search_migration = importlib.import_module("tickets.migrations.0009_search_of_requests")

YEARS = timedelta(days=3 * 365)
# The newest tenth has its whole history and three comments, the rest a beginning: old tickets are read seldom.
DETAILED = 10
ALIVE_MIX = (
    (Status.OPEN, "", 30),
    (Status.IN_PROGRESS, "", 25),
    (Status.WAITING, WaitingFor.INFORMATION, 13),
    (Status.WAITING, WaitingFor.REVIEW, 12),
    (Status.REOPENED, "", 5),
    (Status.INVOICE, "", 15),
)
ENDED_MIX = ((Status.CLOSED, "", 94), (Status.REJECTED, "", 3), (Status.CANCELLED, "", 3))
ENDED_STATES = {status for status, _, _ in ENDED_MIX}
TEXT = (
    "printer invoice warehouse payroll report login total ledger account order posting balance customer depreciation "
    "export stops fails repeats differs disappears after update since yesterday month closing only some users "
    "Rīga Ķekava žurnāls grāmatojums čeks účtenka platba"
)
WORDS = TEXT.split()


@dataclass(frozen=True)
class Stage:
    """A desk with the ids of what stands on it. `customer` and `organisation` are the first ids of their runs."""

    desk: plan.Desk
    tenant: int
    prefix: str
    types: list[int]
    agent: int
    customer: int
    organisation: int

    def organisation_of(self, customer: int) -> int:
        return self.organisation + customer % self.desk.organisations

    def colleague(self, chance: random.Random) -> int:
        """A customer of the measured organisation who is not the measured person."""
        return self.desk.organisations * chance.randint(1, (self.desk.customers - 1) // self.desk.organisations)


class Fact(NamedTuple):
    """One ticket, as far as other tables depend on it."""

    id: int
    stage: Stage
    number: int
    requester: int
    organisation: int
    assignee: int
    status: str
    waiting_for: str
    created: datetime
    active: datetime
    detailed: bool


def fill(tickets: int) -> None:
    """Everything, with what it took on standard error."""
    now = datetime.now(UTC)
    desks = plan.desks(tickets)
    told("desks", lambda: make_desks(desks))
    stages = read_stages(desks)
    connection = psycopg2.connect(os.environ["DATABASE_OWNER_URL"])
    try:
        told("people", lambda: copy_people(connection, stages))
        set_triggers(connection, "DISABLE")
        told("tickets", lambda: copy_tickets(connection, list_facts(tickets, stages, now)))
        told("comments", lambda: copy_comments(connection, list_facts(tickets, stages, now)))
        told("events", lambda: copy_events(connection, list_facts(tickets, stages, now)))
        told("time", lambda: copy_time(connection, list_facts(tickets, stages, now)))
        set_triggers(connection, "ENABLE")
        told("words", lambda: fill_search(connection))
        told("counters", lambda: copy_counters(connection, stages))
        set_sequences(connection)
        told("vacuum", lambda: vacuum(connection))
    finally:
        connection.close()


def told(what: str, work: Any) -> None:
    began = time.monotonic()
    rows = work()
    print(f"  {what}: {rows if rows is not None else ''} in {time.monotonic() - began:.1f} s", file=sys.stderr)


# ---- desks and people ----


def make_desks(desks: list[plan.Desk]) -> int:
    """By the product's own verb, so that hosts, mailboxes and topics are what a real desk has."""
    for desk in desks:
        create_desk(
            preset="integrator",
            name=f"Bench Desk {desk.number}",
            slug=f"bench-{desk.number}",
            brands=[Brand(desk.host, f"Bench Desk {desk.number}")],
            support_email=f"support@{desk.host}",
            language="en",
            languages=["en", "lv"],
        )
    return len(desks)


def read_stages(desks: list[plan.Desk]) -> list[Stage]:
    connection = psycopg2.connect(os.environ["DATABASE_OWNER_URL"])
    with connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT slug, id, reference_prefix FROM {Tenant._meta.db_table}")
        tenants = {slug: (pk, prefix) for slug, pk, prefix in cursor.fetchall()}
    connection.close()
    stages = []
    person, organisation = 1, 1
    for desk in desks:
        tenant, prefix = tenants[f"bench-{desk.number}"]
        with enter(tenant):
            types = list(RequestType.objects.order_by("id").values_list("id", flat=True))
        staff = desk.agents + 2
        stages.append(Stage(desk, tenant, prefix, types, person, person + staff, organisation))
        person += staff + desk.customers
        organisation += desk.organisations
    return stages


def copy_people(connection: Any, stages: list[Stage]) -> int:
    """Everybody has an account. Nobody can log in with a password: the bench makes sessions."""
    users = Lines(User, "id", "email", password="!bench")
    people = Lines(
        Person, "id", "tenant_id", "user_id", "name", "email", "is_agent", "is_accountant", "is_manager",
        is_verified=True,
    )  # fmt: skip
    organisations = Lines(Organisation, "id", "tenant_id", "name", "registration_number", address="Mill Lane 5")
    representations = Lines(Representation, "tenant_id", "person_id", "organisation_id", may_see_invoices=True)
    count = users.copy(connection, ((row[0], row[4]) for row in list_people(stages)))
    people.copy(connection, list_people(stages))
    organisations.copy(connection, list_organisations(stages))
    representations.copy(connection, list_representations(stages))
    return count


def list_people(stages: list[Stage]) -> Iterator[tuple[Any, ...]]:
    for stage in stages:
        accountant, manager = stage.agent + stage.desk.agents, stage.agent + stage.desk.agents + 1
        for pk in range(stage.agent, stage.customer + stage.desk.customers):
            is_agent = pk < accountant
            yield (
                pk, stage.tenant, pk, f"{word(pk)} {word(pk // 7)}", f"p{pk}@bench.example",
                "t" if is_agent else "f", "t" if pk == accountant else "f", "t" if pk == manager else "f",
            )  # fmt: skip


def list_organisations(stages: list[Stage]) -> Iterator[tuple[Any, ...]]:
    for stage in stages:
        for number in range(stage.desk.organisations):
            pk = stage.organisation + number
            yield pk, stage.tenant, f"{word(pk)} {word(pk // 11)} Ltd {number}", f"4000{pk}"


def list_representations(stages: list[Stage]) -> Iterator[tuple[Any, ...]]:
    for stage in stages:
        for number in range(stage.desk.customers):
            yield stage.tenant, stage.customer + number, stage.organisation_of(number)


def word(number: int) -> str:
    return WORDS[number % len(WORDS)].title()


# ---- tickets and what hangs on them ----


def list_facts(tickets: int, stages: list[Stage], now: datetime) -> Iterator[Fact]:
    """All tickets in the order of their time, desks mixed as they would be. The same every time it is asked."""
    chance = random.Random(tickets)
    weights = [stage.desk.tickets for stage in stages]
    order = [number for number, weight in enumerate(weights) for _ in range(weight)]
    chance.shuffle(order)
    counts = [0] * len(stages)
    step = YEARS / tickets
    for index, place in enumerate(order):
        counts[place] += 1
        created = now - YEARS + step * index
        yield a_fact(index + 1, stages[place], counts[place], created, index * DETAILED >= tickets * 9, now, chance)


def a_fact(
    pk: int, stage: Stage, number: int, created: datetime, recent: bool, now: datetime, chance: random.Random
) -> Fact:
    desk = stage.desk
    measured = number % desk.person_period == 0
    if measured:
        customer = 0
    elif number % desk.organisation_period == 0:
        customer = stage.colleague(chance)
    else:
        customer = chance.randrange(1, desk.customers)
    alive = is_alive(desk, number, recent, measured, chance)
    status, waiting_for = pick(ALIVE_MIX if alive else ENDED_MIX, chance)
    active = min(created + timedelta(hours=chance.random() * 240), now)
    return Fact(
        pk, stage, number, stage.customer + customer, stage.organisation_of(customer),
        stage.agent + chance.randrange(desk.agents), status, waiting_for, created, active, recent or measured,
    )  # fmt: skip


def is_alive(desk: plan.Desk, number: int, recent: bool, measured: bool, chance: random.Random) -> bool:
    """One in twenty: most of them new, a few that nobody has touched for years."""
    if measured:
        return number // desk.person_period % desk.person_alive_period == 0
    return chance.random() < (0.40 if recent else 0.011)


def pick(mix: tuple[tuple[str, str, int], ...], chance: random.Random) -> tuple[str, str]:
    point = chance.random() * 100
    for status, waiting_for, weight in mix:
        point -= weight
        if point < 0:
            return status, waiting_for
    return mix[0][0], mix[0][1]


def copy_tickets(connection: Any, facts: Iterator[Fact]) -> int:
    lines = Lines(
        Ticket, "id", "tenant_id", "reference", "number", "request_type_id", "organisation_id", "requester_id",
        "assignee_id", "recorded_by_id", "status", "waiting_for", "subject", "description", "created_at",
        "last_activity_at", "delivered_at", "period_ends_at", "clock_at", "closed_at", "queue_at",
    )  # fmt: skip
    return lines.copy(connection, map(ticket_row, facts))


def ticket_row(fact: Fact) -> tuple[Any, ...]:
    stage = fact.stage
    review = fact.active + timedelta(days=10) if fact.waiting_for == WaitingFor.REVIEW else NULL
    closed = fact.active if fact.status in ENDED_STATES else NULL
    delivered = fact.active if review != NULL or closed != NULL else NULL
    # One open ticket in ten is nobody's yet.
    assignee = NULL if fact.status == Status.OPEN and fact.id % 3 == 0 else fact.assignee
    return (
        fact.id, stage.tenant, f"{stage.prefix}-{fact.number}", fact.number, stage.types[fact.id % len(stage.types)],
        fact.organisation, fact.requester, assignee, fact.requester, str(fact.status), str(fact.waiting_for),
        text(fact.id, 6), f"{text(fact.id, 40)} {rare_words(fact.id)}", fact.created, fact.active, delivered,
        review, review, closed, fact.created,
    )  # fmt: skip


def text(seed: int, length: int) -> str:
    """Words of about six letters, different from ticket to ticket."""
    return " ".join(WORDS[(seed * 7 + place * (seed % 13 + 1)) % len(WORDS)] for place in range(length)).capitalize()


def rare_words(seed: int) -> str:
    """What few tickets have: a number of a machine, and a name that a fiftieth of them shares."""
    return f"unit{seed * 7919 % 100_003} {WORDS[seed % len(WORDS)][:4]}berg"


def copy_comments(connection: Any, facts: Iterator[Fact]) -> int:
    lines = Lines(Comment, "tenant_id", "ticket_id", "author_id", "text", "is_internal", "created_at")
    return lines.copy(connection, (row for fact in facts for row in comment_rows(fact)))


def comment_rows(fact: Fact) -> Iterator[tuple[Any, ...]]:
    authors = [fact.assignee, fact.requester, fact.assignee] if fact.detailed else [fact.assignee]
    for place, author in enumerate(authors):
        moment = fact.created + (fact.active - fact.created) * (place + 1) / (len(authors) + 1)
        yield fact.stage.tenant, fact.id, author, text(fact.id + place, 25), "f", moment


def copy_events(connection: Any, facts: Iterator[Fact]) -> int:
    lines = Lines(Event, "tenant_id", "at", "kind", "subject_id", "by_id", "data", subject_label="tickets.ticket")
    return lines.copy(connection, (row for fact in facts for row in event_rows(fact)))


def event_rows(fact: Fact) -> Iterator[tuple[Any, ...]]:
    tenant = fact.stage.tenant
    yield tenant, fact.created, "ticket.submitted", fact.id, fact.requester, "{}"
    if not fact.detailed:
        return
    yield tenant, fact.created, "ticket.assigned", fact.id, fact.assignee, "{}"
    steps = [("started", fact.assignee, Status.IN_PROGRESS)] if fact.status != Status.OPEN else []
    if fact.status in ENDED_STATES or fact.waiting_for == WaitingFor.REVIEW or fact.status == Status.INVOICE:
        steps.append(("delivered", fact.assignee, Status.WAITING))
    if fact.status in ENDED_STATES:
        steps += [("accepted", fact.requester, Status.INVOICE), ("closed", fact.assignee, Status.CLOSED)]
    for kind, by, status in steps:
        yield tenant, fact.active, f"ticket.{kind}", fact.id, by, f'{{"status": "{status}"}}'


def copy_time(connection: Any, facts: Iterator[Fact]) -> int:
    lines = Lines(
        TimeEntry, "tenant_id", "ticket_id", "person_id", "created_at", minutes=25, description="Looked into it"
    )
    worked = (fact for fact in facts if fact.detailed and fact.status != Status.OPEN)
    return lines.copy(connection, ((fact.stage.tenant, fact.id, fact.assignee, fact.active) for fact in worked))


def set_triggers(connection: Any, state: str) -> None:
    """The words of a million tickets are gathered at once, not row by row."""
    with connection, connection.cursor() as cursor:
        for model in (Ticket, Comment):
            cursor.execute(f'ALTER TABLE "{model._meta.db_table}" {state} TRIGGER USER')


def fill_search(connection: Any) -> int:
    """As the migration does it for what stands there; its index is made when its rows are in."""
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_indexdef('tickets_search_words'::regclass)")
        definition = cursor.fetchone()[0]
        cursor.execute("DROP INDEX tickets_search_words")
        cursor.execute(search_migration.FILL)
        filled = int(cursor.rowcount)
    with connection, connection.cursor() as cursor:
        cursor.execute(definition)
    return filled


# ---- the end ----


def copy_counters(connection: Any, stages: list[Stage]) -> int:
    lines = Lines(Counter, "tenant_id", "value", series="ticket")
    return lines.copy(connection, ((stage.tenant, stage.desk.tickets) for stage in stages))


def set_sequences(connection: Any) -> None:
    """Rows came with ids of our own; the next row that the product makes must not meet one of them."""
    with connection, connection.cursor() as cursor:
        for model in (User, Person, Organisation, Ticket):
            table = model._meta.db_table
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM \"{table}\"))")


def vacuum(connection: Any) -> None:
    """Statistics for the planner, and visibility for index-only scans, as autovacuum would have left them."""
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
