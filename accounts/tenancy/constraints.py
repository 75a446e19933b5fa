"""The walls that stand in the database, as constraints: makemigrations writes them, so none can be forgotten."""

import hashlib
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import BaseConstraint, Model

LONGEST_NAME = 63  # bytes; PostgreSQL cuts silently after them, and two cut names may collide

# An index can start at this comparison: current_setting is stable and bigint equality is leakproof.
CURRENT_TENANT = "NULLIF(current_setting('desk.tenant', true), '')::bigint"


def short_name(name: str) -> str:
    """The name itself or, when PostgreSQL would cut it, its beginning with a hash of the whole."""
    if len(name) <= LONGEST_NAME:
        return name
    return f"{name[: LONGEST_NAME - 9]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"


class DatabaseRule(BaseConstraint):
    """SQL that comes and goes with a table and that Python has nothing to validate for."""

    def up(self, table: str, quoted: str) -> str:
        raise NotImplementedError

    def down(self, table: str, quoted: str) -> str:
        raise NotImplementedError

    def constraint_sql(self, model: type[Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> str:
        return self.create_sql(model, schema_editor)

    def create_sql(self, model: type[Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> str:
        """Runs when all tables and keys of the migration stand, whatever order makemigrations wrote them in."""
        assert schema_editor is not None
        schema_editor.deferred_sql.append(self._statement(self.up, model, schema_editor))
        return ""

    def remove_sql(self, model: type[Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> str:
        return self._statement(self.down, model, schema_editor)

    @staticmethod
    def _statement(write: Any, model: type[Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> str:
        assert model is not None
        assert schema_editor is not None
        table = model._meta.db_table
        return str(write(table, schema_editor.quote_name(table)))

    def validate(self, model: Any, instance: Any, exclude: Any = None, using: str = "default") -> None:
        """Nothing to ask in Python: the database answers."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DatabaseRule) and self.deconstruct() == other.deconstruct()

    def __hash__(self) -> int:
        return hash((type(self), self.name))


class TenantPolicy(DatabaseRule):
    """Row-level security: a row is there only for its tenant, for reading and for writing alike. No bypass branch."""

    def __init__(self, *, name: str, column: str = "tenant_id") -> None:
        super().__init__(name=name)
        self.column = column

    def up(self, table: str, quoted: str) -> str:
        rule = f'"{self.column}" = {CURRENT_TENANT}'
        return (
            f"ALTER TABLE {quoted} ENABLE ROW LEVEL SECURITY;"
            f'CREATE POLICY "{self.name}" ON {quoted} USING ({rule}) WITH CHECK ({rule})'
        )

    def down(self, table: str, quoted: str) -> str:
        return f'DROP POLICY "{self.name}" ON {quoted}; ALTER TABLE {quoted} DISABLE ROW LEVEL SECURITY'

    def deconstruct(self) -> tuple[str, Any, dict[str, Any]]:
        path, args, kwargs = super().deconstruct()
        return path, args, {**kwargs, "column": self.column}


class TenantReference(DatabaseRule):
    """A foreign key that carries the tenant.

    A plain one steps over the policies: it would accept, and reveal, others' ids.
    """

    def __init__(self, *, name: str, column: str, target: str) -> None:
        super().__init__(name=name)
        self.column = column
        self.target = target

    def up(self, table: str, quoted: str) -> str:
        return (
            f'ALTER TABLE {quoted} ADD CONSTRAINT "{self.name}" FOREIGN KEY ("tenant_id", "{self.column}") '
            f'REFERENCES "{self.target}" ("tenant_id", "id") DEFERRABLE INITIALLY DEFERRED'
        )

    def down(self, table: str, quoted: str) -> str:
        return f'ALTER TABLE {quoted} DROP CONSTRAINT "{self.name}"'

    def deconstruct(self) -> tuple[str, Any, dict[str, Any]]:
        path, args, kwargs = super().deconstruct()
        return path, args, {**kwargs, "column": self.column, "target": self.target}


class AppendOnly(DatabaseRule):
    """Rows are written once: no right to change them, and a trigger for whoever has the right."""

    def up(self, table: str, quoted: str) -> str:
        return (
            f"REVOKE UPDATE, DELETE ON {quoted} FROM desk_app;"
            f'CREATE TRIGGER "{self.name}" BEFORE UPDATE OR DELETE ON {quoted} '
            f"FOR EACH ROW EXECUTE FUNCTION desk_refuse_change()"
        )

    def down(self, table: str, quoted: str) -> str:
        return f'DROP TRIGGER "{self.name}" ON {quoted}; GRANT UPDATE, DELETE ON {quoted} TO desk_app'
