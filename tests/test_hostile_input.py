"""Input that nobody types: a sentence or the same page as ever, never a server error."""

import base64
import subprocess
import sys

import pytest
from django.test import Client

from accounts.errors import Refused
from accounts.models import Session
from conftest import PASSWORD, Desk, Visit
from tickets import actions
from tickets.mail import intake
from tickets.models import Mailbox, Ticket

NUL = "\0"


def test_a_null_in_a_verbs_words(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.delivered()
    answer = visit(desk, desk.requester).post(f"/requests/{ticket.reference}/reopen/", {"text": f"a{NUL}b"})
    assert answer.status_code == 302


def test_two_megabytes_of_words_are_refused(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.delivered()
    visit(desk, desk.requester).post(f"/requests/{ticket.reference}/reopen/", {"text": "x" * 2_000_000})
    with desk.entered():
        assert Ticket.objects.get(pk=ticket.pk).status == "waiting_for_customer"


@pytest.mark.parametrize("cookie", ["\\000aaaaaaaaaaaaaaaa", "x", "é" * 32, "a" * 5000])
def test_a_made_up_session(desk: Desk, visit: Visit, cookie: str) -> None:
    browser = visit(desk)
    browser.cookies["desk_session"] = cookie
    assert browser.get("/").status_code == 200


@pytest.mark.parametrize(
    "cursor", ["2026-01-01T00:00:00+23:59 5", "0001-01-01T00:00:00+14:00 5", "9999-12-31T23:59:59-12:00 5"]
)
def test_a_cursor_at_the_edge_of_time(desk: Desk, visit: Visit, cursor: str) -> None:
    after = base64.urlsafe_b64encode(cursor.encode()).decode()
    assert visit(desk, desk.requester).get("/requests/", {"after": after}).status_code == 200


@pytest.mark.parametrize("value", ["%00", "x%00y"])
def test_a_null_in_a_filter(desk: Desk, visit: Visit, value: str) -> None:
    answer = visit(desk, desk.agent).get(f"/admin/notifications/outboxmessage/?state__exact={value}")
    assert answer.status_code in (302, 400)


@pytest.mark.parametrize(
    "kind", ["multipart/form-data; boundary=x; charset=hex", "multipart/form-data", "text/x; charset=idna"]
)
def test_a_body_that_cannot_be_read(desk: Desk, visit: Visit, kind: str) -> None:
    answer = visit(desk).generic("POST", "/account/login/", b"--x\r\n\r\n", content_type=kind)
    assert answer.status_code < 500


def test_a_password_is_never_kept(desk: Desk) -> None:
    browser = Client(enforce_csrf_checks=True, headers={"host": desk.host})
    page = f"http://{desk.host}/account/password/reset/key/1-abc/"
    browser.post(page, {"password1": "MySecret", "text": "words"}, headers={"referer": page})
    with desk.entered():
        kept = [row.get_decoded().get("kept", {}) for row in Session.objects.all()]
    assert [list(row["words"]) for row in kept] == [["text"]]


def test_a_strangers_form_leaves_no_session(desk: Desk) -> None:
    """It would replace the session of whoever was tricked into sending it."""
    browser = Client(enforce_csrf_checks=True, headers={"host": desk.host})
    answer = browser.post("/contact/", {"text": "x"}, headers={"referer": "http://evil.example/"})
    assert (answer.status_code, "desk_session" in answer.cookies) == (403, False)


def test_a_log_in_limit_stays_at_its_desk(desk: Desk, rival: Desk, visit: Visit) -> None:
    here, there = visit(desk), visit(rival)
    for _ in range(7):
        here.post("/account/login/", {"login": rival.requester.email, "password": "wrong"})
    there.post("/account/login/", {"login": rival.requester.email, "password": PASSWORD})
    assert there.get("/requests/").status_code == 200


def test_an_accepted_tickets_payer_cannot_be_taken_away(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.accepted()
    browser = visit(desk, desk.agent)
    browser.post(f"/admin/tickets/ticket/{ticket.pk}/handling/", {"organisation": "", "priority": "2"})
    assert visit(desk, desk.accountant).get("/admin/billing/invoice/ready/").status_code == 200
    with desk.entered():
        assert Ticket.objects.get(pk=ticket.pk).organisation_id == desk.organisation.pk


def test_no_time_is_added_after_the_acceptance(inside: Desk) -> None:
    with pytest.raises(Refused):
        actions.record_time(inside.accepted(), by=inside.agent, minutes=60, description="More")


def test_staff_do_not_read_signed_reply_addresses(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        box = Mailbox.objects.get()
        message = intake.keep(
            b"x", mailbox_id=box.pk, envelope_from="a@b.example", envelope_to="support+t1.2.abc@alpha.localhost"
        )
    browser = visit(desk, desk.manager)
    pages = [browser.get(f"/admin/tickets/incomingmessage/{where}") for where in ("", f"{message.pk}/change/")]
    assert [(page.status_code, "+t1.2" in page.content.decode()) for page in pages] == [(200, False)] * 2


def test_a_link_from_a_mail_leads_on_after_log_in(desk: Desk, visit: Visit) -> None:
    first = visit(desk).get("/admin/tickets/ticket/1/change/")
    second = visit(desk).get(first.headers["Location"])
    assert "next=%2Fadmin%2Ftickets%2Fticket%2F1%2Fchange%2F" in second.headers["Location"]


def test_every_scheduled_job_is_known_to_a_fresh_worker() -> None:
    """A job that only other code imports would be asked for every minute and never run."""
    code = (
        "import servicedesk.celery as c\n"
        "c.app.loader.import_default_modules()\n"
        "from django.conf import settings\n"
        "names = {entry['task'] for entry in settings.CELERY_BEAT_SCHEDULE.values()}\n"
        "missing = names - set(c.app.tasks)\n"
        "assert not missing, missing\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
