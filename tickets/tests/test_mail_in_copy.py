"""Who else an e-mail was addressed to: a proved author's copies take part (A10), the others the desk only sees."""

import pytest

from accounts.models import Person
from conftest import Desk, Visit
from notifications.models import OutboxMessage
from tickets.mail.addresses import reply_address
from tickets.models import Comment, IncomingMessage, Ticket
from tickets.tests.letters import PASSED, RELAY, letter, mailbox, on_top, receive, ticket_of

FIELD = f"Authentication-Results: {PASSED}"


@pytest.fixture
def relayed(inside: Desk) -> Desk:
    mailbox(relay=RELAY)
    return inside


def proved(desk: Desk, sender: str = "", **headers: str) -> IncomingMessage:
    return receive(on_top(letter(sender or desk.requester.email, **headers), FIELD))


def guests(ticket: Ticket) -> set[str]:
    return {row.person.email for row in ticket.participants.select_related("person")}


@pytest.mark.parametrize("field", ["Cc", "To"])
def test_a10_who_is_in_copy_of_a_proved_mail_takes_part(relayed: Desk, field: str) -> None:
    done = proved(relayed, **{field: "Nora New <nora@new.example>"})
    assert guests(ticket_of(done)) == {"nora@new.example"}


def test_a10_who_is_in_copy_is_known_by_their_name(relayed: Desk) -> None:
    proved(relayed, Cc="Nora New <nora@new.example>")
    assert Person.objects.get(email="nora@new.example").name == "Nora New"


def test_a10_who_is_in_copy_of_a_signed_answer_takes_part(inside: Desk) -> None:
    ticket = inside.submit()
    receive(letter(inside.requester.email, Cc="nora@new.example"), reply_address(ticket, inside.requester))
    assert guests(ticket) == {"nora@new.example"}


def test_a10_they_hear_that_they_were_invited(relayed: Desk) -> None:
    done = proved(relayed, Cc="nora@new.example")
    kinds = OutboxMessage.objects.filter(to_address="nora@new.example", about_id=done.ticket_id)
    assert set(kinds.values_list("kind", flat=True)) == {"ticket.invited"}


def test_a10_a_vouched_new_sender_invites_too(relayed: Desk) -> None:
    done = proved(relayed, "nils@alpha.example", Cc="nora@new.example")
    assert guests(ticket_of(done)) == {"nora@new.example"}


def test_an_unproved_mail_invites_nobody(inside: Desk) -> None:
    done = receive(letter(inside.requester.email, Cc="nora@new.example"))
    assert guests(ticket_of(done)) == set()


def test_an_unproved_mail_writes_to_nobody_in_copy(inside: Desk) -> None:
    receive(letter(inside.requester.email, Cc="nora@new.example"))
    assert not OutboxMessage.objects.filter(to_address="nora@new.example").exists()


def test_an_unproved_comment_invites_nobody(inside: Desk) -> None:
    ticket = inside.submit()
    receive(letter(inside.requester.email, subject=f"Re: {ticket.reference}", Cc="nora@new.example"))
    assert (guests(ticket), Comment.objects.filter(ticket=ticket).count()) == (set(), 1)


def test_who_is_in_copy_of_an_unproved_mail_is_noted(inside: Desk) -> None:
    done = receive(letter(inside.requester.email, Cc="Nora New <Nora@new.example>"))
    assert done.copied == [{"name": "Nora New", "address": "nora@new.example"}]


@pytest.mark.parametrize("is_proved", [False, True])
def test_the_agents_page_names_whom_nobody_invited(desk: Desk, visit: Visit, is_proved: bool) -> None:
    with desk.entered():
        mailbox(relay=RELAY if is_proved else "")
        ticket = ticket_of(proved(desk, Cc="Nora New <nora@new.example>"))
    page = visit(desk, desk.agent).get(f"/admin/tickets/ticket/{ticket.pk}/change/").content.decode()
    assert ("In copy of their e-mails, but not taking part:" in page) == (not is_proved)


def test_a_customers_page_names_nobody_in_copy(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = ticket_of(receive(letter(desk.requester.email, Cc="nora@new.example")))
    page = visit(desk, desk.requester).get(f"/requests/{ticket.reference}/")
    assert (page.status_code, "nora@new.example" in page.content.decode()) == (200, False)


def test_ours_and_the_author_are_nobody_in_copy(relayed: Desk) -> None:
    mailbox("sales@alpha.localhost")
    ticket = relayed.submit()
    ours = f"support@alpha.localhost, sales@alpha.localhost, {reply_address(ticket, relayed.requester)}"
    done = proved(relayed, To=ours, Cc=f"{relayed.requester.email}, nora@new.example")
    assert [one["address"] for one in done.copied] == ["nora@new.example"]


def test_who_is_named_twice_is_in_copy_once(relayed: Desk) -> None:
    done = proved(relayed, To="nora@new.example", Cc="NORA@new.example")
    assert [one["address"] for one in done.copied] == ["nora@new.example"]


def test_at_most_ten_are_invited(relayed: Desk) -> None:
    done = proved(relayed, Cc=", ".join(f"p{number}@new.example" for number in range(15)))
    assert (len(guests(ticket_of(done))), len(done.copied)) == (10, 15)


def test_the_desks_people_in_copy_are_not_invited(relayed: Desk) -> None:
    done = proved(relayed, Cc=f"{relayed.agent.email}, nora@new.example")
    assert guests(ticket_of(done)) == {"nora@new.example"}


def test_an_address_that_cannot_be_invited_stops_nothing(relayed: Desk) -> None:
    done = proved(relayed, Cc="nora@new..example, nils@new.example")
    assert guests(ticket_of(done)) == {"nils@new.example"}


def test_a_guests_mail_invites_nobody(inside: Desk) -> None:
    ticket = inside.submit()
    guest = inside.guest(ticket)
    receive(letter(guest.email, Cc="nora@new.example"), reply_address(ticket, guest))
    assert (guests(ticket), Comment.objects.get(ticket=ticket).is_verified) == ({guest.email}, True)


@pytest.mark.parametrize("role", ["agent", "accountant", "manager"])
def test_staffs_mail_invites_nobody(inside: Desk, role: str) -> None:
    ticket, author = inside.submit(), getattr(inside, role)
    receive(letter(author.email, Cc="nora@new.example"), reply_address(ticket, author))
    assert (guests(ticket), Comment.objects.filter(ticket=ticket).count()) == (set(), 1)


def test_a_web_forms_visitor_invites_nobody(relayed: Desk) -> None:
    message = letter(relayed.tenant.support_email, Reply_To=relayed.requester.email, Cc="nora@new.example")
    assert guests(ticket_of(receive(on_top(message, FIELD)))) == set()
