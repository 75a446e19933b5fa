"""A database per size, made by the owner and kept for the next run. What the bench did not make, it does not touch."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
from psycopg2 import errors, sql

from servicedesk.embedded.postgres import SETTINGS as SERVER_SETTINGS

CHECKOUT = Path(__file__).resolve().parent.parent
MARK = "servicedesk bench"
OWNER, APP = "DATABASE_OWNER_URL", "DATABASE_URL"
PLANNER = ("effective_cache_size", "jit", "random_page_cost", "work_mem")
# Rows of an older layout must not be measured with newer code.
SHAPES = ("accounts", "notifications", "tickets", "billing")


def name_of(tickets: int) -> str:
    return f"bench_{tickets}"


def address(variable: str, database: str | None = None) -> str:
    """The environment's address, leading to another database."""
    given = os.environ.get(variable)
    if not given:
        sys.exit(f"{variable} is not set; `python3 run.py bench` sets it.")
    return urlsplit(given)._replace(path=f"/{database}").geturl() if database else given


def environment(tickets: int, settings: str = "servicedesk.settings", **more: str) -> dict[str, str]:
    """What a process that works on one size is given: the product's own settings, quiet and without the demo."""
    names = {
        "DJANGO_SETTINGS_MODULE": settings,
        "DEBUG": "0",
        "DEMO": "0",
        "LOG_LEVEL": "CRITICAL",
        APP: address(APP, name_of(tickets)),
        OWNER: address(OWNER, name_of(tickets)),
    }
    return {**os.environ, **names, **more}


def inside(tickets: int, task: str, *arguments: str, settings: str = "servicedesk.settings", **more: str) -> Any:
    """Run a task of bench/inside.py on one size, in a process of its own, and return its answer."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.inside", task, *arguments],
        env=environment(tickets, settings, **more),
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        sys.exit(f"bench: '{task}' failed on {name_of(tickets)}.")
    return json.loads(done.stdout.splitlines()[-1])


# ---- what stands there ----


def mark_of(tickets: int) -> str:
    """The comment on a complete database: what it holds and the shape it was made in."""
    return f"{MARK}: {tickets} tickets, {fingerprint()}"


def fingerprint() -> str:
    files = [path for app in SHAPES for path in sorted((CHECKOUT / app / "migrations").glob("*.py"))]
    files += [CHECKOUT / "bench" / name for name in ("seed.py", "plan.py", "rows.py")]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()[:12]


def found_mark(tickets: int) -> str | None:
    """The comment on this size's database, '' when it has none, None when there is no such database."""
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database WHERE datname = %s",
            [name_of(tickets)],
        )
        found = cursor.fetchone()
    connection.close()
    return found[0] if found else None


def is_ready(tickets: int) -> bool:
    return found_mark(tickets) == mark_of(tickets)


def create(tickets: int) -> None:
    """An empty database in the place of an unfinished or outdated one of ours."""
    remove(tickets)
    try:
        command("CREATE DATABASE {}", name_of(tickets))
    except errors.InsufficientPrivilege:
        sys.exit(f"{OWNER}: its role may not create databases, which the bench needs (ALTER ROLE … CREATEDB).")
    set_mark(tickets, f"{MARK}: unfinished")
    # A server of one's own shall choose the plans that the product's own server chooses.
    for name in PLANNER:
        command(f"ALTER DATABASE {{}} SET {name} = {{value}}", name_of(tickets), value=SERVER_SETTINGS[name])


def remove(tickets: int) -> None:
    mark = found_mark(tickets)
    if mark is None:
        return
    if not mark.startswith(MARK):
        sys.exit(f"The database {name_of(tickets)} was not made by the bench; it is left alone.")
    command("DROP DATABASE {}", name_of(tickets))


def set_mark(tickets: int, mark: str) -> None:
    command("COMMENT ON DATABASE {} IS {mark}", name_of(tickets), mark=mark)


def made_by_bench() -> list[str]:
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT datname FROM pg_database WHERE shobj_description(oid, 'pg_database') LIKE %s ORDER BY 1",
            [f"{MARK}%"],
        )
        names = [row[0] for row in cursor.fetchall()]
    connection.close()
    return names


def connect(database: str | None = None) -> Any:
    """As the owner, whom the policies do not bind."""
    return psycopg2.connect(address(OWNER, database))


def command(template: str, database: str, **literals: str) -> None:
    """One statement about a database, which no transaction may hold."""
    connection = connect()
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            values = {name: sql.Literal(value) for name, value in literals.items()}
            cursor.execute(sql.SQL(template).format(sql.Identifier(database), **values))
    finally:
        connection.close()
