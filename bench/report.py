"""The figures as tables in Markdown, and whether they reach the goals."""

from typing import Any

from bench.measure import BARE_LOGIN_PAGE, BARE_PAGE, Rounds, middle, ratio, spread
from bench.servers import BARE  # noqa: F401

GROWTH_AT_MOST = 1.3
LIST_AT_LEAST = 0.35


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def speed(results: dict[int, Rounds]) -> str:
    head = ["page", "tickets", "requests/s", "p50 ms", "p95 ms", "of bare (a)", "of bare (b)", "time, × smallest"]
    smallest = min(results)
    rows = []
    for page in results[smallest]:
        for size, rounds in results.items():
            if page in rounds:
                rows.append(speed_row(page, size, rounds, results[smallest][page]))
    return table(head, rows)


def speed_row(page: str, size: int, rounds: Rounds, smallest: Any) -> list[str]:
    here, found = rounds[page], middle(rounds[page])
    of_bare = [
        "" if page in (BARE_PAGE, BARE_LOGIN_PAGE) else f"{ratio(here, rounds[yardstick]):.2f}"
        for yardstick in (BARE_PAGE, BARE_LOGIN_PAGE)
    ]
    low, high = spread(smallest, here)
    growth = f"{ratio(smallest, here):.2f} ({low:.2f}–{high:.2f})" if here is not smallest else ""
    speeds = [f"{found.per_second:.0f}", f"{found.p50_ms:.1f}", f"{found.p95_ms:.1f}"]
    return [page, f"{size:,}", *speeds, *of_bare, growth]


def queries(counted: dict[int, dict[str, dict[str, Any]]]) -> str:
    head = ["page", "tickets", "queries", "savepoints", "SQL ms", "KB of HTML"]
    rows = [
        [page, f"{size:,}", shown(one), str(one["savepoints"]), f"{one['sql_ms']:.1f}", f"{one['bytes'] / 1024:.0f}"]
        for page in counted[min(counted)]
        for size, pages in counted.items()
        if "queries" in (one := pages[page])
    ]
    return table(head, rows)


def shown(one: dict[str, Any]) -> str:
    return str(one["queries"]) if one["fewest"] == one["queries"] else f"{one['fewest']}–{one['queries']}"
