"""Log-in at one desk. The database shows only users who are persons of the entered tenant, so others are unknown."""

from typing import Any, cast

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connection
from django.http import HttpRequest

from accounts.columns import Columns
from accounts.models import Organisation, Person, Representation, Tenant, User
from accounts.tenancy import current_tenant_id

# Who asks is read by every page, so the statement is put together once and not once a page (docs/performance.md).
_PERSON = Columns(Person, "person", after=0)
_USER = Columns(User, "account", after=_PERSON.end)
_REPRESENTATION = Columns(Representation, "representation", after=_USER.end)
_ORGANISATION = Columns(Organisation, "organisation", after=_REPRESENTATION.end)
_STATEMENT = f"""
SELECT {_PERSON.names}, {_USER.names}, {_REPRESENTATION.names}, {_ORGANISATION.names},
       (SELECT only_heads_ask FROM {Tenant._meta.db_table} WHERE id = %(tenant)s)
FROM {_PERSON.table}
JOIN {_USER.table} ON account.id = person.user_id
LEFT JOIN {_REPRESENTATION.table}
       ON representation.tenant_id = %(tenant)s AND representation.person_id = person.id
LEFT JOIN {_ORGANISATION.table}
       ON organisation.tenant_id = %(tenant)s AND organisation.id = representation.organisation_id
WHERE person.tenant_id = %(tenant)s AND person.user_id = %(user)s AND person.is_active
ORDER BY representation.id
"""  # noqa: S608 - names of our own tables


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
    """An active person with account and organisations, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(_STATEMENT, {"tenant": current_tenant_id(), "user": user_id})
        rows = cursor.fetchall()
    if not rows:
        return None
    person = _PERSON.read(rows[0])
    Person.user.field.set_cached_value(person, _USER.read(rows[0]))
    person.represents = [_representation(row, person) for row in rows if _REPRESENTATION.is_there(row)]
    return person


def _representation(row: tuple[Any, ...], person: Person) -> Representation:
    found = _REPRESENTATION.read(row)
    Representation.person.field.set_cached_value(found, person)
    Representation.organisation.field.set_cached_value(found, _ORGANISATION.read(row))
    # As `with_organisation` has it.
    found.heads_only = row[-1]  # type: ignore[attr-defined]
    return found


def session_person(request: HttpRequest) -> Person | None:
    """The person of this request's session, or None for a visitor."""
    user = request.user
    return getattr(user, "session_person", None) if user.is_authenticated else None
