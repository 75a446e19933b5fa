"""What can be asked for, and what each type asks for itself; asking. As in the portal, the form judges."""

import copy
import json
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import get_or_404, row_number
from accounts.api.base import Endpoint
from accounts.api.schema import answers
from accounts.http import PersonRequest
from accounts.models import Organisation
from tickets import actions
from tickets.api import examples
from tickets.api.fields import FLAG, NUMBER, WORDS, body_schema, described, fill
from tickets.api.shown import RequestTypeListSerializer, RequestTypeSerializer, offered_types
from tickets.api.verbs import ChoiceSerializer, LineFieldSerializer
from tickets.forms import RequestForm
from tickets.models import FieldKind, RequestType, Ticket
from tickets.models.ticket import Channel
from tickets.models.ticket import Kind as TicketKind

# The API says subject where the form says summary: it is read under that name, too.
NAMES = {"subject": "summary"}


class NewRequestForm(RequestForm):
    """A request with its type, which the portal knows by the page that the form stands on."""

    request_type: "forms.ModelChoiceField[RequestType]" = forms.ModelChoiceField(
        label=gettext_lazy("Request type"), queryset=None
    )

    organisation: "forms.ModelChoiceField[Organisation]" = forms.ModelChoiceField(
        label=gettext_lazy("For which organisation"),
        queryset=None,
        required=False,
        help_text=gettext_lazy("Only who represents several has to say it."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["request_type"].queryset = RequestType.objects.offered()  # type: ignore[attr-defined]
        several = "organisation" in self.fields
        # A page leaves out what is no choice; a program may say it all the same.
        field: Any = self.fields.setdefault("organisation", copy.copy(self.base_fields["organisation"]))
        field.required = several
        if not several:
            only = self.only_organisation
            field.queryset = Organisation.objects.filter(pk=only.pk) if only else Organisation.objects.none()

    def clean(self) -> dict[str, Any]:
        if not self.cleaned_data.get("organisation") and "organisation" not in self.errors:
            self.cleaned_data["organisation"] = self.only_organisation
        return super().clean()


def empty_form(desk: PersonRequest, request_type: RequestType | None, organisation: Any) -> NewRequestForm:
    """With the fields of the type and, where they depend on the organisation, with its choices."""
    return NewRequestForm(
        person=desk.person,
        acting=None,
        tenant=desk.tenant,
        request_type=request_type,
        initial={"organisation": organisation},
    )


def type_named(value: Any) -> RequestType | None:
    """What a body says under `request_type`; the form refuses what is none."""
    is_number = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63
    return RequestType.objects.offered().filter(pk=value).first() if is_number else None


def file_request(desk: PersonRequest, body: dict[str, Any]) -> Ticket:
    """Raises a Problem that tells of every mistake, and what the verb raises."""
    form = empty_form(desk, type_named(body.get("request_type")), body.get("organisation"))
    fill(form, body, NAMES)
    values = form.cleaned_data
    return actions.submit(
        by=desk.person,
        requester=values.get("on_behalf_of"),
        organisation=values.get("organisation"),
        request_type=values["request_type"],
        subject=form.subject,
        description=values.get("description", ""),
        due_date=values.get("due_date"),
        order_number=values.get("order_number", ""),
        cost_centre=values.get("cost_centre", ""),
        channel=Channel.API,
        details=form.details,
    )


# ---- for the description ----


def new_request_schema() -> dict[str, Any]:
    """Whatever the type: which of these fields it has, and which it needs, its own address says."""
    schema = body_schema(NewRequestForm, NAMES)
    own = {
        FieldKind.PRODUCT: {**NUMBER.schema, "description": "Of the types that ask for it."},
        FieldKind.COMPONENT: {**NUMBER.schema, "description": "A part of the product."},
        FieldKind.KIND: {**WORDS.schema, "enum": TicketKind.values, "description": "As far as a contract covers it."},
        FieldKind.SYSTEM: {**WORDS.schema, "description": "Where it happens: versions, servers."},
    }
    nullable = {name: {**one, "type": [one["type"], "null"]} for name, one in own.items()}
    value = {"type": [WORDS.schema["type"], FLAG.schema["type"], "null"], "description": "A field of the type's own."}
    return {
        **schema,
        "properties": {**schema["properties"], **{str(name): one for name, one in nullable.items()}},
        "patternProperties": {"^field-[0-9]+$": value},
        "required": ["request_type"],
    }


NEW_REQUEST_EXAMPLES = [
    OpenApiExample(
        "A request",
        {
            "request_type": 3,
            "subject": "The cash desk prints nothing",
            "description": "Since this morning. We restarted it twice.",
            "due_date": "2026-12-05",
            "order_number": "PO-4711",
        },
        request_only=True,
    ),
    OpenApiExample(
        "With fields of its type",
        {"request_type": 5, "subject": "Balance does not match", "product": 2, "kind": "error", "field-14": "41"},
        request_only=True,
    ),
]


# ---- shapes ----


class ConditionSerializer(serializers.Serializer[Any]):
    """Holds when the field has the value; a checkbox has `yes`."""

    field = serializers.CharField()
    value = serializers.CharField()


class FieldChoiceSerializer(ChoiceSerializer):
    goes_with = serializers.CharField(allow_null=True, help_text="The value of the field in `follows` it belongs to.")


class RequestFieldSerializer(LineFieldSerializer):
    """A field of a new request of one type."""

    choices = FieldChoiceSerializer(many=True, allow_null=True)
    follows = serializers.CharField(allow_null=True, help_text="The field whose answer decides about the choices.")
    shown_when = ConditionSerializer(many=True, help_text="Asked only when one of these holds; empty: always.")
    required_when = ConditionSerializer(many=True, help_text="Needed, too, when one of these holds.")


class RequestTypeFormSerializer(RequestTypeSerializer):
    """Something that can be asked for, with what it asks."""

    fields = RequestFieldSerializer(many=True)  # type: ignore[assignment]


def fields_of(form: NewRequestForm) -> list[dict[str, Any]]:
    """Of a new request of the form's type, but for the type itself."""
    rows = [row for row in described(form, NAMES) if row["name"] != "request_type"]
    own = {ours: name for name, ours in NAMES.items()}
    fields = {own.get(name, name): field for name, field in form.fields.items()}
    return [{**row, **_facts(row, fields[row["name"]])} for row in rows]


def _facts(row: dict[str, Any], field: Any) -> dict[str, Any]:
    """What the page's script knows of a field, it knows from its widget."""
    facts = getattr(field.widget, "facts", {})
    choices = [
        {**choice, "goes_with": facts.get(str(choice["value"]), {}).get("data-with")} for choice in row["choices"] or ()
    ]
    return {
        "required": field.required or (getattr(field, "marked", False) and not getattr(field, "shown_when", "")),
        "choices": choices if row["choices"] is not None else None,
        "follows": field.widget.attrs.get("data-follows"),
        "shown_when": _conditions(getattr(field, "shown_when", "")),
        "required_when": _conditions(getattr(field, "required_when", "")),
    }


def _conditions(said: str) -> list[dict[str, str]]:
    return [{"field": name, "value": value} for name, value in json.loads(said or "[]")]


# ---- addresses ----


class RequestTypesView(Endpoint):
    """What can be asked for."""

    tag = "requests"

    @extend_schema(
        operation_id="request_types_list",
        summary="List what can be asked for",
        description="All of it, in the order of the catalogue.",
        responses=answers({200: RequestTypeListSerializer}, example=examples.REQUEST_TYPES),
    )
    def get(self, request: Request) -> Response:
        return Response({"results": RequestTypeSerializer(offered_types(), many=True).data})


class RequestTypeView(Endpoint):
    """What one type of request asks."""

    tag = "requests"
    parameters = frozenset({"organisation"})

    @extend_schema(
        operation_id="request_types_read",
        summary="Read what a request of a type has to say",
        description="The fields of a new request, with the choices that you have: its type's own, too. Products and "
        "kinds are those that the organisation can ask for.",
        parameters=[
            OpenApiParameter("id", {"type": "integer", "minimum": 1}, OpenApiParameter.PATH),
            OpenApiParameter(
                "organisation",
                {"type": "integer", "minimum": 1},
                description="For which of yours. Not needed by who represents one only.",
            ),
        ],
        responses=answers({200: RequestTypeFormSerializer}, example=examples.REQUEST_TYPE_FORM),
    )
    def get(self, request: Request, id: str) -> Response:  # noqa: A002 - the name in the address
        found = get_or_404(RequestType.objects.offered().select_related("group"), pk=row_number(id))
        form = empty_form(self.desk, found, request.query_params.get("organisation"))
        shown = RequestTypeSerializer(found).data
        return Response({**shown, "fields": RequestFieldSerializer(fields_of(form), many=True).data})
