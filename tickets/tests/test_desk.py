"""The agents' ticket page and queue: reply, note, verbs, time, details — all by POST, all through the verbs."""

import html
import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Contract, Person
from conftest import Desk, Visit, comments_of, in_days, person
from tickets import actions
from tickets.models import Approval, Comment, Participant, RequestType, Ticket, TimeEntry
from tickets.proof import Quote
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
    post(visit, desk, ticket, "time", line="1h20 call with the bank", is_billable="on")
    with desk.entered():
        entry = TimeEntry.objects.get(ticket=ticket)
    assert (entry.minutes, entry.description, entry.is_billable) == (80, "call with the bank", True)


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


# ---- the verbs on the page ----


def page_of(visit: Visit, desk: Desk, ticket: Ticket, person: Person | None = None) -> Any:
    return visit(desk, person or desk.agent).get(f"/admin/tickets/ticket/{ticket.pk}/change/")


def text_of(page: Any) -> str:
    """What stands on the page, without its tags."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.content.decode())).split())


def test_there_is_one_main_button(desk: Desk, visit: Visit) -> None:
    page = page_of(visit, desk, submitted(desk)).content.decode()
    assert page.count('<summary class="desk-btn desk-btn-main">') == 1


def test_the_grave_verbs_are_folded(desk: Desk, visit: Visit) -> None:
    context = page_of(visit, desk, submitted(desk)).context
    assert [[verb.name for verb in context[part]] for part in ("at_hand", "folded")] == [
        ["start_work", "send_estimate", "request_information"],
        ["cancel", "reject", "merge"],
    ]


def test_whoever_wants_to_cancel_is_answered_first(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit()
        actions.start_work(ticket, by=desk.agent, expected_minutes=20)
        actions.ask_to_cancel(ticket, by=desk.requester, text="Stop, please.")
    context = page_of(visit, desk, ticket).context
    assert [verb.name for verb in context["at_hand"] if verb.style == "main"] == ["cancel"]


def test_a_grave_verb_that_was_refused_comes_back_open(desk: Desk, visit: Visit) -> None:
    answer = post(visit, desk, submitted(desk), "verb/reject", text="", is_spam="")
    assert (answer.status_code, answer.context["refused"], answer.context["folded_open"]) == (409, "reject", True)


def test_a_quote_is_refused_with_its_words_kept(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.delivered()
    answer = post(
        visit, desk, ticket, "verb/accept_solution", said_by=desk.stranger.pk, words="It works.", said_in="phone"
    )
    assert (answer.status_code, "It works." in text_of(answer)) == (409, True)


def test_a_quote_says_that_it_becomes_the_proof(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.delivered()
    assert "are kept as the proof" in text_of(page_of(visit, desk, ticket))


def test_a_customers_words_become_the_proof(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.delivered()
    post(visit, desk, ticket, "verb/accept_solution", said_by=desk.requester.pk, words="It works.", said_in="phone")
    with desk.entered():
        assert Approval.objects.get(ticket=ticket).words == "It works."


def test_what_goes_on_elsewhere_is_opened(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.accepted(minutes=0)
        Ticket.objects.filter(pk=ticket.pk).update(closed_at=timezone.now() - timedelta(days=400))
    answer = post(visit, desk, ticket, "verb/follow_up", text="It is broken again.")
    with desk.entered():
        after = Ticket.objects.get(follows=ticket)
    assert answer.url == f"/admin/tickets/ticket/{after.pk}/change/"


def test_who_asks_for_a_ticket_gets_it(desk: Desk, visit: Visit) -> None:
    ticket = submitted(desk)
    visit(desk, desk.manager).post(f"/admin/tickets/ticket/{ticket.pk}/take/")
    assert fresh(desk, ticket).assignee == desk.manager


# ---- time ----


def in_work(desk: Desk, *, minutes: int = 0, **changes: Any) -> Ticket:
    """A ticket that is worked on, with an entry of so many minutes. Call it inside the desk."""
    ticket = desk.submit(**changes)
    actions.start_work(ticket, by=desk.agent, expected_minutes=30)
    if minutes:
        actions.record_time(ticket, by=desk.agent, minutes=minutes, description="Repaired")
    return ticket


def of_a_fault(desk: Desk) -> RequestType:
    row = desk.type()
    row.is_billable = False
    row.save()
    return row


def test_time_stands_beside_what_was_agreed(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = in_work(desk, minutes=45)
    context = page_of(visit, desk, ticket).context
    assert (context["time_total"], [limit["time"] for limit in context["time_limits"]]) == (
        "45 min",
        ["30 min", "2 h", "2 h 12 min"],
    )


def test_b10_an_overrun_says_what_to_do(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = in_work(desk, minutes=157)
    assert "25 min beyond what is possible without approval: send an estimate" in text_of(page_of(visit, desk, ticket))


def test_b11_an_overrun_of_the_estimate_says_what_to_do(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = estimated(desk)
        actions.accept_estimate(ticket, by=desk.colleague)
        actions.start_work(ticket, by=desk.agent, expected_minutes=60)
        actions.record_time(ticket, by=desk.agent, minutes=91, description="Work")
    assert "25 min beyond what the customer accepted: send a new estimate" in text_of(page_of(visit, desk, ticket))


def test_time_of_another_day_is_recorded_for_it(desk: Desk, visit: Visit) -> None:
    ticket = submitted(desk)
    post(visit, desk, ticket, "time", line="30 call", worked_on="2026-01-05", is_billable="on")
    with desk.entered():
        assert TimeEntry.objects.get(ticket=ticket).worked_on == date(2026, 1, 5)


def test_a_refused_line_of_time_is_kept(desk: Desk, visit: Visit) -> None:
    answer = post(visit, desk, submitted(desk), "time", line="soon analysis")
    assert (answer.status_code, 'value="soon analysis"' in answer.content.decode()) == (422, True)


def test_a8_on_a_fault_nobody_is_asked_what_is_billable(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = in_work(desk, request_type=of_a_fault(desk))
    assert 'name="is_billable"' not in page_of(visit, desk, ticket).content.decode()


def test_a8_time_on_a_fault_stays_billable_for_when_its_type_changes(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = in_work(desk, request_type=of_a_fault(desk))
    post(visit, desk, ticket, "time", line="30 search")
    with desk.entered():
        assert TimeEntry.objects.get(ticket=ticket).is_billable


def test_an_entry_is_corrected_and_says_what_it_was(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = in_work(desk, minutes=80)
        entry = TimeEntry.objects.get(ticket=ticket)
    post(visit, desk, ticket, f"time/{entry.pk}", minutes="1:00", description="Shorter", is_billable="on")
    said = text_of(page_of(visit, desk, ticket))
    assert ("1 h Shorter" in said, "before: 1 h 20 min, Repaired" in said) == (True, True)


def test_a_refused_correction_comes_back_at_its_entry(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = in_work(desk, minutes=80)
        entry = TimeEntry.objects.get(ticket=ticket)
    answer = post(visit, desk, ticket, f"time/{entry.pk}", minutes="an hour", description="Shorter")
    form = answer.context["time_entries"][0]["form"]
    assert (answer.status_code, form["minutes"].value(), list(form.errors)) == (422, "an hour", ["minutes"])


def test_a_correction_without_the_box_leaves_billable_as_it_was(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = in_work(desk, minutes=80, request_type=of_a_fault(desk))
        entry = TimeEntry.objects.get(ticket=ticket)
    post(visit, desk, ticket, f"time/{entry.pk}", minutes="60", description="Shorter")
    with desk.entered():
        assert TimeEntry.objects.get(corrects=entry).is_billable


def test_another_tickets_entry_is_not_corrected_here(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        in_work(desk, minutes=80)
        entry = TimeEntry.objects.get()
    answer = post(visit, desk, submitted(desk), f"time/{entry.pk}", minutes="60", description="Shorter")
    assert answer.status_code == 404


# ---- what will be billed ----


def test_b22_what_will_be_billed_stands_on_the_page(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = in_work(desk, minutes=90)
    said = text_of(page_of(visit, desk, ticket))
    assert "What will be billed The printer prints nothing 1 h 30 min at 60.00 EUR an hour 90.00 EUR" in said


def test_a_fixed_price_is_billed_as_one(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = estimated(desk, actions.NewLine("New form", price=Decimal("240.00")))
        actions.accept_estimate(ticket, by=desk.colleague)
    assert "New form fixed price 240.00 EUR" in text_of(page_of(visit, desk, ticket))


def test_a8_a_fault_says_why_nothing_is_charged(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = in_work(desk, minutes=90, request_type=of_a_fault(desk))
        name = ticket.request_type
    assert f"Nothing of this ticket is charged: “{name}” is not billable." in text_of(page_of(visit, desk, ticket))


def test_work_under_a_contract_says_why_nothing_is_charged(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        contract(desk, covers_work=True)
        ticket = in_work(desk, minutes=90)
    assert "the contract C-1 Maintenance includes the work" in text_of(page_of(visit, desk, ticket))


def test_an_accepted_ticket_shows_what_is_on_the_next_invoice(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.accepted(minutes=90)
    assert "On the next invoice" in text_of(page_of(visit, desk, ticket, desk.accountant))


# ---- estimates and proof ----


def estimated(desk: Desk, *lines: actions.NewLine) -> Ticket:
    """A ticket whose estimate waits for the colleague. Call it inside the desk."""
    ticket = desk.submit()
    due_on = in_days(10)
    actions.send_estimate(ticket, by=desk.agent, lines=lines or [actions.NewLine("Analysis", 60)], due_on=due_on)
    return ticket


def test_b11_an_estimate_stands_on_the_page_with_its_state(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = estimated(desk)
    assert "Version 1 waits for the decision Analysis 1 h at 60.00 EUR an hour" in text_of(page_of(visit, desk, ticket))


def test_an_accepted_estimate_leads_to_its_proof(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = estimated(desk)
        actions.accept_estimate(ticket, by=desk.colleague)
        proof = Approval.objects.get(ticket=ticket)
    assert f'href="/requests/{ticket.reference}/approvals/{proof.pk}/"' in page_of(visit, desk, ticket).content.decode()


def test_who_accepted_is_named_with_who_wrote_it_down(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = estimated(desk)
        actions.accept_estimate(ticket, by=desk.agent, quote=Quote(desk.colleague, "Yes.", "phone", None))
    said = text_of(page_of(visit, desk, ticket))
    assert "The customer accepted version 1 of the estimate; Agnes Agent wrote it down." in said


# ---- people and handling ----


def contract(desk: Desk, **changes: Any) -> Contract:
    values = {
        "organisation": desk.organisation,
        "number": "C-1",
        "title": "Maintenance",
        "starts_on": date(2026, 1, 1),
    }
    return Contract.objects.create(**{**values, **changes})


def test_a10_somebody_is_invited(desk: Desk, visit: Visit) -> None:
    ticket = submitted(desk)
    post(visit, desk, ticket, "invite", email="gita@example.com", name="Gita Guest")
    with desk.entered():
        assert Participant.objects.get(ticket=ticket).person.name == "Gita Guest"


def test_a_refused_invitation_is_kept(desk: Desk, visit: Visit) -> None:
    answer = post(visit, desk, submitted(desk), "invite", email="gita at example", name="Gita Guest")
    assert (answer.status_code, 'value="gita at example"' in answer.content.decode()) == (422, True)


def test_an_invitation_is_taken_back(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit()
        guest = actions.add_participant(ticket, by=desk.agent, address="gita@example.com").person
    post(visit, desk, ticket, f"invited/{guest.pk}/remove")
    with desk.entered():
        assert not Participant.objects.filter(ticket=ticket).exists()


def test_the_customers_numbers_are_kept(desk: Desk, visit: Visit) -> None:
    ticket = submitted(desk)
    post(
        visit,
        desk,
        ticket,
        "handling",
        organisation=desk.organisation.pk,
        request_type=ticket.request_type_id,
        priority="2",
        order_number="PO-7",
        cost_centre="Bakery 2",
    )
    row = fresh(desk, ticket)
    assert (row.order_number, row.cost_centre) == ("PO-7", "Bakery 2")


def test_a_contract_is_chosen(desk: Desk, visit: Visit) -> None:
    ticket = submitted(desk)
    with desk.entered():
        agreed = contract(desk)
    post(visit, desk, ticket, "handling", organisation=desk.organisation.pk, priority="2", contract=agreed.pk)
    assert fresh(desk, ticket).contract_id == agreed.pk


@pytest.mark.parametrize("role", ["organisation", "other_organisation"])
def test_contracts_that_do_not_apply_are_not_offered(desk: Desk, visit: Visit, role: str) -> None:
    """Of the own organisation one that has ended, of another one any."""
    with desk.entered():
        ended = {"ends_on": date(2026, 1, 31)} if role == "organisation" else {}
        contract(desk, organisation=getattr(desk, role), **ended)
        ticket = desk.submit()
    assert "contract" not in page_of(visit, desk, ticket).context["handling_form"].fields


# ---- a desk that charges nothing ----


def test_m9_without_billing_the_page_speaks_of_no_money(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        desk.tenant.billing_enabled = False
        desk.tenant.save()
        ticket = in_work(desk, minutes=400)
        actions.ask_to_cancel(ticket, by=desk.requester, text="Stop, please.")
    said = text_of(page_of(visit, desk, ticket)).lower()
    words = ("estimate", "bill", "invoice", "charge", "price", "eur", "vat", "cost centre", "order number")
    assert [word for word in words if re.search(rf"\b{word}", said)] == []


def test_m9_without_billing_the_customers_numbers_stay_as_they_were(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit(order_number="PO-7")
        desk.tenant.billing_enabled = False
        desk.tenant.save()
    post(visit, desk, ticket, "handling", organisation=desk.organisation.pk, priority="3")
    assert (fresh(desk, ticket).order_number, fresh(desk, ticket).priority) == ("PO-7", 3)


# ---- the queue ----


def listed(visit: Visit, desk: Desk, query: str = "") -> list[str]:
    page = visit(desk, desk.agent).get(f"/admin/tickets/ticket/{query}")
    return [row.reference for row in page.context["cl"].result_list]


def test_the_queue_is_called_by_what_stands_in_it(desk: Desk, visit: Visit) -> None:
    assert visit(desk, desk.agent).get("/admin/tickets/ticket/").context["title"] == "Tickets"


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


def cells(visit: Visit, desk: Desk) -> str:
    """The rows of the queue as text."""
    return text_of(visit(desk, desk.agent).get("/admin/tickets/ticket/")).partition("Last activity")[2]


def test_the_queue_marks_what_nobody_has_read(desk: Desk, visit: Visit) -> None:
    ticket = submitted(desk)
    before = cells(visit, desk)
    with desk.entered():
        actions.comment(ticket, by=desk.requester, text="Are you there?")
    assert ("unread" in before, f"{ticket.reference} unread" in cells(visit, desk)) == (False, True)


def test_what_was_answered_is_read(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit()
        actions.comment(ticket, by=desk.requester, text="Are you there?")
        actions.comment(ticket, by=desk.agent, text="Yes.")
    assert "unread" not in cells(visit, desk)


def test_the_queue_marks_who_wants_to_cancel(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        actions.ask_to_cancel(in_work(desk), by=desk.requester, text="Stop, please.")
    assert "wants to cancel" in cells(visit, desk)


@pytest.mark.parametrize(("is_delivered", "turn"), [(False, "our turn"), (True, "customer's turn")])
def test_the_queue_says_whose_turn_it_is(desk: Desk, visit: Visit, is_delivered: bool, turn: str) -> None:
    with desk.entered():
        if is_delivered:
            desk.delivered()
        else:
            desk.submit()
    assert turn in cells(visit, desk)


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


def test_saving_the_handling_keeps_a_type_that_is_offered_no_more(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit()
        RequestType.objects.filter(pk=ticket.request_type_id).update(is_active=False)
    page = visit(desk, desk.agent).get(f"/admin/tickets/ticket/{ticket.pk}/change/")
    offered = page.context["handling_form"].fields["request_type"].queryset
    with desk.entered():
        assert offered.filter(pk=ticket.request_type_id).exists()
