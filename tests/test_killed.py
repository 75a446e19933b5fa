"""A process killed with SIGKILL in the middle: after a restart everything is done, and done once.

With one honest exception: a letter that the mail server has taken, while its worker died before it could note that,
goes out a second time. It bears the same Message-ID, by which mail programs know that they have it.
"""

import asyncio
import os
import signal
import smtplib
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import redis
from aiosmtpd.controller import Controller

from tests.conftest import LONGEST_WAIT, ROOT, Product, free_port, wait_for

pytestmark = pytest.mark.slow

KILLS = 5
LETTERS = 10


def letter(number: int) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = "customer@rudzumaize.example", "support@integrator.localhost"
    message["Subject"], message["Message-ID"] = (
        f"Killed {number}",
        f"<killed-{number}-{time.time()}@rudzumaize.example>",
    )
    message.set_content("Please look at it.")
    return message


def start_worker(product: Product) -> "subprocess.Popen[bytes]":
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "servicedesk",
        "worker",
        "-c",
        "1",
        "-Q",
        "mail-in,mail-out",
        "-n",
        "victim@%h",
    ]
    return subprocess.Popen(
        command, cwd=ROOT, env=product.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def test_killed_workers_lose_and_double_nothing(product: Product) -> None:
    for number in range(LETTERS):
        with smtplib.SMTP("127.0.0.1", product.smtp_port, timeout=30) as relay:
            relay.send_message(letter(number))
        if number < KILLS:
            victim = start_worker(product)
            time.sleep(1 + number / 4)  # a different moment of its life each time
            os.killpg(victim.pid, signal.SIGKILL)
            victim.wait()
    # What a killed worker held comes back with the sweep, as it would each minute.
    count = "SELECT count(*), count(DISTINCT subject) FROM tickets_ticket WHERE subject LIKE 'Killed %'"
    end = time.monotonic() + LONGEST_WAIT
    while product.query(count) != [(LETTERS, LETTERS)] and time.monotonic() < end:
        sweep(product)
    assert product.query(count) == [(LETTERS, LETTERS)]
    queued = "SELECT count(*) FROM notifications_outboxmessage WHERE state = 'queued' AND next_try_at <= now()"
    sweep(product)
    wait_for(lambda: product.query(queued) == [(0,)], "the outbox to be empty")


def sweep(product: Product) -> None:
    code = (
        "import django; django.setup()\n"
        "from tickets.tasks import sweep_incoming; from notifications.tasks import sweep_outbox\n"
        "sweep_incoming(); sweep_outbox()"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=product.env, check=True, capture_output=True)


# ---- the clock, a verb's mail, an invoice run ----


class Sink:
    """A mail server that takes its time, so that a worker can be killed while it waits, and remembers what it took."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        self.port = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - the library's name
        await asyncio.sleep(0.03)
        self.taken[str(message_from_bytes(envelope.content)["Message-ID"]).strip("<>")] += 1
        await asyncio.sleep(0.03)
        return "250 OK"


@pytest.fixture
def sink() -> Iterator[Sink]:
    sink = Sink()
    controller = Controller(sink, hostname="127.0.0.1", port=free_port())
    controller.start()
    sink.port = controller.port
    yield sink
    controller.stop()


@pytest.fixture
def apart(product: Product) -> dict[str, str]:
    """The product's database with queues of our own: its own worker leaves our jobs alone."""
    return {**product.env, "QUEUE_PREFIX": f"{product.database}-victims"}


def victim(env: dict[str, str], *what: str) -> "subprocess.Popen[str]":
    """A process that is about to do something."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.victims", *what],
        cwd=ROOT,
        env=env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def done(env: dict[str, str], *what: str) -> None:
    process = victim(env, *what)
    assert process.communicate(timeout=LONGEST_WAIT)[0] == "done\n"


def killed(process: "subprocess.Popen[Any]", after: float) -> bool:
    """Whether the kill came before it was done."""
    time.sleep(after)
    os.killpg(process.pid, signal.SIGKILL)
    out = process.communicate()[0]
    return not out or "done" not in out


def kill_worker_at_work(env: dict[str, str], log: Path, queue: str, after: float) -> None:
    """Start a worker, and kill it so long after it took up its first job."""
    broker = redis.Redis.from_url(env["REDIS_URL"])
    waiting = f"{env['QUEUE_PREFIX']}:{queue}"
    before = broker.llen(waiting)
    command = [sys.executable, "-m", "celery", "-A", "servicedesk", "worker", "-c", "1", "-Q", queue]
    with log.open("wb") as file:
        worker = subprocess.Popen(command, cwd=ROOT, env=env, stdout=file, stderr=file, start_new_session=True)
    try:
        wait_for(lambda: broker.llen(waiting) < before, f"a worker to take up a job of {queue}")
        time.sleep(after)
    finally:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


def test_a_killed_clock_reminds_of_everything_once(product: Product, apart: dict[str, str], tmp_path: Path) -> None:
    kills, each = 7, 25
    ours = "SELECT id FROM tickets_ticket WHERE subject LIKE 'Clock %'"
    in_the_middle = 0
    for number in range(kills):
        done(apart, "due", f"Clock {number}", str(each))
        done(apart, "ask_for_clock")
        kill_worker_at_work(apart, tmp_path / f"clock-{number}.log", "clock", 0.02 + number * 0.06)
        in_the_middle += bool(product.query(ours + " AND reminders_sent = 0"))
    assert in_the_middle
    done(apart, "tick")  # what the next minute does
    done(apart, "tick")  # and the one after it
    assert product.query(ours + " AND (reminders_sent <> 1 OR clock_at <> period_ends_at)") == []
    for table, about, kind in (
        ("accounts_event", "subject", "ticket.reminded"),
        ("notifications_outboxmessage", "about", "ticket.review_reminder"),
        ("notifications_notice", "about", "ticket.review_reminder"),
    ):
        rows = product.query(
            f"SELECT count(*), count(DISTINCT {about}_id) FROM {table} "
            f"WHERE {about}_label = 'tickets.ticket' AND kind = '{kind}' AND {about}_id IN ({ours})"
        )
        assert (table, rows) == (table, [(kills * each, kills * each)])


def test_a_killed_worker_sends_every_letter(
    product: Product, apart: dict[str, str], sink: Sink, tmp_path: Path
) -> None:
    kills, each = 7, 6
    env = {**apart, "EMAIL_URL": f"smtp://127.0.0.1:{sink.port}"}
    for number in range(kills):
        done(env, "speak", f"Letter {number}", str(each))
        kill_worker_at_work(env, tmp_path / f"mail-{number}.log", "mail-out", number * 0.04)
    ours = "FROM notifications_outboxmessage WHERE subject LIKE '%Letter %' AND kind = 'ticket.commented'"
    assert product.query(f"SELECT count(*) {ours}") == [(kills * each,)]
    # The claims of the dead end by themselves after five minutes; we do not wait for it, nor for other tests' letters.
    product.query(
        "UPDATE notifications_outboxmessage SET next_try_at = now() - interval '1 hour', claimed_until = NULL "
        "WHERE state = 'queued' AND subject LIKE '%Letter %'"
    )
    done(env, "post")
    assert product.query(f"SELECT DISTINCT state, error {ours}") == [("sent", "")]
    # What happens to one request goes out together: the others' news went with these.
    sent = [row[0] for row in product.query(f"SELECT message_id {ours} AND sent_with_id IS NULL")]
    assert len(sent) >= kills
    assert [one for one in sent if not sink.taken[one]] == []
    twice = [one for one in sent if sink.taken[one] > 1]
    assert len(twice) <= kills
    assert all(sink.taken[one] <= 2 for one in twice)


def test_a_killed_invoice_run_leaves_neither_gap_nor_double(product: Product, apart: dict[str, str]) -> None:
    kills, each = 6, 4
    in_the_middle = 0
    for number in range(kills):
        done(apart, "accepted", f"Billed {number}", str(each))
        in_the_middle += killed(victim(apart, "invoice", f"Billed {number}"), number * 0.01)
        done(apart, "invoice", f"Billed {number}")  # the accountant presses again
    assert in_the_middle
    done(apart, "documents")
    ours = "SELECT id FROM tickets_ticket WHERE subject LIKE 'Billed %'"
    assert product.query(f"SELECT DISTINCT status FROM tickets_ticket WHERE id IN ({ours})") == [("closed",)]
    lines = f"FROM billing_invoiceline WHERE ticket_id IN ({ours})"
    assert product.query(f"SELECT count(*), count(DISTINCT ticket_id) {lines}") == [(kills * each, kills * each)]
    invoices = f"FROM billing_invoice WHERE id IN (SELECT invoice_id {lines})"
    assert product.query(f"SELECT count(*) {invoices}") == [(kills,)]
    papers = f"FROM billing_invoicedocument WHERE invoice_id IN (SELECT id {invoices})"
    assert product.query(f"SELECT count(*), count(DISTINCT invoice_id), count(file_id) {papers}") == [(kills,) * 3]
    # One series of this desk: as many numbers as the counter has given out, and the last is its value.
    series = (
        "SELECT c.value, count(*), max(split_part(i.number, '-', 2)::int) FROM accounts_counter c "
        "JOIN billing_invoice i ON i.tenant_id = c.tenant_id AND c.series = 'invoice-' || split_part(i.number, '-', 1) "
        "GROUP BY c.id"
    )
    assert all(value == number == last for value, number, last in product.query(series))
