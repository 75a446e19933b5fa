"""The ticket: what customers call a request."""

from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Component, Contract, Organisation, Person, Product, Representation
from accounts.models.people import may_answer
from accounts.tenancy.models import TenantForeignKey, TenantManager, TenantModel
from tickets.models.catalogue import RequestType
from tickets.querysets import TicketQuerySet
from tickets.workflow import ALIVE, ENDED, Status, TicketWorkflow, WaitingFor


class Channel(models.TextChoices):
    PORTAL = "portal", _("portal")
    EMAIL = "email", _("e-mail")
    PHONE = "phone", _("telephone")
    IN_PERSON = "in_person", _("in person")
    API = "api", _("program")


class Priority(models.IntegerChoices):
    LOW = 1, _("low")
    NORMAL = 2, _("normal")
    HIGH = 3, _("high")
    URGENT = 4, _("urgent")


class Kind(models.TextChoices):
    """Of a request, where a desk distinguishes them (K10)."""

    CONSULTATION = "consultation", _("consultation")
    ERROR = "error", _("error")
    ENHANCEMENT = "enhancement", _("enhancement")
    CONFIGURATION = "configuration", _("configuration")


class Ticket(TicketWorkflow, TenantModel):
    """A request and everything by which it is traced."""

    # 'DESK-38', and the number in it for sorting.
    reference = models.CharField(_("reference"), max_length=24, editable=False)
    number = models.BigIntegerField(editable=False)
    request_type = TenantForeignKey(
        RequestType, models.PROTECT, null=True, blank=True, related_name="tickets", verbose_name=_("request type")
    )
    # Empty until somebody says which organisation an e-mail from outside belongs to (B6).
    organisation = TenantForeignKey(
        Organisation, models.PROTECT, null=True, blank=True, related_name="tickets", verbose_name=_("organisation")
    )
    requester = TenantForeignKey(Person, models.PROTECT, related_name="requested", verbose_name=_("requested by"))
    assignee = TenantForeignKey(
        Person,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="assigned",
        limit_choices_to=may_answer,
        verbose_name=_("assigned to"),
    )
    recorded_by = TenantForeignKey(Person, models.PROTECT, null=True, related_name="+", verbose_name=_("recorded by"))
    channel = models.CharField(_("channel"), max_length=10, choices=Channel, default=Channel.PORTAL)
    priority = models.PositiveSmallIntegerField(_("priority"), choices=Priority, default=Priority.NORMAL)
    subject = models.CharField(_("summary"), max_length=200)
    description = models.TextField(_("description"), max_length=100_000, blank=True)
    # What the e-mail repeated of earlier ones, and its signature: folded on the page, never thrown away.
    quoted = models.TextField(blank=True, default="", editable=False)
    due_date = models.DateField(_("due date"), null=True, blank=True)
    expected_minutes = models.PositiveIntegerField(_("expected minutes"), null=True)
    # Under which of the organisation's contracts the work is done; empty: under none.
    contract = TenantForeignKey(
        Contract, models.PROTECT, null=True, blank=True, related_name="tickets", verbose_name=_("contract")
    )
    product = TenantForeignKey(
        Product, models.PROTECT, null=True, blank=True, related_name="tickets", verbose_name=_("product")
    )
    component = TenantForeignKey(
        Component, models.SET_NULL, null=True, blank=True, related_name="tickets", verbose_name=_("component")
    )
    kind = models.CharField(_("kind"), max_length=13, choices=Kind, blank=True, default="")
    # What the product's About box says, or how its server is set up (K13).
    system_information = models.TextField(_("system information"), max_length=20_000, blank=True, default="")
    # The customer's own words for their books; they come back on the estimate and the invoice.
    order_number = models.CharField(_("your order number"), max_length=60, blank=True)
    cost_centre = models.CharField(_("cost centre"), max_length=60, blank=True)

    # False: it came by e-mail and nothing proves that the requester wrote it.
    is_verified = models.BooleanField(default=True, editable=False)
    # The form's own number: a form sent twice is one request.
    submission = models.UUIDField(null=True, editable=False)

    created_at = models.DateTimeField(_("created"), default=timezone.now)
    last_activity_at = models.DateTimeField(_("last activity"), default=timezone.now)
    # Its place in the agents' queue. A customer's order exchanges these among that customer's requests and no others,
    # so that nobody is overtaken by another organisation's wishes (A6).
    queue_at = models.DateTimeField(default=timezone.now, editable=False)
    # Which one it was when the organisation last set its order; empty: since then it came, came back, or ended.
    handling_rank = models.PositiveIntegerField(null=True, editable=False)
    delivered_at = models.DateTimeField(_("delivered"), null=True)
    # The end of what the customer is given time for, in the states that wait for them: midnight after the last day.
    period_ends_at = models.DateTimeField(_("period ends"), null=True)
    # How many reminders went out in this period.
    reminders_sent = models.PositiveSmallIntegerField(default=0)
    # The day for which the rollout is planned (B17).
    deploy_on = models.DateField(_("planned rollout"), null=True)
    # A customer wrote and nobody at the desk has answered or acted since.
    unread_since = models.DateTimeField(null=True)
    # The customer asked to cancel work that has begun.
    cancel_asked_at = models.DateTimeField(null=True)
    # When a clock has to look at this ticket again; empty costs no clock anything.
    clock_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(_("accepted"), null=True)
    closed_at = models.DateTimeField(_("closed"), null=True)
    # What invoices have charged before: after a reopening only the rest is due.
    billed_minutes = models.PositiveIntegerField(default=0)
    billed_fixed = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    merged_into = TenantForeignKey(
        "self", models.PROTECT, null=True, related_name="merged", verbose_name=_("merged into")
    )
    # The request that this one goes on from, when that was closed too long ago to be reopened.
    follows = TenantForeignKey("self", models.PROTECT, null=True, related_name="followed_by", verbose_name=_("follows"))
    # An objection came in while it waited for its invoice: a held line is never issued.
    is_held = models.BooleanField(_("held back"), default=False)

    # Set on a row that was read for update in the transaction that works on it now (tickets.actions.base).
    is_locked = False

    objects = TenantManager.from_queryset(TicketQuerySet)()

    class Meta:
        verbose_name = _("ticket")
        verbose_name_plural = _("tickets")
        base_manager_name = "tenant_rows"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "reference"], name="tickets_ticket_reference"),
            models.UniqueConstraint(
                fields=["tenant", "submission"],
                condition=models.Q(submission__isnull=False),
                name="tickets_ticket_submission",
            ),
            # What no code path may get wrong, whoever writes the column.
            models.CheckConstraint(condition=models.Q(status__in=Status.values), name="tickets_ticket_status"),
            models.CheckConstraint(
                condition=(
                    models.Q(status=Status.WAITING, waiting_for__in=WaitingFor.values)
                    | (~models.Q(status=Status.WAITING) & models.Q(waiting_for=""))
                ),
                name="tickets_ticket_waiting_for",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "requester", "-last_activity_at", "-id"], name="tickets_mine"),
            models.Index(fields=["tenant", "organisation", "-last_activity_at", "-id"], name="tickets_organisations"),
            models.Index(fields=["tenant", "-last_activity_at", "-id"], name="tickets_newest"),
            models.Index(
                fields=["tenant", "-last_activity_at", "-id"],
                condition=models.Q(status__in=[status.value for status in ALIVE]),
                name="tickets_alive",
            ),
            models.Index(
                fields=["tenant", "requester", "-last_activity_at", "-id"],
                include=["status"],  # the list's counts read nothing else
                condition=models.Q(status__in=[status.value for status in ALIVE]),
                name="tickets_alive_requester",
            ),
            models.Index(
                fields=["tenant", "organisation", "-last_activity_at", "-id"],
                include=["status"],
                condition=models.Q(status__in=[status.value for status in ALIVE]),
                name="tickets_alive_organisation",
            ),
            models.Index(
                fields=["tenant", "assignee", "-last_activity_at", "-id"],
                condition=models.Q(status__in=[status.value for status in ALIVE]),
                name="tickets_alive_assignee",
            ),
            # IS NULL gives the index above no order; without this one all unassigned tickets are sorted for fifty.
            models.Index(
                fields=["tenant", "-last_activity_at", "-id"],
                condition=models.Q(assignee__isnull=True, status__in=[status.value for status in ALIVE]),
                name="tickets_unassigned",
            ),
            models.Index(
                fields=["tenant", "status", "-last_activity_at", "-id"],
                condition=models.Q(status__in=[status.value for status in ALIVE]),
                name="tickets_alive_status",
            ),
            # Few tickets have one of these, and every list pays for each index that its planning looks at.
            models.Index(
                fields=["tenant", "contract"], condition=models.Q(contract__isnull=False), name="tickets_contract"
            ),
            models.Index(
                fields=["tenant", "product"], condition=models.Q(product__isnull=False), name="tickets_product"
            ),
            models.Index(
                fields=["tenant", "component"], condition=models.Q(component__isnull=False), name="tickets_component"
            ),
            models.Index(
                fields=["tenant", "merged_into"], condition=models.Q(merged_into__isnull=False), name="tickets_merged"
            ),
            models.Index(
                fields=["tenant", "follows"], condition=models.Q(follows__isnull=False), name="tickets_follows"
            ),
            # In the order in which they are to be handled.
            models.Index(
                fields=["tenant", "queue_at", "id"],
                condition=models.Q(status__in=[status.value for status in ALIVE]),
                name="tickets_queue",
            ),
            models.Index(
                fields=["tenant", "organisation", "handling_rank"],
                condition=models.Q(handling_rank__isnull=False),
                name="tickets_ranked",
            ),
            # In the order of their filing, for lists of ended ones too.
            models.Index(fields=["tenant", "requester", "-id"], name="tickets_mine_by_filing"),
            models.Index(fields=["tenant", "organisation", "-id"], name="tickets_organisation_by_filing"),
            models.Index(
                fields=["tenant", "clock_at"], condition=models.Q(clock_at__isnull=False), name="tickets_clock"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reference} {self.subject}"

    @cached_property
    def company(self) -> "list[Company]":
        """Whom something binds to this ticket besides the request itself; read once per verb."""
        read_company([self])
        return self.company

    @property
    def guests(self) -> list[Person]:
        """Who was invited."""
        return [one.person for one in self.company if one.is_guest]

    @cached_property
    def speakers(self) -> list[Person]:
        """Whose words count for the customer, by name: the requester, and who asks for the organisation. Read once."""
        asks = Representation.objects.filter(
            organisation_id=self.organisation_id, may_ask=True, person__is_active=True
        ).select_related("person")
        people = {row.person_id: row.person for row in asks} if self.organisation_id else {}
        if self.requester.is_active:
            people[self.requester_id] = self.requester
        return sorted(people.values(), key=lambda person: person.name)

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED

    @property
    def is_complete(self) -> bool:
        """Has what work needs: a requester with a name, an organisation, words (B6)."""
        return bool(self.requester.name and self.organisation_id and self.subject)


class Participant(TenantModel):
    """Somebody invited to one ticket: reads it and comments on it, and decides nothing."""

    ticket = TenantForeignKey(Ticket, models.CASCADE, related_name="participants")
    person = TenantForeignKey(Person, models.CASCADE, related_name="participations")
    added_by = TenantForeignKey(Person, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("participant")
        verbose_name_plural = _("participants")
        constraints = [models.UniqueConstraint(fields=["tenant", "ticket", "person"], name="tickets_participant_once")]

    def __str__(self) -> str:
        return str(self.person)


class Attention(TenantModel):
    """How closely somebody follows one ticket, where they said so themselves. No row: as everybody concerned."""

    class Choice(models.TextChoices):
        FOLLOWED = "followed", _("followed")
        MUTED = "muted", _("muted")

    ticket = TenantForeignKey(Ticket, models.CASCADE, related_name="attentions")
    person = TenantForeignKey(Person, models.CASCADE, related_name="attentions")
    choice = models.CharField(max_length=8, choices=Choice)

    class Meta:
        verbose_name = _("attention")
        verbose_name_plural = _("attentions")
        constraints = [models.UniqueConstraint(fields=["tenant", "ticket", "person"], name="tickets_attention_once")]

    def __str__(self) -> str:
        return f"{self.person}: {self.choice}"


class Company(NamedTuple):
    """Somebody invited to a ticket, or somebody who said how closely they follow it."""

    person: Person
    is_guest: bool
    # Attention.Choice of who chose; empty for a guest.
    choice: str


def read_company(tickets: Iterable[Ticket]) -> None:
    """Of each of the tickets, in one query for all, and another one where there is anybody."""
    by_id = {ticket.pk: ticket for ticket in tickets}
    for ticket in by_id.values():
        ticket.company = []
    guests = Participant.objects.filter(ticket__in=list(by_id)).values_list(
        models.Value(True), "id", "ticket_id", "person_id", models.Value("")
    )
    followers = Attention.objects.filter(ticket__in=list(by_id)).values_list(
        models.Value(False), "id", "ticket_id", "person_id", "choice"
    )
    rows = sorted(guests.union(followers, all=True))
    people = Person.objects.in_bulk({row[3] for row in rows}) if rows else {}
    for is_guest, _id, ticket_id, person_id, choice in rows:
        by_id[ticket_id].company.append(Company(people[person_id], is_guest, choice))
