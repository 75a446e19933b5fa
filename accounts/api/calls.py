"""How a call comes in: who asks, what is read, in what form it is answered.

The REST framework reads these from the settings while it is imported, so nothing here may import its views.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from accounts.http import DeskRequest, PersonRequest
from accounts.models import ApiToken, User
from accounts.problems import problem
from accounts.tokens import token_sent


class Problem(exceptions.APIException):
    """An error with its own code and, for what was sent, where it is wrong."""

    def __init__(self, status: int, code: str, detail: str = "", *, errors: Sequence[Mapping[str, str]] = ()) -> None:
        super().__init__(detail, code)
        self.status_code = status
        self.document = problem(status, code, detail, errors=errors)


# ---- who asks ----


class BearerToken(BaseAuthentication):
    """`Authorization: Bearer desk_…`. PersonMiddleware has looked it up, because the language follows the person."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        desk = cast(DeskRequest, request._request)
        if token_sent(desk) is None:
            return None
        if desk.token is None:
            raise exceptions.AuthenticationFailed(
                _("This token opens nothing here: it is not known at this desk, was revoked, or its last day is over."),
                "invalid_token",
            )
        return cast(User, desk.token.person.user), desk.token

    def authenticate_header(self, request: Request) -> str:
        wrong = ', error="invalid_token"' if token_sent(request._request) is not None else ""
        return f'Bearer realm="api"{wrong}'


class PortalSession(SessionAuthentication):
    """The portal's own session: for pages of ours. Changes need the token against forgery, as forms do."""

    def enforce_csrf(self, request: Request) -> None:
        try:
            super().enforce_csrf(request)
        except exceptions.PermissionDenied:
            raise Problem(
                403, "csrf_failed", _("With a session, send the token against forgery in the header X-CSRFToken.")
            ) from None


class CallRate(SimpleRateThrottle):
    """So many calls a minute for one token, or for one person's sessions. Without the cache nobody is held up."""

    scope = "calls"

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        token = cast(DeskRequest, request._request).token
        who = f"token:{token.pk}" if token else f"person:{cast(PersonRequest, request._request).person.pk}"
        return f"calls:{who}"


# ---- what is read and written ----


class JsonBody(JSONParser):
    """A JSON object. What no database can store, or no program should send, is refused here."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> dict[str, Any]:
        try:
            body = super().parse(stream, media_type, parser_context)
            json.dumps(body, ensure_ascii=False).encode()
        except (exceptions.ParseError, RecursionError, UnicodeEncodeError):
            raise Problem(400, "not_json", _("The body is not JSON, or not in UTF-8.")) from None
        if not isinstance(body, dict):
            raise Problem(400, "not_an_object", _("The body has to be a JSON object: {…}."))
        return body


class OnlyJson(DefaultContentNegotiation):
    """There is one form of answer, so nobody is refused for asking for another."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type
