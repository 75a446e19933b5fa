"""The life of a request by its verbs (B7, B10, B13, B14, B16, B18, B22)."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.errors import NotAllowed, Refused
from accounts.models import Person, Representation
from conftest import Desk, comments_of, person, written
from notifications.models import OutboxMessage
from tickets import actions
from tickets.models import Approval, Ticket, TimeEntry
from tickets.proof import Quote
from tickets.workflow import Status, WaitingFor


def status_of(ticket: Ticket) -> str:
    return str(Ticket.objects.get(pk=ticket.pk).status)


def second_agent(**roles: Any) -> Person:
    """Somebody whom the load alone would not choose: of two idle agents the first gets it."""
    return person("Otto Other", "other@alpha.example", is_agent=True, **roles)


def test_b7_a_request_is_open_and_assigned(inside: Desk) -> None:
    ticket = inside.submit()
    assert (ticket.status, ticket.assignee) == (Status.OPEN, inside.agent)


def test_b8_references_count_up(inside: Desk) -> None:
    first, second = inside.submit(), inside.submit()
    assert (first.reference, second.reference) == ("DESK-1", "DESK-2")


def test_the_types_own_assignee_goes_before_load(inside: Desk) -> None:
    request_type = inside.type()
    request_type.default_assignee = second_agent()
    request_type.save()
    assert inside.submit(request_type=request_type).assignee == request_type.default_assignee


def test_k17_the_recording_first_line_agent_keeps_it(inside: Desk) -> None:
    recording = second_agent()
    assert inside.submit(by=recording, requester=inside.requester).assignee == recording


def test_k17_a_recording_second_line_agent_hands_it_on(inside: Desk) -> None:
    recording = second_agent(support_line=2)
    assert inside.submit(by=recording, requester=inside.requester).assignee == inside.agent


def test_b7_the_least_loaded_agent_gets_it(inside: Desk) -> None:
    inside.submit()
    idle = second_agent()
    assert inside.submit().assignee == idle


def test_the_same_form_twice_is_one_request(inside: Desk) -> None:
    number = uuid.uuid4()
    assert inside.submit(submission=number) == inside.submit(submission=number)


def test_other_words_in_the_same_form_are_another_request(inside: Desk) -> None:
    number = uuid.uuid4()
    assert inside.submit(submission=number) != inside.submit(submission=number, description="And this.")


def test_another_persons_form_number_loses_nothing(inside: Desk) -> None:
    number = uuid.uuid4()
    assert inside.submit(submission=number) != inside.submit(by=inside.colleague, submission=number)


def test_the_same_words_on_another_request_are_said_there_too(inside: Desk) -> None:
    rows, number = [inside.submit(), inside.submit()], uuid.uuid4()
    for ticket in rows:
        actions.comment(ticket, by=inside.requester, text="Thank you.", submission=number)
    assert [ticket.comments.count() for ticket in rows] == [1, 1]


def test_a_stranger_cannot_ask_for_the_organisation(inside: Desk) -> None:
    with pytest.raises(NotAllowed):
        inside.submit(by=inside.stranger)


def test_b4_a_colleague_may_ask_on_behalf(inside: Desk) -> None:
    assert inside.submit(by=inside.colleague, requester=inside.requester).requester == inside.requester


def test_nobody_asks_on_behalf_of_another_organisations_person(inside: Desk) -> None:
    with pytest.raises(NotAllowed):
        inside.submit(by=inside.requester, requester=inside.stranger)


def test_b10_work_starts_without_approval(inside: Desk) -> None:
    ticket = inside.submit()
    actions.start_work(ticket, by=inside.agent, expected_minutes=30)
    assert status_of(ticket) == Status.IN_PROGRESS


def test_b6_work_does_not_start_without_an_organisation(inside: Desk) -> None:
    ticket = inside.submit(by=inside.agent, requester=inside.requester, organisation=None)
    with pytest.raises(Refused) as caught:
        actions.start_work(ticket, by=inside.agent, expected_minutes=30)
    assert caught.value.code == "incomplete"


def test_a_customer_cannot_start_work(inside: Desk) -> None:
    with pytest.raises(NotAllowed):
        actions.start_work(inside.submit(), by=inside.requester, expected_minutes=1)


def test_b13_the_delivery_waits_for_the_customers_review(inside: Desk) -> None:
    ticket = inside.delivered()
    assert (ticket.status, ticket.waiting_for) == (Status.WAITING, WaitingFor.REVIEW)


def test_a_delivery_needs_words(inside: Desk) -> None:
    ticket = inside.submit()
    actions.start_work(ticket, by=inside.agent, expected_minutes=10)
    with pytest.raises(Refused):
        actions.deliver(ticket, by=inside.agent, text="  ")


def test_b14_a_customers_comment_gives_it_back(inside: Desk) -> None:
    ticket = inside.delivered()
    actions.comment(ticket, by=inside.requester, text="It still fails.")
    assert status_of(ticket) == Status.REOPENED


def test_an_agents_comment_changes_no_state(inside: Desk) -> None:
    ticket = inside.delivered()
    actions.comment(ticket, by=inside.agent, text="Any news?")
    assert status_of(ticket) == Status.WAITING


def test_a_customer_cannot_write_an_internal_note(inside: Desk) -> None:
    with pytest.raises(NotAllowed):
        actions.comment(inside.submit(), by=inside.requester, text="Secret", is_internal=True)


def test_an_empty_comment_is_refused(inside: Desk) -> None:
    with pytest.raises(Refused):
        actions.comment(inside.submit(), by=inside.requester, text=" \n ")


def test_b16_accepting_what_cost_time_leads_to_the_invoice(inside: Desk) -> None:
    assert inside.accepted().status == Status.INVOICE


def test_accepting_what_cost_nothing_closes(inside: Desk) -> None:
    assert inside.accepted(minutes=0).status == Status.CLOSED


def test_m9_without_billing_there_is_no_invoice_status(inside: Desk) -> None:
    inside.tenant.billing_enabled = False
    inside.tenant.save()
    assert inside.accepted().status == Status.CLOSED


def test_a_solution_is_accepted_once(inside: Desk) -> None:
    ticket = inside.accepted()
    with pytest.raises(Refused) as caught:
        actions.accept_solution(ticket, by=inside.requester)
    assert caught.value.code == "wrong_state"


def test_an_agent_cannot_accept_for_the_customer(inside: Desk) -> None:
    with pytest.raises(NotAllowed):
        actions.accept_solution(inside.delivered(), by=inside.agent)


def test_b18_an_objection_holds_the_invoice_back(inside: Desk) -> None:
    ticket = inside.accepted()
    actions.comment(ticket, by=inside.requester, text="Wait, the price is wrong.")
    with pytest.raises(Refused) as caught:
        actions.close(ticket, by=inside.accountant, reason="free")
    assert caught.value.code == "held"


def test_a_settled_objection_lets_it_go_on(inside: Desk) -> None:
    ticket = inside.accepted()
    actions.comment(ticket, by=inside.requester, text="Wait.")
    actions.dismiss_objection(ticket, by=inside.agent)
    assert not Ticket.objects.get(pk=ticket.pk).is_held


def test_nothing_to_charge_needs_a_reason(inside: Desk) -> None:
    with pytest.raises(Refused):
        actions.close(inside.accepted(), by=inside.accountant, reason=" ")


def test_an_agent_does_not_close_what_is_to_be_billed(inside: Desk) -> None:
    with pytest.raises(NotAllowed):
        actions.close(inside.accepted(), by=inside.agent, reason="free")


def test_b20_a_closed_request_reopens_within_the_period(inside: Desk) -> None:
    ticket = inside.accepted(minutes=0)
    actions.reopen(ticket, by=inside.requester, text="It broke again.")
    assert status_of(ticket) == Status.REOPENED


def test_after_the_period_a_new_request_is_asked_for(inside: Desk) -> None:
    ticket = inside.accepted(minutes=0)
    Ticket.objects.filter(pk=ticket.pk).update(closed_at=timezone.now() - timedelta(days=31))
    with pytest.raises(Refused) as caught:
        actions.reopen(ticket, by=inside.requester, text="It broke again.")
    assert caught.value.code == "too_late"


def test_reopening_needs_words(inside: Desk) -> None:
    with pytest.raises(Refused):
        actions.reopen(inside.delivered(), by=inside.requester, text="")


def test_the_words_of_a_reopening_are_in_the_conversation(inside: Desk) -> None:
    ticket = inside.delivered()
    actions.reopen(ticket, by=inside.requester, text="Page two is missing.")
    assert comments_of(ticket)[-1] == "Page two is missing."


def test_b22_time_is_recorded_against_the_reference(inside: Desk) -> None:
    ticket = inside.submit()
    actions.record_time(ticket, by=inside.agent, minutes=15, description="Looked at it")
    assert TimeEntry.objects.get(ticket=ticket).minutes == 15


def test_a8_work_on_a_claim_closes_without_an_invoice(inside: Desk) -> None:
    request_type = inside.type()
    request_type.is_billable = False
    request_type.save()
    assert inside.accepted(minutes=15).status == Status.CLOSED


@pytest.mark.parametrize("minutes", [0, -5, 1441])
def test_minutes_outside_a_day_are_refused(inside: Desk, minutes: int) -> None:
    with pytest.raises(Refused):
        actions.record_time(inside.submit(), by=inside.agent, minutes=minutes, description="x")


def test_a_ticket_is_assigned_to_agents_only(inside: Desk) -> None:
    with pytest.raises(Refused):
        actions.assign(inside.submit(), by=inside.agent, to=inside.requester)


# ---- words, and who says them ----


def test_b13_the_question_reaches_the_customer(inside: Desk) -> None:
    inside.asked()
    letter = written(OutboxMessage.objects.get(kind="ticket.information_requested"))
    assert letter.to_person == inside.requester
    assert "Which printer?" in letter.text


def test_b13_an_answer_gives_it_back(inside: Desk) -> None:
    ticket = inside.asked()
    actions.comment(ticket, by=inside.requester, text="The one in the hall.")
    assert status_of(ticket) == Status.REOPENED


def test_the_reminder_repeats_our_question_whatever_a_guest_wrote_since(inside: Desk) -> None:
    ticket = inside.asked()
    actions.comment(ticket, by=inside.guest(ticket), text="I wonder, too.")
    actions.remind_of_information(ticket)
    letter = written(OutboxMessage.objects.filter(kind="ticket.information_reminder").earliest("id"))
    assert "Which printer?" in letter.text
    assert "I wonder" not in letter.text


def test_b15_an_agent_quotes_that_the_customer_accepted(inside: Desk) -> None:
    ticket = inside.reopened()
    actions.mark_for_invoice(ticket, by=inside.agent, quote=Quote(inside.requester, "It is fine after all."))
    proof = Approval.objects.get(ticket=ticket)
    assert (proof.manner, proof.person, proof.recorded_by) == ("quoted", inside.requester, inside.agent)


def test_only_the_customers_own_words_are_quoted(inside: Desk) -> None:
    with pytest.raises(NotAllowed):
        actions.mark_for_invoice(inside.reopened(), by=inside.agent, quote=Quote(inside.stranger, "It is fine."))


def test_a_customer_quotes_nobody(inside: Desk) -> None:
    with pytest.raises(NotAllowed):
        actions.accept_solution(inside.delivered(), by=inside.colleague, quote=Quote(inside.requester, "He said yes."))


# ---- whose it is ----


def test_b6_nothing_is_handed_over_before_it_is_known_whose_it_is(inside: Desk) -> None:
    ticket = inside.submit(by=inside.agent, requester=inside.requester, organisation=None)
    actions.request_information(ticket, by=inside.agent, text="For which firm?")
    with pytest.raises(Refused) as caught:
        actions.deliver(ticket, by=inside.agent, text="Done.")
    assert caught.value.code == "incomplete"


def test_what_is_nobodys_waits_for_no_invoice(inside: Desk) -> None:
    """An invoice needs an organisation; without one it would wait for ever."""
    ticket = inside.submit(by=inside.agent, requester=inside.requester, organisation=None)
    actions.record_time(ticket, by=inside.agent, minutes=25, description="Looked into it")
    assert actions.cancel(ticket, by=inside.requester, text="Never mind.").status == Status.CANCELLED


def test_what_an_organisation_agreed_to_stays_theirs(inside: Desk) -> None:
    ticket = inside.agreed()
    with pytest.raises(Refused) as caught:
        actions.complete(
            ticket,
            by=inside.agent,
            organisation=inside.other_organisation,
            request_type=ticket.request_type,
            priority=ticket.priority,
        )
    assert caught.value.code == "estimate_agreed"


def test_another_organisation_does_not_accept_what_was_sent_to_the_first(inside: Desk) -> None:
    ticket = actions.request_changes(inside.estimated(), by=inside.requester, text="Cheaper.")
    actions.complete(
        ticket,
        by=inside.agent,
        organisation=inside.other_organisation,
        request_type=ticket.request_type,
        priority=ticket.priority,
    )
    Representation.objects.filter(person=inside.stranger).update(may_approve=True)
    with pytest.raises(Refused) as caught:
        actions.accept_estimate(ticket, by=Person.objects.get(pk=inside.stranger.pk))
    assert caught.value.code == "wrong_state"


@pytest.mark.parametrize("role", ["agent", "accountant", "manager"])
def test_another_desks_staff_leave_nothing_here(desk: Desk, rival: Desk, role: str) -> None:
    """A person comes from the entered desk. Should a mistake ever pass one of another, the database refuses the row."""
    with desk.entered():
        ticket = desk.submit()
    with desk.entered(), pytest.raises((IntegrityError, Refused)):
        reject_and_commit(ticket, getattr(rival, role))


def reject_and_commit(ticket: Ticket, by: Person) -> None:
    with transaction.atomic():
        actions.reject(ticket, by=by, text="Not ours.")
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


# ---- given up, merged, gone on ----


def test_while_we_work_a_customer_asks_to_cancel(inside: Desk) -> None:
    ticket = inside.started()
    actions.ask_to_cancel(ticket, by=inside.requester, text="We bought another one.")
    assert OutboxMessage.objects.filter(kind="ticket.cancel_asked", to_person=inside.agent).count() == 1
    assert status_of(ticket) == Status.IN_PROGRESS


def test_they_ask_once(inside: Desk) -> None:
    ticket = inside.started()
    actions.ask_to_cancel(ticket, by=inside.requester, text="Stop.")
    with pytest.raises(Refused) as caught:
        actions.ask_to_cancel(ticket, by=inside.colleague, text="Stop.")
    assert caught.value.code == "asked"


def test_what_goes_another_way_needs_no_answer_any_more(inside: Desk) -> None:
    ticket = inside.started()
    actions.ask_to_cancel(ticket, by=inside.requester, text="Stop.")
    actions.deliver(ticket, by=inside.agent, text="It was done already.")
    assert Ticket.objects.get(pk=ticket.pk).cancel_asked_at is None


def test_of_spam_nobody_hears(inside: Desk) -> None:
    ticket = inside.submit()
    OutboxMessage.objects.all().delete()
    actions.reject(ticket, by=inside.agent, is_spam=True)
    assert not OutboxMessage.objects.exists()


def test_a_merge_can_be_undone(inside: Desk) -> None:
    ticket, into = inside.submit(requester=inside.colleague, by=inside.colleague), inside.submit()
    actions.merge(ticket, by=inside.agent, into=into)
    assert into.participants.filter(person=inside.colleague).exists()
    actions.unmerge(ticket, by=inside.agent)
    assert status_of(ticket) == Status.REOPENED
    assert not into.participants.filter(person=inside.colleague).exists()


def test_a_ticket_is_not_merged_across_organisations(inside: Desk) -> None:
    other = inside.submit(by=inside.stranger, organisation=inside.other_organisation)
    with pytest.raises(Refused) as caught:
        actions.merge(inside.submit(), by=inside.agent, into=other)
    assert caught.value.code == "foreign"


def ended_long_ago(desk: Desk) -> Ticket:
    ticket = desk.accepted(minutes=0)
    Ticket.objects.filter(pk=ticket.pk).update(closed_at=timezone.now() - timedelta(days=31))
    return ticket


def test_what_ended_long_ago_goes_on_in_a_new_request(inside: Desk) -> None:
    ticket = ended_long_ago(inside)
    new = actions.follow_up(ticket, by=inside.colleague, text="It broke again.")
    assert (new.follows, new.status, new.requester) == (ticket, Status.OPEN, inside.colleague)


def test_who_left_the_organisation_files_nothing_for_it(inside: Desk) -> None:
    ticket = ended_long_ago(inside)
    Representation.objects.filter(person=inside.requester).delete()
    with pytest.raises(NotAllowed):
        actions.follow_up(ticket, by=Person.objects.get(pk=inside.requester.pk), text="It broke again.")


def test_what_ended_long_ago_is_not_unaccepted(inside: Desk) -> None:
    with pytest.raises(Refused) as caught:
        actions.take_back_acceptance(ended_long_ago(inside), by=inside.requester)
    assert caught.value.code == "too_late"


def test_an_accountant_sends_back_what_waits_for_its_invoice(inside: Desk) -> None:
    ticket = inside.accepted()
    actions.reopen(ticket, by=inside.accountant, text="The hours look wrong.")
    assert status_of(ticket) == Status.REOPENED


def test_an_accountant_reopens_nothing_else(inside: Desk) -> None:
    with pytest.raises(NotAllowed):
        actions.reopen(inside.delivered(), by=inside.accountant, text="The hours look wrong.")


@pytest.mark.parametrize(
    "columns", [{"status": "nonsense"}, {"waiting_for": "review"}, {"status": "waiting_for_customer"}]
)
def test_the_database_refuses_impossible_states(inside: Desk, columns: dict[str, str]) -> None:
    ticket = inside.submit()
    with pytest.raises(IntegrityError), transaction.atomic():
        Ticket.objects.filter(pk=ticket.pk).update(**columns)


def test_words_are_unread_whatever_button_they_came_with(inside: Desk) -> None:
    ticket = actions.reopen(inside.delivered(), by=inside.requester, text="Not yet.")
    assert Ticket.objects.get(pk=ticket.pk).unread_since is not None


def test_what_is_reopened_is_not_accepted_any_more(inside: Desk) -> None:
    ticket = actions.reopen(inside.accepted(), by=inside.requester, text="After all not.")
    assert Ticket.objects.get(pk=ticket.pk).accepted_at is None


def test_what_was_agreed_is_not_lost_in_a_merge(inside: Desk) -> None:
    with pytest.raises(Refused) as caught:
        actions.merge(inside.agreed(), by=inside.agent, into=inside.submit())
    assert caught.value.code == "agreed"
