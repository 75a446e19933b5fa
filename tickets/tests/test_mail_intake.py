"""From an e-mail to a request or a comment (B5), and who is believed."""

from email.policy import SMTPUTF8
from io import BytesIO

import pytest

from accounts.addresses import normalise_address
from accounts.errors import NotAllowed, Refused
from accounts.models import Person
from conftest import Desk, comments_of, written
from notifications.delivery import INSTANCE_HEADER, instance_ids
from notifications.models import OutboxMessage
from tickets.mail import intake
from tickets.mail.addresses import read_reply_address, reply_address
from tickets.mail.keeping import find_mailbox, keep
from tickets.models import Attachment, Comment, Mailbox, Ticket
from tickets.models.incoming import IncomingState
from tickets.tests.letters import letter, receive
from tickets.workflow import Status


def test_b5_a_mail_becomes_a_request(inside: Desk) -> None:
    done = receive(letter(inside.requester.email))
    assert (done.state, done.ticket.subject) == (IncomingState.TICKET, "Help")


def test_b5_it_is_the_known_persons_request(inside: Desk) -> None:
    assert receive(letter(inside.requester.email)).ticket.requester == inside.requester


def test_a_person_is_known_by_an_address_with_letters_of_their_own(inside: Desk) -> None:
    inside.requester.email = normalise_address("rita@bücher.example")
    inside.requester.save(update_fields=["email"])
    message = letter("rita@bücher.example")
    message.policy = SMTPUTF8
    assert receive(message).ticket.requester == inside.requester


def test_who_represents_one_organisation_asks_for_it(inside: Desk) -> None:
    assert receive(letter(inside.requester.email)).ticket.organisation == inside.organisation


def test_b5_somebody_without_an_account_may_write(inside: Desk) -> None:
    assert receive(letter('"Nora New" <nora@new.example>')).ticket.requester.name == "Nora New"


def test_a_new_address_is_unproved(inside: Desk) -> None:
    assert not receive(letter("nora@new.example")).ticket.requester.is_verified


def test_k16_the_applicant_gets_a_confirmation(inside: Desk) -> None:
    ticket = receive(letter("nora@new.example")).ticket
    assert OutboxMessage.objects.filter(to_address="nora@new.example", about_id=ticket.pk).count() == 1


def test_an_unproved_address_gets_none_of_the_senders_words(inside: Desk) -> None:
    receive(letter("nora@new.example", subject="Buy now", body="at http://spam.example"))
    mail = written(OutboxMessage.objects.get(to_address="nora@new.example"))
    assert "Buy now" not in mail.subject + mail.text + mail.html


def test_who_has_no_account_gets_no_link_that_asks_for_one(inside: Desk) -> None:
    receive(letter("nora@new.example"))
    mail = written(OutboxMessage.objects.get(to_address="nora@new.example"))
    assert ("/requests/" in mail.text + mail.html, "Reply to this e-mail" in mail.text) == (False, True)


def test_an_unproved_address_gets_one_confirmation_an_hour(inside: Desk) -> None:
    for number in range(3):
        receive(letter("nora@new.example", message_id=f"<{number}@new.example>"))
    assert OutboxMessage.objects.filter(to_address="nora@new.example").count() == 1


def test_the_same_bytes_twice_are_one_message(inside: Desk) -> None:
    message = letter(inside.requester.email)
    receive(message)
    box = Mailbox.objects.get()
    again = keep(BytesIO(message.as_bytes()), mailbox_id=box.pk, envelope_from="x@y.z", envelope_to=box.address)
    assert (intake.process(again.pk), Ticket.objects.count()) == (None, 1)


def test_attachments_are_kept(inside: Desk) -> None:
    message = letter(inside.requester.email)
    message.add_attachment(b"\x89PNG\r\n\x1a\n....", maintype="image", subtype="png", filename="screen.png")
    ticket = receive(message).ticket
    assert Attachment.objects.get(ticket=ticket).file.name == "screen.png"


# ---- replies ----


def test_a_reply_to_our_signed_address_is_a_comment(inside: Desk) -> None:
    ticket = inside.submit()
    done = receive(letter(inside.requester.email, body="More words."), to=reply_address(ticket, inside.requester))
    assert (done.state, comments_of(ticket)) == (IncomingState.COMMENT, ["More words."])


def test_b14_a_signed_reply_gives_the_ticket_back(inside: Desk) -> None:
    ticket = inside.delivered()
    receive(letter(inside.requester.email, body="Not yet."), to=reply_address(ticket, inside.requester))
    assert Ticket.objects.get(pk=ticket.pk).status == Status.REOPENED


def test_only_what_the_person_wrote_becomes_the_comment(inside: Desk) -> None:
    ticket = inside.submit()
    body = "Thank you.\n\nOn Mon, 5 Jan 2026 at 10:00, Desk <support@alpha.localhost> wrote:\n> Hello\n> there\n"
    receive(letter(inside.requester.email, body=body), to=reply_address(ticket, inside.requester))
    assert comments_of(ticket) == ["Thank you."]


def test_the_subjects_reference_finds_the_ticket(inside: Desk) -> None:
    ticket = inside.submit()
    assert receive(letter(inside.requester.email, subject=f"Re: [{ticket.reference}] printer")).ticket == ticket


def test_an_answer_to_our_mail_finds_the_ticket(inside: Desk) -> None:
    ticket = inside.submit()
    ours = OutboxMessage.objects.filter(about_id=ticket.pk).first()
    assert receive(letter(inside.requester.email, In_Reply_To=f"<{ours.message_id}>")).ticket == ticket


def test_a_claimed_sender_waits_as_unverified(inside: Desk) -> None:
    ticket = inside.submit()
    receive(letter(inside.requester.email, subject=f"Re: {ticket.reference}"))
    assert not Comment.objects.get(ticket=ticket).is_verified


def test_an_unverified_comment_changes_no_state(inside: Desk) -> None:
    ticket = inside.delivered()
    receive(letter(inside.requester.email, subject=f"Re: {ticket.reference}"))
    assert Ticket.objects.get(pk=ticket.pk).status == Status.WAITING


def test_a_stranger_with_the_reference_gets_a_new_ticket(inside: Desk) -> None:
    ticket = inside.submit()
    done = receive(letter(inside.stranger.email, subject=f"Re: {ticket.reference}"))
    assert (done.ticket != ticket, comments_of(ticket)) == (True, [])


def test_a_signed_address_in_other_hands_proves_nothing(inside: Desk) -> None:
    ticket = inside.submit()
    receive(letter("thief@example.com", body="I am Rita."), to=reply_address(ticket, inside.requester))
    assert comments_of(ticket) == []


def test_a_changed_signature_is_not_read(inside: Desk) -> None:
    address = reply_address(inside.submit(), inside.requester)
    broken = address.replace("@", "x@") if not address.split("@")[0].endswith("a") else address.replace("@", "b@")
    assert read_reply_address(broken) is None


def test_another_desks_signature_is_not_read(desk: Desk, rival: Desk) -> None:
    with desk.entered():
        address = reply_address(desk.submit(), desk.requester)
    with rival.entered():
        assert read_reply_address(address) is None


def test_staffs_reply_becomes_a_note_never_public(inside: Desk) -> None:
    ticket = inside.submit()
    receive(letter(inside.agent.email, body="He is wrong."), to=reply_address(ticket, inside.agent))
    assert Comment.objects.get(ticket=ticket).is_internal


def test_two_from_addresses_are_nobody(inside: Desk) -> None:
    message = letter("a@example.com, b@example.com")
    assert receive(message).state == IncomingState.IGNORED


# ---- what must not become a ticket ----


def test_an_automatic_reply_is_not_answered(inside: Desk) -> None:
    done = receive(letter(inside.requester.email, Auto_Submitted="auto-replied"))
    assert (done.state, Ticket.objects.count()) == (IncomingState.AUTOMATIC, 0)


def test_a_bounce_is_not_answered(inside: Desk) -> None:
    done = receive(letter("mailer-daemon@example.com", subject="Undelivered Mail"), envelope_from="")
    assert done.state == IncomingState.AUTOMATIC


# ---- nothing is lost ----


def test_what_fails_stays_with_its_error(inside: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("no luck")

    monkeypatch.setattr(intake, "_become", broken)
    done = receive(letter("nora@new.example"))
    assert (done.state, done.reason) == (IncomingState.FAILED, "RuntimeError: no luck")


def test_after_three_failures_it_is_set_aside(inside: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("no luck")

    monkeypatch.setattr(intake, "_become", broken)
    done = receive(letter("nora@new.example"))
    for _ in range(2):
        intake.process(done.pk)
    done.refresh_from_db()
    assert (done.state, done.next_try_at) == (IncomingState.QUARANTINED, None)


def test_a_later_try_succeeds(inside: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(intake, "_become", lambda message: 1 / 0)
        done = receive(letter("nora@new.example"))
    again = intake.process(done.pk)
    assert again is not None
    assert again.state == IncomingState.TICKET


def test_what_did_not_fail_is_not_processed_twice(inside: Desk) -> None:
    done = receive(letter(inside.requester.email))
    with pytest.raises(Refused, match="did not fail"):
        intake.try_again(done, by=inside.agent)


def test_only_who_answers_has_a_mail_processed_again(inside: Desk) -> None:
    with pytest.raises(NotAllowed):
        intake.try_again(receive(letter(inside.requester.email)), by=inside.accountant)


def test_an_address_leads_to_its_desk(desk: Desk, rival: Desk) -> None:
    found = find_mailbox("Support+t1.2.x@ALPHA.localhost")
    assert found is not None
    assert found[0] == desk.id


def test_an_unknown_address_leads_nowhere(desk: Desk) -> None:
    assert find_mailbox("nobody@alpha.localhost") is None


def test_mail_to_one_desk_makes_nothing_at_another(desk: Desk, rival: Desk) -> None:
    with desk.entered():
        receive(letter(rival.requester.email))
    with rival.entered():
        assert not Ticket.objects.exists()


def test_a_hostile_subject_reaches_no_header(inside: Desk) -> None:
    message = letter("nora@new.example")
    del message["Subject"]
    raw = b"Subject: =?utf-8?q?Hi=0D=0ABcc:_x=40y.example=00?=\r\n" + message.as_bytes()
    box = Mailbox.objects.get()
    stored = keep(BytesIO(raw), mailbox_id=box.pk, envelope_from="nora@new.example", envelope_to=box.address)
    done = intake.process(stored.pk)
    assert done is not None
    assert done.ticket is not None
    assert not set("\r\n\x00") & set(done.ticket.subject)


def test_persons_are_not_doubled_by_mail(inside: Desk) -> None:
    before = Person.objects.count()
    receive(letter(inside.requester.email.upper()))
    assert Person.objects.count() == before


def test_a_forgers_words_are_not_passed_on(inside: Desk) -> None:
    ticket = inside.submit()
    receive(letter(inside.colleague.email, subject=f"Re: {ticket.reference}", body="Pay to another account."))
    heard = OutboxMessage.objects.filter(kind="ticket.commented").values_list("to_address", flat=True)
    assert set(heard) == {inside.agent.email}


def test_forged_mails_of_a_known_person_bring_one_confirmation(inside: Desk) -> None:
    for number in range(4):
        receive(letter(inside.requester.email, subject="Buy now", message_id=f"<{number}@spam.example>"))
    mails = [written(row) for row in OutboxMessage.objects.filter(to_address=inside.requester.email)]
    assert [("Buy now" in mail.subject + mail.text + mail.html) for mail in mails] == [False]


def test_a_request_by_mail_is_marked_as_unproved(inside: Desk) -> None:
    assert not receive(letter(inside.requester.email)).ticket.is_verified


def test_quoted_history_is_kept_apart(inside: Desk) -> None:
    ticket = inside.submit()
    body = "Thank you.\n\nOn Mon, 5 Jan 2026 at 10:00, Desk <support@alpha.localhost> wrote:\n> Hello\n"
    receive(letter(inside.requester.email, body=body), to=reply_address(ticket, inside.requester))
    assert "> Hello" in Comment.objects.get(ticket=ticket).quoted


def test_our_own_mail_coming_back_is_known(inside: Desk) -> None:
    done = receive(letter(inside.requester.email, **{INSTANCE_HEADER: instance_ids()[0]}))
    assert done.state == IncomingState.AUTOMATIC
