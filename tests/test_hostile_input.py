"""Input that nobody types: a sentence or the same page as ever, never a server error."""

import base64
import io
import runpy
import subprocess
import sys
import uuid
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.errors import Refused
from accounts.models import Session, StoredFile
from conftest import PASSWORD, Desk, Visit
from tickets import actions
from tickets.mail.keeping import keep
from tickets.models import Mailbox, Ticket

NUL = "\0"


def test_a_null_in_a_verbs_words(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.delivered()
    answer = visit(desk, desk.requester).post(f"/requests/{ticket.reference}/do/reopen/", {"text": f"a{NUL}b"})
    assert answer.status_code == 302


def test_two_megabytes_of_words_are_refused(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.delivered()
    visit(desk, desk.requester).post(f"/requests/{ticket.reference}/do/reopen/", {"text": "x" * 2_000_000})
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


def test_behind_tls_no_neighbour_can_plant_our_cookies(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """By these four marks a browser knows them for the host's own."""
    monkeypatch.setenv("PUBLIC_SCHEME", "https")
    for name, value in runpy.run_path(f"{settings.BASE_DIR}/servicedesk/settings.py").items():
        if name.startswith(("SESSION_COOKIE_", "CSRF_COOKIE_")):
            setattr(settings, name, value)
    browser = Client(headers={"host": desk.host})
    browser.get("/account/login/", secure=True)
    browser.post("/account/login/", {"login": desk.requester.email, "password": PASSWORD}, secure=True)
    found = {(name, bool(c["secure"]), c["path"], c["domain"]) for name, c in browser.cookies.items()}
    assert found == {("__Host-desk_session", True, "/", ""), ("__Host-desk_csrf", True, "/", "")}


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
        message = keep(
            io.BytesIO(b"x"),
            mailbox_id=box.pk,
            envelope_from="a@b.example",
            envelope_to="support+t1.2.abc@alpha.localhost",
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


@pytest.mark.parametrize("value", ["abc", "1.5", "²", "1\0", str(2**70), "-1"])
def test_a_picker_with_what_is_no_number(desk: Desk, visit: Visit, value: str) -> None:
    with desk.entered():
        ticket = desk.submit()
    fields = {"assignee": value, "organisation": "", "request_type": "", "priority": "2"}
    assert visit(desk, desk.agent).post(f"/admin/tickets/ticket/{ticket.pk}/handling/", fields).status_code == 422


@pytest.mark.parametrize("value", ["abc", "1\0"])
def test_an_inline_picker_with_what_is_no_number(desk: Desk, visit: Visit, value: str) -> None:
    fields = {
        "name": "Rita",
        "email": desk.requester.email,
        "language": "en",
        "representations-TOTAL_FORMS": "1",
        "representations-INITIAL_FORMS": "0",
        "representations-0-organisation": value,
    }
    answer = visit(desk, desk.agent).post(f"/admin/accounts/person/{desk.requester.pk}/change/", fields)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "back", ["foo", "request", "?x=1", "@evil", "//", "//evil.example/", "/\\evil", "javascript:x"]
)
@pytest.mark.parametrize("name", ["back", "next"])
def test_a_way_back_that_is_none(desk: Desk, visit: Visit, name: str, back: str) -> None:
    assert visit(desk).post("/language/", {"language": "lv", name: back})["Location"] == "/"


@pytest.mark.parametrize("address", ["http://[", "http://[::1"])
def test_a_way_on_that_is_no_address(desk: Desk, visit: Visit, address: str) -> None:
    fields = {"login": desk.requester.email, "password": PASSWORD, "next": address}
    assert visit(desk).post("/account/login/", fields)["Location"] == "/"


@pytest.mark.parametrize("charset", ["rot13", "undefined", "unicode_escape", "hex"])
def test_a_charset_of_the_senders_choice(desk: Desk, visit: Visit, charset: str) -> None:
    browser = visit(desk, desk.requester)
    answer = browser.generic("GET", "/requests/?state=%5Cud800", content_type=f"text/plain; charset={charset}")
    assert answer.status_code == 200


def test_words_in_a_charset_that_makes_what_nobody_can_store(desk: Desk, visit: Visit) -> None:
    body = b'--B\r\nContent-Disposition: form-data; name="language"\r\n\r\n\\ud800\r\n--B--\r\n'
    kind = "multipart/form-data; boundary=B; charset=unicode_escape"
    assert visit(desk).generic("POST", "/language/", body, content_type=kind).status_code == 302


def test_an_empty_name_of_a_field_in_the_admin(desk: Desk, visit: Visit) -> None:
    page = f"/admin/accounts/person/{desk.requester.pk}/change/?_to_field="
    assert visit(desk, desk.agent).get(page).status_code == 200


def test_a_null_in_an_autocomplete(desk: Desk, visit: Visit) -> None:
    asked = {"app_label": "tickets", "model_name": "comment", "field_name": "ticket", "term": NUL}
    assert visit(desk, desk.agent).get("/admin/autocomplete/", asked).status_code == 200


def test_the_language_changes_where_a_refused_form_stands(desk: Desk, visit: Visit) -> None:
    """Its address takes nothing but POST: the way back is the page that the form was on."""
    with desk.entered():
        ticket = desk.submit()
    page = f"/admin/tickets/ticket/{ticket.pk}/change/"
    browser = visit(desk, desk.agent)
    refused = browser.post(
        f"/admin/tickets/ticket/{ticket.pk}/reply/", {}, headers={"referer": f"http://{desk.host}{page}"}
    )
    assert (refused.status_code, refused.context["back"]) == (422, page)


def test_a_form_sent_twice_keeps_its_file_once(desk: Desk, visit: Visit) -> None:
    browser = visit(desk, desk.requester)
    with desk.entered():
        address = f"/requests/new/{desk.type().pk}/"
    for _ in range(2):
        file = SimpleUploadedFile("plan.txt", b"text")
        browser.post(address, {"summary": "Once", "submission": str(uuid.UUID(int=7)), "files": file})
    with desk.entered():
        assert StoredFile.objects.count() == 1


@pytest.mark.parametrize("role", ["visitor", "requester"])
def test_a_page_that_a_form_cannot_come_from(desk: Desk, visit: Visit, role: str) -> None:
    browser = visit(desk, getattr(desk, role, None))
    answer = browser.post("/account/", {"name": ""}, headers={"referer": "http://["})
    assert answer.status_code == (302 if role == "visitor" else 422)
