"""What a type asks for itself, programs read and answer as people do."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Contract, Cover, Product, Representation
from accounts.tests.programs import code, get, post, program, wrong
from conftest import Desk, in_days
from tickets.models import Answer, FieldKind, RequestType, Ticket
from tickets.tests.test_own_fields import asks, option


def asked(desk: Desk, **query: Any) -> dict[str, dict[str, Any]]:
    """What the desk's first type asks the requester, by the names of its fields."""
    with desk.entered():
        pk = desk.type().pk
    answer = get(program(desk, desk.requester), f"/request-types/{pk}/", **query)
    assert answer.status_code == 200
    return {field["name"]: field for field in answer.json()["fields"]}


def send(desk: Desk, **values: Any) -> Any:
    with desk.entered():
        body = {"request_type": desk.type().pk, "subject": "Something is wrong", **values}
    return post(program(desk, desk.requester), "/requests/", body)


# ---- reading what is asked ----


def test_the_usual_fields_and_the_types_own(desk: Desk) -> None:
    with desk.entered():
        name = asks(desk, FieldKind.NUMBER, "How many?", is_required=True).name
    found = asked(desk)
    assert {"subject", "description", "due_date"} < set(found)
    assert (found[name]["label"], found[name]["type"], found[name]["required"]) == ("How many?", "decimal", True)


def test_a_type_without_a_summary_asks_for_none(desk: Desk) -> None:
    with desk.entered():
        RequestType.objects.update(asks_summary=False)
    assert "subject" not in asked(desk)


def test_choices_say_what_they_go_with(desk: Desk) -> None:
    with desk.entered():
        first = asks(desk, FieldKind.CHOICE, "Which house?")
        house = option(first, "The old one")
        second = asks(desk, FieldKind.CHOICE, "Which room?", depends_on=first)
        room = option(second, "The cellar", house)
    found = asked(desk)[second.name]
    assert found["follows"] == first.name
    assert found["choices"] == [{"value": str(room.pk), "label": "The cellar", "goes_with": str(house.pk)}]


def test_when_a_field_is_asked_and_needed(desk: Desk) -> None:
    with desk.entered():
        box = asks(desk, FieldKind.CHECKBOX, "Is it urgent?")
        why = asks(desk, FieldKind.LINE, "Why?", shown_when=[[str(box.pk), "yes"]], is_required=True)
    found = asked(desk)[why.name]
    assert (found["shown_when"], found["required"]) == ([{"field": box.name, "value": "yes"}], False)


def test_k10_products_are_those_of_the_organisation(desk: Desk, rival: Desk) -> None:
    with rival.entered():
        Product.objects.create(name="Theirs")
    with desk.entered():
        asks(desk, FieldKind.PRODUCT)
        Product.objects.create(name="Ledger")
        Product.objects.create(name="Of others", organisation=desk.other_organisation)
    assert [choice["label"] for choice in asked(desk)["product"]["choices"]] == ["Ledger"]


def test_who_represents_several_says_for_which(desk: Desk) -> None:
    with desk.entered():
        Representation.objects.create(person=desk.requester, organisation=desk.other_organisation)
        asks(desk, FieldKind.PRODUCT)
        Product.objects.create(name="Theirs", organisation=desk.other_organisation)
    assert asked(desk, organisation=desk.organisation.pk).keys() == asked(desk).keys()
    choices = asked(desk, organisation=desk.other_organisation.pk)["product"]["choices"]
    assert [choice["label"] for choice in choices] == ["Theirs"]


@pytest.mark.parametrize("name", ["0", "x", "999999999", "9" * 30])
def test_a_type_that_does_not_exist(desk: Desk, name: str) -> None:
    assert code(get(program(desk, desk.requester), f"/request-types/{name}/")) == (404, "not_found")


def test_nor_one_of_another_desk(desk: Desk, rival: Desk) -> None:
    with rival.entered():
        theirs = RequestType.objects.create(group=rival.type().group, name={"en": "Theirs"}, sentence={})
    assert code(get(program(desk, desk.requester), f"/request-types/{theirs.pk}/")) == (404, "not_found")


def test_it_costs_the_same_whatever_is_asked(desk: Desk) -> None:
    client, counts = program(desk, desk.requester), []
    with desk.entered():
        option(asks(desk, FieldKind.CHOICE), "One")
        pk = desk.type().pk
    for more in (0, 20):
        with desk.entered():
            for number in range(more):
                option(asks(desk, FieldKind.CHOICE, f"Which {number}?"), "One")
        get(client, "/me/")
        with CaptureQueriesContext(connection) as queries:
            get(client, f"/request-types/{pk}/")
        counts.append(len(queries))
    assert counts[0] == counts[1]


# ---- answering ----


@pytest.mark.parametrize(
    ("kind", "sent", "shown"),
    [
        (FieldKind.LINE, "The left one", "The left one"),
        (FieldKind.NUMBER, "1234.5", "1,234.5"),
        (FieldKind.NUMBER, "-0.0625", "-0.0625"),
        (FieldKind.DATE, "2026-12-05", "5 Dec 2026"),
        (FieldKind.CHECKBOX, True, "yes"),
        (FieldKind.PHONE, "+37167000000", "+371 67 000 000"),
        (FieldKind.EMAIL, "Anna@Example.COM", "anna@example.com"),
    ],
)
def test_an_answer_is_kept_and_read(desk: Desk, kind: FieldKind, sent: Any, shown: str) -> None:
    with desk.entered():
        name = asks(desk, kind).name
    answer = send(desk, **{name: sent})
    assert answer.status_code == 201
    assert answer.json()["answers"] == [{"label": "Which one?", "value": shown}]


def test_what_must_be_answered_is_insisted_on(desk: Desk) -> None:
    with desk.entered():
        name = asks(desk, FieldKind.LINE, is_required=True).name
    assert wrong(send(desk)) == {f"#/{name}": "required"}


@pytest.mark.parametrize(
    ("kind", "sent", "why"),
    [
        (FieldKind.LINE, 5, "type"),
        (FieldKind.NUMBER, "1,5", "type"),
        (FieldKind.NUMBER, 1.5, "type"),
        (FieldKind.DATE, "soon", "type"),
        (FieldKind.CHECKBOX, "yes", "type"),
        (FieldKind.CHOICE, "999", "invalid_choice"),
        (FieldKind.PRODUCT, 999, "unknown"),  # a desk without products asks for none
        (FieldKind.KIND, "error", "invalid"),  # nothing is covered
    ],
)
def test_what_is_no_answer_is_pointed_at(desk: Desk, kind: FieldKind, sent: Any, why: str) -> None:
    with desk.entered():
        name = asks(desk, kind).name
    assert wrong(send(desk, **{name: sent})) == {f"#/{name}": why}
    with desk.entered():
        assert not Ticket.objects.exists()


def test_another_types_field_is_none_of_this_one(desk: Desk) -> None:
    with desk.entered():
        other = RequestType.objects.exclude(pk=desk.type().pk)[0]
        field = asks(desk, FieldKind.LINE)
        field.request_type = other
        field.save()
    assert wrong(send(desk, **{field.name: "x"})) == {f"#/{field.name}": "unknown"}


def test_k11_product_and_kind_stand_on_the_ticket(desk: Desk) -> None:
    with desk.entered():
        product = Product.objects.create(name="Ledger")
        contract = Contract.objects.create(organisation=desk.organisation, number="K-1", starts_on=in_days(-9))
        Cover.objects.create(contract=contract, product=product)
        asks(desk, FieldKind.PRODUCT)
        asks(desk, FieldKind.KIND)
    assert send(desk, product=product.pk, kind="error").status_code == 201
    with desk.entered():
        row = Ticket.objects.get()
        assert (row.product, row.kind) == (product, "error")
        assert not Answer.objects.exists()


def test_without_a_summary_the_answers_name_it(desk: Desk) -> None:
    with desk.entered():
        RequestType.objects.update(asks_summary=False)
        name = asks(desk, FieldKind.LINE).name
        body = {"request_type": desk.type().pk, name: "The left one"}
    answer = post(program(desk, desk.requester), "/requests/", body)
    assert answer.json()["subject"] == "Cash desk: The left one"
