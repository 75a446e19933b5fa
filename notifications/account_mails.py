"""What people hear about their access. Registered with accounts.announce."""

from accounts.models import Person
from notifications.outbox import Letter, put

# All to the account's address: whoever may edit a person's address at a desk must not receive their links.


def invited(person: Person, link: str) -> None:
    assert person.user is not None
    put(Letter("accounts/mail/invitation", {"link": link}), to=person, address=person.user.email)


def reset_requested(person: Person, link: str) -> None:
    assert person.user is not None
    put(Letter("accounts/mail/reset", {"link": link}), to=person, address=person.user.email)


def password_changed(person: Person, link: str) -> None:
    assert person.user is not None
    put(Letter("accounts/mail/password_changed", {"link": link}), to=person, address=person.user.email)
