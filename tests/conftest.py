"""The whole product, running: its own database, web server, worker, listener and browser."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from servicedesk.demo import PASSWORD
from servicedesk.embedded.browser import find_browser
from servicedesk.embedded.commands import COLLECTING, QUEUES
from servicedesk.supervisor import smtp_answers, web_answers
from tests.migrated import connect, make_demo, url_for

ROOT = Path(__file__).resolve().parent.parent
# A ceiling that only a hang reaches.
LONGEST_WAIT = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: Callable[[], Any], why: str) -> Any:
    """Ask until the answer is true."""
    end = time.monotonic() + LONGEST_WAIT
    while time.monotonic() < end:
        answer = what()
        if answer:
            return answer
        time.sleep(0.1)
    raise AssertionError(f"waited {LONGEST_WAIT:.0f} s for {why}")


@dataclass
class Product:
    """A running copy. Its people read English here, so that the tests can."""

    port: int
    smtp_port: int
    env: dict[str, str]
    database: str
    # The cookies of who logged in before, by desk and address: logging in takes most of a second.
    sessions: dict[tuple[str, str], Any] = field(default_factory=dict)

    def at(self, desk: str = "integrator") -> str:
        return f"http://{desk}.localhost:{self.port}"

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """What really stands in the database, asked as its owner."""
        with closing(connect(self.database)) as direct, direct.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    folder = tmp_path_factory.mktemp("product")
    database = f"product_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    make_demo(database)
    port, smtp_port = free_port(), free_port()
    env = {
        **os.environ,
        "DATABASE_URL": url_for("DATABASE_URL", database),
        "DEMO": "1",
        "MAIL_BUNDLE_SECONDS": "0",  # nobody waits for what might still happen
        "PORT": str(port),
        "SMTP_PORT": str(smtp_port),
        "EMAIL_URL": f"smtp://127.0.0.1:{smtp_port}",
        "FILES_ROOT": str(folder / "files"),
        "MAILBOX_ROOT": str(folder / "mailbox"),
        "STATIC_ROOT": str(folder / "static"),
        "QUEUE_PREFIX": database,
        "LOGINS_PER_MINUTE": "1000",  # all that these tests do comes from one address
    }
    manage(env, "compile_texts")
    manage(env, "collectstatic", "--noinput", "--verbosity=0")
    running = Product(port, smtp_port, env, database)
    running.query("UPDATE accounts_person SET language = 'en'")
    children = start(env, folder, port)
    try:
        wait_for(lambda: web_answers("127.0.0.1", port), "the web server")
        wait_for(lambda: smtp_answers("127.0.0.1", smtp_port), "the SMTP listener")
        yield running
    finally:
        for child in children:
            os.killpg(child.pid, signal.SIGTERM)
        for child in children:
            child.wait(timeout=LONGEST_WAIT)


def manage(env: dict[str, str], *arguments: str) -> None:
    subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=env, check=True, capture_output=True)


def start(env: dict[str, str], folder: Path, port: int) -> list[subprocess.Popen[bytes]]:
    python = [sys.executable, "-m"]
    commands = [
        [
            *python,
            "gunicorn",
            "servicedesk.wsgi:application",
            "-b",
            f"127.0.0.1:{port}",
            "-k",
            "gthread",
            "--threads",
            "4",
        ],
        [
            *python,
            "celery",
            "-A",
            "servicedesk",
            "worker",
            "--concurrency",
            "1",
            "-Q",
            f"{QUEUES},{COLLECTING}",
        ],
        [sys.executable, "manage.py", "smtp_listener"],
    ]
    children = []
    for number, command in enumerate(commands):
        with (folder / f"{number}.log").open("wb") as log:
            child = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True)
        children.append(child)
    return children


# ---- the browser ----


# For one file: Playwright's event loop would stand in the way of the database tests that follow on the same worker.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    path = find_browser()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("CI runs the browser tests, but there is no Chromium.")
        pytest.skip("no Chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=path,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-sync",
            ],
        )


Session = Callable[..., Any]


@pytest.fixture
def session(browser: Any, product: Product) -> Iterator[Session]:
    """session('customer@…'): a new page of somebody logged in, in a browser profile of their own; its faults fail."""
    contexts, faults = [], []

    def open_page(email: str = "", *, desk: str = "integrator", width: int = 1280) -> Any:
        context = browser.new_context(
            base_url=product.at(desk),
            viewport={"width": width, "height": 900},
            locale="en-GB",
            storage_state=product.sessions.get((desk, email)),
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        if email:
            log_in(page, email)
            product.sessions[desk, email] = context.storage_state()
        return page

    yield open_page
    for context in contexts:
        context.close()
    # A refused form answers 422 or 409, which the browser notes as an error of the network, as it does when a test cuts
    # the line: that is no fault.
    assert [fault for fault in faults if "status of 4" not in fault and "INTERNET_DISCONNECTED" not in fault] == []


def log_in(page: Any, email: str) -> None:
    page.goto("/account/login/")
    if "/account/login/" not in page.url:  # who is logged in is led on
        return
    page.fill("input[name=login]", email)
    page.fill("input[name=password]", PASSWORD)
    page.click("main button[type=submit], main form button:not([type=button])")
    page.wait_for_url(lambda url: "/account/login/" not in url)
