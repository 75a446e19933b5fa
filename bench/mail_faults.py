"""Mail while everything is killed: no message is lost, none makes two tickets, no letter goes out twice.

A seeded plan of faults meets a stream of messages, half of them in an IMAP folder, half by SMTP. When the faults stop,
the backlog has a minute. Then everything is counted exactly.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from bench import mail_letters
from bench.databases import CHECKOUT
from bench.mail_letters import TO, Letter
from bench.mail_world import Child, Line, Senders, World, is_connected, opened
from bench.measure import say
from bench.report import table, verdict
from tests.tcp_proxy import TcpProxy

BACKLOG_SECONDS = 60.0
LONGEST_WAIT = 150.0  # seconds for the backlog; what is not done then is counted as missing
LONGEST_LOOKOUT = 5.0  # seconds, for a process that collects
FIRST, LAST = 0.03, 0.97  # of the time in which the messages come, the part that has faults
FINAL = ("ticket", "comment", "automatic", "ignored", "quarantined")
# How often each fault comes, beside the others.
FAULTS = {
    "worker killed": 4,
    "process of the worker killed": 3,
    "collector killed": 4,
    "listener killed": 3,
    "clock killed": 2,
    "watcher killed": 1,
    "database stopped": 2,
    "database killed": 2,
    "broker emptied": 3,
    "broker restarted": 2,
    "IMAP connections cut": 4,
    "IMAP connection cut later": 3,
    "SMTP connections cut": 4,
    "letters' acknowledgements cut": 3,
    "disk full": 3,
}
# After these a letter may be delivered whose worker could not note it: it goes out again, under the same Message-ID.
FORGETTING = (
    "worker killed",
    "process of the worker killed",
    "collector killed",
    "database stopped",
    "database killed",
)
BEFORE, AFTER = 12.0, 4.0  # seconds around a letter's delivery in which such a fault explains a second one


@dataclass
class Plan:
    messages: int
    faults: int
    seconds: float
    seed: int

    def letters(self) -> tuple[list[tuple[float, Letter]], list[tuple[float, Letter]]]:
        """(for the folder, by SMTP), each with the second at which it leaves. An answer goes either way."""
        whole = list(mail_letters.letters(self.messages, run=f"faults{self.seed}", to=TO))
        timed = [(self.seconds * number / self.messages, one) for number, one in enumerate(whole)]
        return timed[::2], timed[1::2]

    def kinds(self) -> list[tuple[float, str]]:
        """The faults and when they come; each kind at least once where there are enough."""
        chance = random.Random(self.seed)
        names, weights = list(FAULTS), list(FAULTS.values())
        chosen = [*names[: self.faults], *chance.choices(names, weights, k=max(0, self.faults - len(names)))]
        chance.shuffle(chosen)
        moments = sorted(chance.uniform(self.seconds * FIRST, self.seconds * LAST) for _ in chosen)
        return list(zip(moments, chosen, strict=True))


@dataclass
class Run:
    """What happened: (moment, fault) of those that hit something, and when the last one was over."""

    world: World
    to_smtp: TcpProxy
    chance: random.Random
    hits: list[tuple[float, str]] = field(default_factory=list)
    missed: Counter[str] = field(default_factory=Counter)
    last: float = 0.0
    free_disk_at: float | None = None

    def look(self) -> None:
        if self.free_disk_at is not None and time.monotonic() >= self.free_disk_at:
            self.world.disk.free()
            self.free_disk_at, self.last = None, time.monotonic()
        self.world.look(self.chance)

    def hit(self, kind: str) -> None:
        now = time.time()
        if self._deeds()[kind]():
            self.hits.append((now, kind))
            self.last = time.monotonic()
        else:
            self.missed[kind] += 1

    def _deeds(self) -> dict[str, Callable[[], bool]]:
        world, children = self.world, self.world.children
        return {
            "worker killed": children["worker"].kill,
            "process of the worker killed": lambda: self._kill_inner(collecting=False),
            "collector killed": lambda: self._kill_inner(collecting=True),
            "listener killed": children["listener"].kill,
            "clock killed": children["beat"].kill,
            "watcher killed": children["watcher"].kill,
            "database stopped": lambda: self._restart(world.postgres.stop, world.postgres.start),
            "database killed": lambda: self._restart(world.kill_postgres, world.postgres.start),
            "broker emptied": lambda: bool(world.broker().flushall()),
            "broker restarted": lambda: self._restart(world.valkey.stop, world.valkey.start),
            "IMAP connections cut": lambda: self._cut(world.to_imap),
            "IMAP connection cut later": self._cut_later,
            "SMTP connections cut": lambda: self._cut(self.to_smtp),
            "letters' acknowledgements cut": self._cut_acknowledgements,
            "disk full": self._fill_disk,
        }

    def _kill_inner(self, *, collecting: bool) -> bool:
        """One process of the worker; `collecting`: one that speaks to the IMAP server at this moment."""
        for pid in self._collecting() if collecting else self.world.children["worker"].inner()[:1]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                return True
        return False

    def _collecting(self) -> list[int]:
        """A look takes a tenth of a second, so it has to be waited for."""
        end = time.monotonic() + LONGEST_LOOKOUT
        while time.monotonic() < end:
            self.look()
            for pid in self.world.children["worker"].inner():
                if is_connected(pid, self.world.to_imap.port):
                    time.sleep(self.chance.uniform(0.0, 0.1))
                    return [pid]
        return []

    def _restart(self, stop: Callable[[], None], start: Callable[[], None]) -> bool:
        stop()
        time.sleep(self.chance.uniform(0.0, 1.0))
        start()
        return True

    def _cut(self, proxy: TcpProxy) -> bool:
        had = proxy.connections
        proxy.reset()
        return had > 0

    def _cut_later(self) -> bool:
        proxy = self.world.to_imap
        proxy.cut_after, proxy.cuts = self.chance.randint(100, 200_000), 1
        return True

    def _cut_acknowledgements(self) -> bool:
        self.world.relay.to_cut = self.chance.randint(1, 3)
        return True

    def _fill_disk(self) -> bool:
        self.free_disk_at = time.monotonic() + self.chance.uniform(0.5, 3.0)
        return self.world.disk.fill()


# ---- the run ----


def run(plan: Plan, name: str = "faults") -> tuple[str, dict[str, Any]]:
    """The figures as tables, and what was found: `wrong(found)` says what of it must not be."""
    with opened(name) as world, Line(world.smtp_port) as to_smtp:
        prepare(world)
        made = Run(world, to_smtp, random.Random(plan.seed + 1))
        backlog = let_run(plan, made)
        found = {**count(plan, made), "backlog": backlog}
        return report(plan, made, found), found


def wrong(found: dict[str, Any]) -> list[str]:
    """Names of what should not be there, empty when all is as it must be."""
    return [name for name in MUST_BE_NONE if found[name]] + ["backlog"] * (found["backlog"] > BACKLOG_SECONDS)


def prepare(world: World) -> None:
    owner = {**world.env, "DATABASE_URL": world.env["DATABASE_OWNER_URL"]}
    task(owner, "migrate")
    task(world.env, "mail_desk")
    task(world.env, "mail_faults", str(world.to_imap.port))


def task(env: dict[str, str], *what: str) -> None:
    command = [sys.executable, "-m", "bench.inside", *what]
    subprocess.run(command, env=env, cwd=CHECKOUT, stdout=subprocess.DEVNULL, check=True)


def let_run(plan: Plan, made: Run) -> float:
    """Seconds from the last fault until all messages were done."""
    world = made.world
    senders = Senders(world.imap, made.to_smtp.port)
    wait_until_started(made)
    say(f"{plan.messages:,} messages and {plan.faults} faults in {plan.seconds:.0f} s, seed {plan.seed} ...")
    start = time.monotonic()
    senders.start(*plan.letters(), TO)
    for at, kind in plan.kinds():
        while time.monotonic() < start + at:
            made.look()
            time.sleep(0.05)
        made.hit(kind)
    say(f"The faults are over; {senders.sent:,} messages are sent.")
    end = time.monotonic() + LONGEST_WAIT
    while not senders.are_done or made.free_disk_at is not None:
        made.look()
        time.sleep(0.1)
        if time.monotonic() > end:
            sys.exit(f"bench: {senders.sent} of {plan.messages} messages were taken, and no more come.")
    if senders.failures or senders.refused:
        sys.exit(f"bench: not all messages were sent: {senders.failures} {senders.refused[:3]}")
    made.last = max(made.last, start)
    return wait_for_backlog(plan, made)


def wait_until_started(made: Run) -> None:
    end = time.monotonic() + BACKLOG_SECONDS
    ready = made.world.folder / "worker.log"
    made.look()
    while b" ready." not in ready.read_bytes() and time.monotonic() < end:
        made.look()
        time.sleep(0.1)


def wait_for_backlog(plan: Plan, made: Run) -> float:
    done = "SELECT count(*) FROM tickets_incomingmessage WHERE state IN %s"
    while time.monotonic() - made.last < LONGEST_WAIT:
        made.look()
        if made.world.query(done, FINAL)[0][0] >= plan.messages:
            break
        time.sleep(0.2)
    return time.monotonic() - made.last


def deliver_the_rest(made: Run) -> None:
    """Claims of the dead end after minutes; nobody holds one while no worker runs, so they may end at once."""
    worker: Child = made.world.children["worker"]
    waiting = "SELECT count(*) FROM notifications_outboxmessage WHERE state = 'queued'"
    end = time.monotonic() + LONGEST_WAIT
    while made.world.query(waiting)[0][0] and time.monotonic() < end:
        worker.stop()
        # In their order: what leads others leads them again.
        made.world.query(
            "UPDATE notifications_outboxmessage SET next_try_at = next_try_at - interval '1 day', claimed_until = NULL "
            "WHERE state = 'queued'"
        )
        until = time.monotonic() + 30
        while time.monotonic() < until and made.world.query(waiting)[0][0]:
            made.look()
            time.sleep(0.2)


# ---- counting ----


def count(plan: Plan, made: Run) -> dict[str, Any]:
    world = made.world
    deliver_the_rest(made)
    for child in world.children.values():
        child.stop()
    letters = {one.message_id.strip("<>"): one for line in plan.letters() for _at, one in line}
    rows = world.query("SELECT message_id, state, ticket_id, comment_id, tries, reason FROM tickets_incomingmessage")
    per_id = Counter(row[0] for row in rows)
    states = Counter(row[1] for row in rows)
    found: dict[str, Any] = {
        "states": dict(states),
        "lost": sorted(set(letters) - set(per_id)),
        "stored twice": [one for one, number in per_id.items() if number > 1],
        "not done": [row for row in rows if row[1] not in FINAL],
        "set aside or ignored": [row for row in rows if row[1] in ("quarantined", "ignored", "automatic")],
        "unknown": sorted(set(per_id) - set(letters)),
    }
    tickets = [row[2] for row in rows if row[1] == "ticket"]
    comments = [row[3] for row in rows if row[1] == "comment"]
    made_tickets = [row[0] for row in world.query("SELECT id FROM tickets_ticket")]
    made_comments = [row[0] for row in world.query("SELECT id FROM tickets_comment")]
    found["tickets of no message or of two"] = sorted((Counter(made_tickets) - Counter(tickets)).elements())
    found["messages without their ticket"] = sorted((Counter(tickets) - Counter(made_tickets)).elements())
    found["comments of no message or of two"] = sorted((Counter(made_comments) - Counter(comments)).elements())
    found["messages without their comment"] = sorted((Counter(comments) - Counter(made_comments)).elements())
    return found | count_letters(made)


def count_letters(made: Run) -> dict[str, Any]:
    relay, world = made.world.relay, made.world
    # What went along with another letter is known outside by that one's id.
    rows = world.query(
        "SELECT row.message_id, coalesce(by.message_id, row.message_id), row.to_address, row.kind, row.about_id "
        "FROM notifications_outboxmessage row LEFT JOIN notifications_outboxmessage by ON by.id = row.sent_with_id"
    )
    written = Counter(row[2:] for row in rows if row[3] != "ticket.commented")
    twice = [one for one, moments in relay.taken.items() if len(moments) > 1]
    # By itself, and once more along with another.
    twice += [own for own, carrier, *_ in rows if own != carrier and own in relay.taken]
    explained = {one: why for one in twice if (why := _why_twice(made, one))}
    return {
        "letters written twice": [what for what, number in written.items() if number > 1],
        "letters not delivered": [row for row in rows if row[1] not in relay.taken],
        "letters of nobody": sorted(set(relay.taken) - {row[0] for row in rows}),
        "letters delivered twice": [one for one in twice if one not in explained],
        "explained": Counter(explained.values()),
        "letters": len(rows),
    }


def _why_twice(made: Run, message_id: str) -> str:
    """'' where nothing explains why a letter that was taken was sent once more."""
    relay = made.world.relay
    moments = relay.taken[message_id]
    if relay.cut[message_id] >= max(1, len(moments) - 1):
        return "acknowledgement cut"
    for moment in moments[:-1] or moments:
        near = [kind for at, kind in made.hits if moment - BEFORE <= at <= moment + AFTER and kind in FORGETTING]
        if not near and not relay.cut[message_id]:
            return ""
    return "killed before it was noted"


# ---- words ----

MUST_BE_NONE = (
    "lost",
    "stored twice",
    "not done",
    "set aside or ignored",
    "unknown",
    "tickets of no message or of two",
    "messages without their ticket",
    "comments of no message or of two",
    "messages without their comment",
    "letters written twice",
    "letters not delivered",
    "letters of nobody",
    "letters delivered twice",
)


def report(plan: Plan, made: Run, found: dict[str, Any]) -> str:
    hits = Counter(kind for _at, kind in made.hits)
    rows = [[kind, str(hits[kind]), str(made.missed[kind] or "")] for kind in FAULTS]
    words = [table(["fault", "times", "hit nothing"], rows), ""]
    words += [table(["what", "number"], [[name, str(len(found[name]))] for name in MUST_BE_NONE]), ""]
    states = ", ".join(f"{number:,} {state}" for state, number in sorted(found["states"].items()))
    starts = ", ".join(f"{child.name} {child.starts}" for child in made.world.children.values())
    again = ", ".join(f"{number} {why}" for why, number in sorted(found["explained"].items())) or "none"
    words += [
        f"seed {plan.seed}; {plan.messages:,} messages: {states}; {found['letters']:,} letters",
        f"delivered again with a reason: {again}",
        f"started: {starts}; load {os.getloadavg()[0]:.1f}",
        *(f"{name}: {found[name][:5]}" for name in MUST_BE_NONE if found[name]),
    ]
    bad = wrong(found)
    words += [
        verdict(not set(bad) - {"backlog"}, "every message once, every letter once"),
        verdict(
            "backlog" not in bad,
            f"all done {found['backlog']:.0f} s after the last fault, goal {BACKLOG_SECONDS:.0f}",
        ),
    ]
    say(f"Logs are in {made.world.folder}.")
    return "\n".join(words)
