"""Demo mode: the world's side of every e-mail, and the logins; nothing of it without demo mode."""

from typing import Any

import pytest
from django.test import Client

from accounts.hosts import active_tenant_ids
from accounts.tenancy import enter
from conftest import Desk, Visit, empty_as_owner, written
from notifications import delivery
from notifications.models import OutboxMessage
from servicedesk.demo_desks import create_demo_desks
from tickets.mail.demo import DemoMailbox
from tickets.models import Ticket
from tickets.workflow import Status

PAGES = ["/demo/mail/", "/demo/mail/key/", "/demo/mail/key/html/", "/demo/design/"]


@pytest.fixture
def demo(settings: Any) -> None:
    settings.DEMO = True


def kept(desk: Desk) -> str:
    """A mail of the desk's, kept as the listener would; its key."""
    with desk.entered():
        desk.submit()
        row = written(OutboxMessage.objects.get(kind="ticket.submitted"))
        raw = delivery.as_message(row).message().as_bytes()
    DemoMailbox().keep(raw, sender=row.from_address, recipient=row.to_address)
    with desk.entered():
        return DemoMailbox().messages()[0].key


@pytest.mark.parametrize("page", PAGES)
def test_without_demo_mode_there_is_no_such_page(desk: Desk, visit: Visit, page: str) -> None:
    assert visit(desk).get(page).status_code == 404


def test_without_demo_mode_no_login_is_shown(desk: Desk, visit: Visit) -> None:
    assert "demo-demo-demo" not in visit(desk).get("/").content.decode()


def test_the_front_page_shows_the_logins(desk: Desk, visit: Visit, demo: None) -> None:
    page = visit(desk).get("/").content.decode()
    assert all(word in page for word in ("demo-demo-demo", desk.requester.email, "accountant"))


def test_the_mailbox_lists_what_was_sent(desk: Desk, visit: Visit, demo: None) -> None:
    kept(desk)
    assert desk.requester.email in visit(desk).get("/demo/mail/").content.decode()


def test_the_mailbox_may_be_narrowed_to_one_receiver(desk: Desk, visit: Visit, demo: None) -> None:
    kept(desk)
    assert visit(desk).get("/demo/mail/?recipient=nobody@example.com").context["mails"] == []


def test_a_mail_is_shown_with_its_reply_address(desk: Desk, visit: Visit, demo: None) -> None:
    mail = visit(desk).get(f"/demo/mail/{kept(desk)}/").context["mail"]
    assert (mail["reply_to"].startswith("support+t"), mail["has_html"]) == (True, True)


def test_its_html_is_shown_as_sent_and_can_do_nothing(desk: Desk, visit: Visit, demo: None) -> None:
    answer = visit(desk).get(f"/demo/mail/{kept(desk)}/html/")
    assert "DESK-1" in answer.content.decode()
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_another_desks_mail_is_not_there(desk: Desk, rival: Desk, visit: Visit, demo: None) -> None:
    assert visit(rival).get(f"/demo/mail/{kept(desk)}/").status_code == 404


@pytest.mark.parametrize("key", ["../1/cur/x", "nothing", "%00"])
def test_a_made_up_key_is_not_there(desk: Desk, visit: Visit, demo: None, key: str) -> None:
    assert visit(desk).get(f"/demo/mail/{key}/").status_code == 404


def test_writing_to_a_listener_that_is_not_there_is_a_sentence(
    desk: Desk, visit: Visit, demo: None, settings: Any
) -> None:
    settings.SMTP_PORT = 1
    page = visit(desk).post(
        "/demo/mail/send/", {"sender": "a@example.com", "to": "support@alpha.localhost", "body": "x"}, follow=True
    )
    assert "was not taken" in page.content.decode()


def test_writing_without_addresses_is_a_sentence(desk: Desk, visit: Visit, demo: None) -> None:
    page = visit(desk).post("/demo/mail/send/", {"sender": "me", "to": "you"}, follow=True)
    assert "like name@example.com" in page.content.decode()


def test_an_unknown_host_leads_to_the_demo_desks(desk: Desk, demo: None) -> None:
    assert b"alpha.localhost" in Client(headers={"host": "nowhere.example"}).get("/").content


def test_the_design_system_has_its_page(desk: Desk, visit: Visit, demo: None) -> None:
    assert visit(desk).get("/demo/design/").status_code == 200


def test_the_demos_story_is_told_through_the_verbs(committed: None) -> None:
    empty_as_owner()
    create_demo_desks()
    first, second, third, fourth = active_tenant_ids()
    with enter(first):
        assert sorted(Ticket.objects.values_list("status", flat=True)) == [
            Status.ESTIMATE_ACCEPTED,
            Status.ESTIMATED,
            Status.OPEN,
            Status.WAITING,
            Status.WAITING,
        ]
    with enter(second):
        assert set(Ticket.objects.values_list("status", flat=True)) == {Status.ESTIMATED}
    with enter(third):
        assert set(Ticket.objects.values_list("status", flat=True)) == {Status.OPEN, Status.WAITING}
    with enter(fourth):
        assert set(Ticket.objects.values_list("kind", flat=True)) == {"error", "enhancement", "consultation"}
