"""What stands still in a desk's mail is on the health page, on the managers' first page, and told to them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from accounts.files import store
from conftest import Desk, Visit
from notifications.models import MailServer, Notice, OutboxMessage
from tickets.mail import intake
from tickets.mail.troubles import desks_with_troubles, tell_of_troubles, troubles_of_desk
from tickets.models import IncomingMessage, Mailbox
from tickets.models.incoming import IncomingState
from tickets.models.mailboxes import Way
from tickets.tasks import watch_mail

# Longer than a hiccup.
A_WHILE_AGO = timezone.now() - timedelta(minutes=2)


def stuck_mailbox(desk: Desk, error: str = "The password was not accepted.") -> Mailbox:
    return Mailbox.objects.create(
        address=f"imap@{desk.host}", way=Way.IMAP, host="imap.example.com", error=error, failing_since=A_WHILE_AGO
    )


def untouched_mailbox(desk: Desk) -> None:
    ago = timezone.now() - timedelta(minutes=3)
    Mailbox.objects.create(address=f"imap@{desk.host}", way=Way.IMAP, host="imap.example.com", next_look_at=ago)


def refused_message(desk: Desk) -> None:
    Mailbox.objects.create(
        address=f"imap@{desk.host}", way=Way.IMAP, host="imap.example.com", troubles={"7": {"tries": 3, "error": "NO"}}
    )


def quarantined(desk: Desk) -> IncomingMessage:
    box = Mailbox.objects.earliest("id")
    raw = store(ContentFile(b"Subject: x\r\n\r\n"), name="message.eml", by=None)
    return IncomingMessage.objects.create(
        mailbox=box,
        envelope_to=box.address,
        raw=raw,
        sha256=raw.key,
        state=IncomingState.QUARANTINED,
        reason="ValueError: x",
        next_try_at=None,
    )


def unprocessed(desk: Desk) -> None:
    message = quarantined(desk)
    message.state, message.next_try_at = IncomingState.RECEIVED, timezone.now()
    message.received_at = timezone.now() - timedelta(minutes=6)
    message.save()


def old_letter(desk: Desk) -> None:
    desk.submit()
    ago = timezone.now() - timedelta(minutes=6)
    OutboxMessage.objects.update(next_try_at=ago, created_at=ago)


def refused_letter(desk: Desk) -> None:
    """Tried again from time to time: its next try is ahead, but it is late all the same."""
    desk.submit()
    ago = timezone.now() - timedelta(minutes=6)
    OutboxMessage.objects.update(
        next_try_at=timezone.now() + timedelta(hours=1), created_at=ago, error="550 not allowed"
    )


def failing_server(desk: Desk) -> None:
    MailServer.objects.create(host="smtp.example.com", error="535 bad password", failing_since=A_WHILE_AGO)


TROUBLES: dict[str, tuple[Callable[[Desk], Any], str, str]] = {
    "a mailbox that fails": (stuck_mailbox, "mailbox", "The password was not accepted."),
    "a mailbox that nobody looks into": (untouched_mailbox, "mailbox", "background process or the scheduler"),
    "a message that the server does not give": (refused_message, "mailbox", "does not give out 1 message"),
    "a quarantined message": (quarantined, "incoming", "1 e-mail is set aside"),
    "a message that is not processed": (unprocessed, "waiting", "have not become tickets"),
    "an outbox older than five minutes": (old_letter, "outbox", "waited for more than five minutes"),
    "a letter that is refused": (refused_letter, "outbox", "550 not allowed"),
    "a mail server that fails": (failing_server, "server", "535 bad password"),
}
every_trouble = pytest.mark.parametrize("trouble", TROUBLES)


def soon() -> datetime:
    return timezone.now()


@every_trouble
def test_the_health_page_shows_it(desk: Desk, visit: Visit, trouble: str) -> None:
    make, kind, _ = TROUBLES[trouble]
    with desk.entered():
        make(desk)
    mail = visit(desk).get("/health/").json()["mail"]
    assert [name for name, flows in mail.items() if not flows] == [kind]


def test_the_health_page_is_content_when_all_flows(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        desk.submit()
    assert set(visit(desk).get("/health/").json()["mail"].values()) == {True}


@every_trouble
def test_the_managers_first_page_shows_it(desk: Desk, visit: Visit, trouble: str) -> None:
    make, _, words = TROUBLES[trouble]
    with desk.entered():
        make(desk)
    assert words in visit(desk, desk.manager).get("/admin/").content.decode()


def test_an_agents_first_page_does_not(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        stuck_mailbox(desk)
    assert "imap@" not in visit(desk, desk.agent).get("/admin/").content.decode()


@every_trouble
def test_the_managers_are_told(desk: Desk, trouble: str) -> None:
    make, kind, words = TROUBLES[trouble]
    with desk.entered():
        make(desk)
    watch_mail()
    with desk.entered():
        (notice,) = Notice.objects.filter(kind=f"desk.mail_{kind}")
        assert (notice.person, words in notice.text) == (desk.manager, True)


def test_they_are_told_once(inside: Desk) -> None:
    stuck_mailbox(inside)
    tell_of_troubles()
    tell_of_troubles()
    assert Notice.objects.filter(kind="desk.mail_mailbox").count() == 1


def test_what_was_over_and_begins_again_is_told_again(inside: Desk) -> None:
    box = stuck_mailbox(inside)
    tell_of_troubles()
    Mailbox.objects.filter(pk=box.pk).update(failing_since=None, error="")
    tell_of_troubles(timezone.now() + timedelta(minutes=61))
    Mailbox.objects.filter(pk=box.pk).update(failing_since=A_WHILE_AGO, error="again")
    tell_of_troubles(timezone.now() + timedelta(minutes=62))
    assert Notice.objects.filter(kind="desk.mail_mailbox").count() == 2


def test_what_comes_and_goes_is_told_of_once_an_hour(inside: Desk) -> None:
    box = stuck_mailbox(inside)
    for _ in range(3):
        tell_of_troubles()
        Mailbox.objects.filter(pk=box.pk).update(failing_since=None, error="")
        tell_of_troubles()
        Mailbox.objects.filter(pk=box.pk).update(failing_since=A_WHILE_AGO, error="again")
    assert Notice.objects.filter(kind="desk.mail_mailbox").count() == 1


def test_what_comes_back_within_the_hour_is_told_when_the_hour_is_over(inside: Desk) -> None:
    box, told = stuck_mailbox(inside), []
    for minute, is_stuck in ((0, True), (10, False), (30, True), (61, True), (130, True)):
        Mailbox.objects.filter(pk=box.pk).update(failing_since=A_WHILE_AGO if is_stuck else None)
        tell_of_troubles(timezone.now() + timedelta(minutes=minute))
        told.append(Notice.objects.filter(kind="desk.mail_mailbox").count())
    assert told == [1, 1, 1, 2, 2]


def test_less_of_it_is_no_news(inside: Desk) -> None:
    quarantined(inside)
    newest = quarantined(inside)
    tell_of_troubles()
    IncomingMessage.objects.filter(pk=newest.pk).update(state=IncomingState.IGNORED)
    tell_of_troubles(timezone.now() + timedelta(minutes=61))
    assert Notice.objects.filter(kind="desk.mail_incoming").count() == 1


def test_a_hiccup_is_nobodys_business(inside: Desk) -> None:
    box = stuck_mailbox(inside)
    Mailbox.objects.filter(pk=box.pk).update(failing_since=timezone.now())
    assert troubles_of_desk(soon()) == []


def test_a_flood_is_told_of_once_an_hour(inside: Desk) -> None:
    quarantined(inside)
    tell_of_troubles()
    quarantined(inside)
    tell_of_troubles()
    assert Notice.objects.filter(kind="desk.mail_incoming").count() == 1


def test_what_comes_an_hour_later_is_told_again(inside: Desk) -> None:
    quarantined(inside)
    tell_of_troubles()
    quarantined(inside)
    tell_of_troubles(timezone.now() + timedelta(minutes=61))
    assert Notice.objects.filter(kind="desk.mail_incoming").count() == 2


def test_the_end_of_a_trouble_is_forgotten_after_an_hour(desk: Desk) -> None:
    with desk.entered():
        box = stuck_mailbox(desk)
    watch_mail()
    with desk.entered():
        Mailbox.objects.filter(pk=box.pk).update(failing_since=None, error="")
        OutboxMessage.objects.all().delete()  # the letters that told of it would be late by then
        tell_of_troubles(timezone.now() + timedelta(minutes=61))
    assert desks_with_troubles(soon()) == {}


def test_one_desks_trouble_is_not_anothers(desk: Desk, rival: Desk) -> None:
    with desk.entered():
        stuck_mailbox(desk)
    with rival.entered():
        assert troubles_of_desk(soon()) == []


def test_the_notice_leads_to_the_mailbox(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        box = stuck_mailbox(desk)
    watch_mail()
    page = visit(desk, desk.manager).get("/notices/").content.decode()
    assert f"/tickets/mailbox/{box.pk}/change/" in page


def test_what_somebody_looked_at_troubles_nobody(inside: Desk) -> None:
    intake.leave_aside(quarantined(inside), by=inside.agent)
    assert troubles_of_desk(soon()) == []


def test_a_collected_mailbox_that_works_troubles_nobody(inside: Desk) -> None:
    Mailbox.objects.create(
        address="imap@alpha.localhost",
        way=Way.IMAP,
        host="imap.example.com",
        next_look_at=timezone.now() + timedelta(seconds=30),
    )
    assert troubles_of_desk(soon()) == []


def test_a_mailbox_that_is_switched_off_troubles_nobody(inside: Desk) -> None:
    box = stuck_mailbox(inside)
    Mailbox.objects.filter(pk=box.pk).update(is_active=False)
    assert troubles_of_desk(soon()) == []
