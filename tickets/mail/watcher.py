"""Waiting for new mail at the servers that tell of it (IMAP IDLE), so that it becomes a request within seconds.

It only makes collecting happen sooner: each mailbox is looked into every minute anyway. That is why a thread per
mailbox is enough, up to a limit: what is beyond it, lost or late is found a minute later.
"""

import random
import threading
import time
from collections.abc import Callable

import structlog
from django.db import close_old_connections, connection

from accounts.tenancy import enter
from tickets.mail.collector import KNOWN
from tickets.mail.imap import Connection, secret_of
from tickets.models.mailboxes import Mailbox

log = structlog.get_logger(__name__)

# A thread sleeps nearly always; this many are 60 MB and one socket each.
MOST_WATCHED = 300
LOOK_SECONDS = 30.0  # for mailboxes that were added, changed or removed
# Servers log out who says nothing for half an hour, and firewalls forget sooner.
RENEW_SECONDS = 540.0
# After news: a server that tells of each of a thousand messages is told of once.
REST_SECONDS = 2.0
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 600.0  # seconds, before a server that failed is tried again
LONG_ENOUGH = 60.0  # seconds; a connection that lasted so long was a good one
STOP_SECONDS = 5.0

Key = tuple[int, int]  # tenant id, mailbox id
Tell = Callable[[int, int], None]


class MailboxWatcher(threading.Thread):
    """One mailbox: connects, waits, tells, and begins anew when the connection is lost. Ends after `stop`."""

    def __init__(self, key: Key, tell: Tell) -> None:
        super().__init__(name=f"watch-{key[0]}-{key[1]}", daemon=True)
        self.key = key
        self.tell = tell
        self._ending = threading.Event()
        self._connection: Connection | None = None

    def stop(self) -> None:
        self._ending.set()
        if self._connection is not None:
            self._connection.abort()

    def run(self) -> None:
        pause = FIRST_PAUSE
        while not self._ending.is_set():
            began = time.monotonic()
            try:
                self._watch()
                continue
            except Exception as error:  # a thread that dies would be missed by nobody
                self._note(error)
            if time.monotonic() - began > LONG_ENOUGH:
                pause = FIRST_PAUSE
            # Not all at once, when a server comes back.
            self._ending.wait(pause * random.uniform(0.8, 1.2))  # noqa: S311 - no secret
            pause = min(pause * 2, LONGEST_PAUSE)

    def _note(self, error: Exception) -> None:
        if not self._ending.is_set():
            known = isinstance(error, KNOWN)
            tenant, mailbox = self.key
            log.info("watching ended", tenant=tenant, mailbox_id=mailbox, error=str(error), exc_info=not known)

    def _watch(self) -> None:
        """Until the mailbox is set up in another way, or `stop`. Raises what opening raises, and Lost."""
        mailbox, secret = self._load()
        with Connection(mailbox, secret, life=None) as opened:
            self._connection = opened
            opened.select(only_look=True)
            opened.idle()
            # What came while nobody was watching.
            self.tell(*self.key)
            while not self._ending.is_set() and _set_up(self._row()) == _set_up(mailbox):
                self._wait(opened)

    def _wait(self, opened: Connection) -> None:
        """Tell of news until it is time to say something ourselves."""
        end = time.monotonic() + RENEW_SECONDS
        while (left := end - time.monotonic()) > 0:
            heard = opened.heard(left)
            if _has_new(heard):
                self.tell(*self.key)
                self._ending.wait(REST_SECONDS)
            elif not heard:
                break  # the time is over, or it was woken by nothing, which is how the end of a connection sounds
        if not self._ending.is_set():
            if _has_new(opened.idle_done()):
                self.tell(*self.key)
            opened.idle()

    def _load(self) -> tuple[Mailbox, str]:
        mailbox = self._row()
        try:
            return mailbox, secret_of(mailbox)
        finally:
            connection.close()

    def _row(self) -> Mailbox:
        """Keeps no connection to the database for the hours of waiting."""
        try:
            with enter(self.key[0]):
                return Mailbox.objects.get(pk=self.key[1])
        finally:
            connection.close()


class Watchers:
    """The threads of all mailboxes whose server tells of new mail."""

    def __init__(self, tell: Tell) -> None:
        self.tell = tell
        self.running: dict[Key, MailboxWatcher] = {}

    def look(self) -> int:
        """Begin with what was added, end what was removed; how many are watched now."""
        wanted = watched_mailboxes()
        if len(wanted) > MOST_WATCHED:
            log.warning("more mailboxes than can be watched", watched=MOST_WATCHED, mailboxes=len(wanted))
        keep = set(wanted[:MOST_WATCHED])
        for key in set(self.running) - keep:
            self.running.pop(key).stop()
        for key in wanted[:MOST_WATCHED]:
            if key not in self.running:
                self.running[key] = MailboxWatcher(key, self.tell)
                self.running[key].start()
        return len(self.running)

    def stop(self) -> None:
        for watcher in self.running.values():
            watcher.stop()
        end = time.monotonic() + STOP_SECONDS
        for watcher in self.running.values():
            watcher.join(max(0.0, end - time.monotonic()))
        self.running.clear()


def watched_mailboxes() -> list[Key]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tenant_id, mailbox_id FROM desk_watched_mailboxes() ORDER BY mailbox_id")
        return [(int(tenant), int(mailbox)) for tenant, mailbox in cursor.fetchall()]


def watch(tell: Tell, ending: threading.Event, report: Callable[[int], None]) -> None:
    """Watch until `ending` is set. `report` hears how many mailboxes are watched, at first and when that changes."""
    watchers, before = Watchers(tell), -1
    try:
        while not ending.is_set():
            close_old_connections()
            now = watchers.look()
            if now != before:
                report(now)
            before = now
            ending.wait(LOOK_SECONDS)
    finally:
        watchers.stop()


def _has_new(heard: list[object]) -> bool:
    return any(isinstance(line, tuple) and len(line) > 1 and line[1] == b"EXISTS" for line in heard)


def _set_up(mailbox: Mailbox) -> tuple[object, ...]:
    names = ("host", "port", "security", "username", "folder", "log_in", "password", "is_active", "way")
    return tuple(getattr(mailbox, name) for name in names)
