"""Requests for programs: the lists, one request, filing, commenting, every verb; and who may not."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.api.calls import CallRate
from accounts.models import Organisation, Person, Representation, Tenant
from accounts.tests.programs import API, bearing, code, get, post, program, token_of, wrong
from conftest import Desk, Visit, comments_of, in_days
from tickets import actions
from tickets.models import Approval, Comment, Estimate, RequestType, Ticket
from tickets.models.ticket import Channel
from tickets.workflow import Status


def references(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [row["reference"] for row in answer.json()["results"]]


def asked(client: Client, **query: Any) -> list[str]:
    return references(get(client, "/requests/", **query))


# ---- lists ----


def test_the_list_has_what_i_asked_for(desk: Desk) -> None:
    with desk.entered():
        mine = desk.submit()
        desk.submit(by=desk.colleague)
    assert asked(program(desk, desk.requester)) == [mine.reference]


def test_a_row_of_the_list(desk: Desk) -> None:
    with desk.entered():
        ticket = desk.delivered()
    (row,) = get(program(desk, desk.requester), "/requests/").json()["results"]
    shown = {name: row[name] for name in ("reference", "status", "waiting_for", "turn", "subject")}
    assert shown == {
        "reference": ticket.reference,
        "status": "waiting_for_customer",
        "waiting_for": "review",
        "turn": "customer",
        "subject": "The printer prints nothing",
    }
    assert row["url"].endswith(f"//{desk.host}:8000{API}/requests/{ticket.reference}/")


@pytest.mark.parametrize(
    ("scope", "role", "sees"),
    [
        ("mine", "requester", True),
        ("mine", "colleague", False),
        ("organisation", "requester", True),
        ("organisation", "colleague", True),
        ("organisation", "stranger", False),
        ("shared", "requester", False),
        ("desk", "agent", True),
        ("desk", "accountant", True),
        ("mine", "agent", False),
    ],
)
def test_who_finds_a_request_in_which_list(desk: Desk, scope: str, role: str, sees: bool) -> None:
    with desk.entered():
        desk.submit()
    assert bool(asked(program(desk, getattr(desk, role)), scope=scope)) is sees


def test_a_guest_finds_what_they_were_invited_to(desk: Desk) -> None:
    with desk.entered():
        ticket = desk.submit()
        desk.submit()
        guest = desk.guest(ticket)
    assert asked(program(desk, guest), scope="shared") == [ticket.reference]


def test_the_desk_is_what_its_staff_sees_first(desk: Desk) -> None:
    with desk.entered():
        ticket = desk.submit()
    assert asked(program(desk, desk.agent)) == [ticket.reference]


def test_staff_ask_for_an_organisation(desk: Desk) -> None:
    with desk.entered():
        ticket = desk.submit()
    client = program(desk, desk.agent)
    assert asked(client, scope="organisation", organisation=desk.organisation.pk) == [ticket.reference]
    assert asked(client, scope="organisation", organisation=desk.other_organisation.pk) == []


def test_of_several_organisations_one_is_named(desk: Desk) -> None:
    with desk.entered():
        Representation.objects.create(person=desk.requester, organisation=desk.other_organisation)
        ticket = desk.submit()
    client = program(desk, desk.requester)
    assert code(get(client, "/requests/", scope="organisation")) == (400, "wrong_parameters")
    assert asked(client, scope="organisation", organisation=desk.organisation.pk) == [ticket.reference]
    assert asked(client, scope="organisation", organisation=desk.other_organisation.pk) == []


@pytest.mark.parametrize(
    ("state", "found"),
    [
        ("open", ["open", "review", "estimated"]),
        ("waiting", ["review", "estimated"]),
        ("closed", ["cancelled"]),
        ("all", ["open", "review", "estimated", "cancelled"]),
    ],
)
@pytest.mark.parametrize("role", ["requester", "agent"])
def test_states(desk: Desk, role: str, state: str, found: list[str]) -> None:
    with desk.entered():
        made = {"open": desk.submit(), "review": desk.delivered(minutes=0), "estimated": desk.estimated()}
        made["cancelled"] = actions.cancel(desk.submit(), by=desk.requester, text="No need.")
    rows = asked(program(desk, getattr(desk, role)), state=state)
    assert sorted(rows) == sorted(made[name].reference for name in found)


def test_pages_follow_each_other(desk: Desk) -> None:
    with desk.entered():
        made = [desk.submit().reference for _ in range(5)]
    client, seen = program(desk, desk.requester), []
    page = get(client, "/requests/", limit=2, state="all").json()
    for _ in range(2):
        seen += [row["reference"] for row in page["results"]]
        page = client.get(page["next"]).json()
    seen += [row["reference"] for row in page["results"]]
    assert (seen, page["next"]) == (made[::-1], None)


def test_a_page_takes_the_same_queries_for_one_row_and_for_twenty(desk: Desk) -> None:
    clients = [program(desk, person) for person in (desk.requester, desk.agent)]
    counts = []
    for more in (1, 19):
        with desk.entered():
            for _ in range(more):
                desk.submit()
        for client in clients:
            get(client, "/me/")  # what is remembered of the desk, is
            with CaptureQueriesContext(connection) as queries:
                assert len(asked(client)) in (1, 20)
            counts.append(len(queries))
    assert counts[:2] == counts[2:]


@pytest.mark.parametrize(
    "query",
    [
        {"sort": "subject"},
        {"scope": "everything"},
        {"scope": "desk"},
        {"state": "lost"},
        {"organisation": "1"},
        {"scope": "organisation", "organisation": "x"},
        {"scope": "organisation", "organisation": "99999999999999999999999"},
        {"scope": "organisation", "organisation": "-1"},
        {"limit": "0"},
        {"limit": "101"},
        {"limit": "²"},
        {"after": "nonsense"},
        {"after": ""},
        {"requester__email": "x"},
        {"format": "api"},
        {"state": "\0"},
    ],
)
def test_a_parameter_that_is_none(desk: Desk, query: dict[str, str]) -> None:
    answer = get(program(desk, desk.requester), "/requests/", **query)
    assert code(answer) == (400, "wrong_parameters")
    assert answer.json()["errors"][0]["parameter"] in query


def test_an_organisation_of_others_is_told_like_one_that_does_not_exist(desk: Desk, rival: Desk) -> None:
    client = program(desk, desk.requester)
    with rival.entered():
        foreign = Organisation.objects.create(name="Only theirs")
    answers = [
        get(client, "/requests/", scope="organisation", organisation=number).json()
        for number in (desk.other_organisation.pk, foreign.pk, 999_999)
    ]
    assert answers[0] == answers[1] == answers[2]


# ---- one request ----


def test_one_request(desk: Desk) -> None:
    with desk.entered():
        ticket = desk.submit(order_number="PO-1", cost_centre="42", due_date=in_days(3))
        actions.comment(ticket, by=desk.agent, text="Which printer?")
        guest = desk.guest(ticket)
    shown = get(program(desk, desk.requester), f"/requests/{ticket.reference}/").json()
    assert (shown["order_number"], shown["cost_centre"], shown["due_date"]) == ("PO-1", "42", str(in_days(3)))
    assert (shown["turn"], shown["description"]) == ("provider", "Since this morning.")
    assert [row["text"] for row in shown["comments"]["results"]] == ["Which printer?"]
    assert shown["participants"] == [{"id": guest.pk, "name": "Gus Guest"}]
    assert [verb["name"] for verb in shown["verbs"]] == ["cancel"]


def test_an_estimate_with_its_lines(desk: Desk) -> None:
    with desk.entered():
        ticket = desk.estimated()
    (estimate,) = get(program(desk, desk.requester), f"/requests/{ticket.reference}/").json()["estimates"]
    assert (estimate["version"], estimate["state"], estimate["net"]) == (
        1,
        "open",
        {"amount": "290.00", "currency": "EUR"},
    )
    assert [(line["minutes"], line["net"]["amount"]) for line in estimate["lines"]] == [
        (180, "180.00"),
        (None, "110.00"),
    ]


def test_the_versions_that_count(desk: Desk) -> None:
    """What was accepted, and what can be; not what was replaced, and what changes were asked for only until then."""
    with desk.entered():
        ticket = desk.agreed()
        desk.estimated(ticket)
        actions.request_changes(ticket, by=desk.approver, text="Less.")
    client = program(desk, desk.requester)

    def versions() -> list[tuple[int, str]]:
        shown = get(client, f"/requests/{ticket.reference}/").json()["estimates"]
        return [(row["version"], row["state"]) for row in shown]

    assert versions() == [(2, "changes_requested"), (1, "accepted")]
    with desk.entered():
        desk.estimated(ticket)
    assert versions() == [(3, "open"), (1, "accepted")]


def test_without_billing_there_are_no_estimates(desk: Desk) -> None:
    with desk.entered():
        ticket = desk.agreed()
        Tenant.objects.update(billing_enabled=False)
    assert get(program(desk, desk.requester), f"/requests/{ticket.reference}/").json()["estimates"] == []


def test_notes_are_for_staff(desk: Desk) -> None:
    with desk.entered():
        ticket = desk.submit()
        note = actions.comment(ticket, by=desk.agent, text="Between us.", is_internal=True)
        actions.comment(ticket, by=desk.agent, text="", is_internal=True, files=[ContentFile(b"x", name="secret.txt")])
    for path in (f"/requests/{ticket.reference}/", f"/requests/{ticket.reference}/comments/"):
        assert b"Between us." not in get(program(desk, desk.requester), path).content
        assert b"secret.txt" not in get(program(desk, desk.requester), path).content
        assert note.text.encode() in get(program(desk, desk.agent), path).content


def test_files_are_named(desk: Desk) -> None:
    with desk.entered():
        ticket = desk.submit(files=[ContentFile(b"one", name="a.txt")])
        actions.comment(ticket, by=desk.requester, text="", files=[ContentFile(b"three", name="b.txt")])
    shown = get(program(desk, desk.requester), f"/requests/{ticket.reference}/").json()
    assert [row["name"] for row in shown["files"]] == ["a.txt"]
    assert [(row["name"], row["size"]) for row in shown["comments"]["results"][0]["files"]] == [("b.txt", 5)]


def test_comments_page_by_page(desk: Desk) -> None:
    with desk.entered():
        ticket = desk.submit()
        for number in range(45):
            actions.comment(ticket, by=desk.requester, text=f"{number}")
    client, seen = program(desk, desk.requester), []
    page = get(client, f"/requests/{ticket.reference}/").json()["comments"]
    while True:
        seen += [row["text"] for row in page["results"]]
        if page["next"] is None:
            break
        page = client.get(page["next"]).json()
    assert seen == [f"{number}" for number in reversed(range(45))]


@pytest.mark.parametrize("before", ["x", "0", "-1", "9" * 30, ""])
def test_a_place_among_comments_that_is_none(desk: Desk, before: str) -> None:
    with desk.entered():
        reference = desk.submit().reference
    answer = get(program(desk, desk.requester), f"/requests/{reference}/comments/", before=before)
    assert code(answer) == (400, "wrong_parameters")


@pytest.mark.parametrize("role", ["requester", "agent"])
def test_one_request_takes_the_same_queries_whatever_was_said(desk: Desk, role: str) -> None:
    with desk.entered():
        ticket = desk.estimated()
        actions.comment(ticket, by=desk.agent, text="One", files=[ContentFile(b"x", name="a.txt")])
    client = program(desk, getattr(desk, role))
    counts = []
    for more in (0, 19):
        with desk.entered():
            for number in range(more):
                actions.comment(
                    ticket, by=desk.agent, text=f"{number}", files=[ContentFile(b"x", name=f"{number}.txt")]
                )
        for path in ("", "comments/", "verbs/"):
            get(client, "/me/")
            with CaptureQueriesContext(connection) as queries:
                assert get(client, f"/requests/{ticket.reference}/{path}").status_code == 200
            counts.append(len(queries))
    assert counts[:3] == counts[3:]


def test_what_it_goes_on_in_is_named_to_who_may_see_it(desk: Desk) -> None:
    with desk.entered():
        into, duplicate = desk.submit(by=desk.colleague), desk.submit()
        actions.merge(duplicate, by=desk.agent, into=into)
    shown = get(program(desk, desk.requester), f"/requests/{duplicate.reference}/").json()
    assert (shown["merged_into"], shown["status"], shown["turn"]) == (into.reference, "closed", "nobody")


# ---- filing ----


def new(desk: Desk, **changes: Any) -> dict[str, Any]:
    with desk.entered():
        return {"request_type": desk.type().pk, "subject": "The printer prints nothing", **changes}


def test_a_request_is_filed(desk: Desk) -> None:
    body = new(desk, description="Since this morning.", due_date=str(in_days(2)), order_number="PO-1", cost_centre="42")
    answer = post(program(desk, desk.requester), "/requests/", body)
    assert (answer.status_code, answer["Location"]) == (201, answer.json()["url"])
    with desk.entered():
        row = Ticket.objects.select_related("requester", "organisation", "recorded_by").get()
        assert (row.reference, row.channel) == (answer.json()["reference"], Channel.API)
        assert (row.requester, row.recorded_by, row.organisation) == (
            desk.requester,
            desk.requester,
            desk.organisation,
        )
        assert (row.subject, row.description, row.due_date) == (body["subject"], body["description"], in_days(2))
        assert (row.order_number, row.cost_centre) == ("PO-1", "42")


def test_on_behalf_of_a_colleague(desk: Desk) -> None:
    body = new(desk, on_behalf_of=desk.requester.pk, organisation=desk.organisation.pk)
    shown = post(program(desk, desk.colleague), "/requests/", body).json()
    assert (shown["requester"]["id"], shown["recorded_by"]["id"]) == (desk.requester.pk, desk.colleague.pk)


def test_who_represents_several_says_which(desk: Desk) -> None:
    with desk.entered():
        Representation.objects.create(person=desk.requester, organisation=desk.other_organisation)
    client = program(desk, desk.requester)
    assert wrong(post(client, "/requests/", new(desk))) == {"#/organisation": "required"}
    answer = post(client, "/requests/", new(desk, organisation=desk.other_organisation.pk))
    assert answer.json()["organisation"]["id"] == desk.other_organisation.pk


@pytest.mark.parametrize(
    ("changes", "pointer", "why"),
    [
        ({"subject": ""}, "#/subject", "required"),
        ({"subject": None}, "#/subject", "required"),
        ({"subject": 5}, "#/subject", "type"),
        ({"subject": ["x"]}, "#/subject", "type"),
        ({"subject": "x" * 201}, "#/subject", "max_length"),
        ({"summary": "x"}, "#/summary", "unknown"),
        ({"description": {"a": 1}}, "#/description", "type"),
        ({"due_date": "2020-01-01"}, "#/due_date", "past"),
        ({"due_date": "tomorrow"}, "#/due_date", "type"),
        ({"due_date": "2026-02-31"}, "#/due_date", "invalid"),
        ({"due_date": 20261205}, "#/due_date", "type"),
        ({"request_type": True}, "#/request_type", "type"),
        ({"request_type": "1"}, "#/request_type", "type"),
        ({"request_type": 1.0}, "#/request_type", "type"),
        ({"request_type": 0}, "#/request_type", "invalid_choice"),
        ({"request_type": 2**40}, "#/request_type", "invalid_choice"),
        ({"request_type": 2**80}, "#/request_type", "type"),
        ({"organisation": 999_999}, "#/organisation", "invalid_choice"),
        ({"on_behalf_of": 999_999}, "#/on_behalf_of", "invalid_choice"),
        ({"files": []}, "#/files", "unknown"),
        ({"a/b~c": 1}, "#/a~1b~0c", "unknown"),
    ],
)
def test_what_is_wrong_is_pointed_at(desk: Desk, changes: dict[str, Any], pointer: str, why: str) -> None:
    answer = post(program(desk, desk.requester), "/requests/", new(desk, **changes))
    assert wrong(answer) == {pointer: why}
    with desk.entered():
        assert not Ticket.objects.exists()


def test_everything_that_is_wrong_is_told_at_once(desk: Desk) -> None:
    answer = post(program(desk, desk.requester), "/requests/", {"request_type": "x", "more": 1})
    assert wrong(answer) == {"#/request_type": "type", "#/more": "unknown", "#/subject": "required"}


def test_a_body_of_mistakes_gets_no_answer_many_times_its_size(desk: Desk) -> None:
    answer = post(program(desk, desk.requester), "/requests/", {f"{number}": 1 for number in range(50_000)})
    assert len(wrong(answer)) == 50


def test_a_type_that_is_not_offered_cannot_be_asked_for(desk: Desk) -> None:
    body = new(desk)
    with desk.entered():
        RequestType.objects.filter(pk=body["request_type"]).update(is_active=False)
    assert wrong(post(program(desk, desk.requester), "/requests/", body)) == {"#/request_type": "invalid_choice"}


def test_nor_one_of_another_desk(desk: Desk, rival: Desk) -> None:
    with rival.entered():
        theirs = RequestType.objects.create(group=rival.type().group, name={"en": "Theirs"}, sentence={})
    answer = post(program(desk, desk.requester), "/requests/", new(desk, request_type=theirs.pk))
    assert wrong(answer) == {"#/request_type": "invalid_choice"}


def test_nor_in_the_name_of_another_customer(desk: Desk) -> None:
    client = program(desk, desk.requester)
    assert wrong(post(client, "/requests/", new(desk, organisation=desk.other_organisation.pk))) == {
        "#/organisation": "invalid_choice"
    }
    assert wrong(post(client, "/requests/", new(desk, on_behalf_of=desk.stranger.pk))) == {
        "#/on_behalf_of": "invalid_choice"
    }


def test_who_may_not_ask_is_told_so(desk: Desk) -> None:
    with desk.entered():
        reader = desk.reader()
    assert code(post(program(desk, reader), "/requests/", new(desk))) == (403, "not_allowed")


def test_without_billing_there_is_no_order_number(desk: Desk) -> None:
    with desk.entered():
        Tenant.objects.update(billing_enabled=False)
    answer = post(program(desk, desk.requester), "/requests/", new(desk, order_number="PO-1"))
    assert wrong(answer) == {"#/order_number": "unknown"}


def test_what_can_be_asked_for(desk: Desk) -> None:
    rows = get(program(desk, desk.requester), "/request-types/").json()["results"]
    assert (rows[0]["name"], rows[0]["topic"]["name"]) == ("Cash desk", "Finance")
    with desk.entered():
        assert [row["id"] for row in rows] == list(
            RequestType.objects.offered().order_by("group__position", "position").values_list("pk", flat=True)
        )


def test_the_catalogue_costs_the_same_whatever_its_length(desk: Desk) -> None:
    client, counts = program(desk, desk.requester), []
    for more in (0, 20):
        with desk.entered():
            group = desk.type().group
            RequestType.objects.bulk_create(
                RequestType(group=group, name={"en": f"{n}"}, sentence={}) for n in range(more)
            )
        get(client, "/me/")
        with CaptureQueriesContext(connection) as queries:
            get(client, "/request-types/")
        counts.append(len(queries))
    assert counts[0] == counts[1]


# ---- who one is ----


def test_who_i_am(desk: Desk) -> None:
    shown = get(program(desk, desk.colleague), "/me/").json()
    (mine,) = shown["organisations"]
    assert (shown["email"], shown["desk"]["time_zone"], shown["token"]) == (
        desk.colleague.email,
        "Europe/Riga",
        {"name": "Program", "expires_on": None},
    )
    assert (mine["id"], mine["may_approve"], mine["approval_limit"]) == (desk.organisation.pk, True, None)


def test_a_limit_is_an_amount(desk: Desk) -> None:
    with desk.entered():
        limited = desk.small_approver()
    (mine,) = get(program(desk, limited), "/me/").json()["organisations"]
    assert mine["approval_limit"] == {"amount": "10.00", "currency": "EUR"}


# ---- comments ----


def test_a_comment_reopens_what_waited(desk: Desk) -> None:
    with desk.entered():
        ticket = desk.delivered()
    answer = post(program(desk, desk.requester), f"/requests/{ticket.reference}/comments/", {"text": "Not yet."})
    assert (answer.status_code, answer.json()["channel"], answer.json()["author"]["is_staff"]) == (201, "api", False)
    with desk.entered():
        row = Ticket.objects.get(pk=ticket.pk)
        assert (row.status, comments_of(row)[-1]) == (Status.REOPENED, "Not yet.")


def test_staff_write_notes(desk: Desk) -> None:
    with desk.entered():
        ticket = desk.submit()
    body = {"text": "Between us.", "is_internal": True}
    assert post(program(desk, desk.agent), f"/requests/{ticket.reference}/comments/", body).json()["is_internal"]
    refused = post(program(desk, desk.requester), f"/requests/{ticket.reference}/comments/", body)
    assert code(refused) == (403, "not_allowed")
    with desk.entered():
        assert Comment.objects.filter(ticket=ticket).count() == 1


@pytest.mark.parametrize("body", [{}, {"text": "  "}, {"text": None}])
def test_a_comment_needs_words(desk: Desk, body: dict[str, Any]) -> None:
    with desk.entered():
        ticket = desk.submit()
    answer = post(program(desk, desk.requester), f"/requests/{ticket.reference}/comments/", body)
    assert list(wrong(answer)) == ["#/text"]


def test_words_are_cleaned_as_everywhere(desk: Desk) -> None:
    with desk.entered():
        ticket = desk.submit()
    answer = post(program(desk, desk.requester), f"/requests/{ticket.reference}/comments/", {"text": "a\0b\r\nc"})
    assert answer.json()["text"] == "ab\nc"


# ---- verbs ----


def verbs(client: Client, ticket: Ticket) -> dict[str, dict[str, Any]]:
    rows = get(client, f"/requests/{ticket.reference}/verbs/").json()["results"]
    return {row["name"]: {field["name"]: field for field in row["fields"]} for row in rows}


def press(desk: Desk, role: Any, ticket: Ticket, name: str, **body: Any) -> Any:
    who = getattr(desk, role) if isinstance(role, str) else role
    return post(program(desk, who), f"/requests/{ticket.reference}/verbs/{name}/", body)


def test_the_verbs_with_their_fields(desk: Desk) -> None:
    with desk.entered():
        ticket = desk.delivered()
    offered = verbs(program(desk, desk.requester), ticket)
    assert list(offered) == ["accept_solution", "reopen"]
    assert offered["accept_solution"] == {}
    assert (offered["reopen"]["text"]["type"], offered["reopen"]["text"]["required"]) == ("string", True)


def test_choices_are_listed(desk: Desk) -> None:
    with desk.entered():
        ticket = desk.estimated()
    asked_for = verbs(program(desk, desk.agent), ticket)["accept_estimate"]
    assert asked_for["said_by"]["choices"] == [{"value": desk.approver.pk, "label": "Colin Colleague"}]
    assert [choice["value"] for choice in asked_for["said_in"]["choices"]] == ["phone", "in_person", "email"]
    assert (asked_for["said_at"]["type"], asked_for["said_at"]["required"]) == ("date-time", False)


def test_the_lines_of_an_estimate_are_described(desk: Desk) -> None:
    with desk.entered():
        ticket = desk.submit()
    offered = verbs(program(desk, desk.agent), ticket)
    lines = offered["send_estimate"]["lines"]
    assert [(item["name"], item["type"], item["required"]) for item in lines["items"]] == [
        ("description", "string", True),
        ("minutes", "minutes", False),
        ("price", "decimal", False),
    ]
    assert (offered["start_work"]["minutes"]["type"], lines["type"]) == ("minutes", "list")


def test_a_solution_is_accepted_with_proof(desk: Desk) -> None:
    with desk.entered():
        ticket = desk.delivered()
    shown = press(desk, "requester", ticket, "accept_solution").json()
    assert (shown["status"], shown["turn"]) == ("invoice", "provider")
    with desk.entered():
        proof = Approval.objects.get(ticket=ticket)
        assert (proof.person, proof.from_address, proof.is_intact) == (desk.requester, "127.0.0.1", True)


def test_an_estimate_is_accepted_by_its_version(desk: Desk) -> None:
    with desk.entered():
        ticket = desk.estimated()
        desk.estimated(ticket)
    assert code(press(desk, "approver", ticket, "accept_estimate", version=1)) == (409, "replaced")
    shown = press(desk, "approver", ticket, "accept_estimate", version=2, order_number="PO-9").json()
    assert (shown["status"], shown["order_number"]) == ("estimate_accepted", "PO-9")


def test_who_may_not_accept_the_amount_is_told_who_may(desk: Desk) -> None:
    with desk.entered():
        ticket = desk.estimated()
    answer = press(desk, "requester", ticket, "accept_estimate", version=1)
    assert code(answer) == (403, "not_allowed")
    assert "Colin Colleague" in answer.json()["detail"]


def test_a_request_from_open_to_invoice_by_programs(desk: Desk) -> None:
    """B10 to B16 without a page: the agent's program and the customer's."""
    agent, customer = program(desk, desk.agent), program(desk, desk.approver)
    made = post(customer, "/requests/", new(desk)).json()

    def done(client: Client, name: str, **body: Any) -> str:
        answer = post(client, f"/requests/{made['reference']}/verbs/{name}/", body)
        assert answer.status_code == 200, answer.content
        return str(answer.json()["status"])

    steps = [
        done(agent, "request_information", text="Which printer?"),
        done(customer, "reopen", text="The second one."),
        done(agent, "send_estimate", lines=[{"description": "Repair", "minutes": 90}], due_on=str(in_days(5))),
        done(customer, "accept_estimate", version=1),
        done(agent, "start_work", minutes=90),
        done(agent, "deliver", text="It prints again."),
        done(customer, "reopen", text="Not in colour."),
        done(agent, "schedule_deployment", day=str(in_days(2))),
        done(agent, "deliver", text="Now in colour."),
        done(customer, "accept_solution"),
        done(customer, "take_back"),
        done(customer, "accept_solution"),
    ]
    assert steps == [
        "waiting_for_customer",
        "reopened",
        "estimated",
        "estimate_accepted",
        "in_progress",
        "waiting_for_customer",
        "reopened",
        "ready_to_deploy",
        "waiting_for_customer",
        "closed",
        "waiting_for_customer",
        "closed",
    ]


def test_an_agent_quotes_the_customer(desk: Desk) -> None:
    with desk.entered():
        ticket = desk.delivered()
    moment = timezone.now() - timedelta(hours=1)
    body = {"said_by": desk.requester.pk, "words": "It works.", "said_in": "phone", "said_at": moment.isoformat()}
    assert press(desk, "agent", ticket, "accept_solution", **body).json()["status"] == "invoice"
    with desk.entered():
        proof = Approval.objects.get(ticket=ticket)
        assert (proof.words, proof.said_at, proof.recorded_by) == ("It works.", moment, desk.agent)


@pytest.mark.parametrize("offset", ["-23:59", "+23:59"])
def test_an_offset_that_the_database_does_not_know_is_read_all_the_same(desk: Desk, offset: str) -> None:
    with desk.entered():
        ticket = desk.delivered()
    body = {"said_by": desk.requester.pk, "words": "Yes.", "said_in": "phone"}
    answer = press(desk, "agent", ticket, "accept_solution", **body, said_at=f"2020-01-02T00:00:00{offset}")
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("said_at", "why"),
    [
        ("2026-11-22T10:00", "type"),
        ("yesterday", "type"),
        ("2099-01-01T00:00:00Z", "invalid"),
        ("0001-01-01T00:00:00+14:00", "invalid"),
        ("9999-12-31T23:59:59-12:00", "invalid"),
        (5, "type"),
    ],
)
def test_a_moment_has_its_offset_and_has_come(desk: Desk, said_at: Any, why: str) -> None:
    with desk.entered():
        ticket = desk.delivered()
    body = {"said_by": desk.requester.pk, "words": "Yes.", "said_in": "phone", "said_at": said_at}
    assert wrong(press(desk, "agent", ticket, "accept_solution", **body)) == {"#/said_at": why}


def test_a_new_request_that_follows_an_old_one(desk: Desk) -> None:
    with desk.entered():
        ticket = actions.cancel(desk.submit(), by=desk.requester, text="No need.")
        Ticket.objects.filter(pk=ticket.pk).update(closed_at=timezone.now() - timedelta(days=400))
    answer = press(desk, "requester", ticket, "follow_up", text="It is back.")
    assert (answer.status_code, answer["Location"]) == (201, answer.json()["url"])
    assert answer.json()["follows"] == ticket.reference


def test_what_is_not_possible_now_is_refused_with_a_sentence(desk: Desk) -> None:
    with desk.entered():
        ticket = desk.submit()
    answer = press(desk, "requester", ticket, "accept_solution")
    assert code(answer) == (409, "wrong_state")
    assert "“Open”" in answer.json()["detail"]


def test_a_refusal_changes_nothing(desk: Desk) -> None:
    with desk.entered():
        ticket = desk.submit()
        before = Ticket.objects.filter(pk=ticket.pk).values().get()
    press(desk, "agent", ticket, "deliver", text="Done.")
    with desk.entered():
        assert Ticket.objects.filter(pk=ticket.pk).values().get() == before


@pytest.mark.parametrize("name", ["start_work", "send_estimate", "reject", "merge", "close"])
def test_a_verb_of_the_other_side(desk: Desk, name: str) -> None:
    with desk.entered():
        ticket = desk.submit()
    assert code(press(desk, "requester", ticket, name)) == (403, "not_allowed")


@pytest.mark.parametrize("name", ["fly", "delete", "__class__", "do"])
def test_a_verb_that_does_not_exist(desk: Desk, name: str) -> None:
    with desk.entered():
        ticket = desk.submit()
    assert code(press(desk, "agent", ticket, name)) == (404, "no_such_verb")


@pytest.mark.parametrize(
    ("name", "body", "pointer"),
    [
        ("start_work", {"minutes": "45"}, "#/minutes"),
        ("start_work", {"minutes": 0}, "#/minutes"),
        ("start_work", {"minutes": -5}, "#/minutes"),
        ("start_work", {}, "#/minutes"),
        ("deliver", {"text": ""}, "#/text"),
        ("reject", {"is_spam": "no", "text": "x"}, "#/is_spam"),
        ("reject", {"is_spam": 0, "text": "x"}, "#/is_spam"),
        ("merge", {"reference": "DESK-999"}, "#/reference"),
        ("schedule_deployment", {"day": "9999-12-31"}, "#/day"),
        ("cancel", {"text": "x", "said_by": 1, "words": "x", "said_in": "pigeon"}, "#/said_in"),
    ],
)
def test_fields_are_judged_by_the_verbs_form(desk: Desk, name: str, body: dict[str, Any], pointer: str) -> None:
    with desk.entered():
        ticket = desk.submit()
    assert pointer in wrong(press(desk, "agent", ticket, name, **body))


def test_an_agent_merges_by_reference(desk: Desk) -> None:
    with desk.entered():
        into, duplicate = desk.submit(), desk.submit()
    shown = press(desk, "agent", duplicate, "merge", reference=into.reference).json()
    assert (shown["reference"], shown["merged_into"]) == (duplicate.reference, into.reference)


# ---- estimates by staff ----


def estimate(**changes: Any) -> dict[str, Any]:
    lines = [
        {"description": "Analysis", "minutes": 150},
        {"description": "Licence", "price": "40.00"},
        {"description": "Training", "minutes": 60, "price": "75.50"},
    ]
    return {"lines": lines, "due_on": str(in_days(9)), **changes}


def test_an_agent_sends_an_estimate(desk: Desk) -> None:
    with desk.entered():
        ticket = desk.submit()
    body = estimate(note="As we said.", terms="30 days.", valid_until=str(in_days(5)))
    shown = press(desk, "agent", ticket, "send_estimate", **body).json()
    assert (shown["status"], shown["estimates"][0]["note"]) == ("estimated", "As we said.")
    with desk.entered():
        row = Estimate.objects.get()
        assert (row.net_total, row.minutes) == (Decimal("265.50"), 210)
        assert (row.due_on, row.valid_until) == (in_days(9), in_days(5))


def test_amounts_do_not_change_with_the_language(desk: Desk) -> None:
    """In Latvian a form reads 1.234 as something else."""
    with desk.entered():
        Person.objects.filter(pk=desk.agent.pk).update(language="lv")
        ticket = desk.submit()
    lines = [{"description": "Licence", "price": "1234.5"}]
    shown = press(desk, "agent", ticket, "send_estimate", **estimate(lines=lines)).json()
    assert shown["estimates"][0]["net"] == {"amount": "1234.50", "currency": "EUR"}


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({"lines": None}, ["#/lines"]),
        ({"lines": []}, ["#/lines"]),
        ({"lines": "x"}, ["#/lines"]),
        ({"lines": [{}] * 101}, ["#/lines"]),
        ({"lines": [5, None]}, ["#/lines/0", "#/lines/1"]),
        ({"lines": [{}]}, ["#/lines/0/description"]),
        ({"lines": [{"description": "Work"}]}, ["#/lines/0/minutes"]),
        ({"lines": [{"minutes": 5}]}, ["#/lines/0/description"]),
        ({"lines": [{"description": "Work", "price": 40}]}, ["#/lines/0/price"]),
        ({"lines": [{"description": "Work", "price": "1e3"}]}, ["#/lines/0/price"]),
        ({"lines": [{"description": "Work", "price": "-1.00"}]}, ["#/lines/0/price"]),
        ({"lines": [{"description": "Work", "price": "0.001"}]}, ["#/lines/0/price"]),
        ({"lines": [{"description": "Work", "price": "١.٠٠"}]}, ["#/lines/0/price"]),
        ({"lines": [{"description": "W", "minutes": 5}, {"description": "W", "time": "5"}]}, ["#/lines/1/time"]),
        ({"lines": [{"description": "W", "minutes": 5, "net": "1.00"}]}, ["#/lines/0/net"]),
        ({"due_on": None}, ["#/due_on"]),
        ({"valid_until": "9999-12-31"}, ["#/valid_until"]),
        ({"net_total": "1.00"}, ["#/net_total"]),
    ],
)
def test_what_is_wrong_with_an_estimate(desk: Desk, changes: dict[str, Any], pointers: list[str]) -> None:
    with desk.entered():
        ticket = desk.submit()
    answer = press(desk, "agent", ticket, "send_estimate", **estimate(**changes))
    assert list(wrong(answer)) == pointers
    with desk.entered():
        assert not Estimate.objects.exists()


def test_an_estimate_that_nobody_can_approve_is_refused(desk: Desk) -> None:
    with desk.entered():
        Representation.objects.update(may_approve=False)
        ticket = desk.submit()
    assert code(press(desk, "agent", ticket, "send_estimate", **estimate())) == (409, "no_approver")


def test_an_accountant_sends_none(desk: Desk) -> None:
    with desk.entered():
        ticket = desk.submit()
    assert code(press(desk, "accountant", ticket, "send_estimate", **estimate())) == (403, "not_allowed")


# ---- who may not ----

READ = ("/requests/{}/", "/requests/{}/comments/", "/requests/{}/verbs/")
WRITE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("/requests/{}/comments/", {"text": "x"}),
    ("/requests/{}/verbs/cancel/", {"text": "x"}),
    ("/requests/{}/verbs/accept_solution/", {}),
    ("/requests/{}/verbs/fly/", {}),
    ("/requests/{}/verbs/send_estimate/", {}),
)


def outsiders(desk: Desk, rival: Desk, visit: Visit) -> dict[str, Client]:
    """A stranger of this desk; people of the other with tokens and sessions there, bringing this desk's reference."""
    return {
        "stranger": program(desk, desk.stranger),
        "stranger's session": visit(desk, desk.stranger),
        "outsider": program(rival, rival.requester),
        "outsider's session": visit(rival, rival.requester),
        "outsiders' agent": program(rival, rival.agent),
        "outsiders' manager": visit(rival, rival.manager),
    }


def test_a_request_of_others_is_told_like_one_that_does_not_exist(desk: Desk, rival: Desk, visit: Visit) -> None:
    with desk.entered():
        reference = desk.submit().reference
        Ticket.objects.update(reference="DESK-777")
    assert reference != "DESK-777"
    for who, client in outsiders(desk, rival, visit).items():
        for path in READ:
            foreign, absent = (get(client, path.format(name)) for name in ("DESK-777", "DESK-778"))
            assert (foreign.status_code, foreign.content) == (404, absent.content), (who, path)
        for path, body in WRITE:
            foreign, absent = (post(client, path.format(name), body) for name in ("DESK-777", "DESK-778"))
            assert (foreign.status_code, foreign.content) == (404, absent.content), (who, path)


def test_and_stands_in_none_of_their_lists(desk: Desk, rival: Desk, visit: Visit) -> None:
    with desk.entered():
        desk.submit()
    for who, client in outsiders(desk, rival, visit).items():
        for scope in ("mine", "shared", "organisation", "desk"):
            answer = get(client, "/requests/", scope=scope, state="all")
            assert answer.status_code == 400 or answer.json()["results"] == [], (who, scope)


def test_an_outsiders_token_is_nothing_at_this_desk(desk: Desk, rival: Desk) -> None:
    with desk.entered():
        reference = desk.submit().reference
    client = bearing(desk, token_of(rival, rival.manager))
    for path in (*READ, "/requests/", "/request-types/", "/me/"):
        assert code(get(client, path.format(reference))) == (401, "invalid_token")
    for path, body in WRITE:
        assert code(post(client, path.format(reference), body)) == (401, "invalid_token")


def test_visitors_get_no_page_but_a_problem(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        reference = desk.submit().reference
    for path in (*READ, "/requests/", "/request-types/", "/me/"):
        assert code(get(visit(desk), path.format(reference))) == (401, "not_authenticated")
    for path, body in WRITE:
        assert code(post(visit(desk), path.format(reference), body)) == (401, "not_authenticated")


def test_a_guest_reads_and_comments_and_decides_nothing(desk: Desk) -> None:
    with desk.entered():
        ticket = desk.delivered()
        client = program(desk, desk.guest(ticket))
    for path in READ:
        assert get(client, path.format(ticket.reference)).status_code == 200
    assert get(client, f"/requests/{ticket.reference}/verbs/").json()["results"] == []
    bodies: dict[str, dict[str, Any]] = {"accept_estimate": {}, "accept_solution": {}, "take_back": {}}
    for name in ("accept_solution", "reopen", "cancel", "ask_to_cancel", "request_changes", "take_back", "follow_up"):
        answer = post(client, f"/requests/{ticket.reference}/verbs/{name}/", bodies.get(name, {"text": "x"}))
        assert answer.status_code in (403, 409), (name, answer.content)
    assert post(client, f"/requests/{ticket.reference}/comments/", {"text": "Hello"}).status_code == 201
    with desk.entered():
        assert Ticket.objects.get(pk=ticket.pk).status == Status.WAITING


def test_a_guest_sees_no_more_when_they_are_gone(desk: Desk) -> None:
    with desk.entered():
        ticket = desk.submit()
        guest = desk.guest(ticket)
    client = program(desk, guest)
    assert get(client, f"/requests/{ticket.reference}/").status_code == 200
    with desk.entered():
        actions.remove_participant(ticket, by=desk.requester, person=guest)
    assert get(client, f"/requests/{ticket.reference}/").status_code == 404


# ---- nothing but what is asked for ----


def every_column() -> list[str]:
    return [field.name for field in Ticket._meta.concrete_fields]


@pytest.mark.parametrize("role", ["requester", "agent", "manager"])
def test_no_column_can_be_written_past_the_fields(desk: Desk, role: str) -> None:
    """Mass assignment: each is refused by name, and nothing is changed."""
    with desk.entered():
        ticket = desk.submit()
        before = Ticket.objects.filter(pk=ticket.pk).values().get()
    client = program(desk, getattr(desk, role))
    ours = {"request_type", "subject", "description", "due_date", "organisation", "order_number", "cost_centre"}
    for name in every_column():
        if name not in ours:
            answer = post(client, "/requests/", new(desk, **{name: 1}))
            assert f"#/{name}" in wrong(answer)
        for path, body in WRITE[:2]:
            answer = post(client, path.format(ticket.reference), {**body, name: 1})
            assert f"#/{name}" in wrong(answer)
    with desk.entered():
        assert Ticket.objects.filter(pk=ticket.pk).values().get() == before
        assert Ticket.objects.count() == 1


# ---- errors ----


@pytest.mark.parametrize(
    ("body", "kind", "found"),
    [
        (b"{", "application/json", (400, "not_json")),
        (b"\xff", "application/json", (400, "not_json")),
        (b'{"subject": "\\ud800"}', "application/json", (400, "not_json")),
        (b'{"\\ud800": 1}', "application/json", (400, "not_json")),
        (b'{"subject": NaN}', "application/json", (400, "not_json")),
        (b"[" * 100_000, "application/json", (400, "not_json")),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "application/json", (400, "not_json")),
        (b"1" * 5000, "application/json", (400, "not_json")),
        (b"[]", "application/json", (400, "not_an_object")),
        (b'"x"', "application/json", (400, "not_an_object")),
        (b"null", "application/json", (400, "not_an_object")),
        (b"subject=x", "application/x-www-form-urlencoded", (415, "unsupported_media_type")),
        (b"<x/>", "application/xml", (415, "unsupported_media_type")),
        (b"--x\r\n\r\n", "multipart/form-data; boundary=x", (415, "unsupported_media_type")),
        (b"{}", "nonsense", (415, "unsupported_media_type")),
        (b"", "application/json", (422, "invalid")),
        (b"{}", "application/json; charset=utf-16", (422, "invalid")),
    ],
)
@pytest.mark.parametrize("with_session", [False, True])
def test_a_body_that_is_none(
    desk: Desk, visit: Visit, body: bytes, kind: str, found: tuple[int, str], with_session: bool
) -> None:
    client = visit(desk, desk.requester) if with_session else program(desk, desk.requester)
    answer = client.generic("POST", f"{API}/requests/", body, content_type=kind)
    assert code(answer) == found
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options", "trace"])
@pytest.mark.parametrize("path", ["/me/", "/requests/", "/schema/", "/docs/"])
def test_a_method_that_is_none(desk: Desk, method: str, path: str) -> None:
    answer = getattr(program(desk, desk.requester), method)(API + path)
    assert code(answer) == (405, "method_not_allowed")
    assert "GET" in answer["Allow"]
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/api/", "/api/v1/", "/api/v2/me/", "/api/v1/requests", "/api/v1/nothing/", "/api/x"])
def test_an_address_that_is_none(desk: Desk, visit: Visit, path: str) -> None:
    for client in (visit(desk), program(desk, desk.requester)):
        for answer in (client.get(path), client.post(path, {}, content_type="application/json")):
            assert code(answer) == (404, "not_found")
            assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("reference", ["%00", "DESK-1%00", "x" * 300, "%F0%9F%98%80", "..%2f"])
def test_a_reference_that_is_none(desk: Desk, reference: str) -> None:
    assert get(program(desk, desk.requester), f"/requests/{reference}/").status_code == 404


def test_a_host_that_is_no_desks(desk: Desk) -> None:
    answer = Client(headers={"host": "nobody.example"}).get(f"{API}/me/")
    assert (code(answer), answer["Content-Type"]) == ((404, "no_desk"), "application/problem+json")


def test_a_fault_of_ours_is_a_problem_too(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(*args: Any) -> None:
        raise RuntimeError("secret reason")

    monkeypatch.setattr("tickets.api.views.request_shown", stumble)
    with desk.entered():
        reference = desk.submit().reference
    answer = get(program(desk, desk.requester), f"/requests/{reference}/")
    assert (code(answer), answer["Content-Type"]) == ((500, "server_error"), "application/problem+json")
    assert b"secret" not in answer.content


def test_pages_keep_their_own_errors(desk: Desk, visit: Visit) -> None:
    answer = visit(desk, desk.requester).get("/nothing-here/")
    assert (answer.status_code, answer["Content-Type"]) == (404, "text/html; charset=utf-8")


def test_sentences_are_in_the_persons_language(desk: Desk) -> None:
    with desk.entered():
        Person.objects.filter(pk=desk.requester.pk).update(language="lv")
        ticket = desk.submit()
    answer = press(desk, "requester", ticket, "accept_solution")
    assert "“Open”" not in answer.json()["detail"]


def test_whatever_is_asked_for_the_answer_is_json(desk: Desk) -> None:
    answer = program(desk, desk.requester).get(f"{API}/me/", headers={"accept": "text/html"})
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")


def test_nothing_of_it_is_stored_on_the_way(desk: Desk) -> None:
    assert get(program(desk, desk.requester), "/me/")["Cache-Control"] == "private, no-store"


# ---- too much ----


def test_too_many_calls(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CallRate, "rate", "3/min", raising=False)
    client = program(desk, desk.requester)
    answers = [get(client, "/me/") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert 1 <= int(answers[3]["Retry-After"]) <= 61
    assert code(answers[3]) == (429, "throttled")
    assert get(program(desk, desk.requester), "/me/").status_code == 200, "another token has its own measure"


def test_a_call_too_many_is_not_kept(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    client, body = program(desk, desk.requester), new(desk)
    with monkeypatch.context() as strict:
        strict.setattr(CallRate, "rate", "1/min", raising=False)
        get(client, "/me/")
        assert post(client, "/requests/", body, key="one").status_code == 429
    assert post(client, "/requests/", body, key="one").status_code == 201


def test_without_its_cache_nobody_is_held_up(desk: Desk, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CallRate, "rate", "1/min", raising=False)
    client = program(desk, desk.requester)
    broken = {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}
    settings.CACHES = {"default": broken}
    assert [get(client, "/me/").status_code for _ in range(3)] == [200, 200, 200]
