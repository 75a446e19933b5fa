"""How fast the clocks are: 10,000 tickets due at once, two processes, on a copy of the largest database.

Half of them are reminded of their review, a quarter accepted by silence, a quarter reminded of a question. The copy is
thrown away; the idle tickets beside them are what must cost nothing.
"""

import subprocess
import sys
import time
from typing import Any

from bench import databases
from bench.databases import CHECKOUT, connect, environment, name_of

DUE = 10_000
PROCESSES = 2
COPY = "bench_clocks"

# The requester has to have been reached: notice and reminder were sent. Written as the owner, past the walls.
MAKE_DUE = """
CREATE TEMPORARY TABLE due AS
    SELECT t.id, t.tenant_id, row_number() OVER (ORDER BY t.id) AS number
    FROM tickets_ticket t JOIN accounts_person p ON p.id = t.requester_id AND p.is_active
    WHERE t.tenant_id = (SELECT min(id) FROM accounts_tenant) AND t.organisation_id IS NOT NULL
    ORDER BY t.id DESC LIMIT %(due)s;
UPDATE tickets_ticket t SET clock_at = NULL WHERE clock_at IS NOT NULL;
UPDATE tickets_ticket t SET status = 'waiting_for_customer',
    waiting_for = CASE WHEN d.number %% 4 = 3 THEN 'information' ELSE 'review' END,
    delivered_at = now() - interval '8 days', period_ends_at = now() - interval '1 hour', closed_at = NULL,
    reminders_sent = CASE WHEN d.number %% 4 = 1 THEN 1 ELSE 0 END, clock_at = now() - interval '1 hour'
    FROM due d WHERE d.id = t.id;
INSERT INTO accounts_event (tenant_id, at, kind, subject_label, subject_id, data)
    SELECT tenant_id, now() - interval '8 days', 'ticket.delivered', 'tickets.ticket', id, '{"comment": 0}' FROM due;
INSERT INTO notifications_outboxmessage (tenant_id, to_person_id, to_address, from_name, from_address, reply_to,
    subject, stem, said, text, html, message_id, "references", kind, about_label, about_id, is_personal, needs_reader,
    going, state, created_at, next_try_at, tries, sent_at, error)
    SELECT d.tenant_id, t.requester_id, 'x@example.com', '', 'y@example.com', '', '', '', '{}', '', '',
        'bench-' || d.id || kind, '[]', kind, 'tickets.ticket', d.id, false, false, 'alone', 'sent',
        now() - interval '7 days', now(), 1, now(), ''
    FROM due d JOIN tickets_ticket t ON t.id = d.id,
        unnest(ARRAY['ticket.delivered', 'ticket.review_reminder']) AS kind;
"""


def measure(tickets: int) -> dict[str, Any]:
    """Seconds for all that is due, and what became of it."""
    copy(tickets, COPY)
    try:
        with connect(COPY) as connection, connection.cursor() as cursor:
            cursor.execute(MAKE_DUE, {"due": DUE})
        analyse(COPY)
        began = time.perf_counter()
        workers = [start(tickets) for _ in range(PROCESSES)]
        codes = [worker.wait() for worker in workers]
        took = time.perf_counter() - began
        if any(codes):
            sys.exit("bench: a clock failed.")
        return {"due": DUE, "processes": PROCESSES, "seconds": took, **result()}
    finally:
        databases.command("DROP DATABASE IF EXISTS {} WITH (FORCE)", COPY)


def copy(tickets: int, database: str) -> None:
    databases.command("DROP DATABASE IF EXISTS {} WITH (FORCE)", database)
    databases.command(f"CREATE DATABASE {{}} TEMPLATE {name_of(tickets)}", database)


def analyse(database: str) -> None:
    connection = connect(database)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    connection.close()


def start(tickets: int) -> "subprocess.Popen[bytes]":
    """A process like a worker's: it starts Django, which counts, and does what is due until nothing is."""
    command = [sys.executable, "-m", "bench.inside", "run_clocks"]
    return subprocess.Popen(command, env=leading_to(tickets, COPY), cwd=CHECKOUT)


def leading_to(tickets: int, database: str) -> dict[str, str]:
    """The environment of one size, on a copy of its database."""
    given = {variable: databases.address(variable, database) for variable in (databases.APP, databases.OWNER)}
    return {**environment(tickets), **given}


def result() -> dict[str, int]:
    with connect(COPY) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM tickets_ticket WHERE clock_at <= now()")
        left = int(cursor.fetchone()[0])
        cursor.execute("SELECT count(*) FROM accounts_event WHERE kind = 'ticket.reminded' AND by_id IS NULL")
        reminded = int(cursor.fetchone()[0])
        cursor.execute("SELECT count(*) FROM tickets_approval WHERE manner = 'silence'")
        return {"left": left, "reminded": reminded, "accepted": int(cursor.fetchone()[0])}


def run_clocks() -> None:
    """Inside Django: batches until none is full, as `tickets.clock.run_clock` does it without a broker."""
    from django.utils import timezone

    from accounts.hosts import tenant_ids
    from tickets import clock

    now = timezone.now()
    for tenant_id in tenant_ids("SELECT tenant_id FROM desk_tenants_with_due_clock(%s)", now):
        while clock.work_off(tenant_id, now) == clock.BATCH:
            pass
