"""What every address of the API does alike: how errors are told, what is done once."""

import json
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.answers import LONGEST_KEY, Answer, KeyReused, answer_once, fingerprint_of
from accounts.api.calls import Problem
from accounts.errors import NotAllowed, Refused
from accounts.http import PersonRequest
from accounts.models import Person
from accounts.problems import MEDIA_TYPE, problem

Handler = Callable[..., Response]


# ---- errors ----


def problem_of(error: Exception) -> dict[str, Any] | None:
    """The document for what went wrong; None for what is a fault of ours."""
    match error:
        case Problem():
            return error.document
        case KeyReused():
            return problem(422, error.code, str(error.sentence))
        case NotAllowed():
            return problem(403, error.code, str(error.sentence))
        case Refused():
            return problem(409, error.code, str(error.sentence))
        case Http404():
            return problem(404, "not_found")
        case PermissionDenied():
            return problem(403, "not_allowed")
        case exceptions.AuthenticationFailed():
            return problem(401, "invalid_token", str(error.detail))
        case exceptions.APIException():
            code = error.get_codes()
            return problem(error.status_code, code if isinstance(code, str) else "invalid")
    return None


def answer_problem(error: Exception, context: Any) -> Response | None:
    """`EXCEPTION_HANDLER` of the REST framework. Marks no transaction: a handler's own changes are undone in `once`,
    and what stands around it (the kept answer, a token's last use) has to stay."""
    document = problem_of(error)
    if document is None:
        return None
    headers = {}
    if auth_header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = auth_header
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait) + 1)
    return Response(document, document["status"], headers=headers, content_type=MEDIA_TYPE)


# ---- an address ----


class Endpoint(APIView):
    """An address of the API. `parameters` are all that may stand behind its question mark when it is read."""

    http_method_names = ["get", "head", "post"]
    tag = ""
    parameters: frozenset[str] = frozenset()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        known = self.parameters if request.method in ("GET", "HEAD") else frozenset()
        unknown = sorted(set(request.query_params) - known)
        if unknown:
            raise wrong_parameters({name: _("There is no such parameter here.") for name in unknown})

    @property
    def desk(self) -> PersonRequest:
        """The call as our middlewares made it."""
        return cast(PersonRequest, self.request._request)

    @property
    def person(self) -> Person:
        return self.desk.person

    @property
    def body(self) -> dict[str, Any]:
        """What was sent; a POST without a body says nothing."""
        return dict(self.request.data)

    def whole(self, do: Callable[[], Response]) -> Response:
        """The answer of what stands or falls together. A refusal undoes it, and is an answer too."""
        try:
            with transaction.atomic():
                return do()
        except Exception as error:  # what is no refusal is raised again: it is logged, and nothing is kept of it
            return self.handle_exception(error)


def wrong_parameters(sentences: Mapping[str, str]) -> Problem:
    errors = [{"parameter": name, "detail": sentence} for name, sentence in sentences.items()]
    return Problem(400, "wrong_parameters", next(iter(sentences.values())), errors=errors)


def once(handler: Handler) -> Callable[..., HttpResponseBase]:
    """A POST that happens whole or not at all, and with an Idempotency-Key at most once."""

    @wraps(handler)
    def inner(view: Endpoint, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        def do() -> Response:
            return view.whole(lambda: handler(view, request, *args, **kwargs))

        key = request.headers.get("Idempotency-Key")
        if key is None:
            return do()
        if not 1 <= len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
            raise Problem(
                400, "wrong_key", _("An Idempotency-Key has 1 to 255 letters, digits and signs; a UUID is good.")
            )
        fingerprint = fingerprint_of("POST", view.desk.get_full_path(), view.desk.body)
        return _sent(answer_once(view.person, key, fingerprint, lambda: _written(do())))

    return inner


def _written(response: Response) -> Answer:
    body: bytes = JSONRenderer().render(response.data)
    return Answer(response.status_code, body.decode())


def _sent(answer: Answer) -> HttpResponse:
    kind = "application/json" if answer.status < 400 else MEDIA_TYPE
    response = HttpResponse(answer.body, status=answer.status, content_type=kind)
    if answer.status == 201 and (address := json.loads(answer.body).get("url")):
        response.headers["Location"] = address
    if answer.is_repeated:
        response.headers["Idempotency-Replayed"] = "true"
    return response


def created(body: Mapping[str, Any]) -> Response:
    """What was made, and its address if it has one of its own."""
    return Response(body, 201, headers={"Location": body["url"]} if "url" in body else {})
