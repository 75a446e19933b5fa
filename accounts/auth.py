"""Log-in at one desk. The database shows only users who are persons of the entered tenant, so others are unknown."""

from typing import cast

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

from accounts.models import Person, User


class DeskBackend(AuthenticationBackend):
    """Reads a session's user and person in one query; somebody made inactive is logged out by it."""

    def get_user(self, user_id: int) -> AbstractBaseUser | None:
        person = Person.objects.active().select_related("user").filter(user_id=user_id).first()
        if person is None:
            return None
        user = cast(User, person.user)
        user.session_person = person
        return user


def session_person(request: HttpRequest) -> Person | None:
    """The person of this request's session, or None for a visitor."""
    user = request.user
    return getattr(user, "session_person", None) if user.is_authenticated else None
