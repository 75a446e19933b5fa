"""Who can read a request, said on its page and before it is sent."""

import html
import re

from accounts.models import Person, Representation
from conftest import Desk, Visit
from tickets import actions
from tickets.models import Ticket


def who_reads(visit: Visit, desk: Desk, path: str, reader: Person) -> str:
    """The words of the part."""
    shown = visit(desk, reader).get(path).content.decode()
    found = re.search(r'<div class="who-reads".*?</div>', shown, re.DOTALL)
    assert found
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", found.group(0)).split()))


def on_page(visit: Visit, desk: Desk, ticket: Ticket, reader: Person | None = None) -> str:
    return who_reads(visit, desk, f"/requests/{ticket.reference}/", reader or desk.requester)


def colleagues(desk: Desk, number: int) -> None:
    for one in range(number):
        person = desk.joins(f"c{one:02} Colleague")
        Representation.objects.create(person=person, organisation=desk.organisation)


def test_few_are_named(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit()
    wanted = f"You, Colin Colleague of {desk.organisation} and our staff can read this request."
    assert on_page(visit, desk, ticket) == wanted


def test_a10_who_was_invited_is_named(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit()
        desk.guest(ticket)
    assert "Gus Guest (invited) and our staff" in on_page(visit, desk, ticket)


def test_many_are_counted_and_listed(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        colleagues(desk, 8)
        ticket = desk.submit()
    shown = on_page(visit, desk, ticket)
    said, _, listed = shown.partition("Everybody by name")
    assert (f"9 other people of {desk.organisation}" in said, listed.count("Colleague"), "more" in listed) == (
        True,
        9,
        False,
    )


def test_after_fifty_the_others_are_counted(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        colleagues(desk, 61)
        ticket = desk.submit()
    listed = on_page(visit, desk, ticket).partition("Everybody by name")[2]
    assert (listed.count("Colleague"), "and 12 more" in listed) == (50, True)


def test_who_is_not_active_reads_nothing_and_is_not_named(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit()
        desk.guest(ticket)
        Person.objects.filter(name__in=("Gus Guest", "Colin Colleague")).update(is_active=False)
    assert on_page(visit, desk, ticket) == "You and our staff can read this request."


def test_staff_are_not_told_that_they_are_the_customer(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit()
    shown = on_page(visit, desk, ticket, desk.agent)
    assert shown == f"Colin Colleague and Rita Requester of {desk.organisation} and our staff can read this request."


def test_a_guest_is_not_told_the_names_of_an_organisation(desk: Desk, visit: Visit) -> None:
    """They see who takes part, and share nothing else with these people."""
    with desk.entered():
        colleagues(desk, 8)
        ticket = desk.submit()
        guest = desk.guest(ticket)
    wanted = f"You, the representatives of {desk.organisation} and our staff can read this request."
    assert on_page(visit, desk, ticket, guest) == wanted


def test_of_an_applicant_without_organisation(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit(by=desk.agent, requester=desk.joins("Ann Alone"), organisation=None)
    assert on_page(visit, desk, ticket, desk.agent) == "Ann Alone and our staff can read this request."


def test_the_form_says_it_before_it_is_sent(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        path = f"/requests/new/{desk.type().pk}/"
    wanted = f"You, Colin Colleague of {desk.organisation} and our staff will be able to read this request."
    assert who_reads(visit, desk, path, desk.requester) == wanted


def test_the_sentence_names_exactly_who_can_open_it(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit()
        desk.guest(ticket)
        actions.add_participant(ticket, by=desk.requester, address=desk.stranger.email)
        customers = [one for one in Person.objects.all() if not one.is_staff]
        can = {str(one) for one in customers if Ticket.objects.visible_to(one).filter(pk=ticket.pk).exists()}
        names = {str(one) for one in customers}
    said = on_page(visit, desk, ticket)
    assert {name for name in names if name in said} == can - {"Rita Requester"}
