"""What is held until the transaction ends: rows with what they point to, and the right to be the only one."""

from collections.abc import Iterable
from typing import TypeVar

from django.db import connection, models

from accounts.tenancy import current_tenant_id

M = TypeVar("M", bound=models.Model)


def settled(rows: Iterable[M]) -> list[M]:
    """The rows of a SELECT … FOR UPDATE with `select_related`, safe to read.

    A row that was waited for is read anew, but not what was joined to it: where it points to something else by now,
    PostgreSQL finds no partner and gives none (EvalPlanQual). Such a none is forgotten here, and read when it is asked
    for.
    """
    found = list(rows)
    for row in found:
        neighbours = row._state.fields_cache
        for name in [name for name, partner in neighbours.items() if partner is None]:
            if getattr(row, row._meta.get_field(name).attname) is not None:  # type: ignore[union-attr]
                del neighbours[name]
    return found


_TESTING = 0x74657374  # among all advisory locks


def is_only_tester() -> bool:
    """Whether nobody else at the entered desk tests a server right now. Each test holds a thread of the web server, and
    the servers are the desk's own choice."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [_TESTING, current_tenant_id() % 2**31])
        return bool(cursor.fetchone()[0])
