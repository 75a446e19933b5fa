"""Mail that other servers bring, by SMTP or LMTP: 250 only when the raw message is stored, 451 when it cannot be.

A message goes into a temporary file as it arrives, so a large one or many slow ones cost no memory.
"""

import asyncio
import re
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import IO, Any, NoReturn
from weakref import WeakSet

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session, TLSSetupException
from django.conf import settings
from django.db import close_old_connections

from accounts.addresses import normalise_address
from accounts.jobs import enqueue
from accounts.tenancy import enter
from tickets.mail.addresses import split_tag
from tickets.mail.demo import DemoMailbox
from tickets.mail.doors import Certificate, Crowd, configured_certificate
from tickets.mail.keeping import LARGEST_MESSAGE, find_mailbox, keep
from tickets.tasks import process_incoming

log = structlog.get_logger(__name__)

MB = 1024 * 1024
LARGEST_IN_DEMO = 10 * MB  # of what people look at in the demo's mailbox
IN_MEMORY = MB // 4  # of a message, before it goes to the disk
PIECE = 16 * MB  # more than a connection ever holds back
THREADS = 4
MOST_RECIPIENTS = 50
IDLE_SECONDS = 60.0
STORING_SECONDS = 600.0  # a slow disk is no idle sender
LONGEST_TRANSFER = 3600.0  # seconds for one message, however steadily it drips
# Of the commands that do nothing; a relay that brings many messages is welcome.
CALLS = {"*": 1_000_000, "NOOP": 100, "VRFY": 20, "EXPN": 20, "HELP": 20, "AUTH": 5}

OK = "250 2.0.0 Message stored"
TRY_LATER = "451 4.3.0 The message could not be stored now; please send it again later"
TOO_MANY = f"452 4.5.3 A message goes to {MOST_RECIPIENTS} addresses at once; please send it to the others separately"
TOO_LARGE = (
    f"552 5.3.4 The message is larger than {LARGEST_MESSAGE // MB} MB, which is the most that is taken here; "
    "please send large files another way"
)
UNKNOWN = "550 5.1.1 No desk receives mail at this address; please check it for a mistake"
BAD = "553 5.1.3 This is not an e-mail address; please check it for a mistake"
BAD_SENDER = "553 5.1.7 The sender is not an e-mail address; please check it for a mistake"
CROWDED = "421 4.7.0 Too many connections at once; please try again in some minutes"
TOO_SLOW = "421 4.4.2 Nothing came for too long; please connect again"

_SIZE = re.compile(r"\sSIZE=([0-9]{1,20})(?:\s|$)", re.IGNORECASE)


class DottedText:
    """The text after DATA, which comes in any pieces. Only CR LF . CR LF ends it (RFC 5321, 4.1.1.4 and 4.5.2).

    Servers that let a lone CR or LF count as the end of a line can be made to see two messages where there is one.
    """

    _END = b"\r\n.\r\n"

    def __init__(self) -> None:
        # The command's own line break: the text may begin with a dot, or be nothing but the final one.
        self._held = b"\r\n"
        self._before = 2

    def take(self, piece: bytes) -> tuple[bytes, bytes | None]:
        """(text, what followed its end): the second is None while the end has not come."""
        raw = self._held + piece
        end = raw.find(self._END)
        if end >= 0:
            return self._plain(raw[: end + 2]), raw[end + len(self._END) :]
        # What may be a part of the end, or of a line break before a dot, waits for the next piece.
        cut = raw.find(b"\r", max(0, len(raw) - len(self._END) + 1))
        cut = len(raw) if cut < 0 else cut
        self._held = raw[cut:]
        return self._plain(raw[:cut]), None

    def _plain(self, raw: bytes) -> bytes:
        text = raw.replace(b"\r\n.", b"\r\n")[self._before :]
        self._before = 0 if raw else self._before
        return text


class Body:
    """A message on its way into a temporary file. `refusal` says why there is none."""

    def __init__(self) -> None:
        self.by_relay = False
        self.file: IO[bytes] = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - closed by who reads it
            max_size=IN_MEMORY, dir=settings.FILE_UPLOAD_TEMP_DIR
        )
        self.size = 0
        self.refusal = ""

    def write(self, text: bytes) -> None:
        self.size += len(text)
        if self.size > LARGEST_MESSAGE and not self.refusal:
            self._drop(TOO_LARGE)
        if self.refusal:
            return
        try:
            self.file.write(text)
        except OSError as error:
            log.warning("message could not be written", error=str(error), bytes=self.size)
            self._drop(TRY_LATER)

    def _drop(self, refusal: str) -> None:
        self.refusal = refusal
        self.file.close()


class Handler:
    """What is answered. In demo mode mail to the world is kept in the local mailbox instead of being refused."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self.demo = DemoMailbox() if settings.DEMO else None
        # The database is reached from these threads only; the event loop never waits for it.
        self.threads = threads

    async def in_thread(self, work: Callable[..., Any], *args: Any) -> Any:
        def run() -> Any:
            close_old_connections()
            return work(*args)

        return await asyncio.get_running_loop().run_in_executor(self.threads, run)

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        offered = [line for line in responses if not line.startswith(("250-AUTH", "250 HELP"))]
        return [*offered, "250 PIPELINING"]

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not address.isprintable():
            return BAD_SENDER
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return TOO_MANY
        if not address.isprintable():
            return BAD
        try:
            known = await self.in_thread(find_mailbox, address)
        except Exception:
            log.exception("recipient could not be looked up", recipient=split_tag(address)[0])
            return TRY_LATER
        if known is None and self.demo is None:
            return UNKNOWN if normalise_address(split_tag(address)[0]) else BAD
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_exception(self, error: Exception) -> str:
        """What nobody foresaw is our fault: the sender keeps the message and tries again."""
        if isinstance(error, TLSSetupException):
            log.info("encryption failed", error=str(error.__cause__))
        else:
            log.error("listener failed", exc_info=error)
        return TRY_LATER

    async def take(self, body: Body, envelope: Envelope) -> list[str]:
        """Store the message, and answer for each recipient."""
        recipients = envelope.rcpt_tos
        if body.refusal:
            return [body.refusal] * len(recipients)
        # What SMTP calls <> is nobody.
        sender = (envelope.mail_from or "").replace("<>", "")
        try:
            answers: list[str] = await self.in_thread(self.receive, body, sender, recipients)
        except Exception:
            log.exception("message could not be stored", sender=sender, recipients=_bare(recipients))
            return [TRY_LATER] * len(recipients)
        return answers

    def receive(self, body: Body, sender: str, recipients: list[str]) -> list[str]:
        with body.file:
            places = [find_mailbox(recipient) for recipient in recipients]
            answers = {
                place: self.store(place, body, sender, recipient)
                for place, recipient in _one_each(places, recipients).items()
            }
            return [
                answers[place] if place else self.store_for_world(body, sender, recipient)
                for place, recipient in zip(places, recipients, strict=True)
            ]

    def store(self, place: tuple[int, int], body: Body, sender: str, recipient: str) -> str:
        """What went into other mailboxes before it failed here is known there when the sender tries again."""
        tenant_id, mailbox_id = place
        about = {"tenant": tenant_id, "mailbox": split_tag(recipient)[0], "sender": sender, "bytes": body.size}
        try:
            with enter(tenant_id):
                message = keep(
                    body.file,
                    mailbox_id=mailbox_id,
                    envelope_from=sender,
                    envelope_to=recipient,
                    by_relay=body.by_relay,
                )
        except Exception:
            log.exception("message could not be stored", **about)
            return TRY_LATER
        log.info("message stored", incoming=message.pk, **about)
        enqueue(process_incoming, tenant_id, message.pk)
        return OK

    def store_for_world(self, body: Body, sender: str, recipient: str) -> str:
        if self.demo is None:
            # The mailbox was there when the sender named it. The next try will hear that it is gone.
            return TRY_LATER
        body.file.seek(0)
        self.demo.keep(body.file.read(LARGEST_IN_DEMO), sender=sender, recipient=recipient)
        return OK


def _one_each(places: list[tuple[int, int] | None], recipients: list[str]) -> dict[tuple[int, int], str]:
    """One message is one message to a mailbox, however many of its addresses it names; a signed one wins."""
    chosen: dict[tuple[int, int], str] = {}
    for place, recipient in zip(places, recipients, strict=True):
        if place is not None:
            chosen[place] = recipient if split_tag(recipient)[1] else chosen.get(place, recipient)
    return chosen


def _bare(recipients: list[str]) -> list[str]:
    """Without the signed parts, by which whoever reads logs could write in other people's names."""
    return [split_tag(recipient)[0] for recipient in recipients]


class Server(SMTP):
    """One connection by SMTP. `crowd` is who else is connected."""

    # Of a command. A message is taken in pieces, so that its lines may be as long as they are.
    line_length_limit = 65_536

    def __init__(self, handler: Handler, *, certificate: Certificate | None = None, crowd: Crowd | None = None) -> None:
        # The library's own is shared by all connections.
        self.command_size_limits = defaultdict(lambda: self.command_size_limit)
        super().__init__(
            handler,
            data_size_limit=LARGEST_MESSAGE,
            hostname=settings.BASE_DOMAIN,
            ident="Service desk",
            enable_SMTPUTF8=True,
            tls_context=certificate.context() if certificate else None,
            timeout=IDLE_SECONDS,
            command_call_limit=CALLS,
        )
        self.handler = handler
        self.crowd = crowd
        self.address = ""

    # ---- coming and going ----

    def is_relay(self) -> bool:
        """Whether it is a mail server of the operator's, which looks at who sends."""
        try:
            address = ip_address(self.address)
        except ValueError:
            return False
        return any(address in ip_network(one, strict=False) for one in settings.RELAY_NETWORKS)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # STARTTLS comes here a second time.
        if self._original_transport is None:
            self.address = str((transport.get_extra_info("peername") or ("",))[0])
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self.crowd:
            self.crowd.forget(self)
        super().connection_lost(error)

    async def _handle_client(self) -> None:
        if self.crowd and not self.crowd.admit(self, self.address):
            log.warning("too many connections", peer=self.address)
            await self._hang_up(CROWDED)
        await super()._handle_client()

    def _timeout_cb(self) -> None:
        self._writer.write(TOO_SLOW.encode() + b"\r\n")
        super()._timeout_cb()  # type: ignore[no-untyped-call]

    async def _hang_up(self, reply: str) -> NoReturn:
        await self.push(reply)
        if self.transport is not None:
            self.transport.close()
        raise asyncio.CancelledError

    # ---- commands ----

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """(address, the rest), both None when it is none."""
        try:
            found: tuple[str | None, str | None] = super()._getaddr(arg)
        except Exception:  # the parser that the library asks stumbles in many ways over what is no address
            return None, None
        return found

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802
        size = _SIZE.search((arg or "").rpartition(">")[2])
        if size and self.session and self.session.extended_smtp and int(size[1]) > LARGEST_MESSAGE:
            await self.push(TOO_LARGE)
            return
        await super().smtp_MAIL(arg)

    async def smtp_VRFY(self, arg: str | None) -> None:  # noqa: N802
        await self.push("252 2.5.0 Addresses are not looked up for strangers; please send the message")

    async def smtp_EXPN(self, arg: str | None) -> None:  # noqa: N802
        await self.push("502 5.5.1 There are no lists here")

    async def smtp_HELP(self, arg: str | None) -> None:  # noqa: N802
        await self.push("214 2.0.0 This server takes mail for service desks (RFC 5321)")

    async def smtp_AUTH(self, arg: str | None) -> None:  # noqa: N802
        await self.push("502 5.5.1 Nobody logs in here")

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802
        if await self.check_helo_needed() or self.envelope is None:
            return
        if not self.envelope.rcpt_tos:
            await self.push("503 5.5.1 No recipient was named; please send RCPT first")
            return
        if arg:
            await self.push("501 5.5.4 DATA takes no words")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        envelope, body = self.envelope, await self._body()
        self._reset_timeout(STORING_SECONDS)
        body.by_relay = self.is_relay()
        answers = await self.handler.take(body, envelope)
        self._reset_timeout()
        self._set_post_data_state()  # type: ignore[no-untyped-call]
        for answer in self._replies(answers):
            await self.push(answer)

    async def _body(self) -> Body:
        """The message. Whatever goes wrong ends the connection: the rest of a text must not be read as commands."""
        body = Body()
        try:
            async with asyncio.timeout(LONGEST_TRANSFER):
                await self._read_into(body)
        except asyncio.CancelledError:
            body.file.close()
            raise
        except Exception as error:
            body.file.close()
            log.error("message could not be read", peer=self.address, exc_info=error)
            await self._hang_up(TOO_SLOW if isinstance(error, TimeoutError) else TRY_LATER)
        return body

    async def _read_into(self, body: Body) -> None:
        text, rest = DottedText(), None
        while rest is None:
            piece = await self._reader.read(PIECE)
            if not piece:
                raise asyncio.CancelledError
            self._reset_timeout()
            plain, rest = text.take(piece)
            body.write(plain)
        if rest:
            # Commands may follow at once (RFC 2920). `read` has emptied the reader, so they come first again.
            self._reader.feed_data(rest)

    def _replies(self, answers: list[str]) -> Iterator[str]:
        """One for all: that of the first recipient for whom it failed."""
        yield next((answer for answer in answers if answer != OK), OK)


class LocalServer(Server):
    """One connection by LMTP (RFC 2033): the relay hears for each recipient whether the message is stored."""

    def is_relay(self) -> bool:
        return True

    async def check_helo_needed(self, helo: str = "LHLO") -> bool:
        needed: bool = await super().check_helo_needed(helo)
        return needed

    async def smtp_LHLO(self, arg: str) -> None:  # noqa: N802
        await super().smtp_EHLO(arg)

    async def smtp_HELO(self, hostname: str) -> None:  # noqa: N802
        await self.push("500 5.5.1 This is LMTP: please begin with LHLO")

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802
        await self.smtp_HELO(hostname)

    def _replies(self, answers: list[str]) -> Iterator[str]:
        yield from answers


async def serve(host: str, port: int, lmtp: str = "") -> None:
    """Listen until cancelled; `lmtp` is 'host:port', '/path/to/socket' or '' for none.

    Raises OSError when an address cannot be had or the certificate cannot be read, and ValueError when LMTP's is none.
    What is being stored at the end is finished.
    """
    certificate = configured_certificate()
    crowd = Crowd(settings.SMTP_CONNECTIONS, settings.SMTP_CONNECTIONS_PER_ADDRESS)
    connected: WeakSet[Server] = WeakSet()

    def known(server: Server) -> Server:
        connected.add(server)
        return server

    with ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="intake") as threads:
        handler = Handler(threads)
        doors = [
            await asyncio.get_running_loop().create_server(
                lambda: known(Server(handler, certificate=certificate, crowd=crowd)), host=host, port=port
            )
        ]
        try:
            if lmtp:
                doors.append(await _local_door(lmtp, lambda: known(LocalServer(handler))))
            await asyncio.get_running_loop().create_future()
        finally:
            _close(doors, connected)
            if len(doors) > 1 and lmtp.startswith("/"):
                Path(lmtp).unlink(missing_ok=True)


async def _local_door(address: str, server: Callable[[], Server]) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    if not address.startswith("/"):
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal():
            raise ValueError(f"'{address}' is no place for LMTP, which looks like 127.0.0.1:8024 or /path/to/socket")
        return await loop.create_server(server, host=host.strip("[]"), port=int(port))
    door = await loop.create_unix_server(server, path=address)
    # The relay is another user; the folder says who may come in.
    Path(address).chmod(0o666)
    return door


def _close(doors: list[asyncio.Server], connected: Iterable[Server]) -> None:
    """Later Pythons wait for the last sender to hang up by themselves: we do it for them."""
    for door in doors:
        door.close()
    for server in list(connected):
        if server.transport is not None:
            server.transport.close()
