"""What programs read of requests: the shapes, and how they are filled in a fixed number of queries."""

from typing import Any

from django.db.models import Prefetch, prefetch_related_objects
from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.schema import MoneySerializer, NamedSerializer, money
from accounts.http import PersonRequest
from tickets.asked import answers_of, asked_of
from tickets.models import Attachment, Comment, Estimate, EstimateLine, EstimateState, RequestType, Ticket
from tickets.models.ticket import Channel
from tickets.pages import neighbours
from tickets.verbs import Verb, available
from tickets.workflow import Status, WaitingFor, turn_of

COMMENTS = 20
TURNS = ("customer", "provider", "nobody")
STYLES = [("main", "what is asked for now"), ("quiet", "possible"), ("grave", "gives up or undoes")]
# The versions of an estimate that still mean something: what can be accepted, and what was.
COUNTING = (EstimateState.OPEN, EstimateState.CHANGES_REQUESTED, EstimateState.ACCEPTED)


def reference_of(ticket: Ticket | None) -> str | None:
    return ticket.reference if ticket else None


def link(desk: PersonRequest, name: str, *args: Any, **query: str) -> str:
    """A whole address: by the desk's own host, never by what a call says it is."""
    return desk.host.address + reverse(name, args=args, query=query or None)


# ---- shapes ----


class FileSerializer(serializers.Serializer[Any]):
    """A file, as it is called. Files themselves are not in the API yet: read them in the portal."""

    name = serializers.CharField()
    size = serializers.IntegerField(help_text="Bytes.")
    content_type = serializers.CharField(help_text="Judged from the content.")


class AuthorSerializer(NamedSerializer):
    """Who wrote it."""

    is_staff = serializers.BooleanField(help_text="Works at the desk.")


class CommentSerializer(serializers.Serializer[Any]):
    """Words on a request."""

    id = serializers.IntegerField()
    author = AuthorSerializer()
    text = serializers.CharField()
    quoted = serializers.CharField(help_text="What an e-mail repeated of earlier ones.")
    is_internal = serializers.BooleanField(help_text="A note that only the desk's staff reads.")
    is_verified = serializers.BooleanField(help_text="False: came by e-mail, and nothing proves who wrote it.")
    channel = serializers.ChoiceField(Channel.choices)
    created_at = serializers.DateTimeField()
    files = serializers.SerializerMethodField()

    @extend_schema_field(FileSerializer(many=True))
    def get_files(self, comment: Comment) -> Any:
        return FileSerializer([row.file for row in comment.attachments.all()], many=True).data


class EstimateLineSerializer(serializers.Serializer[Any]):
    """Hours at a price, or something at a fixed price."""

    description = serializers.CharField()
    kind = serializers.ChoiceField(EstimateLine.Kind.choices)
    minutes = serializers.IntegerField(allow_null=True, help_text="Of an hourly line.")
    unit_price = serializers.SerializerMethodField(help_text="Of an hour, or of the whole line.")
    vat_rate = serializers.CharField(help_text="Per cent, like 21.00.")
    net = serializers.SerializerMethodField(help_text="Without VAT.")

    @extend_schema_field(MoneySerializer)
    def get_unit_price(self, line: EstimateLine) -> dict[str, str]:
        return money(line.unit_price, line.estimate.currency)

    @extend_schema_field(MoneySerializer)
    def get_net(self, line: EstimateLine) -> dict[str, str]:
        return money(line.net, line.estimate.currency)


class EstimateSerializer(serializers.Serializer[Any]):
    """One version of an estimate."""

    version = serializers.IntegerField(help_text="Send it when you accept, so that no newer one is accepted unread.")
    state = serializers.ChoiceField(EstimateState.choices)
    lines = EstimateLineSerializer(many=True)
    minutes = serializers.IntegerField(help_text="The sum of its hourly lines.")
    net = serializers.SerializerMethodField(help_text="Without VAT: what an approver's limit is compared with.")
    vat = serializers.SerializerMethodField()
    total = serializers.SerializerMethodField()
    due_on = serializers.DateField(help_text="When the work will be done.")
    valid_until = serializers.DateField(help_text="The last day on which it can be accepted.")
    note = serializers.CharField()
    terms = serializers.CharField()
    zero_reason = serializers.CharField(help_text="Why it costs nothing, when it does.")
    sent_by = NamedSerializer()
    sent_at = serializers.DateTimeField()
    decided_at = serializers.DateTimeField(allow_null=True)

    @extend_schema_field(MoneySerializer)
    def get_net(self, estimate: Estimate) -> dict[str, str]:
        return money(estimate.net_total, estimate.currency)

    @extend_schema_field(MoneySerializer)
    def get_vat(self, estimate: Estimate) -> dict[str, str]:
        return money(estimate.vat_total, estimate.currency)

    @extend_schema_field(MoneySerializer)
    def get_total(self, estimate: Estimate) -> dict[str, str]:
        return money(estimate.total, estimate.currency)


class AnswerSerializer(serializers.Serializer[Any]):
    """A question of the type's form, and its answer."""

    label = serializers.CharField()  # type: ignore[assignment]
    value = serializers.CharField()


class VerbSummarySerializer(serializers.Serializer[Any]):
    """Something that you can do with the request now."""

    name = serializers.CharField()
    label = serializers.CharField(help_text="As a button would say it.")  # type: ignore[assignment]
    consequence = serializers.CharField(help_text="What happens then.")
    style = serializers.ChoiceField(STYLES)  # type: ignore[assignment]
    url = serializers.SerializerMethodField(help_text="Where to POST it.")

    @extend_schema_field(serializers.URLField)
    def get_url(self, verb: Verb) -> str:
        return link(self.context["desk"], "api:verb", self.context["reference"], verb.name)


class RequestSummarySerializer(serializers.Serializer[Any]):
    """A request, as a list shows it."""

    reference = serializers.CharField(help_text="Like DESK-38.")
    url = serializers.SerializerMethodField()
    web_url = serializers.SerializerMethodField(help_text="Its page in the portal.")
    subject = serializers.CharField()
    status = serializers.ChoiceField(Status.choices)
    status_label = serializers.CharField(source="get_status_display", help_text="In the person's language.")
    waiting_for = serializers.SerializerMethodField(
        help_text="In waiting_for_customer: an answer to a question, or the review of a solution."
    )
    turn = serializers.SerializerMethodField(help_text="Whose turn it is.")
    request_type = NamedSerializer(allow_null=True)
    organisation = NamedSerializer(allow_null=True)
    requester = NamedSerializer()
    assignee = NamedSerializer(allow_null=True)
    due_date = serializers.DateField(allow_null=True)
    created_at = serializers.DateTimeField()
    last_activity_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)

    @extend_schema_field(serializers.URLField)
    def get_url(self, ticket: Ticket) -> str:
        return link(self.context["desk"], "api:request", ticket.reference)

    @extend_schema_field(serializers.URLField)
    def get_web_url(self, ticket: Ticket) -> str:
        return link(self.context["desk"], "request", ticket.reference)

    @extend_schema_field({"oneOf": [{"type": "string", "enum": WaitingFor.values}, {"type": "null"}]})
    def get_waiting_for(self, ticket: Ticket) -> str | None:
        return ticket.waiting_for or None

    @extend_schema_field(serializers.ChoiceField(TURNS))
    def get_turn(self, ticket: Ticket) -> str:
        return turn_of(ticket.status)


class CommentPageSerializer(serializers.Serializer[Any]):
    """Comments, the newest first."""

    results = CommentSerializer(many=True)
    next = serializers.URLField(allow_null=True, help_text="Earlier ones; null at the end.")


class RequestPageSerializer(serializers.Serializer[Any]):
    """Requests, those with the newest activity first."""

    results = RequestSummarySerializer(many=True)
    next = serializers.URLField(allow_null=True, help_text="The page after this one; null at the end.")


class RequestSerializer(RequestSummarySerializer):
    """A request with all that you may see of it."""

    description = serializers.CharField()
    channel = serializers.ChoiceField(Channel.choices)
    is_verified = serializers.BooleanField(help_text="False: came by e-mail, and nothing proves who wrote it.")
    order_number = serializers.CharField(help_text="The customer's own; it comes back on the invoice.")
    cost_centre = serializers.CharField()
    delivered_at = serializers.DateTimeField(allow_null=True)
    accepted_at = serializers.DateTimeField(allow_null=True)
    period_ends_at = serializers.DateTimeField(
        allow_null=True,
        help_text="When the customer's time ends: a solution counts as accepted then, an estimate expires.",
    )
    deploy_on = serializers.DateField(allow_null=True, help_text="The day for which the rollout is planned.")
    recorded_by = NamedSerializer(allow_null=True, help_text="Who filed it; null when it came by e-mail.")
    answers = serializers.SerializerMethodField(
        help_text="What the fields of its type were answered, as people read it."
    )
    participants = serializers.SerializerMethodField(help_text="Who was invited.")
    merged_into = serializers.SerializerMethodField(help_text="The request in which this one goes on.")
    follows = serializers.SerializerMethodField(help_text="The request that this one goes on from.")
    files = serializers.SerializerMethodField(help_text="Files that came with the request itself.")
    estimates = serializers.SerializerMethodField(
        help_text="The versions that count: what can be accepted, and what was. The newest first."
    )
    comments = serializers.SerializerMethodField(help_text="The first page of its comments.")
    verbs = serializers.SerializerMethodField(help_text="What you can do now.")

    @extend_schema_field(AnswerSerializer(many=True))
    def get_answers(self, ticket: Ticket) -> Any:
        return AnswerSerializer(asked_of(ticket, answers_of(ticket)), many=True).data

    @extend_schema_field(NamedSerializer(many=True))
    def get_participants(self, ticket: Ticket) -> Any:
        return NamedSerializer(ticket.guests, many=True).data

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_merged_into(self, ticket: Ticket) -> str | None:
        return reference_of(self.context["neighbours"]["merged_into"])

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_follows(self, ticket: Ticket) -> str | None:
        return reference_of(self.context["neighbours"]["follows"])

    @extend_schema_field(FileSerializer(many=True))
    def get_files(self, ticket: Ticket) -> Any:
        rows = Attachment.objects.filter(ticket=ticket, comment=None).select_related("file").order_by("id")
        return FileSerializer([row.file for row in rows], many=True).data

    @extend_schema_field(EstimateSerializer(many=True))
    def get_estimates(self, ticket: Ticket) -> Any:
        return EstimateSerializer(counting_estimates(ticket), many=True).data

    @extend_schema_field(CommentPageSerializer)
    def get_comments(self, ticket: Ticket) -> Any:
        return comment_page(ticket, self.context["desk"])

    @extend_schema_field(VerbSummarySerializer(many=True))
    def get_verbs(self, ticket: Ticket) -> Any:
        context = {**self.context, "reference": ticket.reference}
        return VerbSummarySerializer(available(ticket, self.context["desk"].person), many=True, context=context).data


class TopicSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()


class RequestTypeSerializer(serializers.Serializer[Any]):
    """Something that can be asked for."""

    id = serializers.IntegerField(help_text="`request_type` of a new request.")
    name = serializers.CharField()
    sentence = serializers.CharField(help_text="With an example.")
    topic = TopicSerializer(source="group")


class RequestTypeListSerializer(serializers.Serializer[Any]):
    """All that can be asked for, topic by topic."""

    results = RequestTypeSerializer(many=True)


# ---- filling them ----


def counting_estimates(ticket: Ticket) -> list[Estimate]:
    if not ticket.tenant.billing_enabled:
        return []
    versions = list(Estimate.objects.filter(ticket=ticket).select_related("sent_by").order_by("-version"))
    # Where changes were asked for, the version can be accepted still, until the next one is there.
    counting = [
        row
        for number, row in enumerate(versions)
        if row.state in COUNTING and not (number and row.state == EstimateState.CHANGES_REQUESTED)
    ]
    lines = EstimateLine.objects.select_related("estimate").order_by("position")
    prefetch_related_objects(counting, Prefetch("lines", lines))
    return counting


def comment_page(ticket: Ticket, desk: PersonRequest, *, before: int | None = None) -> dict[str, Any]:
    comments = Comment.objects.visible_to(desk.person).filter(ticket=ticket).select_related("author")
    if before is not None:
        comments = comments.filter(pk__lt=before)
    files = Attachment.objects.select_related("file").order_by("id")
    rows = list(comments.prefetch_related(Prefetch("attachments", files)).order_by("-id")[: COMMENTS + 1])
    more = len(rows) > COMMENTS
    following = link(desk, "api:comments", ticket.reference, before=str(rows[COMMENTS - 1].pk)) if more else None
    return {"results": CommentSerializer(rows[:COMMENTS], many=True).data, "next": following}


def request_shown(ticket: Ticket, desk: PersonRequest) -> dict[str, Any]:
    return dict(RequestSerializer(ticket, context={"desk": desk, "neighbours": neighbours(ticket, desk.person)}).data)


def offered_types() -> list[RequestType]:
    """In the order of the catalogue."""
    return list(RequestType.objects.offered().select_related("group").order_by("group__position", "group", "position"))
