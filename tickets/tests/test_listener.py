"""The SMTP listener on a real socket: 250 only when stored, 550 to strangers' addresses, 451 when it cannot store."""

import asyncio
import smtplib
import socket
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest

from conftest import Desk
from tickets.mail import intake, listener
from tickets.mail.demo import DemoMailbox
from tickets.models import IncomingMessage


@pytest.fixture
def port(committed_desk: Desk) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number = probe.getsockname()[1]
    loop = asyncio.new_event_loop()
    serving = loop.create_task(listener.serve("127.0.0.1", number))
    thread = threading.Thread(target=lambda: loop.run_until_complete(_until_cancelled(serving)), daemon=True)
    thread.start()
    _wait_until_open(number)
    yield number
    loop.call_soon_threadsafe(serving.cancel)
    thread.join(timeout=30)


async def _until_cancelled(task: "asyncio.Task[None]") -> None:
    try:
        await task
    except asyncio.CancelledError:
        return


def _wait_until_open(port: int) -> None:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            threading.Event().wait(0.05)
        else:
            return
    raise AssertionError("the listener does not listen")


def letter(body: str = "Hello") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["Subject"] = "nora@new.example", "Help"
    message.set_content(body)
    return message


def send(port: int, to: str, message: EmailMessage | None = None) -> dict[str, Any]:
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as relay:
        return dict(relay.send_message(message or letter(), "nora@new.example", [to]))


def stored(desk: Desk) -> int:
    with desk.entered():
        return int(IncomingMessage.objects.count())


def test_a_message_is_stored_before_it_is_taken(committed_desk: Desk, port: int) -> None:
    send(port, "support@alpha.localhost")
    assert stored(committed_desk) == 1


def test_the_signed_part_of_the_address_is_kept(committed_desk: Desk, port: int) -> None:
    send(port, "support+t1.2.abc@alpha.localhost")
    with committed_desk.entered():
        assert IncomingMessage.objects.get().envelope_to == "support+t1.2.abc@alpha.localhost"


def test_an_unknown_address_is_refused_for_good(port: int) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as caught:
        send(port, "nobody@alpha.localhost")
    assert caught.value.recipients["nobody@alpha.localhost"][0] == 550


def test_what_cannot_be_stored_is_asked_for_again(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(intake, "keep", full)
    with pytest.raises(smtplib.SMTPDataError) as caught:
        send(port, "support@alpha.localhost")
    assert caught.value.smtp_code == 451


def test_the_size_is_announced(port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as relay:
        relay.ehlo()
        assert int(relay.esmtp_features["size"]) == listener.LARGEST_MESSAGE


def test_without_demo_mode_the_world_gets_no_mail_through_us(port: int) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(port, "somebody@elsewhere.example")


def test_the_demos_mailbox_keeps_a_desks_mail_apart(desk: Desk, rival: Desk) -> None:
    DemoMailbox().keep(letter().as_bytes(), sender="support@alpha.localhost", recipient="nora@new.example")
    with desk.entered():
        assert [mail.recipient for mail in DemoMailbox().messages()] == ["nora@new.example"]
    with rival.entered():
        assert DemoMailbox().messages() == []


def test_the_demos_mailbox_takes_no_strangers_mail(desk: Desk) -> None:
    DemoMailbox().keep(letter().as_bytes(), sender="spam@elsewhere.example", recipient="nora@new.example")
    with desk.entered():
        assert DemoMailbox().messages() == []


def test_a_message_to_many_of_a_mailboxs_addresses_is_one(committed_desk: Desk, port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as relay:
        relay.send_message(letter(), "nora@new.example", [f"support+{number}@alpha.localhost" for number in range(20)])
    assert stored(committed_desk) == 1


def test_more_than_fifty_recipients_are_too_many(port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as relay:
        refused = relay.send_message(letter(), "a@b.example", [f"support+{n}@alpha.localhost" for n in range(51)])
    assert [code for code, _ in refused.values()] == [452]


def test_a_paragraph_on_one_line_is_taken(committed_desk: Desk, port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as relay:
        relay.sendmail("a@b.example", ["support@alpha.localhost"], b"Subject: long\r\n\r\n" + b"x" * 5000 + b"\r\n")
    assert stored(committed_desk) == 1
