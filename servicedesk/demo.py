"""The demo's people: what the front page and `make run` tell a stranger."""

from django.conf import settings

from accounts.models import Person

PASSWORD = "demo-demo-demo"  # noqa: S105  (printed on the front page of the demo)


def demo_logins() -> list[tuple[str, str, str]]:
    """(role, e-mail address, password) of the entered desk's demo people."""
    if not settings.DEMO:
        return []
    people = Person.objects.active().filter(user__isnull=False).prefetch_related("representations").order_by("id")
    return [(role_of(person), person.email, PASSWORD) for person in people[:12]]


def role_of(person: Person) -> str:
    """The role's name in English: the list is for whoever tries the product."""
    if person.is_manager:
        return "manager"
    if person.is_accountant:
        return "accountant"
    if person.is_agent:
        return "agent"
    return "approver" if any(row.may_approve for row in person.representations.all()) else "customer"
