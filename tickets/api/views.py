"""Requests as programs read and file them. Parse, call, answer: queries, forms and verbs are those of the portal."""

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import row_number
from accounts.api.base import Endpoint, created, once, wrong_parameters
from accounts.api.schema import CHANGES, IDEMPOTENCY_KEY, JSON, REFERENCE, answers
from accounts.models import Organisation, Person
from tickets import actions
from tickets.api import examples
from tickets.api.asking import NEW_REQUEST_EXAMPLES, file_request, new_request_schema
from tickets.api.fields import body_schema, fill
from tickets.api.shown import (
    CommentPageSerializer,
    CommentSerializer,
    RequestPageSerializer,
    RequestSerializer,
    RequestSummarySerializer,
    comment_page,
    link,
    request_shown,
)
from tickets.calls import visible_ticket
from tickets.forms import CommentForm
from tickets.lists import beyond, read_cursor, write_cursor
from tickets.models import Ticket
from tickets.models.ticket import Channel
from tickets.querysets import STATES, TicketQuerySet

PAGE, LONGEST_PAGE = 20, 100
SCOPES = ("mine", "organisation", "shared", "desk")


class NewCommentForm(CommentForm):
    """Words for the other side or, by staff, for colleagues only."""

    is_internal = forms.BooleanField(label=gettext_lazy("Note that only the desk's staff reads"), required=False)


# ---- lists ----


def in_scope(person: Person, scope: str, organisation: str | None) -> TicketQuerySet:
    """One of the parts of `visible_to` that have an index. Raises a Problem that names the parameter."""
    if organisation is not None and scope != "organisation":
        raise wrong_parameters({"organisation": _("This goes with scope=organisation only.")})
    match scope:
        case "mine":
            return Ticket.objects.asked_by(person)
        case "shared":
            return Ticket.objects.shared_with(person)
        case "organisation":
            return of_organisation(person, organisation_of(person, organisation))
        case "desk" if person.is_staff:
            return Ticket.objects.visible_to(person)
    raise wrong_parameters({"scope": _("Choose one of these: %(choices)s.") % {"choices": ", ".join(scopes(person))}})


def of_organisation(person: Person, organisation: Organisation) -> TicketQuerySet:
    if person.is_staff:
        return Ticket.objects.visible_to(person).filter(organisation=organisation)
    return Ticket.objects.of_organisation(organisation, actor=person)


def scopes(person: Person) -> tuple[str, ...]:
    return SCOPES if person.is_staff else SCOPES[:-1]


def organisation_of(person: Person, wanted: str | None) -> Organisation:
    """The one that is named, or the only one. Foreign and absent are told alike."""
    if wanted is None and len(person.represents) == 1:
        only: Organisation = person.represents[0].organisation
        return only
    if wanted is None:
        raise wrong_parameters({"organisation": _("Say which organisation: organisation=…")})
    found = Organisation.objects.visible_to(person).filter(pk=row_number(wanted)).first()
    if found is None:
        raise wrong_parameters({"organisation": _("There is no such organisation, or you do not represent it.")})
    return found


def in_state(tickets: TicketQuerySet, state: str) -> TicketQuerySet:
    if state not in STATES:
        raise wrong_parameters({"state": _("Choose one of these: %(choices)s.") % {"choices": ", ".join(STATES)}})
    return tickets.in_state(state)


def length_of(text: str) -> int:
    number = row_number(text)
    if not 1 <= number <= LONGEST_PAGE:
        raise wrong_parameters({"limit": _("A page has 1 to %(most)d rows.") % {"most": LONGEST_PAGE}})
    return number


class RequestsView(Endpoint):
    """Requests: the list, and filing a new one."""

    tag = "requests"

    parameters = frozenset({"scope", "organisation", "state", "after", "limit"})

    @extend_schema(
        operation_id="requests_list",
        summary="List requests",
        description="Those with the newest activity first. Go on with the address in `next` until it is null.",
        parameters=[
            OpenApiParameter(
                "scope",
                str,
                enum=SCOPES,
                description="`mine`: what you asked for, unless you are staff the default. `organisation`: all of an "
                "organisation that you represent. `shared`: what you were invited to. `desk`: all of the desk, the "
                "default for its staff and only for them.",
            ),
            OpenApiParameter(
                "organisation",
                {"type": "integer", "minimum": 1},
                description="With scope=organisation: which one. Not needed by who represents one only.",
            ),
            OpenApiParameter(
                "state",
                str,
                enum=STATES,
                default="open",
                description="`open`: not ended. `waiting`: for the customer. `closed`: closed, rejected, cancelled.",
            ),
            OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": LONGEST_PAGE}, default=PAGE),
            OpenApiParameter("after", {"type": "string", "minLength": 1}, description="From the address in `next`."),
        ],
        responses=answers({200: RequestPageSerializer}, example=examples.REQUEST_PAGE),
    )
    def get(self, request: Request) -> Response:
        asked = request.query_params
        scope = asked.get("scope", "desk" if self.person.is_staff else "mine")
        tickets = in_state(in_scope(self.person, scope, asked.get("organisation")), asked.get("state", "open"))
        length = length_of(asked.get("limit", str(PAGE)))
        if "after" in asked:
            place = read_cursor(asked["after"])
            if place is None:
                raise wrong_parameters({"after": _("This is no place in the list. Use the address in “next”.")})
            tickets = beyond(tickets, *place)
        rows = list(tickets.for_lists().newest_first()[: length + 1])
        following = self.next_page(rows[length - 1]) if len(rows) > length else None
        listed = RequestSummarySerializer(rows[:length], many=True, context={"desk": self.desk}).data
        return Response({"results": listed, "next": following})

    def next_page(self, last: Ticket) -> str:
        asked = {name: self.request.query_params[name] for name in self.request.query_params}
        return link(self.desk, "api:requests", **{**asked, "after": write_cursor(last.last_activity_at, last.pk)})

    @extend_schema(
        operation_id="requests_create",
        summary="File a request",
        description="For yourself, or on behalf of a colleague of the same organisation. The applicant gets the same "
        "confirmation as by the portal. `organisation` is needed when you represent several. Which other fields the "
        "type has, and which it needs, `/request-types/{id}/` says.",
        parameters=[IDEMPOTENCY_KEY],
        request={JSON: new_request_schema()},
        examples=NEW_REQUEST_EXAMPLES,
        responses=answers({201: RequestSerializer}, *CHANGES, example=examples.REQUEST),
    )
    @once
    def post(self, request: Request) -> Response:
        ticket = file_request(self.desk, self.body)
        return created(request_shown(visible_ticket(self.person, ticket.reference), self.desk))


# ---- one request ----


class RequestView(Endpoint):
    """One request."""

    tag = "requests"

    @extend_schema(
        operation_id="requests_read",
        summary="Read a request",
        parameters=[REFERENCE],
        responses=answers({200: RequestSerializer}, example=examples.REQUEST),
    )
    def get(self, request: Request, reference: str) -> Response:
        return Response(request_shown(visible_ticket(self.person, reference), self.desk))


class CommentsView(Endpoint):
    """The conversation on a request."""

    tag = "requests"
    parameters = frozenset({"before"})

    @extend_schema(
        operation_id="comments_list",
        summary="Read the comments of a request",
        description="The newest first, twenty at a time. Notes of the desk's staff are for the staff.",
        parameters=[
            REFERENCE,
            OpenApiParameter("before", {"type": "integer", "minimum": 1}, description="From the address in `next`."),
        ],
        responses=answers({200: CommentPageSerializer}, example=examples.COMMENT_PAGE),
    )
    def get(self, request: Request, reference: str) -> Response:
        ticket = visible_ticket(self.person, reference)
        before = request.query_params.get("before")
        if before is not None and not row_number(before):
            raise wrong_parameters({"before": _("This is no place in the list. Use the address in “next”.")})
        return Response(comment_page(ticket, self.desk, before=row_number(before) if before else None))

    @extend_schema(
        operation_id="comments_create",
        summary="Write a comment",
        description="A customer's comment on what waits for them gives it back to the provider: the status becomes "
        "`reopened`. On a request that waits for its invoice it holds the invoice back.",
        parameters=[REFERENCE, IDEMPOTENCY_KEY],
        request={JSON: body_schema(NewCommentForm)},
        examples=[OpenApiExample("A comment", {"text": "It happens with the second printer, too."}, request_only=True)],
        responses=answers({201: CommentSerializer}, *CHANGES, example=examples.COMMENT),
    )
    @once
    def post(self, request: Request, reference: str) -> Response:
        ticket = visible_ticket(self.person, reference)
        form = NewCommentForm(person=self.person)
        fill(form, self.body)
        comment = actions.comment(
            ticket,
            by=self.person,
            text=form.cleaned_data["text"],
            is_internal=form.cleaned_data["is_internal"],
            channel=Channel.API,
        )
        return created(CommentSerializer(comment).data)
