"""The verbs of a request as programs see them: what is possible now, what each asks for, and doing one."""

from typing import Any

from django.forms import Field as DjangoField
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import Endpoint, created, once
from accounts.api.calls import Problem
from accounts.api.schema import CHANGES, IDEMPOTENCY_KEY, JSON, REFERENCE, answers
from accounts.errors import NotAllowed
from accounts.models import Person
from tickets import actions
from tickets.actions.estimates import MOST_LINES
from tickets.api import examples
from tickets.api.fields import (
    Mistake,
    body_schema,
    described,
    described_field,
    fill,
    mistakes_in,
    refusal,
    refuse,
)
from tickets.api.shown import RequestSerializer, VerbSummarySerializer, request_shown
from tickets.calls import origin_of, visible_ticket
from tickets.deeds import CUSTOMER_DEEDS, STAFF_DEEDS, do, form_of
from tickets.forms import DeploymentQuoteForm, EstimateForm, EstimateLineForm
from tickets.models import Ticket
from tickets.permissions import may_work_on
from tickets.proof import Origin
from tickets.verbs import Verb, available

SEND_ESTIMATE = "send_estimate"
ALL_VERBS = sorted({*CUSTOMER_DEEDS, *STAFF_DEEDS, SEND_ESTIMATE})

# What a line is called in JSON where the form says it otherwise.
LINE_NAMES = {"minutes": "time"}


# ---- for the description ----


def bodies() -> list[dict[str, Any]]:
    """What each verb takes. Customers and staff say different things with some."""
    staff = {name: deed.form for name, deed in STAFF_DEEDS.items()}
    found = [
        {"title": f"{name}, by a customer" if name in staff else name, **body_schema(deed.form)}
        for name, deed in CUSTOMER_DEEDS.items()
    ]
    found += [
        {"title": f"{name}, by staff" if name in CUSTOMER_DEEDS else name, **body_schema(form)}
        for name, form in staff.items()
    ]
    quoting = {"title": "schedule_deployment, during a review", **body_schema(DeploymentQuoteForm)}
    return [*found, quoting, {"title": SEND_ESTIMATE, **estimate_schema()}]


def estimate_schema() -> dict[str, Any]:
    line = body_schema(EstimateLineForm, LINE_NAMES)
    lines = {
        "type": "array",
        "minItems": 1,
        "maxItems": MOST_LINES,
        "items": {**line, "required": ["description"]},
        "description": "Each takes `minutes`, or a fixed `price`; with both it is time at this price of an hour.",
    }
    rest = body_schema(EstimateForm)
    return {**rest, "properties": {"lines": lines, **rest["properties"]}, "required": ["lines", *rest["required"]]}


EXAMPLES = [
    OpenApiExample("accept_estimate", {"version": 1, "order_number": "PO-4711"}, request_only=True),
    OpenApiExample("accept_solution", {}, request_only=True),
    OpenApiExample("reopen", {"text": "The second printer still prints nothing."}, request_only=True),
    OpenApiExample("start_work, by staff", {"minutes": 45}, request_only=True),
    OpenApiExample("deliver, by staff", {"text": "It prints again."}, request_only=True),
    OpenApiExample(
        "send_estimate, by staff",
        {
            "lines": [
                {"description": "Analysis and change of the form", "minutes": 150},
                {"description": "Licence of the driver", "price": "40.00"},
            ],
            "due_on": "2026-12-05",
            "note": "As we spoke about it on the telephone.",
        },
        request_only=True,
    ),
    OpenApiExample(
        "accept_estimate, by staff: the customer's words",
        {
            "said_by": 12,
            "words": "Yes, please do it.",
            "said_in": "phone",
            "said_at": "2026-11-22T10:30:00+02:00",
        },
        request_only=True,
    ),
]


# ---- shapes ----

TYPES = [
    ("string", "text"),
    ("integer", "a whole number; with `choices` one of their values"),
    ("minutes", "a whole number of minutes"),
    ("boolean", "true or false"),
    ("date", "2026-12-05"),
    ("date-time", "2026-12-05T14:30:00+02:00"),
    ("decimal", "an amount as text: 150.00"),
    ("list", "a list of objects with the fields in `items`"),
]


class ChoiceSerializer(serializers.Serializer[Any]):
    value = serializers.SerializerMethodField(method_name="plain")
    label = serializers.CharField()  # type: ignore[assignment]

    @extend_schema_field({"type": ["integer", "string"]})
    def plain(self, choice: dict[str, Any]) -> int | str:
        value: int | str = choice["value"]
        return value


class LineFieldSerializer(serializers.Serializer[Any]):
    """What a field takes."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    help = serializers.CharField()
    type = serializers.ChoiceField(TYPES)
    required = serializers.BooleanField()  # type: ignore[assignment]
    max_length = serializers.IntegerField(allow_null=True)
    choices = ChoiceSerializer(many=True, allow_null=True)


class FieldSerializer(LineFieldSerializer):
    """A field of a verb's body."""

    items = LineFieldSerializer(many=True, allow_null=True, help_text="Of a list: the fields of each of its objects.")


class VerbSerializer(VerbSummarySerializer):
    """A verb with what its body takes."""

    fields = serializers.SerializerMethodField(method_name="asked")  # type: ignore[assignment]

    @extend_schema_field(FieldSerializer(many=True))
    def asked(self, verb: Verb) -> Any:
        fields = fields_of(self.context["ticket"], self.context["desk"].person, verb.name)
        return FieldSerializer(fields, many=True).data


class VerbListSerializer(serializers.Serializer[Any]):
    """What you can do now, the weightiest first."""

    results = VerbSerializer(many=True)


def fields_of(ticket: Ticket, person: Person, name: str) -> list[dict[str, Any]]:
    """What has to be said with a verb, with the choices that this person has."""
    if name == SEND_ESTIMATE:
        return [lines_field(), *described(EstimateForm())]
    form = form_of(ticket, person, name)
    return described(form) if form else []


def lines_field() -> dict[str, Any]:
    items = described(EstimateLineForm(), LINE_NAMES)
    items[0]["required"] = True  # only the desk's page has empty lines, which are left out
    words = _("Each takes time, or a fixed price; with both it is time at this price of an hour.")
    return {
        **described_field("lines", DjangoField(label=_("Lines"), help_text=words)),
        "type": "list",
        "items": items,
    }


# ---- doing ----


def read_lines(body: dict[str, Any]) -> list[actions.NewLine]:
    """The lines of an estimate, each judged by the form that the desk's page has. Raises a Problem."""
    sent = body.get("lines")
    if not isinstance(sent, list) or not 1 <= len(sent) <= MOST_LINES:
        sentence = _("Send a list of 1 to %(most)d lines.") % {"most": MOST_LINES}
        raise refusal([Mistake(("lines",), sentence, "type")])
    lines, mistakes = [], []
    for number, row in enumerate(sent):
        line, wrong = read_line(row, ("lines", number))
        lines.append(line)
        mistakes += wrong
    refuse(mistakes)
    return [line for line in lines if line is not None]


def read_line(row: Any, path: tuple[str | int, ...]) -> tuple[actions.NewLine | None, list[Mistake]]:
    if not isinstance(row, dict):
        return None, [Mistake(path, _("Send an object: {…}."), "type")]
    form = EstimateLineForm()
    mistakes = mistakes_in(form, row, LINE_NAMES, path)
    if mistakes:
        return None, mistakes
    if form.line is None:
        return None, [Mistake((*path, "description"), _("Every line needs words."), "required")]
    return form.line, []


def send_estimate(ticket: Ticket, by: Person, body: dict[str, Any]) -> None:
    if not may_work_on(by, ticket):
        raise NotAllowed(_("You do not have the right to do this."))
    form = EstimateForm()
    fill(form, {name: value for name, value in body.items() if name != "lines"})
    actions.send_estimate(ticket, by=by, lines=read_lines(body), **form.cleaned_data)


def press(ticket: Ticket, by: Person, name: str, body: dict[str, Any], origin: Origin) -> object:
    """Do a verb by its name, as a button does it."""
    form = form_of(ticket, by, name)
    if form is None:  # it is a verb of the other side
        raise NotAllowed(_("You do not have the right to do this."))
    fill(form, body)
    return do(ticket, by, name, form, origin=origin)


class VerbsView(Endpoint):
    """What can be done with a request now."""

    tag = "verbs"

    @extend_schema(
        operation_id="verbs_list",
        summary="List what you can do with a request now",
        description="Depends on the status and on your rights. Each verb comes with the fields of its body and the "
        "choices that you have.",
        parameters=[REFERENCE],
        responses=answers({200: VerbListSerializer}, example=examples.VERBS),
    )
    def get(self, request: Request, reference: str) -> Response:
        ticket = visible_ticket(self.person, reference)
        context = {"desk": self.desk, "reference": reference, "ticket": ticket}
        return Response({"results": VerbSerializer(available(ticket, self.person), many=True, context=context).data})


class VerbView(Endpoint):
    """Doing one thing with a request."""

    tag = "verbs"

    @extend_schema(
        operation_id="verbs_do",
        summary="Do something with a request",
        description="The body has the fields of the verb. The answer is the request as it is then; `follow_up` answers "
        "201 with the new request.\n\nA verb that is not possible in the status is refused with 409, one for which "
        "you have no right with 403.",
        parameters=[
            REFERENCE,
            OpenApiParameter("name", str, OpenApiParameter.PATH, enum=ALL_VERBS, description="The verb."),
            IDEMPOTENCY_KEY,
        ],
        request={JSON: {"anyOf": bodies()}},
        examples=EXAMPLES,
        responses=answers({200: RequestSerializer, 201: RequestSerializer}, *CHANGES, example=examples.REQUEST),
    )
    @once
    def post(self, request: Request, reference: str, name: str) -> Response:
        ticket = visible_ticket(self.person, reference)
        if name not in ALL_VERBS:
            raise Problem(404, "no_such_verb", _("There is no verb of this name."))
        result: object = None
        if name == SEND_ESTIMATE:
            send_estimate(ticket, self.person, self.body)
        else:
            result = press(ticket, self.person, name, self.body, origin_of(self.desk))
        if isinstance(result, Ticket) and result.pk != ticket.pk:
            return created(request_shown(visible_ticket(self.person, result.reference), self.desk))
        return Response(request_shown(visible_ticket(self.person, reference), self.desk))
