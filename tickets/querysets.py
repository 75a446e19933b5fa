"""Reading tickets. Every list starts at `visible_to`, and every filter below has its index."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from accounts.models import Organisation, Person
from tickets.workflow import ALIVE, ENDED, UNFINISHED, WITH_CUSTOMER, Status

if TYPE_CHECKING:
    # Ruff does not see that the quoted names of the base classes are these.
    from tickets.models.conversation import Comment  # noqa: F401
    from tickets.models.ticket import Ticket  # noqa: F401


# What lists are filtered by.
STATES = ("open", "waiting", "closed", "all")


class TicketQuerySet(models.QuerySet["Ticket"]):
    def visible_to(self, actor: Person) -> "TicketQuerySet":
        """Staff see the desk's tickets; a customer their own, those of the organisations they represent, and those
        to which they were invited."""
        if not actor.is_active:
            return self.none()
        if actor.is_staff:
            return self
        return self.filter(_own(actor) | Q(pk__in=actor.participations.values("ticket_id")))

    def visible_uninvited(self, actor: Person) -> "TicketQuerySet":
        """What of `visible_to` somebody sees without an invitation. Asking for less takes half the time of asking for
        one ticket, and few who open one were invited to it."""
        if not actor.is_active or actor.is_staff:
            return self.visible_to(actor)
        return self.filter(_own(actor))

    # The two halves of `visible_to` for a customer, each by itself: an OR hides from the planner how long a list is,
    # and it then sorts all of it instead of walking the index that has the order.

    def asked_by(self, actor: Person) -> "TicketQuerySet":
        """What somebody asked for themselves."""
        return self.filter(requester=actor) if actor.is_active else self.none()

    def of_organisation(self, organisation: Organisation, *, actor: Person) -> "TicketQuerySet":
        """An organisation's tickets, for who represents it; nothing for anybody else."""
        represented = actor.is_active and organisation.pk in actor.organisation_ids
        return self.filter(organisation=organisation) if represented else self.none()

    def shared_with(self, actor: Person) -> "TicketQuerySet":
        """To which somebody was invited (A10)."""
        return self.filter(participants__person=actor) if actor.is_active else self.none()

    def of(self, person: Person) -> "TicketQuerySet":
        return self.filter(requester=person)

    def alive(self) -> "TicketQuerySet":
        return self.filter(status__in=ALIVE)

    def unfinished(self) -> "TicketQuerySet":
        """Alive and not yet accepted: what can be ordered (A6), given up or merged."""
        return self.filter(status__in=UNFINISHED)

    def ended(self) -> "TicketQuerySet":
        return self.filter(status__in=ENDED)

    def with_customer(self) -> "TicketQuerySet":
        return self.filter(status__in=WITH_CUSTOMER)

    def estimated_for(self, organisations: list[int]) -> "TicketQuerySet":
        """Whose estimate waits for the approvers of these organisations."""
        return self.filter(organisation_id__in=organisations, status=Status.ESTIMATED).alive()

    def in_state(self, state: str) -> "TicketQuerySet":
        """One of STATES."""
        return {"open": self.alive, "waiting": self.with_customer, "closed": self.ended, "all": self.all}[state]()

    def with_provider(self) -> "TicketQuerySet":
        return self.filter(status__in=[status for status in ALIVE if status not in WITH_CUSTOMER])

    def to_invoice(self) -> "TicketQuerySet":
        """Accepted and not held back by an objection."""
        return self.filter(status=Status.INVOICE, is_held=False)

    def newest_first(self) -> "TicketQuerySet":
        return self.order_by("-last_activity_at", "-id")

    def queued(self) -> "TicketQuerySet":
        """In the order in which they are to be handled, whoever's they are."""
        return self.order_by("queue_at", "id")

    def as_ordered(self) -> "TicketQuerySet":
        """One organisation's in its own order; what came since it was set stands last."""
        return self.order_by(F("handling_rank").asc(nulls_last=True), "queue_at", "id")

    def whole(self) -> "TicketQuerySet":
        """With what verbs and pages look at, so that none of them reads a row by itself."""
        return self.select_related(
            "tenant",
            "requester",
            "organisation",
            "assignee",
            "recorded_by",
            "request_type",
            "contract",
        )

    def for_lists(self) -> "TicketQuerySet":
        """With what a row of a list shows, in one query whatever the number of rows."""
        return self.select_related("request_type", "organisation", "requester", "assignee")


def _own(actor: Person) -> Q:
    return Q(requester=actor) | Q(organisation_id__in=actor.organisation_ids)


class CommentQuerySet(models.QuerySet["Comment"]):
    def visible_to(self, actor: Person) -> "CommentQuerySet":
        """Internal notes are for staff. Whether the ticket itself may be read was asked at its own door."""
        return self if actor.is_staff else self.filter(is_internal=False)
