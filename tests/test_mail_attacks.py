"""What enemies try by e-mail: each was tried once with success, and must not succeed again."""

import smtplib
import time
from base64 import b64encode
from datetime import timedelta
from email.message import EmailMessage
from io import BytesIO
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import Person
from accounts.sealed import seal
from conftest import Desk, Visit
from notifications import delivery, servers, tasks
from notifications.models import MailServer, OutboxMessage, OutboxState
from notifications.outbox import Letter, put
from tickets import actions
from tickets.mail.addresses import reply_address
from tickets.mail.keeping import find_mailbox
from tickets.mail.mailboxes import return_path
from tickets.mail.watcher import MailboxWatcher
from tickets.models import Participant, Ticket
from tickets.models.incoming import IncomingState
from tickets.models.mailboxes import Way
from tickets.tests.letters import PASSED, RELAY, delivered_letter, letter, mailbox, on_top, receive, sent_to

LURE = "Your invoice is overdue, pay at http://evil.example/now"
PASSWORD = "Tr0ub4dor-and-3"


# ---- exhaustion ----


def test_a_return_path_of_spaces_takes_no_time() -> None:
    began = time.monotonic()
    return_path(BytesIO(b"Return-Path:" + b" " * 900 + b"<<\r\n\r\nWords"))
    assert time.monotonic() - began < 1


def test_a_sweep_ends_in_time_however_slow_a_desks_server_is(inside: Desk, monkeypatch: Any) -> None:
    """Else the letters of all other desks wait behind those of one."""

    def hang(_mail: object) -> None:
        time.sleep(0.2)
        raise TimeoutError

    monkeypatch.setattr(delivery, "_send", hang)
    monkeypatch.setattr(tasks, "SWEEP_SECONDS", 0.3)
    put(Letter(to=inside.requester, kind="test", stem="tickets/mail/letter", at_once=True) for _each in range(15))
    began = time.monotonic()
    tasks.sweep_outbox()
    assert time.monotonic() - began < 2


def test_a_server_that_tells_of_news_all_the_time_makes_few_jobs() -> None:
    """All desks' jobs wait in the same queue."""
    told: list[int] = []
    watcher = MailboxWatcher((1, 1), lambda *_key: told.append(1))
    end = time.monotonic() + 1

    class Chatty:
        def heard(self, _seconds: float) -> list[Any]:
            time.sleep(0.002)
            if time.monotonic() > end:
                watcher.stop()
                return []
            return [(1, b"EXISTS")]

    watcher._wait(Chatty())
    assert len(told) <= 5


# ---- lost mail ----


def copies(*fields: str) -> tuple[bytes, EmailMessage]:
    """A machine's copy of a letter, and the letter itself."""
    own = letter("nils@new.example", "The pump stands still", Date="Tue, 10 Mar 2026 09:00:00 +0000")
    return on_top(own, *fields), own


@pytest.mark.parametrize(
    "field",
    ["List-Id: <all.new.example>", "Precedence: list", "Auto-Submitted: auto-replied", "X-Failed-Recipients: x"],
)
def test_a_letter_is_not_swallowed_by_a_machines_copy_of_it(inside: Desk, field: str) -> None:
    machines, own = copies(field)
    assert receive(machines).state == IncomingState.AUTOMATIC
    assert receive(own.as_bytes(), envelope_from="nils@new.example").state == IncomingState.TICKET


# ---- words of a stranger's choice to an address that nobody proved ----


def test_a_receipt_to_an_unproved_address_holds_no_name_of_the_senders_choice(inside: Desk) -> None:
    receive(letter(f'"{LURE}" <victim@elsewhere.example>'))
    tasks.sweep_outbox()
    for _each in sent_to("victim@elsewhere.example"):
        delivery.deliver(inside.id, _each.pk)
    (receipt,) = (one for one in mail.outbox if one.to == ["victim@elsewhere.example"])
    assert "evil.example" not in str(receipt.body)


def test_an_invitation_to_an_unproved_address_holds_no_name_of_the_writers_choice(inside: Desk) -> None:
    mailbox(relay=RELAY)
    message = letter("spammer@alpha.example", Cc=f'"{LURE}" <victim@elsewhere.example>')
    receive(on_top(message, f"Authentication-Results: {PASSED}"))
    for _each in sent_to("victim@elsewhere.example"):
        delivery.deliver(inside.id, _each.pk)
    said = [str(one.body) for one in mail.outbox if one.to == ["victim@elsewhere.example"]]
    assert said
    assert not [one for one in said if "evil.example" in one]


def test_strangers_cannot_have_us_write_to_somebody_again_and_again(inside: Desk) -> None:
    mailbox(relay=RELAY)
    for number in range(5):
        message = letter(f"spammer{number}@alpha.example", Cc="victim@elsewhere.example")
        receive(on_top(message, f"Authentication-Results: {PASSED}"))
    assert len(sent_to("victim@elsewhere.example")) <= 2  # an invitation and the way in


# ---- who is believed ----


def test_the_relays_word_is_not_believed_of_who_comes_past_the_relay(inside: Desk) -> None:
    """The mailbox is collected from a provider; its address is taken by the listener too, from anybody."""
    box = mailbox(relay=RELAY, way=Way.IMAP, host="imap.alpha.example", username="support")
    assert (
        find_mailbox(box.address) is None
        or not receive(on_top(letter(inside.requester.email), f"Authentication-Results: {PASSED}")).is_proved
    )


def test_a_signed_address_in_other_hands_is_not_believed_against_the_relay(inside: Desk) -> None:
    """Who answers all shows the signed address to everybody in copy; a forged From in front of it fails DMARC."""
    mailbox(relay=RELAY)
    ticket = inside.submit()
    forged = on_top(
        letter(inside.requester.email), f"Authentication-Results: {RELAY}; dmarc=fail header.from=alpha.example"
    )
    assert not receive(forged, reply_address(ticket, inside.requester)).is_proved


def test_a_guest_who_saw_the_id_of_a_letter_stops_no_letters_to_another(inside: Desk) -> None:
    """Whoever is in copy of an answer reads there which letter it answers."""
    sent = delivered_letter(inside, inside.submit())
    answer = letter(inside.requester.email, In_Reply_To=f"<{sent.message_id}>", Cc="guest@elsewhere.example")
    seen = str(answer["In-Reply-To"])
    receive(
        letter("MAILER-DAEMON@evil.example", "failure notice", "550 5.1.1 no such user", In_Reply_To=seen).as_bytes(),
        envelope_from="guest@elsewhere.example",
    )
    assert Person.objects.get(pk=inside.requester.pk).address_failed_at is None


# ---- news of what somebody may not see any more ----


@pytest.fixture
def waiting_news(inside: Desk) -> tuple[Ticket, Person]:
    """A guest who gets summaries, and words that wait for the next one."""
    ticket = inside.submit()
    guest = inside.guest(ticket)
    guest.mail_choice, guest.is_verified = "daily", True
    guest.save()
    actions.comment(ticket, by=inside.agent, text="The password of the safe is 1234.")
    return ticket, guest


def morning(person: Person) -> str:
    OutboxMessage.objects.filter(state=OutboxState.QUEUED).update(next_try_at=timezone.now() - timedelta(minutes=1))
    tasks.sweep_outbox()
    return "".join(str(one.body) for one in mail.outbox if one.to == [person.email])


def test_the_summary_holds_what_its_reader_may_read(waiting_news: tuple[Ticket, Person]) -> None:
    assert "1234" in morning(waiting_news[1])


def test_who_was_removed_from_a_request_reads_no_more_of_it_in_a_summary(
    inside: Desk, waiting_news: tuple[Ticket, Person]
) -> None:
    ticket, guest = waiting_news
    actions.remove_participant(ticket, by=inside.requester, person=guest)
    assert not Participant.objects.filter(ticket=ticket).exists()
    assert "1234" not in morning(guest)


def test_who_looks_at_a_waiting_summary_does_not_read_how_to_end_it(
    inside: Desk, waiting_news: tuple[Ticket, Person], visit: Visit
) -> None:
    row = OutboxMessage.objects.get(to_person=waiting_news[1], going="digest")
    page = visit(inside, inside.agent).get(f"/admin/notifications/outboxmessage/{row.pk}/change/")
    assert (page.status_code, "/account/mail/stop/" in page.content.decode()) == (200, False)


def test_who_is_not_active_any_more_gets_no_summary(waiting_news: tuple[Ticket, Person]) -> None:
    _ticket, guest = waiting_news
    Person.objects.filter(pk=guest.pk).update(is_active=False)
    assert "1234" not in morning(guest)


# ---- secrets in what servers say ----

ECHO = b64encode(f"\0alpha\0{PASSWORD}".encode())
REFUSED = smtplib.SMTPAuthenticationError(535, b"5.7.8 bad credentials: " + ECHO)


def test_a_servers_words_never_hold_the_password_as_auth_plain_sent_it(inside: Desk) -> None:
    assert ECHO.decode() not in servers.sentence_of(REFUSED, secret=PASSWORD)


def test_an_outgoing_letters_error_never_holds_the_password(inside: Desk, monkeypatch: Any) -> None:
    MailServer.objects.create(kind="smtp", host="smtp.example.com", username="desk", secret=seal(PASSWORD))

    def refuse(_mail: object) -> None:
        raise smtplib.SMTPAuthenticationError(535, b"5.7.8 bad: " + PASSWORD.encode())

    monkeypatch.setattr(delivery, "_send", refuse)
    (row,) = put([Letter(to=inside.requester, kind="test", stem="tickets/mail/letter", at_once=True)])
    delivery.deliver(inside.id, row.pk)
    row.refresh_from_db()
    assert row.error
    assert PASSWORD not in row.error


def test_a_failed_letter_with_a_nul_in_its_error_is_noted(inside: Desk, monkeypatch: Any) -> None:
    def refuse(_mail: object) -> None:
        raise OSError("the server said \0")

    monkeypatch.setattr(delivery, "_send", refuse)
    (row,) = put([Letter(to=inside.requester, kind="test", stem="tickets/mail/letter", at_once=True)])
    delivery.deliver(inside.id, row.pk)
    row.refresh_from_db()
    assert (row.state, row.claimed_until) == (OutboxState.QUEUED, None)
