"""The figures as tables in Markdown, and whether they reach the goals."""

from typing import Any

from bench.load import Figures
from bench.measure import BARE_LOGIN_PAGE, BARE_PAGE, Rounds, cpu_ratio, middle, ratio, spread

# The goals (docs/performance.md): time at the largest size beside the smallest, and the list beside the bare view (a).
GROWTH_AT_MOST, OF_BARE_AT_LEAST = 1.3, 0.35
JUDGED_BESIDE_BARE = ("portal list", "request page")
VERB_QUERIES, VERB_MS, CLOCK_SECONDS = 12, 30.0, 60.0
SEARCH_P95_MS = 100.0
# Runs over tickets rather than verbs of one: shown, and not held to the goal of one.
SEVERAL_TICKETS = ("issue_invoice",)
Counted = dict[int, dict[str, dict[str, Any]]]


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


# ---- speed ----


def speed(results: dict[int, Rounds]) -> str:
    smallest = results[min(results)]
    head = [
        "page",
        "tickets",
        "requests/s",
        "p50 ms",
        "p95 ms",
        "CPU ms",
        "of (a)",
        "of (b)",
        "of (a), CPU",
        "time × smallest",
        "CPU × smallest",
    ]
    rows = [
        [page, f"{size:,}", *speeds(pages, page), *growth(smallest[page], pages[page])]
        for page in smallest
        for size, pages in results.items()
        if page in pages
    ]
    return table(head, rows)


def speeds(pages: Rounds, page: str) -> list[str]:
    here = middle(pages[page])
    figures = [f"{here.per_second:.0f}", f"{here.p50_ms:.1f}", f"{here.p95_ms:.1f}", f"{here.cpu_ms:.1f}"]
    if page in (BARE_PAGE, BARE_LOGIN_PAGE):
        return [*figures, "", "", ""]
    of_bare = [f"{ratio(pages[page], pages[bare]):.2f}" for bare in (BARE_PAGE, BARE_LOGIN_PAGE)]
    return [*figures, *of_bare, in_words(cpu_ratio(pages[page], pages[BARE_PAGE]))]


def growth(smallest: list[Figures], here: list[Figures]) -> list[str]:
    """The middle of the rounds with the least and the most of them: how far a noisy machine can be believed."""
    if here is smallest:
        return ["", ""]
    low, high = spread(smallest, here)
    return [f"{ratio(smallest, here):.2f} ({low:.2f}–{high:.2f})", in_words(cpu_ratio(smallest, here))]


def in_words(number: float | None) -> str:
    return "" if number is None else f"{number:.2f}"


# ---- queries ----


def queries(counted: Counted) -> str:
    head = ["page", "tickets", "queries", "savepoints", "SQL ms", "kB of HTML"]
    rows = []
    for page in counted[min(counted)]:
        for size, pages in counted.items():
            one = pages[page]
            if "queries" not in one:
                rows.append([page, f"{size:,}", f"answers {one['status']}", "", "", ""])
                continue
            figures = [str(one["savepoints"]), f"{one['sql_ms']:.1f}", f"{one['bytes'] / 1000:.0f}"]
            rows.append([page, f"{size:,}", fewest_to_most(one), *figures])
    return table(head, rows)


def fewest_to_most(one: dict[str, Any]) -> str:
    return str(one["queries"]) if one["fewest"] == one["queries"] else f"{one['fewest']}–{one['queries']}"


# ---- where the time goes ----


def where(page: str, parts: list[dict[str, Any]]) -> str:
    whole = parts[-1]["python"] + parts[-1]["sql"]
    head = [f"part of the {page}", "Python ms", "SQL ms", "statements", "share"]
    rows = [
        [
            one["part"],
            f"{one['python']:.2f}",
            f"{one['sql']:.2f}" if one["statements"] else "",
            f"{one['statements']:.0f}" if one["statements"] else "",
            f"{100 * (one['python'] + one['sql']) / whole:.0f} %",
        ]
        for one in parts
    ]
    return table(head, rows)


# ---- plans ----


def plans(found: list[dict[str, Any]]) -> str:
    """The dearest first; a table that was read whole is named."""
    head = ["page", "statement", "planning ms", "execution ms", "rows", "rows read", "blocks", "read whole"]
    rows = [
        [
            one["page"],
            one["statement"],
            f"{one['planning_ms']:.2f}",
            f"{one['execution_ms']:.2f}",
            str(one["rows"]),
            str(one["read"]),
            str(one["blocks"]),
            ", ".join(one["whole_tables"]),
        ]
        for one in sorted(found, key=lambda one: -one["execution_ms"])
    ]
    return table(head, rows)


# ---- searches ----


def searches(found: list[dict[str, Any]]) -> str:
    head = ["words", "among", "state", "p50 ms", "p95 ms"]
    rows = [[one["kind"], one["scope"], one["state"], f"{one['p50']:.1f}", f"{one['p95']:.1f}"] for one in found]
    return table(head, rows)


def searches_reach_goal(found: list[dict[str, Any]]) -> bool:
    return all(one["p95"] <= SEARCH_P95_MS for one in found)


# ---- goals ----


def goals(results: dict[int, Rounds], counted: Counted) -> str:
    """Growth needs two sizes; with one, only the pages of the portal are judged."""
    smallest, largest = min(results), max(results)
    lines = []
    for page, rounds in results[largest].items():
        if page in (BARE_PAGE, BARE_LOGIN_PAGE) or page not in results[smallest]:
            continue
        if smallest != largest:
            times = ratio(results[smallest][page], rounds)
            lines.append(verdict(times <= GROWTH_AT_MOST, f"{page}: time × {times:.2f}, at most {GROWTH_AT_MOST}"))
            numbers = sorted({counted[size][page].get("queries", 0) for size in counted})
            lines.append(verdict(len(numbers) == 1, f"{page}: queries {', '.join(map(str, numbers))}"))
        if page.startswith(JUDGED_BESIDE_BARE):
            of_bare = ratio(rounds, results[largest][BARE_PAGE])
            lines.append(
                verdict(of_bare >= OF_BARE_AT_LEAST, f"{page}: {of_bare:.2f} of bare (a), goal {OF_BARE_AT_LEAST}")
            )
    return "\n".join(lines)


def verdict(reached: bool, words: str) -> str:
    return f"- {'reached' if reached else 'MISSED'}: {words}"


# ---- verbs and clocks ----


def verbs(found: list[dict[str, Any]]) -> str:
    rows = [[one["verb"], str(one["queries"]), f"{one['sql_ms']:.1f}", f"{one['ms']:.1f}"] for one in found]
    return table(["verb", "queries", "SQL ms", "ms"], rows)


def verbs_reach_goal(found: list[dict[str, Any]]) -> bool:
    verbs = [one for one in found if one["verb"] not in SEVERAL_TICKETS]
    return all(one["queries"] <= VERB_QUERIES and one["ms"] <= VERB_MS for one in verbs)


def clocks(found: dict[str, Any]) -> str:
    per_minute = 60 * found["due"] / found["seconds"]
    rows = [
        [
            f"{found['due']:,}",
            str(found["processes"]),
            f"{found['seconds']:.1f}",
            f"{per_minute:,.0f}",
            f"{found['reminded']:,}",
            f"{found['accepted']:,}",
            str(found["left"]),
        ]
    ]
    return table(["due", "processes", "seconds", "a minute", "reminded", "accepted", "left"], rows)


def clocks_reach_goal(found: dict[str, Any]) -> bool:
    return bool(found["seconds"] <= CLOCK_SECONDS and not found["left"])
