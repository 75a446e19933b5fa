"""The product's mail in a world of its own, every part of which can be killed: servers, processes, a relay, lines.

PostgreSQL and Valkey are started for it in their own folder, with the product's settings: what a commit has promised
outlives them.
"""

import asyncio
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from pathlib import Path
from smtplib import SMTP, SMTPException
from typing import Any

import psycopg2
import redis
from aiosmtpd import smtp
from aiosmtpd.controller import Controller

from bench.databases import CHECKOUT
from bench.mail_letters import Letter
from bench.servers import free_port
from servicedesk.embedded.home import Home, open_home
from servicedesk.embedded.postgres import APP, OWNER, Postgres
from servicedesk.embedded.process import end_group, spawn
from servicedesk.embedded.services import try_lock
from servicedesk.embedded.valkey import Valkey
from tests.imap_server import ImapServer
from tests.tcp_proxy import TcpProxy

DISK = "96m"


# ---- processes that are started again ----


@dataclass
class Child:
    """A process of the product, in a session of its own; who finds it dead starts it again after a pause."""

    name: str
    command: list[str]
    env: dict[str, str]
    log: Path
    process: "subprocess.Popen[bytes] | None" = None
    again_at: float = 0.0
    starts: int = 0

    def look(self, pause: float) -> None:
        """Start it when its time has come; note the time when it is found dead."""
        if self.process is not None and self.process.poll() is not None:
            end_group(self.process)
            self.process, self.again_at = None, time.monotonic() + pause
        if self.process is None and time.monotonic() >= self.again_at:
            with self.log.open("ab") as log:
                self.process = spawn(self.command, env=self.env, cwd=CHECKOUT, output=log)
            self.starts += 1

    def kill(self) -> bool:
        """With all that it has started. False when it was dead already."""
        if self.process is None or self.process.poll() is not None:
            return False
        end_group(self.process)
        self.process.wait()
        return True

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=30)
        self.kill()
        self.process = None

    def inner(self) -> list[int]:
        """The processes that it has forked."""
        if self.process is None:
            return []
        with suppress(OSError):
            listing = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
            return [int(one) for one in listing.split()]
        return []


def is_connected(pid: int, port: int) -> bool:
    """Whether a process holds a connection to that port of this machine."""
    ends = f":{port:04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    sockets = {line.split()[9] for line in lines if line.split()[2].endswith(ends)}
    with suppress(OSError):
        held = {str(one.readlink()) for one in Path(f"/proc/{pid}/fd").iterdir()}
        return any(f"socket:[{number}]" in held for number in sockets)
    return False


# ---- the relay that takes our letters ----


class RelaySession(smtp.SMTP):
    def connection_lost(self, error: Exception | None) -> None:
        relay: Relay = self.event_handler
        relay.note_end(id(self.session))
        super().connection_lost(error)


class Relay:
    """Takes letters and remembers when; can fall silent between a letter and its acknowledgement."""

    def __init__(self) -> None:
        # Message-ID → moments at which it was taken.
        self.taken: dict[str, list[float]] = {}
        self.cut: Counter[str] = Counter()
        self.to_cut = 0
        self._unanswered: dict[int, str] = {}
        self._controller = _Controller(self, hostname="127.0.0.1", port=free_port())

    async def handle_DATA(self, server: smtp.SMTP, session: Any, envelope: Any) -> str:  # noqa: N802
        name = str(message_from_bytes(envelope.content)["Message-ID"]).strip("<> ")
        self.taken.setdefault(name, []).append(time.time())
        self._unanswered[id(session)] = name
        if self.to_cut > 0 and isinstance(server.transport, asyncio.Transport):
            self.to_cut -= 1
            server.transport.abort()
        return "250 OK"

    async def handle_QUIT(self, server: smtp.SMTP, session: Any, envelope: Any) -> str:  # noqa: N802
        """Who takes leave has read the acknowledgement."""
        self._unanswered.pop(id(session), None)
        return "221 Bye"

    def note_end(self, session: int) -> None:
        name = self._unanswered.pop(session, "")
        if name:
            self.cut[name] += 1

    @property
    def port(self) -> int:
        return int(self._controller.port)

    def start(self) -> None:
        self._controller.start()

    def stop(self) -> None:
        self._controller.stop()


class _Controller(Controller):
    def factory(self) -> smtp.SMTP:
        return RelaySession(self.handler)


# ---- the lines ----


class Line(TcpProxy):
    """One that survives a server that is down: whoever calls meanwhile is hung up on."""

    def _accept(self) -> None:
        while self._listening.fileno() >= 0:
            super()._accept()


# ---- the disk ----


class Disk:
    """A small file system of its own for the files, which can be filled; None of it where we may not mount one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.filler = folder / "filler"
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=0700", "tmpfs", str(folder)]
        self.is_own = os.geteuid() == 0 and subprocess.run(command, check=False, capture_output=True).returncode == 0

    def fill(self) -> bool:
        """Until nothing more fits. False when there is no disk of our own."""
        if not self.is_own:
            return False
        with suppress(OSError), self.filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(64 * 1024))
        with suppress(OSError), self.filler.open("ab", buffering=0) as file:
            while True:
                file.write(bytes(1024))
        return True

    def free(self) -> None:
        self.filler.unlink(missing_ok=True)

    def remove(self) -> None:
        if self.is_own:
            subprocess.run(["umount", "--lazy", str(self.folder)], check=False)


# ---- who sends ----


class Senders:
    """Two lines of letters, each sent when its time has come: into the IMAP folder, and by SMTP until it is taken."""

    def __init__(self, server: ImapServer, port: int) -> None:
        self.server, self.port = server, port
        self.refused: list[tuple[Letter, str]] = []
        self.sent = 0
        self.tries = 0
        self.failures: list[BaseException] = []
        self._threads: list[threading.Thread] = []

    def start(self, folder: list[tuple[float, Letter]], smtp: list[tuple[float, Letter]], to: str) -> None:
        """`folder` and `smtp` name for each letter how many seconds from now it leaves."""
        now = time.monotonic()
        for work in (lambda: self._append(folder, now), lambda: self._send(smtp, now, to)):
            self._threads.append(threading.Thread(target=self._noting, args=(work,), daemon=True))
            self._threads[-1].start()

    def _noting(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # told by who waits for us
            self.failures.append(error)

    @property
    def are_done(self) -> bool:
        return not any(thread.is_alive() for thread in self._threads)

    def _append(self, letters: list[tuple[float, Letter]], start: float) -> None:
        with self.server.client() as client:
            for at, one in letters:
                time.sleep(max(0.0, start + at - time.monotonic()))
                client.append("INBOX", one.raw)
                self.sent += 1

    def _send(self, letters: list[tuple[float, Letter]], start: float, to: str) -> None:
        for at, one in letters:
            time.sleep(max(0.0, start + at - time.monotonic()))
            while not self._is_taken(one, to):
                time.sleep(0.3)
            self.sent += 1

    def _is_taken(self, one: Letter, to: str) -> bool:
        """As a mail server does: again after a lost connection and after a 4xx, never after a 5xx."""
        self.tries += 1
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2):
                pass
            with SMTP("127.0.0.1", self.port, timeout=30) as client:
                client.sendmail(one.sender, [to], one.raw)
        except SMTPException as error:
            code = getattr(error, "smtp_code", 0) or _first_code(error)
            if 500 <= code < 600:
                self.refused.append((one, str(error)))
                return True
            return False
        except OSError:
            return False
        return True


def _first_code(error: SMTPException) -> int:
    refused = getattr(error, "recipients", {})
    return next((int(code) for code, _words in refused.values()), 0)


# ---- all of it ----


@dataclass
class World:
    home: Home
    folder: Path
    postgres: Postgres
    valkey: Valkey
    imap: ImapServer
    to_imap: TcpProxy
    relay: Relay
    disk: Disk
    smtp_port: int
    env: dict[str, str] = field(default_factory=dict)
    children: dict[str, Child] = field(default_factory=dict)

    def make_children(self) -> None:
        python = [sys.executable]
        celery = [*python, "-m", "celery", "-A", "servicedesk", "--quiet"]
        worker = ["worker", "-Q", "mail-in,mail-collect,mail-out,clock", "--concurrency", "2", "--without-mingle"]
        beat = ["beat", "--schedule", str(self.folder / "beat"), "--pidfile", ""]
        commands = {
            "worker": [*celery, *worker, "--without-gossip", "--loglevel", "INFO"],
            "beat": [*celery, *beat],
            "listener": [*python, "manage.py", "smtp_listener"],
            "watcher": [*python, "manage.py", "watch_mailboxes"],
        }
        for name, command in commands.items():
            self.children[name] = Child(name, command, self.env, self.folder / f"{name}.log")

    def look(self, chance: random.Random) -> None:
        for child in self.children.values():
            child.look(chance.uniform(0.2, 1.5))

    def kill_postgres(self) -> None:
        """The postmaster; its children notice, and the next start recovers."""
        if self.postgres.process is not None:
            self.postgres.process.send_signal(signal.SIGKILL)
            self.postgres.process.wait()

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """As the owner, whom the policies do not bind."""
        connection = psycopg2.connect(self.env["DATABASE_OWNER_URL"])
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(sql, values)
                return list(cursor.fetchall()) if cursor.description else []
        finally:
            connection.close()

    def broker(self) -> Any:
        return redis.Redis.from_url(self.valkey.url)


@contextmanager
def opened(name: str) -> Iterator[World]:
    """A world without the product's processes, for the length of the block; nothing of it is left behind."""
    home = open_home(CHECKOUT, name)
    lock = try_lock(home.var / "services.lock", "bench")
    if lock is None:
        sys.exit(f"bench: another run uses {home.var}.")
    folder = home.var / "world"
    for one in (folder, home.data / "postgres", home.data / "valkey"):
        shutil.rmtree(one, ignore_errors=True)
    folder.mkdir()
    postgres, valkey, relay = Postgres(home, fleeting=False), Valkey(home, fleeting=False), Relay()
    disk = Disk(folder / "files")
    with lock, ImapServer() as imap, Line(imap.port) as to_imap:
        world = World(home, folder, postgres, valkey, imap, to_imap, relay, disk, free_port())
        try:
            postgres.start()
            valkey.start()
            relay.start()
            world.env = environment(world)
            world.make_children()
            yield world
        finally:
            for child in world.children.values():
                child.stop()
            _close(world)


def _close(world: World) -> None:
    world.relay.stop()
    world.postgres.stop()
    world.valkey.stop()
    world.disk.remove()
    for one in (world.home.data / "postgres", world.home.data / "valkey", world.home.sockets):
        shutil.rmtree(one, ignore_errors=True)


def environment(world: World) -> dict[str, str]:
    ours = {
        "DJANGO_SETTINGS_MODULE": "servicedesk.settings",
        "PYTHONUNBUFFERED": "1",
        "SECRET_KEY": "only for this world, which ends with the run: " + world.home.name,
        "DEBUG": "0",
        "DEMO": "0",
        "BASE_DOMAIN": "localhost",
        "DATABASE_URL": world.postgres.url(APP),
        "DATABASE_OWNER_URL": world.postgres.url(OWNER),
        "REDIS_URL": world.valkey.url,
        "FILES_ROOT": str(world.disk.folder),
        "MAILBOX_ROOT": str(world.folder / "mailbox"),
        "EMAIL_URL": f"smtp://127.0.0.1:{world.relay.port}",
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(world.smtp_port),
        "PRIVATE_HOSTS_ALLOWED": "127.0.0.1",
        "MAIL_BUNDLE_SECONDS": "0",
        "QUEUE_PREFIX": "faults",
        "LOG_LEVEL": "WARNING",
    }
    return {**os.environ, **ours}
