"""PostgreSQL and Valkey together, and the locks that let several commands share one checkout.

Whoever starts the servers of a home holds its lock until they are stopped. `run` is a host: another command finds its
servers through the notice it leaves, and uses them. A command that started them for itself waits for such guests.
Tests never wait: when another test run holds 'test', the next takes 'test-2', a cluster of its own.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from servicedesk.embedded.home import open_home, var_folder, write_secret
from servicedesk.embedded.postgres import APP, OWNER, Postgres
from servicedesk.embedded.valkey import Valkey
from servicedesk.embedded.words import CannotStartError, complain, say

# What a home's notice tells: the addresses of the servers and the ports of the copy that runs on them.
Addresses = dict[str, str]
TEST_HOMES = ("test", *(f"test-{number}" for number in range(2, 9)))
HOSTS = ("run", "services")


@dataclass
class Services:
    """The servers of one home. `servers` is empty for a guest and for who brings servers of their own."""

    var: Path
    addresses: Addresses
    servers: list[Postgres | Valkey] = field(default_factory=list)

    def leave_notice(self, addresses: Addresses) -> None:
        write_secret(self.var / "services.json", json.dumps(addresses))


# ---- locks ----


def try_lock(path: Path, command: str, kind: int = fcntl.LOCK_EX) -> IO[str] | None:
    """An open file that holds the lock until it is closed, or None when another process holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a+")
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    file.truncate(0)
    file.write(command)
    file.flush()
    return file


def wait_for_lock(path: Path, command: str, sentence: str) -> IO[str]:
    """Take the lock; after a second say once what we wait for."""
    until = time.monotonic() + 1
    told = False
    while (lock := try_lock(path, command)) is None:
        if not told and time.monotonic() > until:
            complain(sentence)
            told = True
        time.sleep(0.1)
    return lock


def read_notice(var: Path) -> Addresses | None:
    """The addresses of who holds the servers, once they are ready."""
    try:
        addresses: Addresses = json.loads((var / "services.json").read_text())
    except FileNotFoundError:
        return None
    return addresses


# ---- starting and stopping ----


@contextmanager
def host_lock(checkout: Path, name: str, command: str) -> Iterator[None]:
    """Be the one whose servers others use. Refused while another host runs."""
    path = var_folder(checkout, name) / "services.lock"
    lock = try_lock(path, command)
    if lock is None:
        holder = path.read_text()
        if holder in HOSTS:
            raise CannotStartError(
                f"`run.py {holder}` is already running in {checkout}; stop it, or use a second checkout."
            )
        lock = wait_for_lock(path, command, f"Waiting for `run.py {holder}` to end, which uses the database ...")
    with lock:
        yield


@contextmanager
def shared_services(checkout: Path, name: str, command: str) -> Iterator[Services]:
    """Use the servers that run, else start them for this block and wait for guests at its end."""
    var = var_folder(checkout, name)
    until = time.monotonic() + 60
    while (lock := try_lock(var / "services.lock", command)) is None:
        guest = try_lock(var / "guests.lock", command, fcntl.LOCK_SH)
        addresses = read_notice(var)
        if guest and addresses:
            with guest:
                yield Services(var, addresses)
            return
        if time.monotonic() > until:
            raise CannotStartError(f"Another command in {checkout} holds the database and does not get ready.")
        time.sleep(0.1)
    with lock, started(checkout, name) as services:
        services.leave_notice(services.addresses)
        yield services
        with wait_for_lock(var / "guests.lock", command, "Waiting for other commands that use the database ..."):
            (var / "services.json").unlink(missing_ok=True)


@contextmanager
def services_for_tests(checkout: Path) -> Iterator[Services]:
    """Servers for a test run, and no other run on them."""
    for name in TEST_HOMES:
        lock = try_lock(var_folder(checkout, name) / "services.lock", "test")
        if lock is None:
            continue
        if name != "test":
            say(f"Another test run holds var/test, so this one uses var/{name}.")
        with lock, started(checkout, name) as services:
            yield services
        return
    raise CannotStartError(f"{len(TEST_HOMES)} test runs in this checkout are enough; wait for one to end.")


@contextmanager
def started(checkout: Path, name: str) -> Iterator[Services]:
    var = var_folder(checkout, name)
    (var / "services.json").unlink(missing_ok=True)
    services = Services(var, {})
    try:
        _start(services, checkout, name)
        yield services
    finally:
        (var / "services.json").unlink(missing_ok=True)
        for server in services.servers:
            server.stop()
        if services.servers:
            with suppress(OSError):  # a guest's file may still be there
                services.servers[0].home.sockets.rmdir()


def _start(services: Services, checkout: Path, name: str) -> None:
    """Only what the environment does not bring."""
    own_database, own_broker = not os.environ.get("DATABASE_URL"), not os.environ.get("REDIS_URL")
    if not own_database and not own_broker:
        return
    home = open_home(checkout, name)
    fleeting = name.startswith("test")
    if own_broker:
        valkey = Valkey(home, fleeting=fleeting)
        services.servers.append(valkey)
        valkey.start()
        services.addresses["REDIS_URL"] = valkey.url
    if own_database:
        postgres = Postgres(home, fleeting=fleeting)
        services.servers.append(postgres)
        postgres.start()
        services.addresses |= {"DATABASE_URL": postgres.url(APP), "DATABASE_OWNER_URL": postgres.url(OWNER)}
