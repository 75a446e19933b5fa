"""An empty database with all tables, made once and copied: migrating takes nine seconds, copying a tenth of one."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg2
from psycopg2.extensions import ISOLATION_LEVEL_AUTOCOMMIT

from servicedesk import environment
from servicedesk.line import APPS

ROOT = Path(__file__).resolve().parent.parent
PREFIX, DEMO_PREFIX = "migrated_", "demo_"
# What a table looks like is decided by these, and what the demo's desks hold by all of the product.
SHAPES = ("*/migrations/*.py", "accounts/tenancy/*.py", "requirements.txt")
STORY = (*(f"{app}/**/*.py" for app in APPS), "requirements.txt")


def migrated_template() -> str:
    """The name of the database to copy for tests: all tables, no rows."""
    return _template(PREFIX, fingerprint(SHAPES), migrate)


def demo_template() -> str:
    """The same with the demo's desks, whose story takes the verbs seven seconds to tell."""
    empty = migrated_template()

    def tell(name: str) -> None:
        with closing(connect()) as server, server.cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{name}"')
            cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{empty}"')
        env = {**os.environ, "DATABASE_URL": url_for("DATABASE_URL", name), "DEMO": "1", "QUEUE_PREFIX": name}
        subprocess.run([sys.executable, "manage.py", "create_demo"], cwd=ROOT, env=env, check=True, capture_output=True)

    return _template(DEMO_PREFIX, fingerprint(STORY), tell)


def _template(prefix: str, mark: str, fill: Callable[[str], None]) -> str:
    """One database of this kind, made when there is none as of now. Two workers that ask at once wait for the one that
    makes it."""
    name = prefix + mark
    with closing(connect()) as server, server.cursor() as cursor:
        # Until this connection ends.
        cursor.execute("SELECT pg_advisory_lock(hashtext(%s))", [prefix])
        known = names(cursor, prefix)
        if known.get(name) != "complete":
            for old in known:
                # The server's own cleaner may be in it, whom nobody sends away; the next run finds it again.
                with suppress(psycopg2.Error):
                    cursor.execute(f'DROP DATABASE "{old}" WITH (FORCE)')
            cursor.execute(f'CREATE DATABASE "{name}"')
            fill(name)
            cursor.execute(f"COMMENT ON DATABASE \"{name}\" IS 'complete'")
    return name


def make_demo(name: str) -> None:
    """A database with the demo's desks, in the place of another of this name."""
    template = demo_template()
    with closing(connect()) as server, server.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')


def fingerprint(shapes: tuple[str, ...]) -> str:
    files = sorted(path for shape in shapes for path in ROOT.glob(shape) if "tests" not in path.parts)
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()[:12]


def names(cursor: Any, prefix: str) -> dict[str, str]:
    """The templates of a kind on this server, each with its comment."""
    cursor.execute(
        "SELECT datname, coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database WHERE datname ^@ %s",
        [prefix],
    )
    return dict(cursor.fetchall())


def migrate(database: str) -> None:
    env = {**os.environ, "DATABASE_URL": url_for("DATABASE_OWNER_URL", database)}
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity=0"], cwd=ROOT, env=env, check=True)


def connect(database: str = "") -> Any:
    """As the owner of the tables, each statement for itself."""
    owner = environment.database("DATABASE_OWNER_URL")
    direct = psycopg2.connect(
        dbname=database or owner["NAME"],
        user=owner["USER"],
        password=owner["PASSWORD"],
        host=owner["HOST"],
        port=owner["PORT"],
    )
    direct.set_isolation_level(ISOLATION_LEVEL_AUTOCOMMIT)
    return direct


def url_for(name: str, database: str) -> str:
    """The address in a variable, leading to another database of the same server."""
    known = environment.database(name)
    host = quote(str(known["HOST"]), safe="")
    return f"postgres://{known['USER']}:{quote(str(known['PASSWORD']), safe='')}@{host}:{known['PORT']}/{database}"
