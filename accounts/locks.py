"""Rows that are held until the transaction ends, with what they point to."""

from collections.abc import Iterable
from typing import TypeVar

from django.db import models

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
