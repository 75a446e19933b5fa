"""Real gunicorns, one for each size and kind: one worker with two threads, as `desk_app`."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench.databases import CHECKOUT, OWNER, environment
from servicedesk.embedded.commands import WEB_STATEMENT_TIMEOUT_MS

PATIENCE_SECONDS = 30.0
PRODUCT, BARE, BARE_LOGIN = "product", "bare", "bare with log-in"


@dataclass(frozen=True)
class Server:
    port: int
    pid: int


@contextmanager
def gunicorn(tickets: int, kind: str, tenant: int) -> Iterator[Server]:
    """A server that answers, for the length of the block."""
    port = free_port()
    process = subprocess.Popen(
        [
            sys.executable, "-m", "gunicorn", "servicedesk.wsgi:application", "--bind", f"127.0.0.1:{port}",
            "--no-control-socket", "--worker-class", "gthread", "--workers", "1", "--threads", "2",
            "--log-level", "error",
        ],
        env=server_environment(tickets, kind, tenant),
        cwd=CHECKOUT,
    )  # fmt: skip
    try:
        wait_for(port, process)
        yield Server(port, process.pid)
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def server_environment(tickets: int, kind: str, tenant: int) -> dict[str, str]:
    if kind == PRODUCT:
        # The limit under which `run` starts the product's web.
        given = environment(tickets, STATEMENT_TIMEOUT_MS=WEB_STATEMENT_TIMEOUT_MS)
    else:
        login = "1" if kind == BARE_LOGIN else ""
        given = environment(tickets, "bench.settings", BENCH_TENANT=str(tenant), BENCH_LOGIN=login)
    return {name: value for name, value in given.items() if name != OWNER}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    sys.exit("bench: gunicorn did not start.")
