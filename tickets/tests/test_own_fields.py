"""A request type's own fields: managers define them, forms ask and judge them, the request keeps the answers."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Component, Contract, ContractUser, Cover, Product, Representation
from conftest import PASSWORD, Desk, Visit, in_days
from tickets import actions
from tickets.models import Answer, FieldKind, FieldOption, FormField, RequestType, Ticket


def asks(desk: Desk, kind: FieldKind, label: str = "Which one?", **changes: Any) -> FormField:
    """One more field of the desk's first type."""
    return FormField.objects.create(request_type=desk.type(), kind=kind, label={"en": label}, **changes)


def option(field: FormField, label: str, parent: FieldOption | None = None) -> FieldOption:
    return FieldOption.objects.create(field=field, label={"en": label, "lv": f"{label} latviski"}, parent=parent)


def page(desk: Desk, visit: Visit) -> str:
    return visit(desk, desk.requester).get(f"/requests/new/{type_id(desk)}/").content.decode()


def type_id(desk: Desk) -> int:
    with desk.entered():
        return desk.type().pk


def send(desk: Desk, visit: Visit, **values: Any) -> Any:
    sent = {"summary": "Something is wrong", **values}
    return visit(desk, desk.requester).post(f"/requests/new/{type_id(desk)}/", sent)


def answers(desk: Desk) -> list[str]:
    with desk.entered():
        return [str(row) for row in Answer.objects.order_by("position")]


def error_of(response: Any, name: str) -> str:
    """What the page says at a field."""
    found = re.search(rf'id="id_{name}_error">(.*?)</div>\s*</div>', response.content.decode(), re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split()) if found else ""


# ---- each kind of answer ----


@pytest.mark.parametrize(
    ("kind", "typed", "shown"),
    [
        (FieldKind.LINE, "The left one", "The left one"),
        (FieldKind.TEXT, "One\r\nTwo", "One\nTwo"),
        (FieldKind.NUMBER, "1 234,5", "1,234.5"),
        (FieldKind.DATE, "2026-12-05", "5 Dec 2026"),
        (FieldKind.CHECKBOX, "on", "yes"),
        (FieldKind.PHONE, "+371 67 000 000 ext. 12", "+371 67 000 000 ext. 12"),
        (FieldKind.EMAIL, "Anna@Example.COM", "anna@example.com"),
    ],
)
def test_an_answer_is_kept_and_shown(desk: Desk, visit: Visit, kind: FieldKind, typed: str, shown: str) -> None:
    with desk.entered():
        field = asks(desk, kind)
    assert send(desk, visit, **{field.name: typed}).status_code == 302
    assert answers(desk) == [f"Which one?: {shown}"]


@pytest.mark.parametrize(
    ("kind", "typed", "sentence"),
    [
        (FieldKind.LINE, "x" * 10_000, "at most 200 characters"),
        (FieldKind.LINE, "gnp.\u202ecod", "characters here that cannot be seen"),
        (FieldKind.LINE, "a\x07b", "characters here that cannot be seen"),
        (FieldKind.NUMBER, "many", "Enter a number"),
        (FieldKind.NUMBER, "NaN", "Enter a number"),
        (FieldKind.NUMBER, "sNaN", "Enter a number"),
        (FieldKind.NUMBER, "1e999999999", "no more than 15 digits"),
        (FieldKind.DATE, "0000-01-01", "Enter a valid date"),
        (FieldKind.DATE, "0001-01-01", "greater than or equal to"),
        (FieldKind.PHONE, "call me", "not a telephone number"),
        (FieldKind.EMAIL, "somebody", "not an e-mail address"),
    ],
)
def test_what_is_no_answer_gets_a_sentence_at_its_field(
    desk: Desk, visit: Visit, kind: FieldKind, typed: str, sentence: str
) -> None:
    with desk.entered():
        field = asks(desk, kind)
    response = send(desk, visit, **{field.name: typed})
    assert response.status_code == 422
    assert sentence in error_of(response, field.name)


def test_what_was_taken_out_does_not_come_back_with_the_form(desk: Desk, visit: Visit) -> None:
    response = send(desk, visit, summary="gnp.\u202ecod")
    assert 'value="gnp.cod"' in response.content.decode()


def test_a_choice_is_kept_in_all_its_languages(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        field = asks(desk, FieldKind.CHOICE)
        chosen = option(field, "Left")
    send(desk, visit, **{field.name: chosen.pk})
    with desk.entered():
        assert Answer.objects.get().value == {"texts": {"en": "Left", "lv": "Left latviski"}}


def test_a_choice_that_is_not_offered_is_refused(desk: Desk, rival: Desk, visit: Visit) -> None:
    with rival.entered():
        foreign = option(asks(rival, FieldKind.CHOICE), "Theirs")
    with desk.entered():
        field = asks(desk, FieldKind.CHOICE)
        option(field, "Left")
    response = send(desk, visit, **{field.name: foreign.pk})
    assert "not one of the available choices" in error_of(response, field.name)


def test_an_organisation_of_others_is_refused(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        field = asks(desk, FieldKind.ORGANISATION)
    response = send(desk, visit, **{field.name: desk.other_organisation.pk})
    assert "not one of the available choices" in error_of(response, field.name)


def test_k2_what_must_be_answered_is_marked_and_insisted_on(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        field = asks(desk, FieldKind.LINE, is_required=True)
    assert re.search(rf'for="id_{field.name}">Which one\?\s*<span class="mark">required', page(desk, visit))
    assert "required" in error_of(send(desk, visit), field.name)


def test_what_was_typed_comes_back_with_a_refusal(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        field = asks(desk, FieldKind.LINE)
    response = send(desk, visit, summary="", **{field.name: "The left one"})
    assert 'value="The left one"' in response.content.decode()


def test_a_field_that_is_not_asked_any_more_is_not_shown(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        field = asks(desk, FieldKind.LINE, is_active=False)
    assert field.name not in page(desk, visit)


def test_fields_of_another_type_are_not_shown(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        other = RequestType.objects.exclude(pk=desk.type().pk).earliest("id")
        field = FormField.objects.create(request_type=other, label={"en": "Which one?"})
    assert field.name not in page(desk, visit)


def test_an_answer_outlives_its_field(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        field = asks(desk, FieldKind.LINE)
    send(desk, visit, **{field.name: "The left one"})
    with desk.entered():
        FormField.objects.all().delete()
    assert answers(desk) == ["Which one?: The left one"]


# ---- what depends on something else ----


@pytest.fixture
def conditional(desk: Desk) -> dict[str, Any]:
    """'Did it work before?' decides whether 'Since when?' is asked."""
    with desk.entered():
        before = asks(desk, FieldKind.CHECKBOX, "Did it work before?")
        since = asks(desk, FieldKind.DATE, "Since when?", is_required=True, shown_when=[[str(before.pk), "yes"]])
    return {"before": before.name, "since": since.name}


def test_what_is_not_shown_need_not_be_answered(desk: Desk, visit: Visit, conditional: dict[str, Any]) -> None:
    assert send(desk, visit).status_code == 302


def test_what_is_not_shown_does_not_count(desk: Desk, visit: Visit, conditional: dict[str, Any]) -> None:
    send(desk, visit, **{conditional["since"]: "2026-11-01"})
    assert answers(desk) == ["Did it work before?: no"]


def test_what_is_shown_must_be_answered(desk: Desk, visit: Visit, conditional: dict[str, Any]) -> None:
    response = send(desk, visit, **{conditional["before"]: "on"})
    assert "required" in error_of(response, conditional["since"])


def test_nonsense_in_what_is_not_shown_is_no_error(desk: Desk, visit: Visit, conditional: dict[str, Any]) -> None:
    assert send(desk, visit, **{conditional["since"]: "nonsense"}).status_code == 302


def test_without_script_the_form_says_when_it_applies(desk: Desk, visit: Visit, conditional: dict[str, Any]) -> None:
    assert "Only when “Did it work before?” is “yes”." in page(desk, visit)


def test_a_condition_on_what_is_not_asked_any_more_is_none(
    desk: Desk, visit: Visit, conditional: dict[str, Any]
) -> None:
    with desk.entered():
        FormField.objects.filter(kind=FieldKind.CHECKBOX).update(is_active=False)
    assert "required" in error_of(send(desk, visit), conditional["since"])
    send(desk, visit, **{conditional["since"]: "2026-11-01"})
    assert answers(desk) == ["Since when?: 1 Nov 2026"]


def test_what_depends_on_something_hidden_is_hidden_wherever_it_stands(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        first = asks(desk, FieldKind.CHECKBOX, "First?", position=1)
        second = asks(desk, FieldKind.CHECKBOX, "Second?", position=3, shown_when=[[str(first.pk), "yes"]])
        third = asks(desk, FieldKind.LINE, "Third?", position=2, is_required=True, shown_when=[[str(second.pk), "yes"]])
    assert send(desk, visit, **{second.name: "on"}).status_code == 302
    assert "required" in error_of(send(desk, visit, **{first.name: "on", second.name: "on"}), third.name)


def test_nought_is_an_answer(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        field = asks(desk, FieldKind.NUMBER, is_required=True)
    assert send(desk, visit, **{field.name: "0"}).status_code == 302


def test_nobody_has_to_choose_where_there_is_no_choice(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        asks(desk, FieldKind.PRODUCT, "Product")
        asks(desk, FieldKind.COMPONENT, "Component", is_required=True)
        plain, parted = Product.objects.create(name="Plain"), Product.objects.create(name="Parted")
        Component.objects.create(product=parted, name="Part")
    assert send(desk, visit, product=plain.pk).status_code == 302
    assert "required" in error_of(send(desk, visit, product=parted.pk), "component")


def test_what_another_answer_makes_necessary_is_insisted_on(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        urgent = asks(desk, FieldKind.CHECKBOX, "Is it urgent?")
        why = asks(desk, FieldKind.LINE, "Why?", required_when=[[str(urgent.pk), "yes"]])
    assert send(desk, visit).status_code == 302
    assert "required" in error_of(send(desk, visit, **{urgent.name: "on"}), why.name)


def test_a_choice_must_go_with_the_one_it_depends_on(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        country = asks(desk, FieldKind.CHOICE, "Country")
        latvia, poland = option(country, "Latvia"), option(country, "Poland")
        town = asks(desk, FieldKind.CHOICE, "Town", depends_on=country)
        option(town, "Riga", latvia)
        krakow = option(town, "Krakow", poland)
    refused = send(desk, visit, **{country.name: latvia.pk, town.name: krakow.pk})
    assert "does not go with" in error_of(refused, town.name)
    assert send(desk, visit, **{country.name: poland.pk, town.name: krakow.pk}).status_code == 302


# ---- product, component, kind (K9–K11, K13) ----


@pytest.fixture
def products(desk: Desk) -> dict[str, Any]:
    """Two products; a contract covers the first. The form asks for product, component, kind and system information."""
    with desk.entered():
        ledger, wages = Product.objects.create(name="Ledger"), Product.objects.create(name="Wages")
        contract = Contract.objects.create(organisation=desk.organisation, number="C-1", starts_on=in_days(-9))
        Cover.objects.create(contract=contract, product=ledger)
        asks(desk, FieldKind.PRODUCT, "Product", is_required=True)
        asks(desk, FieldKind.COMPONENT, "Component")
        kind = asks(desk, FieldKind.KIND, "Kind", is_required=True)
        asks(desk, FieldKind.SYSTEM, "System information", shown_when=[[str(kind.pk), "error"]], is_required=True)
        return {
            "ledger": ledger.pk,
            "wages": wages.pk,
            "contract": contract,
            "reports": Component.objects.create(product=ledger, name="Reports").pk,
        }


def the_ticket(desk: Desk) -> Ticket:
    with desk.entered():
        return Ticket.objects.whole().get()


def test_k9_product_and_component_stand_on_the_ticket(desk: Desk, visit: Visit, products: dict[str, Any]) -> None:
    send(desk, visit, product=products["ledger"], component=products["reports"], kind="consultation")
    ticket = the_ticket(desk)
    assert (ticket.product_id, ticket.component_id) == (products["ledger"], products["reports"])


def test_k9_a_component_of_another_product_is_refused(desk: Desk, visit: Visit, products: dict[str, Any]) -> None:
    response = send(desk, visit, product=products["wages"], component=products["reports"], kind="consultation")
    assert "not a part of the chosen product" in error_of(response, "component")


def test_k10_with_a_contract_every_kind_is_possible(desk: Desk, visit: Visit, products: dict[str, Any]) -> None:
    assert send(desk, visit, product=products["ledger"], kind="enhancement").status_code == 302
    assert the_ticket(desk).kind == "enhancement"


def test_k10_without_a_contract_for_the_product_only_a_consultation(
    desk: Desk, visit: Visit, products: dict[str, Any]
) -> None:
    response = send(desk, visit, product=products["wages"], kind="configuration")
    assert error_of(response, "kind") == "You have no contract for Wages, so we can offer a consultation."
    assert send(desk, visit, product=products["wages"], kind="consultation").status_code == 302


def test_k10_an_ended_contract_covers_nothing(desk: Desk, visit: Visit, products: dict[str, Any]) -> None:
    with desk.entered():
        Contract.objects.update(ends_on=in_days(-1))
    assert send(desk, visit, product=products["ledger"], kind="error").status_code == 422


def test_k11_covered_products_are_marked_and_stand_first(desk: Desk, visit: Visit, products: dict[str, Any]) -> None:
    text = page(desk, visit)
    assert re.search(
        rf'<optgroup label="Covered by your contract">\s*<option value="{products["ledger"]}" data-covered="yes" '
        r'class="covered">Ledger</option>\s*</optgroup>\s*<optgroup label="Without a contract">',
        text,
    )


def test_k8_an_organisation_under_anothers_contract_is_covered(
    desk: Desk, visit: Visit, products: dict[str, Any]
) -> None:
    with desk.entered():
        contract = Contract.objects.create(organisation=desk.other_organisation, number="C-2", starts_on=in_days(-9))
        Cover.objects.create(contract=contract, product_id=products["wages"])
        ContractUser.objects.create(contract=contract, organisation=desk.organisation)
    send(desk, visit, product=products["wages"], kind="enhancement")
    assert the_ticket(desk).contract == contract


def test_the_work_is_done_under_the_contract_that_names_the_product(
    desk: Desk, visit: Visit, products: dict[str, Any]
) -> None:
    with desk.entered():  # covers everything, and so would apply to what no other names
        Contract.objects.create(organisation=desk.organisation, number="C-0", starts_on=in_days(-9))
    send(desk, visit, product=products["ledger"], kind="consultation")
    assert the_ticket(desk).contract == products["contract"]


def test_k13_system_information_is_asked_for_with_an_error(desk: Desk, visit: Visit, products: dict[str, Any]) -> None:
    assert "required" in error_of(send(desk, visit, product=products["ledger"], kind="error"), "system")
    send(desk, visit, product=products["ledger"], kind="error", system="Version 7\r\nbuild 12")
    assert the_ticket(desk).system_information == "Version 7\nbuild 12"


def test_a8_a_project_is_offered_to_its_organisation_only(desk: Desk, visit: Visit, products: dict[str, Any]) -> None:
    with desk.entered():
        theirs = Product.objects.create(name="Their shop", organisation=desk.other_organisation)
        Product.objects.create(name="Our shop", organisation=desk.organisation)
    text = page(desk, visit)
    assert "Our shop" in text
    assert "Their shop" not in text
    response = send(desk, visit, product=theirs.pk, kind="consultation")
    assert error_of(response, "product") != ""


def test_a8_a_project_goes_when_the_organisation_is_corrected(desk: Desk, products: dict[str, Any]) -> None:
    with desk.entered():
        ours = Product.objects.create(name="Our shop", organisation=desk.organisation)
        ticket = desk.submit(details=actions.Details(product=ours))
        Representation.objects.create(person=desk.requester, organisation=desk.other_organisation)
        values = {"request_type": ticket.request_type, "priority": ticket.priority}
        ticket = actions.complete(ticket, by=desk.agent, organisation=desk.other_organisation, **values)
        assert ticket.product is None


def test_k10_who_has_a_contract_is_not_told_that_they_have_none(
    desk: Desk, visit: Visit, products: dict[str, Any]
) -> None:
    with desk.entered():
        FormField.objects.filter(kind__in=["product", "component"]).delete()
    response = send(desk, visit, kind="configuration")
    assert error_of(response, "kind") == "Your contracts name other products, so we can offer a consultation."


def test_another_desks_product_is_refused(desk: Desk, rival: Desk, visit: Visit, products: dict[str, Any]) -> None:
    with rival.entered():
        foreign = Product.objects.create(name="Foreign").pk
    assert error_of(send(desk, visit, product=foreign, kind="consultation"), "product") != ""


# ---- the usual fields ----


def test_m5_a_type_may_ask_for_a_question_and_files_only(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        RequestType.objects.filter(pk=desk.type().pk).update(
            asks_summary=False,
            asks_due_date=False,
            needs_description=True,
            description_label={"en": "Your question"},
        )
    text = page(desk, visit)
    assert "Your question" in text
    assert 'name="summary"' not in text
    assert 'name="due_date"' not in text
    visit(desk, desk.requester).post(
        f"/requests/new/{type_id(desk)}/", {"description": "Where are\tthe reports?\nI looked everywhere."}
    )
    ticket = the_ticket(desk)
    assert (ticket.subject, ticket.description) == (
        "Where are the reports?",
        "Where are\tthe reports?\nI looked everywhere.",
    )


def test_m8_the_form_says_what_is_helped_with(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        RequestType.objects.filter(pk=desk.type().pk).update(scope={"en": "We help with the system, not with taxes."})
    assert "We help with the system, not with taxes." in page(desk, visit)


def test_the_number_of_queries_does_not_grow_with_the_fields(desk: Desk, visit: Visit) -> None:
    browser, where = visit(desk, desk.requester), f"/requests/new/{type_id(desk)}/"

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            browser.get(where)
        return len(queries)

    with desk.entered():
        option(asks(desk, FieldKind.CHOICE), "One")
    browser.get(where)
    few = count()
    with desk.entered():
        for _number in range(10):
            option(asks(desk, FieldKind.CHOICE), "One")
    assert count() == few


def test_own_fields_survive_a_session_that_ended(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        field = asks(desk, FieldKind.LINE)
    where, visitor = f"/requests/new/{type_id(desk)}/", visit(desk)
    address = f"http://{desk.host}{where}"
    visitor.post(where, {"summary": "Something", field.name: "The left one"}, headers={"referer": address})
    visitor.post("/account/login/", {"login": desk.requester.email, "password": PASSWORD})
    assert 'value="The left one"' in visitor.get(where).content.decode()
