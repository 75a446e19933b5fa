"""News inside the product: the list, what is unread, and what reads it."""

from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import actions as accounts_actions
from accounts.models import Person
from conftest import Desk, Visit
from notifications.models import Notice
from notifications.views import COUNT_STOPS, PAGE
from tickets import actions


def noticed(desk: Desk, person: Person, number: int = 1, **values: Any) -> list[Notice]:
    with desk.entered():
        rows = [
            Notice(
                **{
                    "person": person,
                    "kind": "ticket.trial",
                    "text": f"News {n}",
                    "route": "request",
                    "key": f"DESK-{n}",
                    **values,
                }
            )
            for n in range(1, number + 1)
        ]
        return Notice.objects.bulk_create(rows)


def unread(desk: Desk, person: Person) -> int:
    with desk.entered():
        return Notice.objects.visible_to(person).unread().count()


def listed(browser: Client, address: str = "/notices/") -> list[str]:
    return [row.text for row in browser.get(address).context["notices"]]


def opened(browser: Client, page: str) -> Any:
    """What the script of a page does when it is opened."""
    return browser.post("/notices/read/", {"page": page})


# ---- the list ----


def test_the_newest_stands_first(desk: Desk, visit: Visit) -> None:
    noticed(desk, desk.requester, 3)
    assert listed(visit(desk, desk.requester)) == ["News 3", "News 2", "News 1"]


@pytest.mark.parametrize("role", ["colleague", "agent", "manager"])
def test_a_notice_is_for_its_person_alone(desk: Desk, visit: Visit, role: str) -> None:
    noticed(desk, desk.requester)
    assert listed(visit(desk, getattr(desk, role))) == []


def test_another_desks_notices_are_not_there(desk: Desk, rival: Desk, visit: Visit) -> None:
    noticed(rival, rival.requester)
    assert listed(visit(desk, desk.requester)) == []


def test_pages_follow_each_other_without_a_gap_or_a_double(desk: Desk, visit: Visit) -> None:
    noticed(desk, desk.requester, PAGE + 3)
    browser = visit(desk, desk.requester)
    first = browser.get("/notices/")
    texts = [row.text for row in first.context["notices"]] + listed(browser, first.context["next_url"])
    assert texts == [f"News {n}" for n in range(PAGE + 3, 0, -1)]


def test_the_last_page_leads_nowhere_further(desk: Desk, visit: Visit) -> None:
    noticed(desk, desk.requester, PAGE)
    assert visit(desk, desk.requester).get("/notices/").context["next_url"] is None


@pytest.mark.parametrize("after", ["x", "-1", "²", "9" * 19, "9" * 30, "\0"])
def test_an_unreadable_cursor_gives_the_first_page(desk: Desk, visit: Visit, after: str) -> None:
    noticed(desk, desk.requester)
    assert visit(desk, desk.requester).get("/notices/", {"after": after}).status_code == 200


@pytest.mark.parametrize("number", [1, 12])
def test_the_list_costs_the_same_however_long_it_is(desk: Desk, visit: Visit, number: int) -> None:
    noticed(desk, desk.requester, number)
    browser = visit(desk, desk.requester)
    browser.get("/notices/")
    with CaptureQueriesContext(connection) as queries:
        browser.get("/notices/")
    about_notices = [query["sql"] for query in queries if "notifications_notice" in query["sql"]]
    assert len(about_notices) == 1


def test_a_row_leads_to_its_page(desk: Desk, visit: Visit) -> None:
    noticed(desk, desk.requester)
    assert b'href="/requests/DESK-1/"' in visit(desk, desk.requester).get("/notices/").content


def test_an_agents_row_leads_to_the_ticket(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit()
    assert (
        f'href="/admin/tickets/ticket/{ticket.pk}/change/"' in visit(desk, desk.agent).get("/notices/").content.decode()
    )


def test_a_notice_whose_page_is_no_more_is_still_read(desk: Desk, visit: Visit) -> None:
    noticed(desk, desk.requester, route="page-of-an-old-version")
    page = visit(desk, desk.requester).get("/notices/")
    assert (page.context["notices"][0].url, b"News 1" in page.content) == ("", True)


def test_what_a_notice_says_is_escaped(desk: Desk, visit: Visit) -> None:
    noticed(desk, desk.requester, text="<b>News</b>")
    assert b"&lt;b&gt;News&lt;/b&gt;" in visit(desk, desk.requester).get("/notices/").content


def test_an_empty_list_says_so(desk: Desk, visit: Visit) -> None:
    assert b"Nothing new" in visit(desk, desk.stranger).get("/notices/").content


# ---- reading ----


def test_looking_at_the_list_reads_nothing(desk: Desk, visit: Visit) -> None:
    noticed(desk, desk.requester)
    visit(desk, desk.requester).get("/notices/")
    assert unread(desk, desk.requester) == 1


def test_getting_the_page_of_a_notice_reads_nothing(desk: Desk, visit: Visit) -> None:
    """A mail scanner or a prefetch must not: only the script of an opened page does, by a POST."""
    with desk.entered():
        actions.comment(desk.submit(), by=desk.agent, text="Hello")
    before = unread(desk, desk.requester)
    visit(desk, desk.requester).get("/requests/DESK-1/")
    assert (before, unread(desk, desk.requester)) == (2, 2)


def test_reading_by_address_changes_nothing(desk: Desk, visit: Visit) -> None:
    noticed(desk, desk.requester)
    assert visit(desk, desk.requester).get("/notices/read/", {"all": "99"}).status_code == 405
    assert unread(desk, desk.requester) == 1


def test_reading_needs_the_pages_token(desk: Desk) -> None:
    browser = Client(headers={"host": desk.host}, enforce_csrf_checks=True)
    with desk.entered():
        browser.force_login(desk.requester.user)
    noticed(desk, desk.requester)
    assert (browser.post("/notices/read/", {"all": "99"}).status_code, unread(desk, desk.requester)) == (403, 1)


def test_a_row_is_marked_by_its_own_button(desk: Desk, visit: Visit) -> None:
    first, _ = noticed(desk, desk.requester, 2)
    visit(desk, desk.requester).post("/notices/read/", {"id": first.pk})
    with desk.entered():
        assert [row.read_at is None for row in Notice.objects.order_by("id")] == [False, True]


def test_the_moment_of_the_first_reading_stays(desk: Desk, visit: Visit) -> None:
    (notice,) = noticed(desk, desk.requester)
    browser = visit(desk, desk.requester)
    browser.post("/notices/read/", {"id": notice.pk})
    with desk.entered():
        before = Notice.objects.get().read_at
    browser.post("/notices/read/", {"id": notice.pk})
    with desk.entered():
        assert Notice.objects.get().read_at == before


@pytest.mark.parametrize("value", ["", "x", "0", "-1", "9" * 25])
def test_no_such_row_is_not_found(desk: Desk, visit: Visit, value: str) -> None:
    assert visit(desk, desk.requester).post("/notices/read/", {"id": value}).status_code == 404


def test_nobody_marks_another_persons_notice(desk: Desk, visit: Visit) -> None:
    (notice,) = noticed(desk, desk.requester)
    answer = visit(desk, desk.manager).post("/notices/read/", {"id": notice.pk})
    assert (answer.status_code, unread(desk, desk.requester)) == (404, 1)


def test_all_are_marked_at_once(desk: Desk, visit: Visit) -> None:
    rows = noticed(desk, desk.requester, 3)
    visit(desk, desk.requester).post("/notices/read/", {"all": rows[-1].pk})
    assert unread(desk, desk.requester) == 0


def test_marking_all_is_of_ones_own(desk: Desk, visit: Visit) -> None:
    noticed(desk, desk.colleague)
    rows = noticed(desk, desk.requester)
    visit(desk, desk.requester).post("/notices/read/", {"all": rows[-1].pk + 10})
    assert unread(desk, desk.colleague) == 1


def test_what_came_in_after_the_page_was_shown_stays_unread(desk: Desk, visit: Visit) -> None:
    browser = visit(desk, desk.requester)
    noticed(desk, desk.requester, 2)
    newest = browser.get("/notices/").context["newest"]
    noticed(desk, desk.requester)
    browser.post("/notices/read/", {"all": newest})
    assert unread(desk, desk.requester) == 1


def test_marking_comes_back_to_the_page_of_the_list(desk: Desk, visit: Visit) -> None:
    (notice,) = noticed(desk, desk.requester)
    answer = visit(desk, desk.requester).post("/notices/read/", {"id": notice.pk, "at": "77"})
    assert answer["Location"] == "/notices/?after=77"


def test_marking_leads_nowhere_else(desk: Desk, visit: Visit) -> None:
    (notice,) = noticed(desk, desk.requester)
    answer = visit(desk, desk.requester).post("/notices/read/", {"id": notice.pk, "at": "//evil.example/"})
    assert answer["Location"] == "/notices/"


# ---- opening what a notice leads to ----


def test_opening_a_request_reads_what_is_told_about_it(desk: Desk, visit: Visit) -> None:
    noticed(desk, desk.requester, 2)
    opened(visit(desk, desk.requester), "/requests/DESK-2/")
    with desk.entered():
        assert [row.key for row in Notice.objects.unread()] == ["DESK-1"]


def test_opening_a_ticket_reads_what_is_told_about_it(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit()
    before = unread(desk, desk.agent)
    opened(visit(desk, desk.agent), f"/admin/tickets/ticket/{ticket.pk}/change/")
    assert (before, unread(desk, desk.agent)) == (1, 0)


def test_the_same_number_of_another_kind_of_page_is_not_meant(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit()
    opened(visit(desk, desk.agent), f"/admin/accounts/person/{ticket.pk}/change/")
    assert unread(desk, desk.agent) == 1


def test_opening_reads_nobody_elses(desk: Desk, visit: Visit) -> None:
    noticed(desk, desk.requester)
    opened(visit(desk, desk.colleague), "/requests/DESK-1/")
    assert unread(desk, desk.requester) == 1


@pytest.mark.parametrize("page", ["", "/", "/nowhere/", "https://evil.example/requests/DESK-1/", "/requests/\0/"])
def test_a_page_that_no_notice_leads_to_reads_nothing(desk: Desk, visit: Visit, page: str) -> None:
    noticed(desk, desk.requester)
    assert (opened(visit(desk, desk.requester), page).status_code, unread(desk, desk.requester)) == (200, 1)


def test_opening_answers_with_what_is_left(desk: Desk, visit: Visit) -> None:
    noticed(desk, desk.requester, 2)
    assert opened(visit(desk, desk.requester), "/requests/DESK-2/").json()["shown"] == "1"


# ---- the bell ----


def bell(browser: Client) -> dict[str, str]:
    answer: dict[str, str] = browser.get("/notices/unread/").json()
    return answer


def test_the_bell_counts_what_is_unread(desk: Desk, visit: Visit) -> None:
    noticed(desk, desk.requester, 2)
    assert bell(visit(desk, desk.requester)) == {"shown": "2", "said": "2 unread"}


def test_without_news_the_bell_is_silent(desk: Desk, visit: Visit) -> None:
    assert bell(visit(desk, desk.requester)) == {"shown": "", "said": ""}


@pytest.mark.parametrize(("number", "shown"), [(COUNT_STOPS - 1, "99"), (COUNT_STOPS, "99+"), (250, "99+")])
def test_the_bell_stops_counting(desk: Desk, visit: Visit, number: int, shown: str) -> None:
    noticed(desk, desk.requester, number)
    assert bell(visit(desk, desk.requester))["shown"] == shown


def test_the_bells_number_is_never_kept(desk: Desk, visit: Visit) -> None:
    assert "no-store" in visit(desk, desk.requester).get("/notices/unread/").headers["Cache-Control"]


def test_the_bell_asks_one_question_about_notices(desk: Desk, visit: Visit) -> None:
    noticed(desk, desk.requester, 5)
    browser = visit(desk, desk.requester)
    with CaptureQueriesContext(connection) as queries:
        bell(browser)
    assert sum("notifications_notice" in query["sql"] for query in queries) == 1


@pytest.mark.parametrize(
    ("role", "address"),
    [("requester", "/"), ("requester", "/requests/"), ("agent", "/admin/"), ("agent", "/requests/")],
)
def test_a_page_with_a_bell_asks_nothing_about_notices(desk: Desk, visit: Visit, role: str, address: str) -> None:
    browser = visit(desk, getattr(desk, role))
    with CaptureQueriesContext(connection) as queries:
        page = browser.get(address).content.decode()
    asked = [query["sql"] for query in queries if "notifications_notice" in query["sql"]]
    assert ('href="/notices/"' in page, asked) == (True, [])


def test_a_visitor_has_no_bell(desk: Desk, visit: Visit) -> None:
    assert b"/notices/" not in visit(desk).get("/").content


@pytest.mark.parametrize(
    ("role", "address", "reads"),
    [
        ("requester", "/requests/DESK-1/", True),
        ("requester", "/requests/", False),
        ("agent", "/admin/tickets/ticket/{}/change/", True),
        ("agent", "/admin/tickets/ticket/", False),
    ],
)
def test_only_pages_that_notices_lead_to_read_them(
    desk: Desk, visit: Visit, role: str, address: str, reads: bool
) -> None:
    with desk.entered():
        ticket = desk.submit()
    page = visit(desk, getattr(desk, role)).get(address.format(ticket.pk)).content.decode()
    assert ("data-bell-read" in page) is reads


# ---- where they come from ----


def test_a_letter_about_access_leaves_no_notice(desk: Desk) -> None:
    """Its link is a key: it goes to the account's address and stands nowhere else."""
    with desk.entered():
        accounts_actions.request_reset(desk.requester.user.email)
        assert not Notice.objects.exists()


def test_a_rolled_back_verb_tells_nobody(inside: Desk) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():  # noqa: PT012
        inside.submit()
        raise ZeroDivisionError
    assert not Notice.objects.exists()


def test_an_inactive_person_has_no_notices(inside: Desk) -> None:
    noticed(inside, inside.requester)
    inside.requester.is_active = False
    assert not Notice.objects.visible_to(inside.requester).exists()
