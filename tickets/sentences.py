"""What a ticket's state means, in words for the one who reads it."""

from decimal import Decimal

from babel.numbers import format_currency
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from accounts.models import Person
from tickets.durations import as_duration
from tickets.models import Estimate, EstimateLine, Ticket
from tickets.periods import last_day_before
from tickets.workflow import Status, WaitingFor, turn_of


def money(amount: Decimal, currency: str) -> str:
    """An amount with its currency, in the reader's form: '1,234.50 EUR' is written with the code, never a symbol."""
    figure = format_currency(amount, currency, format="#,##0.00", locale=get_language() or "en")
    return f"{figure} {currency}"


def solution_text(ticket: Ticket) -> str:
    """The words that an acceptance of a solution is the acceptance of; kept in the approval record."""
    if ticket.delivered_at is None:
        return _("I accept what was done for %(reference)s “%(subject)s”.") % {
            "reference": ticket.reference,
            "subject": ticket.subject,
        }
    delivered = timezone.localtime(ticket.delivered_at, ticket.tenant.zone)
    return _("I accept the solution of %(reference)s “%(subject)s”, delivered on %(day)s.") % {
        "reference": ticket.reference,
        "subject": ticket.subject,
        "day": date_format(delivered, "DATETIME_FORMAT"),
    }


def estimate_text(ticket: Ticket, estimate: Estimate, lines: list[EstimateLine]) -> str:
    """The words that an acceptance of an estimate is the acceptance of: all that the page showed, line by line."""
    said = [
        _("I accept version %(version)d of the estimate of %(reference)s “%(subject)s”.")
        % {"version": estimate.version, "reference": ticket.reference, "subject": ticket.subject},
        "",
        *(f"{line.position}. {line.description}: {line_text(line, estimate.currency)}" for line in lines),
        "",
        _("Without VAT %(net)s, VAT %(vat)s, together %(total)s.")
        % {
            "net": money(estimate.net_total, estimate.currency),
            "vat": money(estimate.vat_total, estimate.currency),
            "total": money(estimate.total, estimate.currency),
        },
        _("Done by %(day)s.") % {"day": date_format(estimate.due_on, "DATE_FORMAT")},
    ]
    said += [text for text in (estimate.zero_reason, estimate.note, estimate.terms) if text]
    return "\n".join(said)


def line_text(line: EstimateLine, currency: str) -> str:
    """'2 h 30 min at 60.00 EUR, 150.00 EUR', or the price alone."""
    if not line.is_hourly:
        return money(line.net, currency)
    return _("%(time)s at %(price)s an hour, %(net)s") % {
        "time": as_duration(line.minutes or 0),
        "price": money(line.unit_price, currency),
        "net": money(line.net, currency),
    }


def last_day_of_period(ticket: Ticket) -> str:
    """The last whole day of what the customer is given time for: its midnight is the end."""
    if ticket.period_ends_at is None:
        return ""
    return date_format(last_day_before(ticket.period_ends_at, ticket.tenant.zone), "DATE_FORMAT")


def status_label(status: Status, *, to_staff: bool) -> str:
    """The state's name; the customer is not told that something waits for 'customer'."""
    return _("Waiting for you") if status == Status.WAITING and not to_staff else str(status.label)


def turn(status: str, reader: Person) -> str:
    """Whose turn it is, in one word to this reader."""
    whose = turn_of(status)
    if whose == "nobody":
        return pgettext("turn", "done")
    if reader.is_staff:
        return pgettext("turn", "customer") if whose == "customer" else pgettext("turn", "we")
    return pgettext("turn", "you") if whose == "customer" else pgettext("turn", "provider")


def stage(ticket: Ticket, reader: Person) -> str:
    """Where it stands and whose turn it is, as one sentence to this reader."""
    if ticket.status == Status.WAITING and ticket.waiting_for == WaitingFor.REVIEW:
        return _("We wait for your check of the solution, until the end of %(day)s.") % {
            "day": last_day_of_period(ticket)
        }
    if ticket.status == Status.WAITING:
        return _("We wait for your answer, until the end of %(day)s.") % {"day": last_day_of_period(ticket)}
    if ticket.status == Status.READY_TO_DEPLOY and ticket.deploy_on:
        return _("The rollout is planned for %(day)s.") % {"day": date_format(ticket.deploy_on, "DATE_FORMAT")}
    if ticket.status == Status.CLOSED and ticket.merged_into_id is not None:
        return _("It goes on as a part of another request.")
    if ticket.status == Status.INVOICE and ticket.accepted_at is not None:
        return _("Accepted. It will be on the next invoice.")
    return {
        Status.OPEN: _("We have your request and will take it up."),
        Status.IN_PROGRESS: _("We are working on it."),
        Status.ESTIMATED: _("We wait for your answer to the estimate."),
        Status.ESTIMATE_ACCEPTED: _("The estimate is accepted; we will start."),
        Status.REOPENED: _("It is our turn again."),
        Status.READY_TO_DEPLOY: _("The rollout is planned."),
        Status.INVOICE: _("It will be on the next invoice."),
        Status.CLOSED: _("Done and closed."),
        Status.REJECTED: _("We could not take this request."),
        Status.CANCELLED: _("This request was cancelled."),
    }[Status(ticket.status)]


def threshold_in_words(minutes: int) -> str:
    """Up to how much work starts without asking, as customers read it wherever it is said."""
    if not minutes:
        return _("You first get an estimate to accept; until then it costs nothing.")
    return _("Work up to %(time)s starts without asking you. Above it you first get an estimate to accept.") % {
        "time": as_duration(minutes)
    }
