"""Errors as programs read them: problem details (RFC 9457), for whatever goes wrong under /api/."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _

API = "/api/"
UPLOADS = "/uploads/"
MEDIA_TYPE = "application/problem+json"
# As RFC 9110 calls them now; Python's own words differ between its versions.
_TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}


def is_for_programs(request: HttpRequest) -> bool:
    """Whether whoever asks expects JSON, errors included."""
    return request.path.startswith(API)


def reads_json(request: HttpRequest) -> bool:
    """Whether errors are read as JSON: by programs, and by our own script that sends files."""
    return request.path.startswith((API, UPLOADS))


def problem(
    status: int,
    code: str,
    detail: str = "",
    *,
    errors: Sequence[Mapping[str, str]] = (),
) -> dict[str, Any]:
    """The document. `code` never changes and is for programs; `detail` is for people, in their language.

    `type` stays about:blank: what kind of problem it is, is told by `code`.
    """
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": title_of(status),
        "status": status,
        "detail": detail or sentence_for(status),
        "code": code,
    }
    if errors:
        body["errors"] = list(errors)
    return body


def answer(status: int, code: str, detail: str = "") -> JsonResponse:
    """For places where the REST framework does not reach: middleware and Django's own error handlers."""
    return JsonResponse(problem(status, code, detail), status=status, content_type=MEDIA_TYPE)


def title_of(status: int) -> str:
    return _TITLES.get(status) or HTTPStatus(status).phrase


def sentence_for(status: int) -> str:
    """What to say when nothing more is known."""
    return {
        400: _("The call could not be read."),
        401: _("Say who you are: send a token, or log in."),
        403: _("You do not have the right to do this."),
        404: _("There is nothing at this address, or nothing that you may see."),
        405: _("This address does not take this method."),
        413: _("This is more than can be sent at once."),
        415: _("Send JSON, with the content type application/json."),
        422: _("Some of what was sent cannot be taken."),
        429: _("Too many calls in a short time. Wait a little and go on."),
    }.get(status) or _("Something went wrong on our side. Nothing was changed.")
