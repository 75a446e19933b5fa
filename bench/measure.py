"""The run: servers for all sizes at once, rounds of load in turn, so that a noisy neighbour disturbs all alike."""

import json
import statistics
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from typing import Any

from bench import cpu, databases
from bench.databases import CHECKOUT, inside
from bench.load import Figures, Job
from bench.servers import BARE, BARE_LOGIN, PRODUCT, Server, gunicorn

BARE_PAGE, BARE_LOGIN_PAGE = "bare view (a)", "bare view (b), session and log-in"


@dataclass(frozen=True)
class Amount:
    """How much load: `requests` per page, size and round."""

    rounds: int
    requests: int
    connections: int = 2

    @property
    def warm_up(self) -> int:
        return max(20, self.requests // 10)


@dataclass(frozen=True)
class Target:
    """A job with the size and the server that it loads."""

    size: int
    server: Server
    job: Job


# Of one size: what each page's rounds gave.
Rounds = dict[str, list[Figures]]


def measure(sizes: list[int], amount: Amount) -> dict[int, Rounds]:
    results: dict[int, Rounds] = {}
    with ExitStack() as stack:
        targets = {size: targets_of(size, amount, stack) for size in sizes}
        for number in range(amount.rounds):
            say(f"Round {number + 1} of {amount.rounds} ...")
            for page in page_names(targets):
                # Sizes next to each other, because they are compared with each other.
                for size in sizes:
                    if page in targets[size]:
                        results.setdefault(size, {}).setdefault(page, []).append(load(targets[size][page]))
    for size in sizes:
        inside(size, "forget")
    return results


def page_names(targets: dict[int, dict[str, Target]]) -> list[str]:
    """Of all sizes, in their order."""
    return list(dict.fromkeys(page for size in targets.values() for page in size))


def targets_of(size: int, amount: Amount, stack: ExitStack) -> dict[str, Target]:
    """The servers of one size, and a job for each page."""
    ids = inside(size, "ids")
    tenant, person = ids["tenant"], ids["person"]
    blank = Job(0, "localhost", "", [f"/rows/?person={person}"], amount.requests, amount.warm_up, amount.connections)
    cookie = inside(size, "bare_session", str(ids["user"]), settings="bench.settings", BENCH_TENANT=str(tenant))
    servers = {kind: stack.enter_context(gunicorn(size, kind, tenant)) for kind in (PRODUCT, BARE, BARE_LOGIN)}

    def target(kind: str, **changes: Any) -> Target:
        return Target(size, servers[kind], replace(blank, port=servers[kind].port, **changes))

    bare = {BARE_PAGE: target(BARE), BARE_LOGIN_PAGE: target(BARE_LOGIN, cookie=cookie)}
    return bare | {page: target(PRODUCT, **found) for page, found in inside(size, "targets").items()}


def load(target: Target) -> Figures:
    """With the processor time that server and database took meanwhile."""
    workers = cpu.children(target.server.pid)
    before = cpu.seconds(workers + cpu.backends(target.size))
    figures = run_load(target.job)
    used = cpu.seconds(workers + cpu.backends(target.size)) - before
    return replace(figures, cpu_ms=1000 * used / (target.job.requests + target.job.warm_up))


def run_load(job: Job) -> Figures:
    """From a second process: the server's and ours must not share an interpreter."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        input=json.dumps(asdict(job)),
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        check=True,
    )
    figures = Figures(**json.loads(done.stdout))
    if figures.failures:
        sys.exit(f"bench: {figures.failures} of {job.requests} requests for {job.paths[0]} did not answer 200.")
    return figures


# ---- what the rounds say ----


def middle(rounds: list[Figures]) -> Figures:
    names = ("per_second", "p50_ms", "p95_ms", "failures", "cpu_ms")
    return Figures(*(statistics.median(getattr(one, name) for one in rounds) for name in names))


def ratio(above: list[Figures], below: list[Figures]) -> float:
    """Of requests per second, within each round, the middle one of them."""
    return statistics.median(a.per_second / b.per_second for a, b in zip(above, below, strict=True))


def cpu_ratio(above: list[Figures], below: list[Figures]) -> float | None:
    """How many of the first cost what one of the second costs, in processor time."""
    pairs = [(a.cpu_ms, b.cpu_ms) for a, b in zip(above, below, strict=True)]
    return statistics.median(b / a for a, b in pairs) if all(a and b for a, b in pairs) else None


def spread(above: list[Figures], below: list[Figures]) -> tuple[float, float]:
    ratios = [a.per_second / b.per_second for a, b in zip(above, below, strict=True)]
    return min(ratios), max(ratios)


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def seed(tickets: int) -> None:
    """A complete database of this size: the one that is kept, else a new one."""
    if databases.is_ready(tickets):
        say(f"{databases.name_of(tickets)} is there already.")
        return
    say(f"Seeding {databases.name_of(tickets)} ...")
    databases.create(tickets)
    inside(tickets, "migrate", DATABASE_URL=databases.address(databases.OWNER, databases.name_of(tickets)))
    inside(tickets, "seed", str(tickets))
    databases.set_mark(tickets, databases.mark_of(tickets))
