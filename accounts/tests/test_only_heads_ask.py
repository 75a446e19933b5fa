"""Where a desk says so, only the head of the office may ask, for the office or for a client company (M1)."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.auth import read_person
from accounts.errors import NotAllowed
from accounts.models import Organisation, Person, Representation, Tenant
from accounts.tests.programs import post, program
from conftest import Desk, Visit
from tickets.actions import submit_by_mail
from tickets.models import Ticket


@pytest.fixture
def office(desk: Desk) -> Desk:
    """The colleague is the head of the office; the requester works there and has the right to ask."""
    with desk.entered():
        tenant = Tenant.objects.get()
        tenant.only_heads_ask = True
        tenant.save()
    return desk


def pages(desk: Desk) -> tuple[str, ...]:
    with desk.entered():
        return "/", "/requests/new/", f"/requests/new/{desk.type().pk}/"


# ---- every door ----


def test_m1_the_head_asks(office: Desk) -> None:
    with office.entered():
        assert office.submit(by=office.colleague).requester == office.colleague


def test_m1_who_is_not_the_head_does_not(office: Desk) -> None:
    with office.entered(), pytest.raises(NotAllowed):
        office.submit(by=Person.objects.get(pk=office.requester.pk))


def test_m1_the_head_asks_for_a_client_company(office: Desk) -> None:
    with office.entered():
        client = Organisation.objects.create(name="Client Ltd")
        Representation.objects.create(person=office.colleague, organisation=client, is_head=True)
        head = Person.objects.get(pk=office.colleague.pk)
        assert office.submit(by=head, organisation=client).organisation == client


def test_m1_an_agent_files_for_whoever_called(office: Desk) -> None:
    with office.entered():
        assert office.submit(by=office.agent, requester=office.requester).requester == office.requester


def test_m1_the_portal_refuses_the_form(office: Desk, visit: Visit) -> None:
    browser = visit(office, office.requester)
    answer = browser.post(pages(office)[2], {"summary": "The printer", "description": ""})
    with office.entered():
        assert (answer.status_code, Ticket.objects.count()) == (422, 0)


def test_m1_a_mail_of_somebody_else_is_not_in_the_organisations_name(office: Desk) -> None:
    """Nothing that arrives is lost, but it is not the office that asks."""
    with office.entered():
        kind = office.type()
        mine, heads = (
            submit_by_mail(requester=Person.objects.get(pk=who.pk), subject="x", description="y", request_type=kind)
            for who in (office.requester, office.colleague)
        )
    assert (mine.organisation, heads.organisation) == (None, office.organisation)


def test_m1_a_program_asks_no_more_than_its_person(office: Desk) -> None:
    with office.entered():
        values = {"request_type": office.type().pk, "subject": "The printer"}
    answers = [post(program(office, who), "/requests/", values) for who in (office.requester, office.colleague)]
    assert [answer.status_code == 201 for answer in answers] == [False, True]


def test_a_program_reads_that_it_may_not_ask(office: Desk) -> None:
    (row,) = program(office, office.requester).get("/api/v1/me/").json()["organisations"]
    assert row["may_ask"] is False


# ---- what they read instead ----


@pytest.mark.parametrize("page", [0, 1, 2])
def test_m1_who_may_not_ask_reads_who_may(office: Desk, visit: Visit, page: int) -> None:
    text = visit(office, office.requester).get(pages(office)[page]).content.decode()
    assert ("Colin Colleague" in text, "Only the head" in text, 'name="summary"' in text) == (True, True, False)


@pytest.mark.parametrize("page", [0, 1, 2])
def test_m1_the_head_reads_the_topics_and_the_form(office: Desk, visit: Visit, page: int) -> None:
    assert "Only the head" not in visit(office, office.colleague).get(pages(office)[page]).content.decode()


def test_without_the_right_one_reads_whom_to_ask_on_any_desk(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        Representation.objects.filter(person=desk.requester).update(may_ask=False)
    text = visit(desk, desk.requester).get("/requests/new/").content.decode()
    assert ("Colin Colleague" in text, "You do not have this right" in text) == (True, True)


def test_who_may_ask_for_another_organisation_is_led_there(office: Desk, visit: Visit) -> None:
    with office.entered():
        client = Organisation.objects.create(name="Client Ltd")
        Representation.objects.create(person=office.requester, organisation=client, is_head=True)
    browser = visit(office, office.requester)
    assert "Act for it first" in browser.get("/requests/new/").content.decode()
    browser.post("/act-for/", {"organisation": client.pk})
    assert "Only the head" not in browser.get("/requests/new/").content.decode()


def test_another_desk_is_not_asked(office: Desk, rival: Desk) -> None:
    with rival.entered():
        assert rival.submit().requester == rival.requester


# ---- at no cost ----


def test_the_policy_costs_no_query(office: Desk) -> None:
    with office.entered():
        for number in range(3):
            client = Organisation.objects.create(name=f"Client {number}")
            Representation.objects.create(person=office.colleague, organisation=client, is_head=True)
        user = office.colleague.user_id
        assert user is not None
        with CaptureQueriesContext(connection) as queries:
            person: Any = read_person(user)
            found = [row.can_ask for row in person.represents]
    assert (found, len(queries)) == ([True] * 4, 1)


# ---- the switch of somebody with many clients ----


@pytest.mark.parametrize(("clients", "is_searched"), [(7, False), (8, True)])
def test_m1_many_clients_can_be_searched(desk: Desk, visit: Visit, clients: int, is_searched: bool) -> None:
    with desk.entered():
        for number in range(clients):
            client = Organisation.objects.create(name=f"Client {number}")
            Representation.objects.create(person=desk.colleague, organisation=client)
    text = visit(desk, desk.colleague).get("/contact/").content.decode()
    assert ("Search the organisations" in text, "Client 6" in text) == (is_searched, True)
