"""Speaking IMAP with the server of a mailbox: what is there, its bytes, and what is done with it when it is stored.

Two things can go wrong and are told apart everywhere: the server said no (Refusal; the connection is still good), or
nobody is there any more (Lost). Whatever a server says is text from a stranger, and may repeat our secret.
"""

import imaplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from typing import IO, Any, Self

from django.utils.translation import gettext as _
from imapclient import IMAPClient  # type: ignore[import-untyped]

from accounts.outside import open_socket
from accounts.sealed import unseal, without
from tickets.mail.clean import one_line
from tickets.mail.oauth import access_token, entered
from tickets.models.mailboxes import LogIn, Mailbox, Security

TIMEOUT = 20.0  # seconds, for each word of the server
# However slowly a server drips: after so many seconds its connection is closed. (Waiting for news takes longer.)
LONGEST_LIFE = 240.0
PIECE = 1024 * 1024  # bytes, of a message that is not fetched as a whole
# One answer, whatever the server says its size will be. A search that finds a million messages has 10 MB.
LARGEST_ANSWER = 64 * 1024 * 1024
LARGEST_LITERAL = 16 * 1024 * 1024
# Servers take command lines of 8,000 characters.
AT_ONCE = 400

# The library allows a line 1,000,000 bytes, which a search that finds 140,000 messages exceeds.
imaplib._MAXLINE = LARGEST_LITERAL  # type: ignore[attr-defined]


class CannotCollect(Exception):  # noqa: N818 - the next ones say what was wrong
    """Its text is one line for people, without secrets."""


class Refusal(CannotCollect):
    """The server said no to something, or answered nonsense; it can be asked for something else."""


class Lost(CannotCollect):
    """The connection broke, or the server did not answer in time."""


class NotEncrypted(Lost):
    """TLS could not be agreed on, or the certificate is not valid."""


class LogInRefused(Refusal):
    """The user name, the password or the token is wrong."""


@dataclass(frozen=True)
class Folder:
    """What SELECT said. `next_uid` is 0 where the server does not say it."""

    validity: int
    next_uid: int
    messages: int


@dataclass(frozen=True)
class Listed:
    uid: int
    size: int


def secret_of(mailbox: Mailbox) -> str:
    """The password or a token that is good for some minutes. Enters the tenant, and asks the provider outside of it.

    Raises CannotOpenError, oauth.Withdrawn, oauth.NotNow.
    """
    if mailbox.log_in != LogIn.PASSWORD:
        return access_token(mailbox)
    with entered(mailbox):
        return unseal(mailbox.password)


class Connection:
    """A logged-in connection, for the time of a `with`. `pulse` is called with every part of an answer that came;
    `life` is how many seconds it may last.

    Opening raises NotOutside, Lost, LogInRefused, Refusal; so do all methods but the first.
    """

    def __init__(
        self,
        mailbox: Mailbox,
        secret: str,
        *,
        pulse: Callable[[], None] = lambda: None,
        life: float | None = LONGEST_LIFE,
    ) -> None:
        self.mailbox = mailbox
        self.secret = secret
        self.pulse = pulse
        self._client: Any = None
        self._socket: socket.socket | None = None
        self._deadline = None if life is None else threading.Timer(life, self.abort)

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *what: object) -> None:
        self.close()

    # ---- beginning and end ----

    def open(self) -> None:
        try:
            self.connect()
            self.log_in()
        except BaseException:
            self.close()
            raise

    def connect(self) -> None:
        """As far as the encryption, without the log-in."""
        if self._deadline is not None:
            self._deadline.daemon = True
            self._deadline.start()
        with self._speaking():
            self._client = _Client(self)
            if self.mailbox.security == Security.STARTTLS:
                self._start_tls()

    def _start_tls(self) -> None:
        if not self._client.has_capability("STARTTLS"):
            raise Refusal(_("The server does not offer STARTTLS. Choose another encryption."))
        self._client.starttls(ssl.create_default_context())
        self.opened(self._client.socket())

    def log_in(self) -> None:
        mailbox, client = self.mailbox, self._client
        try:
            with self._speaking():
                if mailbox.log_in != LogIn.PASSWORD:
                    client.sasl_login("XOAUTH2", _OneAnswer(self._token_line()))
                elif _is_simple(mailbox.username + self.secret) and not client.has_capability("LOGINDISABLED"):
                    client.login(_quoted(mailbox.username), self.secret)
                else:
                    client.plain_login(mailbox.username, self.secret)
        except Refusal as refusal:
            raise LogInRefused(_("The server refused the log-in: %(words)s") % {"words": refusal}) from None

    def close(self) -> None:
        """Politely, as far as the server is still there."""
        if self._deadline is not None:
            self._deadline.cancel()
        if self._client is not None:
            with suppress(imaplib.IMAP4.error, OSError, ValueError):
                self._client.socket().settimeout(2)
                self._client.logout()
            with suppress(imaplib.IMAP4.error, OSError, ValueError):
                self._client.shutdown()

    def abort(self) -> None:
        """From another thread: whoever waits for the server stops waiting, and reads that the connection is Lost."""
        if self._socket is not None:
            with suppress(OSError):
                # Not SSLSocket's own method, which another thread's reading would not survive.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def opened(self, made: socket.socket) -> None:
        """What `abort` has to cut."""
        self._socket = made

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        """Whatever the library and the network raise becomes Refusal or Lost, in one harmless line."""
        if self._client is not None:
            self._client.begin_answer()
        try:
            yield
        except ssl.SSLError as error:
            raise NotEncrypted(self._harmless(_told(error))) from None
        except (imaplib.IMAP4.abort, OSError) as error:
            raise Lost(self._harmless(_told(error))) from None
        # What does not look like IMAP ends in any of these inside the library's parser.
        except (imaplib.IMAP4.error, ValueError, TypeError, LookupError, AttributeError, AssertionError) as error:
            raise Refusal(self._harmless(str(error) or type(error).__name__)) from None

    def _token_line(self) -> bytes:
        return f"user={self.mailbox.username}\1auth=Bearer {self.secret}\1\1".encode()

    def _harmless(self, words: str) -> str:
        return harmless(words, self.secret)

    # ---- what is there ----

    def select(self, *, only_look: bool = False) -> Folder:
        """Open the mailbox's folder; `only_look` promises the server that nothing will change."""
        with self._speaking():
            said = self._client.select_folder(self.mailbox.folder or "INBOX", readonly=only_look)
            return Folder(
                validity=int(said.get(b"UIDVALIDITY") or 1),
                next_uid=int(said.get(b"UIDNEXT") or 0),
                messages=int(said.get(b"EXISTS") or 0),
            )

    def unread(self) -> int:
        with self._speaking():
            return len(self._client.search(["UNSEEN", "UNDELETED"]))

    def search(
        self, first: int, last: int | None = None, *, unread: bool = False, since: date | None = None
    ) -> list[int]:
        """UIDs from `first` on, ascending, without those that somebody has marked as deleted.

        With both `unread` and `since`: what is unread or came on that day or after it.
        """
        criteria: list[Any] = ["UID", f"{first}:{last or '*'}", "UNDELETED"]
        if unread and since:
            criteria += ["OR", "UNSEEN", "SINCE", since]
        elif unread:
            criteria += ["UNSEEN"]
        with self._speaking():
            # 'n:*' is never empty: where nothing is as high as n, it means the last message.
            return sorted({uid for uid in self._client.search(criteria, None) if uid >= first})

    def present(self, uids: Iterable[int]) -> set[int]:
        """Which of these are there and are not marked as deleted."""
        found: set[int] = set()
        for some in _portions(sorted(uids)):
            with self._speaking():
                found.update(self._client.search(["UID", _set_of(some), "UNDELETED"], None))
        return found

    def sizes(self, uids: list[int]) -> list[Listed]:
        """In the same order; one that has vanished meanwhile is left out, one without a size counts as small."""
        listed: list[Listed] = []
        for some in _portions(uids):
            with self._speaking():
                found = self._client.fetch(some, ["RFC822.SIZE"])
                listed += [Listed(uid, int(found[uid].get(b"RFC822.SIZE") or 0)) for uid in some if uid in found]
        return listed

    # ---- the bytes ----

    def fetch(self, uids: list[int]) -> dict[int, bytes]:
        """Whole messages, by UID. Raises Refusal when the server gives one of them without its bytes."""
        with self._speaking():
            found = self._client.fetch(uids, ["BODY.PEEK[]"])
            return {uid: _bytes_of(found[uid], b"BODY[]") for uid in uids if uid in found}

    def fetch_on(self, one: Listed, file: IO[bytes], most: int) -> None:
        """Write what follows on what the file has already, up to `most` bytes in all, a piece at a time.

        The end is where the server has nothing more. When the connection is Lost the file holds what came until then,
        and another connection can go on.
        """
        while (start := file.tell()) < most:
            asked = min(PIECE, most - start)
            piece = self._piece(one.uid, start, asked)
            file.write(piece[:asked])
            if not piece or (len(piece) < asked and start + len(piece) >= one.size):
                break
        if one.size and not file.tell():
            raise Refusal(_("The server does not give this message."))

    def _piece(self, uid: int, start: int, length: int) -> bytes:
        with self._speaking():
            found = self._client.fetch([uid], [f"BODY.PEEK[]<{start}.{length}>"]).get(uid)
            if found is None:
                raise Refusal(_("The server does not give this message."))
            key = b"BODY[]<%d>" % start
            # At the end some say NIL, and some leave it out.
            return b"" if start and found.get(key) is None else _bytes_of(found, key)

    # ---- when it is stored ----

    def mark_seen(self, uids: list[int]) -> None:
        for some in _portions(uids):
            with self._speaking():
                self._client.add_flags(some, [rb"\Seen"], silent=True)

    def move(self, uids: list[int], folder: str) -> None:
        """The folder is made when it is not there."""
        for some in _portions(uids):
            try:
                self._move(some, folder)
            except Refusal:
                self._make(folder)
                self._move(some, folder)

    def _move(self, uids: list[int], folder: str) -> None:
        with self._speaking():
            if self._client.has_capability("MOVE"):
                self._client.move(uids, folder)
                return
            self._client.copy(uids, folder)
        self.delete(uids)

    def _make(self, folder: str) -> None:
        with self._speaking():
            if not self._client.folder_exists(folder):
                self._client.create_folder(folder)

    def delete(self, uids: list[int]) -> None:
        """Only these: what others have marked as deleted stays, and where the server cannot tell one from the other
        ours stay too, marked as deleted."""
        for some in _portions(uids):
            with self._speaking():
                self._client.add_flags(some, [rb"\Deleted"], silent=True)
                if self._client.has_capability("UIDPLUS"):
                    self._client.uid_expunge(some)
                elif set(self._client.search(["DELETED"], None)) <= set(some):
                    self._client.expunge()

    def folders(self) -> list[str]:
        with self._speaking():
            return [one_line(str(name), 100) for _flags, _delimiter, name in self._client.list_folders()]

    def has_folder(self, name: str) -> bool:
        with self._speaking():
            return bool(self._client.folder_exists(name))

    # ---- waiting for news ----

    def has_idle(self) -> bool:
        with self._speaking():
            return bool(self._client.has_capability("IDLE"))

    def idle(self) -> None:
        with self._speaking():
            self._client.idle()

    def heard(self, seconds: float) -> list[Any]:
        """What the server said by itself, waiting at most so long. Nothing before that time means: look whether it is
        still there (`idle_done`)."""
        with self._speaking():
            return list(self._client.idle_check(timeout=seconds))

    def idle_done(self) -> list[Any]:
        """End the waiting; what the server said in the last moment."""
        with self._speaking():
            return list(self._client.idle_done()[1])


class _Client(IMAPClient):
    """The library's client, on a socket that went through the door for hosts that people name."""

    def __init__(self, owner: Connection) -> None:
        self._owner = owner
        mailbox = owner.mailbox
        host, is_tls = mailbox.host.strip(), mailbox.security == Security.TLS
        super().__init__(host, port=mailbox.port, ssl=is_tls, timeout=TIMEOUT)
        # The library turns on its own tracing, which writes every message's bytes into a string, log level or not.
        self._imap.debug = 0

    def _create_IMAP4(self) -> imaplib.IMAP4:  # noqa: N802 - the library's name
        return _Protocol(self.host, self.port, self._owner, is_tls=self.ssl)

    def begin_answer(self) -> None:
        self._imap.answered = 0
        # The library keeps what came before a refusal, and would take it for a part of the next answer.
        for name in ("FETCH", "SEARCH"):
            self._imap.untagged_responses.pop(name, None)


class _Protocol(imaplib.IMAP4):
    """Reads with limits: a server may say that a gigabyte follows, or never end its line."""

    def __init__(self, host: str, port: int, owner: Connection, *, is_tls: bool) -> None:
        self._is_tls = is_tls
        self._owner = owner
        self.answered = 0  # bytes, of the present answer
        super().__init__(host, port, timeout=TIMEOUT)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        made = open_socket(self.host, self.port, timeout or TIMEOUT)
        try:
            return self._encrypted(made) if self._is_tls else self._noted(made)
        except BaseException:
            made.close()
            raise

    def _encrypted(self, plain: socket.socket) -> socket.socket:
        context, name = ssl.create_default_context(), self.host.rstrip(".")
        made = context.wrap_socket(plain, server_hostname=name, do_handshake_on_connect=False)
        try:
            self._noted(made)
            made.do_handshake()
        except BaseException:
            made.close()
            raise
        return made

    def _noted(self, made: socket.socket) -> socket.socket:
        self._owner.opened(made)
        return made

    def read(self, size: int) -> bytes:
        self._count(size)
        self._owner.pulse()
        return super().read(size)

    def readline(self) -> bytes:
        try:
            line = super().readline()
        except self.error as error:  # the rest of the line is still to come: nothing can be said on this connection
            raise self.abort(str(error)) from None
        self._count(len(line))
        return line

    def _count(self, size: int) -> None:
        self.answered += size
        if size > LARGEST_LITERAL or self.answered > LARGEST_ANSWER:
            raise self.abort("the answer is too large")


class _OneAnswer:
    """XOAUTH2: the token first; when it is refused the server explains that, and waits for an empty line."""

    def __init__(self, line: bytes) -> None:
        self.answers = [line]

    def __call__(self, _challenge: bytes) -> bytes:
        return self.answers.pop() if self.answers else b""


def harmless(words: str, secret: str = "") -> str:
    """What a server said, as one line without the secret, at most 300 characters."""
    # The library shows some answers as Python writes bytes.
    return one_line(without(secret, words).removeprefix("b'").strip("'"), 300)


def _told(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _("The certificate of the server is not valid: %(words)s") % {"words": error.verify_message}
    if isinstance(error, ssl.SSLError):
        return _("No encrypted connection could be made: %(words)s") % {"words": error.reason or error}
    if isinstance(error, socket.gaierror):
        return _("There is no server of this name.")
    if isinstance(error, TimeoutError):
        return _("The server did not answer in time.")
    return _("The connection broke: %(words)s") % {"words": getattr(error, "strerror", None) or error}


def _quoted(text: str) -> str:
    """The library quotes passwords, and user names not."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _is_simple(text: str) -> bool:
    """Whether LOGIN can carry it: letters that are not ASCII need AUTHENTICATE, and a line break would be a command."""
    return text.isascii() and text.isprintable()


def _bytes_of(found: dict[bytes, Any], key: bytes) -> bytes:
    given = found.get(key)
    if isinstance(given, int):  # a message of digits, which the library takes for a number
        return str(given).encode()
    if not isinstance(given, bytes):
        raise Refusal(_("The server does not give this message."))
    return given


def _portions(uids: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(uids), AT_ONCE):
        yield uids[start : start + AT_ONCE]


def _set_of(uids: list[int]) -> str:
    return ",".join(map(str, uids))
