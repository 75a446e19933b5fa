"""How the API is described. These words are for programmers, and in English only; the API's sentences are not."""

from decimal import Decimal
from typing import Any, cast

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from accounts.answers import LONGEST_KEY
from accounts.api.base import Endpoint
from accounts.api.calls import BearerToken, PortalSession
from accounts.problems import MEDIA_TYPE, title_of

JSON = "application/json"


class Schema(AutoSchema):
    """Ours says itself what it takes and gives, so nothing is guessed from the views."""

    def get_tags(self) -> list[str]:
        return [cast(Endpoint, self.view).tag]

    def get_override_parameters(self) -> list[Any]:
        """The headers of answers."""
        return [
            _header("WWW-Authenticate", 401, "How to say who you are."),
            _header("Retry-After", 429, "Seconds to wait."),
            *([_header("Location", 201, "Its address.")] if self.method == "POST" else []),
        ]


def _header(name: str, status: int, description: str) -> OpenApiParameter:
    return OpenApiParameter(name, str, OpenApiParameter.HEADER, response=[status], description=description)


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = BearerToken
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A personal token: portal, My details, Tokens for programs.",
        }


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = PortalSession
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "The portal's session, for pages of the desk itself; changes need the header X-CSRFToken.",
        }


# ---- what several addresses show ----


class NamedSerializer(serializers.Serializer[Any]):
    """Somebody or something with a number, as it is called."""

    id = serializers.IntegerField()
    name = serializers.CharField(source="__str__")


class MoneySerializer(serializers.Serializer[Any]):
    """An amount, exact: two places, never a floating number."""

    amount = serializers.CharField(help_text="Like 150.00.")
    currency = serializers.CharField(help_text="ISO 4217, like EUR.")


def money(amount: Decimal, currency: str) -> dict[str, str]:
    return {"amount": f"{amount:.2f}", "currency": currency}


class ProblemErrorSerializer(serializers.Serializer[Any]):
    """Where something is wrong: in the body (`pointer`) or behind the question mark (`parameter`)."""

    pointer = serializers.CharField(required=False, help_text="A JSON pointer into what was sent: #/lines/0/price.")
    parameter = serializers.CharField(required=False)
    code = serializers.CharField(required=False, help_text="For programs: required, invalid_choice, …")
    detail = serializers.CharField(help_text="A sentence for people, in the person's language.")


class ProblemSerializer(serializers.Serializer[Any]):
    """Problem details, RFC 9457."""

    type = serializers.CharField(help_text="Always about:blank; `code` says what it is.")
    title = serializers.CharField(help_text="The status in words.")
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="A sentence for people, in the person's language.")
    code = serializers.CharField(help_text="For programs. It does not change.")
    errors = ProblemErrorSerializer(many=True, required=False)  # type: ignore[assignment]


_WHEN = {
    200: "As asked for.",
    201: "It is made.",
    400: "The call cannot be read: no JSON, an unknown parameter.",
    401: "No token, or one that opens nothing.",
    403: "You see it, but have no right to do this.",
    404: "It does not exist, or you may not see it. Both answer alike.",
    409: "The verb was refused: `code` and `detail` say why.",
    413: "More than 5 MB.",
    415: "Not JSON.",
    422: "A field is wrong (`errors`), or the Idempotency-Key was used for another call.",
    429: "Too many calls. Retry-After says after how many seconds to go on.",
}
# Written as they are, because sentences are translated and this is not.
PROBLEMS = {
    status: {
        "type": "about:blank",
        "title": title_of(status),
        "status": status,
        "detail": detail,
        "code": code,
        **({"errors": [error]} if error else {}),
    }
    for status, code, detail, error in (
        (400, "wrong_parameters", "There is no such parameter here.", {"parameter": "sort", "detail": "There is no …"}),
        (401, "not_authenticated", "Say who you are: send a token, or log in.", None),
        (403, "not_allowed", "You do not have the right to do this.", None),
        (404, "not_found", "There is nothing at this address, or nothing that you may see.", None),
        (409, "wrong_state", "This is not possible any more: the status is now “Closed”.", None),
        (413, "too_large", "This is more than can be sent at once.", None),
        (415, "unsupported_media_type", "Send JSON, with the content type application/json.", None),
        (
            422,
            "invalid",
            "Some of what was sent cannot be taken.",
            {"pointer": "#/subject", "code": "required", "detail": "This field is required."},
        ),
        (429, "throttled", "Too many calls in a short time. Wait a little and go on.", None),
    )
}
EVERYWHERE = (400, 401, 404, 429)


def answers(results: dict[int, Any], *problems: int, example: Any = None) -> dict[Any, Any]:
    """Results by status with an example, and the problems that may come instead; some may come everywhere."""
    shown = [OpenApiExample("Answer", example)] if example else []
    described: dict[Any, Any] = {
        (status, JSON): OpenApiResponse(result, description=_WHEN[status], examples=shown)
        for status, result in results.items()
    }
    for status in sorted({*EVERYWHERE, *problems}):
        described[status, MEDIA_TYPE] = OpenApiResponse(
            ProblemSerializer, description=_WHEN[status], examples=[OpenApiExample("Problem", PROBLEMS[status])]
        )
    return described


CHANGES = (403, 409, 413, 415, 422)

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[ -~]+$"},
    OpenApiParameter.HEADER,
    description="Any text of your own, new for each call (a UUID is good). The same call again with the same key gets "
    "the same answer and changes nothing; for 24 hours.",
)
REFERENCE = OpenApiParameter(
    "reference", str, OpenApiParameter.PATH, description="The request's reference, like DESK-38."
)
