"""Deciding from an e-mail: the page opens without a log-in, only its button decides, and only once."""

import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import Person, Representation
from conftest import Desk, Visit, in_days
from tickets import actions
from tickets.decisions import link_to_decide
from tickets.models import Approval, Estimate, Ticket
from tickets.tests.steps import fixed, fresh, letters, newest
from tickets.workflow import Status


def estimate_link(desk: Desk, ticket: Ticket, person: Person | None = None) -> str:
    with desk.entered():
        return link_to_decide(ticket, person or desk.approver, newest(ticket))


def solution_link(desk: Desk, ticket: Ticket, person: Person | None = None) -> str:
    with desk.entered():
        return link_to_decide(fresh(ticket), person or desk.requester, None)


@pytest.fixture
def estimated(desk: Desk) -> Ticket:
    with desk.entered():
        return desk.estimated()


@pytest.fixture
def delivered(desk: Desk) -> Ticket:
    with desk.entered():
        return desk.delivered()


def status_of(desk: Desk, ticket: Ticket) -> str:
    with desk.entered():
        return str(fresh(ticket).status)


def words(answer: Any) -> str:
    return str(answer.content.decode())


# ---- the page ----


def test_the_estimates_page_shows_lines_sums_and_days(desk: Desk, visit: Visit, estimated: Ticket) -> None:
    shown = words(visit(desk).get(estimate_link(desk, estimated)))
    wanted = ("Estimate, version 1", "Analysis", "3 h", "110.00", "290.00 EUR", "Done by", "Valid until", "Accept the")
    assert [text for text in wanted if text not in shown] == []


def test_the_solutions_page_shows_what_was_done(desk: Desk, visit: Visit, delivered: Ticket) -> None:
    shown = words(visit(desk).get(solution_link(desk, delivered)))
    wanted = ("The printer prints nothing", "It prints again.", "Accept the solution", "it counts as accepted after")
    assert [text for text in wanted if text not in shown] == []


def test_it_says_for_whom_it_was_made(desk: Desk, visit: Visit, estimated: Ticket) -> None:
    assert "This page was made for Colin Colleague" in words(visit(desk).get(estimate_link(desk, estimated)))


def test_it_is_in_the_language_of_the_e_mail(desk: Desk, visit: Visit, estimated: Ticket) -> None:
    with desk.entered():
        Person.objects.filter(pk=desk.approver.pk).update(language="lv")
    answer = visit(desk).get(estimate_link(desk, estimated), headers={"accept-language": "en"})
    assert ('<html lang="lv">' in words(answer), answer.headers["Content-Language"]) == (True, "lv")


def test_the_e_mails_button_leads_there(desk: Desk, visit: Visit, estimated: Ticket) -> None:
    with desk.entered():
        (letter,) = letters("estimate_sent")
    found = re.search(r"https?://[^/\s]+(/decide/\S+/)", letter.text)
    assert found is not None
    assert "Accept the estimate" in words(visit(desk).get(found.group(1)))


def test_looking_changes_nothing(desk: Desk, visit: Visit, delivered: Ticket) -> None:
    """Mail scanners open links, some of them with a HEAD."""
    link = solution_link(desk, delivered)
    assert (visit(desk).get(link).status_code, visit(desk).head(link).status_code) == (200, 405)
    assert status_of(desk, delivered) == Status.WAITING


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Cache-Control", "private, no-store"),
        ("Referrer-Policy", "same-origin"),
        ("X-Robots-Tag", "noindex, nofollow"),
    ],
)
def test_nothing_keeps_or_passes_on_its_address(
    desk: Desk, visit: Visit, estimated: Ticket, header: str, value: str
) -> None:
    assert visit(desk).get(estimate_link(desk, estimated)).headers[header] == value


def test_a_form_without_the_token_decides_nothing_and_keeps_the_words(desk: Desk, delivered: Ticket) -> None:
    link = solution_link(desk, delivered)
    browser = Client(enforce_csrf_checks=True, headers={"host": desk.host})
    said = {"verb": "reopen", "text": "Page two is missing."}
    answer = browser.post(link, said, headers={"referer": f"http://{desk.host}{link}"})
    assert (answer.status_code, status_of(desk, delivered)) == (403, Status.WAITING)
    assert "Page two is missing." in words(browser.get(link))


# ---- deciding ----


def test_the_estimate_is_accepted(desk: Desk, visit: Visit, estimated: Ticket) -> None:
    answer = visit(desk).post(estimate_link(desk, estimated), {"verb": "accept_estimate", "order_number": "PO-9"})
    with desk.entered():
        ticket, approval = fresh(estimated), Approval.objects.select_related("person").get()
    assert (answer.status_code, "You accepted the estimate" in words(answer)) == (200, True)
    assert (ticket.status, ticket.order_number) == (Status.ESTIMATE_ACCEPTED, "PO-9")
    assert (approval.person, approval.manner, approval.from_address) == (desk.approver, "email", "127.0.0.1")


def test_changes_are_asked_for(desk: Desk, visit: Visit, estimated: Ticket) -> None:
    visit(desk).post(estimate_link(desk, estimated), {"verb": "request_changes", "text": "Without the tray."})
    assert status_of(desk, estimated) == Status.REOPENED


def test_the_solution_is_accepted(desk: Desk, visit: Visit, delivered: Ticket) -> None:
    answer = visit(desk).post(solution_link(desk, delivered), {"verb": "accept_solution"})
    assert ("You accepted the solution" in words(answer), status_of(desk, delivered)) == (True, Status.INVOICE)


def test_the_solution_is_given_back(desk: Desk, visit: Visit, delivered: Ticket) -> None:
    visit(desk).post(solution_link(desk, delivered), {"verb": "reopen", "text": "Page two is missing."})
    assert status_of(desk, delivered) == Status.REOPENED


def test_without_words_the_form_stays_open_with_its_error(desk: Desk, visit: Visit, delivered: Ticket) -> None:
    answer = visit(desk).post(solution_link(desk, delivered), {"verb": "reopen", "text": ""})
    assert (answer.status_code, status_of(desk, delivered)) == (422, Status.WAITING)
    assert re.search(r"<details open>.*?Write a sentence first", words(answer), re.DOTALL)


@pytest.mark.parametrize("verb", ["cancel", "take_back", "reject", "request_changes", ""])
def test_other_verbs_are_not_for_this_page(desk: Desk, visit: Visit, delivered: Ticket, verb: str) -> None:
    answer = visit(desk).post(solution_link(desk, delivered), {"verb": verb, "text": "x"})
    assert (answer.status_code, status_of(desk, delivered)) == (409, Status.WAITING)


def test_the_version_is_the_links_whatever_the_form_says(desk: Desk, visit: Visit, estimated: Ticket) -> None:
    visit(desk).post(estimate_link(desk, estimated), {"verb": "accept_estimate", "version": "7"})
    assert status_of(desk, estimated) == Status.ESTIMATE_ACCEPTED


def test_a_deputy_decides_by_their_own_link(desk: Desk, visit: Visit, estimated: Ticket) -> None:
    with desk.entered():
        deputy = desk.deputy()
    visit(desk).post(estimate_link(desk, estimated, deputy), {"verb": "accept_estimate"})
    with desk.entered():
        approval = Approval.objects.select_related("person", "in_place_of").get()
    assert (approval.person, approval.in_place_of) == (deputy, desk.approver)


def test_the_link_decides_for_its_person_whoever_is_logged_in(desk: Desk, visit: Visit, estimated: Ticket) -> None:
    visit(desk, desk.stranger).post(estimate_link(desk, estimated), {"verb": "accept_estimate"})
    with desk.entered():
        assert Approval.objects.get().person_id == desk.approver.pk


# ---- what is no longer open ----


def over(answer: Any) -> str:
    """The sentence, on a page without any form."""
    assert "<form id" not in words(answer).replace('<form id="frame-form"', "")
    return str(answer.context["over"])


def test_a_link_decides_once(desk: Desk, visit: Visit, delivered: Ticket) -> None:
    link = solution_link(desk, delivered)
    visit(desk).post(link, {"verb": "accept_solution"})
    answer = visit(desk).post(link, {"verb": "accept_solution"})
    with desk.entered():
        assert (answer.status_code, Approval.objects.count()) == (409, 1)
    assert over(answer) == "Accepted. It will be on the next invoice."


def test_what_was_taken_back_is_not_decided_by_the_old_link(desk: Desk, visit: Visit, delivered: Ticket) -> None:
    link = solution_link(desk, delivered)
    visit(desk).post(link, {"verb": "accept_solution"})
    with desk.entered():
        actions.take_back_acceptance(fresh(delivered), by=desk.requester)
    assert over(visit(desk).get(link)).startswith("This link was used before")


def test_an_estimate_that_was_taken_back_is_not_either(desk: Desk, visit: Visit, estimated: Ticket) -> None:
    link = estimate_link(desk, estimated)
    visit(desk).post(link, {"verb": "accept_estimate"})
    with desk.entered():
        actions.take_back_acceptance(fresh(estimated), by=desk.approver)
    assert over(visit(desk).get(link)).startswith("This link was used before")


def test_an_accepted_version_says_so(desk: Desk, visit: Visit, estimated: Ticket) -> None:
    link = estimate_link(desk, estimated)
    with desk.entered():
        desk.agreed(estimated)
    assert over(visit(desk).get(link)) == "This version of the estimate is accepted."


def test_a_replaced_version_says_so(desk: Desk, visit: Visit, estimated: Ticket) -> None:
    link = estimate_link(desk, estimated)
    with desk.entered():
        desk.estimated(estimated, lines=[fixed("9000.00")])
    answer = visit(desk).post(link, {"verb": "accept_estimate"})
    assert (answer.status_code, status_of(desk, estimated)) == (409, Status.ESTIMATED)
    assert over(answer).startswith("There is a newer version")


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ("changes_requested", "Changes to this version were requested."),
        ("withdrawn", "This version was withdrawn."),
        ("expired", "This version was not decided about in time."),
    ],
)
def test_every_other_end_of_a_version_says_so(
    desk: Desk, visit: Visit, estimated: Ticket, state: str, sentence: str
) -> None:
    link = estimate_link(desk, estimated)
    with desk.entered():
        Estimate.objects.update(state=state)
    assert over(visit(desk).get(link)).startswith(sentence)


def test_who_may_not_accept_any_more_reads_who_may(desk: Desk, visit: Visit, estimated: Ticket) -> None:
    link = estimate_link(desk, estimated)
    with desk.entered():
        desk.signatory()
        Representation.objects.filter(person=desk.approver).update(may_approve=False)
    assert over(visit(desk).get(link)).startswith("Sally Signatory may accept")


def test_a_new_delivery_needs_its_own_link(desk: Desk, visit: Visit, delivered: Ticket) -> None:
    link = solution_link(desk, delivered)
    with desk.entered():
        again = actions.reopen(fresh(delivered), by=desk.requester, text="Page two is missing.")
        actions.deliver(again, by=desk.agent, text="Now with page two.")
    answer = visit(desk).post(link, {"verb": "accept_solution"})
    assert (answer.status_code, status_of(desk, delivered)) == (409, Status.WAITING)


def test_after_a_comment_the_same_delivery_can_still_be_accepted(desk: Desk, visit: Visit, delivered: Ticket) -> None:
    link = solution_link(desk, delivered)
    with desk.entered():
        actions.comment(fresh(delivered), by=desk.requester, text="Is page two in?")
    visit(desk).post(link, {"verb": "accept_solution"})
    assert status_of(desk, delivered) == Status.INVOICE


def test_who_came_to_work_at_the_desk_decides_nothing_by_an_old_link(
    desk: Desk, visit: Visit, estimated: Ticket
) -> None:
    link = estimate_link(desk, estimated)
    with desk.entered():
        Person.objects.filter(pk=desk.approver.pk).update(is_agent=True)
    answer = visit(desk).post(link, {"verb": "accept_estimate", "said_by": desk.approver.pk, "words": "Yes."})
    assert (answer.status_code, status_of(desk, estimated)) == (409, Status.ESTIMATED)


# ---- what is no link ----


@pytest.mark.parametrize("token", ["x", "W10:1:abc", "%00", "a" * 3000])
def test_what_is_no_link_says_what_to_do(desk: Desk, visit: Visit, token: str) -> None:
    answer = visit(desk).get(f"/decide/{token}/")
    assert (answer.status_code, "This link is not valid" in words(answer)) == (404, True)


def test_a_changed_link_is_none(desk: Desk, visit: Visit, estimated: Ticket) -> None:
    link = estimate_link(desk, estimated)
    assert visit(desk).get(f"{link[:-2]}{'A' if link[-2] != 'A' else 'B'}/").status_code == 404


def test_another_desks_link_is_none(desk: Desk, rival: Desk, visit: Visit, estimated: Ticket) -> None:
    assert visit(rival).get(estimate_link(desk, estimated)).status_code == 404


def test_the_link_of_somebody_who_left_is_none(desk: Desk, visit: Visit, estimated: Ticket) -> None:
    link = estimate_link(desk, estimated)
    with desk.entered():
        Person.objects.filter(pk=desk.approver.pk).update(is_active=False)
    assert visit(desk).post(link, {"verb": "accept_estimate"}).status_code == 404


def test_the_date_of_its_validity_is_checked(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.estimated(valid_until=in_days(0))
    link = estimate_link(desk, ticket)
    assert "Accept the estimate" in words(visit(desk).get(link))


def test_who_left_the_organisation_reads_nothing_by_the_link(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.estimated()
        link = link_to_decide(ticket, desk.approver, newest(ticket))
        Representation.objects.filter(person=desk.approver).delete()
    assert visit(desk).get(link).status_code == 404


def test_words_that_reach_nobody_any_more_are_shown_again(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.estimated()
        link = link_to_decide(ticket, desk.approver, newest(ticket))
        actions.withdraw_estimate(ticket, by=desk.agent, text="Wrong.")
    page = visit(desk).post(link, {"verb": "request_changes", "text": "Without the training."})
    assert (page.status_code, b"Without the training." in page.content) == (409, True)
