"""The connection to an IMAP server: encryption, log-in, limits, and what the button 'Test this mailbox' finds."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from accounts.findings import Finding
from accounts.outside import NotOutside
from accounts.sealed import seal
from conftest import Desk
from tests.imap_server import ADDRESS, PASSWORD, TOKEN, ImapServer, needs_dovecot
from tickets.mail import imap
from tickets.mail.examination import examine
from tickets.mail.imap import Connection, LogInRefused, Lost, NotEncrypted, Refusal, harmless, secret_of
from tickets.models.mailboxes import AfterStoring, LogIn, Mailbox, Security, Way


@pytest.fixture(scope="module")
def running() -> Iterator[ImapServer]:
    with ImapServer() as server:
        yield server


@pytest.fixture
def imap_server(running: ImapServer, settings: Any) -> ImapServer:
    settings.PRIVATE_HOSTS_ALLOWED = ["127.0.0.1", "::1"]
    running.empty()
    return running


@pytest.fixture
def trusted(running: ImapServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator's own authority, as OpenSSL is told of it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(running.certificate))


def mailbox_at(port: int, **changes: Any) -> Mailbox:
    """Not saved: what a form has before somebody presses 'Save'."""
    values = {
        "tenant_id": 1,
        "address": ADDRESS,
        "way": Way.IMAP,
        "host": "127.0.0.1",
        "port": port,
        "security": Security.NONE,
        "username": ADDRESS,
    }
    return Mailbox(**{**values, **changes})


# ---- encryption ----


@needs_dovecot
@pytest.mark.usefixtures("trusted")
def test_tls(imap_server: ImapServer) -> None:
    mailbox = mailbox_at(imap_server.tls_port, host="localhost", security=Security.TLS)
    with Connection(mailbox, PASSWORD) as connection:
        assert connection.select().messages == 0


@needs_dovecot
@pytest.mark.usefixtures("trusted")
def test_starttls(imap_server: ImapServer) -> None:
    mailbox = mailbox_at(imap_server.port, host="localhost", security=Security.STARTTLS)
    with Connection(mailbox, PASSWORD) as connection:
        assert connection.select().messages == 0


@needs_dovecot
@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_a_certificate_that_nobody_vouches_for_is_refused(imap_server: ImapServer, security: Security) -> None:
    port = imap_server.tls_port if security == Security.TLS else imap_server.port
    with pytest.raises(NotEncrypted, match="certificate"):
        Connection(mailbox_at(port, host="localhost", security=security), PASSWORD).open()


@needs_dovecot
@pytest.mark.usefixtures("trusted")
def test_a_certificate_of_another_name_is_refused(imap_server: ImapServer) -> None:
    with pytest.raises(NotEncrypted, match="certificate"):
        Connection(mailbox_at(imap_server.tls_port, security=Security.TLS), PASSWORD).open()


def test_a_server_without_starttls_never_hears_the_password(stranger: "Stranger") -> None:
    stranger.says(lambda line: b"* CAPABILITY IMAP4rev1\r\n%s OK done\r\n" % tag(line))
    with pytest.raises(Refusal, match="STARTTLS"):
        Connection(mailbox_at(stranger.port, security=Security.STARTTLS), PASSWORD).open()
    assert PASSWORD.encode() not in stranger.heard


def test_a_private_address_is_not_connected_to(imap_server: ImapServer, settings: Any) -> None:
    settings.PRIVATE_HOSTS_ALLOWED = []
    with pytest.raises(NotOutside):
        Connection(mailbox_at(imap_server.port), PASSWORD).open()


# ---- log-in ----


def test_a_wrong_password_is_refused(imap_server: ImapServer) -> None:
    with pytest.raises(LogInRefused, match="refused the log-in"):
        Connection(mailbox_at(imap_server.port), "wrong").open()


@needs_dovecot
@pytest.mark.parametrize("password", ["naïve käse", 'quo"te\\d', "пароль", "two  spaces % {}"])
def test_passwords_of_all_kinds(imap_server: ImapServer, password: str) -> None:
    user = f"{password.encode().hex()}@alpha.example"
    imap_server.user(user, password)
    with Connection(mailbox_at(imap_server.port, username=user), password) as connection:
        assert connection.select().messages == 0


@needs_dovecot
def test_a_token(imap_server: ImapServer) -> None:
    mailbox = mailbox_at(imap_server.port, log_in=LogIn.MICROSOFT)
    with Connection(mailbox, TOKEN) as connection:
        assert connection.select().messages == 0


def test_a_bad_token_is_refused(imap_server: ImapServer) -> None:
    with pytest.raises(LogInRefused) as refused:
        Connection(mailbox_at(imap_server.port, log_in=LogIn.GOOGLE), "a-bad-token").open()
    assert "a-bad-token" not in str(refused.value)


def test_a_password_that_the_server_repeats_is_not_told(stranger: "Stranger") -> None:
    stranger.says(
        lambda line: (
            b"%s NO no such user: %s\r\n" % (tag(line), line)
            if b"LOGIN" in line
            else b"* CAPABILITY IMAP4rev1\r\n%s OK done\r\n" % tag(line)
        )
    )
    with pytest.raises(LogInRefused) as refused:
        Connection(mailbox_at(stranger.port), "s3cr3t").open()
    assert ("no such user" in str(refused.value), "s3cr3t" in str(refused.value)) == (True, False)


def test_a_line_break_in_a_user_name_is_no_command(stranger: "Stranger") -> None:
    stranger.says(lambda line: b"* CAPABILITY IMAP4rev1\r\n%s OK done\r\n" % tag(line))
    with suppress(imap.CannotCollect):
        Connection(mailbox_at(stranger.port, username="x\r\nX1 DELETE INBOX"), PASSWORD).open()
    assert b"DELETE" not in stranger.heard


def test_a_user_name_of_several_words_is_one_word(stranger: "Stranger") -> None:
    stranger.says(answering(b""))
    Connection(mailbox_at(stranger.port, username='Shared box\\"desk" x'), "pass word").open()
    assert b'LOGIN "Shared box\\\\\\"desk\\" x" "pass word"' in stranger.heard


@pytest.mark.parametrize("log_in", [LogIn.PASSWORD, LogIn.GOOGLE])
def test_a_secret_that_the_server_repeats_as_it_was_sent_is_not_told(stranger: "Stranger", log_in: LogIn) -> None:
    def answer(line: bytes) -> bytes:
        if b"AUTHENTICATE" in line:
            stranger.tag = tag(line)
            return b"+ \r\n"
        return answering(b"")(line) if b" " in line else b"%s BAD what is %s\r\n" % (stranger.tag, line.strip())

    stranger.says(answer)
    with pytest.raises(LogInRefused) as refused:
        Connection(mailbox_at(stranger.port, log_in=log_in), "пароль").open()
    sent = stranger.heard.splitlines()[2]
    assert len(sent) > 20
    assert sent.decode() not in str(refused.value)


def test_the_password_is_unsealed_in_the_desk(desk: Desk) -> None:
    with desk.entered():
        mailbox = mailbox_at(1, tenant_id=desk.id, password=seal("open"))
    assert secret_of(mailbox) == "open"


def test_what_a_server_says_becomes_one_harmless_line() -> None:
    assert harmless("no\r\n\x00\u202eway " * 100, "way").startswith("no …")
    assert len(harmless("x" * 10_000)) == 300


# ---- strangers ----


class Stranger:
    """Greets, and then answers each line by what it was told to say."""

    def __init__(self) -> None:
        self.heard = b""
        self.tag = b""
        self.greeting = b"* OK hello\r\n"
        self.drips = 0.0  # seconds between two bytes of the greeting
        self._answer: Callable[[bytes], bytes] = lambda line: b""
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def says(self, answer: Callable[[bytes], bytes]) -> None:
        self._answer = answer

    def stop(self) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _address = self._listening.accept()
                threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _greet(self, client: socket.socket) -> None:
        if not self.drips:
            client.sendall(self.greeting)
            return
        for byte in self.greeting:
            client.sendall(bytes([byte]))
            time.sleep(self.drips)

    def _talk(self, client: socket.socket) -> None:
        with suppress(OSError), client, client.makefile("rb") as lines:
            self._greet(client)
            for line in lines:
                self.heard += line
                client.sendall(self._answer(line))


@pytest.fixture
def stranger(settings: Any) -> Iterator[Stranger]:
    settings.PRIVATE_HOSTS_ALLOWED = ["127.0.0.1"]
    made = Stranger()
    yield made
    made.stop()


def tag(line: bytes) -> bytes:
    return line.split(b" ")[0].strip()


def answering(fetch: bytes) -> Callable[[bytes], bytes]:
    """A server that says yes to everything, and this when it is asked for messages."""

    def answer(line: bytes) -> bytes:
        if b"CAPABILITY" in line:
            return b"* CAPABILITY IMAP4rev1\r\n%s OK done\r\n" % tag(line)
        if b"FETCH" in line:
            return fetch + b"%s OK done\r\n" % tag(line)
        return b"%s OK done\r\n" % tag(line)

    return answer


def asked(stranger: Stranger, fetch: bytes) -> dict[int, bytes]:
    stranger.says(answering(fetch))
    with Connection(mailbox_at(stranger.port), PASSWORD) as connection:
        connection.select()
        return connection.fetch([1])


def test_what_a_simple_server_gives(stranger: Stranger) -> None:
    assert asked(stranger, b"* 1 FETCH (UID 1 BODY[] {5}\r\nHello)\r\n") == {1: b"Hello"}


@pytest.mark.parametrize("given", [b'"Hello"', b"{0}\r\n", b'""', b"123"], ids=["quoted", "empty", "nothing", "digits"])
def test_messages_in_other_forms(stranger: Stranger, given: bytes) -> None:
    expected = {b'"Hello"': b"Hello", b"123": b"123"}.get(given, b"")
    assert asked(stranger, b"* 1 FETCH (UID 1 BODY[] %s)\r\n" % given) == {1: expected}


@pytest.mark.parametrize(
    "nonsense",
    [
        b"* 1 FETCH (UID 1 BODY[] NIL)\r\n",
        b"* 1 FETCH (UID 1 BODY[] (a b))\r\n",
        b"* 1 FETCH (UID 1 BODY[]\r\n",
        b"* 1 FETCH UID 1\r\n",
        b"* 1 FETCH (UID x BODY[] {1}\r\ny)\r\n",
        b'* 1 FETCH (UID 1 BODY[] "no end)\r\n',
        b"* 1 FETCH ((((((((((\r\n",
        b"* 1 FETCH\r\n",
        b"* 1 FETCH (UID 1 FLAGS)\r\n",
    ],
)
def test_nonsense_is_a_refusal(stranger: Stranger, nonsense: bytes) -> None:
    with pytest.raises(Refusal):
        asked(stranger, nonsense)


def test_nonsense_before_a_refusal_does_not_spoil_the_next_answer(stranger: Stranger) -> None:
    given = [b"* 1 FETCH ((((\r\n%s NO it broke\r\n", b"* 1 FETCH (UID 1 BODY[] {5}\r\nHello)\r\n%s OK done\r\n"]
    plain = answering(b"")
    stranger.says(lambda line: given.pop(0).replace(b"%s", tag(line)) if b"FETCH" in line else plain(line))
    with Connection(mailbox_at(stranger.port), PASSWORD) as connection:
        connection.select()
        with pytest.raises(Refusal):
            connection.fetch([1])
        assert connection.fetch([1]) == {1: b"Hello"}


def test_a_gigabyte_is_not_waited_for(stranger: Stranger) -> None:
    with pytest.raises(Lost, match="too large"):
        asked(stranger, b"* 1 FETCH (UID 1 BODY[] {1000000000}\r\n")


def test_an_answer_without_end_is_cut(stranger: Stranger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap, "LARGEST_ANSWER", 100_000)
    with pytest.raises(Lost, match="too large"):
        asked(stranger, b"* 2 FETCH (UID 2 BODY[] {9000}\r\n" + b"x" * 9_000 + b")\r\n" + b"* 1 EXISTS\r\n" * 20_000)


def test_a_line_without_end_is_cut(stranger: Stranger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap.imaplib, "_MAXLINE", 10_000)
    with pytest.raises(Lost, match="more than"):
        asked(stranger, b"* " + b"x" * 100_000)


def test_a_search_that_finds_very_many(stranger: Stranger) -> None:
    """Its one line is longer than the library allows."""
    uids = range(100_000, 300_000)
    search = b"* SEARCH " + b" ".join(b"%d" % uid for uid in uids) + b"\r\n"
    plain = answering(b"")
    stranger.says(lambda line: search + plain(line) if b"SEARCH" in line else plain(line))
    with Connection(mailbox_at(stranger.port), PASSWORD) as connection:
        connection.select()
        assert connection.search(100_000) == list(uids)


def test_a_silent_server_is_given_up(stranger: Stranger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap, "TIMEOUT", 0.2)
    stranger.greeting = b""
    with pytest.raises(Lost, match="in time"):
        Connection(mailbox_at(stranger.port), PASSWORD).open()


def test_a_server_that_drips_is_given_up(stranger: Stranger) -> None:
    """Each byte comes in time, and the whole never."""

    stranger.drips = 0.05
    stranger.greeting = b"* OK " + b"hello " * 100_000
    with pytest.raises(Lost):
        Connection(mailbox_at(stranger.port), PASSWORD, life=0.5).open()


def test_who_waits_for_a_server_can_be_woken(stranger: Stranger) -> None:
    stranger.says(answering(b""))
    connection = Connection(mailbox_at(stranger.port), PASSWORD)
    connection.open()
    stranger.says(lambda line: b"")
    threading.Timer(0.2, connection.abort).start()
    with pytest.raises(Lost):
        connection.select()
    connection.close()


# ---- news ----


def test_news_are_heard(imap_server: ImapServer) -> None:
    with Connection(mailbox_at(imap_server.port), PASSWORD) as connection:
        connection.select(only_look=True)
        connection.idle()
        imap_server.append("INBOX", b"Subject: x\r\n\r\n")
        assert (1, b"EXISTS") in connection.heard(30)
        connection.idle_done()


# ---- 'Test this mailbox' ----


@pytest.fixture
def examined(desk: Desk, imap_server: ImapServer) -> Callable[..., list[Finding]]:
    def ask(port: int = 0, password: str = PASSWORD, **changes: Any) -> list[Finding]:
        with desk.entered():
            mailbox = mailbox_at(port or imap_server.port, tenant_id=desk.id, password=seal(password), **changes)
        return examine(mailbox)

    return ask


def bad(found: list[Finding]) -> list[str]:
    return [one.what for one in found if not one.ok]


def test_all_is_well_but_that_others_can_read_it(
    imap_server: ImapServer, examined: Callable[..., list[Finding]]
) -> None:
    imap_server.append("INBOX", b"Subject: read\r\n\r\n", [b"\\Seen"])
    imap_server.append("INBOX", b"Subject: unread\r\n\r\n")
    found = examined()
    assert [one.what for one in found] == ["Server", "Connection", "Encryption", "Log-in", "Folder", "New messages"]
    assert bad(found) == ["Encryption"]
    assert "2 messages, 1 of them unread" in found[4].words


def test_examining_changes_nothing(imap_server: ImapServer, examined: Callable[..., list[Finding]]) -> None:
    imap_server.append("INBOX", b"Subject: unread\r\n\r\n")
    before = (imap_server.flags(), imap_server.folders())
    examined(after_storing=AfterStoring.MOVE, move_to="Done")
    assert (imap_server.flags(), imap_server.folders()) == before


@pytest.mark.parametrize(
    ("changes", "what", "words"),
    [
        ({"host": "10.1.2.3"}, "Server", "not on the internet"),
        ({"port": 1}, "Connection", "port"),
        ({"security": Security.TLS, "host": "localhost"}, "Encryption", "port"),
        pytest.param(
            {"security": Security.STARTTLS, "host": "localhost"}, "Encryption", "certificate", marks=needs_dovecot
        ),
        ({"password": "wrong"}, "Log-in", "password"),
        ({"log_in": LogIn.MICROSOFT}, "Log-in", "Connect it"),
        ({"folder": "No such"}, "Folder", "INBOX"),
        ({"after_storing": AfterStoring.MOVE}, "Folder to move to", "Choose a folder"),
        ({"after_storing": AfterStoring.MOVE, "move_to": "INBOX"}, "Folder to move to", "Choose a folder"),
    ],
    ids=str,
)
def test_what_fails_is_the_last_finding(
    examined: Callable[..., list[Finding]], changes: dict[str, Any], what: str, words: str
) -> None:
    found = examined(**changes)
    assert [one for one in bad(found) if one != "Encryption"] == [what] * (what != "Encryption")
    assert (found[-1].what, found[-1].ok) == (what, False)
    assert words in found[-1].words


def test_no_finding_tells_the_password(examined: Callable[..., list[Finding]]) -> None:
    assert "correct-horse" not in str(examined(password="correct-horse"))


@pytest.mark.parametrize(("name", "words"), [("Done", "is there"), ("Other", "is made with the first message")])
def test_the_folder_to_move_to(
    imap_server: ImapServer, examined: Callable[..., list[Finding]], name: str, words: str
) -> None:
    with imap_server.client() as client:
        client.create_folder("Done")
    found = examined(after_storing=AfterStoring.MOVE, move_to=name)
    assert words in next(one.words for one in found if one.what == "Folder to move to")


def test_a_folder_with_other_letters(imap_server: ImapServer, examined: Callable[..., list[Finding]]) -> None:
    with imap_server.client() as client:
        client.create_folder("Žurnāls & zaļš")
    assert bad(examined(folder="Žurnāls & zaļš")) == ["Encryption"]
