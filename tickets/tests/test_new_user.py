"""B21: a new user of the desk is asked for by a topic of its own; the agent creates them from the request."""

from typing import Any

import pytest

from accounts.models import InvitedMember, Person, Representation
from conftest import Desk, Visit
from notifications.models import OutboxMessage
from tickets.models import RequestType, Ticket


@pytest.fixture
def asked(desk: Desk, visit: Visit) -> Ticket:
    """Filed through the preset's own form."""
    with desk.entered():
        kind = RequestType.objects.get(icon="person-plus")
        fields = {row.meaning: row.name for row in kind.fields.all()}
    sent = {
        fields["new_name"]: "Nora New",
        fields["new_email"]: "Nora@Example.com",
        fields["new_phone"]: "+37167000000",
    }
    answer = visit(desk, desk.requester).post(f"/requests/new/{kind.pk}/", sent)
    assert answer.status_code == 302
    with desk.entered():
        return Ticket.objects.get()


def press(desk: Desk, visit: Visit, ticket: Ticket, who: Person | None = None, **values: str) -> Any:
    sent = {"name": "Nora New", "email": "nora@example.com", **values}
    return visit(desk, who or desk.agent).post(f"/admin/tickets/ticket/{ticket.pk}/user/", sent, follow=True)


def test_b21_the_request_is_named_after_who_is_new(asked: Ticket) -> None:
    assert asked.subject == "Add new users: Nora New"


def test_b21_the_agents_page_has_the_new_user_filled_in(desk: Desk, visit: Visit, asked: Ticket) -> None:
    page = visit(desk, desk.agent).get(f"/admin/tickets/ticket/{asked.pk}/change/").content.decode()
    assert 'value="nora@example.com"' in page
    assert 'value="+371 67 000 000"' in page


def test_b21_the_new_user_asks_for_the_organisation(desk: Desk, visit: Visit, asked: Ticket) -> None:
    press(desk, visit, asked)
    with desk.entered():
        row = Representation.objects.get(person__email="nora@example.com")
        assert (row.organisation_id, row.may_ask, row.may_approve) == (desk.organisation.pk, True, False)


def test_b21_access_comes_by_e_mail(desk: Desk, visit: Visit, asked: Ticket) -> None:
    press(desk, visit, asked)
    with desk.entered():
        assert OutboxMessage.objects.get(to_person__email="nora@example.com").subject == "Your access to Alpha Desk"


def test_b21_the_trail_says_who_was_created(desk: Desk, visit: Visit, asked: Ticket) -> None:
    press(desk, visit, asked)
    page = visit(desk, desk.requester).get(f"/requests/{asked.reference}/").content.decode()
    assert "created the user Nora New" in page


def test_b21_who_is_known_already_is_not_made_twice(desk: Desk, visit: Visit, asked: Ticket) -> None:
    press(desk, visit, asked)
    press(desk, visit, asked)
    with desk.entered():
        assert Person.objects.filter(email="nora@example.com").count() == 1


def test_b21_a_colleague_is_no_new_user(desk: Desk, visit: Visit, asked: Ticket) -> None:
    page = press(desk, visit, asked, email=desk.accountant.email).content.decode()
    assert "the address of a colleague" in page


def test_b21_an_accountant_creates_nobody(desk: Desk, visit: Visit, asked: Ticket) -> None:
    press(desk, visit, asked, desk.accountant)
    with desk.entered():
        assert not Person.objects.filter(email="nora@example.com").exists()


def test_b21_a_request_by_mail_gets_the_form_when_its_type_is_changed(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit(request_type=RequestType.objects.get(icon="person-plus"), subject="Jauns lietotājs")
    page = visit(desk, desk.agent).get(f"/admin/tickets/ticket/{ticket.pk}/change/").content.decode()
    assert 'id="user-title"' in page


def test_other_requests_offer_no_new_user(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit()
    assert (
        'id="user-title"'
        not in visit(desk, desk.agent).get(f"/admin/tickets/ticket/{ticket.pk}/change/").content.decode()
    )


def test_another_desks_agent_creates_nobody_from_it(desk: Desk, rival: Desk, visit: Visit, asked: Ticket) -> None:
    answer = visit(rival, rival.agent).post(f"/admin/tickets/ticket/{asked.pk}/user/", {"email": "nora@example.com"})
    assert answer.status_code == 404


def test_b21_who_is_known_elsewhere_is_asked_first(desk: Desk, visit: Visit, asked: Ticket) -> None:
    """Another organisation's customer does not become one's representative by being named in a form."""
    press(desk, visit, asked, email=desk.stranger.email)
    with desk.entered():
        assert not Representation.objects.filter(person=desk.stranger, organisation=desk.organisation).exists()
        assert InvitedMember.objects.filter(person=desk.stranger, organisation=desk.organisation).exists()
