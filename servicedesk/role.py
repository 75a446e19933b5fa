"""A process that serves people must be bound by the policies; asked once, before it serves."""

from django.db import OperationalError, connection


class AboveThePolicies(SystemExit):
    """The database role is not bound by row-level security. Ends the process with its sentence."""


def ensure_bound_by_policies() -> None:
    """Raises AboveThePolicies when the role is a superuser, may bypass policies, or owns our tables."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_user, rolsuper OR rolbypassrls OR EXISTS ("
                "SELECT 1 FROM pg_tables WHERE tableowner = current_user AND schemaname = 'public') "
                "FROM pg_roles WHERE rolname = current_user"
            )
            role, above = cursor.fetchone()
    except OperationalError:
        return  # not there yet: the health page says so, and requests fail until it is
    finally:
        connection.close()  # the process may fork, and a connection must not
    if above:
        raise AboveThePolicies(
            f"DATABASE_URL: connects as '{role}', who is above the row-level policies. Connect as desk_app "
            "(docs/operations.md)."
        )
