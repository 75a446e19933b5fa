"""How much somebody may send, how large it may be (K14), and what happens to a message that cannot be processed."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import OperationalError
from django.utils import timezone

from accounts.hosts import forget_hosts
from accounts.models import StoredFile, Tenant
from conftest import Desk, comments_of, written
from notifications.models import OutboxMessage
from tickets.mail import intake
from tickets.mail.addresses import reply_address
from tickets.models import Attachment, Comment, IncomingMessage, Ticket
from tickets.models.incoming import IncomingState
from tickets.tasks import process_incoming
from tickets.tests.letters import PASSED, RELAY, letter, mailbox, on_top, receive, sent_to, stored, ticket_of

FIELD = f"Authentication-Results: {PASSED}"
NORA = "nora@new.example"
MEGABYTE = 1024 * 1024


def policy(**changes: object) -> None:
    Tenant.objects.update(**changes)
    forget_hosts()


# ---- how many ----


@pytest.fixture
def three(inside: Desk) -> Desk:
    """Three e-mails per sender and hour are enough, and three have come."""
    policy(mail_hourly_limit=3)
    for number in range(3):
        receive(letter(NORA, body=f"{number}: {'word' * number}"))
    return inside


def test_the_third_within_an_hour_is_taken(three: Desk) -> None:
    assert Ticket.objects.count() == 3


def test_the_fourth_within_an_hour_is_set_aside_and_says_why(three: Desk) -> None:
    done = receive(letter(NORA))
    assert (done.state, done.reason, done.ticket) == (
        IncomingState.QUARANTINED,
        "too many e-mails from this address in an hour",
        None,
    )


def test_what_is_set_aside_is_not_answered(three: Desk) -> None:
    before = OutboxMessage.objects.count()
    receive(letter(NORA))
    assert OutboxMessage.objects.count() == before


def test_what_is_set_aside_is_not_tried_again_by_itself(three: Desk) -> None:
    done = receive(letter(NORA))
    assert intake.process(done.pk) is None


def test_other_senders_flow_on(three: Desk) -> None:
    receive(letter(NORA))
    assert receive(letter("nils@new.example")).state == IncomingState.TICKET


def test_an_hour_later_they_write_again(three: Desk) -> None:
    IncomingMessage.objects.update(received_at=timezone.now() - timedelta(minutes=61))
    assert receive(letter(NORA)).state == IncomingState.TICKET


def test_somebody_lets_it_in(three: Desk) -> None:
    done = receive(letter(NORA, "Let me in"))
    intake.try_again(done, by=three.agent)
    again = intake.process(done.pk)
    assert again is not None
    assert (again.state, ticket_of(again).subject) == (IncomingState.TICKET, "Let me in")


def test_what_somebody_let_in_is_let_in_at_its_next_try_too(three: Desk) -> None:
    done = receive(letter(NORA))
    intake.try_again(done, by=three.agent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intake, "open_file", broken_disk)
        tried(done, 1)
    assert tried(done, 1).state == IncomingState.TICKET


def test_machines_mail_does_not_count(inside: Desk) -> None:
    policy(mail_hourly_limit=3)
    for _ in range(4):
        receive(letter(NORA, Auto_Submitted="auto-replied"))
    assert receive(letter(NORA)).state == IncomingState.TICKET


def test_a_forms_visitors_are_counted_each_for_themselves(inside: Desk) -> None:
    policy(mail_hourly_limit=1)
    for visitor in (NORA, "nils@new.example"):
        done = receive(letter(inside.tenant.support_email, Reply_To=visitor))
    assert done.state == IncomingState.TICKET


def test_replies_count_too(inside: Desk) -> None:
    policy(mail_hourly_limit=1)
    ticket = inside.submit()
    for text in ("One.", "Two."):
        receive(letter(inside.requester.email, body=text), reply_address(ticket, inside.requester))
    assert comments_of(ticket) == ["One."]


def test_another_desks_mail_does_not_count(desk: Desk, rival: Desk) -> None:
    with rival.entered():
        receive(letter(NORA))
    with desk.entered():
        policy(mail_hourly_limit=1)
        assert receive(letter(NORA)).state == IncomingState.TICKET


# ---- how large ----


def with_files(sender: str, *sizes: float, body: str = "See the files.", **headers: str) -> Any:
    """Files of so many megabytes: 'file-0.bin', 'file-1.bin' …"""
    message = letter(sender, body=body, **headers)
    for number, size in enumerate(sizes):
        content = bytes([number]) * int(size * MEGABYTE)
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=f"file-{number}.bin")
    return message


@pytest.fixture
def small(inside: Desk) -> Desk:
    """Two megabytes of files are enough."""
    policy(mail_megabytes=2)
    mailbox(relay=RELAY)
    return inside


def kept(ticket: Ticket) -> list[str]:
    return list(Attachment.objects.filter(ticket=ticket).order_by("id").values_list("file__name", flat=True))


def test_k14_what_fits_is_kept(small: Desk) -> None:
    assert kept(ticket_of(receive(with_files(NORA, 1, 1)))) == ["file-0.bin", "file-1.bin"]


def test_k14_kept_files_have_their_bytes(small: Desk) -> None:
    ticket = ticket_of(receive(with_files(NORA, 0.1, 0.4)))
    file = Attachment.objects.get(ticket=ticket, file__name="file-1.bin").file
    with default_storage.open(file.key) as content:
        assert content.read() == b"\x01" * int(0.4 * MEGABYTE)


def test_k14_what_does_not_fit_is_left_out_and_the_text_stays(small: Desk) -> None:
    ticket = ticket_of(receive(with_files(NORA, 3)))
    assert (kept(ticket), ticket.description.partition("\n")[0]) == ([], "See the files.")


def test_k14_the_ticket_names_what_was_left_out(small: Desk) -> None:
    ticket = ticket_of(receive(with_files(NORA, 3)))
    assert "[Too large for an e-mail, not kept: file-0.bin]" in ticket.description


def test_k14_a_comment_names_what_was_left_out(small: Desk) -> None:
    ticket = small.submit()
    receive(with_files(small.requester.email, 3), reply_address(ticket, small.requester))
    assert "[Too large for an e-mail, not kept: file-0.bin]" in Comment.objects.get(ticket=ticket).text


def test_k14_small_files_behind_a_large_one_are_kept(small: Desk) -> None:
    assert kept(ticket_of(receive(with_files(NORA, 1, 3, 0.5)))) == ["file-0.bin", "file-2.bin"]


def test_the_message_says_which_files_were_kept(small: Desk) -> None:
    done = receive(with_files(NORA, 3, 0.5))
    assert [(one["name"], one["kept"]) for one in done.attachments] == [("file-0.bin", False), ("file-1.bin", True)]


def test_k14_a_proved_sender_is_told_what_was_left_out(small: Desk) -> None:
    receive(on_top(with_files(small.requester.email, 3), FIELD))
    mails = [written(row).text for row in sent_to(small.requester.email)]
    assert [text.count("file-0.bin") for text in mails] == [1]


def test_k14_who_comments_is_told_what_was_left_out_once(small: Desk) -> None:
    ticket = small.submit()
    before = len(sent_to(small.requester.email))
    receive(with_files(small.requester.email, 3), reply_address(ticket, small.requester))
    mails = [written(row).text for row in sent_to(small.requester.email)[before:]]
    assert [text.count("file-0.bin") for text in mails] == [1]


def test_an_unproved_sender_is_told_without_their_words(small: Desk) -> None:
    receive(with_files(NORA, 3))
    texts = [written(row).text for row in sent_to(NORA)]
    assert [("too large" in text, "file-0.bin" in text) for text in texts] == [(True, False)]


def test_nobody_is_told_in_the_name_of_whom_nobody_proved(small: Desk) -> None:
    """Anybody can write in the requester's name: the names of files are the forger's words."""
    ticket = small.submit()
    before = len(sent_to(small.requester.email))
    message = with_files(small.requester.email, 3)
    message.replace_header("Subject", f"Re: {ticket.reference}")
    receive(message)
    assert len(sent_to(small.requester.email)) == before


def test_k14_what_was_cut_is_not_kept(small: Desk) -> None:
    raw = with_files(NORA, 0.1, 0.5).as_bytes()[: -MEGABYTE // 4]
    done = receive(raw, is_cut=True)
    assert (kept(ticket_of(done)), [one["kept"] for one in done.attachments]) == (["file-0.bin"], [True, False])


def test_k14_the_end_of_what_was_not_cut_is_kept(small: Desk) -> None:
    """Many programs forget the last boundary."""
    raw = with_files(NORA, 0.1, 0.5).as_bytes()
    done = receive(raw[: raw.rindex(b"\n--")])
    assert kept(ticket_of(done)) == ["file-0.bin", "file-1.bin"]


# ---- how long ----

LONG = "".join(f"Line {number} of a long text.\n" for number in range(5_000))


def test_a_long_text_is_kept_whole_as_a_file(inside: Desk) -> None:
    ticket = ticket_of(receive(letter(NORA, body=LONG)))
    assert (len(LONG) > 100_000, kept(ticket)) == (True, ["message.txt"])


def test_the_file_has_every_word(inside: Desk) -> None:
    ticket = ticket_of(receive(letter(NORA, body=LONG)))
    with default_storage.open(Attachment.objects.get(ticket=ticket).file.key) as content:
        assert content.read().decode().split() == LONG.split()


def test_the_ticket_has_its_beginning(inside: Desk) -> None:
    ticket = ticket_of(receive(letter(NORA, body=LONG)))
    assert LONG.startswith(ticket.description[:99_000])


def test_a_long_comment_is_kept_whole_as_a_file(inside: Desk) -> None:
    ticket = inside.submit()
    receive(letter(inside.requester.email, body=LONG), reply_address(ticket, inside.requester))
    assert (len(comments_of(ticket)[0]), kept(ticket)) == (100_000, ["message.txt"])


def test_a_short_text_is_no_file(inside: Desk) -> None:
    assert kept(ticket_of(receive(letter(NORA)))) == []


# ---- what fails ----


@pytest.fixture
def one_fails(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Filing 'Bad' fails with this error after its files were stored; everything else goes through."""

    def fail_with(error: Exception) -> None:
        real = intake.actions.submit_by_mail

        def submit_by_mail(**values: Any) -> Ticket:
            ticket: Ticket = real(**values)
            if values["subject"] == "Bad":
                raise error
            return ticket

        monkeypatch.setattr(intake.actions, "submit_by_mail", submit_by_mail)

    return fail_with


def tried(message: IncomingMessage, times: int) -> IncomingMessage:
    for _ in range(times):
        intake.process(message.pk)
    message.refresh_from_db()
    return message


def test_three_failures_set_a_message_aside(inside: Desk, one_fails: Any) -> None:
    one_fails(RuntimeError("no luck"))
    row = tried(stored(letter(NORA, "Bad")), 3)
    assert (row.state, row.reason, row.tries, row.next_try_at) == (
        IncomingState.QUARANTINED,
        "RuntimeError: no luck",
        3,
        None,
    )


def test_after_two_failures_it_waits_for_its_next_try(inside: Desk, one_fails: Any) -> None:
    one_fails(RuntimeError("no luck"))
    row = tried(stored(letter(NORA, "Bad")), 2)
    assert row.next_try_at is not None
    wait = (row.next_try_at - timezone.now()).total_seconds()
    assert (row.state, 0 < wait <= intake.RETRY.total_seconds()) == (IncomingState.FAILED, True)


def test_those_behind_it_flow_on(desk: Desk, one_fails: Any) -> None:
    one_fails(RuntimeError("no luck"))
    with desk.entered():
        ids = [stored(letter(NORA, subject)).pk for subject in ("Bad", "Good", "Better")]
    process_incoming(desk.id, *ids)
    with desk.entered():
        states = IncomingMessage.objects.order_by("id").values_list("state", flat=True)
        assert list(states) == [IncomingState.FAILED, IncomingState.TICKET, IncomingState.TICKET]


@pytest.mark.parametrize("error", [OSError("No space left on device"), OperationalError("the server restarts")])
def test_what_passes_costs_no_try(inside: Desk, one_fails: Any, error: Exception) -> None:
    one_fails(error)
    row = tried(stored(letter(NORA, "Bad")), 5)
    assert (row.state, row.tries, row.next_try_at is None) == (IncomingState.FAILED, 0, False)


def test_when_it_has_passed_the_message_goes_through(inside: Desk) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intake, "open_file", broken_disk)
        row = tried(stored(letter(NORA)), 4)
    assert tried(row, 1).state == IncomingState.TICKET


def broken_disk(file: StoredFile) -> None:
    raise OSError("Input/output error")


def test_a_failure_leaves_neither_ticket_nor_file_nor_letter(inside: Desk, one_fails: Any) -> None:
    one_fails(RuntimeError("no luck"))
    message = with_files(NORA, 0.5, 0.5)
    message.replace_header("Subject", "Bad")
    row = tried(stored(message), 1)
    left = Ticket.objects.count(), Attachment.objects.count(), OutboxMessage.objects.count()
    assert (left, list(StoredFile.objects.all()), row.ticket) == ((0, 0, 0), [row.raw], None)


def test_a_failure_leaves_no_bytes_in_the_storage(inside: Desk, one_fails: Any, tmp_path: Path) -> None:
    one_fails(RuntimeError("no luck"))
    message = with_files(NORA, 0.5, 0.5)
    message.replace_header("Subject", "Bad")
    tried(stored(message), 3)
    assert [path.name for path in (tmp_path / "files").rglob("*") if path.is_file()] == [
        StoredFile.objects.get().key.rpartition("/")[2]
    ]


def test_what_was_lost_in_the_storage_stays_visible(inside: Desk) -> None:
    row = stored(letter(NORA))
    default_storage.delete(row.raw.key)
    assert (tried(row, 1).state, "FileNotFoundError" in row.reason) == (IncomingState.FAILED, True)
