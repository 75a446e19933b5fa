"""Which verbs an actor has on a ticket right now, with their words. Portal, admin and API offer what this lists."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import Person
from tickets.models import Ticket
from tickets.permissions import is_customer, may_bill, may_work_on
from tickets.sentences import last_review_day
from tickets.workflow import Status, WaitingFor

Label = str | Promise


@dataclass(frozen=True)
class Verb:
    """`name` is the word in addresses and in the API; `needs` names what must be said with it."""

    name: str
    label: Label
    style: str
    consequence: str = ""
    # 'text', 'minutes' or nothing.
    needs: str = ""
    # Where its button sends; the page that shows it says so.
    url: str = ""


def available(ticket: Ticket, actor: Person) -> list[Verb]:
    """The verbs in the order of their weight; the first is the main one."""
    offers = CUSTOMER_OFFERS if is_customer(actor, ticket) else STAFF_OFFERS
    return [verb for offer in offers if (verb := offer(ticket, actor)) is not None]


def _accept_solution(ticket: Ticket, actor: Person) -> Verb | None:
    if ticket.waiting_for != WaitingFor.REVIEW:
        return None
    consequence = _("You confirm that it is done. Without an answer it counts as accepted after %(day)s.") % {
        "day": last_review_day(ticket)
    }
    return Verb("accept_solution", gettext_lazy("Accept the solution"), "main", consequence)


def _reopen_as_customer(ticket: Ticket, actor: Person) -> Verb | None:
    if ticket.status not in (Status.WAITING, Status.INVOICE, Status.CLOSED):
        return None
    consequence = _("Tell us what is still to be done; we take it up again.")
    return Verb("reopen", gettext_lazy("Reopen"), "quiet", consequence, needs="text")


def _start_work(ticket: Ticket, actor: Person) -> Verb | None:
    if ticket.status not in (Status.OPEN, Status.REOPENED) or not may_work_on(actor, ticket):
        return None
    return Verb(
        "start_work", gettext_lazy("Start work"), "main", _("The customer reads that you are on it."), "minutes"
    )


def _deliver(ticket: Ticket, actor: Person) -> Verb | None:
    if ticket.status not in (Status.IN_PROGRESS, Status.REOPENED) or not may_work_on(actor, ticket):
        return None
    style = "main" if ticket.status == Status.IN_PROGRESS else "quiet"
    consequence = ngettext(
        "The customer has %(days)d day to check it; silence after that accepts it.",
        "The customer has %(days)d days to check it; silence after that accepts it.",
        ticket.tenant.review_days,
    ) % {"days": ticket.tenant.review_days}
    return Verb("deliver", gettext_lazy("Deliver the solution"), style, consequence, needs="text")


def _dismiss_objection(ticket: Ticket, actor: Person) -> Verb | None:
    if ticket.status != Status.INVOICE or not ticket.is_held or not may_work_on(actor, ticket):
        return None
    consequence = _("The objection is settled and the ticket goes on the next invoice.")
    return Verb("dismiss_objection", gettext_lazy("Settle the objection"), "main", consequence)


def _close(ticket: Ticket, actor: Person) -> Verb | None:
    if ticket.status != Status.INVOICE or ticket.is_held or not may_bill(actor, ticket):
        return None
    consequence = _("It is closed without an invoice; say why.")
    return Verb("close", gettext_lazy("Nothing to charge"), "quiet", consequence, needs="text")


def _reopen_as_staff(ticket: Ticket, actor: Person) -> Verb | None:
    if ticket.status not in (Status.WAITING, Status.INVOICE, Status.CLOSED):
        return None
    if not (may_work_on(actor, ticket) or may_bill(actor, ticket)):
        return None
    return Verb("reopen", gettext_lazy("Reopen"), "quiet", _("It comes back to the assignee."), needs="text")


Offer = Callable[[Ticket, Person], Verb | None]
CUSTOMER_OFFERS: tuple[Offer, ...] = (_accept_solution, _reopen_as_customer)
STAFF_OFFERS: tuple[Offer, ...] = (_start_work, _deliver, _dismiss_objection, _close, _reopen_as_staff)
