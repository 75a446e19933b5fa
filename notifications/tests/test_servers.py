"""A desk's own mail server, by SMTP and by providers' interfaces, on real sockets of the loopback interface."""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from smtplib import SMTPAuthenticationError, SMTPRecipientsRefused, SMTPServerDisconnected
from typing import Any
from urllib.parse import unquote_plus

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword
from anymail.exceptions import AnymailAPIError, AnymailRecipientsRefused  # type: ignore[import-untyped]
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.locmem import EmailBackend as InstallationsOwn
from django.utils import timezone

from accounts.outside import NotOutside
from accounts.sealed import seal
from conftest import Desk
from notifications import servers
from notifications.models import MailServer
from notifications.servers import NotEncrypted, connection_for_desk, examine, note_failure, note_sent, send_test
from servicedesk.embedded.certificate import certificate_in
from tests.conftest import free_port

USER, SECRET = "desk", "open sesame"
Kind, Security = MailServer.Kind, MailServer.Security


# ---- a server to send to ----


@dataclass
class Post:
    """An SMTP server with a log-in, and what it was given."""

    port: int
    messages: list[bytes] = field(default_factory=list)
    log_ins: list[str] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802
        self.messages.append(envelope.content if isinstance(envelope.content, bytes) else b"")
        return "250 OK"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        known = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), SECRET.encode())
        self.log_ins.append("good" if known else "bad")
        return AuthResult(success=known, handled=False)


def tls_of(folder: Path) -> ssl.SSLContext:
    certificate, key = certificate_in(folder, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


@contextmanager
def post_office(**options: Any) -> Iterator[Post]:
    post = Post(free_port())
    controller = Controller(
        post, hostname="127.0.0.1", port=post.port, authenticator=post.authenticate, auth_require_tls=False, **options
    )
    controller.start()
    try:
        yield post
    finally:
        controller.stop()


@pytest.fixture
def trusted(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """Of a server whose certificate is known here, and which the operator allows."""
    settings.PRIVATE_HOSTS_ALLOWED = ["localhost"]
    context = tls_of(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate_in(tmp_path, "localhost")[0]))
    return context


@pytest.fixture
def post(trusted: ssl.SSLContext) -> Iterator[Post]:
    with post_office(tls_context=trusted) as opened:
        yield opened


def own_server(post: Post, **changes: Any) -> MailServer:
    values = {"host": "localhost", "port": post.port, "username": USER, "secret": seal(SECRET), **changes}
    row: MailServer = MailServer.objects.create(**values)
    return row


def letter(to: str = "rita@example.com") -> EmailMultiAlternatives:
    return EmailMultiAlternatives(
        subject="News",
        body="It prints again.",
        from_email='"Alpha Desk" <support@alpha.localhost>',
        to=[to],
        headers={"Message-ID": "<one@alpha.localhost>", "Auto-Submitted": "auto-generated"},
        connection=connection_for_desk(),
    )


# ---- which server ----


def test_without_an_own_server_mail_goes_by_the_installations(inside: Desk) -> None:
    assert isinstance(connection_for_desk(), InstallationsOwn)


def test_a_server_that_is_not_active_is_not_used(inside: Desk, post: Post) -> None:
    own_server(post, is_active=False)
    assert isinstance(connection_for_desk(), InstallationsOwn)


def test_another_desk_does_not_use_it(desk: Desk, rival: Desk, post: Post) -> None:
    with desk.entered():
        own_server(post)
    with rival.entered():
        assert isinstance(connection_for_desk(), InstallationsOwn)


def test_another_desk_cannot_open_its_secret(desk: Desk, rival: Desk, post: Post) -> None:
    with desk.entered():
        sealed = own_server(post).secret
    with rival.entered():
        own_server(post, secret=sealed)
        assert not examine(MailServer.objects.get())[0].ok


def test_without_a_host_the_installations_password_goes_nowhere(inside: Desk, post: Post) -> None:
    own_server(post, host="")
    with pytest.raises(NotOutside):
        connection_for_desk()


# ---- SMTP ----


def test_a_message_goes_by_the_desks_own_server(inside: Desk, post: Post) -> None:
    own_server(post)
    letter().send()
    assert [message_from_bytes(one)["Message-ID"] for one in post.messages] == ["<one@alpha.localhost>"]


def test_it_logs_in(inside: Desk, post: Post) -> None:
    own_server(post)
    letter().send()
    assert post.log_ins == ["good"]


def test_it_speaks_tls_from_the_first_byte(inside: Desk, trusted: ssl.SSLContext) -> None:
    with post_office(ssl_context=trusted) as post:
        own_server(post, security=Security.TLS)
        letter().send()
    assert len(post.messages) == 1


def test_without_starttls_nothing_is_sent(inside: Desk, settings: Any) -> None:
    settings.PRIVATE_HOSTS_ALLOWED = ["localhost"]
    with post_office() as post:
        own_server(post)
        with pytest.raises(NotEncrypted):
            letter().send()
    assert (post.messages, post.log_ins) == ([], [])


def test_a_certificate_that_nobody_knows_is_refused(inside: Desk, settings: Any, tmp_path: Path) -> None:
    settings.PRIVATE_HOSTS_ALLOWED = ["localhost"]
    with post_office(tls_context=tls_of(tmp_path)) as post:
        own_server(post)
        with pytest.raises(ssl.SSLCertVerificationError):
            letter().send()
    assert post.log_ins == []


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS, Security.NONE])
def test_a_private_address_is_not_reached(inside: Desk, post: Post, settings: Any, security: str) -> None:
    settings.PRIVATE_HOSTS_ALLOWED = []
    own_server(post, security=security)
    with pytest.raises(NotOutside):
        letter().send()


@contextmanager
def talker(say: Callable[[socket.socket], None], settings: Any) -> Iterator[Post]:
    """A server that says what it wants."""
    settings.PRIVATE_HOSTS_ALLOWED = ["localhost"]
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            taken, _ = listener.accept()
            with taken:
                say(taken)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield Post(listener.getsockname()[1])
        thread.join(timeout=60)


def test_an_endless_greeting_ends(inside: Desk, settings: Any) -> None:
    def say(taken: socket.socket) -> None:
        try:
            while True:
                taken.sendall(b"220-welcome\r\n" * 1000)
        except OSError:  # the other side has had enough
            return

    with talker(say, settings) as post:
        own_server(post, security=Security.NONE)
        with pytest.raises(SMTPServerDisconnected):
            letter().send()


def test_a_greeting_that_drips_ends(inside: Desk, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "LONGEST_CONVERSATION", 0.5)
    over = threading.Event()

    def say(taken: socket.socket) -> None:
        try:
            while not over.wait(0.05):
                taken.sendall(b"220-x\r\n")
        except OSError:
            return

    with talker(say, settings) as post:
        own_server(post, security=Security.NONE)
        with pytest.raises(SMTPServerDisconnected):
            letter().send()
        over.set()


# ---- the secret ----


def test_the_row_holds_the_secret_sealed(inside: Desk, post: Post) -> None:
    own_server(post)
    assert SECRET not in MailServer.objects.values_list("secret", flat=True).get()


@pytest.mark.parametrize("echo", [SECRET.encode(), b"b3BlbiBzZXNhbWU="])
def test_a_server_that_repeats_the_secret_is_not_quoted(inside: Desk, post: Post, echo: bytes) -> None:
    own_server(post)
    note_failure(SMTPAuthenticationError(535, b"no user with " + echo))
    assert echo.decode() not in MailServer.objects.get().error


def test_a_key_that_breaks_a_header_is_not_quoted(inside: Desk) -> None:
    MailServer.objects.create(kind=Kind.POSTMARK, secret=seal("pm-key\n-2"))
    found = send_test(MailServer.objects.get(), "mary@example.com")
    assert (found.ok, "pm-key" in found.words) == (False, False)


# ---- what became of it ----


def test_what_it_took_is_noted(inside: Desk, post: Post) -> None:
    own_server(post)
    note_sent()
    assert MailServer.objects.get().last_ok_at is not None


def test_it_is_noted_once_a_minute(inside: Desk, post: Post) -> None:
    own_server(post, last_ok_at=(a_moment_ago := timezone.now() - timedelta(seconds=50)))
    note_sent()
    assert MailServer.objects.get().last_ok_at == a_moment_ago


def test_a_success_ends_a_failure_at_once(inside: Desk, post: Post) -> None:
    now = timezone.now()
    own_server(post, last_ok_at=now, error="It broke.", failing_since=now)
    note_sent()
    server = MailServer.objects.get()
    assert (server.error, server.failing_since) == ("", None)


def test_a_failure_keeps_since_when(inside: Desk, post: Post) -> None:
    own_server(post, failing_since=(first := timezone.now() - timedelta(hours=1)))
    note_failure(ConnectionRefusedError())
    assert MailServer.objects.get().failing_since == first


def test_a_failure_is_a_sentence(inside: Desk, post: Post) -> None:
    own_server(post)
    note_failure(ConnectionRefusedError(111, "Connection refused"))
    assert MailServer.objects.get().error == "Nothing answers on this port."


@pytest.mark.parametrize("refusal", [SMTPRecipientsRefused({}), AnymailRecipientsRefused()])
def test_a_receiver_that_is_refused_is_not_the_servers_failure(inside: Desk, post: Post, refusal: Exception) -> None:
    own_server(post)
    note_failure(refusal)
    assert MailServer.objects.get().failing_since is None


def test_a_failure_of_the_installations_server_is_nobodys(inside: Desk, post: Post) -> None:
    own_server(post, is_active=False)
    note_failure(ConnectionRefusedError())
    assert MailServer.objects.get().failing_since is None


# ---- the tests that a manager asks for ----


def judged(server: MailServer) -> list[tuple[str, bool]]:
    return [(one.what, one.ok) for one in examine(server)]


def test_a_good_server(inside: Desk, post: Post) -> None:
    assert judged(own_server(post)) == [("Connection", True), ("Encryption", True), ("Log-in", True)]


def test_a_test_sends_nothing(inside: Desk, post: Post) -> None:
    examine(own_server(post))
    assert (post.log_ins, post.messages) == (["good"], [])


def test_a_wrong_password_is_said_with_the_servers_words(inside: Desk, post: Post) -> None:
    last = examine(own_server(post, secret=seal("wrong")))[-1]
    assert (last.what, last.ok, last.words.partition(":")[0]) == (
        "Log-in",
        False,
        "The server refused the user name or the password",
    )


def test_a_missing_starttls_is_found(inside: Desk, settings: Any) -> None:
    settings.PRIVATE_HOSTS_ALLOWED = ["localhost"]
    with post_office() as post:
        assert judged(own_server(post)) == [("Connection", True), ("Encryption", False)]


def test_tls_on_a_port_that_does_not_speak_it_is_found(inside: Desk, post: Post) -> None:
    assert judged(own_server(post, security=Security.TLS))[-1] == ("Encryption", False)


def test_a_connection_without_encryption_is_not_called_good(inside: Desk, post: Post) -> None:
    assert ("Encryption", False) in judged(own_server(post, security=Security.NONE))


def test_nobody_there_is_found(inside: Desk, post: Post) -> None:
    assert judged(own_server(post, port=free_port())) == [("Connection", False)]


def test_a_private_address_is_found(inside: Desk, post: Post, settings: Any) -> None:
    settings.PRIVATE_HOSTS_ALLOWED = []
    assert judged(own_server(post)) == [("Connection", False)]


def test_a_key_of_the_installation_that_has_changed_is_found(inside: Desk, post: Post, settings: Any) -> None:
    server = own_server(post)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", []
    assert examine(server)[0].words == "The stored password cannot be read any more. Enter it again."


def test_a_test_e_mail_goes_to_who_asks(inside: Desk, post: Post) -> None:
    send_test(own_server(post), "mary@example.com")
    assert [message_from_bytes(one)["To"] for one in post.messages] == ["mary@example.com"]


def test_a_test_e_mail_that_fails_is_noted(inside: Desk, post: Post) -> None:
    send_test(own_server(post, secret=seal("wrong")), "mary@example.com")
    assert MailServer.objects.get().failing_since is not None


# ---- providers ----


@dataclass
class Asked:
    path: str
    headers: dict[str, str]
    body: str


@dataclass
class Provider:
    """Answers as one of the six does, with what it was asked."""

    address: str
    status: int = 200
    answer: Any = None
    asked: list[Asked] = field(default_factory=list)


TO = "rita@example.com"
TAKEN: dict[str, Any] = {
    Kind.MAILGUN: {"id": "<1@x.example>", "message": "Queued. Thank you."},
    Kind.POSTMARK: {"To": TO, "SubmittedAt": "2026-01-01T00:00:00Z", "MessageID": "1", "ErrorCode": 0, "Message": "OK"},
    Kind.BREVO: {"messageId": "<1@x.example>"},
    Kind.MAILJET: {"Messages": [{"Status": "success", "To": [{"Email": TO, "MessageID": 1}], "Cc": [], "Bcc": []}]},
    Kind.RESEND: {"id": "1"},
    Kind.SPARKPOST: {"results": {"total_rejected_recipients": 0, "total_accepted_recipients": 1, "id": "1"}},
}


@pytest.fixture
def provider() -> Iterator[Provider]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            found.asked.append(Asked(self.path, dict(self.headers), body))
            content = json.dumps(found.answer).encode() if found.answer is not None else b""
            self.send_response(found.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: Any) -> None:
            """Not into the tests' output."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as web:
        found = Provider(f"http://127.0.0.1:{web.server_address[1]}/")
        thread = threading.Thread(target=web.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield found
        web.shutdown()
        thread.join(timeout=60)


@pytest.fixture(params=list(TAKEN))
def hired(
    request: pytest.FixtureRequest, inside: Desk, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> MailServer:
    """The desk's row for each provider in turn, whose place is the loopback server."""
    return hire(request.param, provider, monkeypatch)


def hire(kind: str, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> MailServer:
    monkeypatch.setitem(servers.ADDRESSES, kind, provider.address)
    provider.answer = TAKEN[kind]
    row: MailServer = MailServer.objects.create(
        kind=kind, username="public-key", secret=seal("a-secret-key"), sender_domain="x.example", in_europe=False
    )
    return row


def test_a_provider_gets_the_message(hired: MailServer, provider: Provider) -> None:
    letter().send()
    said = [unquote_plus(one.body) for one in provider.asked]
    assert [TO in one and "It prints again." in one for one in said] == [True]


def test_a_provider_gets_the_key(hired: MailServer, provider: Provider) -> None:
    letter().send()
    headers = " ".join(provider.asked[0].headers.values())
    # Plainly, or with a user name in the form of HTTP's own log-in.
    assert any(
        form in headers for form in ("a-secret-key", "YXBpOmEtc2VjcmV0LWtleQ==", "cHVibGljLWtleTphLXNlY3JldC1rZXk=")
    )


def test_a_provider_that_refuses_is_a_failure(hired: MailServer, provider: Provider) -> None:
    provider.status, provider.answer = 500, {"message": "not today"}
    with pytest.raises(AnymailAPIError):
        letter().send()


def test_a_provider_that_knows_the_key(hired: MailServer, provider: Provider) -> None:
    provider.status, provider.answer = 400, {"message": "from is missing"}
    assert judged(hired) == [("Key", True)]


def test_a_test_brings_a_provider_no_message(hired: MailServer, provider: Provider) -> None:
    examine(hired)
    assert [one.body for one in provider.asked] in (["{}"], [""])


@pytest.mark.parametrize("status", [401, 403])
def test_a_provider_that_refuses_the_key(hired: MailServer, provider: Provider, status: int) -> None:
    provider.status, provider.answer = status, {"message": "Forbidden"}
    found = examine(hired)[0]
    assert (found.ok, found.words) == (False, f'The provider refused the key: {status} {{"message": "Forbidden"}}')


def test_a_provider_that_is_not_there(hired: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(servers.ADDRESSES, hired.kind, f"http://127.0.0.1:{free_port()}/")
    assert judged(hired) == [("Key", False)]


def test_a_test_follows_no_redirect(hired: MailServer, provider: Provider) -> None:
    provider.status, provider.answer = 302, None
    assert judged(hired) == [("Key", False)]


def test_postmark_keeps_our_message_id(inside: Desk, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    hire(Kind.POSTMARK, provider, monkeypatch)
    letter().send()
    headers = {one["Name"]: one["Value"] for one in json.loads(provider.asked[0].body)["Headers"]}
    assert (headers["Message-ID"], headers["X-PM-KeepID"]) == ("<one@alpha.localhost>", "true")


def test_mailjet_which_refuses_message_ids_gets_none(
    inside: Desk, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    hire(Kind.MAILJET, provider, monkeypatch)
    letter().send()
    assert list(json.loads(provider.asked[0].body)["Globals"]["Headers"]) == ["Auto-Submitted"]


@pytest.mark.parametrize("kind", [Kind.MAILGUN, Kind.SPARKPOST])
@pytest.mark.parametrize("in_europe", [True, False])
def test_the_place_in_europe_is_chosen(inside: Desk, kind: str, in_europe: bool) -> None:
    MailServer.objects.create(kind=kind, secret=seal("key"), in_europe=in_europe)
    connection: Any = connection_for_desk()
    assert (".eu." in connection.api_url) is in_europe


def test_a_domain_that_is_none_is_a_finding(inside: Desk) -> None:
    found = examine(MailServer.objects.create(kind=Kind.MAILGUN, secret=seal(SECRET), sender_domain="a/b"))
    assert [one.ok for one in found] == [False]
