"""`/health/` for balancers and the supervisor: it belongs to no tenant, so it answers before one is asked for."""

from collections.abc import Callable

from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase


class HealthMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return health() if request.path == "/health/" else self.get_response(request)


def health() -> HttpResponse:
    """200 when the database answers, else 503. A cache that is down is told, and no reason to send nobody here."""
    parts = {"database": database_answers(), "cache": cache_answers()}
    return JsonResponse({"parts": parts}, status=200 if parts["database"] else 503)


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
