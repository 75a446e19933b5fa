"""Every list and every search at size, as `desk_app`: what PostgreSQL does for it.

The statements are those the pages really ask: they are caught on their way and explained where they were asked, under
the policies. Runs inside Django (bench/inside.py).
"""

import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import psycopg2
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import Person
from accounts.tenancy import current_tenant_id
from bench.counting import recorded
from bench.pages import ANSWERS, logged_in, measured_desk, visits

# A table up to this many rows is read whole sooner than by an index.
SMALL = 1000
CUSTOMER_STATES = ("open", "waiting", "closed", "all")
QUEUES = ("", "mine", "unassigned", "order", "waiting", "ended")
DIRECTORIES = (
    "accounts_person", "accounts_organisation", "tickets_requesttype", "tickets_incomingmessage",
    "notifications_outboxmessage", "billing_invoice",
)  # fmt: skip
WORD = "Warehouse"
# Functions that ask as the owner, with arguments of each; their bodies are explained as they run.
FUNCTIONS = {
    "desk_search_people": f"'{WORD}'",
    "desk_search_organisations": f"'{WORD}'",
    "desk_search_staff": f"'{WORD}'",
    "desk_find_host": "'bench-1.localhost'",
    "desk_find_mailbox": "'support@bench-1.localhost'",
    "desk_tenants_with_due_clock": "now()",
    "desk_tenants_with_due_incoming": "",
    "desk_tenants_with_due_mail": "",
    "desk_tenants_with_due_documents": "",
}


@dataclass(frozen=True)
class Finding:
    """One statement of one page. `read` counts the rows that its scans looked at, `blocks` the 8 kB that it touched."""

    page: str
    statement: str
    planning_ms: float
    execution_ms: float
    rows: int
    read: int
    blocks: int
    whole_tables: list[str]


def explain() -> list[dict[str, Any]]:
    tables = big_tables()
    found: dict[str, Finding] = {}
    for page, client, path in asked():
        with recorded() as statements:
            response = client.get(path)
        if response.status_code not in ANSWERS:
            found[page] = Finding(page, f"answers {response.status_code}", 0, 0, 0, 0, 0, [])
            continue
        with measured_desk(), connection.cursor() as cursor:
            for sql, params, _ in statements.seen:
                if is_reading(sql) and sql not in found:
                    found[sql] = judged(page, sql, plan_of(cursor, f"{EXPLAIN} {sql}", params), tables)
    return [asdict(one) for one in [*found.values(), *functions(tables)]]


EXPLAIN = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)"


def is_reading(sql: str) -> bool:
    return sql.startswith("SELECT") and " FROM " in sql


def asked() -> Iterator[tuple[str, Client, str]]:
    """Page, browser, address: every list that a customer or an agent can open, with its filters and cursors."""
    opened = {visit.page: visit for visit in visits()}
    customer = logged_in(opened["portal list, mine"])
    lists = reverse("requests")
    yield "home", customer, reverse("home")
    yield "request page", customer, opened["request page"].paths[0]
    for scope in ("mine", "organisation"):
        for state in CUSTOMER_STATES:
            path = f"{lists}?scope={scope}&state={state}"
            yield f"portal list, {scope}, {state}", customer, path
            yield f"portal list, {scope}, {state}, a later page", customer, later(customer, path)
            for sort in ("newest", "oldest", "order"):
                yield f"portal list, {scope}, {state}, {sort}", customer, f"{path}&sort={sort}"
            yield f"portal list, {scope}, {state}, search", customer, f"{path}&q={WORD}"
    yield "order of handling", customer, reverse("requests_order")
    agent = logged_in(opened["admin queue"])
    queue = opened["admin queue"].paths[0]
    yield "dashboard", agent, reverse("admin:index")
    yield "ticket page", agent, opened["admin ticket page"].paths[0]
    for name in QUEUES:
        yield f"queue {name or 'open'}", agent, f"{queue}?queue={name}" if name else queue
    yield "queue, tenth page", agent, f"{queue}?p=10"
    yield "queue, search", agent, f"{queue}?q=DESK-38"
    yield from directories()


def directories() -> Iterator[tuple[str, Client, str]]:
    """As the manager, who may open all of them."""
    with measured_desk():
        manager = Person.objects.select_related("user").filter(is_manager=True).order_by("id").first()
    client = logged_in(visits()[0], manager)
    for name in DIRECTORIES:
        path = reverse(f"admin:{name}_changelist")
        yield f"admin {name}", client, path
        yield f"admin {name}, search", client, f"{path}?q={WORD}"
    yield "admin ready to invoice", client, reverse("admin:billing_ready")
    for field in ("person", "organisation"):
        query = f"term={WORD}&app_label=accounts&model_name=representation&field_name={field}"
        yield f"autocomplete {field}", client, f"{reverse('admin:autocomplete')}?{query}"


def later(client: Client, path: str) -> str:
    """The address of the list's third page, by following its links; the list itself when it is shorter."""
    for _ in range(2):
        links = re.findall(r'href="([^"]*[?&;]after=[^"]+)"', client.get(path).content.decode())
        if not links:
            break
        path = links[-1].replace("&amp;", "&")
    return path


# ---- plans ----


def plan_of(cursor: Any, statement: str, params: Any = None) -> dict[str, Any]:
    cursor.execute(statement, params)
    plan: dict[str, Any] = cursor.fetchone()[0][0]
    return plan


def judged(page: str, sql: str, plan: dict[str, Any], tables: set[str]) -> Finding:
    root = plan["Plan"]
    whole = sorted({node["Relation Name"] for node in nodes(root) if node["Node Type"] == "Seq Scan"} & tables)
    return Finding(
        page=page,
        statement=in_short(sql),
        planning_ms=plan["Planning Time"],
        execution_ms=plan["Execution Time"],
        rows=int(root["Actual Rows"]),
        read=sum(rows_read(node) for node in nodes(root) if "Scan" in node["Node Type"]),
        blocks=root.get("Shared Hit Blocks", 0) + root.get("Shared Read Blocks", 0),
        whole_tables=whole,
    )


def rows_read(scan: dict[str, Any]) -> int:
    """Per loop PostgreSQL gives averages."""
    return int(scan["Actual Loops"] * (scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0)))


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    # A node that never ran read nothing.
    if node.get("Actual Loops"):
        yield node
    for child in node.get("Plans", ()):
        yield from nodes(child)


def in_short(sql: str) -> str:
    kind = "count" if "COUNT(*)" in sql else "rows"
    tables = re.findall(r'(?:FROM|JOIN) "?(\w+)', sql)
    return f"{kind} of {', '.join(dict.fromkeys(tables))}"


def big_tables() -> set[str]:
    """Tables behind a policy that are too large to be read whole."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relrowsecurity AND reltuples > %s", [SMALL]
        )
        return {row[0] for row in cursor.fetchall()}


# ---- functions ----


def functions(tables: set[str]) -> Iterator[Finding]:
    """EXPLAIN shows a function as one node, so its body is explained, as the owner, as whom it runs."""
    with measured_desk():
        tenant = current_tenant_id()
    direct = psycopg2.connect(os.environ["DATABASE_OWNER_URL"])
    with direct, direct.cursor() as cursor:
        cursor.execute("SELECT set_config('desk.tenant', %s, true)", [str(tenant)])
        for name, arguments in FUNCTIONS.items():
            found = body_of(cursor, name)
            if found is None:
                continue
            body, types = found
            cursor.execute(f"PREPARE bench_function {types} AS {body}")
            call = f"bench_function({arguments})" if arguments else "bench_function"
            yield judged(name, body, plan_of(cursor, f"{EXPLAIN} EXECUTE {call}"), tables)
            cursor.execute("DEALLOCATE bench_function")
    direct.close()


def body_of(cursor: Any, name: str) -> tuple[str, str] | None:
    """A function's statement with $1 for its argument, and the argument's type in brackets."""
    cursor.execute(
        "SELECT prosrc, proargnames[1], pronargs, format_type(proargtypes[0], NULL) FROM pg_proc WHERE proname = %s",
        [name],
    )
    found = cursor.fetchone()
    if found is None:
        return None
    body, argument, count, kind = found
    if not count:
        return body, ""
    return re.sub(rf"\b{argument}\b", "$1", body), f"({kind})"
