"""A manager makes a topic, a request type and its form in the admin, without code, and customers are asked by it."""

import re
from typing import Any

import pytest

from conftest import Desk, Visit
from tickets.models import FieldKind, FieldOption, FormField, RequestType, TopicGroup

FIELDS = "/admin/tickets/formfield/"


def texts(name: str, english: str, latvian: str = "") -> dict[str, str]:
    return {f"{name}_en": english, f"{name}_lv": latvian}


@pytest.fixture
def manager(desk: Desk, visit: Visit) -> Any:
    return visit(desk, desk.manager)


def add_field(manager: Any, desk: Desk, kind: FieldKind, label: str, **values: Any) -> FormField:
    with desk.entered():
        type_id = desk.type().pk
    sent = {"request_type": type_id, "kind": kind, "position": 1, "is_active": "on", **texts("label", label), **values}
    answer = manager.post(f"{FIELDS}add/", sent)
    assert answer.status_code == 302, answer.context["errors"]
    with desk.entered():
        return FormField.objects.latest("id")


def add_choices(manager: Any, desk: Desk, field: FormField, *choices: tuple[str, int | str]) -> list[int]:
    """Each a label and the choice that it goes with; returns their ids."""
    page = f"{FIELDS}{field.pk}/change/"
    sent: dict[str, Any] = {
        "request_type": field.request_type_id,
        "kind": field.kind,
        "position": 1,
        "is_active": "on",
        "depends_on": field.depends_on_id or "",
        **texts("label", field.label["en"]),
        "options-TOTAL_FORMS": len(choices),
        "options-INITIAL_FORMS": 0,
    }
    for number, (label, parent) in enumerate(choices):
        row = {**texts("label", label), "parent": parent, "position": number, "is_active": "on"}
        sent |= {f"options-{number}-{name}": value for name, value in row.items()}
    answer = manager.post(page, sent)
    assert answer.status_code == 302, answer.context["errors"]
    with desk.entered():
        return list(FieldOption.objects.filter(field=field).order_by("position").values_list("pk", flat=True))


def form(desk: Desk, visit: Visit) -> str:
    with desk.entered():
        where = f"/requests/new/{desk.type().pk}/"
    page: str = visit(desk, desk.requester).get(where).content.decode()
    return page


def test_a_topic_and_a_type_are_written_in_each_language(desk: Desk, visit: Visit, manager: Any) -> None:
    manager.post(
        "/admin/tickets/topicgroup/add/", {**texts("name", "Machines", "Mašīnas"), "icon": "box", "position": 1}
    )
    with desk.entered():
        group = TopicGroup.objects.latest("id")
    sent = {
        "group": group.pk,
        **texts("name", "Saw", "Zāģis"),
        **texts("sentence", "It does not cut."),
        "icon": "box",
        "position": 1,
        "is_active": "on",
        "asks_summary": "on",
    }
    manager.post("/admin/tickets/requesttype/add/", sent)
    browser = visit(desk, desk.requester)
    browser.post("/language/", {"language": "lv"})
    page = browser.get("/requests/new/").content.decode()
    # What has no Latvian is shown in the desk's own language, and says so to screen readers.
    assert ["Mašīnas" in page, "Zāģis" in page, "It does not cut." in page] == [True, True, True]
    with desk.entered():
        assert RequestType.objects.latest("id").sentence == {"en": "It does not cut."}


@pytest.mark.parametrize("kind", [kind for kind in FieldKind if kind != FieldKind.CHOICE])
def test_a_field_of_each_kind_is_defined(desk: Desk, visit: Visit, manager: Any, kind: FieldKind) -> None:
    assert add_field(manager, desk, kind, "Which one of these?").kind == kind


def test_a_question_is_asked_by_the_form(desk: Desk, visit: Visit, manager: Any) -> None:
    field = add_field(manager, desk, FieldKind.LINE, "Which saw?", is_required="on")
    assert re.search(rf'for="id_{field.name}">Which saw\?\s*<span class="mark">required', form(desk, visit))


def test_choices_depend_on_another_choice(desk: Desk, visit: Visit, manager: Any) -> None:
    saws = add_field(manager, desk, FieldKind.CHOICE, "Which saw?")
    small, large = add_choices(manager, desk, saws, ("Small", ""), ("Large", ""))
    blades = add_field(manager, desk, FieldKind.CHOICE, "Which blade?", depends_on=saws.pk)
    add_choices(manager, desk, blades, ("Thin", small), ("Thick", large))
    with desk.entered():
        found = list(FieldOption.objects.filter(field=blades).order_by("position").values_list("parent_id", flat=True))
    assert (found, "Thick" in form(desk, visit)) == ([small, large], True)


def test_a_field_is_shown_and_needed_by_the_answer_to_another(desk: Desk, visit: Visit, manager: Any) -> None:
    saws = add_field(manager, desk, FieldKind.CHOICE, "Which saw?")
    small, large = add_choices(manager, desk, saws, ("Small", ""), ("Large", ""))
    field = add_field(
        manager, desk, FieldKind.LINE, "How large?", shown_when=f"{saws.pk}:{large}", required_when=f"{saws.pk}:{large}"
    )
    with desk.entered():
        where = f"/requests/new/{desk.type().pk}/"
    browser = visit(desk, desk.requester)
    sent = [browser.post(where, {"summary": "The saw", saws.name: chosen}) for chosen in (small, large)]
    assert [answer.status_code for answer in sent] == [302, 422]
    assert list(sent[1].context["form"].errors) == [field.name]


def test_only_a_manager_defines_them(desk: Desk, visit: Visit) -> None:
    assert visit(desk, desk.agent).post(f"{FIELDS}add/", {}).status_code == 404
