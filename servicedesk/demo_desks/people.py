"""What the stories of all demo desks are told with."""

from datetime import date, timedelta

from django.utils import timezone

from accounts.invitations import obtain_user
from accounts.models import Person, User
from servicedesk.demo import PASSWORD


def demo_person(name: str, email: str, language: str, **roles: object) -> Person:
    """A demo person with the demo password. Not a staff verb: only the demo may set somebody's password."""
    person = Person.objects.create(
        name=name, email=email, language=language, is_verified=True, user_id=obtain_user(email), **roles
    )
    user = User.objects.get(pk=person.user_id)
    user.set_password(PASSWORD)
    user.save(update_fields=["password"])
    return person


def in_days(days: int) -> date:
    return timezone.localdate() + timedelta(days=days)
