"""Finding requests by their words: in which, by which, and by nobody else."""

from typing import Any

import pytest

from conftest import Desk
from tickets import actions
from tickets.models import Comment, Ticket
from tickets.search import Correction, Scope, as_reference, corrected, find


def mine(desk: Desk) -> Scope:
    return Scope("requester", desk.requester.pk)


def organisations(desk: Desk) -> Scope:
    return Scope("organisation", desk.organisation.pk)


def is_found(desk: Desk, typed: str, **request: Any) -> bool:
    """Whether the words find this request and not the other one."""
    desk.submit(subject="Another matter", description="Something else.")
    ticket = desk.submit(**request)
    return find(mine(desk), typed) == [ticket.pk]


def test_a_word_of_the_summary(inside: Desk) -> None:
    assert is_found(inside, "ledger", subject="The ledger is closed")


def test_a_word_of_the_description(inside: Desk) -> None:
    assert is_found(inside, "november", description="Since November.")


def test_the_number_of_its_reference(inside: Desk) -> None:
    assert is_found(inside, "desk-2", subject="Payroll")


@pytest.mark.parametrize("by", ["requester", "agent"])
def test_a_word_that_was_said_later(inside: Desk, by: str) -> None:
    ticket = inside.submit()
    inside.submit()
    actions.comment(ticket, by=getattr(inside, by), text="It is the toner.")
    assert find(mine(inside), "toner") == [ticket.pk]


def test_an_internal_note_is_not_found(inside: Desk) -> None:
    actions.comment(inside.submit(), by=inside.agent, text="A difficult customer.", is_internal=True)
    assert find(mine(inside), "difficult") == []


def test_a_note_that_is_made_public_is_found(inside: Desk) -> None:
    ticket = inside.submit()
    actions.comment(ticket, by=inside.agent, text="It is the toner.", is_internal=True)
    Comment.objects.update(is_internal=False)
    assert find(mine(inside), "toner") == [ticket.pk]


def test_a_public_word_that_becomes_a_note_is_not_found(inside: Desk) -> None:
    actions.comment(inside.submit(), by=inside.agent, text="It is the toner.")
    Comment.objects.update(is_internal=True)
    assert find(mine(inside), "toner") == []


def test_a_summary_that_was_changed_is_found_by_its_new_words_only(inside: Desk) -> None:
    ticket = inside.submit(subject="The ledger is closed")
    Ticket.objects.filter(pk=ticket.pk).update(subject="The payroll is open")
    assert (find(mine(inside), "ledger"), find(mine(inside), "payroll")) == ([], [ticket.pk])


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("Nedarbojas grāmatvedības žurnāls", "gramatvedibas zurnals"),
        ("Příliš žluťoučký kůň", "prilis zlutoucky kun"),
        ("Łódź, zażółć gęślą jaźń", "lodz zazolc gesla"),
        ("Ещё один отчёт", "еще отчет"),
        ("Gramatvediba", "GRĀMATVEDĪBA"),
        ("Fac\u0327ade", "façade"),
    ],
)
def test_case_and_accents_do_not_matter_in_any_language(inside: Desk, written: str, typed: str) -> None:
    assert is_found(inside, typed, subject=written)


def test_all_words_are_wanted(inside: Desk) -> None:
    inside.submit(subject="The ledger is closed")
    assert find(mine(inside), "ledger open") == []


def test_each_word_may_go_on(inside: Desk) -> None:
    assert is_found(inside, "led clo", subject="The ledger is closed")


def test_the_newest_activity_comes_first(inside: Desk) -> None:
    first, second = inside.submit(), inside.submit()
    actions.comment(first, by=inside.requester, text="Still.")
    assert find(mine(inside), "printer") == [first.pk, second.pk]


def test_ended_ones_are_left_out_where_only_living_are_wanted(inside: Desk) -> None:
    actions.cancel(inside.submit(), by=inside.requester, text="No need.")
    alive = inside.submit()
    assert find(mine(inside), "printer", alive=True) == [alive.pk]


@pytest.mark.parametrize("typed", ["", "  ", "…", "'", "\\", ":*", "!()&|<->", "%_", "\x01organisation1", "a\x02b"])
def test_signs_are_no_words(inside: Desk, typed: str) -> None:
    inside.submit()
    assert find(mine(inside), typed) == []


def test_many_long_words_are_no_trouble(inside: Desk) -> None:
    ticket = inside.submit(description=" ".join(f"{n:x>60}" for n in range(1500)) + "ш" * 3000)
    for n in range(3):
        actions.comment(ticket, by=inside.requester, text=" ".join(f"{n}y{m:ш>60}" for m in range(1500)))
    assert find(mine(inside), "printer") == [ticket.pk]


def test_more_than_two_thousand_are_searched_to_the_oldest(inside: Desk) -> None:
    oldest = inside.submit(subject="The one with the ledger")
    Ticket.objects.bulk_create(
        Ticket(reference=f"X-{n}", number=n, requester=inside.requester, subject="Other") for n in range(2001)
    )
    assert find(mine(inside), "ledger") == [oldest.pk]


# ---- whose ----


def test_mine_are_those_that_i_asked_for(inside: Desk) -> None:
    inside.submit(by=inside.colleague)
    assert find(mine(inside), "printer") == []


def test_the_organisations_are_all_of_it(inside: Desk) -> None:
    tickets = [inside.submit(), inside.submit(by=inside.colleague)]
    assert find(organisations(inside), "printer") == [row.pk for row in reversed(tickets)]


def test_another_organisations_are_not(inside: Desk) -> None:
    inside.submit(by=inside.stranger, organisation=inside.other_organisation)
    assert find(organisations(inside), "printer") == []


def test_a_request_that_moved_to_another_organisation_is_found_there(inside: Desk) -> None:
    ticket = inside.submit()
    Ticket.objects.filter(pk=ticket.pk).update(organisation=inside.other_organisation)
    assert find(organisations(inside), "printer") == []
    assert find(Scope("organisation", inside.other_organisation.pk), "printer") == [ticket.pk]


def test_what_is_shared_is_found_by_who_was_invited(inside: Desk) -> None:
    ticket = inside.submit()
    inside.submit()
    guest = inside.guest(ticket)
    assert find(Scope("guest", guest.pk), "printer") == [ticket.pk]


def test_another_desks_are_never_found(desk: Desk, rival: Desk) -> None:
    with desk.entered():
        desk.submit()
    with rival.entered():
        assert find(Scope("requester", desk.requester.pk), "printer") == []


def test_nothing_is_found_outside_of_a_desk(desk: Desk) -> None:
    with desk.entered():
        desk.submit()
        scope = mine(desk)
    assert find(scope, "printer") == []


# ---- slips ----


@pytest.mark.parametrize("typed", ["pritner", "prnter", "printre", "prnnter"])
def test_a_slip_is_put_right(inside: Desk, typed: str) -> None:
    inside.submit()
    assert corrected(mine(inside), typed) == Correction(typed, "printer", "printer")


def test_what_is_right_beside_a_slip_stays(inside: Desk) -> None:
    inside.submit()
    assert corrected(mine(inside), "nothing pritner") == Correction("pritner", "printer", "nothing printer")


@pytest.mark.parametrize("typed", ["prxxxter", "cat", "invoice"])
def test_what_is_far_from_all_words_is_not(inside: Desk, typed: str) -> None:
    inside.submit()
    assert corrected(mine(inside), typed) is None


def test_no_word_of_others_is_told(inside: Desk) -> None:
    inside.submit(by=inside.colleague, subject="Redundancies")
    inside.submit()
    assert corrected(mine(inside), "redundancie5") is None


def test_no_word_of_a_note_is_told(inside: Desk) -> None:
    actions.comment(inside.submit(), by=inside.agent, text="Troublesome", is_internal=True)
    assert corrected(mine(inside), "troublesme") is None


def test_no_word_of_another_desk_is_told(desk: Desk, rival: Desk) -> None:
    with desk.entered():
        desk.submit()
    with rival.entered():
        assert corrected(mine(desk), "pritner") is None


@pytest.mark.parametrize(
    ("typed", "reference"),
    [("DESK-38", "DESK-38"), ("desk-38", "DESK-38"), ("38", "DESK-38"), (" #38 ", "DESK-38"), ("x", ""), ("3 8", "")],
)
def test_a_reference_is_known_by_its_look(typed: str, reference: str) -> None:
    assert as_reference(typed, "DESK") == reference
