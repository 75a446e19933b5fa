"""What `run.py` can be asked for. All of it runs in the project's virtual environment."""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from servicedesk.embedded import variables
from servicedesk.embedded.browser import find_browser, install_browser
from servicedesk.embedded.certificate import certificate_in
from servicedesk.embedded.home import programs_of_postgres
from servicedesk.embedded.process import spawn, stop
from servicedesk.embedded.services import host_lock, services_for_tests, shared_services, started
from servicedesk.embedded.variables import Environment, as_app, as_owner, full_environment
from servicedesk.embedded.words import CannotStartError, complain, say
from servicedesk.line import APPS
from servicedesk.supervisor import (
    Child,
    Interrupted,
    Supervisor,
    beat_answers,
    end_leftovers,
    ignore_signals,
    interrupt_on_signals,
    require_ports,
    smtp_answers,
    watcher_answers,
    web_answers,
    worker_answers,
)

CHECKOUT = variables.checkout_folder()
VAR = CHECKOUT / "var"
QUEUES = "mail-in,mail-out,clock,documents,celery"
# Apart: a slow mail server may hold whoever collects from it for minutes. They mostly wait, so threads will do.
COLLECTING = "mail-collect"
COLLECTORS = ("--pool", "threads", "--concurrency", "4", "--without-mingle", "--without-gossip")
# One worker has no neighbours to look for, which takes a second at each start.
LONE_WORKER = ("--concurrency", "2", "--without-mingle", "--without-gossip")
# A person waits for a page; jobs may take longer.
WEB_STATEMENT_TIMEOUT_MS = "15000"
NEEDS_OWNER = ("migrate", "makemigrations")
END_SECONDS = 20.0


def main(command: str, arguments: list[str]) -> int:
    interrupt_on_signals()
    try:
        return COMMANDS[command](arguments)
    except CannotStartError as refusal:
        complain(str(refusal))
    except PermissionError as error:
        complain(f"{error.filename} belongs to another user: run as that user, or remove it.")
    except Interrupted:
        return 130
    return 1


def python(*arguments: str | Path) -> list[str]:
    return [sys.executable, *map(str, arguments)]


# ---- run ----


def run(_arguments: list[str]) -> int:
    host = os.environ.get("HOST") or "127.0.0.1"
    ports = {"PORT": variables.port("PORT"), "SMTP_PORT": variables.port("SMTP_PORT")}
    with host_lock(CHECKOUT, "run", "run"):
        end_leftovers(VAR / "pids")
        variables.require_owner()
        require_ports(host, ports)
        with started(CHECKOUT, "run") as services:
            environment = with_certificate(full_environment(services, demo=True))
            desks = prepare(environment)
            product = Supervisor(children(environment, host, ports), services.servers, CHECKOUT, VAR / "pids")
            with stopped_at_the_end(product):
                product.start()
                services.leave_notice(variables.notice_of(environment))
                say(welcome(desks, ports["SMTP_PORT"]))
                product.watch()
    return 0


def with_certificate(environment: Environment) -> Environment:
    """The listener offers STARTTLS from the first start on; a certificate of one's own takes this one's place."""
    if environment.get("SMTP_TLS_CERT"):
        return environment
    certificate, key = certificate_in(VAR / "tls", environment["BASE_DOMAIN"])
    return {**environment, "SMTP_TLS_CERT": str(certificate), "SMTP_TLS_KEY": str(key)}


@contextlib.contextmanager
def stopped_at_the_end(product: Supervisor) -> Iterator[None]:
    """To be asked to end is how a server's life ends well, so it is no failure."""
    try:
        yield
    except Interrupted:
        say("Stopping ...")
    finally:
        ignore_signals()
        product.stop()


def prepare(environment: Environment) -> str:
    """Migrate as the owner and, beside it, what needs no tables; returns the desks' addresses and logins."""
    say("Preparing the database, translations and static files ...")
    desks = VAR / "desks.txt"
    module = python("-m", "servicedesk.embedded.prepare")
    owner = spawn([*module, "owner"], env=as_owner(environment), cwd=CHECKOUT)
    app = spawn(
        [*module, "app", str(desks)],
        env=as_app(environment),
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        output=subprocess.PIPE,
    )
    try:
        migrated = owner.wait() == 0
        # Without the line it ends; what it has to say then, the owner's part has said already.
        output, _ = app.communicate(b"migrated\n" if migrated else b"")
    finally:
        stop(owner, signal.SIGTERM, END_SECONDS)
        stop(app, signal.SIGTERM, END_SECONDS)
    if migrated and output:
        say(output.decode(errors="replace").rstrip())
    if not migrated or app.returncode:
        raise CannotStartError("The product was not started, because its preparation failed.")
    return desks.read_text(encoding="utf-8")


def children(environment: Environment, host: str, ports: dict[str, int]) -> list[Child]:
    app = as_app(environment)
    web = {"STATEMENT_TIMEOUT_MS": WEB_STATEMENT_TIMEOUT_MS, **app}
    probe = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - asks, binds nothing
    beat_pid = VAR / "pids" / "beat-ready"
    return [
        Child("web", "The web server", gunicorn(host, ports["PORT"]), web, lambda _: web_answers(probe, ports["PORT"])),
        Child("work", "The worker", celery("worker", "-Q", QUEUES, *LONE_WORKER), app, worker_answers),
        Child("coll", "The collector", celery("worker", "-Q", COLLECTING, *COLLECTORS), app, worker_answers),
        Child(
            "beat",
            "The clock",
            celery("beat", "--schedule", str(VAR / "beat-schedule"), "--pidfile", str(beat_pid)),
            app,
            partial(beat_answers, pidfile=beat_pid),
        ),
        Child(
            "smtp",
            "The SMTP listener",
            python("manage.py", "smtp_listener"),
            app,
            lambda _: smtp_answers(app.get("SMTP_HOST") or "127.0.0.1", ports["SMTP_PORT"]),
        ),
        Child("idle", "The mailbox watcher", python("manage.py", "watch_mailboxes"), app, watcher_answers),
    ]


def gunicorn(host: str, port: int) -> list[str]:
    """The application is loaded once and forked: a quicker start, and memory that the workers share."""
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    workers = os.environ.get("WEB_CONCURRENCY") or "2"
    return python(
        "-m", "gunicorn", "servicedesk.wsgi:application", "--bind", address, "--preload", "--no-control-socket",
        "--worker-class", "gthread", "--workers", workers, "--threads", "4", "--graceful-timeout", "8",
    )  # fmt: skip


def celery(command: str, *arguments: str) -> list[str]:
    # Celery warns root in five lines at each start; that its jobs run as who started them is no news.
    quiet = ("-W", "ignore:You're running the worker with superuser privileges")
    return python(*quiet, "-m", "celery", "-A", "servicedesk", "--quiet", command, *arguments, "--loglevel", "INFO")


def welcome(desks: str, smtp_port: int) -> str:
    line = "─" * 78
    return (
        f"\n{line}\n{desks.rstrip()}\n\nSMTP listener: 127.0.0.1 port {smtp_port}\nCtrl-C stops everything.\n{line}\n"
    )


# ---- tests ----


def test(arguments: list[str]) -> int:
    return run_pytest(["-m", "not slow"], arguments)


def test_all(arguments: list[str]) -> int:
    """All of them; without arguments it also counts the lines that none of them reaches."""
    return run_pytest([], arguments or coverage_options())


def pictures(arguments: list[str]) -> int:
    """With the demo that the browser tests walk through, so that everybody's pictures show the same."""
    return run_pytest(["-n", "0"], [str(CHECKOUT / "tests" / "take_pictures.py"), *arguments])


def run_pytest(markers: list[str], arguments: list[str]) -> int:
    variables.require_owner()
    browser = browser_for_tests()
    with services_for_tests(CHECKOUT) as services:
        environment = full_environment(services, demo=False)
        if browser:
            environment["CHROMIUM"] = browser
        # Of its own, so that two test runs do not overwrite each other's lines.
        environment.setdefault("COVERAGE_FILE", str(services.var / "coverage"))
        return foreground(python("-m", "pytest", "-n", "2", *markers, *arguments), environment)


def coverage_options() -> list[str]:
    covered = [f"--cov={name}" for name in APPS if (CHECKOUT / name).is_dir()]
    return [*covered, "--cov-fail-under=90", "--cov-report=term:skip-covered"]


def browser_for_tests() -> str | None:
    browser = find_browser() or install_browser()
    if browser is None:
        if os.environ.get("CI", "").lower() in ("1", "true", "yes"):
            raise CannotStartError(
                "CI: is set, so browser tests must run, but there is no Chromium. CHROMIUM names one."
            )
        say("Browser tests are skipped: no Chromium was found. Install one, or name it in CHROMIUM.")
    return browser


# ---- check ----


def check(_arguments: list[str]) -> int:
    """Every check runs, also after one has failed."""
    with services_for_tests(CHECKOUT) as services:
        environment = full_environment(services, demo=False)
        results = {title: passes(title, command, environment) for title, command in checks().items()}
        title, command = "check --deploy", python("manage.py", "check", "--deploy", "--fail-level", "WARNING")
        results[title] = passes(title, command, as_app({**environment, **production()}))
    say("\n" + "\n".join(f"{'passed' if passed else 'FAILED'}  {title}" for title, passed in results.items()))
    return 0 if all(results.values()) else 1


def checks() -> dict[str, list[str]]:
    programs = Path(sys.executable).parent
    templates = sorted(str(path) for path in CHECKOUT.glob("templates/**/*.html"))
    return {
        "ruff check": python("-m", "ruff", "check", "."),
        "ruff format": python("-m", "ruff", "format", "--check", "."),
        "mypy": python("-m", "mypy"),
        "import-linter": [str(programs / "lint-imports")],
        "djade": [str(programs / "djade"), "--check", *templates],
        "makemigrations": python("manage.py", "makemigrations", "--check", "--dry-run"),
        "house lints": python("manage.py", "lint_house"),
    }


def production() -> Environment:
    """A production's settings as far as `check --deploy` judges them."""
    return {
        "DEBUG": "0",
        "DEMO": "0",
        "BASE_DOMAIN": "desk.example.com",
        "PUBLIC_SCHEME": "https",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "EMAIL_URL": "smtp+tls://desk:secret@mail.example.com:587",
    }


def passes(title: str, command: Sequence[str], environment: Environment) -> bool:
    say(f"\n── {title}")
    started_at = time.monotonic()
    process = spawn(command, env=environment, cwd=CHECKOUT)
    try:
        passed = process.wait() == 0
    finally:
        stop(process, signal.SIGTERM, END_SECONDS)
    say(f"   {'passed' if passed else 'FAILED'} in {time.monotonic() - started_at:.1f} s")
    return passed


# ---- manage, bench, services ----


def manage(arguments: list[str]) -> int:
    with shared_services(CHECKOUT, "run", "manage") as services:
        environment = full_environment(services, demo=True)
        narrow = as_owner if arguments[:1] and arguments[0] in NEEDS_OWNER else as_app
        # For `manage dbshell`; a psql of the system comes first.
        environment["PATH"] = f"{environment.get('PATH', os.defpath)}{os.pathsep}{programs_of_postgres()}"
        return foreground(python("manage.py", *arguments), narrow(environment))


def bench(arguments: list[str]) -> int:
    """On servers of its own with the product's settings: millions of rows neither disturb a desk nor a test."""
    with host_lock(CHECKOUT, "bench", "bench"), started(CHECKOUT, "bench") as services:
        return foreground(python("-m", "bench", *arguments), full_environment(services, demo=False))


def hold_services(_arguments: list[str]) -> int:
    """For a debugger or another tool: the product's servers without the product."""
    with host_lock(CHECKOUT, "run", "services"), started(CHECKOUT, "run") as services:
        environment = variables.notice_of(full_environment(services, demo=True))
        services.leave_notice(environment)
        for name, value in environment.items():
            say(f"export {name}='{value}'")
        say("# Ctrl-C stops PostgreSQL and Valkey.")
        with contextlib.suppress(Interrupted):
            signal.pause()
    return 0


def foreground(command: Sequence[str], environment: Environment) -> int:
    """Run a command that has the terminal. A Ctrl-C is the command's own affair: a shell goes on after it."""
    process = spawn(command, env=environment, cwd=CHECKOUT, stdin=None, own_session=False)
    before = signal.signal(signal.SIGINT, partial(_leave_to, process))
    try:
        return process.wait()
    finally:
        signal.signal(signal.SIGINT, before)
        stop(process, signal.SIGTERM, END_SECONDS)


def _leave_to(process: subprocess.Popen[bytes], _number: int, _frame: object) -> None:
    """A terminal has sent the signal to the command as well; anything else has sent it to us alone."""
    if not os.isatty(0):
        process.send_signal(signal.SIGINT)


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "run": run,
    "test": test,
    "test-all": test_all,
    "check": check,
    "manage": manage,
    "bench": bench,
    "pictures": pictures,
    "services": hold_services,
}
