"""Who the program acts for, and what this person may do."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import Endpoint
from accounts.api.schema import MoneySerializer, answers, money
from accounts.models import Person, Representation


class DeskSerializer(serializers.Serializer[Any]):
    """The desk at this host."""

    name = serializers.CharField()
    language = serializers.CharField()
    time_zone = serializers.CharField(help_text="Days and moments are meant and shown in it.")
    currency = serializers.CharField()


class RolesSerializer(serializers.Serializer[Any]):
    """What the person is at the desk; a customer is none of these."""

    agent = serializers.BooleanField(source="is_agent")
    accountant = serializers.BooleanField(source="is_accountant")
    manager = serializers.BooleanField(source="is_manager", help_text="May do what the other two may.")


class RepresentedOrganisationSerializer(serializers.Serializer[Any]):
    """An organisation that the person speaks for, with their rights there."""

    id = serializers.IntegerField(source="organisation_id")
    name = serializers.CharField(source="organisation.name")
    may_ask = serializers.BooleanField(source="can_ask", help_text="May file requests for it.")
    may_approve = serializers.BooleanField(help_text="May accept estimates.")
    approval_limit = serializers.SerializerMethodField(help_text="Up to this amount without VAT; null is no limit.")
    may_see_invoices = serializers.BooleanField()
    is_head = serializers.BooleanField()

    @extend_schema_field(MoneySerializer(allow_null=True))
    def get_approval_limit(self, row: Representation) -> dict[str, str] | None:
        if row.approval_limit is None:
            return None
        return money(row.approval_limit, self.context["desk"].tenant.currency)


class TokenSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    expires_on = serializers.DateField(allow_null=True, help_text="The last day on which it works.")


class MeSerializer(serializers.Serializer[Any]):
    """The person that the call acts for."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    email = serializers.CharField()
    language = serializers.CharField(help_text="Sentences of the API are in it.")
    roles = RolesSerializer(source="*")
    organisations = RepresentedOrganisationSerializer(source="represents", many=True)
    desk = serializers.SerializerMethodField()
    token = serializers.SerializerMethodField(help_text="The token of this call; null with a session.")

    @extend_schema_field(DeskSerializer)
    def get_desk(self, person: Person) -> Any:
        return DeskSerializer(self.context["desk"].tenant).data

    @extend_schema_field(TokenSerializer(allow_null=True))
    def get_token(self, person: Person) -> Any:
        token = self.context["desk"].token
        return TokenSerializer(token).data if token else None


class MeView(Endpoint):
    """Who one is."""

    tag = "you"

    @extend_schema(
        operation_id="me",
        summary="Who you are, and what you may do",
        description="A good first call: it shows whether a token works.",
        responses=answers({200: MeSerializer}),
    )
    def get(self, request: Request) -> Response:
        return Response(MeSerializer(self.person, context={"desk": self.desk}).data)
