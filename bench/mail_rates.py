"""How fast mail is taken in: a real IMAP server's folder, one worker with two processes, a copy of a full database.

The clock runs from the hand-over of the mailbox until every message is a ticket or a comment. The memory is what the
worker's processes needed at most (VmHWM), early and late.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis

from bench import clocks, cpu, databases, mail_letters
from bench.databases import CHECKOUT, connect
from bench.measure import say
from bench.report import table, verdict
from tests.imap_server import ADDRESS, ImapServer

COPY = "bench_mail"
PER_SECOND, GROWTH, LARGE_MB, PARSER_RATIO = 100.0, 1.10, 150.0, 0.3
LARGE_FILES, LARGE_BYTES = 5, 20_000_000
EARLY = 5  # the first look at the memory is at a fifth of the messages
LONGEST = 900.0  # seconds for all messages
STARTING = 60.0
FINAL = ("ticket", "comment", "automatic", "ignored", "quarantined")


def run(tickets: int, messages: int) -> tuple[str, bool]:
    """The figures as tables with their verdicts, and whether all goals are reached."""
    clocks.copy(tickets, COPY)
    try:
        clocks.analyse(COPY)
        return _measured(tickets, messages)
    finally:
        databases.command("DROP DATABASE IF EXISTS {} WITH (FORCE)", COPY)
        forget_jobs(queues())


def profile(tickets: int, messages: int, into: Path) -> str:
    """Where the time of one process goes: a file for `python -m pstats`."""
    clocks.copy(tickets, COPY)
    try:
        clocks.analyse(COPY)
        with tempfile.TemporaryDirectory() as files:
            given = environment(tickets, Path(files))
            mailbox = str(inside(given, "mail_box", "143"))
            taken = inside(given, "mail_profile", mailbox, str(messages))
            inside(given, "mail_profile", mailbox, str(messages), str(into.absolute()))
    finally:
        databases.command("DROP DATABASE IF EXISTS {} WITH (FORCE)", COPY)
        forget_jobs(queues())
    return f"one message: {taken['cpu_ms']:.1f} ms of the processor in its process, {taken['ms']:.1f} ms by the clock"


def _measured(tickets: int, messages: int) -> tuple[str, bool]:
    with tempfile.TemporaryDirectory() as files, ImapServer() as server:
        given = environment(tickets, Path(files))
        mailbox = str(inside(given, "mail_box", str(server.port)))
        costs = inside(given, "mail_costs", mailbox)
        parser = inside(given, "mail_parser")
        say(f"Filling the mailbox with {messages:,} messages ...")
        server.fill(one.raw for one in mail_letters.letters(messages, run="rates", to=ADDRESS))
        small = taken_in(given, mailbox, messages)
        server.empty()
        large = [mail_letters.with_file(n, run="large", size=LARGE_BYTES, to=ADDRESS) for n in range(LARGE_FILES)]
        server.fill(large)
        big = taken_in(given, mailbox, LARGE_FILES)
    return report(small, big, costs, parser)


def environment(tickets: int, files: Path) -> dict[str, str]:
    """Of worker and tasks: the copy, queues of their own, files on the disk, and a server on this machine allowed."""
    names = {
        "FILES_ROOT": str(files),
        "PRIVATE_HOSTS_ALLOWED": "127.0.0.1",
        "QUEUE_PREFIX": queues(),
        "LOG_LEVEL": "WARNING",
    }
    return {**clocks.leading_to(tickets, COPY), **names}


def queues() -> str:
    """What the names of this run's queues begin with."""
    return f"{COPY}-{os.getpid()}"


def forget_jobs(prefix: str) -> None:
    """Letters are written and nobody delivers them here."""
    broker = redis.Redis.from_url(os.environ["REDIS_URL"])
    for key in broker.scan_iter(f"{prefix}*"):
        broker.delete(key)


def inside(given: dict[str, str], task: str, *arguments: str) -> Any:
    command = [sys.executable, "-m", "bench.inside", task, *arguments]
    done = subprocess.run(command, env=given, cwd=CHECKOUT, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        sys.exit(f"bench: '{task}' failed.")
    return json.loads(done.stdout.splitlines()[-1])


# ---- a worker ----


def taken_in(given: dict[str, str], mailbox: str, messages: int) -> dict[str, Any]:
    """Messages a second, what became of them, and the memory of the worker's processes in MB."""
    before = total(states())
    with worker(given) as process:
        pids = cpu.children(process.pid)
        used = cpu.seconds(pids)
        began = float(inside(given, "mail_collect", mailbox))
        early = 0.0
        while (done := total(states()) - before) < messages:
            if time.time() - began > LONGEST or process.poll() is not None:
                sys.exit(f"bench: after {time.time() - began:.0f} s {done} of {messages} messages were done.")
            if not early and done * EARLY >= messages:
                early = peak_mb(pids)
            time.sleep(0.05)
        seconds = time.time() - began
        late = peak_mb(pids)
        worked, served = cpu.seconds(pids) - used, cpu.seconds(backends())
    return {
        "messages": messages,
        "seconds": seconds,
        "rate": messages / seconds,
        # Whatever neighbours the machine has, these stay nearly the same.
        "worker_ms": 1000 * worked / messages,
        "database_ms": 1000 * served / messages,
        "early_mb": early or late,
        "late_mb": late,
        "states": states(),
        "load": os.getloadavg()[0],
    }


@contextmanager
def worker(given: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """One that takes jobs, for the length of the block; with the product's own options."""
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "servicedesk",
        "worker",
        "-Q",
        "mail-in,mail-collect",
        "--concurrency",
        "2",
    ]
    command += ["--without-mingle", "--without-gossip", "--loglevel", "INFO"]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command, env={**given, "LOG_LEVEL": "INFO"}, cwd=CHECKOUT, stdout=log, stderr=log, start_new_session=True
        )
        try:
            _wait_until_ready(process, log)
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=STARTING)


def _wait_until_ready(process: "subprocess.Popen[bytes]", log: Any) -> None:
    until = time.monotonic() + STARTING
    while time.monotonic() < until and process.poll() is None:
        # By its own position: the worker writes at the end of the same file.
        if b" ready." in os.pread(log.fileno(), 100_000, 0):
            return
        time.sleep(0.05)
    sys.exit(f"bench: the worker did not start.\n{os.pread(log.fileno(), 100_000, 0).decode(errors='replace')}")


def backends() -> list[int]:
    """The processes of PostgreSQL that serve the worker; each began with it."""
    with connect(COPY) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE datname = %s AND usename = 'desk_app'", [COPY])
        found = [int(pid) for (pid,) in cursor.fetchall()]
    connection.close()
    return found


def peak_mb(pids: list[int]) -> float:
    """The largest process's memory at its largest, so far."""
    return max(_peak_mb(pid) for pid in pids)


def _peak_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def states() -> dict[str, int]:
    """How many messages are in which state, the final ones only."""
    with connect(COPY) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT state, count(*) FROM tickets_incomingmessage WHERE state IN %s GROUP BY 1", [FINAL])
        found = dict(cursor.fetchall())
    connection.close()
    return found


def total(found: dict[str, int]) -> int:
    return sum(found.values())


# ---- words ----


def report(
    small: dict[str, Any], big: dict[str, Any], costs: list[dict[str, Any]], parser: dict[str, Any]
) -> tuple[str, bool]:
    growth = small["late_mb"] / small["early_mb"]
    goals = [
        (small["rate"] >= PER_SECOND, f"{small['rate']:.0f} messages a second, goal {PER_SECOND:.0f}"),
        (growth < GROWTH, f"memory × {growth:.2f} from a fifth of the messages to the last, goal below {GROWTH}"),
        (big["late_mb"] <= LARGE_MB, f"{big['late_mb']:.0f} MB with files of 20 MB, goal {LARGE_MB:.0f}"),
        (parser["ratio"] >= PARSER_RATIO, f"parser {parser['ratio']:.2f} of the library's, goal {PARSER_RATIO}"),
        (not small["states"].get("quarantined") and not big["states"].get("quarantined"), "nothing was set aside"),
    ]
    words = [_rates(small, big), "", _costs(costs), "", _parser(parser), ""]
    words += [verdict(reached, sentence) for reached, sentence in goals]
    return "\n".join(words), all(reached for reached, _ in goals)


def _rates(*runs: dict[str, Any]) -> str:
    head = [
        "messages",
        "seconds",
        "a second",
        "worker CPU ms",
        "database CPU ms",
        "MB early",
        "MB late",
        "tickets",
        "comments",
        "load",
    ]
    rows = []
    before: dict[str, int] = {}
    for one in runs:
        new = {state: one["states"].get(state, 0) - before.get(state, 0) for state in ("ticket", "comment")}
        before = one["states"]
        figures = [
            f"{one['seconds']:.1f}",
            f"{one['rate']:.0f}",
            f"{one['worker_ms']:.1f}",
            f"{one['database_ms']:.1f}",
        ]
        figures += [f"{one['early_mb']:.0f}", f"{one['late_mb']:.0f}"]
        rows.append(
            [f"{one['messages']:,}", *figures, f"{new['ticket']:,}", f"{new['comment']:,}", f"{one['load']:.1f}"]
        )
    return table(head, rows)


def _costs(costs: list[dict[str, Any]]) -> str:
    rows = [[one["verb"], str(one["queries"]), f"{one['sql_ms']:.1f}", f"{one['ms']:.1f}"] for one in costs]
    return table(["step of one message", "queries", "SQL ms", "ms"], rows)


def _parser(found: dict[str, Any]) -> str:
    size = f"{found['bytes'] / 1_000_000:.1f}"
    ratio = f"{found['ratio']:.2f} ({found['lowest']:.2f}–{found['highest']:.2f})"
    row = [f"{found['messages']:,}", size, f"{found['ours']:.2f}", f"{found['library']:.2f}", ratio]
    return table(["messages parsed", "MB", "CPU s", "CPU s of the library", "speed beside the library"], [row])
