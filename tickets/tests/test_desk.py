"""The agents' ticket page and queue: reply, note, verbs, time, details — all by POST, all through the verbs."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conftest import Desk, Visit, comments_of, person
from tickets import actions
from tickets.models import Comment, Ticket, TimeEntry
from tickets.workflow import Status


def submitted(desk: Desk) -> Ticket:
    with desk.entered():
        return desk.submit()


def post(visit: Visit, desk: Desk, ticket: Ticket, what: str, **fields: Any) -> Any:
    return visit(desk, desk.agent).post(f"/admin/tickets/ticket/{ticket.pk}/{what}/", fields)


def fresh(desk: Desk, ticket: Ticket) -> Ticket:
    with desk.entered():
        return Ticket.objects.select_related("assignee", "organisation").get(pk=ticket.pk)


def test_a_reply_is_public(desk: Desk, visit: Visit) -> None:
    ticket = submitted(desk)
    post(visit, desk, ticket, "reply", text="We look at it.")
    with desk.entered():
        assert not Comment.objects.get(ticket=ticket).is_internal


def test_a_note_is_internal(desk: Desk, visit: Visit) -> None:
    ticket = submitted(desk)
    post(visit, desk, ticket, "note", text="Again him.")
    with desk.entered():
        assert Comment.objects.get(ticket=ticket).is_internal


def test_an_empty_reply_is_refused_and_nothing_sent(desk: Desk, visit: Visit) -> None:
    ticket = submitted(desk)
    answer = post(visit, desk, ticket, "reply", text="")
    with desk.entered():
        assert (answer.status_code, comments_of(ticket)) == (422, [])


def test_work_starts_with_its_minutes(desk: Desk, visit: Visit) -> None:
    ticket = submitted(desk)
    post(visit, desk, ticket, "verb/start_work", minutes="20")
    assert fresh(desk, ticket).expected_minutes == 20


@pytest.mark.parametrize("minutes", ["", "x", "0", "-1", "99999999999"])
def test_wrong_minutes_are_a_sentence(desk: Desk, visit: Visit, minutes: str) -> None:
    ticket = submitted(desk)
    assert post(visit, desk, ticket, "verb/start_work", minutes=minutes).status_code == 409


def test_a_refused_dialog_keeps_its_words(desk: Desk, visit: Visit) -> None:
    ticket = submitted(desk)
    answer = post(visit, desk, ticket, "verb/deliver", text="a long explanation")
    assert "a long explanation" in answer.content.decode()


def test_a_verb_clicked_twice_is_done_once(desk: Desk, visit: Visit) -> None:
    ticket = submitted(desk)
    post(visit, desk, ticket, "verb/start_work", minutes="20")
    assert post(visit, desk, ticket, "verb/start_work", minutes="20").status_code == 409


def test_a_made_up_verb_is_refused(desk: Desk, visit: Visit) -> None:
    assert post(visit, desk, submitted(desk), "verb/accept_solution").status_code == 409


def test_a_delivery_goes_to_the_customer(desk: Desk, visit: Visit) -> None:
    ticket = submitted(desk)
    post(visit, desk, ticket, "verb/start_work", minutes="20")
    post(visit, desk, ticket, "verb/deliver", text="Done.")
    assert fresh(desk, ticket).status == Status.WAITING


def test_b22_time_is_entered_in_one_line(desk: Desk, visit: Visit) -> None:
    ticket = submitted(desk)
    post(visit, desk, ticket, "time", minutes="15", description="Call", is_billable="on")
    with desk.entered():
        assert TimeEntry.objects.get(ticket=ticket).is_billable


def test_b6_the_organisation_is_completed(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit(by=desk.agent, requester=desk.requester, organisation=None)
    post(visit, desk, ticket, "handling", organisation=desk.organisation.pk, priority="2")
    assert fresh(desk, ticket).organisation == desk.organisation


def test_only_the_requesters_organisations_are_offered(desk: Desk, rival: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit(by=desk.agent, requester=desk.requester, organisation=None)
    answer = post(visit, desk, ticket, "handling", organisation=desk.other_organisation.pk, priority="2")
    assert "organisation" in answer.context["handling_form"].errors


def test_a_colleague_is_made_responsible(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        desk.manager.is_agent = True
        desk.manager.save()
    ticket = submitted(desk)
    post(visit, desk, ticket, "handling", assignee=desk.manager.pk, organisation=desk.organisation.pk, priority="3")
    assert fresh(desk, ticket).assignee == desk.manager


def test_an_accountant_does_no_agents_work(desk: Desk, visit: Visit) -> None:
    ticket = submitted(desk)
    visit(desk, desk.accountant).post(f"/admin/tickets/ticket/{ticket.pk}/verb/start_work/", {"minutes": "5"})
    assert fresh(desk, ticket).status == Status.OPEN


def test_djangos_own_form_cannot_write_past_the_verbs(desk: Desk, visit: Visit) -> None:
    ticket = submitted(desk)
    answer = visit(desk, desk.manager).post(f"/admin/tickets/ticket/{ticket.pk}/change/", {"status": "closed"})
    assert (answer.status_code, fresh(desk, ticket).status) == (405, Status.OPEN)


def test_a_get_changes_nothing(desk: Desk, visit: Visit) -> None:
    ticket = submitted(desk)
    assert visit(desk, desk.agent).get(f"/admin/tickets/ticket/{ticket.pk}/verb/start_work/").status_code == 405


# ---- the queue ----


def listed(visit: Visit, desk: Desk, query: str = "") -> list[str]:
    page = visit(desk, desk.agent).get(f"/admin/tickets/ticket/{query}")
    return [row.reference for row in page.context["cl"].result_list]


def test_the_queue_shows_what_still_lives(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        desk.accepted(minutes=0)
        alive = desk.submit()
    assert listed(visit, desk) == [alive.reference]


@pytest.mark.parametrize(("queue", "count"), [("mine", 2), ("unassigned", 0), ("waiting", 1), ("ended", 1)])
def test_the_queues_views(desk: Desk, visit: Visit, queue: str, count: int) -> None:
    with desk.entered():
        desk.submit()
        desk.delivered()
        desk.accepted(minutes=0)
    assert len(listed(visit, desk, f"?queue={queue}")) == count


def test_a_reference_is_found(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        desk.submit()
        second = desk.submit()
    assert listed(visit, desk, "?q=desk-2") == [second.reference]


@pytest.mark.parametrize(
    "query",
    ["?requester__user__password__startswith=md5", "?description__contains=x", "?status=open", "?order_by=subject"],
)
def test_filters_are_no_oracle(desk: Desk, visit: Visit, query: str) -> None:
    assert visit(desk, desk.agent).get(f"/admin/tickets/ticket/{query}").status_code == 400


@pytest.mark.parametrize("column", ["0", "-1", "-2", "3", "-3", "4"])
def test_the_queue_has_one_order(desk: Desk, visit: Visit, column: str) -> None:
    """Any other would be a sort of the whole queue, for whoever writes it into the address."""
    with desk.entered():
        other = person("Otto Other", "other@alpha.example", is_agent=True)
        # Any column of the list would put them into another order.
        first = desk.submit(subject="b", by=desk.colleague)
        second = desk.submit(subject="a")
        third = desk.submit(subject="c")
        actions.assign(second, by=desk.agent, to=other)
        actions.start_work(third, by=desk.agent, expected_minutes=20)
    assert listed(visit, desk, f"?o={column}") == [third.reference, second.reference, first.reference]


def test_the_queues_queries_do_not_depend_on_its_rows(desk: Desk, visit: Visit) -> None:
    browser = visit(desk, desk.agent)

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            browser.get("/admin/tickets/ticket/")
        return len(seen)

    with desk.entered():
        desk.submit()
    queries()
    one = queries()
    with desk.entered():
        for _ in range(5):
            desk.delivered()
    assert queries() == one


def test_the_dashboard_shows_my_work(desk: Desk, visit: Visit) -> None:
    ticket = submitted(desk)
    page = visit(desk, desk.agent).get("/admin/")
    assert ticket in [row for panel in page.context["panels"] for row in panel["tickets"]]


def test_the_customers_words_do_not_run_in_the_admin(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit(subject="<img src=x onerror=alert(1)>", description="<script>alert(2)</script>")
        actions.comment(ticket, by=desk.requester, text="<svg onload=alert(3)>")
    browser = visit(desk, desk.agent)
    pages = [
        browser.get(where).content.decode()
        for where in ("/admin/", "/admin/tickets/ticket/", f"/admin/tickets/ticket/{ticket.pk}/change/")
    ]
    assert not any(bad in page for page in pages for bad in ("<img src=x", "<script>alert(2)", "<svg onload"))
