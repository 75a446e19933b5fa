"""What people hear about their access. Registered with accounts.announce."""

from typing import Any

from accounts.models import InvitedMember, Person
from notifications.outbox import Letter, put


def invited(person: Person, link: str) -> None:
    _tell(person, "invitation", link)


def asked_to_join(person: Person, invited: InvitedMember, link: str) -> None:
    _tell(person, "joining", link, by=str(invited.invited_by), organisation=str(invited.organisation))


def reset_requested(person: Person, link: str) -> None:
    _tell(person, "reset", link)


def password_changed(person: Person, link: str) -> None:
    _tell(person, "password_changed", link)


def _tell(person: Person, what: str, link: str, **said: Any) -> None:
    """To the account's address: whoever may edit a person's address at a desk must not receive their links."""
    assert person.user is not None
    letter = Letter(
        to=person,
        kind=f"person.{what}",
        stem=f"accounts/mail/{what}",
        compose=lambda: {"link": link, **said},
        address=person.user.email,
        is_personal=True,
        at_once=True,
    )
    put([letter])
