"""A bounded load on one page: `python -m bench.load`, a job as JSON on standard input, the figures on standard output.

Only the standard library, because this process must start quickly and take little from the server beside it. It talks
to the loopback address and to no other.
"""

import json
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from http.client import HTTPConnection

LOOPBACK = "127.0.0.1"
# 204: nothing is new.
ANSWERS = (200, 204)


@dataclass(frozen=True)
class Job:
    """`requests` are counted, after `warm_up` that are not; each connection is kept alive and asks without a pause."""

    port: int
    host: str
    cookie: str
    paths: list[str]
    requests: int
    warm_up: int
    connections: int


@dataclass(frozen=True)
class Figures:
    per_second: float
    p50_ms: float
    p95_ms: float
    failures: int
    # Processor time of web server and database for a request; 0 where it cannot be read.
    cpu_ms: float = 0.0


def run(job: Job) -> Figures:
    ask_in_turn(job, job.warm_up)
    share = job.requests // job.connections
    times: list[list[float]] = []
    failures: list[int] = []

    def work() -> None:
        took, failed = ask_in_turn(job, share)
        times.append(took)
        failures.append(failed)

    threads = [threading.Thread(target=work) for _ in range(job.connections)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    whole = time.perf_counter() - began
    took = sorted(1000 * one for several in times for one in several)
    return Figures(len(took) / whole, at(took, 0.5), at(took, 0.95), sum(failures))


def ask_in_turn(job: Job, count: int) -> tuple[list[float], int]:
    """So many requests on one connection; returns the seconds each took and how many had no answer."""
    connection = HTTPConnection(LOOPBACK, job.port, timeout=60)
    headers = {"Host": job.host, "Cookie": job.cookie}
    took, failed = [], 0
    for number in range(count):
        began = time.perf_counter()
        connection.request("GET", job.paths[number % len(job.paths)], headers=headers)
        response = connection.getresponse()
        response.read()
        took.append(time.perf_counter() - began)
        failed += response.status not in ANSWERS
    connection.close()
    return took, failed


def at(ordered: Sequence[float], part: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


if __name__ == "__main__":
    print(json.dumps(asdict(run(Job(**json.load(sys.stdin))))))
