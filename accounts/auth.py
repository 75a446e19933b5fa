"""Log-in at one desk. The database shows only users who are persons of the entered tenant, so others are unknown."""

from typing import cast

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

from accounts.models import Person, Representation, User


class DeskBackend(AuthenticationBackend):
    """Reads who a session belongs to afresh on every request; somebody made inactive is logged out by it."""

    def get_user(self, user_id: int) -> AbstractBaseUser | None:
        person = read_person(user_id)
        if person is None:
            return None
        user = cast(User, person.user)
        user.session_person = person
        return user


def read_person(user_id: int) -> Person | None:
    """An active person with account and organisations: one query for a customer, a second for who represents nobody."""
    rows = Representation.objects.filter(person__user_id=user_id).with_organisation().select_related("person__user")
    represents = list(rows.order_by("id"))
    if not represents:
        return Person.objects.active().select_related("user").filter(user_id=user_id).first()
    person = represents[0].person
    person.represents = represents
    return person if person.is_active else None


def session_person(request: HttpRequest) -> Person | None:
    """The person of this request's session, or None for a visitor."""
    user = request.user
    return getattr(user, "session_person", None) if user.is_authenticated else None
