"""The open page of a request: it asks whether something is new, and gets its own parts again when something is."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.hosts import forget_hosts
from accounts.models import Contract, Person, Representation
from conftest import Desk, Visit
from tickets import actions
from tickets.models import Comment, Participant, Ticket
from tickets.tests.steps import fixed, fresh
from tickets.trail import UNSEEN


def version_in(html: str) -> str:
    found = re.search(r'data-version="(\w+)"', html)
    assert found
    return found.group(1)


def opened(browser: Any, ticket: Ticket) -> str:
    """The version that a page shows as it is opened."""
    return version_in(browser.get(f"/requests/{ticket.reference}/").content.decode())


def asked(browser: Any, ticket: Ticket, since: str = "") -> Any:
    return browser.get(f"/requests/{ticket.reference}/news/", {"since": since})


def parts(html: str) -> dict[str, str]:
    """The digests of what a page shows, by the part."""
    return dict(re.findall(r'id="([\w-]+)" data-part="(\w+)"', html))


def changed(before: str, after: str) -> set[str]:
    """Which parts an open page takes over."""
    old, new = parts(before), parts(after)
    return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}


# ---- nothing is new ----


def test_b9_what_nobody_touched_answers_nothing(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.delivered()
    browser = visit(desk, desk.requester)
    answer = asked(browser, ticket, opened(browser, ticket))
    assert (answer.status_code, answer.content) == (204, b"")


def test_to_ask_costs_one_query_beside_the_session(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.estimated()
    browser = visit(desk, desk.requester)
    since = opened(browser, ticket)
    with CaptureQueriesContext(connection) as seen:
        assert asked(browser, ticket, since).status_code == 204
    about = [query["sql"] for query in seen if "tickets_" in query["sql"]]
    assert (len(about), [sql for sql in about if "accounts_session" in sql]) == (1, [])


def test_notes_among_colleagues_are_no_news_to_the_customer(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.started()
    browser = visit(desk, desk.requester)
    since = opened(browser, ticket)
    with desk.entered():
        files = [SimpleUploadedFile("inner.txt", b"inner")]
        actions.comment(ticket, by=desk.agent, text="He is cross.", is_internal=True, files=files)
        actions.record_time(fresh(ticket), by=desk.agent, minutes=5, description="Looked")
        Ticket.objects.update(priority=4)
    assert asked(browser, ticket, since).status_code == 204


def test_what_is_never_shown_are_columns_of_a_ticket() -> None:
    columns = {field.attname for field in Ticket._meta.concrete_fields}
    assert set(UNSEEN) - columns == set()


# ---- something is ----


def comment(desk: Desk, ticket: Ticket) -> None:
    actions.comment(ticket, by=desk.agent, text="We looked.")


def file_alone(desk: Desk, ticket: Ticket) -> None:
    actions.comment(ticket, by=desk.colleague, text="", files=[SimpleUploadedFile("a.txt", b"one")])


def invite(desk: Desk, ticket: Ticket) -> None:
    actions.add_participant(ticket, by=desk.requester, address="new@else.example")


def estimate(desk: Desk, ticket: Ticket) -> None:
    desk.estimated(ticket)


def question(desk: Desk, ticket: Ticket) -> None:
    actions.request_information(ticket, by=desk.agent, text="Which one?")


def hand_on(desk: Desk, ticket: Ticket) -> None:
    actions.assign(ticket, by=desk.agent, to=desk.manager)


def new_colleague(desk: Desk, ticket: Ticket) -> None:
    desk.reader()


def right_taken(desk: Desk, ticket: Ticket) -> None:
    Representation.objects.filter(person=desk.requester).update(may_approve=True)


def new_name(desk: Desk, ticket: Ticket) -> None:
    Person.objects.filter(pk=desk.agent.pk).update(name="Agnes Married")


def muted(desk: Desk, ticket: Ticket) -> None:
    actions.attend(ticket, by=desk.requester, choice="muted")


def proved(desk: Desk, ticket: Ticket) -> None:
    Comment.objects.update(is_verified=False)


@pytest.mark.parametrize(
    ("deed", "news"),
    [
        # The entry before is the newest no more.
        (comment, {"comment-*"}),
        (file_alone, {"comment-*"}),
        (invite, {"event-*", "comment-*", "people", "who-reads"}),
        (estimate, {"event-*", "comment-*", "request-head", "stage", "decide", "more"}),
        (question, {"comment-*", "event-*", "request-head", "stage", "decide", "facts", "more", "phone-bar"}),
        (hand_on, {"people"}),
        (new_colleague, {"who-reads"}),
        (right_taken, set()),
        (new_name, {"people", "event-*", "comment-*"}),
        (muted, {"people"}),
        (proved, {"comment-*"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_b9_what_is_shown_differently_is_news(
    desk: Desk, visit: Visit, deed: Callable[[Desk, Ticket], None], news: set[str]
) -> None:
    with desk.entered():
        ticket = actions.start_work(desk.submit(), by=desk.agent, expected_minutes=20)
        actions.comment(ticket, by=desk.agent, text="We begin.")
    browser = visit(desk, desk.requester)
    before = browser.get(f"/requests/{ticket.reference}/").content.decode()
    with desk.entered():
        deed(desk, fresh(ticket))
    answer = asked(browser, ticket, version_in(before))
    seen = {re.sub(r"-\d+$", "-*", name) for name in changed(before, answer.content.decode())}
    assert (answer.status_code, seen) == (200, news)


def test_a_new_version_of_the_estimate_is_news(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.estimated()
    browser = visit(desk, desk.approver)
    since = opened(browser, ticket)
    with desk.entered():
        desk.estimated(fresh(ticket), lines=[fixed("10.00")])
    assert "10.00" in asked(browser, ticket, since).content.decode()


def test_an_accepted_estimate_is_news_to_who_may_only_read(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket, reader = desk.estimated(), desk.reader()
    browser = visit(desk, reader)
    since = opened(browser, ticket)
    with desk.entered():
        desk.agreed(fresh(ticket))
    assert "What was accepted" in asked(browser, ticket, since).content.decode()


def test_time_is_news_where_the_contract_shows_it(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.started()
        contract = Contract.objects.create(
            organisation=desk.organisation, number="1", starts_on=desk.tenant.today, shows_time=True
        )
        Ticket.objects.update(contract=contract)
    browser = visit(desk, desk.requester)
    since = opened(browser, ticket)
    with desk.entered():
        actions.record_time(fresh(ticket), by=desk.agent, minutes=80, description="Analysis")
    assert "1 h 20 min" in asked(browser, ticket, since).content.decode()


def test_what_the_news_bring_is_what_the_page_shows(desk: Desk, visit: Visit) -> None:
    """An open page and one that is opened now show the same."""
    with desk.entered():
        ticket = desk.estimated()
    browser = visit(desk, desk.approver)
    page = browser.get(f"/requests/{ticket.reference}/").content.decode()
    assert (parts(page), version_in(page)) == (
        parts(asked(browser, ticket).content.decode()),
        version_in(asked(browser, ticket).content.decode()),
    )


def test_the_news_say_whose_words_came(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.started()
        comment(desk, ticket)
    shown = asked(visit(desk, desk.requester), ticket).content.decode()
    assert 'data-said="New comment from Agnes Agent."' in shown


def test_ones_own_words_are_not_announced(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.started()
        actions.comment(ticket, by=desk.requester, text="Mine.")
    assert "New comment from" not in asked(visit(desk, desk.requester), ticket).content.decode()


# ---- who gets none ----


def test_an_outsider_gets_nothing(desk: Desk, rival: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.delivered()
    asking = [(desk, desk.stranger), (rival, rival.agent), (rival, rival.requester)]
    assert {asked(visit(*who), ticket).status_code for who in asking} == {404}


def test_who_was_removed_gets_nothing_any_more(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit()
        guest = desk.guest(ticket)
    browser = visit(desk, guest)
    since = opened(browser, ticket)
    with desk.entered():
        actions.remove_participant(ticket, by=desk.requester, person=guest)
    assert asked(browser, ticket, since).status_code == 404


def test_who_logged_out_is_led_to_the_log_in(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit()
    browser = visit(desk, desk.requester)
    since = opened(browser, ticket)
    browser.logout()
    assert asked(browser, ticket, since).status_code == 302


@pytest.mark.parametrize("path", ["", "news/", "news/?since=%00"])
@pytest.mark.parametrize("reference", ["DESK-%00", "DESK-99999999999999999999", "'"])
def test_a_reference_that_cannot_be_one_is_not_found(desk: Desk, visit: Visit, path: str, reference: str) -> None:
    assert visit(desk, desk.requester).get(f"/requests/{reference}/{path}").status_code == 404


# ---- parts that are remembered ----


def test_each_reader_gets_their_own_token_and_number(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.delivered()
    browser = visit(desk, desk.requester)
    first, second = (browser.get(f"/requests/{ticket.reference}/").content.decode() for _ in range(2))
    numbers = [re.findall(r'name="submission" value="([\w-]{36})"', page) for page in (first, second)]
    assert (len(numbers[0]), numbers[0] != numbers[1], "[once]" in first) == (1, True, False)


def test_words_that_look_like_the_place_of_a_token_stay_words(desk: Desk, visit: Visit) -> None:
    trick = 'name="csrfmiddlewaretoken" value="[once]" data-part=""'
    with desk.entered():
        ticket = desk.submit(description=trick, order_number="[once]")
        actions.comment(ticket, by=desk.colleague, text=trick)
    shown = visit(desk, desk.requester).get(f"/requests/{ticket.reference}/").content.decode()
    escaped = "name=&quot;csrfmiddlewaretoken&quot; value=&quot;[once]&quot; data-part=&quot;&quot;"
    assert shown.count(escaped) == 2


def test_two_readers_of_one_request_see_their_own_words_as_theirs(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit()
        actions.comment(ticket, by=desk.requester, text="Mine.")
    path = f"/requests/{ticket.reference}/"
    own, other = (visit(desk, who).get(path).content.decode() for who in (desk.requester, desk.colleague))
    assert ("(you)" in own, "(you)" in other) == (True, False)


# ---- a fixed number of queries ----


def queries(browser: Any, ticket: Ticket) -> tuple[int, int]:
    """All, and those about the request."""
    forget_hosts()  # what is remembered for seconds is remembered now, and not forgotten between the two
    browser.get(f"/requests/{ticket.reference}/")
    with CaptureQueriesContext(connection) as seen:
        assert browser.get(f"/requests/{ticket.reference}/").status_code == 200
    return len(seen), sum("tickets_" in query["sql"] for query in seen)


def test_a_hundred_of_everything_cost_no_query_more_than_one(desk: Desk, visit: Visit) -> None:
    def more(number: int) -> None:
        file = SimpleUploadedFile(f"{number}.txt", b"one")
        actions.comment(ticket, by=desk.colleague, text=f"Number {number}.", files=[file])
        guest = desk.joins(f"g{number} Guest")
        Participant.objects.create(ticket=ticket, person=guest)
        desk.joins(f"p{number} Colleague")
        Representation.objects.create(
            person=Person.objects.get(email__startswith=f"p{number}@"), organisation=desk.organisation
        )

    with desk.entered():
        ticket = desk.started()
        more(0)
    browser = visit(desk, desk.requester)
    one = queries(browser, ticket)
    with desk.entered():
        for number in range(1, 100):
            more(number)
    # The ticket, and one for all that hangs on it.
    assert (queries(browser, ticket), one[1]) == (one, 2)
