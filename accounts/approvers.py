"""Who may accept an amount in an organisation's name: who has the right within their limit, or their deputy."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import models
from django.db.models import F, Q

from accounts.models import Deputy, Organisation, Person, Representation


@dataclass(frozen=True)
class Limit:
    """Who may accept, up to which amount without VAT (None: any), and in whose place when it is a deputy."""

    person: Person
    amount: Decimal | None
    in_place_of: Person | None = None


def limits_of(organisation: Organisation, *, today: date) -> list[Limit]:
    """Everybody who may accept something for the organisation today, deputies after those whose right it is."""
    rights = Representation.objects.filter(organisation=organisation, may_approve=True).select_related("person")
    rows = list(rights.order_by("id"))
    deputies = _deputies(today).filter(representation__in=rows).select_related("person", "representation__person")
    own = [Limit(row.person, row.approval_limit) for row in rows if row.person.is_active]
    return own + [
        Limit(row.person, row.representation.approval_limit, row.representation.person)
        for row in deputies.order_by("id")
    ]


def approvers_of(organisation: Organisation, amount: Decimal, *, today: date) -> list[Person]:
    """Everybody who may accept `amount` (without VAT) for the organisation today, deputies included."""
    able = _able(organisation.pk, amount)
    # One list of numbers: an OR of two conditions would have the planner read everybody.
    ids = able.values("person_id").union(_deputies(today).filter(representation__in=able).values("person_id"))
    return list(Person.objects.active().filter(pk__in=ids).order_by("id"))


def approver_for(person: Person, organisation: Organisation, amount: Decimal, *, today: date) -> Person | None:
    """In whose right this person may accept the amount: their own, or an approver's whose deputy they are today."""
    if not person.is_active or person.is_staff:
        return None
    if any(_reaches(row, amount) for row in person.represents if row.organisation_id == organisation.pk):
        return person
    stands_in = _deputies(today).filter(person=person, representation__in=_able(organisation.pk, amount))
    row = stands_in.select_related("representation__person").order_by("id").first()
    return row.representation.person if row else None


def organisations_to_decide_for(person: Person, *, today: date) -> list[int]:
    """The organisations for which a person accepts estimates today, by their own right or as a deputy."""
    if person.is_staff or not person.is_active:
        return []
    own = {row.organisation_id for row in person.represents if row.may_approve}
    deputised = _deputies(today).filter(person=person, representation__may_approve=True)
    return sorted(own | set(deputised.values_list("representation__organisation_id", flat=True)))


def may_approve_something(person: Person, organisation_id: int | None) -> bool:
    """Has the right to approve for the organisation, whatever the limit."""
    return person.is_active and any(
        row.may_approve for row in person.represents if row.organisation_id == organisation_id
    )


def _able(organisation_id: int, amount: Decimal) -> models.QuerySet[Representation]:
    rows = Representation.objects.filter(organisation_id=organisation_id, may_approve=True)
    return rows.filter(Q(approval_limit=None) | Q(approval_limit__gte=amount))


def _reaches(row: Representation, amount: Decimal) -> bool:
    return row.may_approve and (row.approval_limit is None or amount <= row.approval_limit)


def _deputies(today: date) -> models.QuerySet[Deputy]:
    """A deputy has to be somebody of the same organisation: else they could not read what they decide."""
    return Deputy.objects.filter(
        Q(starts_on__lte=today, ends_on__gte=today),
        person__is_active=True,
        person__representations__organisation=F("representation__organisation"),
    )
