"""`/health/` for balancers and the supervisor: it belongs to no tenant, so it answers before one is asked for."""

from collections.abc import Callable

from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from tickets.mail.troubles import desks_with_troubles

# Mailboxes are collected, nothing is set aside, what came in is processed, what goes out leaves, own servers take it.
MAIL_PARTS = ("mailbox", "incoming", "waiting", "outbox", "server")


class HealthMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return health() if request.path == "/health/" else self.get_response(request)


def health() -> HttpResponse:
    """200 when the database answers, else 503. A cache that is down is told, and no reason to send nobody here."""
    parts = {"database": database_answers(), "cache": cache_answers()}
    mail = mail_flows() if parts["database"] else {}
    return JsonResponse({"parts": parts, "mail": mail}, status=200 if parts["database"] else 503)


def mail_flows() -> dict[str, bool]:
    """Whether anything stands still at any desk; which desk is told to its managers, not to everybody who asks."""
    troubles = set().union(*desks_with_troubles(timezone.now()).values())
    return {kind: kind not in troubles for kind in MAIL_PARTS}


def database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Exception:
        # Whatever the driver raises, the answer to a balancer is the same; the next request tries anew.
        connection.close()
        return False
    return True


def cache_answers() -> bool:
    cache.set("health", "1", 10)
    return bool(cache.get("health") == "1")
