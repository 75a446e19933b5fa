"""My data: one file with what the desk knows of a person, theirs alone."""

import json
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import ApiToken, Event, Person
from accounts.personal_data import take_along
from accounts.tokens import make_token
from billing.actions import issue_invoice
from conftest import PASSWORD, Desk, Visit
from tickets import actions

WHERE = "/account/data/"


def data_of(person: Person) -> dict[str, list[dict[str, Any]]]:
    with take_along(by=person) as file:
        found: dict[str, list[dict[str, Any]]] = json.loads(file.read())
        return found


def proved(desk: Desk, visit: Visit) -> Client:
    browser = visit(desk)
    browser.post("/account/login/", {"login": desk.requester.email, "password": PASSWORD})
    browser.post("/account/reauthenticate/", {"password": PASSWORD})
    return browser


def test_the_password_is_asked_for_once_more(desk: Desk, visit: Visit) -> None:
    answer = visit(desk, desk.requester).post(WHERE)
    assert answer["Location"] == "/account/reauthenticate/?next=%2Faccount%2Fdata%2F"


def test_looking_at_the_page_makes_nothing(desk: Desk, visit: Visit) -> None:
    page = proved(desk, visit).get(WHERE)
    assert "Download my data" in page.content.decode()
    with desk.entered():
        assert not Event.objects.filter(kind="person.data_downloaded").exists()


def test_the_file_is_saved_not_shown(desk: Desk, visit: Visit) -> None:
    answer = proved(desk, visit).post(WHERE)
    assert answer["Content-Disposition"] == 'attachment; filename="my-data.json"'
    assert answer["Cache-Control"] == "private, no-store"
    [person] = json.loads(b"".join(answer.streaming_content))["person"]
    assert (person["name"], person["email"]) == (desk.requester.name, desk.requester.email)


def test_that_it_was_made_is_history(desk: Desk, visit: Visit) -> None:
    proved(desk, visit).post(WHERE)
    with desk.entered():
        assert Event.objects.get(kind="person.data_downloaded").by_id == desk.requester.pk


def test_it_holds_ones_requests_comments_files_and_approvals(inside: Desk) -> None:
    ticket = inside.accepted()
    actions.comment(ticket, by=inside.requester, text="Pāldies", files=[ContentFile(b"text", name="a.txt")])
    data = data_of(inside.requester)
    assert [row["description"] for row in data["requests"]] == [ticket.description]
    assert [(row["request"], row["text"]) for row in data["comments"]] == [(ticket.reference, "Pāldies")]
    assert data["files"] == [{"request": ticket.reference, "file_name": "a.txt", "bytes": 4}]
    assert [row["request"] for row in data["approvals"]] == [ticket.reference]


def test_it_is_readable_as_it_is(inside: Desk) -> None:
    inside.submit(subject="Žurnāls \u2028 нет")
    with take_along(by=inside.requester) as file:
        assert '\n      "subject": "Žurnāls \u2028 нет"' in file.read().decode()


def test_nothing_of_others_is_in_it(inside: Desk, rival: Desk) -> None:
    ticket = inside.submit(by=inside.colleague, subject="Of the colleague")
    own = inside.submit()
    actions.comment(own, by=inside.agent, text="Words of the agent")
    actions.comment(ticket, by=inside.colleague, text="Words of the colleague")
    text = json.dumps(data_of(inside.requester))
    assert own.reference in text
    strangers = ("Of the colleague", "Words of", inside.colleague.name, inside.colleague.email, inside.agent.email)
    assert [word for word in (*strangers, rival.requester.email) if word in text] == []


def test_notes_stay_with_the_desk_when_somebody_leaves_it(inside: Desk) -> None:
    actions.comment(inside.submit(), by=inside.agent, text="A note", is_internal=True)
    assert [row["text"] for row in data_of(inside.agent)["comments"]] == ["A note"]
    inside.agent.is_agent = False
    assert data_of(inside.agent)["comments"] == []


def test_no_secret_is_in_it(inside: Desk) -> None:
    token, text = make_token(by=inside.requester, name="Program")
    file = json.dumps(data_of(inside.requester))
    assert '"Program"' in file
    secrets = (text, ApiToken.objects.get(pk=token.pk).digest, inside.requester.user.password)
    assert [secret for secret in secrets if secret in file] == []


@pytest.mark.parametrize(("role", "number"), [("colleague", 1), ("requester", 0), ("accountant", 1), ("manager", 0)])
def test_invoices_are_in_it_for_who_sees_or_issued_them(inside: Desk, role: str, number: int) -> None:
    ticket = inside.accepted()
    issue_invoice(inside.organisation, tickets=[ticket.pk], by=inside.accountant)
    assert len(data_of(getattr(inside, role))["invoices"]) == number


def test_much_costs_as_many_queries_as_little(inside: Desk) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            take_along(by=Person.objects.get(pk=inside.requester.pk)).close()
        return len(seen)

    inside.accepted()
    little = queries()
    for _time in range(3):
        actions.comment(inside.submit(), by=inside.requester, text="More")
    assert queries() == little
