"""The whole life of a ticket on one page. Transitions only change state; `actions` asks, records and tells."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django_fsm import RETURN_VALUE, FSMField, transition


class Status(models.TextChoices):
    OPEN = "open", pgettext_lazy("status", "Open")
    IN_PROGRESS = "in_progress", _("In progress")
    ESTIMATED = "estimated", _("Estimated")
    ESTIMATE_ACCEPTED = "estimate_accepted", _("Estimate accepted")
    WAITING = "waiting_for_customer", _("Waiting for customer")
    REOPENED = "reopened", _("Reopened")
    READY_TO_DEPLOY = "ready_to_deploy", _("Ready to deploy")
    INVOICE = "invoice", pgettext_lazy("status", "Invoice")
    CLOSED = "closed", pgettext_lazy("status", "Closed")
    REJECTED = "rejected", _("Rejected")
    CANCELLED = "cancelled", _("Cancelled")


class WaitingFor(models.TextChoices):
    """What the customer is asked for in WAITING FOR CUSTOMER, and in no other state."""

    INFORMATION = "information", _("information")
    REVIEW = "review", _("review of the solution")


ENDED = (Status.CLOSED, Status.REJECTED, Status.CANCELLED)
# Somebody still has something to do.
ALIVE = tuple(status for status in Status if status not in ENDED)
WITH_CUSTOMER = (Status.ESTIMATED, Status.WAITING)


def in_review(ticket: "TicketWorkflow") -> bool:
    return ticket.waiting_for == WaitingFor.REVIEW


class TicketWorkflow(models.Model):
    """The state and every way it can change."""

    status = FSMField(_("status"), max_length=24, choices=Status.choices, default=Status.OPEN)
    waiting_for = models.CharField(max_length=12, choices=WaitingFor, blank=True, default="")

    class Meta:
        abstract = True

    @transition(status, source=[Status.OPEN, Status.REOPENED], target=Status.IN_PROGRESS)
    def start_work(self) -> None:
        """The agent takes it up."""

    @transition(status, source=[Status.IN_PROGRESS, Status.REOPENED], target=Status.WAITING)
    def deliver(self) -> None:
        """The agent hands the solution over; the customer's review begins."""
        self.waiting_for = WaitingFor.REVIEW

    @transition(status, source=[Status.WAITING, Status.INVOICE, Status.CLOSED], target=Status.REOPENED)
    def reopen(self) -> None:
        """Back to the provider: the customer has something to say about it."""
        self.waiting_for = ""

    @transition(
        status,
        source=Status.WAITING,
        target=RETURN_VALUE(Status.INVOICE, Status.CLOSED),
        conditions=[in_review],  # type: ignore[list-item]  # its types know conditions on any model only
    )
    def accept_solution(self, *, something_to_bill: bool) -> Status:
        """The customer, or their silence, accepts. Without anything to bill that is the end."""
        self.waiting_for = ""
        return Status.INVOICE if something_to_bill else Status.CLOSED

    @transition(status, source=Status.INVOICE, target=Status.CLOSED)
    def close(self) -> None:
        """It stands on an issued invoice, or there was nothing to charge."""
