"""What a desk says about e-mail: domains of organisations, its limits, and addresses that failed."""

from typing import Any

import pytest
from django.utils import timezone

from accounts import actions
from accounts.errors import NotAllowed, Refused
from accounts.models import Event, OrganisationDomain, Person, Tenant
from accounts.tests.test_policy_pages import save, text_of
from conftest import Desk, Visit


def organisation(desk: Desk) -> str:
    return f"/admin/accounts/organisation/{desk.organisation.pk}/change/"


def with_domain(visit: Visit, desk: Desk, domain: str) -> Any:
    return save(visit, desk, desk.agent, organisation(desk), **{"domains-TOTAL_FORMS": "1", "domains-0-domain": domain})


def errors_of(answer: Any) -> list[str]:
    """Of the one domain that was entered."""
    formsets = [one.formset for one in answer.context["inline_admin_formsets"] if one.formset.prefix == "domains"]
    return list(formsets[0].errors[0].get("domain", []))


@pytest.mark.parametrize(
    ("typed", "stored"),
    [("Rye.Example", "rye.example"), ("bücher.example", "xn--bcher-kva.example"), (" rye.example. ", "rye.example")],
)
def test_a_domain_is_stored_as_addresses_have_it(desk: Desk, visit: Visit, typed: str, stored: str) -> None:
    with_domain(visit, desk, typed)
    with desk.entered():
        assert OrganisationDomain.objects.get().domain == stored


@pytest.mark.parametrize("typed", ["rita@rye.example", "rye", "rye example.com", "rye..example", "-", "*.example"])
def test_what_is_no_domain_is_refused(desk: Desk, visit: Visit, typed: str) -> None:
    assert errors_of(with_domain(visit, desk, typed)) == [
        "Enter what stands behind the @ of their addresses, like example.com."
    ]


@pytest.mark.parametrize("typed", ["gmail.com", "GMAIL.com", "inbox.lv", "seznam.cz"])
def test_a_provider_for_everybody_is_nobodys_domain(desk: Desk, visit: Visit, typed: str) -> None:
    assert "says nothing about who they work for" in errors_of(with_domain(visit, desk, typed))[0]


def test_a_domain_belongs_to_one_organisation(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        OrganisationDomain.objects.create(organisation=desk.other_organisation, domain="rye.example")
    assert errors_of(with_domain(visit, desk, "rye.example")) == ["This domain is that of Timber Ltd already."]


def test_another_desk_may_have_the_same_domain(desk: Desk, rival: Desk, visit: Visit) -> None:
    with rival.entered():
        OrganisationDomain.objects.create(organisation=rival.organisation, domain="rye.example")
    with_domain(visit, desk, "rye.example")
    with desk.entered():
        assert OrganisationDomain.objects.get().organisation == desk.organisation


# ---- the desk's limits ----


@pytest.mark.parametrize(("field", "value"), [("mail_hourly_limit", 20), ("mail_megabytes", 25)])
def test_a_limit_is_set(desk: Desk, visit: Visit, field: str, value: int) -> None:
    save(visit, desk, desk.manager, f"/admin/accounts/tenant/{desk.id}/change/", **{field: value})
    with desk.entered():
        assert getattr(Tenant.objects.get(), field) == value


def test_a_message_has_fifty_megabytes_at_most(desk: Desk, visit: Visit) -> None:
    answer = save(visit, desk, desk.manager, f"/admin/accounts/tenant/{desk.id}/change/", mail_megabytes=51)
    assert list(answer.context["adminform"].form.errors) == ["mail_megabytes"]


# ---- an address that failed ----


@pytest.fixture
def failed(desk: Desk) -> Person:
    with desk.entered():
        row: Person = desk.requester
        row.address_failed_at, row.address_failed_words = timezone.now(), "550 5.1.1 No such user"
        row.save()
        return row


def page(person: Person) -> str:
    return f"/admin/accounts/person/{person.pk}/change/"


def test_that_an_address_failed_is_shown_with_the_servers_words(desk: Desk, visit: Visit, failed: Person) -> None:
    assert "550 5.1.1 No such user" in text_of(visit(desk, desk.agent).get(page(failed)))


def test_it_works_again(desk: Desk, visit: Visit, failed: Person) -> None:
    visit(desk, desk.agent).post(page(failed).replace("change", "trust"))
    with desk.entered():
        assert Person.objects.get(pk=failed.pk).takes_mail


def test_who_said_so_is_history(inside: Desk, failed: Person) -> None:
    actions.trust_address(failed, by=inside.agent)
    assert Event.objects.get(kind="person.address_trusted").by == inside.agent


def test_an_accountant_does_not_say_so(inside: Desk, failed: Person) -> None:
    with pytest.raises(NotAllowed):
        actions.trust_address(failed, by=inside.accountant)


def test_an_address_that_did_not_fail_is_left_alone(inside: Desk) -> None:
    with pytest.raises(Refused):
        actions.trust_address(inside.requester, by=inside.agent)


def test_another_address_has_not_failed(desk: Desk, visit: Visit, failed: Person) -> None:
    save(visit, desk, desk.agent, page(failed), email="rita@rye.example")
    with desk.entered():
        assert Person.objects.get(pk=failed.pk).takes_mail


def test_another_change_leaves_it_failed(desk: Desk, visit: Visit, failed: Person) -> None:
    save(visit, desk, desk.agent, page(failed), phone="+371 1")
    with desk.entered():
        assert not Person.objects.get(pk=failed.pk).takes_mail
