"""The whole life of a ticket on one page. Transitions only change state; `actions` asks, records and tells.

docs/workflow.md is drawn from this file (`manage draw_workflow`), and a test keeps it fresh.
"""

from typing import Literal

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
# Alive, and not yet accepted: what can still be given up or merged.
UNFINISHED = tuple(status for status in ALIVE if status != Status.INVOICE)


def in_review(ticket: "TicketWorkflow") -> bool:
    """Outside of WAITING FOR CUSTOMER there is nothing to tell apart."""
    return ticket.status != Status.WAITING or ticket.waiting_for == WaitingFor.REVIEW


def not_in_review(ticket: "TicketWorkflow") -> bool:
    return ticket.status != Status.WAITING or ticket.waiting_for == WaitingFor.INFORMATION


def turn_of(status: str) -> Literal["customer", "provider", "nobody"]:
    """Whose turn it is."""
    if status in ENDED:
        return "nobody"
    return "customer" if status in WITH_CUSTOMER else "provider"


class TicketWorkflow(models.Model):
    """The state and every way it can change."""

    status = FSMField(_("status"), max_length=24, choices=Status.choices, default=Status.OPEN)
    waiting_for = models.CharField(max_length=12, choices=WaitingFor, blank=True, default="")

    class Meta:
        abstract = True

    # ---- before and at work ----

    @transition(
        status,
        source=[Status.OPEN, Status.REOPENED, Status.ESTIMATE_ACCEPTED, Status.WAITING, Status.READY_TO_DEPLOY],
        target=Status.IN_PROGRESS,
        conditions=[not_in_review],  # type: ignore[list-item]  # its types know conditions on any model only
    )
    def start_work(self) -> None:
        """The agent takes it up."""
        self.waiting_for = ""

    @transition(
        status,
        source=[
            Status.OPEN,
            Status.IN_PROGRESS,
            Status.REOPENED,
            Status.ESTIMATED,
            Status.ESTIMATE_ACCEPTED,
            Status.WAITING,
        ],
        target=Status.ESTIMATED,
        conditions=[not_in_review],  # type: ignore[list-item]
    )
    def send_estimate(self) -> None:
        """The agent says what it will cost; the customer's approver decides."""
        self.waiting_for = ""

    @transition(status, source=[Status.ESTIMATED, Status.REOPENED], target=Status.ESTIMATE_ACCEPTED)
    def accept_estimate(self) -> None:
        """The approver agrees."""

    @transition(status, source=Status.ESTIMATED, target=Status.REOPENED)
    def request_changes(self) -> None:
        """The customer wants another estimate."""

    @transition(status, source=Status.ESTIMATED, target=Status.REOPENED)
    def withdraw_estimate(self) -> None:
        """The agent takes the estimate back, or its validity ends."""

    @transition(
        status,
        source=[Status.OPEN, Status.IN_PROGRESS, Status.REOPENED, Status.ESTIMATE_ACCEPTED, Status.READY_TO_DEPLOY],
        target=Status.WAITING,
    )
    def request_information(self) -> None:
        """The agent asks; the customer answers."""
        self.waiting_for = WaitingFor.INFORMATION

    # ---- handing over ----

    @transition(
        status,
        source=[Status.IN_PROGRESS, Status.REOPENED, Status.READY_TO_DEPLOY, Status.WAITING],
        target=Status.WAITING,
        conditions=[not_in_review],  # type: ignore[list-item]
    )
    def deliver(self) -> None:
        """The agent hands the solution over; the customer's review begins."""
        self.waiting_for = WaitingFor.REVIEW

    @transition(
        status,
        source=[Status.REOPENED, Status.WAITING],
        target=Status.READY_TO_DEPLOY,
        conditions=[in_review],  # type: ignore[list-item]
    )
    def schedule_deployment(self) -> None:
        """The customer confirmed; the rollout is planned."""
        self.waiting_for = ""

    @transition(
        status,
        source=[
            Status.WAITING,
            Status.READY_TO_DEPLOY,
            Status.INVOICE,
            Status.CLOSED,
            Status.REJECTED,
            Status.CANCELLED,
        ],
        target=Status.REOPENED,
    )
    def reopen(self) -> None:
        """Back to the provider: there is something to say about it."""
        self.waiting_for = ""

    # ---- the end ----

    @transition(
        status,
        source=[Status.WAITING, Status.READY_TO_DEPLOY, Status.REOPENED],
        target=RETURN_VALUE(Status.INVOICE, Status.CLOSED),
        conditions=[in_review],  # type: ignore[list-item]
    )
    def accept_solution(self, *, something_to_bill: bool) -> Status:
        """The customer, or their silence, accepts. Without anything to bill that is the end."""
        self.waiting_for = ""
        return Status.INVOICE if something_to_bill else Status.CLOSED

    @transition(
        status,
        source=[Status.WAITING, Status.READY_TO_DEPLOY, Status.REOPENED],
        target=RETURN_VALUE(Status.INVOICE, Status.CLOSED),
        conditions=[in_review],  # type: ignore[list-item]
    )
    def mark_for_invoice(self, *, something_to_bill: bool) -> Status:
        """The agent writes down that the customer accepted."""
        self.waiting_for = ""
        return Status.INVOICE if something_to_bill else Status.CLOSED

    @transition(status, source=Status.ESTIMATE_ACCEPTED, target=Status.ESTIMATED)
    def take_back_estimate(self) -> None:
        """A wrong 'Accept' is taken back, as long as nobody acted on it."""

    @transition(status, source=[Status.INVOICE, Status.CLOSED], target=Status.WAITING)
    def take_back_solution(self) -> None:
        """A wrong 'Accept' is taken back, as long as nobody acted on it."""
        self.waiting_for = WaitingFor.REVIEW

    @transition(
        status,
        source=[
            Status.OPEN,
            Status.ESTIMATED,
            Status.ESTIMATE_ACCEPTED,
            Status.REOPENED,
            Status.WAITING,
            Status.IN_PROGRESS,
        ],
        target=RETURN_VALUE(Status.CANCELLED, Status.INVOICE),
        conditions=[not_in_review],  # type: ignore[list-item]
    )
    def cancel(self, *, something_to_bill: bool) -> Status:
        """The customer gives it up; agreed work that was done is billed."""
        self.waiting_for = ""
        return Status.INVOICE if something_to_bill else Status.CANCELLED

    @transition(status, source=[Status.OPEN, Status.IN_PROGRESS, Status.REOPENED], target=Status.REJECTED)
    def reject(self) -> None:
        """The provider does not take it."""

    @transition(
        status,
        source=Status.WAITING,
        target=RETURN_VALUE(Status.INVOICE, Status.CLOSED),
        conditions=[not_in_review],  # type: ignore[list-item]
    )
    def close_unanswered(self, *, something_to_bill: bool) -> Status:
        """A question was not answered, reminders or not."""
        self.waiting_for = ""
        return Status.INVOICE if something_to_bill else Status.CLOSED

    @transition(status, source=list(UNFINISHED), target=Status.CLOSED)
    def merge(self) -> None:
        """It goes on in another ticket."""
        self.waiting_for = ""

    @transition(status, source=Status.CLOSED, target=Status.REOPENED)
    def unmerge(self) -> None:
        """It was no duplicate."""

    @transition(status, source=Status.INVOICE, target=Status.CLOSED)
    def close(self) -> None:
        """It stands on an issued invoice, or there was nothing to charge."""
