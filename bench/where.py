"""Where the time of the portal list goes: real timers around the real parts, in the process that answers."""

import io
import statistics
import sys
from collections import defaultdict
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.template.backends.django import Template
from django.template.context import RequestContext
from django.utils.module_loading import import_string

from accounts import hosts
from bench.pages import PORTAL_LIST, Visit, cookies, logged_in, visits, works
from bench.timers import Timers
from tickets import lists, views

WARM_UP, ROUNDS = 30, 200

REST = "handler, request and response, signals"
MIDDLEWARE = "middleware, Python"
VIEW = "view, Python"
TRANSACTION = "transaction: connection check, COMMIT, savepoints"
ENTRY = "tenant entry: BEGIN, set_config, host and tenant"
PERSON = "session and person, organisations"
LIST = "list"
COUNTS = "counts"
TEMPLATE = "template"
FRAME = "context processors"
SQL, ORM = ", SQL", ", ORM"

# The first word found in a statement names its part.
STATEMENTS = (
    ("set_config", ENTRY),
    ("accounts_tenanthost", ENTRY),
    ("SAVEPOINT", TRANSACTION),
    ("COUNT(*)", COUNTS),
    ('FROM "tickets_ticket"', LIST),
    ('FROM "accounts_person"', PERSON),
    ('FROM "accounts_representation"', PERSON),
)


def part_of(sql: str) -> str:
    return next((part for word, part in STATEMENTS if word in sql), "other")


def where(page: str = PORTAL_LIST) -> list[dict[str, Any]]:
    """Per part: the median of its milliseconds in a request, and how often it was entered."""
    visit = next(visit for visit in visits() if visit.page == page)
    client = logged_in(visit)
    assert works(client, visit)
    timers = Timers()
    wrap_middleware(timers)
    handler = WSGIHandler()
    wrap_parts(timers)
    try:
        with connection.execute_wrapper(statement_timer(timers)):
            requests = [ask(handler, visit, cookies(client), timers) for _ in range(WARM_UP + ROUNDS)]
    finally:
        timers.restore()
    return rows(requests[WARM_UP:], {part: count / len(requests) for part, count in timers.calls.items()})


def ask(handler: WSGIHandler, visit: Visit, cookie: str, timers: Timers) -> dict[str, float]:
    timers.seconds.clear()
    timers.enter(REST)
    statuses: list[str] = []
    response = handler(environ(visit, cookie), lambda status, headers: statuses.append(status))  # type: ignore[arg-type]
    b"".join(response)
    response.close()
    timers.leave()
    assert statuses == ["200 OK"]
    return dict(timers.seconds)


def environ(visit: Visit, cookie: str) -> dict[str, Any]:
    path, _, query = visit.paths[0].partition("?")
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


def statement_timer(timers: Timers) -> Any:
    def timed(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        timers.enter(part_of(sql) + SQL)
        try:
            return execute(sql, params, many, context)
        finally:
            timers.leave()

    return timed


def wrap_middleware(timers: Timers) -> None:
    """Before the handler is made, for it keeps the methods it finds."""
    for path in settings.MIDDLEWARE:
        timers.wrap(import_string(path), "__call__", MIDDLEWARE)


def wrap_parts(timers: Timers) -> None:
    timers.wrap(hosts, "find_host", ENTRY + ORM)
    timers.wrap(BaseDatabaseWrapper, "close_if_health_check_failed", TRANSACTION)
    timers.wrap(BaseDatabaseWrapper, "_commit", TRANSACTION)
    timers.wrap(SessionBase, "_get_session", PERSON + ORM)
    timers.wrap(views, "in_scope", VIEW)
    timers.wrap(views, "page", LIST + ORM)
    timers.wrap(lists, "page", LIST + ORM)
    timers.wrap(views, "count", COUNTS + ORM)
    timers.wrap(Template, "render", TEMPLATE)
    timers.wrap(RequestContext, "bind_template", FRAME)


def rows(requests: list[dict[str, float]], calls: dict[str, float]) -> list[dict[str, Any]]:
    parts: dict[str, list[float]] = defaultdict(list)
    for part in {part for request in requests for part in request}:
        parts[part] = [1000 * request.get(part, 0.0) for request in requests]
    whole = statistics.median(1000 * sum(request.values()) for request in requests)
    found = [
        {"part": part, "ms": statistics.median(times), "calls": calls.get(part, 0.0)} for part, times in parts.items()
    ]
    return [*sorted(found, key=lambda row: -row["ms"]), {"part": "whole", "ms": whole, "calls": 1.0}]
