"""New mail is told of at once by servers that can do that, and the watching survives what networks do."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection

from accounts.sealed import seal
from conftest import Desk, owner_connection
from tests.imap_server import ADDRESS, PASSWORD, ImapServer
from tests.tcp_proxy import TcpProxy
from tickets.mail import watcher
from tickets.mail.watcher import Watchers, watch
from tickets.models.mailboxes import Mailbox, Security, Way

ROOT = Path(__file__).resolve().parent.parent.parent
LONGEST_WAIT = 60.0


@pytest.fixture(scope="module")
def running() -> Iterator[ImapServer]:
    with ImapServer() as server:
        yield server


@pytest.fixture
def line(running: ImapServer, settings: Any) -> Iterator[TcpProxy]:
    settings.PRIVATE_HOSTS_ALLOWED = ["127.0.0.1"]
    running.empty()
    with TcpProxy(running.port) as proxy:
        yield proxy


@pytest.fixture
def mailbox(committed_desk: Desk, line: TcpProxy) -> Mailbox:
    with committed_desk.entered():
        return Mailbox.objects.create(
            address=ADDRESS,
            way=Way.IMAP,
            host="127.0.0.1",
            port=line.port,
            security=Security.NONE,
            username=ADDRESS,
            password=seal(PASSWORD),
            has_idle=True,
        )


class Told:
    """What was told, for whoever waits for it."""

    def __init__(self) -> None:
        self.news: list[tuple[int, int]] = []
        self._changed = threading.Condition()

    def __call__(self, tenant_id: int, mailbox_id: int) -> None:
        with self._changed:
            self.news.append((tenant_id, mailbox_id))
            self._changed.notify_all()

    def wait_for(self, number: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.news) >= number, LONGEST_WAIT), self.news


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    monkeypatch.setattr(watcher, "FIRST_PAUSE", 0.1)
    return Told()


@pytest.fixture
def watchers(told: Told, mailbox: Mailbox) -> Iterator[Watchers]:
    """At work, and past the first word."""
    made = Watchers(told)
    made.look()
    told.wait_for(1)
    yield made
    made.stop()


def change(mailbox: Mailbox, desk: Desk, **values: Any) -> None:
    with desk.entered():
        Mailbox.objects.filter(pk=mailbox.pk).update(**values)


def until(what: Callable[[], bool]) -> None:
    end = time.monotonic() + LONGEST_WAIT
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_what_came_before_is_told_at_the_beginning(watchers: Watchers, told: Told, mailbox: Mailbox) -> None:
    assert told.news == [(mailbox.tenant_id, mailbox.pk)]


def test_new_mail_is_told(running: ImapServer, watchers: Watchers, told: Told) -> None:
    running.append("INBOX", b"Subject: x\r\n\r\n")
    told.wait_for(2)


def test_watching_marks_nothing(line: TcpProxy, mailbox: Mailbox, told: Told) -> None:
    """The folder is opened to look only: then the server itself changes nothing in it for us."""
    said: list[bytes] = []
    line.hears = said.append
    watchers = Watchers(told)
    watchers.look()
    told.wait_for(1)
    watchers.stop()
    words = b"".join(said)
    assert (b" EXAMINE " in words, b" SELECT " in words) == (True, False)


def test_after_a_reset_it_is_watched_again(line: TcpProxy, watchers: Watchers, told: Told) -> None:
    line.reset()
    told.wait_for(2)  # the first word of the new connection
    assert line.connections == 2


def test_watching_is_renewed_on_the_same_connection(
    running: ImapServer, line: TcpProxy, mailbox: Mailbox, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "RENEW_SECONDS", 0.1)
    said: list[bytes] = []
    line.hears = said.append
    watchers = Watchers(told)
    watchers.look()
    until(lambda: sum(piece.count(b"DONE\r\n") for piece in said) >= 2)
    running.append("INBOX", b"Subject: x\r\n\r\n")
    told.wait_for(2)
    watchers.stop()
    assert line.connections == 1


def test_a_mailbox_that_was_changed_is_connected_anew(
    committed_desk: Desk,
    running: ImapServer,
    line: TcpProxy,
    mailbox: Mailbox,
    told: Told,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watcher, "RENEW_SECONDS", 0.1)
    watchers = Watchers(told)
    watchers.look()
    told.wait_for(1)
    with running.client() as client:
        client.create_folder("Other")
    change(mailbox, committed_desk, folder="Other")
    told.wait_for(2)
    running.append("Other", b"Subject: x\r\n\r\n")
    told.wait_for(3)
    watchers.stop()


def test_a_mailbox_that_was_switched_off_is_left(committed_desk: Desk, watchers: Watchers, mailbox: Mailbox) -> None:
    (thread,) = watchers.running.values()
    change(mailbox, committed_desk, is_active=False)
    assert watchers.look() == 0
    thread.join(LONGEST_WAIT)
    assert not thread.is_alive()


def test_a_mailbox_is_watched_once(watchers: Watchers) -> None:
    threads = list(watchers.running.values())
    assert (watchers.look(), list(watchers.running.values())) == (1, threads)


def test_more_than_can_be_watched_are_not(watchers: Watchers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher, "MOST_WATCHED", 0)
    assert watchers.look() == 0


def test_who_waits_keeps_no_connection_to_the_database(mailbox: Mailbox, told: Told) -> None:
    """Three hundred of them would be more than PostgreSQL allows."""
    connection.close()
    before = _connections()  # of threads that earlier tests of this worker left
    made = Watchers(told)
    made.look()
    told.wait_for(1)
    connection.close()
    until(lambda: _connections() <= before)
    made.stop()


def test_a_server_that_refuses_is_tried_again_and_not_all_the_time(
    committed_desk: Desk, line: TcpProxy, mailbox: Mailbox, told: Told
) -> None:
    with committed_desk.entered():
        change(mailbox, committed_desk, password=seal("wrong"))
    watchers = Watchers(told)
    watchers.look()
    until(lambda: line.connections >= 2)
    watchers.stop()
    assert (told.news, line.connections < 10) == ([], True)


def test_it_says_how_many_are_watched_and_ends_when_it_is_told(mailbox: Mailbox, told: Told) -> None:
    ending, reports = threading.Event(), list[int]()
    before = threading.active_count()

    def report(number: int) -> None:
        reports.append(number)
        ending.set()

    watch(told, ending, report)
    assert reports == [1]
    until(lambda: threading.active_count() <= before + 1)  # the proxy's own


@pytest.mark.slow
def test_the_command_ends_with_sigterm(mailbox: Mailbox, running: ImapServer) -> None:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "watch_mailboxes"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": _address(), "PRIVATE_HOSTS_ALLOWED": "127.0.0.1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = [process.stdout.readline().strip() for _ in range(2)]
        process.send_signal(signal.SIGTERM)
        assert (said, process.wait(timeout=LONGEST_WAIT)) == (["watching 1 mailboxes", "ready"], 0)
    finally:
        process.kill()
        process.communicate()


def _address() -> str:
    """Of the database in which this test's desks are."""
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()


def _connections() -> int:
    with owner_connection() as direct, direct.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'desk_app'"
        )
        return int(cursor.fetchone()[0])
