"""Where the time of a portal page goes: timers around the real parts, in the process that answers.

Runs inside Django (bench/inside.py). No server and no client: the handler is called as gunicorn calls it.
"""

import io
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import Atomic
from django.template.backends.django import Template
from django.template.loader_tags import BlockNode
from django.urls import get_resolver
from django.utils.module_loading import import_string

from accounts.middleware import PersonMiddleware, TenantMiddleware
from bench.pages import PORTAL_LIST, REQUEST_PAGE, Visit, cookies, logged_in, visits, works
from bench.timers import Key, Timers
from tickets import list_views, lists, pages, views

WARM_UP, ROUNDS = 30, 300

HANDLER = "handler: request, response, signals, address"
MIDDLEWARE = "middleware: all but the next two"
ENTRY = "tenant entry: BEGIN, set_config, host, tenant"
PERSON = "session, person, their organisations"
TRANSACTION = "transaction: connection check, savepoint, COMMIT"
FRAME = "template: frame of the page"
# Of the list.
VIEW = "view: rows as the template takes them, addresses"
LIST = "list: twenty tickets"
COUNTS = "counts"
CONTENT = "template: the list"
# Of the request page.
TICKET = "the ticket, where the reader may see it"
TRAIL = "all that hangs on it: comments, events, files, people"
WORDS = "sentences: where it stands, what happened, who reads"
VERBS = "what can be done"
PARTS = "parts: what they show, found among the remembered"
ROUND = (HANDLER, MIDDLEWARE, ENTRY, PERSON, TRANSACTION)


@dataclass(frozen=True)
class Plan:
    """How one page is measured: its view by the name of its address, and who times its parts."""

    page: str
    view: str
    rest: str
    parts: tuple[str, ...]
    wrap: Callable[[Timers], None]


def where(name: str) -> list[dict[str, Any]]:
    """Per part the medians of its milliseconds in a request, Python and SQL apart, and its statements."""
    plan = PLANS[name]
    visit = next(visit for visit in visits() if visit.page == plan.page)
    client = logged_in(visit)
    assert works(client, visit), f"the {plan.page} does not answer"
    cookie, timers = cookies(client), Timers()
    wrap_middleware(timers)
    handler = WSGIHandler()
    wrap_parts(timers, plan)
    try:
        with connection.execute_wrapper(Statements(timers)):
            requests = [ask(handler, visit, cookie, timers, number) for number in range(WARM_UP + ROUNDS)]
    finally:
        timers.restore()
    statements = {part: timers.calls[part, True] / len(requests) for part in plan.parts}
    return summary(requests[WARM_UP:], statements)


def ask(handler: WSGIHandler, visit: Visit, cookie: str, timers: Timers, number: int) -> dict[Key, float]:
    timers.seconds.clear()
    statuses: list[str] = []
    timers.enter(HANDLER)
    response = handler(environ(visit, cookie, number), lambda status, headers: statuses.append(status))  # type: ignore[arg-type]
    b"".join(response)
    response.close()
    timers.leave()
    assert statuses == ["200 OK"]
    return dict(timers.seconds)


def environ(visit: Visit, cookie: str, number: int = 0) -> dict[str, Any]:
    path, _, query = visit.paths[number % len(visit.paths)].partition("?")
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "HTTP_HOST": visit.host,
        "HTTP_COOKIE": cookie,
        "SERVER_NAME": visit.host,
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
    }


class Statements:
    """An execute wrapper: a statement belongs to the part that asked it, a savepoint to the transaction."""

    def __init__(self, timers: Timers) -> None:
        self.timers = timers

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.timers.enter(TRANSACTION if "SAVEPOINT" in sql else self.timers.part, sql=True)
        try:
            return execute(sql, params, many, context)
        finally:
            self.timers.leave()


def wrap_middleware(timers: Timers) -> None:
    """Before the handler is made, for it keeps the methods that it finds."""
    for path in settings.MIDDLEWARE:
        middleware = import_string(path)
        part = {TenantMiddleware: ENTRY, PersonMiddleware: PERSON}.get(middleware, MIDDLEWARE)
        if isinstance(middleware, type):  # one made by a function counts with its neighbour
            timers.wrap(middleware, "__call__", part)


def wrap_parts(timers: Timers, plan: Plan) -> None:
    for name in ("close_if_health_check_failed", "_commit"):
        timers.wrap(BaseDatabaseWrapper, name, TRANSACTION)
    for name in ("__enter__", "__exit__"):
        timers.wrap(Atomic, name, TRANSACTION)
    pattern = next(one for one in get_resolver().url_patterns if getattr(one, "name", "") == plan.view)
    timers.wrap(pattern, "callback", plan.rest)
    plan.wrap(timers)
    timers.wrap(Template, "render", FRAME)


def wrap_list(timers: Timers) -> None:
    # Whatever the view takes from there: the page itself, and what counts.
    for name, function in list(vars(list_views).items()):
        if getattr(function, "__module__", "") == lists.__name__ and not isinstance(function, type):
            timers.wrap(list_views, name, LIST if name == "page" else COUNTS)
    timers.wrap(BlockNode, "render", lambda node, context: CONTENT if node.name == "content" else timers.part)


def wrap_request(timers: Timers) -> None:
    timers.wrap(views, "readable_ticket", TICKET)
    timers.wrap(pages, "read_trail", TRAIL)
    timers.wrap(pages, "portal_verbs", VERBS)
    timers.wrap(views, "_request_body", PARTS)


PLANS = {
    "list": Plan(PORTAL_LIST, "requests", VIEW, (*ROUND, VIEW, LIST, COUNTS, FRAME, CONTENT), wrap_list),
    "request": Plan(REQUEST_PAGE, "request", WORDS, (*ROUND, TICKET, TRAIL, VERBS, WORDS, PARTS, FRAME), wrap_request),
}


def summary(requests: list[dict[Key, float]], statements: dict[str, float]) -> list[dict[str, Any]]:
    def middle(part: str, sql: bool) -> float:
        return 1000 * statistics.median(request.get((part, sql), 0.0) for request in requests)

    rows = [
        {"part": part, "python": middle(part, False), "sql": middle(part, True), "statements": statements[part]}
        for part in statements
    ]
    whole = 1000 * statistics.median(sum(request.values()) for request in requests)
    database = 1000 * statistics.median(
        sum(seconds for (_, sql), seconds in request.items() if sql) for request in requests
    )
    total = {"part": "whole", "python": whole - database, "sql": database, "statements": sum(statements.values())}
    return [*rows, total]
