"""The same message comes by two ways: one ticket. What only looks the same is not lost."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from conftest import Desk
from notifications.delivery import INSTANCE_HEADER, instance_ids
from notifications.models import OutboxMessage
from tickets.mail import intake
from tickets.mail.addresses import reply_address
from tickets.models import IncomingMessage, Mailbox, Ticket
from tickets.models.incoming import IncomingState
from tickets.tests.letters import letter, mailbox, on_top, receive, stored
from tickets.workflow import Status

DATE = "Mon, 16 Nov 2026 10:00:00 +0200"


@pytest.fixture
def sales(inside: Desk) -> Mailbox:
    """A second mailbox of the desk."""
    return mailbox("sales@alpha.localhost")


def raw(
    body: bytes = b"The printer prints nothing.\r\n", *, message_id: str = "<a@b.example>", date: str = ""
) -> bytes:
    fields = ["From: nora@new.example", "Subject: Help"]
    fields += [f"Message-ID: {message_id}"] if message_id else []
    fields += [f"Date: {date}"] if date else []
    return "\r\n".join(fields).encode() + b"\r\n\r\n" + body


def on_top_of(message: bytes, field: str) -> bytes:
    return f"{field}\r\n".encode() + message


def both(first: bytes, second: bytes, box: Mailbox) -> tuple[IncomingMessage, IncomingMessage]:
    return receive(first), receive(second, box=box)


def test_b5_one_message_in_two_mailboxes_is_one_ticket(sales: Mailbox) -> None:
    both(raw(), raw(), sales)
    assert Ticket.objects.count() == 1


def test_the_second_is_ignored_and_names_the_first(sales: Mailbox) -> None:
    first, second = both(raw(), raw(), sales)
    assert (second.state, second.same_as, second.ticket) == (IncomingState.IGNORED, first, first.ticket)


def test_a_third_names_the_first_too(sales: Mailbox) -> None:
    first, _second = both(raw(), raw(), sales)
    assert receive(raw(), box=mailbox("office@alpha.localhost")).same_as == first


def test_k16_a_copy_is_not_confirmed_again(sales: Mailbox) -> None:
    receive(raw())
    before = OutboxMessage.objects.count()
    receive(raw(), box=sales)
    assert OutboxMessage.objects.count() == before


def test_a_copy_of_a_comment_is_no_second_comment(sales: Mailbox, inside: Desk) -> None:
    ticket = inside.submit()
    message = letter(inside.requester.email, subject=f"Re: {ticket.reference}").as_bytes()
    first, second = both(message, message, sales)
    assert (second.same_as, second.ticket, ticket.comments.count()) == (first, ticket, 1)


@pytest.mark.parametrize(
    "copy",
    [
        b"Received: from a.example by b.example\r\nDelivered-To: sales@alpha.localhost\r\n" + raw(),
        raw().replace(b"\r\n", b"\n"),
        raw() + b"\r\n\r\n \r\n",
        raw().removesuffix(b"\r\n"),
    ],
    ids=["received", "line ends", "blank lines behind", "no last line end"],
)
def test_the_way_that_a_copy_took_does_not_matter(sales: Mailbox, copy: bytes) -> None:
    first, second = both(raw(), copy, sales)
    assert second.same_as == first


@pytest.mark.parametrize(
    "other",
    [
        raw(b"Now the scanner.\r\n"),
        raw().replace(b"Subject: Help", b"Subject: More help"),
        raw().replace(b"nora@", b"nils@"),
        raw(date=DATE),
    ],
    ids=["words", "subject", "sender", "date"],
)
def test_a_message_id_that_was_used_before_swallows_nothing(inside: Desk, other: bytes) -> None:
    receive(raw())
    assert (receive(other).state, Ticket.objects.count()) == (IncomingState.TICKET, 2)


def test_without_id_and_date_the_same_bytes_are_one_message(sales: Mailbox) -> None:
    both(raw(message_id=""), raw(message_id=""), sales)
    assert Ticket.objects.count() == 1


def test_without_id_and_date_other_bytes_are_another_message(sales: Mailbox) -> None:
    """A scanner says nothing else all day: only on its way does one scan differ from the next."""
    both(raw(message_id=""), on_top_of(raw(message_id=""), "Received: from scanner by b.example; 10:05"), sales)
    assert Ticket.objects.count() == 2


def test_without_id_the_date_tells_a_copy(sales: Mailbox) -> None:
    dated = raw(message_id="", date=DATE)
    first, second = both(dated, on_top_of(dated, "Received: from a.example by b.example"), sales)
    assert second.same_as == first


def test_without_id_another_date_is_another_message(sales: Mailbox) -> None:
    both(raw(message_id="", date=DATE), raw(message_id="", date=DATE.replace("16 Nov", "17 Nov")), sales)
    assert Ticket.objects.count() == 2


def test_two_copies_at_once_are_one_ticket(committed_desk: Desk) -> None:
    desk, pairs = committed_desk, 5
    with desk.entered():
        boxes = [mailbox(), mailbox("sales@alpha.localhost")]
        letters = [letter("nora@new.example", body=f"Thing {number}") for number in range(pairs)]
        ids = [stored(one, box=box).pk for one in letters for box in boxes]

    def process(message_id: int) -> None:
        try:
            with desk.entered():
                intake.process(message_id)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(process, ids))
    with desk.entered():
        assert (Ticket.objects.count(), IncomingMessage.objects.filter(same_as=None).count()) == (pairs, pairs)


def test_a_proof_that_only_the_second_copy_has_is_not_lost(inside: Desk) -> None:
    """Who answers all answers our signed address and the desk's own; either may come first."""
    ticket = inside.delivered()
    message = letter(inside.requester.email, subject=f"Re: {ticket.reference}").as_bytes()
    receive(message)
    receive(message, reply_address(ticket, inside.requester))
    assert Ticket.objects.get(pk=ticket.pk).status == Status.REOPENED


def test_a_copy_of_what_failed_is_the_one_that_counts(sales: Mailbox) -> None:
    failed = receive(raw())
    IncomingMessage.objects.filter(pk=failed.pk).update(state=IncomingState.FAILED, ticket=None)
    assert receive(raw(), box=sales).state == IncomingState.TICKET


def test_the_same_message_at_another_desk_is_its_own(desk: Desk, rival: Desk) -> None:
    with desk.entered():
        receive(raw())
    with rival.entered():
        assert receive(raw()).state == IncomingState.TICKET


def test_our_own_mail_that_comes_back_is_no_ticket(inside: Desk) -> None:
    done = receive(on_top(letter("nora@new.example"), f"{INSTANCE_HEADER}: {instance_ids()[0]}"))
    assert (done.automatic, Ticket.objects.count()) == ("own", 0)
