"""The API's addresses, its description, and the page that shows it. docs/api.md is for whoever writes programs."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.utils import translation
from django.views import defaults
from django.views.decorators.cache import cache_control
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny

from accounts.access import public
from accounts.api.me import MeView
from accounts.problems import answer, reads_json
from tickets import api as tickets_api

VERSION = "v1"
_OPERATIONS = [
    path("me/", MeView.as_view(), name="me"),
    path("request-types/", tickets_api.RequestTypesView.as_view(), name="request_types"),
    path("request-types/<str:id>/", tickets_api.RequestTypeView.as_view(), name="request_type"),
    path("requests/", tickets_api.RequestsView.as_view(), name="requests"),
    path("requests/<str:reference>/", tickets_api.RequestView.as_view(), name="request"),
    path("requests/<str:reference>/comments/", tickets_api.CommentsView.as_view(), name="comments"),
    path("requests/<str:reference>/verbs/", tickets_api.VerbsView.as_view(), name="verbs"),
    path("requests/<str:reference>/verbs/<str:name>/", tickets_api.VerbView.as_view(), name="verb"),
]


def read_only(view: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    @wraps(view)
    def inner(request: HttpRequest) -> HttpResponse:
        if request.method in ("GET", "HEAD"):
            return view(request)
        refusal = answer(405, "method_not_allowed")
        refusal.headers["Allow"] = "GET, HEAD"
        return refusal

    return inner


# ---- the description ----


@lru_cache(maxsize=1)
def description() -> dict[str, Any]:
    """The API as an OpenAPI document. It depends on the code alone, so a process makes it once."""
    with translation.override("en"):
        generator = SchemaGenerator(  # type: ignore[no-untyped-call]
            patterns=[path(f"api/{VERSION}/", include(_OPERATIONS))]
        )
        return cast(
            dict[str, Any],
            generator.get_schema(request=None, public=True),  # type: ignore[no-untyped-call]
        )


@lru_cache(maxsize=1)
def _written() -> bytes:
    return bytes(OpenApiJsonRenderer().render(description()))


@public
@cache_control(public=True, max_age=300)
@read_only
def schema(request: HttpRequest) -> HttpResponse:
    """The same for everybody and every desk, so for visitors, too."""
    return HttpResponse(_written(), content_type=OpenApiJsonRenderer.media_type)


class _Docs(SpectacularSwaggerSplitView):
    """Page and script apart from each other, as the policy wants it."""

    url_name = "api:schema"
    template_name = "api/docs.html"
    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = ()


_docs = _Docs.as_view()


@public
@read_only
def docs(request: HttpRequest) -> HttpResponse:
    response = cast(HttpResponse, _docs(request))
    # The script holds the reader's token against forgery: no page of another host may load it.
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


urlpatterns = [
    *_OPERATIONS,
    path("schema/", schema, name="schema"),
    path("docs/", docs, name="docs"),
]


# ---- errors ----


@public
def nothing(request: HttpRequest) -> HttpResponse:
    """Every other address under /api/."""
    return answer(404, "not_found")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(400, "bad_request") if reads_json(request) else defaults.bad_request(request, exception)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(403, "not_allowed") if reads_json(request) else defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(404, "not_found") if reads_json(request) else defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    return answer(500, "server_error") if reads_json(request) else defaults.server_error(request)
