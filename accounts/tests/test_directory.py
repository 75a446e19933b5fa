"""People and organisations in the admin: who may change what, and what each change leaves behind."""

from typing import Any

import pytest

from accounts.models import Event, Organisation, Person, Tenant
from accounts.search import find_organisations, find_people
from conftest import Desk, Visit
from tickets.models import RequestType, Ticket

NO_INLINES = {"representations-TOTAL_FORMS": "0", "representations-INITIAL_FORMS": "0"}


def person_fields(person: Person, **changes: Any) -> dict[str, Any]:
    return {"name": person.name, "email": person.email, "language": "en", "is_active": "on", **NO_INLINES, **changes}


def test_an_agent_edits_a_customer(desk: Desk, visit: Visit) -> None:
    visit(desk, desk.agent).post(
        f"/admin/accounts/person/{desk.requester.pk}/change/", person_fields(desk.requester, name="Rita Renamed")
    )
    with desk.entered():
        assert Person.objects.get(pk=desk.requester.pk).name == "Rita Renamed"


def test_the_change_is_history_without_its_values(desk: Desk, visit: Visit) -> None:
    visit(desk, desk.agent).post(
        f"/admin/accounts/person/{desk.requester.pk}/change/", person_fields(desk.requester, name="Rita Renamed")
    )
    with desk.entered():
        event = Event.objects.get(kind="person.changed")
    assert "Rita Renamed" not in str(event.data)
    assert event.by_id == desk.agent.pk


def test_an_agent_cannot_make_a_manager(desk: Desk, visit: Visit) -> None:
    """The field is not on an agent's form; posting it changes nothing."""
    visit(desk, desk.agent).post(
        f"/admin/accounts/person/{desk.requester.pk}/change/",
        person_fields(desk.requester, is_manager="on", is_agent="on"),
    )
    with desk.entered():
        assert not Person.objects.get(pk=desk.requester.pk).is_staff


def test_a_manager_makes_an_agent(desk: Desk, visit: Visit) -> None:
    visit(desk, desk.manager).post(
        f"/admin/accounts/person/{desk.requester.pk}/change/",
        person_fields(desk.requester, is_agent="on", support_line="1"),
    )
    with desk.entered():
        assert Person.objects.get(pk=desk.requester.pk).is_agent


def test_an_agent_does_not_edit_a_colleague(desk: Desk, visit: Visit) -> None:
    visit(desk, desk.agent).post(
        f"/admin/accounts/person/{desk.manager.pk}/change/", person_fields(desk.manager, email="me@example.com")
    )
    with desk.entered():
        assert Person.objects.get(pk=desk.manager.pk).email == desk.manager.email


def test_a_tenant_or_account_cannot_be_posted(desk: Desk, rival: Desk, visit: Visit) -> None:
    visit(desk, desk.manager).post(
        f"/admin/accounts/person/{desk.requester.pk}/change/",
        person_fields(desk.requester, tenant=rival.id, user=desk.manager.user_id, is_verified=""),
    )
    with desk.entered():
        row = Person.objects.get(pk=desk.requester.pk)
    assert (row.tenant_id, row.user_id) == (desk.id, desk.requester.user_id)


def test_a_double_address_is_said_at_the_form(desk: Desk, visit: Visit) -> None:
    answer = visit(desk, desk.agent).post(
        "/admin/accounts/person/add/", person_fields(desk.requester, name="Somebody else")
    )
    assert (answer.status_code, bool(answer.context["adminform"].form.errors)) == (200, True)


@pytest.mark.parametrize("address", ["no address", "a@b@c", "\u212aate@example.com", "x@exa mple.com"])
def test_a_bad_address_is_said_at_its_field(desk: Desk, visit: Visit, address: str) -> None:
    answer = visit(desk, desk.agent).post("/admin/accounts/person/add/", person_fields(desk.requester, email=address))
    assert "email" in answer.context["adminform"].form.errors


def test_an_address_is_stored_in_its_one_form(desk: Desk, visit: Visit) -> None:
    visit(desk, desk.agent).post(
        "/admin/accounts/person/add/",
        {"name": "Nora", "email": "Nora@Example.COM", "language": "en", "is_active": "on", **NO_INLINES},
    )
    with desk.entered():
        assert Person.objects.filter(email="nora@example.com").exists()


def test_the_invitation_goes_out(desk: Desk, visit: Visit) -> None:
    visit(desk, desk.agent).post(f"/admin/accounts/person/{desk.requester.pk}/invite/")
    with desk.entered():
        assert Event.objects.filter(kind="person.invited").exists()


@pytest.mark.parametrize("words", ["rita", "RITA", "requester@alpha", "ques"])
def test_people_are_found_by_a_part(inside: Desk, words: str) -> None:
    assert inside.requester.pk in find_people(words)


@pytest.mark.parametrize("words", ["%", "_", "\\", "'; DROP TABLE accounts_person; --"])
def test_wildcards_are_letters(inside: Desk, words: str) -> None:
    assert find_people(words) == []


def test_search_stays_inside_the_desk(inside: Desk, rival: Desk) -> None:
    assert rival.organisation.pk not in find_organisations("Rye")


def test_search_finds_nothing_outside_of_a_tenant(desk: Desk) -> None:
    assert find_people("Rita") == []


def test_an_autocomplete_offers_only_the_desks_people(desk: Desk, rival: Desk, visit: Visit) -> None:
    answer = visit(desk, desk.agent).get(
        "/admin/autocomplete/",
        {"term": "Rita", "app_label": "accounts", "model_name": "representation", "field_name": "person"},
    )
    assert [row["id"] for row in answer.json()["results"]] == [str(desk.requester.pk)]


@pytest.mark.parametrize(
    ("term", "offered"), [("a", {"agent", "manager"}), ("", {"agent", "manager"}), ("Rita", set())]
)
def test_an_assignee_is_looked_for_among_those_who_answer(
    desk: Desk, rival: Desk, visit: Visit, term: str, offered: set[str]
) -> None:
    answer = visit(desk, desk.agent).get(
        "/admin/autocomplete/",
        {"term": term, "app_label": "tickets", "model_name": "ticket", "field_name": "assignee"},
    )
    assert {row["id"] for row in answer.json()["results"]} == {str(getattr(desk, role).pk) for role in offered}


def test_the_policies_page_changes_the_desk(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        host = desk.tenant.pk
    fields = {
        "name": "Alpha Desk",
        "language": "en",
        "threshold_minutes": "60",
        "tolerance_percent": "10",
        "review_days": "5",
        "information_days": "14",
        "estimate_days": "30",
        "reopen_days": "30",
        "country": "LV",
        "mail_hourly_limit": "100",
        "mail_megabytes": "50",
        "billing_enabled": "on",
        "hourly_rate": "70",
        "vat_rate": "21",
        "payment_days": "14",
    }
    management = (
        visit(desk, desk.manager).get(f"/admin/accounts/tenant/{host}/change/").context["inline_admin_formsets"]
    )
    for formset in management:
        for form in [formset.formset.management_form, *formset.formset.forms]:
            fields |= {
                form.add_prefix(name): form[name].value() for name in form.fields if form[name].value() is not None
            }
    visit(desk, desk.manager).post(f"/admin/accounts/tenant/{host}/change/", fields)
    with desk.entered():
        assert Tenant.objects.get().review_days == 5


def test_an_organisation_is_added(desk: Desk, visit: Visit) -> None:
    visit(desk, desk.agent).post(
        "/admin/accounts/organisation/add/",
        {"name": "New Ltd", "is_active": "on", **NO_INLINES, "domains-TOTAL_FORMS": "0", "domains-INITIAL_FORMS": "0"},
    )
    with desk.entered():
        assert Organisation.objects.filter(name="New Ltd").exists()


def test_who_comes_second_reads_it_at_the_field(desk: Desk, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two that save the same at once the second passes the form's check and fails in the database."""
    fields = person_fields(desk.requester, name="Somebody else")
    seen = iter([False])
    check = Person.validate_constraints
    monkeypatch.setattr(Person, "validate_constraints", lambda *a, **k: check(*a, **k) if next(seen, True) else None)
    answer = visit(desk, desk.agent).post("/admin/accounts/person/add/", fields)
    assert (answer.status_code, bool(answer.context["adminform"].form.errors)) == (200, True)


def test_nobody_asks_for_an_organisation_that_is_not_active(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        Organisation.objects.filter(pk=desk.organisation.pk).update(is_active=False)
        address = f"/requests/new/{RequestType.objects.earliest('id').pk}/"
    answer = visit(desk, desk.requester).post(address, {"summary": "Still there?"})
    with desk.entered():
        assert (answer.status_code < 500, Ticket.objects.count()) == (True, 0)


def test_what_was_asked_for_an_inactive_organisation_stays_readable(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit()
        Organisation.objects.filter(pk=desk.organisation.pk).update(is_active=False)
    assert visit(desk, desk.colleague).get(f"/requests/{ticket.reference}/").status_code == 200
