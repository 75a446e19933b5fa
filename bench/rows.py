"""Rows as lines for COPY. Columns that the bench does not vary get the model's own default, also those to come."""

import io
import json
from collections.abc import Iterable
from datetime import date, datetime
from itertools import islice
from typing import Any

from django.db.models import Model

NULL = r"\N"
CHUNK = 20_000


class Lines:
    """Writes one table by COPY. `varying` names the columns of a row's values, in order; `constant` what all share."""

    def __init__(self, model: type[Model], *varying: str, **constant: Any) -> None:
        self.table = model._meta.db_table
        fields = [field for field in model._meta.concrete_fields if field.column not in varying]
        values = {
            field.column: constant[field.column] if field.column in constant else field.get_default()
            for field in fields
            if field.column != "id"
        }
        self.columns = [*varying, *values]
        fixed = [cell(value).replace("%", "%%") for value in values.values()]
        self.template = "\t".join([*["%s"] * len(varying), *fixed]) + "\n"

    def copy(self, connection: Any, rows: Iterable[tuple[Any, ...]]) -> int:
        """Write all rows, a transaction per chunk: deferred keys are remembered until its end. Returns their number."""
        columns = ", ".join(f'"{name}"' for name in self.columns)
        statement = f'COPY "{self.table}" ({columns}) FROM STDIN'
        iterator = iter(rows)
        written = 0
        while chunk := [self.template % row for row in islice(iterator, CHUNK)]:
            with connection, connection.cursor() as cursor:
                cursor.copy_expert(statement, io.StringIO("".join(chunk)))
            written += len(chunk)
        return written


def cell(value: Any) -> str:
    """A value in COPY's text form. Ours hold no tab and no backslash but those meant as escapes."""
    if value is None:
        return NULL
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list | dict):
        return json.dumps(value)
    return str(value)
