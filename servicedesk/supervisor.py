"""Starts the product's processes, shows their logs, restarts what dies, and leaves nothing behind.

One thread: it reads the children's output, looks after the dead, and is interrupted by signals between two looks.
"""

import http.client
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from servicedesk.embedded.process import end_group, end_leftover, spawn
from servicedesk.embedded.words import CannotStartError, say

START_SECONDS = 90.0
STOP_SECONDS = 10.0
DEATHS_ALLOWED, DEATHS_SECONDS = 5, 60.0
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0
LOOK_SECONDS = 0.1


class Interrupted(BaseException):
    """A signal asks us to end. Not an Exception, so that no handler takes it for a failure."""


def interrupt_on_signals() -> None:
    """Ctrl-C, SIGTERM and a closed terminal end the program once, and in order."""

    def handler(_number: int, _frame: object) -> None:
        ignore_signals()  # an impatient second Ctrl-C must not leave half of the children behind
        raise Interrupted

    for number in _ENDING:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup
            signal.signal(number, handler)


def ignore_signals() -> None:
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)


_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Server(Protocol):
    """PostgreSQL or Valkey: it knows itself how to come back after a crash."""

    name: str
    process: subprocess.Popen[bytes] | None

    def start(self) -> None: ...


class Deaths:
    """How often something died lately, and how long to pause before it is tried again."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=DEATHS_ALLOWED)

    def note(self, now: float) -> None:
        self._times.append(now)

    @property
    def too_many(self) -> bool:
        return len(self._times) == DEATHS_ALLOWED and self._times[-1] - self._times[0] < DEATHS_SECONDS

    def pause(self, now: float) -> float:
        recent = sum(now - moment < DEATHS_SECONDS for moment in self._times)
        return float(min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** max(0, recent - 1)))


@dataclass
class Child:
    """One process of the product. `answers` asks whether it serves; it may read the child's last lines."""

    label: str
    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    answers: Callable[["Child"], bool]
    process: subprocess.Popen[bytes] | None = None
    ready: bool = False
    start_at: float = 0.0
    deaths: Deaths = field(default_factory=Deaths)
    last: deque[str] = field(default_factory=lambda: deque(maxlen=40))
    partial: bytes = b""

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None


class Supervisor:
    def __init__(self, children: Sequence[Child], servers: Sequence[Server], checkout: Path, pids: Path) -> None:
        self.children = children
        self.servers = servers
        self.checkout = checkout
        self.pids = pids
        self._server_deaths = {server.name: Deaths() for server in servers}
        self._selector = selectors.DefaultSelector()

    # ---- the whole life ----

    def start(self) -> None:
        """Start everything and return when each answers."""
        self.pids.mkdir(parents=True, exist_ok=True)
        until = time.monotonic() + START_SECONDS
        while not all(child.ready for child in self.children):
            self.look()
            self._ask()
            if time.monotonic() > until:
                self._give_up(next(child for child in self.children if not child.ready), "does not answer")

    def watch(self) -> None:
        """Until a signal interrupts, or something dies too often."""
        while True:
            self.look()

    def stop(self) -> None:
        """Ask all at once, insist after a while, and end what they left in their sessions."""
        running = [child for child in self.children if child.process]
        for child in running:
            if child.process and child.alive:
                child.process.terminate()
        until = time.monotonic() + STOP_SECONDS
        while any(child.alive for child in running) and time.monotonic() < until:
            self._read(LOOK_SECONDS)
        for child in running:
            self._bury(child)

    # ---- one look ----

    def look(self) -> None:
        self._read(LOOK_SECONDS)
        self._look_after_servers()
        now = time.monotonic()
        for child in self.children:
            if child.process and not child.alive:
                self._died(child, now)
            if child.process is None and now >= child.start_at:
                self._start_child(child)

    def _start_child(self, child: Child) -> None:
        child.process = spawn(child.command, env=child.environment, cwd=self.checkout, output=subprocess.PIPE)
        assert child.process.stdout
        os.set_blocking(child.process.stdout.fileno(), False)
        self._selector.register(child.process.stdout, selectors.EVENT_READ, child)
        (self.pids / f"{child.label}.pid").write_text(str(child.process.pid))

    def _died(self, child: Child, now: float) -> None:
        status = child.process.returncode if child.process else 0
        self._bury(child)
        child.ready = False
        child.deaths.note(now)
        if child.deaths.too_many:
            self._give_up(child, f"died {DEATHS_ALLOWED} times in a minute")
        pause = child.deaths.pause(now)
        child.start_at = now + pause
        say(f"{child.name} ended unexpectedly ({_status(status)}); it is started again in {pause:g} s.")

    def _look_after_servers(self) -> None:
        for server in self.servers:
            if server.process is None or server.process.poll() is None:
                continue
            deaths, now = self._server_deaths[server.name], time.monotonic()
            deaths.note(now)
            if deaths.too_many:
                raise CannotStartError(
                    f"{server.name} died {DEATHS_ALLOWED} times in a minute; its log is under var/log."
                )
            say(f"{server.name} ended unexpectedly ({_status(server.process.returncode)}); it is started again.")
            server.start()

    def _ask(self) -> None:
        for child in self.children:
            if child.alive and not child.ready:
                child.ready = child.answers(child)

    def _bury(self, child: Child) -> None:
        if child.process is None:
            return
        end_group(child.process)
        child.process.wait()
        self._drain(child)
        if child.process.stdout:
            self._selector.unregister(child.process.stdout)
            child.process.stdout.close()
        (self.pids / f"{child.label}.pid").unlink(missing_ok=True)
        child.process = None

    def _give_up(self, child: Child, reason: str) -> None:
        lines = "\n".join(list(child.last)[-12:])
        raise CannotStartError(f"{child.name} {reason}. Its last lines:\n{lines}")

    # ---- logs ----

    def _read(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            self._drain(key.data)
        if not self._selector.get_map():
            time.sleep(seconds)

    def _drain(self, child: Child) -> None:
        """Show whole lines with the child's label."""
        if child.process is None or child.process.stdout is None:
            return
        while chunk := child.process.stdout.read(65536):
            *lines, child.partial = (child.partial + chunk).split(b"\n")
            for line in lines:
                self._show(child, line)
        if not child.alive and child.partial:
            self._show(child, child.partial)
            child.partial = b""

    def _show(self, child: Child, line: bytes) -> None:
        text = line.decode(errors="replace").rstrip()
        child.last.append(text)
        say(f"{child.label:4} | {text}")


def end_leftovers(pids: Path) -> None:
    """Where the kernel does not end the children of a killed supervisor, the next one does."""
    for path in pids.glob("*.pid"):
        text = path.read_text().strip()
        if text.isdecimal():
            end_leftover(int(text), sys.executable, signal.SIGTERM, STOP_SECONDS)
        path.unlink(missing_ok=True)


def _status(code: int) -> str:
    if code < 0:
        return signal.Signals(-code).name
    return f"exit status {code}"


# ---- what 'answers' means ----


def web_answers(host: str, port: int) -> bool:
    """By address and Host header, because `*.localhost` is not resolved everywhere."""
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/health/", headers={"Host": "localhost"})
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def smtp_answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=5) as connection:
            return connection.recv(64).startswith(b"220")
    except OSError:
        return False


def worker_answers(child: Child) -> bool:
    """Celery's own word: it says so when it is connected to the broker and takes jobs."""
    return any(" ready." in line for line in child.last)


def watcher_answers(child: Child) -> bool:
    """It serves nobody either; it says so when it has looked for the mailboxes to watch."""
    return any("ready" in line for line in child.last)


def beat_answers(child: Child, pidfile: Path) -> bool:
    """The clock serves nobody; it writes its number once it has read its schedule."""
    return child.process is not None and pidfile.exists() and pidfile.read_text().strip() == str(child.process.pid)


# ---- ports ----


def port_is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As the servers themselves bind: connections of the last run in TIME_WAIT are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            raise CannotStartError(
                f"Port {port} needs more rights than this user has; ports from 1024 do not."
            ) from None
        except OSError:
            return False
    return True


def require_ports(host: str, wanted: Mapping[str, int]) -> None:
    """Refuse all taken ones at once, each by the name of the variable that changes it."""
    taken = {name: port for name, port in wanted.items() if not port_is_free(host, port)}
    if not taken:
        return
    numbers = " and ".join(str(port) for port in taken.values())
    others = " ".join(f"{name}={free_port_after(host, port, wanted)}" for name, port in taken.items())
    raise CannotStartError(f"Taken by another program: port {numbers}. Choose a free one: {others} make run")


def free_port_after(host: str, port: int, wanted: Mapping[str, int]) -> int:
    return next(n for n in range(port + 1, 65536) if n not in wanted.values() and port_is_free(host, n))
