"""What managers set: policies and what differs from them, contracts, closed days, kinds of work, deputies, absences."""

import html
import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import ClosedDay, Contract, Deputy, Event, Person, Representation, Tenant
from conftest import Desk, Visit, in_days
from tickets.models import WorkType
from tickets.policy import policy_for


def text_of(page: Any) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.content.decode())).split())


def without_billing(desk: Desk) -> None:
    with desk.entered():
        desk.tenant.billing_enabled = False
        desk.tenant.save()


def filled(page: Any, **changes: Any) -> dict[str, Any]:
    """The fields of an admin page as a browser would send them, with changes."""
    forms = [page.context["adminform"].form]
    for inline in page.context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.initial_forms]
    values = {
        form.add_prefix(name): form[name].value()
        for form in forms
        for name in form.fields
        if form[name].value() is not None and form[name].value() is not False
    }
    return {**values, **changes}


def save(visit: Visit, desk: Desk, person: Person, where: str, **changes: Any) -> Any:
    browser = visit(desk, person)
    return browser.post(where, filled(browser.get(where), **changes))


# ---- the desk's policies ----


def policies(desk: Desk) -> str:
    return f"/admin/accounts/tenant/{desk.id}/change/"


@pytest.mark.parametrize(
    ("field", "value"),
    [("tolerance_percent", 25), ("information_days", 9), ("estimate_days", 12), ("country", "CZ")],
)
def test_a_policy_is_set(desk: Desk, visit: Visit, field: str, value: Any) -> None:
    save(visit, desk, desk.manager, policies(desk), **{field: value})
    with desk.entered():
        assert getattr(Tenant.objects.get(), field) == value


def test_business_days_are_switched_off(desk: Desk, visit: Visit) -> None:
    browser = visit(desk, desk.manager)
    fields = filled(browser.get(policies(desk)))
    fields.pop("business_days", None)
    browser.post(policies(desk), fields)
    with desk.entered():
        assert not Tenant.objects.get().business_days


def test_a_country_nobody_knows_is_refused_at_its_field(desk: Desk, visit: Visit) -> None:
    answer = save(visit, desk, desk.manager, policies(desk), country="XX")
    assert "country" in answer.context["adminform"].form.errors


def test_countries_have_their_names_in_the_readers_language(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        desk.manager.language = "lv"
        desk.manager.save()
    assert "Čehija" in visit(desk, desk.manager).get(policies(desk)).content.decode()


def test_m9_without_billing_the_policies_speak_of_no_money_but_its_switch(desk: Desk, visit: Visit) -> None:
    without_billing(desk)
    form = visit(desk, desk.manager).get(policies(desk)).context["adminform"].form
    assert set(form.fields) == {
        "name",
        "language",
        "support_phone",
        "office_address",
        "review_days",
        "information_days",
        "reopen_days",
        "business_days",
        "country",
        "mail_hourly_limit",
        "mail_megabytes",
        "domain_membership",
        "heads_manage_people",
        "only_heads_ask",
        "billing_enabled",
    }


# ---- what differs from them ----


def test_a8_a_type_differs_from_the_desk(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        where = f"/admin/tickets/requesttype/{desk.type().pk}/change/"
    save(visit, desk, desk.manager, where, name_en="Cash desk", threshold_minutes="15", business_days="false")
    with desk.entered():
        policy = policy_for(Tenant.objects.get(), desk.type(), None)
    assert (policy.threshold_minutes, policy.business_days, policy.review_days) == (15, False, desk.tenant.review_days)


def test_an_empty_field_shows_what_the_desk_has(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        where = f"/admin/tickets/requesttype/{desk.type().pk}/change/"
    field = visit(desk, desk.manager).get(where).context["adminform"].form["threshold_minutes"]
    assert 'placeholder="120"' in str(field)


def test_a_type_left_as_it_is_stays_as_the_desk(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        where = f"/admin/tickets/requesttype/{desk.type().pk}/change/"
    save(visit, desk, desk.manager, where, name_en="Cash desk")
    with desk.entered():
        assert (desk.type().threshold_minutes, desk.type().business_days) == (None, None)


def test_the_lists_show_names_and_no_json(desk: Desk, visit: Visit) -> None:
    browser = visit(desk, desk.manager)
    pages = [
        browser.get(f"/admin/tickets/{model}/") for model in ("topicgroup", "requesttype", "worktype", "formfield")
    ]
    assert not any("{" in text_of(page).partition("Position")[2] for page in pages)


def test_m9_without_billing_a_type_is_not_billable_or_not(desk: Desk, visit: Visit) -> None:
    without_billing(desk)
    with desk.entered():
        where = f"/admin/tickets/requesttype/{desk.type().pk}/change/"
    fields = visit(desk, desk.manager).get(where).context["adminform"].form.fields
    assert {"is_billable", "threshold_minutes", "tolerance_percent", "estimate_days"} & set(fields) == set()


# ---- contracts ----


def agreed(desk: Desk, **changes: Any) -> dict[str, Any]:
    values = {"organisation": desk.organisation.pk, "number": "C-1", "title": "Maintenance", "starts_on": "2026-01-01"}
    no_rows = {f"{rows}-{count}_FORMS": "0" for rows in ("covers", "users") for count in ("TOTAL", "INITIAL")}
    return {**values, "business_days": "unknown", **no_rows, **changes}


def test_a_contract_is_entered(desk: Desk, visit: Visit) -> None:
    visit(desk, desk.manager).post("/admin/accounts/contract/add/", agreed(desk, covers_work="on", hourly_rate="70"))
    with desk.entered():
        row = Contract.objects.get()
    assert (row.number, row.covers_work, row.hourly_rate, row.review_days) == ("C-1", True, Decimal(70), None)


def test_a_contracts_number_is_its_own(desk: Desk, visit: Visit) -> None:
    browser = visit(desk, desk.manager)
    browser.post("/admin/accounts/contract/add/", agreed(desk))
    answer = browser.post("/admin/accounts/contract/add/", agreed(desk))
    assert (answer.status_code, bool(answer.context["adminform"].form.errors)) == (200, True)


def test_a_contract_does_not_end_before_it_begins(desk: Desk, visit: Visit) -> None:
    answer = visit(desk, desk.manager).post("/admin/accounts/contract/add/", agreed(desk, ends_on="2025-12-31"))
    assert "ends_on" in answer.context["adminform"].form.errors


def test_another_desks_organisation_has_no_contract_here(desk: Desk, rival: Desk, visit: Visit) -> None:
    fields = agreed(desk, organisation=rival.organisation.pk)
    answer = visit(desk, desk.manager).post("/admin/accounts/contract/add/", fields)
    assert "organisation" in answer.context["adminform"].form.errors


def test_an_agent_reads_contracts_and_changes_none(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        row = Contract.objects.create(organisation=desk.organisation, number="C-1", starts_on=date(2026, 1, 1))
    browser, where = visit(desk, desk.agent), f"/admin/accounts/contract/{row.pk}/change/"
    found = browser.get(where).status_code, browser.post(where, agreed(desk, number="C-2")).status_code
    with desk.entered():
        assert (found, Contract.objects.get().number) == ((200, 404), "C-1")


@pytest.mark.parametrize(("words", "found"), [("C-1", 1), ("C-", 0), ("C-1\0", 1)])
def test_a_contract_is_found_by_its_number(desk: Desk, visit: Visit, words: str, found: int) -> None:
    with desk.entered():
        Contract.objects.create(organisation=desk.organisation, number="C-1", starts_on=date(2026, 1, 1))
    page = visit(desk, desk.agent).get("/admin/accounts/contract/", {"q": words})
    assert len(page.context["cl"].result_list) == found


def test_m9_without_billing_a_contract_speaks_of_no_money(desk: Desk, visit: Visit) -> None:
    without_billing(desk)
    form = visit(desk, desk.manager).get("/admin/accounts/contract/add/").context["adminform"].form
    assert {"covers_work", "hourly_rate", "threshold_minutes"} & set(form.fields) == set()


# ---- closed days, kinds of work ----


def test_a_closed_day_is_entered(desk: Desk, visit: Visit) -> None:
    visit(desk, desk.manager).post("/admin/accounts/closedday/add/", {"day": "2026-12-31", "name": "Inventory"})
    with desk.entered():
        assert ClosedDay.objects.get().day == date(2026, 12, 31)


def test_a_wrong_closed_day_is_deleted(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        row = ClosedDay.objects.create(day=date(2026, 12, 31))
    visit(desk, desk.manager).post(f"/admin/accounts/closedday/{row.pk}/delete/", {"post": "yes"})
    with desk.entered():
        assert not ClosedDay.objects.exists()


def test_an_agent_deletes_no_closed_day(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        row = ClosedDay.objects.create(day=date(2026, 12, 31))
    visit(desk, desk.agent).post(f"/admin/accounts/closedday/{row.pk}/delete/", {"post": "yes"})
    with desk.entered():
        assert ClosedDay.objects.exists()


def test_b22_a_kind_of_work_is_entered(desk: Desk, visit: Visit) -> None:
    fields = {"name_en": "Travel", "is_active": "on", "position": "9"}
    visit(desk, desk.manager).post("/admin/tickets/worktype/add/", fields)
    with desk.entered():
        row = WorkType.objects.get(position=9)
    assert (str(row), row.is_billable) == ("Travel", False)


# ---- people ----


def person_page(person: Person) -> str:
    return f"/admin/accounts/person/{person.pk}/change/"


def deputy_fields(desk: Desk, **changes: Any) -> dict[str, Any]:
    """A new row of the colleague's deputies: the requester."""
    with desk.entered():
        right = Representation.objects.get(person=desk.colleague)
    values = {
        "representation": right.pk,
        "person": desk.requester.pk,
        "starts_on": str(in_days(0)),
        "ends_on": str(in_days(7)),
        **changes,
    }
    return {"deputies-TOTAL_FORMS": "1", **{f"deputies-0-{name}": value for name, value in values.items()}}


def refused_row(answer: Any) -> dict[str, Any]:
    inline = next(row for row in answer.context["inline_admin_formsets"] if row.formset.prefix == "deputies")
    return dict(inline.formset.forms[0].errors)


def test_an_agent_enters_a_deputy(desk: Desk, visit: Visit) -> None:
    save(visit, desk, desk.agent, person_page(desk.colleague), **deputy_fields(desk))
    with desk.entered():
        row = Deputy.objects.get()
        assert (row.person, row.representation.person) == (desk.requester, desk.colleague)


def test_a_deputy_is_somebody_of_the_organisation(desk: Desk, visit: Visit) -> None:
    """Anybody else could not read what they decide about."""
    fields = deputy_fields(desk, person=desk.stranger.pk)
    answer = save(visit, desk, desk.agent, person_page(desk.colleague), **fields)
    assert list(refused_row(answer)) == ["person"]


def test_nobody_is_their_own_deputy(desk: Desk, visit: Visit) -> None:
    fields = deputy_fields(desk, person=desk.colleague.pk)
    answer = save(visit, desk, desk.agent, person_page(desk.colleague), **fields)
    assert list(refused_row(answer)) == ["person"]


def test_a_deputy_does_not_end_before_they_begin(desk: Desk, visit: Visit) -> None:
    fields = deputy_fields(desk, ends_on=str(in_days(-1)))
    answer = save(visit, desk, desk.agent, person_page(desk.colleague), **fields)
    assert list(refused_row(answer)) == ["ends_on"]


def test_only_the_persons_own_rights_are_handed_on(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        foreign = Representation.objects.get(person=desk.stranger)
        Representation.objects.filter(pk=foreign.pk).update(may_approve=True)
    fields = deputy_fields(desk, representation=foreign.pk)
    answer = save(visit, desk, desk.agent, person_page(desk.colleague), **fields)
    assert list(refused_row(answer)) == ["representation"]


def test_a_deputy_is_taken_away(desk: Desk, visit: Visit) -> None:
    save(visit, desk, desk.agent, person_page(desk.colleague), **deputy_fields(desk))
    save(visit, desk, desk.agent, person_page(desk.colleague), **{"deputies-0-DELETE": "on"})
    with desk.entered():
        assert not Deputy.objects.exists()


def test_who_entered_and_ended_a_deputy_is_history(desk: Desk, visit: Visit) -> None:
    save(visit, desk, desk.agent, person_page(desk.colleague), **deputy_fields(desk))
    with desk.entered():
        row = Deputy.objects.get()
    fields = {**deputy_fields(desk), "deputies-INITIAL_FORMS": "1", "deputies-0-id": row.pk, "deputies-0-DELETE": "on"}
    save(visit, desk, desk.agent, person_page(desk.colleague), **fields)
    with desk.entered():
        events = Event.objects.filter(subject_label="accounts.deputy", subject_id=row.pk).order_by("id")
        assert [(event.kind, event.by) for event in events] == [
            ("deputy.appointed", desk.agent),
            ("deputy.dismissed", desk.agent),
        ]


def test_another_persons_deputies_are_out_of_reach(desk: Desk, visit: Visit) -> None:
    """A row of somebody else's page, posted here, is neither changed nor deleted."""
    with desk.entered():
        Representation.objects.filter(person=desk.stranger).update(may_approve=True)
    save(visit, desk, desk.agent, person_page(desk.colleague), **deputy_fields(desk))
    with desk.entered():
        row = Deputy.objects.get()
    fields = {**deputy_fields(desk), "deputies-INITIAL_FORMS": "1", "deputies-0-id": row.pk, "deputies-0-DELETE": "on"}
    save(visit, desk, desk.agent, person_page(desk.stranger), **fields)
    with desk.entered():
        assert Deputy.objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize("role", ["requester", "agent"])
def test_who_approves_nothing_has_no_deputies(desk: Desk, visit: Visit, role: str) -> None:
    page = visit(desk, desk.manager).get(person_page(getattr(desk, role)))
    assert "deputies" not in {inline.formset.prefix for inline in page.context["inline_admin_formsets"]}


def test_a_deputy_is_looked_for_by_name(desk: Desk, rival: Desk, visit: Visit) -> None:
    asked = {"term": "Rita", "app_label": "accounts", "model_name": "deputy", "field_name": "person"}
    answer = visit(desk, desk.agent).get("/admin/autocomplete/", asked)
    assert [row["id"] for row in answer.json()["results"]] == [str(desk.requester.pk)]


def test_m9_without_billing_nobody_approves_anything(desk: Desk, visit: Visit) -> None:
    without_billing(desk)
    said = text_of(visit(desk, desk.agent).get(person_page(desk.colleague))).lower()
    assert [word for word in ("estimate", "invoice", "approve", "deput") if word in said] == []


def test_a_manager_says_that_somebody_is_away(desk: Desk, visit: Visit) -> None:
    save(visit, desk, desk.manager, person_page(desk.agent), away_until=str(in_days(7)))
    with desk.entered():
        assert Person.objects.get(pk=desk.agent.pk).away_until == in_days(7)


def test_an_agent_does_not_send_anybody_away(desk: Desk, visit: Visit) -> None:
    save(visit, desk, desk.agent, person_page(desk.requester), away_until=str(in_days(7)), is_agent="on")
    with desk.entered():
        row = Person.objects.get(pk=desk.requester.pk)
    assert (row.away_until, row.is_agent) == (None, False)


# ---- the navigation ----


@pytest.mark.parametrize(
    ("role", "entries"),
    [
        ("agent", {"Contracts"}),
        ("accountant", {"Contracts"}),
        ("manager", {"Contracts", "Work types", "Closed days", "Policies"}),
    ],
)
def test_the_navigation_leads_where_the_role_may_go(desk: Desk, visit: Visit, role: str, entries: set[str]) -> None:
    sections = visit(desk, getattr(desk, role)).get("/admin/").context["sidebar_navigation"]
    offered = {str(item["title"]) for section in sections for item in section["items"]}
    assert offered & {"Contracts", "Work types", "Closed days", "Policies"} == entries
