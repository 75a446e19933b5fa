"""Small named truths about what a person may do at a desk. Portal, admin and API ask these and nothing else."""

from collections.abc import Callable

from accounts.models import Organisation, Person

Rule = Callable[[Person], bool]


def nobody(person: Person) -> bool:
    return False


def is_staff(person: Person) -> bool:
    return person.is_active and person.is_staff


def is_agent(person: Person) -> bool:
    """Answers customers. A manager may do what an agent may."""
    return person.is_active and (person.is_agent or person.is_manager)


def is_accountant(person: Person) -> bool:
    """Bills customers. A manager may do what an accountant may."""
    return person.is_active and (person.is_accountant or person.is_manager)


def is_manager(person: Person) -> bool:
    return person.is_active and person.is_manager


def may_ask_for(person: Person, organisation: Organisation) -> bool:
    """May file requests in this organisation's name."""
    return is_staff(person) or any(r.can_ask for r in person.represents if r.organisation_id == organisation.pk)


def may_order_for(person: Person, organisation: Organisation) -> bool:
    """May say in which order this organisation's requests are handled (A6)."""
    rights = [row for row in person.represents if row.organisation_id == organisation.pk]
    return person.is_active and not person.is_staff and any(row.may_order or row.is_head for row in rights)


def sees_invoices(person: Person) -> bool:
    """May see the invoices of at least one organisation."""
    if person.is_staff:
        return is_accountant(person)
    return any(row.may_see_invoices for row in person.represents)


def approves(person: Person) -> bool:
    """May approve estimates of at least one organisation, up to whatever limit."""
    return person.is_active and not person.is_staff and any(row.may_approve for row in person.represents)
