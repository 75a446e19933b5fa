"""The SMTP and LMTP listener on real sockets: 250 only when stored, 550 to strangers' addresses, 451 when it cannot."""

import asyncio
import contextlib
import errno
import os
import random
import smtplib
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from structlog.testing import capture_logs

from accounts.files import open_file
from conftest import Desk
from servicedesk.embedded.certificate import certificate_in
from tests.conftest import ROOT, free_port
from tests.migrated import url_for
from tickets.mail import listener
from tickets.mail.demo import DemoMailbox
from tickets.mail.doors import Crowd
from tickets.models import IncomingMessage, Mailbox

# A ceiling that only a hang reaches.
LONGEST_WAIT = 60.0
COMMAND = [sys.executable, "manage.py", "smtp_listener"]
SUPPORT, OTHER_DESK = "support@alpha.localhost", "support@beta.localhost"


@contextlib.contextmanager
def listening(lmtp: str = "") -> Iterator[int]:
    number = free_port()
    loop = asyncio.new_event_loop()
    serving = loop.create_task(listener.serve("127.0.0.1", number, lmtp))
    thread = threading.Thread(target=lambda: loop.run_until_complete(_until_cancelled(serving)), daemon=True)
    thread.start()
    _wait_until_open(number)
    yield number
    loop.call_soon_threadsafe(serving.cancel)
    thread.join(timeout=LONGEST_WAIT)


async def _until_cancelled(task: "asyncio.Task[None]") -> None:
    try:
        await task
    except asyncio.CancelledError:
        return


def _wait_until_open(port: int) -> None:
    def opens() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=LONGEST_WAIT) as probe:
            probe.sendall(b"QUIT\r\n")
            # To its end: the listener does not count the probe any more.
            return probe.makefile("rb").read().startswith(b"220")
        return False

    wait_until(opens)


def wait_until(what: Callable[[], bool]) -> None:
    end = time.monotonic() + LONGEST_WAIT
    while not what():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def port(committed_desk: Desk) -> Iterator[int]:
    with listening() as number:
        yield number


def own_environment(port: int, folder: Path, **changes: str) -> dict[str, str]:
    """Of a listener at the test's database."""
    return {
        **os.environ,
        "DATABASE_URL": url_for("DATABASE_URL", str(connection.settings_dict["NAME"])),
        "FILES_ROOT": str(folder / "files"),
        "QUEUE_PREFIX": f"listener-{port}",
        "SMTP_PORT": str(port),
        "DEMO": "0",
        **changes,
    }


@contextlib.contextmanager
def own_process(folder: Path, **changes: str) -> Iterator[tuple[int, int]]:
    """(port, pid) of `manage.py smtp_listener`, which ends in order when it is asked to."""
    port = free_port()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(COMMAND, cwd=ROOT, env=own_environment(port, folder, **changes), stderr=log)
    try:
        _wait_until_open(port)
        yield port, process.pid
    finally:
        process.terminate()
        assert process.wait(timeout=LONGEST_WAIT) == 0, (folder / "log").read_text()


def letter(body: str = "Hello") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["Subject"] = "nora@new.example", "Help"
    message.set_content(body)
    return message


def send(port: int, *to: str, message: EmailMessage | None = None, sender: str = "nora@new.example") -> dict[str, Any]:
    with smtplib.SMTP("127.0.0.1", port, timeout=LONGEST_WAIT) as relay:
        return dict(relay.send_message(message or letter(), sender, list(to)))


def stored(desk: Desk) -> int:
    with desk.entered():
        return int(IncomingMessage.objects.count())


def bytes_of(desk: Desk) -> list[bytes]:
    with desk.entered():
        found = []
        for message in IncomingMessage.objects.order_by("id"):
            with open_file(message.raw) as file:
                found.append(file.read())
        return found


class Wire:
    """A sender that says what it likes, byte by byte."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=LONGEST_WAIT)
        self.lines = self.socket.makefile("rb")
        self.answer()

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self.lines.close()
        self.socket.close()

    def say(self, raw: bytes) -> None:
        self.socket.sendall(raw)

    def answer(self) -> str:
        while line := self.lines.readline():
            if line[3:4] != b"-":
                return line.decode().rstrip()
        return ""

    def ask(self, command: str) -> str:
        self.say(command.encode() + b"\r\n")
        return self.answer()

    def begin(self, to: str = SUPPORT) -> "Wire":
        """Up to the text of a message."""
        for command in ("EHLO relay.example", "MAIL FROM:<nora@new.example>", f"RCPT TO:<{to}>", "DATA"):
            assert self.ask(command)[0] in "23"
        return self


# ---- what is stored ----


def test_a_message_is_stored_before_it_is_taken(committed_desk: Desk, port: int) -> None:
    send(port, SUPPORT)
    assert stored(committed_desk) == 1


def test_the_signed_part_of_the_address_is_kept(committed_desk: Desk, port: int) -> None:
    send(port, "support+t1.2.abc@alpha.localhost")
    with committed_desk.entered():
        assert IncomingMessage.objects.get().envelope_to == "support+t1.2.abc@alpha.localhost"


def test_a_message_from_nobody_has_no_sender(committed_desk: Desk, port: int) -> None:
    send(port, SUPPORT, sender="<>")
    with committed_desk.entered():
        assert IncomingMessage.objects.get().envelope_from == ""


@pytest.mark.parametrize(
    "text",
    [
        b"Subject: x\r\n\r\nHello\r\n",
        b"",
        b".\r\n",
        b".. two\r\n...\r\n.three\r\n",
        b"\r\n.\r\r\n",
        b"lone \r and \n stay\n.\n\r.\r\n",
        b"\xff\x00\x80 bytes\r\n",
        b"x" * 300_000 + b"\r\n." + b"y" * 300_000 + b"\r\n",
    ],
)
def test_what_is_stored_is_what_was_sent(committed_desk: Desk, port: int, text: bytes) -> None:
    stuffed = (b"\r\n" + text).replace(b"\r\n.", b"\r\n..")[2:]
    with Wire(port).begin() as wire:
        wire.say(stuffed + b".\r\n")
        assert wire.answer() == listener.OK
    assert bytes_of(committed_desk) == [text]


def test_a_paragraph_on_one_line_is_taken(committed_desk: Desk, port: int) -> None:
    text = b"Subject: long\r\n\r\n" + b"x" * 3_000_000 + b"\r\n"
    with smtplib.SMTP("127.0.0.1", port, timeout=LONGEST_WAIT) as relay:
        relay.sendmail("a@b.example", [SUPPORT], text)
    assert bytes_of(committed_desk) == [text]


def test_a_text_may_come_in_any_pieces() -> None:
    dice = random.Random(11)
    for _ in range(3000):
        text = b"".join(dice.choices([b"\r", b"\n", b".", b"a", b"\r\n"], k=dice.randrange(12))) + b"\r\n"
        stuffed = (b"\r\n" + text).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\nQUIT\r\n"
        reader, taken, rest, position = listener.DottedText(), b"", None, 0
        while rest is None:
            step = dice.randrange(1, 6)
            plain, rest = reader.take(stuffed[position : position + step])
            taken, position = taken + plain, position + step
        assert (taken, rest + stuffed[position:]) == (text, b"QUIT\r\n")


@pytest.mark.parametrize(
    "false_end", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\n\n.\r\r\n", b"\r\n\x00.\r\n"]
)
def test_nothing_but_a_dot_on_its_own_line_ends_a_message(committed_desk: Desk, port: int, false_end: bytes) -> None:
    """Else one message could smuggle in another, from somebody else."""
    second = b"MAIL FROM:<boss@alpha.example>\r\nRCPT TO:<" + SUPPORT.encode() + b">\r\nDATA\r\nPay.\r\n"
    with Wire(port).begin() as wire:
        wire.say(b"Hello" + false_end + second + b"\r\n.\r\n")
        wire.answer()
        assert wire.ask("QUIT")[:3] == "221"
    assert [text.count(b"Pay.") for text in bytes_of(committed_desk)] == [1]


def test_commands_may_follow_at_once(committed_desk: Desk, port: int) -> None:
    envelope = b"MAIL FROM:<nora@new.example>\r\nRCPT TO:<" + SUPPORT.encode() + b">\r\nDATA\r\n"
    with Wire(port) as wire:
        wire.ask("EHLO relay.example")
        wire.say(envelope + b"One\r\n.\r\n" + envelope + b"Two\r\n.\r\nQUIT\r\n")
        answers = [wire.answer()[:3] for _ in range(9)]
    assert answers == ["250", "250", "354", "250", "250", "250", "354", "250", "221"]
    assert bytes_of(committed_desk) == [b"One\r\n", b"Two\r\n"]


def test_who_hangs_up_in_the_middle_has_sent_nothing(committed_desk: Desk, port: int) -> None:
    with Wire(port).begin() as wire:
        wire.say(b"Subject: half\r\n\r\nThe beginning\r\n")
    send(port, SUPPORT, message=letter("whole"))
    assert [b"whole" in text for text in bytes_of(committed_desk)] == [True]


def test_the_same_message_twice_is_stored_once(committed_desk: Desk, port: int) -> None:
    for _ in range(2):
        send(port, SUPPORT, message=letter("once"))
    assert stored(committed_desk) == 1


# ---- recipients ----


def test_an_unknown_address_is_refused_for_good(port: int) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as caught:
        send(port, "nobody@alpha.localhost")
    assert caught.value.recipients["nobody@alpha.localhost"] == (550, listener.UNKNOWN[4:].encode())


@pytest.mark.parametrize("to", ["no address", "a@b@c", "<", "<a@", '"', "<a@[ b", "<\xff@alpha.localhost>", "<ž@x.lv>"])
def test_what_is_no_address_is_refused_for_good(port: int, to: str) -> None:
    with Wire(port) as wire:
        wire.ask("EHLO relay.example")
        wire.ask("MAIL FROM:<nora@new.example>")
        assert wire.ask(f"RCPT TO:{to}")[:3] in ("501", "553")


def test_an_unreadable_sender_is_refused_for_good(port: int) -> None:
    with Wire(port) as wire:
        wire.ask("EHLO relay.example")
        wire.say(b"MAIL FROM:<\xff@new.example>\r\n")
        assert wire.answer() == listener.BAD_SENDER


def test_a_message_to_many_of_a_mailboxs_addresses_is_one(committed_desk: Desk, port: int) -> None:
    send(port, *(f"support+{number}@alpha.localhost" for number in range(20)))
    assert stored(committed_desk) == 1


def test_the_signed_one_of_a_mailboxs_addresses_wins(committed_desk: Desk, port: int) -> None:
    send(port, SUPPORT, "support+t1.2.abc@alpha.localhost", SUPPORT)
    with committed_desk.entered():
        assert IncomingMessage.objects.get().envelope_to == "support+t1.2.abc@alpha.localhost"


def test_more_than_fifty_recipients_are_too_many(port: int) -> None:
    refused = send(port, *(f"support+{number}@alpha.localhost" for number in range(51)))
    assert [code for code, _ in refused.values()] == [452]


def test_a_message_to_two_desks_is_stored_at_both(committed_desk: Desk, rival: Desk, port: int) -> None:
    send(port, SUPPORT, OTHER_DESK)
    assert (stored(committed_desk), stored(rival)) == (1, 1)


# ---- what cannot be stored ----


def fails_for(monkeypatch: pytest.MonkeyPatch, desk: Desk, error: Exception) -> None:
    """Storing fails for the desk, as it does when the disk is full."""
    keep = listener.keep
    with desk.entered():
        mailbox_id = Mailbox.objects.get().pk

    def failing(*args: Any, **options: Any) -> IncomingMessage:
        if options["mailbox_id"] == mailbox_id:
            raise error
        return keep(*args, **options)

    monkeypatch.setattr(listener, "keep", failing)


def test_what_cannot_be_stored_is_asked_for_again(
    committed_desk: Desk, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails_for(monkeypatch, committed_desk, OSError(errno.ENOSPC, "disk full"))
    with pytest.raises(smtplib.SMTPDataError) as caught:
        send(port, SUPPORT)
    assert (caught.value.smtp_code, stored(committed_desk)) == (451, 0)


def test_a_message_that_only_one_desk_could_store_is_asked_for_again(
    committed_desk: Desk, rival: Desk, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails_for(monkeypatch, rival, OSError(errno.ENOSPC, "disk full"))
    with pytest.raises(smtplib.SMTPDataError):
        send(port, SUPPORT, OTHER_DESK, message=letter("both"))
    monkeypatch.undo()
    send(port, SUPPORT, OTHER_DESK, message=letter("both"))
    assert (stored(committed_desk), stored(rival)) == (1, 1)


def test_without_the_database_senders_keep_their_mail(tmp_path: Path) -> None:
    nowhere = f"postgres://a:b@127.0.0.1:{free_port()}/none"
    with (
        own_process(tmp_path, DATABASE_URL=nowhere) as (port, _),
        pytest.raises(smtplib.SMTPRecipientsRefused) as caught,
    ):
        send(port, SUPPORT)
    assert caught.value.recipients[SUPPORT] == (451, listener.TRY_LATER[4:].encode())


def test_a_full_disk_while_a_message_arrives_is_no_refusal(
    committed_desk: Desk, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> Any:
        return open("/dev/full", "wb", buffering=0)  # noqa: PTH123 - what a full disk says, from the system

    monkeypatch.setattr(listener.tempfile, "SpooledTemporaryFile", full)
    with Wire(port).begin() as wire:
        wire.say(b"Hello\r\n.\r\n")
        assert wire.answer() == listener.TRY_LATER
    assert stored(committed_desk) == 0


def test_a_mailbox_that_went_meanwhile_loses_nothing(committed_desk: Desk, port: int) -> None:
    with Wire(port).begin() as wire:
        with committed_desk.entered():
            Mailbox.objects.update(is_active=False)
        wire.say(b"Hello\r\n.\r\n")
        assert wire.answer() == listener.TRY_LATER


# ---- sizes ----


def test_the_size_is_announced(port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=LONGEST_WAIT) as relay:
        relay.ehlo()
        assert int(relay.esmtp_features["size"]) == 100 * 1024 * 1024


def test_a_sender_who_names_a_larger_size_need_not_begin(port: int) -> None:
    with Wire(port) as wire:
        wire.ask("EHLO relay.example")
        answer = wire.ask("MAIL FROM:<nora@new.example> BODY=8BITMIME SIZE=104857601")
    assert answer.startswith("552 5.3.4 ")
    assert "100 MB" in answer


def test_a_larger_message_is_refused_when_it_has_been_read(
    committed_desk: Desk, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "LARGEST_MESSAGE", 1_000_000)
    with Wire(port).begin() as wire:
        wire.say(b"x" * 3_000_000 + b"\r\n.\r\n")
        assert wire.answer() == listener.TOO_LARGE
        assert wire.ask("NOOP")[:3] == "250"
    assert stored(committed_desk) == 0


def most_memory(pid: int) -> int:
    """MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) // 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux says how much memory was used at most")
@pytest.mark.slow
def test_seventy_megabytes_cost_no_memory(committed_desk: Desk, tmp_path: Path) -> None:
    line = b"VGhlIGJlZ2lubmluZyBvZiBhIGxhcmdlIGZpbGUsIGFzIGl0IHN0YW5kcyBpbiBhbiBlLW1haWwu\r\n"
    with own_process(tmp_path) as (port, pid):
        with Wire(port).begin() as wire:
            wire.say(b"Subject: large\r\n\r\n" + line * (70 * 1024 * 1024 // len(line)) + b".\r\n")
            assert wire.answer() == listener.OK
        assert most_memory(pid) < 250
    with committed_desk.entered():
        assert IncomingMessage.objects.get().size > 69 * 1024 * 1024


# ---- who may speak, how long, how many ----


def test_who_does_not_say_hello_is_not_heard(port: int) -> None:
    with Wire(port) as wire:
        assert wire.ask("MAIL FROM:<nora@new.example>")[:3] == "503"


@pytest.mark.parametrize("command", ["VRFY", "EXPN", "HELP"])
def test_nobody_learns_which_addresses_there_are(port: int, command: str) -> None:
    with Wire(port) as wire:
        wire.ask("EHLO relay.example")
        assert wire.ask(f"{command} {SUPPORT}") == wire.ask(f"{command} nobody@alpha.localhost")


def test_nobody_is_asked_to_log_in(port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=LONGEST_WAIT) as relay:
        relay.ehlo()
        assert not relay.has_extn("auth")


def test_who_speaks_gibberish_is_sent_away(port: int) -> None:
    with Wire(port) as wire:
        answers = [wire.ask(f"X{number}") for number in range(5)]
        assert [*answers[-1:], wire.answer()] == ["502 5.5.1 Too many unrecognized commands, goodbye.", ""]


@pytest.mark.slow
def test_who_says_nothing_is_sent_away(committed_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "IDLE_SECONDS", 2.0)
    with listening() as port, Wire(port).begin() as wire:
        wire.say(b"Hello")
        assert [wire.answer(), wire.answer()] == [listener.TOO_SLOW, ""]


@pytest.mark.slow
def test_who_speaks_slowly_is_heard(committed_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "IDLE_SECONDS", 3.0)
    with listening() as port, Wire(port).begin() as wire:
        for piece in (b"Hel", b"lo\r", b"\n.", b"\r", b"\n"):
            time.sleep(0.7)
            wire.say(piece)
        assert wire.answer() == listener.OK


def test_no_message_takes_for_ever(committed_desk: Desk, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left of it is not read as commands."""
    monkeypatch.setattr(listener, "LONGEST_TRANSFER", 0.5)
    with Wire(port).begin() as wire:
        wire.say(b"QUIT\r\n")
        assert [wire.answer(), wire.answer()] == [listener.TOO_SLOW, ""]
    assert stored(committed_desk) == 0


def test_an_address_has_ten_connections(port: int) -> None:
    with contextlib.ExitStack() as open_ones:
        for _ in range(10):
            open_ones.enter_context(Wire(port))
        eleventh = open_ones.enter_context(socket.create_connection(("127.0.0.1", port), timeout=LONGEST_WAIT))
        assert eleventh.recv(1000).decode().rstrip() == listener.CROWDED
        other = socket.create_connection(("127.0.0.1", port), timeout=LONGEST_WAIT, source_address=("127.0.0.2", 0))
        assert open_ones.enter_context(other).recv(3) == b"220"


def test_who_leaves_makes_room(port: int) -> None:
    for _ in range(12):
        send(port, SUPPORT)


def test_all_addresses_together_have_a_limit() -> None:
    crowd = Crowd(most=3, most_of_one=2)
    admitted = [crowd.admit(number, address) for number, address in enumerate(["a", "a", "a", "b", "c"])]
    assert admitted == [True, True, False, True, False]


def test_the_addresses_of_one_network_are_one() -> None:
    crowd = Crowd(most=100, most_of_one=1)
    assert [crowd.admit(number, f"2001:db8::{number}") for number in (1, 2)] == [True, False]


def test_two_mapped_addresses_are_two() -> None:
    crowd = Crowd(most=100, most_of_one=1)
    assert [crowd.admit(number, f"::ffff:192.0.2.{number}") for number in (1, 2)] == [True, True]


def test_a_fault_of_ours_bounces_nothing(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(listener.Handler, "handle_MAIL", broken)
    with pytest.raises(smtplib.SMTPSenderRefused) as caught:
        send(port, SUPPORT)
    assert (caught.value.smtp_code, caught.value.smtp_error) == (451, listener.TRY_LATER[4:].encode())


def test_every_answer_is_one_line_of_ascii() -> None:
    answers = [value for name, value in vars(listener).items() if name.isupper() and isinstance(value, str)]
    assert len(answers) >= 9
    assert [one for one in answers if not one.isascii() or not one.isprintable() or len(one) > 250] == []


def test_the_log_says_whose_mail_it_was_and_nothing_of_it(port: int, committed_desk: Desk) -> None:
    with capture_logs() as logs:
        send(port, "support+t1.2.abc@alpha.localhost", message=letter("a private word"))
    [line] = [one for one in logs if one["event"] == "message stored"]
    assert {**line, "bytes": 0, "incoming": 0} == {
        "event": "message stored",
        "log_level": "info",
        "tenant": committed_desk.id,
        "mailbox": SUPPORT,
        "sender": "nora@new.example",
        "incoming": 0,
        "bytes": 0,
    }


# ---- STARTTLS ----


@pytest.fixture
def tls_port(committed_desk: Desk, tmp_path: Path, settings: Any) -> Iterator[int]:
    certificate, key = certificate_in(tmp_path, "localhost")
    settings.SMTP_TLS_CERT, settings.SMTP_TLS_KEY = str(certificate), str(key)
    with listening() as number:
        yield number


def trusting(tmp_path: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate_in(tmp_path, "localhost")[0]))


def test_mail_comes_encrypted(committed_desk: Desk, tls_port: int, tmp_path: Path) -> None:
    with smtplib.SMTP("127.0.0.1", tls_port, timeout=LONGEST_WAIT) as relay:
        relay._host = "localhost"  # whose name the certificate bears
        relay.starttls(context=trusting(tmp_path))
        relay.send_message(letter("x" * 200_000), "nora@new.example", [SUPPORT])
        assert not relay.has_extn("starttls")
        assert not relay.has_extn("auth")
    assert stored(committed_desk) == 1


def test_nobody_has_to_encrypt(committed_desk: Desk, tls_port: int) -> None:
    send(tls_port, SUPPORT)
    assert stored(committed_desk) == 1


def test_what_was_said_before_the_encryption_is_forgotten(tls_port: int) -> None:
    with smtplib.SMTP("127.0.0.1", tls_port, timeout=LONGEST_WAIT) as relay:
        relay.ehlo()
        relay.mail("a@b.example")
        relay.starttls(context=ssl._create_unverified_context())
        assert relay.docmd("RCPT", f"TO:<{SUPPORT}>")[0] == 503


def test_what_does_not_speak_tls_disturbs_nobody(committed_desk: Desk, tls_port: int) -> None:
    with Wire(tls_port) as wire:
        wire.ask("EHLO relay.example")
        wire.ask("STARTTLS")
        wire.say(b"no handshake\r\n" * 10)
        while wire.socket.recv(1000):
            pass
    send(tls_port, SUPPORT)
    assert stored(committed_desk) == 1


def test_nothing_can_be_said_ahead_of_the_encryption(tls_port: int) -> None:
    """Else who sits in between puts commands into a conversation that its sender takes for protected."""
    with Wire(tls_port) as wire:
        wire.ask("EHLO relay.example")
        wire.say(b"STARTTLS\r\nNOOP\r\n")
        wire.answer()
        with ssl._create_unverified_context().wrap_socket(wire.socket) as encrypted:
            encrypted.sendall(b"QUIT\r\n")
            assert encrypted.makefile("rb").read() == b"221 Bye\r\n"


def test_without_a_certificate_none_is_offered(port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=LONGEST_WAIT) as relay:
        relay.ehlo()
        assert not relay.has_extn("starttls")


def test_a_renewed_certificate_is_used_at_once(tls_port: int, tmp_path: Path) -> None:
    newer = certificate_in(tmp_path / "newer", "localhost")
    for old, new in zip(certificate_in(tmp_path, "localhost"), newer, strict=True):
        new.replace(old)
    with smtplib.SMTP("127.0.0.1", tls_port, timeout=LONGEST_WAIT) as relay:
        relay.starttls(context=ssl._create_unverified_context())
        shown = relay.sock.getpeercert(binary_form=True)
    assert ssl.DER_cert_to_PEM_cert(shown).split() == certificate_in(tmp_path, "localhost")[0].read_text().split()


def test_half_a_renewal_leaves_the_old_certificate_in_use(tls_port: int, tmp_path: Path) -> None:
    certificate_in(tmp_path, "localhost")[1].write_text("half")
    with smtplib.SMTP("127.0.0.1", tls_port, timeout=LONGEST_WAIT) as relay:
        relay.starttls(context=ssl._create_unverified_context())
        assert relay.noop()[0] == 250


@pytest.mark.parametrize(
    "changes",
    [
        {"SMTP_TLS_CERT": "/absent.pem"},
        pytest.param({"LMTP_ADDRESS": "24"}, marks=pytest.mark.slow),
        pytest.param({"LMTP_ADDRESS": "/absent/socket"}, marks=pytest.mark.slow),
    ],
)
def test_a_listener_that_cannot_start_says_why(committed_desk: Desk, tmp_path: Path, changes: dict[str, str]) -> None:
    environment = own_environment(free_port(), tmp_path, **changes)
    ended = subprocess.run(
        COMMAND, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=LONGEST_WAIT, check=False
    )
    assert (ended.returncode, "Traceback" in ended.stderr) == (1, False)
    assert "The listener cannot start" in ended.stderr


# ---- LMTP ----


@pytest.fixture
def lmtp_port(committed_desk: Desk) -> Iterator[int]:
    number = free_port()
    with listening(f"127.0.0.1:{number}"):
        yield number


def lmtp_text(port: int, *to: str) -> list[str]:
    """What is answered to the text of a message for these recipients."""
    with Wire(port) as wire:
        wire.ask("LHLO relay.example")
        wire.ask("MAIL FROM:<nora@new.example>")
        taken = [wire.ask(f"RCPT TO:<{one}>")[:3] for one in to].count("250")
        wire.ask("DATA")
        wire.say(b"Subject: x\r\n\r\nHello\r\n.\r\n")
        answers = [wire.answer() for _ in range(taken)]
        assert wire.ask("NOOP")[:3] == "250"
        return answers


def test_lmtp_answers_for_each_recipient(committed_desk: Desk, rival: Desk, lmtp_port: int) -> None:
    answers = lmtp_text(lmtp_port, SUPPORT, "nobody@alpha.localhost", OTHER_DESK, "support+1@alpha.localhost")
    assert answers == [listener.OK] * 3
    assert (stored(committed_desk), stored(rival)) == (1, 1)


def test_lmtp_says_for_whom_it_failed(
    committed_desk: Desk, rival: Desk, lmtp_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails_for(monkeypatch, committed_desk, OSError(errno.ENOSPC, "disk full"))
    assert lmtp_text(lmtp_port, SUPPORT, OTHER_DESK) == [listener.TRY_LATER, listener.OK]


def test_lmtp_refuses_what_is_too_large_for_each(lmtp_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "LARGEST_MESSAGE", 10)
    assert lmtp_text(lmtp_port, SUPPORT, OTHER_DESK) == [listener.TOO_LARGE] * 2


def test_lmtp_wants_its_own_greeting(lmtp_port: int) -> None:
    with Wire(lmtp_port) as wire:
        answers = [wire.ask("EHLO relay.example"), wire.ask("HELO relay.example"), wire.ask("MAIL FROM:<a@b.example>")]
    assert [answer[:3] for answer in answers] == ["500", "500", "503"]


def test_a_relay_on_this_machine_may_have_many_connections(lmtp_port: int) -> None:
    with contextlib.ExitStack() as open_ones:
        wires = [open_ones.enter_context(Wire(lmtp_port)) for _ in range(30)]
        assert wires[-1].ask("LHLO relay.example")[:3] == "250"


@pytest.fixture
def folder() -> Iterator[Path]:
    """With a path that is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="sd-") as made:
        yield Path(made)


def test_lmtp_listens_on_a_socket_file(committed_desk: Desk, folder: Path) -> None:
    path = str(folder / "lmtp")
    with listening(path):
        wait_until(lambda: Path(path).exists())
        with smtplib.LMTP(path) as relay:
            relay.send_message(letter(), "nora@new.example", [SUPPORT])
    assert (stored(committed_desk), Path(path).exists()) == (1, False)


def test_a_socket_file_that_a_killed_listener_left_is_no_obstacle(committed_desk: Desk, folder: Path) -> None:
    path = str(folder / "lmtp")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(path)
    with listening(path), smtplib.LMTP(path) as relay:
        assert relay.noop()[0] == 250


def test_a_file_that_is_no_socket_is_left_alone(committed_desk: Desk, folder: Path) -> None:
    path = folder / "lmtp"
    path.write_text("somebody's")
    with pytest.raises(OSError, match="in use"):
        asyncio.run(listener.serve("127.0.0.1", free_port(), str(path)))
    assert path.read_text() == "somebody's"


# ---- demo mode ----


def test_without_demo_mode_the_world_gets_no_mail_through_us(port: int) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(port, "somebody@elsewhere.example")


def test_in_demo_mode_mail_to_the_world_is_kept(committed_desk: Desk, settings: Any) -> None:
    settings.DEMO = True
    with listening() as port:
        send(port, "somebody@elsewhere.example", sender=SUPPORT)
    with committed_desk.entered():
        assert [mail.recipient for mail in DemoMailbox().messages()] == ["somebody@elsewhere.example"]


def test_of_a_large_one_the_demo_keeps_the_beginning(
    committed_desk: Desk, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DEMO = True
    monkeypatch.setattr(listener, "LARGEST_IN_DEMO", 50_000)
    with listening() as port:
        send(port, "somebody@elsewhere.example", sender=SUPPORT, message=letter("word " * 20_000))
    with committed_desk.entered():
        [mail] = DemoMailbox().messages()
    assert 40_000 < len(mail.parsed.text) < 50_000


def test_the_demos_mailbox_keeps_a_desks_mail_apart(desk: Desk, rival: Desk) -> None:
    DemoMailbox().keep(letter().as_bytes(), sender=SUPPORT, recipient="nora@new.example")
    with desk.entered():
        assert [mail.recipient for mail in DemoMailbox().messages()] == ["nora@new.example"]
    with rival.entered():
        assert DemoMailbox().messages() == []


def test_the_demos_mailbox_takes_no_strangers_mail(desk: Desk) -> None:
    DemoMailbox().keep(letter().as_bytes(), sender="spam@elsewhere.example", recipient="nora@new.example")
    with desk.entered():
        assert DemoMailbox().messages() == []
