"""Objects out of a statement that was written once, for the few questions that every page asks.

What the ORM makes of a query anew each time, four tables of sixty columns, costs more than the database's answer to it.
"""

from typing import Any, Generic, TypeVar

from django.db import connection, models

M = TypeVar("M", bound=models.Model)


class Columns(Generic[M]):
    """All columns of one model in a row of several. `alias` is its name in the statement; `after` so many others."""

    def __init__(self, model: type[M], alias: str, *, after: int) -> None:
        fields = model._meta.concrete_fields
        self.model, self.table = model, f"{model._meta.db_table} AS {alias}"
        self.names = ", ".join(f"{alias}.{field.column}" for field in fields)
        self.start, self.end = after, after + len(fields)
        self._attributes = [field.attname for field in fields]
        self._key = after + fields.index(model._meta.pk)
        self._converters = [
            (number, convert) for number, field in enumerate(fields) for convert in field.get_db_converters(connection)
        ]

    def is_there(self, row: tuple[Any, ...]) -> bool:
        """False where an outer join found nothing."""
        return row[self._key] is not None

    def read(self, row: tuple[Any, ...]) -> M:
        values = list(row[self.start : self.end])
        for number, convert in self._converters:
            values[number] = convert(values[number], None, connection)
        return self.model.from_db(connection.alias, self._attributes, values)
