"""Which tenant this code works for. Both walls read it here: Python from the variable, PostgreSQL from the setting."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import connection, transaction

# The one setting that the policies compare with. Transaction-local, so a connection never carries a tenant onwards.
SETTING = "desk.tenant"

_current: ContextVar[int | None] = ContextVar("tenant_id", default=None)


class NoTenant(RuntimeError):
    """Code touched a tenant's data without entering a tenant. A programming error, never a person's."""


class WrongTenant(RuntimeError):
    """Code was about to write a row of another tenant. A programming error, never a person's."""


def current_tenant_id() -> int:
    """The entered tenant's id. Raises NoTenant outside of one."""
    tenant_id = _current.get()
    if tenant_id is None:
        raise NoTenant("No tenant is entered: wrap this in accounts.tenancy.enter(tenant_id).")
    return tenant_id


def entered_tenant_id() -> int | None:
    """The entered tenant's id, or None: for logs and for code that serves both sides of the wall."""
    return _current.get()


def _tell_database(value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, true)", [SETTING, value])


@contextmanager
def enter(tenant_id: int) -> Iterator[None]:
    """Work inside one tenant, in one transaction. Raises WrongTenant when another one is entered already."""
    outer = _current.get()
    if outer is not None and outer != tenant_id:
        raise WrongTenant(f"Tenant {outer} is entered; leave it before entering {tenant_id}.")
    nested = connection.in_atomic_block
    token = _current.set(tenant_id)
    try:
        with transaction.atomic():
            if outer is None:
                _tell_database(str(tenant_id))
            yield
            # At the end of an own transaction PostgreSQL forgets the setting by itself; in somebody else's it would
            # stay. (After an exception the savepoint's rollback restores it.)
            if outer is None and nested:
                _tell_database("")
    finally:
        _current.reset(token)


@contextmanager
def enter_for_session(tenant_id: int) -> Iterator[None]:
    """For the shell and for one-off scripts: the connection itself stays in the tenant, outside any transaction."""
    token = _current.set(tenant_id)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config(%s, %s, false)", [SETTING, str(tenant_id)])
        yield
    finally:
        connection.close()
        _current.reset(token)
