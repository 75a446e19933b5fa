"""What a ticket's state means, in words for the one who reads it."""

from datetime import timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import Person
from tickets.models import Ticket
from tickets.workflow import Status, WaitingFor


def acceptance_text(ticket: Ticket) -> str:
    """The words that an acceptance is the acceptance of; kept in the approval record."""
    delivered = timezone.localtime(ticket.delivered_at, ticket.tenant.zone) if ticket.delivered_at else None
    return _("I accept the solution of %(reference)s “%(subject)s”, delivered on %(day)s.") % {
        "reference": ticket.reference,
        "subject": ticket.subject,
        "day": date_format(delivered, "DATETIME_FORMAT") if delivered else "–",
    }


def last_review_day(ticket: Ticket) -> str:
    """The last whole day of the review: its midnight is the end."""
    if ticket.review_ends_at is None:
        return ""
    moment = timezone.localtime(ticket.review_ends_at, ticket.tenant.zone) - timedelta(minutes=1)
    return date_format(moment, "DATE_FORMAT")


def status_label(status: Status, reader: Person) -> str:
    """The state's name; the customer is not told that something waits for 'customer'."""
    return _("Waiting for you") if status == Status.WAITING and not reader.is_staff else str(status.label)


def stage(ticket: Ticket, reader: Person) -> str:
    """Where it stands and whose turn it is, as one sentence to this reader."""
    if ticket.status == Status.WAITING and ticket.waiting_for == WaitingFor.REVIEW:
        return _("We wait for your check of the solution, until the end of %(day)s.") % {"day": last_review_day(ticket)}
    return {
        Status.OPEN: _("We have your request and will take it up."),
        Status.IN_PROGRESS: _("We are working on it."),
        Status.ESTIMATED: _("We wait for your answer to the estimate."),
        Status.ESTIMATE_ACCEPTED: _("You accepted the estimate; we will start."),
        Status.WAITING: _("We wait for your answer."),
        Status.REOPENED: _("You wrote to us; it is our turn."),
        Status.READY_TO_DEPLOY: _("The rollout is planned."),
        Status.INVOICE: _("Accepted. It will be on the next invoice."),
        Status.CLOSED: _("Done and closed."),
        Status.REJECTED: _("We could not take this request."),
        Status.CANCELLED: _("This request was cancelled."),
    }[Status(ticket.status)]
