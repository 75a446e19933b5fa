"""How a desk's mail leaves: by the installation's own relay, by the desk's SMTP server, or by a provider's interface.

Providers are reached through anymail's backends, made for one desk each: nothing about them is a setting.
"""

import smtplib
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import requests
from anymail.backends import (  # type: ignore[import-untyped]
    brevo,
    mailgun,
    mailjet,
    postmark,
    resend,
    sparkpost,
)
from anymail.exceptions import AnymailError, AnymailRecipientsRefused  # type: ignore[import-untyped]
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend as SmtpBackend
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.findings import Finding, no_encryption
from accounts.hosts import current_host
from accounts.outside import NotOutside, open_socket
from accounts.sealed import CannotOpenError, unseal, without
from notifications.models import MailServer

Kind = MailServer.Kind
Security = MailServer.Security

TIMEOUT = 20  # seconds, for each step of the conversation
LONGEST_CONVERSATION = 45.0  # seconds
LARGEST_ANSWER = 100_000  # bytes
# How often a row that works is written to, however much mail goes out.
NOTE_AGAIN = timedelta(minutes=1)
LONGEST_WORDS = 500

# Where each provider takes mail; two have a second place in the European Union.
ADDRESSES: dict[str, str] = {
    Kind.MAILGUN: "https://api.mailgun.net/v3",
    Kind.POSTMARK: "https://api.postmarkapp.com/",
    Kind.BREVO: "https://api.brevo.com/v3/",
    Kind.MAILJET: "https://api.mailjet.com/v3.1/",
    Kind.RESEND: "https://api.resend.com/",
    Kind.SPARKPOST: "https://api.sparkpost.com/api/v1/",
}
IN_EUROPE: dict[str, str] = {
    Kind.MAILGUN: "https://api.eu.mailgun.net/v3",
    Kind.SPARKPOST: "https://api.eu.sparkpost.com/api/v1/",
}


class NotEncrypted(smtplib.SMTPException):
    """STARTTLS was wanted and did not come about. Nothing is sent in plain text instead."""


# ---- SMTP ----


class OutsideSmtp(smtplib.SMTP):
    """Connects only to where a desk may connect to, and stays for a limited time, however slowly the server talks."""

    _deadline: threading.Timer | None = None

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        made = open_socket(host, port, timeout)
        self._deadline = threading.Timer(LONGEST_CONVERSATION, self._shut_down)
        self._deadline.daemon = True
        self._deadline.start()
        return made

    def _shut_down(self) -> None:
        """From another thread: whoever waits for the server reads that the connection is over."""
        if self.sock is not None:
            with suppress(OSError):
                # Not SSLSocket's own method, which another thread's reading would not survive.
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)

    def close(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        super().close()

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _Reader(self.sock)
        if self.file is not None:
            self.file.answered = 0
        return super().getreply()

    def starttls(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        try:
            return super().starttls(*args, **kwargs)
        except (smtplib.SMTPNotSupportedError, smtplib.SMTPResponseException) as error:
            raise NotEncrypted(_("The server does not offer STARTTLS.")) from error


class _Reader:
    """The lines of an answer, which may not be endless."""

    def __init__(self, connected: socket.socket) -> None:
        self._file = connected.makefile("rb")
        self.answered = 0  # bytes, of the present answer

    def readline(self, limit: int) -> bytes:
        line = self._file.readline(limit)
        self.answered += len(line)
        if self.answered > LARGEST_ANSWER:
            raise OSError("the answer is too long")
        return line

    def close(self) -> None:
        self._file.close()


class OutsideSmtpTls(OutsideSmtp, smtplib.SMTP_SSL):
    """The same, encrypted from the first byte."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain = super()._get_socket(host, port, timeout)
        try:
            return self.context.wrap_socket(plain, server_hostname=host.rstrip("."))
        except BaseException:
            plain.close()
            self.close()
            raise


class DeskSmtp(SmtpBackend):
    """Django's, through the two above."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return OutsideSmtpTls if self.use_ssl else OutsideSmtp


def _smtp(server: MailServer, secret: str) -> BaseEmailBackend:
    # Without a host Django would take the installation's, with its password.
    if not server.host:
        raise NotOutside(_("No server is entered."))
    return DeskSmtp(
        host=server.host,
        port=server.port,
        username=server.username,
        password=secret,
        use_tls=server.security == Security.STARTTLS,
        use_ssl=server.security == Security.TLS,
        timeout=TIMEOUT,
        ssl_keyfile="",
        ssl_certfile="",
    )


# ---- providers ----


class Postmark(postmark.EmailBackend):
    """Keeps our Message-ID, by which answers find their ticket; left to itself Postmark writes its own."""

    def build_message_payload(self, message: EmailMessage, defaults: dict[str, Any]) -> Any:
        message.extra_headers.setdefault("X-PM-KeepID", "true")
        return super().build_message_payload(message, defaults)


class Mailjet(mailjet.EmailBackend):
    """Refuses a message that brings a Message-ID: there answers are found by the address they go to."""

    def build_message_payload(self, message: EmailMessage, defaults: dict[str, Any]) -> Any:
        message.extra_headers.pop("Message-ID", None)
        return super().build_message_payload(message, defaults)


Maker = Callable[..., BaseEmailBackend]


def _by_key(maker: Maker, name: str = "api_key") -> Callable[[MailServer, str], dict[str, Any]]:
    return lambda server, secret: {"maker": maker, name: secret}


# What each provider calls its key.
_PROVIDERS: dict[str, Callable[[MailServer, str], dict[str, Any]]] = {
    Kind.MAILGUN: lambda server, secret: {
        "maker": mailgun.EmailBackend,
        "api_key": secret,
        "sender_domain": server.sender_domain or None,
    },
    Kind.POSTMARK: _by_key(Postmark, "server_token"),
    Kind.BREVO: _by_key(brevo.EmailBackend),
    Kind.MAILJET: lambda server, secret: {"maker": Mailjet, "api_key": server.username, "secret_key": secret},
    Kind.RESEND: _by_key(resend.EmailBackend),
    Kind.SPARKPOST: _by_key(sparkpost.EmailBackend),
}


def _provider(server: MailServer, secret: str) -> BaseEmailBackend:
    options = _PROVIDERS[server.kind](server, secret)
    maker: Maker = options.pop("maker")
    return maker(api_url=_address_of(server), timeout=TIMEOUT, **options)


def _address_of(server: MailServer) -> str:
    return (IN_EUROPE.get(server.kind) if server.in_europe else None) or ADDRESSES[server.kind]


# ---- which one the entered desk has ----


def connection_for_desk() -> BaseEmailBackend:
    """What the entered desk's mail goes through: its own server when it has an active one, else the installation's.

    Raises CannotOpenError when its secret was sealed with a key that nobody has any more, and NotOutside without a
    host. Nothing is connected yet; what is returned may be used outside of the desk, and raises what `sentence_of`
    explains.
    """
    server = MailServer.objects.filter(is_active=True).first()
    return connection_of(server) if server else get_connection()


def connection_of(server: MailServer) -> BaseEmailBackend:
    secret = unseal(server.secret)
    return _smtp(server, secret) if server.kind == Kind.SMTP else _provider(server, secret)


# What a server or the way to it can do; the rest is a mistake of ours.
THEIR_FAILURES = (CannotOpenError, NotOutside, AnymailError, OSError)
REFUSED_RECEIVERS = (smtplib.SMTPRecipientsRefused, AnymailRecipientsRefused)


def note_sent() -> None:
    """The entered desk's server took a message. Written at most once a minute, unless it had failed before."""
    now = timezone.now()
    worth_it = Q(last_ok_at=None) | Q(last_ok_at__lt=now - NOTE_AGAIN) | Q(failing_since__isnull=False)
    MailServer.objects.filter(worth_it, is_active=True).update(last_ok_at=now, error="", failing_since=None)


def note_failure(error: Exception) -> tuple[str, bool]:
    """What went wrong, in a sentence of the desk's language without its secret, and whether its own server is not well.
    It is noted there then; a refused receiver says nothing about it, and neither does a mistake of ours."""
    server = MailServer.objects.filter(is_active=True).first()
    with translation.override(current_host().tenant.language):
        words = sentence_of(error, secret=_known_secret(server) if server else settings.EMAIL_HOST_PASSWORD)
    is_theirs = isinstance(error, THEIR_FAILURES) and not isinstance(error, REFUSED_RECEIVERS)
    if server is None or not is_theirs:
        return words, False
    failing = {"error": words, "failing_since": Coalesce(F("failing_since"), timezone.now())}
    MailServer.objects.filter(pk=server.pk).update(**failing)
    return words, True


def _known_secret(server: MailServer) -> str:
    try:
        return unseal(server.secret)
    except CannotOpenError:
        return ""


# ---- what went wrong, in a sentence ----


def sentence_of(error: Exception, *, secret: str = "") -> str:
    """A sentence for a manager, with the server's own words where it said any, and never with the secret."""
    return without(secret, _sentence(error)).replace("\x00", "")[:LONGEST_WORDS]


def _sentence(error: Exception) -> str:
    match error:
        case CannotOpenError():
            return _("The stored password cannot be read any more. Enter it again.")
        case NotOutside() | NotEncrypted():
            return str(error)
        case smtplib.SMTPException():
            return _smtp_sentence(error)
        case AnymailError() | requests.RequestException():
            return _provider_sentence(error)
        case OSError():
            return _network_sentence(error)
    return f"{type(error).__name__}: {error}"


def _smtp_sentence(error: smtplib.SMTPException) -> str:
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return _("The server closed the connection.")
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return _("The server takes no log-in on this connection: %(words)s") % {"words": error}
    if not isinstance(error, smtplib.SMTPResponseException):
        return str(error)
    said = {"code": error.smtp_code, "words": _text(error.smtp_error)}
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return _("The server refused the user name or the password: %(code)s %(words)s") % said
    return _("The server refused: %(code)s %(words)s") % said


def _provider_sentence(error: Exception) -> str:
    response = getattr(error, "response", None)
    if response is None:
        cause = error.__cause__
        return _network_sentence(cause) if isinstance(cause, OSError) else str(error)
    said = {"code": response.status_code, "words": _text(response.text)}
    if response.status_code in REFUSED:
        return _("The provider refused the key: %(code)s %(words)s") % said
    return _("The provider answered: %(code)s %(words)s") % said


def _network_sentence(error: OSError) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return _("The certificate of the server is not valid: %(words)s") % {"words": error.verify_message}
        case ssl.SSLError():
            return _("The server does not speak TLS on this port. Try the other encryption, or another port.")
        case socket.gaierror():
            return _("There is no server of this name.")
        case TimeoutError() | requests.Timeout():
            return _("The server did not answer within %(seconds)s seconds.") % {"seconds": TIMEOUT}
        case ConnectionRefusedError():
            return _("Nothing answers on this port.")
    return _("The server cannot be reached: %(words)s") % {"words": error}


def _text(said: bytes | str) -> str:
    """What a server said, on one line."""
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    return " ".join("".join(c if c.isprintable() else " " for c in text[:2_000]).split())


# ---- tests that a manager asks for ----

REFUSED = (401, 403)
# To a message without anything in it, after the key was looked at.
EMPTY_REFUSED = (400, 422)


def examine(server: MailServer) -> list[Finding]:
    """Reach the server and log in, or ask the provider whether it knows the key. Nothing is sent."""
    try:
        connection = connection_of(server)
    except (CannotOpenError, NotOutside) as error:
        return [Finding(_("Settings"), False, sentence_of(error))]
    if isinstance(connection, SmtpBackend):
        return _examine_smtp(server, connection)
    return [_examine_provider(server, connection)]


def _examine_smtp(server: MailServer, connection: SmtpBackend) -> list[Finding]:
    """Each step up to the one that failed."""
    steps = [
        Finding(_("Connection"), True, _("The server answers.")),
        _encryption(server),
        Finding(_("Log-in"), True, _("The server accepted the user name and the password.")),
    ]
    if not (server.username and server.secret):
        steps[2] = Finding(_("Log-in"), True, _("Without a user name and a password."))
    try:
        connection.open()
    except (OSError, smtplib.SMTPException, UnicodeError, NotOutside) as error:
        failed = _step_of(error)
        return [*steps[:failed], Finding(steps[failed].what, False, sentence_of(error, secret=unseal(server.secret)))]
    finally:
        _hang_up(connection)
    return steps


def _encryption(server: MailServer) -> Finding:
    if server.security == Security.NONE:
        return no_encryption()
    return Finding(_("Encryption"), True, _("The connection is encrypted, and the certificate is valid."))


def _step_of(error: Exception) -> int:
    """Connection, encryption or log-in."""
    if isinstance(error, smtplib.SMTPAuthenticationError | smtplib.SMTPNotSupportedError | UnicodeError):
        return 2
    return 1 if isinstance(error, ssl.SSLError | NotEncrypted) else 0


def _hang_up(connection: SmtpBackend) -> None:
    try:
        connection.close()
    except (OSError, smtplib.SMTPException):  # it is over either way
        return


def _examine_provider(server: MailServer, connection: Any) -> Finding:
    """Hands in a message without anything in it: the key is looked at first, then the message is refused."""
    what = _("Key")
    try:
        payload = connection.build_message_payload(_test_message(current_host().tenant.support_email), {})
        asked = payload.get_request_params(connection.api_url)
        nothing = {"data": "{}" if isinstance(asked["data"], str | bytes) else None, "files": None}
        connection.open()
        answer = connection.session.request(**asked | nothing, timeout=TIMEOUT, allow_redirects=False)
    except (OSError, ValueError, AnymailError) as error:
        return Finding(what, False, sentence_of(error, secret=unseal(server.secret)))
    finally:
        connection.close()
    if answer.status_code in EMPTY_REFUSED:
        return Finding(what, True, _("The provider knows the key."))
    error = requests.HTTPError(response=answer)
    return Finding(what, False, sentence_of(error, secret=unseal(server.secret)))


def send_test(server: MailServer, to: str) -> Finding:
    """Send one test e-mail to this address, and note the result as that of any other message."""
    what = _("Test e-mail")
    try:
        _test_message(to, connection=connection_of(server)).send()
    except (CannotOpenError, NotOutside, OSError, ValueError, smtplib.SMTPException, AnymailError) as error:
        note_failure(error)
        return Finding(what, False, sentence_of(error, secret=_known_secret(server)))
    note_sent()
    return Finding(what, True, _("The server took it. Check whether it arrives at %(address)s.") % {"address": to})


def _test_message(to: str, connection: BaseEmailBackend | None = None) -> EmailMessage:
    host = current_host()
    return EmailMessage(
        subject=_("A test e-mail of %(desk)s") % {"desk": host.brand_name},
        body=_("This e-mail shows that the mail server of the desk works. Nothing is to be done."),
        from_email=host.tenant.support_email,
        to=[to],
        headers={"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"},
        connection=connection,
    )
