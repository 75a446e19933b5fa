"""The portal's pages: filing, reading, answering (B3, B4, B9, B16), and what happens with bad input."""

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conftest import PASSWORD, Desk, Visit, comments_of
from tickets import actions
from tickets.models import Attachment, Ticket
from tickets.workflow import Status


def form(desk: Desk) -> str:
    with desk.entered():
        return f"/requests/new/{desk.type().pk}/"


def file_request(browser: Client, desk: Desk, **fields: Any) -> Any:
    return browser.post(form(desk), {"summary": "Cash desk", "description": "It does not print.", **fields})


def only_ticket(desk: Desk) -> Ticket:
    with desk.entered():
        return Ticket.objects.select_related("requester", "organisation", "request_type").get()


def test_b3_the_catalogue_shows_topics_with_their_types(desk: Desk, visit: Visit) -> None:
    page = visit(desk, desk.requester).get("/requests/new/").content.decode()
    assert all(
        word in page for word in ("Finance", "Cash desk", "Payroll", "Warehouse", "a cash receipt cannot be printed")
    )


def test_b4_a_request_is_filed(desk: Desk, visit: Visit) -> None:
    file_request(visit(desk, desk.requester), desk)
    assert only_ticket(desk).subject == "Cash desk"


def test_b4_it_belongs_to_the_represented_organisation(desk: Desk, visit: Visit) -> None:
    file_request(visit(desk, desk.requester), desk)
    assert only_ticket(desk).organisation == desk.organisation


def test_b4_on_behalf_of_a_colleague(desk: Desk, visit: Visit) -> None:
    file_request(visit(desk, desk.colleague), desk, on_behalf_of=desk.requester.pk)
    assert only_ticket(desk).requester == desk.requester


def test_b4_files_are_attached(desk: Desk, visit: Visit) -> None:
    files = [SimpleUploadedFile("a.txt", b"one"), SimpleUploadedFile("b.txt", b"two")]
    file_request(visit(desk, desk.requester), desk, files=files)
    with desk.entered():
        assert Attachment.objects.count() == 2


def test_k15_the_notice_leads_to_the_request(desk: Desk, visit: Visit) -> None:
    page = visit(desk, desk.requester).post(form(desk), {"summary": "Cash desk"}, follow=True).content.decode()
    assert '<a href="/requests/DESK-1/">DESK-1</a>' in page


def test_b9_the_page_shows_status_reference_and_words(desk: Desk, visit: Visit) -> None:
    browser = visit(desk, desk.requester)
    file_request(browser, desk)
    page = browser.get("/requests/DESK-1/").content.decode()
    assert all(word in page for word in ("DESK-1", "Open", "It does not print.", "Agnes Agent"))


def test_b9_the_newest_entry_is_marked(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.delivered()
    activity = visit(desk, desk.requester).get(f"/requests/{ticket.reference}/").context["activity"]
    assert [entry.latest for entry in activity][-1] is True


def test_b16_the_solution_is_accepted_by_the_button(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.delivered()
    visit(desk, desk.requester).post(f"/requests/{ticket.reference}/do/accept_solution/")
    assert only_ticket(desk).status == Status.INVOICE


def test_b16_or_reopened_with_words(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.delivered()
    visit(desk, desk.requester).post(f"/requests/{ticket.reference}/do/reopen/", {"text": "Still broken."})
    assert only_ticket(desk).status == Status.REOPENED


# ---- bad input: nothing is lost; what is said at each field is in test_bad_input.py ----


def test_an_empty_form_says_what_is_missing_at_the_field(desk: Desk, visit: Visit) -> None:
    answer = visit(desk, desk.requester).post(form(desk), {"summary": "", "description": "typed"})
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["summary"])


def test_what_was_typed_survives_the_refusal(desk: Desk, visit: Visit) -> None:
    answer = visit(desk, desk.requester).post(form(desk), {"summary": "", "description": "my long story"})
    assert "my long story" in answer.content.decode()


def test_a_day_that_has_passed_is_refused(desk: Desk, visit: Visit) -> None:
    assert "due_date" in file_request(visit(desk, desk.requester), desk, due_date="2020-01-01").context["form"].errors


def test_a_line_end_in_the_summary_becomes_a_space(desk: Desk, visit: Visit) -> None:
    file_request(visit(desk, desk.requester), desk, summary="One\r\nBcc: x@example.com")
    assert only_ticket(desk).subject == "One Bcc: x@example.com"


def test_a_form_sent_twice_is_one_request(desk: Desk, visit: Visit) -> None:
    browser = visit(desk, desk.requester)
    number = str(browser.get(form(desk)).context["submission"])
    for _ in range(2):
        file_request(browser, desk, submission=number)
    assert only_ticket(desk).reference == "DESK-1"


def test_a_comment_sent_twice_is_one_comment(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit()
    browser = visit(desk, desk.requester)
    shown = browser.get(f"/requests/{ticket.reference}/").content.decode()
    number = shown.partition('name="submission" value="')[2].partition('"')[0]
    for _ in range(2):
        browser.post(f"/requests/{ticket.reference}/comment/", {"text": "Once.", "submission": number})
    with desk.entered():
        assert comments_of(ticket) == ["Once."]


def test_a_button_clicked_twice_says_so(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.delivered()
    browser = visit(desk, desk.requester)
    browser.post(f"/requests/{ticket.reference}/do/accept_solution/")
    page = browser.post(f"/requests/{ticket.reference}/do/accept_solution/", follow=True).content.decode()
    assert "not possible any more" in page


def test_a_button_that_is_no_longer_allowed_keeps_the_words(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit()
    browser = visit(desk, desk.requester)
    page = browser.post(f"/requests/{ticket.reference}/do/reopen/", {"text": "my words"}, follow=True).content.decode()
    assert "my words" in page


def test_an_expired_session_keeps_a_half_written_comment(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit()
    page = f"/requests/{ticket.reference}/"
    browser = visit(desk)
    answer = browser.post(f"{page}comment/", {"text": "half a"}, headers={"referer": f"http://{desk.host}{page}"})
    browser.post(answer.headers["Location"], {"login": desk.requester.email, "password": PASSWORD, "next": page})
    assert "half a" in browser.get(page).content.decode()


def test_a_missing_token_keeps_the_words_too(desk: Desk) -> None:
    with desk.entered():
        ticket = desk.submit()
    browser = Client(enforce_csrf_checks=True, headers={"host": desk.host})
    with desk.entered():
        browser.force_login(desk.requester.user)
    page = f"/requests/{ticket.reference}/"
    answer = browser.post(f"{page}comment/", {"text": "my words"}, headers={"referer": f"http://{desk.host}{page}"})
    assert (answer.status_code, "my words" in browser.get(page).content.decode()) == (403, True)


def test_a_visitor_cannot_send_large_bodies(desk: Desk, visit: Visit) -> None:
    answer = visit(desk).post("/account/login/", {"login": "x" * (1024 * 1024 + 1)})
    assert answer.status_code == 413


def test_a_made_up_session_cannot_send_large_bodies_either(desk: Desk, visit: Visit) -> None:
    browser = visit(desk)
    browser.cookies["desk_session"] = "x" * 32
    assert browser.post("/account/login/", {"login": "x" * (1024 * 1024 + 1)}).status_code == 413


# ---- lists ----


def test_lists_page_by_keyset(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        for number in range(25):
            desk.submit(subject=f"Number {number}")
    browser = visit(desk, desk.requester)
    first = browser.get("/requests/")
    second = browser.get(first.context["next_url"])
    seen = references(first) + references(second)
    assert (len(seen), len(set(seen))) == (25, 25)


def references(page: Any) -> list[str]:
    return re.findall(r'class="ref">([^<]+)<', page.content.decode())


@pytest.mark.parametrize("cursor", ["x", "%00", "AAAA", "MjAyNi0wMS0wMSAx"])
def test_a_broken_cursor_shows_the_first_page(desk: Desk, visit: Visit, cursor: str) -> None:
    assert visit(desk, desk.requester).get(f"/requests/?after={cursor}").status_code == 200


@pytest.mark.parametrize(("scope", "count"), [("mine", 1), ("organisation", 2)])
def test_mine_and_my_organisations(desk: Desk, visit: Visit, scope: str, count: int) -> None:
    with desk.entered():
        desk.submit()
        desk.submit(by=desk.colleague)
    assert len(references(visit(desk, desk.requester).get(f"/requests/?scope={scope}"))) == count


@pytest.mark.parametrize(("state", "count"), [("open", 2), ("waiting", 1), ("closed", 1), ("all", 3)])
def test_the_filters_by_state(desk: Desk, visit: Visit, state: str, count: int) -> None:
    with desk.entered():
        desk.submit()
        desk.delivered()
        desk.accepted(minutes=0)
    assert len(references(visit(desk, desk.requester).get(f"/requests/?state={state}"))) == count


@pytest.mark.parametrize("page", ["/", "/requests/?state=all", "/requests/?scope=organisation"])
def test_queries_do_not_depend_on_the_rows(desk: Desk, visit: Visit, page: str) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert browser.get(page).status_code == 200
        return len(seen)

    with desk.entered():
        desk.delivered()
    browser = visit(desk, desk.requester)
    browser.get(page)
    one = queries()
    with desk.entered():
        for _ in range(3):
            desk.delivered()
    assert queries() == one


def test_the_request_pages_queries_do_not_depend_on_its_comments(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit()
    browser = visit(desk, desk.requester)

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            browser.get(f"/requests/{ticket.reference}/")
        return len(seen)

    queries()
    bare = queries()
    with desk.entered():
        for _ in range(5):
            actions.comment(ticket, by=desk.agent, text="Hello")
    assert queries() == bare


# ---- what strangers send does not run ----


@pytest.mark.parametrize("field", ["summary", "description"])
def test_markup_in_words_is_shown_as_words(desk: Desk, visit: Visit, field: str) -> None:
    browser = visit(desk, desk.requester)
    file_request(browser, desk, **{field: "<script>alert(1)</script>"})
    assert "<script>alert(1)" not in browser.get("/requests/DESK-1/").content.decode()


def test_a_link_in_a_comment_is_a_link(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit()
        actions.comment(ticket, by=desk.requester, text="See https://example.com/a?b=1 please")
    page = visit(desk, desk.requester).get(f"/requests/{ticket.reference}/").content.decode()
    assert '<a href="https://example.com/a?b=1" rel="nofollow">' in page


def test_a_javascript_address_is_no_link(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit()
        actions.comment(ticket, by=desk.requester, text="javascript:alert(1)")
    assert 'href="javascript' not in visit(desk, desk.requester).get(f"/requests/{ticket.reference}/").content.decode()


def test_the_policy_forbids_inline_script(desk: Desk, visit: Visit) -> None:
    policy = visit(desk).get("/").headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


def test_no_page_may_be_framed(desk: Desk, visit: Visit) -> None:
    assert visit(desk).get("/").headers["X-Frame-Options"] == "DENY"


def test_pages_of_persons_are_not_stored(desk: Desk, visit: Visit) -> None:
    assert "no-store" in visit(desk, desk.requester).get("/requests/").headers["Cache-Control"]


def test_an_unknown_host_gets_a_plain_page(db: None) -> None:
    assert Client(headers={"host": "nowhere.example"}).get("/").status_code == 404
