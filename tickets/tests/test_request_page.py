"""The request page: whose turn it is, the estimate and who may accept it, people, proof, what else one can do."""

import hashlib
import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Organisation, Person, Representation, Tenant
from conftest import Desk, Visit, comments_of, in_days
from tickets import actions
from tickets.models import Approval, Estimate, Participant, Ticket
from tickets.tests.steps import fixed, fresh, hours, limit, newest, says, stands_in
from tickets.workflow import Status


def get(visit: Visit, desk: Desk, ticket: Ticket, reader: Person | None = None) -> Any:
    return visit(desk, reader or desk.requester).get(f"/requests/{ticket.reference}/")


def page(visit: Visit, desk: Desk, ticket: Ticket, reader: Person | None = None) -> str:
    return str(get(visit, desk, ticket, reader).content.decode())


def press(visit: Visit, desk: Desk, ticket: Ticket, name: str, reader: Person, **said: Any) -> Any:
    return visit(desk, reader).post(f"/requests/{ticket.reference}/do/{name}/", said)


def names(answer: Any, place: str) -> list[str]:
    return [verb.name for verb in answer.context[place]]


def reloaded(desk: Desk, ticket: Ticket) -> Ticket:
    with desk.entered():
        return fresh(ticket)


def without_billing(desk: Desk) -> None:
    with desk.entered():
        Tenant.objects.update(billing_enabled=False)


# ---- whose turn it is, and what is asked ----


@pytest.mark.parametrize(
    ("state", "turn", "choices", "others"),
    [
        ("submit", "provider", [], ["cancel"]),
        ("started", "provider", [], ["ask_to_cancel"]),
        ("asked", "you", ["reopen"], ["cancel"]),
        ("delivered", "you", ["accept_solution", "reopen"], []),
        ("scheduled", "provider", [], ["accept_solution", "reopen"]),
        ("accepted", "provider", [], ["reopen", "take_back"]),
        ("estimated", "you", ["request_changes"], ["cancel"]),
        ("agreed", "provider", [], ["cancel"]),
    ],
)
def test_each_state_says_whose_turn_it_is_and_offers_its_verbs(
    desk: Desk, visit: Visit, state: str, turn: str, choices: list[str], others: list[str]
) -> None:
    with desk.entered():
        ticket = getattr(desk, state)()
    answer = get(visit, desk, ticket)
    found = answer.context["ticket"]["turn"], names(answer, "choices"), names(answer, "others")
    assert found == (turn, choices, others)


def test_what_has_ended_is_nobodys_turn(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.accepted(minutes=0)
    assert 'class="turn"' not in page(visit, desk, ticket)


def test_a_grave_verb_never_stands_in_front(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.estimated()
    before, _, after = page(visit, desk, ticket, desk.approver).partition('id="more"')
    assert ("do/cancel/" in before, "do/cancel/" in after) == (False, True)


def test_a_grave_verb_does_not_look_like_the_main_one(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit()
    buttons = re.findall(r'class="(btn[^"]*)"[^>]*>Cancel the request<', page(visit, desk, ticket))
    assert buttons == ["btn btn-small btn-grave", "btn btn-grave"]


def test_staff_read_it_without_the_customers_buttons(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.delivered()
    answer = get(visit, desk, ticket, desk.agent)
    assert (answer.status_code, answer.context["actions"]) == (200, [])


@pytest.mark.parametrize(("state", "label"), [("asked", "Answer by"), ("delivered", "Review ends")])
def test_the_end_of_a_period_is_named_by_what_it_ends(desk: Desk, visit: Visit, state: str, label: str) -> None:
    with desk.entered():
        ticket = getattr(desk, state)()
    assert f"<dt>{label}</dt>" in page(visit, desk, ticket)


def test_b17_the_planned_rollout_is_told(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.scheduled()
    assert "<dt>Planned rollout</dt>" in page(visit, desk, ticket)


def test_the_customers_own_numbers_come_back(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit(order_number="PO-77", cost_centre="Bakery")
    shown = page(visit, desk, ticket)
    assert ("PO-77" in shown, "Bakery" in shown) == (True, True)


def test_m9_without_billing_they_do_not_appear(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit(order_number="PO-77")
    without_billing(desk)
    assert "PO-77" not in page(visit, desk, ticket)


# ---- neighbours ----


def test_a_merged_request_leads_to_where_it_goes_on(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        into, ticket = desk.submit(subject="The first one"), desk.submit()
        actions.merge(ticket, by=desk.agent, into=into)
    assert f'href="/requests/{into.reference}/"' in page(visit, desk, ticket)


def test_a_neighbour_that_the_reader_may_not_see_is_not_named(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        into, ticket = desk.submit(subject="Not for guests"), desk.submit()
        guest = desk.guest(ticket)
        actions.merge(ticket, by=desk.agent, into=into)
        Participant.objects.filter(ticket=into).delete()
    shown = page(visit, desk, ticket, guest)
    assert (into.reference in shown, "Not for guests" in shown) == (False, False)


# ---- the estimate ----


def test_b11_the_approver_reads_lines_and_sums(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.estimated(note="With a tray.", terms="Paid in a week.")
    shown = page(visit, desk, ticket, desk.approver)
    wanted = (
        "Analysis",
        "3 h",
        "60.00 an hour",
        "180.00",
        "110.00",
        "290.00 EUR",
        "With a tray.",
        "Paid in a week.",
    )
    assert [words for words in wanted if words not in shown] == []


def test_the_main_button_says_what_is_ordered(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.estimated()
    first = get(visit, desk, ticket, desk.approver).context["choices"][0]
    assert (first.name, first.style, "3 h, 290.00 EUR" in first.label) == ("accept_estimate", "main", True)


def test_who_may_not_accept_reads_who_may(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.estimated()
    assert "Colin Colleague may accept 290.00 EUR without VAT." in page(visit, desk, ticket)


def test_a_deputy_is_named_among_them(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.estimated()
        desk.deputy()
    assert "Colin Colleague or Dora Deputy may accept" in page(visit, desk, ticket)


def test_who_may_accept_reads_no_such_sentence(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.estimated()
    assert get(visit, desk, ticket, desk.approver).context["who_accepts"] == ""


def test_nobody_may_accept_any_more(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.estimated()
        limit(desk.approver, "5.00")
    assert "Nobody at Rye Bread Ltd may accept" in page(visit, desk, ticket)


def test_the_last_day_has_passed(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.estimated()
        Estimate.objects.update(state="replaced")
        old = newest(ticket)
        again = {field: getattr(old, field) for field in ("ticket", "currency", "minutes", "net_total", "vat_total")}
        Estimate.objects.create(
            **again, version=2, total=old.total, due_on=old.due_on, valid_until=in_days(-1), sent_by=desk.agent
        )
    assert "cannot be accepted any more" in page(visit, desk, ticket, desk.approver)


def test_a_new_version_says_what_changed_and_keeps_the_old_one(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.estimated()
        desk.estimated(ticket, lines=[hours(120), fixed("110.00")])
    shown = page(visit, desk, ticket)
    wanted = (
        "What changed since the version before",
        "1 earlier version",
        "Version 1",
        "instead of 3 h at 60.00 EUR an hour",
    )
    assert [words for words in wanted if words not in shown] == []


def test_a8_a_price_of_zero_says_why(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.estimated(lines=[fixed("0.00")], zero_reason="A warranty claim.")
    assert "It costs nothing: A warranty claim." in page(visit, desk, ticket)


def test_b12_the_approver_accepts_by_the_button(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.estimated()
    press(visit, desk, ticket, "accept_estimate", desk.approver, version=1, order_number="PO-9")
    found = reloaded(desk, ticket)
    assert (found.status, found.order_number) == (Status.ESTIMATE_ACCEPTED, "PO-9")


def test_the_button_carries_the_version_that_is_shown(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.estimated()
        desk.estimated(ticket)
    assert re.search(r'name="version" value="2"', page(visit, desk, ticket, desk.approver))


def test_a_version_that_came_in_between_is_not_accepted(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.estimated()
        desk.estimated(ticket, lines=[fixed("9000.00")])
    answer = press(visit, desk, ticket, "accept_estimate", desk.approver, version=1, order_number="PO-9")
    shown = answer.content.decode()
    assert (answer.status_code, reloaded(desk, ticket).status) == (409, Status.ESTIMATED)
    # What was typed is there again, and the next press is about what the page shows now.
    assert all(words in shown for words in ("There is a newer version", "PO-9", 'name="version" value="2"'))


def test_who_may_not_accept_is_refused_with_the_names(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.estimated()
    answer = press(visit, desk, ticket, "accept_estimate", desk.requester, version=1)
    assert (answer.status_code, "Colin Colleague" in answer.content.decode()) == (409, True)


def test_changes_are_asked_for_with_words(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.estimated()
    press(visit, desk, ticket, "request_changes", desk.requester, text="Without the tray.")
    with desk.entered():
        assert (fresh(ticket).status, comments_of(ticket)) == (Status.REOPENED, ["Without the tray."])


def test_without_words_the_form_stays_open_with_its_error(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.estimated()
    answer = press(visit, desk, ticket, "request_changes", desk.approver, text=" ")
    form = re.search(r"<details open>(.*?)</details>", answer.content.decode(), re.DOTALL)
    assert (answer.status_code, form is not None and "Write a sentence first" in form.group(1)) == (422, True)


def test_an_accepted_estimate_stays_readable_folded(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = actions.start_work(desk.agreed(), by=desk.agent, expected_minutes=180)
    fold = re.search(r'<details class="[^"]*folded" id="estimate" data-part="\w+">', page(visit, desk, ticket))
    assert fold


def test_m9_without_billing_there_is_no_estimate(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = actions.start_work(desk.agreed(), by=desk.agent, expected_minutes=180)
    without_billing(desk)
    assert "Estimate, version" not in page(visit, desk, ticket)


# ---- people ----


def test_a10_somebody_is_invited(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit()
    visit(desk, desk.requester).post(f"/requests/{ticket.reference}/invite/", {"email": "New@Else.example"})
    assert "new@else.example" in page(visit, desk, ticket)


def test_a_wrong_address_stays_where_it_was_typed(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit()
    answer = visit(desk, desk.requester).post(f"/requests/{ticket.reference}/invite/", {"email": "nobody at all"})
    fold = re.search(r'<details class="invite[^"]*" open>(.*?)</details>', answer.content.decode(), re.DOTALL)
    assert answer.status_code == 422
    assert fold is not None
    assert all(words in fold.group(1) for words in ("nobody at all", "This is not an e-mail address"))


def test_colleagues_of_the_desk_cannot_be_invited(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit()
    answer = visit(desk, desk.requester).post(f"/requests/{ticket.reference}/invite/", {"email": desk.agent.email})
    assert (answer.status_code, list(answer.context["invite_form"].errors)) == (422, ["email"])


def test_an_invited_person_can_be_removed(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit()
        guest = desk.guest(ticket)
    where = f"/requests/{ticket.reference}/invited/{guest.pk}/remove/"
    assert where in page(visit, desk, ticket)
    visit(desk, desk.requester).post(where)
    assert get(visit, desk, ticket, guest).status_code == 404


def test_a_guest_may_leave(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit()
        guest = desk.guest(ticket)
    where = f"/requests/{ticket.reference}/invited/{guest.pk}/remove/"
    assert re.search(rf'action="{where}">.*?Leave', page(visit, desk, ticket, guest), re.DOTALL)
    answer = visit(desk, guest).post(where, follow=True)
    assert f"You do not take part in {ticket.reference} any more." in answer.content.decode()


def test_a_guest_cannot_remove_another(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit()
        guest = desk.guest(ticket)
        other = actions.add_participant(ticket, by=desk.requester, address="other@else.example").person
    where = f"/requests/{ticket.reference}/invited/{other.pk}/remove/"
    assert where not in page(visit, desk, ticket, guest)
    visit(desk, guest).post(where)
    with desk.entered():
        assert Participant.objects.filter(person=other).exists()


def test_a_guest_is_offered_nothing_and_not_told_that_it_waits_for_them(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.delivered()
        guest = desk.guest(ticket)
    answer = get(visit, desk, ticket, guest)
    shown = answer.context["ticket"]
    assert (answer.context["actions"], answer.context["may_invite"]) == ([], False)
    assert (shown["status_label"], shown["turn"]) == ("Waiting for customer", "customer")
    assert "You were invited to this request" in answer.content.decode()


def test_a_guest_who_presses_all_the_same_is_refused(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.delivered()
        guest = desk.guest(ticket)
    assert press(visit, desk, ticket, "accept_solution", guest).status_code == 409
    assert reloaded(desk, ticket).status == Status.WAITING


# ---- proof ----


def proof_of(desk: Desk, ticket: Ticket) -> Approval:
    with desk.entered():
        row: Approval = Approval.objects.filter(ticket=ticket).latest("id")
        return row


def proof_page(visit: Visit, desk: Desk, ticket: Ticket, reader: Person | None = None) -> str:
    where = f"/requests/{ticket.reference}/approvals/{proof_of(desk, ticket).pk}/"
    return str(visit(desk, reader or desk.requester).get(where).content.decode())


def test_an_acceptance_leads_to_its_proof(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.agreed()
    shown = page(visit, desk, ticket)
    assert "Colin Colleague accepted version 1 of the estimate, 290.00 EUR without VAT." in shown
    assert f"/requests/{ticket.reference}/approvals/{proof_of(desk, ticket).pk}/" in shown


def test_the_proof_shows_words_amount_and_hash(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.agreed()
    shown = proof_page(visit, desk, ticket)
    wanted = ("I accept version 1 of the estimate", "290.00 EUR", "Colin Colleague", proof_of(desk, ticket).sha256)
    assert [words for words in wanted if words not in shown] == []
    assert "Unchanged since it was written" in shown


def test_the_proof_of_a_button_names_the_address(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.delivered()
    press(visit, desk, ticket, "accept_solution", desk.requester)
    assert "127.0.0.1" in proof_page(visit, desk, ticket)


def test_the_proof_of_a_deputy_names_both(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = actions.accept_estimate(desk.estimated(), by=desk.deputy())
    shown = proof_page(visit, desk, ticket)
    assert all(words in shown for words in ("Dora Deputy", "in place of Colin Colleague"))


def test_the_proof_of_a_quote_shows_the_customers_words(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = actions.accept_solution(
            desk.delivered(), by=desk.agent, quote=says(desk.requester, "Fine,\nclose it.")
        )
    shown = proof_page(visit, desk, ticket)
    assert all(words in shown for words in ("Fine,\nclose it.", "telephone", "written down by Agnes Agent"))


def test_an_acceptance_that_was_taken_back_says_so(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.accepted()
    press(visit, desk, ticket, "take_back", desk.requester)
    shown = page(visit, desk, ticket)
    assert all(words in shown for words in ("Taken back", "Rita Requester took the acceptance back."))
    assert "It takes back what was accepted on" in proof_page(visit, desk, ticket)


def test_the_proof_of_what_was_taken_back_leads_to_that(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.accepted()
    first = proof_of(desk, ticket)
    press(visit, desk, ticket, "take_back", desk.requester)
    shown = visit(desk, desk.requester).get(f"/requests/{ticket.reference}/approvals/{first.pk}/").content.decode()
    assert "Rita Requester took it back on" in shown


def test_the_downloaded_record_has_the_hash_of_the_proof(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.accepted()
    row = proof_of(desk, ticket)
    answer = visit(desk, desk.requester).get(f"/requests/{ticket.reference}/approvals/{row.pk}/record/")
    assert hashlib.sha256(answer.content).hexdigest() == row.sha256
    assert f"sha256sum {ticket.reference}-{row.pk}.json" in proof_page(visit, desk, ticket)


def test_a_guest_reads_that_it_was_accepted_but_not_the_proof(desk: Desk, visit: Visit) -> None:
    """The proof names the network address of somebody who is no colleague of theirs."""
    with desk.entered():
        ticket = desk.accepted()
        guest = desk.guest(ticket)
    shown, where = page(visit, desk, ticket, guest), f"/requests/{ticket.reference}/approvals/"
    assert ("Rita Requester accepted the solution." in shown, where in shown) == (True, False)
    for path in (f"{where}{proof_of(desk, ticket).pk}/", f"{where}{proof_of(desk, ticket).pk}/record/"):
        assert visit(desk, guest).get(path).status_code == 404


def test_the_proof_of_another_request_is_not_found(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket, other = desk.accepted(), desk.submit()
    where = f"/requests/{other.reference}/approvals/{proof_of(desk, ticket).pk}/"
    assert visit(desk, desk.requester).get(where).status_code == 404


# ---- a fixed number of queries ----


def queries(visit: Visit, desk: Desk, ticket: Ticket, reader: Person) -> int:
    browser = visit(desk, reader)
    browser.get(f"/requests/{ticket.reference}/")
    with CaptureQueriesContext(connection) as seen:
        assert browser.get(f"/requests/{ticket.reference}/").status_code == 200
    return len(seen)


def test_versions_lines_and_approvers_cost_no_queries(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.estimated(lines=[fixed("10.00")])
    one = queries(visit, desk, ticket, desk.requester)
    with desk.entered():
        for number in range(3):
            desk.estimated(ticket, lines=[fixed("10.00", f"Part {part}") for part in range(number + 2)])
        desk.signatory()
        stands_in(desk.clerk(), for_=desk.approver)
    assert queries(visit, desk, ticket, desk.requester) == one


def test_guests_and_proofs_cost_no_queries(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = actions.take_back_acceptance(desk.accepted(), by=desk.requester)
        desk.guest(ticket)
    one = queries(visit, desk, ticket, desk.requester)
    with desk.entered():
        for _ in range(2):
            actions.accept_solution(fresh(ticket), by=desk.requester)
            actions.take_back_acceptance(fresh(ticket), by=desk.requester)
        for number in range(3):
            actions.add_participant(ticket, by=desk.requester, address=f"guest{number}@else.example")
    assert queries(visit, desk, ticket, desk.requester) == one


# ---- what is shared with me ----


def listed(visit: Visit, desk: Desk, reader: Person, query: str = "") -> Any:
    return visit(desk, reader).get(f"/requests/{query}")


def references(answer: Any) -> list[str]:
    return re.findall(r'class="ref">([^<]+)<', answer.content.decode())


def test_what_is_shared_has_its_own_list(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        shared, own = desk.submit(), desk.submit(by=desk.stranger, organisation=desk.other_organisation)
        actions.add_participant(shared, by=desk.requester, address=desk.stranger.email)
    found = [references(listed(visit, desk, desk.stranger, query)) for query in ("", "?scope=shared")]
    assert found == [[own.reference], [shared.reference]]


def test_who_represents_nobody_sees_it_at_once(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit()
        guest = desk.guest(ticket)
    assert references(listed(visit, desk, guest)) == [ticket.reference]


def test_in_that_list_nothing_waits_for_the_guest(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.delivered()
        guest = desk.guest(ticket)
    rows = listed(visit, desk, guest).context["requests"]
    assert ("Waiting for you" in rows, "Waiting for customer" in rows) == (False, True)


def test_an_empty_shared_list_says_how_it_fills(desk: Desk, visit: Visit) -> None:
    assert "When somebody invites you" in listed(visit, desk, desk.requester, "?scope=shared").content.decode()


def test_the_shared_list_costs_no_more_with_more_rows(desk: Desk, visit: Visit) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert browser.get("/requests/").status_code == 200
        return len(seen)

    with desk.entered():
        guest = desk.guest(desk.submit())
    browser = visit(desk, guest)
    count()
    one = count()
    with desk.entered():
        for _ in range(3):
            desk.guest(desk.submit())
    assert count() == one


def test_my_own_list_asks_nothing_about_guests(desk: Desk, visit: Visit) -> None:
    browser = visit(desk, desk.requester)
    browser.get("/requests/")
    with CaptureQueriesContext(connection) as seen:
        browser.get("/requests/")
    assert [query["sql"] for query in seen if "tickets_participant" in query["sql"]] == []


# ---- a new request ----


def form_page(visit: Visit, desk: Desk, **said: str) -> Any:
    with desk.entered():
        where = f"/requests/new/{desk.type().pk}/"
    browser = visit(desk, desk.requester)
    return browser.post(where, said) if said else browser.get(where)


def test_order_number_and_cost_centre_are_folded_at_the_end(desk: Desk, visit: Visit) -> None:
    shown = form_page(visit, desk).content.decode()
    fold = shown[shown.index('<details class="more">') :]
    assert ('name="order_number"' in fold, 'name="cost_centre"' in fold, 'name="due_date"' in fold) == (
        True,
        True,
        False,
    )


def test_what_was_typed_there_unfolds_it(desk: Desk, visit: Visit) -> None:
    assert '<details class="more" open>' in form_page(visit, desk, summary="", cost_centre="Bakery").content.decode()


def test_they_are_kept_with_the_request(desk: Desk, visit: Visit) -> None:
    form_page(visit, desk, summary="Printer", order_number="PO-77", cost_centre="Bakery")
    with desk.entered():
        ticket = Ticket.objects.get()
    assert (ticket.order_number, ticket.cost_centre) == ("PO-77", "Bakery")


def test_m9_without_billing_the_form_has_no_words_for_books(desk: Desk, visit: Visit) -> None:
    without_billing(desk)
    shown = form_page(visit, desk).content.decode()
    assert ("order_number" in shown, "cost_centre" in shown) == (False, False)


def test_a_representative_who_only_reads_is_not_asked(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket, reader = desk.delivered(), desk.reader()
    shown = get(visit, desk, ticket, reader).context["ticket"]
    assert shown["stage_sentence"] == "We wait for the answer of Rita Requester."


def test_another_organisations_representative_sees_nothing(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.estimated()
        other = Organisation.objects.create(name="Third Ltd")
        Representation.objects.create(person=desk.stranger, organisation=other, may_approve=True)
    assert get(visit, desk, ticket, desk.stranger).status_code == 404


def test_what_was_cancelled_is_not_said_to_be_done(desk: Desk, visit: Visit) -> None:
    """Neither worked on nor invoiced: of the five stages it was received, and it has ended."""
    with desk.entered():
        ticket = desk.submit()
        actions.cancel(ticket, by=desk.requester, text="It works now.")
    assert re.findall(r'data-state="(\w+)"', page(visit, desk, ticket)) == ["done", "todo", "todo", "todo", "current"]
