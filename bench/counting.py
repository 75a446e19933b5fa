"""How many queries a page asks and how long the database takes for them."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from bench.pages import ANSWERS, logged_in, visits

ROUNDS = 15


class Statements:
    """An execute wrapper that keeps every statement with its time. Django's own debug log would cost more than it."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Any, float]] = []

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.seen.append((sql, params, time.perf_counter() - began))


@contextmanager
def recorded() -> Iterator[Statements]:
    """What is asked of the database in this block."""
    statements = Statements()
    with connection.execute_wrapper(statements):
        yield statements


def is_query(sql: str) -> bool:
    return "SAVEPOINT" not in sql


def count_queries() -> dict[str, dict[str, Any]]:
    """Per page the fewest and most queries of a request, and the least time they took together."""
    answer: dict[str, dict[str, Any]] = {}
    for visit in visits():
        client = logged_in(visit)
        rounds = []
        for number in range(ROUNDS):
            with recorded() as statements:
                response = client.get(visit.paths[number % len(visit.paths)])
            rounds.append(statements.seen)
        if response.status_code not in ANSWERS:
            answer[visit.page] = {"status": response.status_code}
            continue
        counts = sorted({sum(is_query(sql) for sql, _, _ in seen) for seen in rounds[3:]})
        answer[visit.page] = {
            "queries": counts[-1],
            "fewest": counts[0],
            "savepoints": sum(not is_query(sql) for sql, _, _ in rounds[-1]),
            # The quickest request: a neighbour's work on the machine only ever adds.
            "sql_ms": 1000 * min(sum(took for _, _, took in seen) for seen in rounds[3:]),
            "bytes": len(response.content),
        }
    return answer
