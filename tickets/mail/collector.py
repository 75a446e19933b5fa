"""Collecting a mailbox: what is new there is stored here, and only what is stored is marked, moved or deleted there.

No transaction is open while the server is spoken to. Whoever collects holds the mailbox for some seconds at a time;
that saves work and nothing depends on it, because the same bytes are stored once (tickets.mail.keeping). Killed between
any two lines, the next pass begins where progress was last saved.
"""

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from io import BytesIO
from typing import IO, Any

import structlog
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.files import no_files_of_failures
from accounts.models import Tenant
from accounts.outside import NotOutside
from accounts.sealed import CannotOpenError
from accounts.tenancy import enter
from tickets.mail.clean import one_line
from tickets.mail.imap import CannotCollect, Connection, Folder, Listed, Lost, Refusal, secret_of
from tickets.mail.keeping import BEGINNING, LARGEST_MESSAGE, Arrived, keep, keep_all
from tickets.mail.mailboxes import return_path
from tickets.mail.oauth import NotNow, Withdrawn, entered
from tickets.models import IncomingMessage
from tickets.models.incoming import Source
from tickets.models.mailboxes import AfterStoring, FirstTime, Mailbox, Way

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=30)
# A part of it: it is prolonged before it ends, and not with every piece.
PROLONG_AFTER = 10.0  # seconds
LOOK_EVERY = timedelta(seconds=60)
BACK_OFF = (0.25, 0.5, 1, 2, 5, 10)  # minutes
# Others wait for this worker too: what is left is for the next pass, which begins at once.
LONGEST_PASS = 120.0  # seconds
LONGEST_MESSAGE = 900.0  # seconds, where one large message comes through a thin or a bad line

SMALL = BEGINNING  # bytes, of one message and of a batch
MOST_IN_BATCH = 50
LISTED_AT_ONCE = 400
UNKNOWN = SMALL + 1
HANDED_OVER = 10  # messages, to one job

# Minutes until a message is asked for again that the server did not give; then it stays listed, for a person to look.
ASK_AGAIN = (2, 30)
MOST_TRIES = len(ASK_AGAIN) + 1
# It is not the messages then: the server is not well, or not honest.
MOST_IN_A_ROW, MOST_TROUBLES = 50, 200
MOST_LOSSES = 3  # of the connection, one after the other, with nothing fetched in between

HandOver = Callable[..., None]

LONGEST_ERROR = 500  # characters


@dataclass
class Collected:
    """What a pass did. `more`: there was no time for all of it."""

    stored: int = 0
    troubles: int = 0
    error: str = ""
    more: bool = False


class TakenOver(Exception):  # noqa: N818 - read as a sentence: raise TakenOver
    """Somebody else collects this mailbox now: we were too slow. What they do need not be done."""


def collect(tenant_id: int, mailbox_id: int, *, hand_over: HandOver | None = None) -> Collected | None:
    """Look for new mail and store it. None when somebody else is at it, or when there is nothing to collect there.

    `hand_over(tenant_id, *message_ids)` is told what was stored; without it the sweep finds the messages. A failure is
    noted on the mailbox and in the answer, and raises nothing.
    """
    with enter(tenant_id):
        held = _take(mailbox_id)
        mailbox = Mailbox.objects.filter(pk=mailbox_id).first() if held else None
        language = Tenant.objects.values_list("language", flat=True).get()
    if mailbox is None:
        return None
    with translation.override(language):  # what people read on the mailbox
        return _Pass(mailbox, hand_over or _nobody).run()


def start_over(mailbox: Mailbox) -> None:
    """Forget how far we are: the mailbox is another one now (server, user or folder were changed). Saves it."""
    mailbox.uid_validity, mailbox.last_uid, mailbox.troubles = None, 0, {}
    mailbox.last_ok_at = mailbox.failing_since = mailbox.held_until = None
    mailbox.error, mailbox.has_idle = "", False
    mailbox.next_look_at = timezone.now() if mailbox.is_collected else None
    mailbox.save(update_fields=[*_PROGRESS, *_RESULT, "held_until"])


_PROGRESS = ("uid_validity", "last_uid", "troubles")
_RESULT = ("last_ok_at", "error", "failing_since", "next_look_at", "has_idle")


def _take(mailbox_id: int) -> bool:
    """The row's lock decides between two collectors; who finds it held by anybody does not wait."""
    now = timezone.now()
    is_free = Q(held_until__isnull=True) | Q(held_until__lt=now)
    free = Mailbox.objects.filter(is_free, pk=mailbox_id, is_active=True, way=Way.IMAP)
    ours = list(free.select_for_update(skip_locked=True).values_list("pk", flat=True))
    return bool(ours and Mailbox.objects.filter(pk__in=ours).update(held_until=now + LEASE))


def _nobody(tenant_id: int, *message_ids: int) -> None:
    """The sweep finds them."""


class _Pass:
    """One look into one mailbox."""

    def __init__(self, mailbox: Mailbox, hand_over: HandOver) -> None:
        self.mailbox = mailbox
        self.hand_over = hand_over
        self.result = Collected()
        self.complaint = ""  # what did not work and stopped nothing
        self.has_marked = False
        self.losses = 0
        self.refused = 0  # messages, one after the other
        self.found_now: set[int] = set()  # troubles of this pass, which the next one tries again
        self.has_idle = mailbox.has_idle
        self.connection = Connection(mailbox, "")
        self.folder = Folder(validity=0, next_uid=0, messages=0)
        self.last_there = 0
        self.started = self.prolonged = time.monotonic()
        self.log = log.bind(tenant=mailbox.tenant_id, mailbox=mailbox.address)

    def run(self) -> Collected:
        try:
            self._run()
        except TakenOver:
            self.log.info("mailbox was taken over", stored=self.result.stored)
        return self.result

    def _run(self) -> None:
        try:
            self._look()
        except TakenOver:
            raise
        except Exception as error:  # whatever it is, it is shown on the mailbox, and the next pass tries again
            self._note_failure(error)
        else:
            self._note_success()

    def _look(self) -> None:
        try:
            self._connect()
            self._begin()
            for batch in self._batches(self._new()):
                self._collect(batch)
                if self._is_late(LONGEST_PASS):
                    self.result.more = True
                    return
            self._end_first_look()
            self._try_troubles()
        finally:
            self.connection.close()

    def _is_late(self, most: float) -> bool:
        return time.monotonic() - self.started > most

    # ---- the connection ----

    def _connect(self) -> None:
        self.connection = Connection(self.mailbox, secret_of(self.mailbox), pulse=self._pulse)
        self.connection.open()
        self.folder = self.connection.select()
        self.has_idle = self.connection.has_idle()

    def _reconnect(self, loss: Lost) -> None:
        """Raises Lost when it was lost too often, CannotCollect when the folder became another one meanwhile."""
        self.losses += 1
        if self.losses > MOST_LOSSES:
            raise loss
        self.log.info("connection lost", error=str(loss))
        self.connection.close()
        validity = self.folder.validity
        self._connect()
        if self.folder.validity != validity:
            raise CannotCollect(_("The folder was replaced while it was read. It is read again."))

    # ---- what is new ----

    def _begin(self) -> None:
        """See whether the folder is the one we know. Until a first look is finished its number is kept as a negative
        one: what was there before is chosen by other rules than what comes later."""
        mailbox, validity = self.mailbox, self.folder.validity
        if mailbox.uid_validity in (validity, -validity):
            return
        mailbox.troubles = {}
        mailbox.uid_validity, mailbox.last_uid = -validity, 0
        if mailbox.last_ok_at is None and mailbox.first_time == FirstTime.NONE:
            mailbox.uid_validity, mailbox.last_uid = validity, self._last_there()
        self._save_progress()

    def _is_first_look(self) -> bool:
        return (self.mailbox.uid_validity or 0) < 0

    def _last_there(self) -> int:
        """The highest UID that was given out when we came; servers that do not say it are asked for all."""
        return self.folder.next_uid - 1 if self.folder.next_uid else max(self.connection.search(1), default=0)

    def _new(self) -> list[int]:
        first = self.mailbox.last_uid + 1
        if not self._is_first_look():
            return self.connection.search(first)
        self.last_there = self._last_there()
        if self.last_there < first:
            return []
        return self.connection.search(first, self.last_there, **self._chosen())

    def _chosen(self) -> dict[str, Any]:
        """At the very first what the mailbox says; when the server has numbered its messages anew, all that nobody has
        read and all that can have come since we were there. What we have already is recognised by its bytes."""
        if self.mailbox.last_ok_at is not None:
            return {"unread": True, "since": _day_before(self.mailbox.last_ok_at)}
        return {"unread": self.mailbox.first_time == FirstTime.UNREAD}

    def _end_first_look(self) -> None:
        """What came while we looked is new like everything from now on."""
        if self._is_first_look():
            self.mailbox.uid_validity = self.folder.validity
            self.mailbox.last_uid = max(self.mailbox.last_uid, self.last_there)
            self._save_progress()
            self.result.more = True

    def _batches(self, uids: list[int]) -> Iterator[list[Listed]]:
        """Together at most 8 MB and 50 messages; a larger one is alone. Sizes are asked for as they are needed."""
        for start in range(0, len(uids), LISTED_AT_ONCE):
            some = uids[start : start + LISTED_AT_ONCE]
            yield from _grouped(self._sizes(some))

    def _sizes(self, uids: list[int]) -> list[Listed]:
        while True:
            try:
                return self.connection.sizes(uids)
            except Lost as loss:
                self._reconnect(loss)
            except Refusal:  # one of them has a size that cannot be read: each is fetched alone
                return [Listed(uid, UNKNOWN) for uid in uids]

    # ---- fetching ----

    def _collect(self, batch: list[Listed]) -> None:
        """Fetch, store, mark, save how far we are – in this order."""
        self._prolong()
        if batch[0].size > SMALL:
            self._collect_alone(batch[0])
        else:
            self._collect_together(batch)

    def _collect_together(self, batch: list[Listed]) -> None:
        try:
            found = self.connection.fetch([one.uid for one in batch])
        except CannotCollect as failure:
            self._look_after(failure)
            found = {}
        # An empty answer for a message that has a size is a refusal.
        found = {one.uid: found[one.uid] for one in batch if found.get(one.uid) or (one.uid in found and not one.size)}
        self._keep({uid: BytesIO(raw) for uid, raw in found.items()})
        for one in batch:
            if one.uid not in found:
                self._collect_alone(one)
        self._advance(batch[-1].uid)

    def _collect_alone(self, one: Listed) -> None:
        """A message that cannot be had is noted, and those behind it flow on."""
        try:
            self._fetch_and_keep(one)
        except CannotCollect as failure:
            self._note_trouble(one.uid, failure)
            # At once: should it break every connection, the next pass begins behind it.
            self._advance(one.uid)
            self._look_after(failure)
            if self.connection.present([one.uid]):
                return
        self.mailbox.troubles.pop(str(one.uid), None)
        self._advance(one.uid)

    def _advance(self, uid: int) -> None:
        self.mailbox.last_uid = max(self.mailbox.last_uid, uid)
        self._save_progress()

    def _look_after(self, failure: CannotCollect) -> None:
        if isinstance(failure, Lost):
            self._reconnect(failure)

    def _fetch_and_keep(self, one: Listed) -> None:
        with tempfile.TemporaryFile() as file:
            self._fetch_pieces(one, file, SMALL if one.size > LARGEST_MESSAGE else LARGEST_MESSAGE)
            # Sizes that servers tell are not always true.
            self._keep({one.uid: file}, is_cut=one.size > LARGEST_MESSAGE or file.tell() >= LARGEST_MESSAGE)

    def _fetch_pieces(self, one: Listed, file: IO[bytes], most: int) -> None:
        """A broken connection is taken up again where it broke, as long as something comes through it."""
        while True:
            before = file.tell()
            try:
                self.connection.fetch_on(one, file, most)
                return
            except Lost as loss:
                if file.tell() == before or self._is_late(LONGEST_MESSAGE):
                    raise
                self.losses = 0
                self._reconnect(loss)

    # ---- storing ----

    def _keep(self, found: dict[int, IO[bytes]], *, is_cut: bool = False) -> None:
        """One short transaction; only what it committed is touched on the server and handed over."""
        if not found:
            return
        self._prolong()
        self.losses = self.refused = 0
        # In this order: while a commit is answered nobody knows whether it stands, and then the files stay.
        with entered(self.mailbox), no_files_of_failures():
            kept = self._store(list(found.values()), is_cut)
        self.result.stored += len(kept)
        self._mark(list(found))
        waiting = [message.pk for message in kept if message.next_try_at is not None]
        for start in range(0, len(waiting), HANDED_OVER):
            self.hand_over(self.mailbox.tenant_id, *waiting[start : start + HANDED_OVER])

    def _store(self, files: list[IO[bytes]], is_cut: bool) -> list[IncomingMessage]:
        to: dict[str, Any] = {"mailbox_id": self.mailbox.pk, "envelope_to": self.mailbox.address, "source": Source.IMAP}
        arrived = [Arrived(file, return_path(file)) for file in files]
        if is_cut:
            return [keep(one.content, envelope_from=one.envelope_from, is_cut=True, **to) for one in arrived]
        return keep_all(arrived, **to)

    def _mark(self, uids: list[int]) -> None:
        """What cannot be marked is a complaint, and no reason to keep those behind it waiting."""
        while True:
            try:
                self._finish(uids)
                self.has_marked = True
                return
            except Lost as loss:
                self._reconnect(loss)
            except Refusal as refusal:
                self.complaint = _("The server did not mark, move or delete what was stored: %(words)s") % {
                    "words": refusal
                }
                return

    def _finish(self, uids: list[int]) -> None:
        if self.mailbox.after_storing == AfterStoring.DELETE:
            self.connection.delete(uids)
        elif self.mailbox.after_storing == AfterStoring.MOVE and self.mailbox.move_to:
            self.connection.move(uids, self.mailbox.move_to)
        else:
            self.connection.mark_seen(uids)

    # ---- messages that the server does not give ----

    def _note_trouble(self, uid: int, failure: CannotCollect) -> None:
        """Raises CannotCollect when there are so many that something else must be wrong."""
        troubles = self.mailbox.troubles
        self.refused += 1
        if self.refused > MOST_IN_A_ROW or (str(uid) not in troubles and len(troubles) >= MOST_TROUBLES):
            raise CannotCollect(_("The server does not give its messages: %(words)s") % {"words": failure})
        tries = troubles.get(str(uid), {"tries": 0})["tries"] + 1
        at = timezone.now().isoformat(timespec="seconds")
        troubles[str(uid)] = {"tries": tries, "error": one_line(str(failure), 200), "at": at}
        self.found_now.add(uid)
        self.result.troubles += 1
        self.log.warning("message not given", uid=uid, tries=tries, error=str(failure))

    def _try_troubles(self) -> None:
        """After everything else, and not in the pass that found them. What is gone from the folder is no trouble."""
        known = {int(uid) for uid in self.mailbox.troubles} - self.found_now
        if not known:
            return
        there = self.connection.present(known)
        for uid in known - there:
            del self.mailbox.troubles[str(uid)]
        self._save_progress()
        for one in self._sizes([uid for uid in sorted(there) if _is_due(self.mailbox.troubles[str(uid)])]):
            self._prolong()
            self._collect_alone(one)

    # ---- what stands on the mailbox ----

    def _pulse(self) -> None:
        """Something came from the server: we are still at it."""
        if time.monotonic() - self.prolonged > PROLONG_AFTER:
            self._prolong()

    def _prolong(self) -> None:
        """Raises TakenOver."""
        self.prolonged = time.monotonic()
        self._save(held_until=timezone.now() + LEASE)

    def _save_progress(self) -> None:
        self._save(**{name: getattr(self.mailbox, name) for name in _PROGRESS})

    def _save(self, **values: Any) -> None:
        """As long as we hold the mailbox. Raises TakenOver when somebody else does."""
        mailbox = self.mailbox
        with entered(mailbox):
            if not Mailbox.objects.filter(pk=mailbox.pk, held_until=mailbox.held_until).update(**values):
                raise TakenOver
        for name, value in values.items():
            setattr(mailbox, name, value)

    # ---- the end ----

    def _note_success(self) -> None:
        now = timezone.now()
        mailbox, complaint = self.mailbox, (self.complaint or self._standing_complaint())[:LONGEST_ERROR]
        self.result.error = complaint
        self._save(
            # Until the first look is done this moment says since when new mail has to be looked for.
            last_ok_at=mailbox.last_ok_at if self._is_first_look() else now,
            error=complaint,
            failing_since=(mailbox.failing_since or now) if complaint else None,
            next_look_at=now if self.result.more else now + LOOK_EVERY,
            has_idle=self.has_idle,
            held_until=None,
        )
        self.log.info("mailbox collected", stored=self.result.stored, troubles=self.result.troubles)

    def _standing_complaint(self) -> str:
        """That stored mail could not be marked is true until some is marked; a look without mail proves nothing."""
        row = self.mailbox
        was_collected = row.last_ok_at and row.failing_since and row.last_ok_at >= row.failing_since
        return row.error if was_collected and not self.has_marked else ""

    def _note_failure(self, error: Exception) -> None:
        now = timezone.now()
        self.result.error = _words_for(error)
        since = self.mailbox.failing_since or now
        self._save(
            error=self.result.error,
            failing_since=since,
            next_look_at=now + _pause(now - since),
            held_until=None,
        )
        is_known = isinstance(error, KNOWN)
        self.log.warning(
            "mailbox not collected", stored=self.result.stored, error=self.result.error, exc_info=not is_known
        )


# What people can cause, or the network: each has a sentence.
KNOWN = (CannotCollect, CannotOpenError, NotNow, NotOutside, Withdrawn)


def _words_for(error: Exception) -> str:
    if isinstance(error, KNOWN):
        return one_line(str(error), LONGEST_ERROR)
    words = {"kind": type(error).__name__, "words": error}
    return one_line(_("The messages could not be stored: %(kind)s, %(words)s") % words, LONGEST_ERROR)


def _pause(failing: timedelta) -> timedelta:
    """How long to wait, from how long it has been failing: each pause is followed by the next longer one."""
    passed, pause = 0.0, BACK_OFF[0]
    for minutes in BACK_OFF:
        # A pass takes its time too, and a clock is never quite on time.
        if failing >= timedelta(minutes=passed * 0.9):
            pause = minutes
        passed += minutes
    return timedelta(minutes=pause)


def _is_due(trouble: dict[str, Any]) -> bool:
    """Whether it is time to ask for that message again."""
    tries = int(trouble["tries"])
    if not 0 < tries < MOST_TRIES:
        return tries == 0
    return timezone.now() - datetime.fromisoformat(trouble["at"]) >= timedelta(minutes=ASK_AGAIN[tries - 1])


def _grouped(listed: Iterable[Listed]) -> Iterator[list[Listed]]:
    batch: list[Listed] = []
    for one in listed:
        is_full = len(batch) == MOST_IN_BATCH or sum(other.size for other in batch) + one.size > SMALL
        if batch and is_full:
            yield batch
            batch = []
        batch.append(one)
    if batch:
        yield batch


def _day_before(moment: datetime) -> date:
    """SINCE knows days only, and each server's own."""
    return (moment - timedelta(days=1)).date()
