"""Mail that no person wrote: what came back is noted where it belongs, and machines are not answered (A9)."""

import re

import pytest

from accounts.events import history_of
from accounts.models import Event, Person
from conftest import Desk, Visit, comments_of
from notifications.delivery import LETTER_HEADER, letter_marks
from notifications.models import Notice, OutboxMessage, OutboxState
from tickets import actions
from tickets.mail.addresses import reply_address
from tickets.models import IncomingMessage, Ticket
from tickets.models.incoming import IncomingState
from tickets.tests.letters import PASSED, RELAY, delivered_letter, letter, mailbox, on_top, receive, sent_to

WORDS = "smtp; 550 5.1.1 <requester@alpha.example>: Recipient address rejected: User unknown"


def report(about: str, *, action: str = "failed", status: str = "5.1.1", words: str = WORDS) -> bytes:
    """What a mail server says of the letter with this Message-ID (RFC 3464)."""
    return "\r\n".join(
        [
            "From: MAILER-DAEMON@far.example",
            "Subject: Undelivered Mail Returned to Sender",
            "Message-ID: <report@far.example>",
            "MIME-Version: 1.0",
            'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
            "",
            "--b",
            "",
            "I'm sorry to have to inform you that your message could not be delivered.",
            "--b",
            "Content-Type: message/delivery-status",
            "",
            "Reporting-MTA: dns; far.example",
            "",
            "Final-Recipient: rfc822; requester@alpha.example",
            f"Action: {action}",
            f"Status: {status}",
            f"Diagnostic-Code: {words}",
            "",
            "--b",
            "Content-Type: message/rfc822",
            "",
            f"Message-ID: <{about}>",
            f"{LETTER_HEADER}: {letter_marks(about)[0]}",
            "Subject: A letter",
            "",
            "Words",
            "--b--",
            "",
        ]
    ).encode()


def in_words(text: str, *, sender: str = "MAILER-DAEMON@far.example", subject: str = "failure notice") -> bytes:
    """A report without the fields of one, as some servers write it."""
    own = re.search(r"^Message-ID: <([^>]+)>$", text, re.MULTILINE)
    if own:  # it returns the other fields of the letter too
        text = text.replace(own[0], f"{own[0]}\n{LETTER_HEADER}: {letter_marks(own[1])[0]}")
    return letter(sender, subject, text).as_bytes()


@pytest.fixture
def sent(inside: Desk) -> OutboxMessage:
    """A letter to the requester about their ticket, which has gone out."""
    return delivered_letter(inside, inside.submit())


def bounce(raw: bytes) -> IncomingMessage:
    return receive(raw, envelope_from="")


def fresh(row: OutboxMessage) -> OutboxMessage:
    found: OutboxMessage = OutboxMessage.objects.get(pk=row.pk)
    return found


def requester(desk: Desk) -> Person:
    return Person.objects.get(pk=desk.requester.pk)


# ---- it never will arrive ----


def test_a9_a_letter_that_came_back_is_marked(sent: OutboxMessage) -> None:
    bounce(report(sent.message_id))
    assert fresh(sent).state == OutboxState.BOUNCED


def test_a_letter_that_came_back_has_the_servers_words(sent: OutboxMessage) -> None:
    bounce(report(sent.message_id))
    assert "550 5.1.1 <requester@alpha.example>: Recipient address rejected" in fresh(sent).error


def test_nothing_is_sent_to_an_address_that_is_gone(sent: OutboxMessage, inside: Desk) -> None:
    bounce(report(sent.message_id))
    assert (requester(inside).takes_mail, "User unknown" in requester(inside).address_failed_words) == (False, True)


def test_the_failed_address_stands_in_the_persons_history(sent: OutboxMessage, inside: Desk) -> None:
    bounce(report(sent.message_id))
    assert history_of(inside.requester).filter(kind="person.address_failed").count() == 1


def test_a9_the_desk_hears_of_it(sent: OutboxMessage, inside: Desk) -> None:
    bounce(report(sent.message_id))
    notice = Notice.objects.get(kind="ticket.mail_bounced")
    assert (notice.person, "did not reach Rita Requester" in notice.text) == (inside.agent, True)


def test_customers_hear_nothing_of_it(sent: OutboxMessage, inside: Desk) -> None:
    ticket = Ticket.objects.get(pk=sent.about_id)
    actions.add_participant(ticket, by=inside.requester, address=inside.colleague.email)
    bounce(report(sent.message_id))
    assert set(Notice.objects.filter(kind="ticket.mail_bounced").values_list("person", flat=True)) == {inside.agent.pk}


@pytest.fixture
def bounced_reference(desk: Desk) -> tuple[int, str]:
    with desk.entered():
        ticket = desk.submit()
        bounce(report(delivered_letter(desk, ticket).message_id))
        return ticket.pk, ticket.reference


def test_the_desk_reads_it_in_the_tickets_history(desk: Desk, visit: Visit, bounced_reference: tuple[int, str]) -> None:
    page = visit(desk, desk.agent).get(f"/admin/tickets/ticket/{bounced_reference[0]}/change/")
    assert "An e-mail did not reach Rita Requester." in page.content.decode()


def test_customers_do_not_read_it_in_the_tickets_history(
    desk: Desk, visit: Visit, bounced_reference: tuple[int, str]
) -> None:
    page = visit(desk, desk.requester).get(f"/requests/{bounced_reference[1]}/")
    assert (page.status_code, "An e-mail did not reach" in page.content.decode()) == (200, False)


def test_the_report_belongs_to_the_ticket_and_makes_none(sent: OutboxMessage) -> None:
    done = bounce(report(sent.message_id))
    assert (done.state, done.automatic, done.ticket_id, Ticket.objects.count()) == (
        IncomingState.AUTOMATIC,
        "bounce",
        sent.about_id,
        1,
    )


def test_the_report_adds_no_comment(sent: OutboxMessage) -> None:
    bounce(report(sent.message_id))
    assert comments_of(Ticket.objects.get(pk=sent.about_id)) == ["Is it switched on?"]


def test_what_went_along_with_the_letter_came_back_too(sent: OutboxMessage, inside: Desk) -> None:
    along = delivered_letter(inside, Ticket.objects.get(pk=sent.about_id))
    OutboxMessage.objects.filter(pk=along.pk).update(sent_with=sent)
    bounce(report(sent.message_id))
    assert fresh(along).state == OutboxState.BOUNCED


@pytest.mark.parametrize(
    "text",
    [
        "Hi. This is the qmail-send program.\n\n<requester@alpha.example>:\n192.0.2.1 failed after I sent it.\n"
        "Remote host said: 550 No such user\n\n--- Below this line is a copy of the message.\n\nMessage-ID: <{id}>\n",
        "SMTP error from remote mail server after RCPT TO:<requester@alpha.example>:\n    550-5.1.1 no such user\n\n"
        "------ This is a copy of your message ------\n\nMessage-ID: <{id}>\n",
        "<requester@alpha.example>: user unknown (5.1.1)\n\nMessage-ID: <{id}>\n",
        "<requester@alpha.example>: 550 #5.1.1 Lietotāja nav\n\nMessage-ID: <{id}>\n",
    ],
    ids=["qmail", "exim", "status", "both codes alone"],
)
def test_a_report_in_words_is_read_too(sent: OutboxMessage, text: str) -> None:
    bounce(in_words(text.replace("{id}", sent.message_id)))
    assert fresh(sent).state == OutboxState.BOUNCED


def test_the_words_of_a_report_in_words_are_the_line_that_says_why(sent: OutboxMessage) -> None:
    bounce(in_words(f"Hello.\n\nRemote host said: 550 No such user\n\nMessage-ID: <{sent.message_id}>\n"))
    assert fresh(sent).error == "Remote host said: 550 No such user"


# ---- it may still arrive ----


@pytest.mark.parametrize(
    ("action", "status"), [("delayed", "4.4.1"), ("failed", "4.2.2"), ("delivered", "2.0.0"), ("delayed", "5.1.1")]
)
def test_what_is_not_for_good_stops_no_letters(sent: OutboxMessage, inside: Desk, action: str, status: str) -> None:
    done = bounce(report(sent.message_id, action=action, status=status, words="smtp; 452 mailbox full"))
    assert (fresh(sent).state, requester(inside).takes_mail, done.ticket_id) == (OutboxState.SENT, True, sent.about_id)


@pytest.mark.parametrize(
    "text",
    [
        "I am away until Monday. Call +371 555 12345, or 555-1234.",
        "I am away until 5.1.27 and cost 500 EUR.",
        "Your message is delayed.\n\nMessage-ID: <{id}>\n\nThe price is 500 EUR, said: 550 of them.\n",
        "Remote host said: 452 4.2.2 Mailbox full, trying again\n\nMessage-ID: <{id}>\n",
    ],
    ids=["telephone", "date and price", "numbers in our own letter", "for now"],
)
def test_numbers_in_words_stop_no_letters(sent: OutboxMessage, inside: Desk, text: str) -> None:
    message = letter("nora@far.example", "Your letter", text.replace("{id}", sent.message_id))
    message["In-Reply-To"] = f"<{sent.message_id}>"
    done = bounce(message.as_bytes())
    assert (done.automatic, requester(inside).takes_mail) == ("bounce", True)


# ---- once, and only what is known here ----


def test_the_same_report_twice_is_noted_once(sent: OutboxMessage) -> None:
    bounce(report(sent.message_id))
    bounce(report(sent.message_id).replace(b"<report@", b"<report2@"))
    ticket = Ticket.objects.get(pk=sent.about_id)
    assert (
        history_of(ticket).filter(kind="ticket.mail_bounced").count(),
        Notice.objects.filter(kind="ticket.mail_bounced").count(),
    ) == (1, 1)


def test_a_report_about_an_unknown_letter_changes_nothing(sent: OutboxMessage, inside: Desk) -> None:
    before = Event.objects.count()
    done = bounce(report("unknown@alpha.localhost"))
    assert (done.state, done.ticket, fresh(sent).state, Event.objects.count()) == (
        IncomingState.AUTOMATIC,
        None,
        OutboxState.SENT,
        before,
    )


def test_a_report_about_what_has_not_gone_out_changes_nothing(sent: OutboxMessage, inside: Desk) -> None:
    OutboxMessage.objects.filter(pk=sent.pk).update(state=OutboxState.QUEUED)
    bounce(report(sent.message_id))
    assert (fresh(sent).state, requester(inside).takes_mail) == (OutboxState.QUEUED, True)


def test_a_person_who_names_our_letter_reports_nothing(sent: OutboxMessage, inside: Desk) -> None:
    receive(letter("nora@new.example", body=f"550 5.1.1 unknown\n\nMessage-ID: <{sent.message_id}>"))
    assert requester(inside).takes_mail


def test_another_desks_letter_is_not_known_here(desk: Desk, rival: Desk) -> None:
    with rival.entered():
        theirs = delivered_letter(rival, rival.submit())
    with desk.entered():
        assert bounce(report(theirs.message_id)).ticket is None
    with rival.entered():
        assert (fresh(theirs).state, requester(rival).takes_mail) == (OutboxState.SENT, True)


def test_the_persons_new_address_is_not_stopped(sent: OutboxMessage, inside: Desk) -> None:
    Person.objects.filter(pk=inside.requester.pk).update(email="rita@new.example")
    bounce(report(sent.message_id))
    assert (fresh(sent).state, requester(inside).takes_mail) == (OutboxState.BOUNCED, True)


# ---- afterwards ----


def test_a_later_letter_to_a_failed_address_is_failed_at_once(sent: OutboxMessage, inside: Desk) -> None:
    bounce(report(sent.message_id))
    actions.comment(Ticket.objects.get(pk=sent.about_id), by=inside.agent, text="Hello?")
    later = OutboxMessage.objects.filter(to_person=inside.requester).latest("id")
    assert (later.state, "User unknown" in later.error) == (OutboxState.FAILED, True)


def test_the_desk_sees_the_letter_that_was_not_sent(
    desk: Desk, visit: Visit, bounced_reference: tuple[int, str]
) -> None:
    with desk.entered():
        ticket = Ticket.objects.get(pk=bounced_reference[0])
        actions.comment(ticket, by=desk.agent, text="Hello?")
        later = OutboxMessage.objects.filter(to_address=desk.requester.email).latest("id")
    page = visit(desk, desk.agent).get(f"/admin/notifications/outboxmessage/{later.pk}/change/")
    assert (page.status_code, "User unknown" in page.content.decode()) == (200, True)


def test_the_notice_in_the_product_still_reaches_them(sent: OutboxMessage, inside: Desk) -> None:
    bounce(report(sent.message_id))
    before = Notice.objects.filter(person=inside.requester).count()
    actions.comment(Ticket.objects.get(pk=sent.about_id), by=inside.agent, text="Hello?")
    assert Notice.objects.filter(person=inside.requester).count() == before + 1


# ---- machines ----


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"Auto_Submitted": "auto-replied"}, "auto_reply"),
        ({"Subject": "Automatic reply: away"}, "auto_reply"),
        ({"Subject": "Automātiska atbilde: prombūtnē"}, "auto_reply"),
        ({"X_Autoreply": "yes"}, "auto_reply"),
        ({"Precedence": "bulk"}, "list"),
        ({"List_Id": "<news.example>"}, "list"),
    ],
)
def test_a_machines_mail_is_neither_ticket_nor_answered(inside: Desk, headers: dict[str, str], kind: str) -> None:
    before = OutboxMessage.objects.count()
    done = receive(letter(inside.requester.email, headers.pop("Subject", "Help"), **headers))
    assert (done.state, done.automatic, Ticket.objects.count(), OutboxMessage.objects.count()) == (
        IncomingState.AUTOMATIC,
        kind,
        0,
        before,
    )


def test_a_machines_answer_to_a_signed_address_gives_nothing_back(inside: Desk) -> None:
    ticket = inside.delivered()
    receive(letter(inside.requester.email, Auto_Submitted="auto-replied"), reply_address(ticket, inside.requester))
    assert comments_of(ticket) == ["It prints again."]


# ---- two machines ----

AWAY = "Thank you for your message. We have received it and answer within two days."


def letters_to_a_machine(address: str, *fields: str, text: str = AWAY, quotes: bool = False) -> int:
    """A machine that answers each letter of ours, marks nothing and has a new subject each time: how many we write."""
    receive(on_top(letter(address, "Hello", text), *fields))
    answered = 0
    while answered < len(sent_to(address)) and answered < 20:
        ours = sent_to(address)[answered]
        answered += 1
        said = f"{text}\n\n{ours.subject}\n{ours.said['lead']}" if quotes else text
        receive(on_top(letter(address, f"Message {'x' * answered} received", said), *fields))
    return len(sent_to(address))


def test_two_machines_end_after_two_letters(inside: Desk) -> None:
    assert letters_to_a_machine("robot@far.example") <= 2


def test_two_machines_end_when_one_repeats_what_we_wrote(inside: Desk) -> None:
    assert letters_to_a_machine("robot@far.example", quotes=True) <= 2


@pytest.mark.parametrize("text", [AWAY, ""], ids=["words", "no words"])
def test_two_machines_end_when_the_relay_vouches_for_theirs(inside: Desk, text: str) -> None:
    mailbox(relay=RELAY)
    field = f"Authentication-Results: {PASSED}"
    assert 1 <= letters_to_a_machine(inside.requester.email, field, text=text) <= 2


def test_two_machines_end_when_a_vouched_one_repeats_what_we_wrote(inside: Desk) -> None:
    mailbox(relay=RELAY)
    field = f"Authentication-Results: {PASSED}"
    assert letters_to_a_machine(inside.requester.email, field, quotes=True) <= 2


def test_k16_who_sends_files_without_words_is_answered_each_time(inside: Desk) -> None:
    mailbox(relay=RELAY)
    for name in ("one.png", "two.png"):
        message = letter(inside.requester.email, body="")
        message.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename=name)
        receive(on_top(message, f"Authentication-Results: {PASSED}"))
    assert len(sent_to(inside.requester.email)) == 2


def test_k16_a_person_who_writes_of_two_things_is_answered_twice(inside: Desk) -> None:
    mailbox(relay=RELAY)
    for text in ("The printer is broken.", "The scanner is broken."):
        receive(on_top(letter(inside.requester.email, body=text), f"Authentication-Results: {PASSED}"))
    assert len(sent_to(inside.requester.email)) == 2


def test_a_machine_of_the_desks_own_people_is_not_answered(inside: Desk) -> None:
    """An agent's machine answers a notice: it becomes a note, and nobody is written to but the other staff."""
    ticket = inside.submit()
    before = OutboxMessage.objects.filter(to_address=inside.agent.email).count()
    receive(letter(inside.agent.email, body=AWAY), reply_address(ticket, inside.agent))
    assert OutboxMessage.objects.filter(to_address=inside.agent.email).count() == before
