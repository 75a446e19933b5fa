"""What people hear about their access. Registered with accounts.announce."""

from accounts.models import Person
from notifications.outbox import Letter, put


def invited(person: Person, link: str) -> None:
    _tell(person, "invitation", link)


def reset_requested(person: Person, link: str) -> None:
    _tell(person, "reset", link)


def password_changed(person: Person, link: str) -> None:
    _tell(person, "password_changed", link)


def second_factor_changed(person: Person, change: str, factor: str, link: str) -> None:
    _tell(person, change, link, stem="second_factor", change=change, factor=factor)


def _tell(person: Person, what: str, link: str, *, stem: str = "", **said: str) -> None:
    """To the account's address: whoever may edit a person's address at a desk must not receive their links."""
    assert person.user is not None
    letter = Letter(
        to=person,
        kind=f"person.{what}",
        stem=f"accounts/mail/{stem or what}",
        compose=lambda: {"link": link, **said},
        address=person.user.email,
        is_personal=True,
        at_once=True,
    )
    put([letter])
