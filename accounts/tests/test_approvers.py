"""Who may accept an amount in an organisation's name: by right, within a limit, or as somebody's deputy (B11)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.approvers import approver_for, approvers_of, may_approve_something
from accounts.models import Deputy, Organisation, Person, Representation
from conftest import Desk

TODAY = date(2030, 1, 7)
AMOUNT = Decimal("100.00")


def approvers(desk: Desk, amount: Decimal = AMOUNT, today: date = TODAY) -> set[Person]:
    return set(approvers_of(desk.organisation, amount, today=today))


def right_of(desk: Desk, person: Person, amount: Decimal = AMOUNT, today: date = TODAY) -> Person | None:
    return approver_for(Person.objects.get(pk=person.pk), desk.organisation, amount, today=today)


def limit(person: Person, amount: str | None, **rights: object) -> None:
    Representation.objects.filter(person=person).update(
        **{"may_approve": True, "approval_limit": amount and Decimal(amount), **rights}
    )


def deputise(person: Person, *, for_: Person, first: date = TODAY, last: date = TODAY) -> Deputy:
    right = Representation.objects.get(person=for_)
    row: Deputy = Deputy.objects.create(representation=right, person=person, starts_on=first, ends_on=last)
    return row


def test_only_who_has_the_right_approves(inside: Desk) -> None:
    assert approvers(inside) == {inside.colleague}


@pytest.mark.parametrize(("amount", "approves"), [("100.00", True), ("99.99", False), ("0.00", False), (None, True)])
def test_the_limit_includes_its_amount(inside: Desk, amount: str | None, approves: bool) -> None:
    limit(inside.colleague, amount)
    assert (inside.colleague in approvers(inside), right_of(inside, inside.colleague) == inside.colleague) == (
        approves,
        approves,
    )


def test_a_limit_of_nothing_approves_what_is_free(inside: Desk) -> None:
    limit(inside.colleague, "0.00")
    assert approvers(inside, Decimal("0.00")) == {inside.colleague}


def test_without_the_right_a_limit_means_nothing(inside: Desk) -> None:
    limit(inside.colleague, "1000.00", may_approve=False)
    assert approvers(inside) == set()


def test_the_right_is_for_ones_own_organisation(inside: Desk) -> None:
    limit(inside.stranger, None)
    assert (right_of(inside, inside.stranger), inside.stranger in approvers(inside)) == (None, False)


def test_staff_approve_nothing(inside: Desk) -> None:
    Representation.objects.create(person=inside.agent, organisation=inside.organisation, may_approve=True)
    assert right_of(inside, inside.agent) is None


def test_who_left_approves_nothing(inside: Desk) -> None:
    Person.objects.filter(pk=inside.colleague.pk).update(is_active=False)
    assert (approvers(inside), right_of(inside, inside.colleague)) == (set(), None)


# ---- deputies ----


@pytest.mark.parametrize(("day", "stands_in"), [(-1, False), (0, True), (1, True), (2, True), (3, False)])
def test_a_deputy_stands_in_from_the_first_day_to_the_last(inside: Desk, day: int, stands_in: bool) -> None:
    deputise(inside.requester, for_=inside.colleague, last=TODAY + timedelta(days=2))
    today = TODAY + timedelta(days=day)
    assert (inside.requester in approvers(inside, today=today)) is stands_in
    assert right_of(inside, inside.requester, today=today) == (inside.colleague if stands_in else None)


def test_a_deputy_has_no_more_than_whom_they_stand_for(inside: Desk) -> None:
    limit(inside.colleague, "50.00")
    deputise(inside.requester, for_=inside.colleague)
    assert (right_of(inside, inside.requester), approvers(inside)) == (None, set())


def test_a_deputy_of_who_may_not_approve_approves_nothing(inside: Desk) -> None:
    deputise(inside.colleague, for_=inside.requester)
    limit(inside.colleague, None, may_approve=False)
    assert right_of(inside, inside.colleague) is None


def test_a_deputy_has_to_be_of_the_same_organisation(inside: Desk) -> None:
    deputise(inside.stranger, for_=inside.colleague)
    assert (right_of(inside, inside.stranger), approvers(inside)) == (None, {inside.colleague})


def test_a_deputy_who_no_longer_represents_the_organisation_approves_nothing(inside: Desk) -> None:
    deputise(inside.requester, for_=inside.colleague)
    Representation.objects.filter(person=inside.requester).delete()
    assert right_of(inside, inside.requester) is None


def test_a_deputy_of_another_organisations_approver_does_not_approve_here(inside: Desk) -> None:
    """They represent both organisations, but stand in at one of them only."""
    other = Representation.objects.create(
        person=inside.colleague, organisation=inside.other_organisation, may_approve=True
    )
    Representation.objects.filter(person=inside.colleague, organisation=inside.organisation).update(may_approve=False)
    Representation.objects.create(person=inside.requester, organisation=inside.other_organisation)
    Deputy.objects.create(representation=other, person=inside.requester, starts_on=TODAY, ends_on=TODAY)
    assert right_of(inside, inside.requester) is None


def test_a_deputy_who_left_approves_nothing(inside: Desk) -> None:
    deputise(inside.requester, for_=inside.colleague)
    Person.objects.filter(pk=inside.requester.pk).update(is_active=False)
    assert inside.requester not in approvers(inside)


def test_a_deputy_stands_in_for_who_left(inside: Desk) -> None:
    """The right is the organisation's; that is what a deputy is for."""
    deputise(inside.requester, for_=inside.colleague)
    Person.objects.filter(pk=inside.colleague.pk).update(is_active=False)
    assert approvers(inside) == {inside.requester}


def test_ones_own_right_goes_before_a_deputys(inside: Desk) -> None:
    limit(inside.requester, None)
    deputise(inside.requester, for_=inside.colleague)
    assert right_of(inside, inside.requester) == inside.requester


def test_a_deputy_of_a_deputy_does_not_stand_in(inside: Desk) -> None:
    """What a deputy decides is another's right; it is not theirs to hand on."""
    third = Person.objects.create(name="Theo Third", email="third@alpha.example")
    Representation.objects.create(person=third, organisation=inside.organisation)
    deputise(inside.requester, for_=inside.colleague)
    deputise(third, for_=inside.requester)
    assert right_of(inside, third) is None


def test_everybody_who_may_is_named_once(inside: Desk) -> None:
    limit(inside.requester, None)
    deputise(inside.requester, for_=inside.colleague)
    found = approvers_of(inside.organisation, AMOUNT, today=TODAY)
    assert sorted(person.pk for person in found) == sorted([inside.requester.pk, inside.colleague.pk])


def test_of_two_who_are_away_the_one_whose_limit_reaches_lends_it(inside: Desk) -> None:
    second = Person.objects.create(name="Linus Limited", email="limited@alpha.example")
    Representation.objects.create(
        person=second, organisation=inside.organisation, may_approve=True, approval_limit=Decimal("1.00")
    )
    deputise(inside.requester, for_=second)
    deputise(inside.requester, for_=inside.colleague)
    assert right_of(inside, inside.requester) == inside.colleague


def test_a_deputys_last_day_is_not_before_the_first(inside: Desk) -> None:
    right = Representation.objects.get(person=inside.colleague)
    row = Deputy(representation=right, person=inside.requester, starts_on=TODAY, ends_on=TODAY - timedelta(days=1))
    with pytest.raises(ValidationError):
        row.full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()


# ---- whether somebody is asked at all ----


def test_a_limit_does_not_take_the_word_away(inside: Desk) -> None:
    """Who may approve something may ask for changes of what is beyond their limit."""
    limit(inside.colleague, "1.00")
    assert may_approve_something(inside.colleague, inside.organisation.pk)


@pytest.mark.parametrize("role", ["requester", "stranger", "agent"])
def test_others_have_no_word(inside: Desk, role: str) -> None:
    assert not may_approve_something(getattr(inside, role), inside.organisation.pk)


def test_without_an_organisation_nobody_has_a_word(inside: Desk) -> None:
    assert not may_approve_something(inside.colleague, None)


def test_another_organisation_has_its_own_approvers(inside: Desk) -> None:
    empty = Organisation.objects.create(name="Nobody Ltd")
    assert approvers_of(empty, AMOUNT, today=TODAY) == []
