"""Which verbs an actor has on a ticket right now, with their words. Portal, admin and API offer what this lists.

What is offered can be pressed; what is not offered the verb itself refuses, with a sentence.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django_fsm import can_proceed

from accounts.approvers import approver_for
from accounts.models import Person
from tickets.actions import (
    acceptable,
    can_be_reopened,
    has_agreement,
    is_billed_with_other,
    last_acceptance,
    may_answer_estimate,
    nobody_acted_on,
    took_over,
    worked_since_delivery,
)
from tickets.durations import as_duration
from tickets.models import Ticket
from tickets.permissions import is_customer, may_bill, may_follow_up, may_reopen, may_take_back, may_work_on
from tickets.policy import policy_of
from tickets.sentences import last_day_of_period, money
from tickets.workflow import Status, WaitingFor

Label = str | Promise


@dataclass(frozen=True)
class Verb:
    """`name` is the word in addresses and in the API; `style` is 'main', 'quiet' or 'grave'."""

    name: str
    label: Label
    style: str
    consequence: str = ""
    # Filled in by the page that shows it: where its button sends, or the page where it is done, and what it asks.
    url: str = ""
    page: str = ""
    form: Any = None


def available(ticket: Ticket, actor: Person) -> list[Verb]:
    """The verbs in the order of their weight; the first is the main one, if it is styled so."""
    offers = STAFF_OFFERS if actor.is_staff else CUSTOMER_OFFERS
    verbs = [verb for offer in offers if (verb := offer(ticket, actor)) is not None]
    return sorted(verbs, key=lambda verb: WEIGHT[verb.style])


WEIGHT = {"main": 0, "quiet": 1, "grave": 2}


# ---- the customer's side ----


def _accept_estimate(ticket: Ticket, actor: Person) -> Verb | None:
    if not can_proceed(ticket.accept_estimate) or ticket.organisation is None:
        return None
    estimate = acceptable(ticket)
    today = ticket.tenant.today
    if estimate is None or estimate.valid_until < today:
        return None
    if approver_for(actor, ticket.organisation, estimate.net_total, today=today) is None:
        return None
    facts = [as_duration(estimate.minutes)] if estimate.minutes else []
    facts.append(money(estimate.net_total, estimate.currency))
    label = _("Accept the estimate: %(facts)s, by %(day)s") % {
        "facts": ", ".join(facts),
        "day": date_format(estimate.due_on, "DATE_FORMAT"),
    }
    consequence = _("With it you order the work. It is valid until %(day)s.") % {
        "day": date_format(estimate.valid_until, "DATE_FORMAT")
    }
    return Verb("accept_estimate", label, "main" if estimate.is_open else "quiet", consequence)


def _request_changes(ticket: Ticket, actor: Person) -> Verb | None:
    if not can_proceed(ticket.request_changes) or not may_answer_estimate(actor, ticket):
        return None
    consequence = _("Say what should be different; we send another version.")
    return Verb("request_changes", gettext_lazy("Ask for changes"), "quiet", consequence)


def _accept_solution(ticket: Ticket, actor: Person) -> Verb | None:
    if not is_customer(actor, ticket):
        return None
    if ticket.waiting_for == WaitingFor.REVIEW:
        consequence = _("You confirm that it is done. Without an answer it counts as accepted after %(day)s.") % {
            "day": last_day_of_period(ticket)
        }
        return Verb("accept_solution", gettext_lazy("Accept the solution"), "main", consequence)
    again = ticket.status == Status.REOPENED and not worked_since_delivery(ticket)
    if again or ticket.status == Status.READY_TO_DEPLOY:
        return Verb(
            "accept_solution", gettext_lazy("Accept the solution"), "quiet", _("You confirm that it is done after all.")
        )
    return None


def _reopen_as_customer(ticket: Ticket, actor: Person) -> Verb | None:
    if not is_customer(actor, ticket) or not _can_come_back(ticket):
        return None
    if ticket.waiting_for == WaitingFor.INFORMATION:
        consequence = _("We go on as soon as we have your answer.")
        return Verb("reopen", gettext_lazy("Answer the question"), "main", consequence)
    consequence = _("Tell us what is still to be done; we take it up again.")
    return Verb("reopen", gettext_lazy("Reopen"), "quiet", consequence)


def _can_come_back(ticket: Ticket) -> bool:
    return can_proceed(ticket.reopen) and ticket.merged_into_id is None and can_be_reopened(ticket)


def _follow_up(ticket: Ticket, actor: Person) -> Verb | None:
    if not ticket.has_ended or ticket.merged_into_id is not None or can_be_reopened(ticket):
        return None
    if not may_follow_up(actor, ticket):
        return None
    consequence = _("It was closed too long ago to be reopened: a new request goes on from it.")
    return Verb("follow_up", gettext_lazy("Go on in a new request"), "quiet", consequence)


def _take_back(ticket: Ticket, actor: Person) -> Verb | None:
    if not can_proceed(ticket.take_back_estimate) and not can_proceed(ticket.take_back_solution):
        return None
    if ticket.merged_into_id is not None or not can_be_reopened(ticket):
        return None
    approval = last_acceptance(ticket)
    if approval is None or not may_take_back(actor, approval) or not nobody_acted_on(ticket, approval):
        return None
    consequence = _("If it was a mistake: possible until somebody has acted on it.")
    return Verb("take_back", gettext_lazy("Take the acceptance back"), "grave", consequence)


def _cancel_as_customer(ticket: Ticket, actor: Person) -> Verb | None:
    if not is_customer(actor, ticket):
        return None
    if ticket.status == Status.IN_PROGRESS:
        if ticket.cancel_asked_at is not None:
            return None
        consequence = _("Work has begun: we answer what was done.")
        if ticket.tenant.billing_enabled:
            consequence = _("Work has begun: we answer what was done and what it costs.")
        return Verb("ask_to_cancel", gettext_lazy("Ask to cancel"), "grave", consequence)
    if not can_proceed(ticket.cancel):
        return None
    consequence = _("We stop here and tell everybody involved.")
    return Verb("cancel", gettext_lazy("Cancel the request"), "grave", consequence)


# ---- the provider's side ----


def _start_work(ticket: Ticket, actor: Person) -> Verb | None:
    if not may_work_on(actor, ticket) or not can_proceed(ticket.start_work):
        return None
    is_next = ticket.status in (Status.OPEN, Status.REOPENED, Status.ESTIMATE_ACCEPTED)
    return Verb(
        "start_work",
        gettext_lazy("Start work"),
        "main" if is_next else "quiet",
        _("The customer reads that you are on it."),
    )


def _send_estimate(ticket: Ticket, actor: Person) -> Verb | None:
    if not may_work_on(actor, ticket) or not ticket.tenant.billing_enabled:
        return None
    if not can_proceed(ticket.send_estimate):
        return None
    label = (
        gettext_lazy("New version of the estimate") if ticket.status == Status.ESTIMATED else gettext_lazy("Estimate")
    )
    return Verb("send_estimate", label, "quiet", _("Lines, price and date for the customer's approver."))


def _request_information(ticket: Ticket, actor: Person) -> Verb | None:
    if not may_work_on(actor, ticket) or not can_proceed(ticket.request_information):
        return None
    days = policy_of(ticket).information_days
    consequence = ngettext(
        "The customer has %(days)d day to answer and is reminded twice.",
        "The customer has %(days)d days to answer and is reminded twice.",
        days,
    ) % {"days": days}
    return Verb("request_information", gettext_lazy("Ask the customer"), "quiet", consequence)


def _deliver(ticket: Ticket, actor: Person) -> Verb | None:
    if not may_work_on(actor, ticket) or not can_proceed(ticket.deliver):
        return None
    # Whoever wants to cancel is to be answered before anything else is delivered.
    is_next = ticket.status in (Status.IN_PROGRESS, Status.READY_TO_DEPLOY) and ticket.cancel_asked_at is None
    days = policy_of(ticket).review_days
    consequence = ngettext(
        "The customer has %(days)d day to check it; silence after that accepts it.",
        "The customer has %(days)d days to check it; silence after that accepts it.",
        days,
    ) % {"days": days}
    is_rollout = ticket.status == Status.READY_TO_DEPLOY
    label = gettext_lazy("Rolled out") if is_rollout else gettext_lazy("Deliver the solution")
    return Verb("deliver", label, "main" if is_next else "quiet", consequence)


def _schedule_deployment(ticket: Ticket, actor: Person) -> Verb | None:
    if not may_work_on(actor, ticket) or not can_proceed(ticket.schedule_deployment):
        return None
    consequence = _("The customer confirmed it and hears when it is rolled out. Silence does not accept it.")
    return Verb("schedule_deployment", gettext_lazy("Plan the rollout"), "quiet", consequence)


def _accept_estimate_quoting(ticket: Ticket, actor: Person) -> Verb | None:
    if not may_work_on(actor, ticket) or not can_proceed(ticket.accept_estimate):
        return None
    estimate = acceptable(ticket)
    if estimate is None or estimate.valid_until < ticket.tenant.today:
        return None
    consequence = _("Your note of the approver's words becomes the proof.")
    return Verb("accept_estimate", gettext_lazy("The customer accepted the estimate"), "quiet", consequence)


def _withdraw_estimate(ticket: Ticket, actor: Person) -> Verb | None:
    if not may_work_on(actor, ticket) or not can_proceed(ticket.withdraw_estimate):
        return None
    consequence = _("The customer hears that they need not decide any more.")
    return Verb("withdraw_estimate", gettext_lazy("Withdraw the estimate"), "grave", consequence)


def _accept_solution_quoting(ticket: Ticket, actor: Person) -> Verb | None:
    if not may_work_on(actor, ticket):
        return None
    consequence = _("Your note of the customer's words becomes the proof.")
    if ticket.waiting_for == WaitingFor.REVIEW or ticket.status == Status.READY_TO_DEPLOY:
        return Verb("accept_solution", gettext_lazy("The customer accepted the solution"), "quiet", consequence)
    if ticket.status == Status.REOPENED:
        is_billed = ticket.tenant.billing_enabled
        label = gettext_lazy("Accepted: to the invoice") if is_billed else gettext_lazy("Accepted: close it")
        return Verb("mark_for_invoice", label, "quiet", consequence)
    return None


def _cancel_quoting(ticket: Ticket, actor: Person) -> Verb | None:
    if not may_work_on(actor, ticket) or not can_proceed(ticket.cancel):
        return None
    asked = ticket.cancel_asked_at is not None
    consequence = _("The customer asked for it.") if asked else _("For the customer, in their words.")
    if ticket.tenant.billing_enabled:
        consequence += " " + _("Agreed work that was done is billed.")
    return Verb("cancel", gettext_lazy("Cancel for the customer"), "main" if asked else "grave", consequence)


def _reject(ticket: Ticket, actor: Person) -> Verb | None:
    if not may_work_on(actor, ticket) or not can_proceed(ticket.reject):
        return None
    return Verb("reject", gettext_lazy("Reject"), "grave", _("We do not take it; the customer reads why."))


def _merge(ticket: Ticket, actor: Person) -> Verb | None:
    if not may_work_on(actor, ticket) or not can_proceed(ticket.merge) or has_agreement(ticket) or took_over(ticket):
        return None
    consequence = _("A duplicate: its people and files follow into the other ticket.")
    return Verb("merge", gettext_lazy("Merge into another"), "grave", consequence)


def _unmerge(ticket: Ticket, actor: Person) -> Verb | None:
    if not may_work_on(actor, ticket) or ticket.merged_into_id is None or is_billed_with_other(ticket):
        return None
    return Verb("unmerge", gettext_lazy("Undo the merge"), "quiet", _("It comes back as a ticket of its own."))


def _dismiss_objection(ticket: Ticket, actor: Person) -> Verb | None:
    if ticket.status != Status.INVOICE or not ticket.is_held or not may_work_on(actor, ticket):
        return None
    consequence = _("The objection is settled and the ticket goes on the next invoice.")
    return Verb("dismiss_objection", gettext_lazy("Settle the objection"), "main", consequence)


def _close(ticket: Ticket, actor: Person) -> Verb | None:
    if not can_proceed(ticket.close) or ticket.is_held or not may_bill(actor, ticket):
        return None
    consequence = _("It is closed without an invoice; say why.")
    return Verb("close", gettext_lazy("Nothing to charge"), "quiet", consequence)


def _reopen_as_staff(ticket: Ticket, actor: Person) -> Verb | None:
    if not may_reopen(actor, ticket) or not _can_come_back(ticket):
        return None
    return Verb("reopen", gettext_lazy("Reopen"), "quiet", _("It comes back to the assignee."))


Offer = Callable[[Ticket, Person], Verb | None]
CUSTOMER_OFFERS: tuple[Offer, ...] = (
    _accept_estimate,
    _accept_solution,
    _request_changes,
    _reopen_as_customer,
    _follow_up,
    _take_back,
    _cancel_as_customer,
)
STAFF_OFFERS: tuple[Offer, ...] = (
    _start_work,
    _deliver,
    _dismiss_objection,
    _send_estimate,
    _request_information,
    _schedule_deployment,
    _accept_estimate_quoting,
    _accept_solution_quoting,
    _close,
    _unmerge,
    _reopen_as_staff,
    _follow_up,
    _take_back,
    _cancel_quoting,
    _withdraw_estimate,
    _reject,
    _merge,
)
