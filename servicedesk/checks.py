"""What must be true of the place where this runs; asked by `manage.py check` and at the start of every process."""

from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connection

SERVES = "desk_app"


@register(Tags.database)
def connects_as_application(databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """The row-level policies hold only for a role that neither owns the tables nor is above them."""
    if not databases:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
        )
        user, above = cursor.fetchone()
    if above:
        return [Error(f"The database role '{user}' is above the policies.", hint=f"Connect as {SERVES}.", id="desk.E001")]
    return []
