"""The list of requests: searched, sorted, counted, paged; who asked and who filed it (B4)."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Representation
from conftest import Desk, Visit
from tickets import actions


def references(page: Any) -> list[str]:
    return re.findall(r'class="ref">([^<]+)<', page.content.decode())


def requests(desk: Desk, *subjects: str, **changes: Any) -> list[str]:
    with desk.entered():
        return [desk.submit(subject=subject, **changes).reference for subject in subjects]


# ---- search ----


def test_the_list_shows_what_has_the_words(desk: Desk, visit: Visit) -> None:
    ledger, _ = requests(desk, "The ledger", "The printer")
    assert references(visit(desk, desk.requester).get("/requests/?q=ledg")) == [ledger]


def test_ended_ones_are_found_too(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        actions.cancel(desk.submit(), by=desk.requester, text="No need.")
    assert len(references(visit(desk, desk.requester).get("/requests/?q=printer"))) == 1


def test_and_can_be_left_out(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        actions.cancel(desk.submit(), by=desk.requester, text="No need.")
    assert references(visit(desk, desk.requester).get("/requests/?q=printer&state=open")) == []


@pytest.mark.parametrize("typed", ["DESK-1", "desk-1", "1", "%231"])
def test_a_reference_or_a_number_comes_first(desk: Desk, visit: Visit, typed: str) -> None:
    first, _ = requests(desk, "The printer", "Page 1 of the ledger")
    assert references(visit(desk, desk.requester).get(f"/requests/?q={typed}"))[0] == first


def test_a_reference_is_found_from_another_list(desk: Desk, visit: Visit) -> None:
    (reference,) = requests(desk, "The printer", by=desk.colleague)
    assert references(visit(desk, desk.requester).get(f"/requests/?q={reference}&scope=mine")) == [reference]


def test_a_strangers_reference_finds_nothing(desk: Desk, visit: Visit) -> None:
    (reference,) = requests(desk, "The printer")
    page = visit(desk, desk.stranger).get(f"/requests/?q={reference}&scope=organisation")
    assert references(page) == []


def test_words_of_others_find_nothing(desk: Desk, rival: Desk, visit: Visit) -> None:
    requests(desk, "The ledger")
    for browser in (visit(desk, desk.stranger), visit(rival, rival.requester)):
        for scope in ("mine", "organisation", "shared"):
            page = browser.get(f"/requests/?q=ledger&scope={scope}").content.decode()
            assert "The ledger" not in page


def test_a_slip_shows_what_was_meant_and_says_so(desk: Desk, visit: Visit) -> None:
    (reference,) = requests(desk, "The ledger")
    page = visit(desk, desk.requester).get("/requests/?q=legder")
    assert references(page) == [reference]
    assert "No request has “legder”. Shown is what has “ledger”." in page.content.decode()


def test_nothing_found_offers_ways_out(desk: Desk, visit: Visit) -> None:
    requests(desk, "The printer", by=desk.colleague)
    page = visit(desk, desk.requester).get("/requests/?q=ledger&scope=mine").content.decode()
    assert all(words in page for words in ("No request has “ledger”", "Clear the search", "Look in all of the org"))


def test_nothing_found_in_a_state_leads_to_the_others(desk: Desk, visit: Visit) -> None:
    requests(desk, "The ledger")
    assert "Look in all states" in visit(desk, desk.requester).get("/requests/?q=ledger&state=closed").content.decode()


def test_the_counts_are_of_what_was_found(desk: Desk, visit: Visit) -> None:
    requests(desk, "The ledger", "The printer")
    with desk.entered():
        actions.cancel(desk.submit(subject="Old ledger"), by=desk.requester, text="No need.")
    filters = visit(desk, desk.requester).get("/requests/?q=ledger").context["filters"]
    assert [one["count"] for one in filters] == ["1", "0", "1", "2"]


def test_who_cannot_see_it_hears_how_many_there_are(desk: Desk, visit: Visit) -> None:
    requests(desk, "The ledger", "Another ledger")
    assert 'data-count="2 requests"' in visit(desk, desk.requester).get("/requests/?q=ledger").content.decode()


def test_many_finds_are_paged(desk: Desk, visit: Visit) -> None:
    requests(desk, *[f"Ledger {n}" for n in range(25)])
    browser = visit(desk, desk.requester)
    first = browser.get("/requests/?q=ledger")
    second = browser.get(first.context["next_url"])
    assert len(set(references(first) + references(second))) == 25


def test_more_than_are_looked_for_says_so(desk: Desk, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tickets.search.FOUND_AT_MOST", 2)
    requests(desk, "Ledger", "Ledger")
    assert "Only the newest are shown" in visit(desk, desk.requester).get("/requests/?q=ledger").content.decode()


@pytest.mark.parametrize("typed", ["%00", "%27", "%3Cscript%3Ealert(1)%3C/script%3E", "%E2%80%AE", "x" * 5000, "%5C"])
def test_whatever_is_typed_has_an_answer(desk: Desk, visit: Visit, typed: str) -> None:
    requests(desk, "The printer")
    page = visit(desk, desk.requester).get(f"/requests/?q={typed}")
    assert (page.status_code, "<script>alert" in page.content.decode()) == (200, False)


# ---- order ----


@pytest.mark.parametrize(
    ("sort", "order"),
    [("", [0, 2, 1]), ("activity", [0, 2, 1]), ("newest", [2, 1, 0]), ("oldest", [0, 1, 2]), ("order", [1, 0, 2])],
)
@pytest.mark.parametrize("more", ["", "&q=printer"])
def test_the_orders(desk: Desk, visit: Visit, sort: str, order: list[int], more: str) -> None:
    with desk.entered():
        tickets = [desk.submit() for _ in range(3)]
        actions.comment(tickets[0], by=desk.requester, text="Still.")
        a, b, c = (ticket.pk for ticket in tickets)
        actions.set_order(desk.organisation, order=[b, a, c], by=desk.colleague)
    page = visit(desk, desk.requester).get(f"/requests/?state=open&sort={sort}{more}")
    assert references(page) == [tickets[n].reference for n in order]


@pytest.mark.parametrize("sort", ["activity", "newest", "oldest", "order"])
@pytest.mark.parametrize("state", ["open", "all"])
def test_each_order_pages_by_its_own_cursor(desk: Desk, visit: Visit, sort: str, state: str) -> None:
    requests(desk, *[f"Number {n}" for n in range(25)])
    browser = visit(desk, desk.requester)
    first = browser.get(f"/requests/?sort={sort}&state={state}")
    second = browser.get(first.context["next_url"])
    assert len(set(references(first) + references(second))) == 25


def test_the_order_of_handling_is_offered_for_living_ones_only(desk: Desk, visit: Visit) -> None:
    sorts = visit(desk, desk.requester).get("/requests/?state=closed").context["sorts"]
    assert [one["key"] for one in sorts] == ["activity", "newest", "oldest"]


@pytest.mark.parametrize("sort", ["requester__user__password", "-id", "subject", "%00"])
def test_no_other_order_can_be_asked_for(desk: Desk, visit: Visit, sort: str) -> None:
    ledger, printer = requests(desk, "The ledger", "The printer")
    assert references(visit(desk, desk.requester).get(f"/requests/?sort={sort}")) == [printer, ledger]


@pytest.mark.parametrize("sort", ["newest", "oldest", "order"])
@pytest.mark.parametrize(
    "cursor", ["x", "%00", "AAAA", "MjAyNi0wMS0wMSAx", "MSAw", "LTEgMQ==", "OTk5OTk5OTk5OTk5OTk5OTk5OTkgMQ=="]
)
def test_a_broken_cursor_shows_the_first_page(desk: Desk, visit: Visit, sort: str, cursor: str) -> None:
    (reference,) = requests(desk, "The ledger")
    assert references(visit(desk, desk.requester).get(f"/requests/?sort={sort}&after={cursor}")) == [reference]


def test_the_plain_list_asks_as_little_as_before(desk: Desk, visit: Visit) -> None:
    requests(desk, "The ledger")
    browser = visit(desk, desk.requester)
    browser.get("/requests/")
    with CaptureQueriesContext(connection) as seen:
        browser.get("/requests/")
    # Person, tickets, counts; entering the desk comes on top.
    asked = [query["sql"] for query in seen if not any(word in query["sql"] for word in ("SAVEPOINT", "set_config"))]
    assert len(asked) == 3


def test_a_search_asks_as_much_for_one_as_for_many(desk: Desk, visit: Visit) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            browser.get("/requests/?q=ledger")
        return len(seen)

    requests(desk, "The ledger")
    browser = visit(desk, desk.requester)
    queries()
    one = queries()
    requests(desk, "The ledger", "A ledger", "Ledgers")
    assert queries() == one


# ---- on behalf of a colleague (B4) ----


def filed_for_requester(desk: Desk) -> str:
    (reference,) = requests(desk, "The ledger", by=desk.colleague, requester=desk.requester)
    return reference


def test_b4_it_stands_in_the_list_of_whom_it_was_filed_for(desk: Desk, visit: Visit) -> None:
    reference = filed_for_requester(desk)
    page = visit(desk, desk.requester).get("/requests/?scope=mine")
    assert references(page) == [reference]
    assert "Rita Requester, filed by Colin Colleague" in page.content.decode()


@pytest.mark.parametrize("several", [True, False])
def test_b6_what_waits_at_home_says_for_which_organisation(desk: Desk, visit: Visit, several: bool) -> None:
    """Who represents several sees what waits for them from all of them; who represents one knows which."""
    with desk.entered():
        if several:
            Representation.objects.create(person=desk.requester, organisation=desk.other_organisation)
        actions.request_information(desk.submit(), by=desk.agent, text="Which month?")
    page = visit(desk, desk.requester).get("/").content.decode()
    waiting = page[page.index('id="waiting-title"') : page.index('id="recent-title"')]
    assert (f"<span>{desk.organisation}</span>" in waiting) is several


def test_b4_who_filed_it_finds_it_in_the_organisations_list(desk: Desk, visit: Visit) -> None:
    filed_for_requester(desk)
    browser = visit(desk, desk.colleague)
    assert references(browser.get("/requests/?scope=mine")) == []
    assert "You filed it for Rita Requester" in browser.get("/requests/?scope=organisation").content.decode()


def test_b4_the_notice_says_where_it_stands(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        address = f"/requests/new/{desk.type().pk}/"
    sent = {"summary": "Cash desk", "description": "", "on_behalf_of": desk.requester.pk}
    page = visit(desk, desk.colleague).post(address, sent, follow=True).content.decode()
    assert "You filed it for Rita Requester: it stands in the list of Rye Bread Ltd, not in yours." in page


def test_b4_what_one_filed_for_oneself_says_nothing_of_it(desk: Desk, visit: Visit) -> None:
    requests(desk, "The ledger")
    page = visit(desk, desk.requester).get("/requests/").content.decode()
    assert "filed" not in page


def test_the_name_of_who_left_the_organisation_is_still_told(desk: Desk, visit: Visit) -> None:
    filed_for_requester(desk)
    with desk.entered():
        Representation.objects.filter(person=desk.colleague).delete()
    assert "filed by Colin Colleague" in visit(desk, desk.requester).get("/requests/").content.decode()


# ---- who is waited for ----


def test_a_colleagues_question_does_not_wait_for_me(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit()
        actions.request_information(ticket, by=desk.agent, text="Which one?")
    own, others = (
        visit(desk, who).get("/requests/?scope=organisation").content.decode()
        for who in (desk.requester, desk.colleague)
    )
    assert ['data-status="waits"' in page for page in (own, others)] == [True, False]


def test_an_estimate_waits_for_its_approver(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        desk.estimated()
    page = visit(desk, desk.approver).get("/requests/?scope=organisation").content.decode()
    assert 'data-status="waits"' in page
