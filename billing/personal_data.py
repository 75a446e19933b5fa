"""What this app knows of a person (accounts.personal_data): the numbers of invoices that are theirs to see."""

from accounts.models import Person
from accounts.personal_data import Section, told
from billing.models import Invoice


def of_billing(person: Person) -> list[Section]:
    """A customer's: those of their organisations. A colleague's: those that they issued."""
    mine = Invoice.objects.visible_to(person).order_by("id")
    if person.is_staff:
        mine = mine.filter(issued_by=person)
    return [Section("invoices", told(mine, "number", "issued_on"))]
