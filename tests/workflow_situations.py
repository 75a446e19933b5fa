"""The states of the table with what decides in them, each brought about by the verbs; only time is moved by hand."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

from conftest import Desk
from notifications.models import OutboxMessage, OutboxState
from tests import workflow_table as table
from tests.workflow_checks import state_of
from tickets import actions
from tickets.models import Ticket
from tickets.proof import Quote
from tickets.workflow import Status, WaitingFor


@dataclass(frozen=True)
class Situation:
    """A state with what else decides. `gave_it` accepted last, and nobody has acted since."""

    name: str
    state: str
    make: Callable[[Desk], Ticket]
    facts: frozenset[str] = frozenset()
    gave_it: str = ""

    def facts_for(self, actor: str) -> frozenset[str]:
        return self.facts | {table.GAVE_IT} if actor == self.gave_it else self.facts

    def __str__(self) -> str:
        return self.name


# ---- how to get there, by the verbs; only time is moved by hand ----


def changes_requested(desk: Desk) -> Ticket:
    return actions.request_changes(desk.estimated(), by=desk.requester, text="Without the tray.")


def sent_back_too_long_ago(desk: Desk) -> Ticket:
    """The version's last day is over: sent where the day is young, tried where it has long ended."""
    desk.tenant.time_zone = "Pacific/Pago_Pago"
    desk.tenant.save()
    today = timezone.localdate(timezone=ZoneInfo(desk.tenant.time_zone))
    ticket = actions.request_changes(desk.estimated(valid_until=today), by=desk.requester, text="Cheaper.")
    desk.tenant.time_zone = "Pacific/Kiritimati"
    desk.tenant.save()
    return ticket


def quoted_agreement(desk: Desk) -> Ticket:
    return actions.accept_estimate(desk.estimated(), by=desk.agent, quote=Quote(desk.approver, "Do it."))


def worked_on(ticket: Ticket, desk: Desk) -> Ticket:
    actions.record_time(ticket, by=desk.agent, minutes=10, description="A little more")
    return ticket


def question_after_work(desk: Desk) -> Ticket:
    return actions.request_information(desk.started(minutes=25), by=desk.agent, text="Which printer?")


def over(ticket: Ticket, *, heard: bool = True) -> Ticket:
    """All reminders are sent, the period has ended; the mail went out, or nothing did."""
    for _ in range({Status.ESTIMATED: 1}.get(ticket.status, 1 if ticket.waiting_for == WaitingFor.REVIEW else 2)):
        REMIND[state_of(ticket)](ticket)
    if heard:
        OutboxMessage.objects.update(state=OutboxState.SENT)
    Ticket.objects.filter(pk=ticket.pk).update(period_ends_at=timezone.now() - timedelta(seconds=1))
    return ticket


REMIND: dict[str, Callable[[Ticket], object]] = {
    table.ESTIMATED: actions.remind_of_estimate,
    table.REVIEW: actions.remind_of_review,
    table.INFORMATION: actions.remind_of_information,
}


def by_silence(desk: Desk) -> Ticket:
    return actions.accept_by_silence(over(desk.delivered()))


def held(desk: Desk) -> Ticket:
    ticket = desk.accepted()
    actions.comment(ticket, by=desk.requester, text="Wait, the price is wrong.")
    return ticket


def cancelled(desk: Desk) -> Ticket:
    return actions.cancel(desk.submit(), by=desk.requester, text="We bought another one.")


def rejected(desk: Desk) -> Ticket:
    return actions.reject(desk.submit(), by=desk.agent, text="We do not repair these.")


def merged(desk: Desk) -> Ticket:
    return actions.merge(desk.submit(), by=desk.agent, into=desk.submit())


def took_over(desk: Desk) -> Ticket:
    ticket = desk.submit()
    actions.merge(desk.submit(), by=desk.agent, into=ticket)
    return Ticket.objects.get(pk=ticket.pk)


def merged_into_invoiced(desk: Desk) -> Ticket:
    """The other ticket's invoice has its time."""
    other = desk.started()
    ticket = actions.merge(desk.started(minutes=25), by=desk.agent, into=other)
    actions.accept_solution(actions.deliver(other, by=desk.agent, text="Done."), by=desk.requester)
    return ticket


def long_ago(ticket: Ticket) -> Ticket:
    Ticket.objects.filter(pk=ticket.pk).update(closed_at=timezone.now() - timedelta(days=31))
    return ticket


def closed_by_invoice(desk: Desk) -> Ticket:
    return actions.close(desk.accepted(), by=desk.accountant, invoice="2026-00001", minutes=25)


WORKED = table.only(table.TO_BILL, table.WORK_TO_BILL)
DELIVERED = WORKED | {table.UNTOUCHED}
STANDS = table.only(table.VERSION_STANDS)
OVER = table.only(table.PERIOD_OVER, table.REMINDED)

# The states themselves, on which everybody tries everything.
PLAIN = (
    Situation("open", table.OPEN, Desk.submit),
    Situation("in progress", table.IN_PROGRESS, Desk.started),
    Situation("estimated", table.ESTIMATED, Desk.estimated, STANDS),
    Situation("agreed", table.AGREED, Desk.agreed, table.only(table.TO_BILL, table.AGREEMENT), table.APPROVER),
    Situation("question", table.INFORMATION, Desk.asked),
    Situation("review", table.REVIEW, Desk.delivered, DELIVERED),
    Situation("reopened", table.REOPENED, Desk.reopened, DELIVERED),
    Situation("ready to deploy", table.READY, Desk.scheduled, DELIVERED),
    Situation("invoice", table.INVOICE, Desk.accepted, DELIVERED, table.REQUESTER),
    Situation("closed", table.CLOSED, lambda d: d.accepted(minutes=0), frozenset(), table.REQUESTER),
    Situation("rejected", table.REJECTED, rejected),
    Situation("cancelled", table.CANCELLED, cancelled),
)
# What changes an answer within a state.
VARIANTS = (
    Situation("in progress, worked", table.IN_PROGRESS, lambda d: d.started(minutes=25), WORKED),
    Situation(
        "in progress, agreed at a fixed price, nothing worked yet",
        table.IN_PROGRESS,
        lambda d: actions.start_work(d.agreed(), by=d.agent, expected_minutes=20),
        table.only(table.TO_BILL, table.AGREEMENT),
    ),
    Situation(
        "in progress, asked to cancel",
        table.IN_PROGRESS,
        lambda d: actions.ask_to_cancel(d.started(), by=d.requester, text="Stop."),
        table.only(table.ASKED_TO_CANCEL),
    ),
    Situation("estimated after work", table.ESTIMATED, lambda d: d.estimated(d.started(minutes=25)), STANDS | WORKED),
    Situation("estimate's day is over", table.ESTIMATED, lambda d: over(d.estimated()), STANDS | OVER),
    Situation(
        "agreed, quoted", table.AGREED, quoted_agreement, table.only(table.TO_BILL, table.AGREEMENT), table.AGENT
    ),
    Situation("agreed, and worked on", table.AGREED, lambda d: worked_on(d.agreed(), d), WORKED | {table.AGREEMENT}),
    Situation("question after work", table.INFORMATION, question_after_work, WORKED),
    Situation(
        "question, unanswered", table.INFORMATION, lambda d: over(question_after_work(d)), WORKED | OVER | {table.HEARD}
    ),
    Situation(
        "question, unanswered, nothing worked", table.INFORMATION, lambda d: over(d.asked()), OVER | {table.HEARD}
    ),
    Situation("question, unheard", table.INFORMATION, lambda d: over(d.asked(), heard=False), OVER),
    Situation("review of what is free", table.REVIEW, lambda d: d.delivered(minutes=0), table.only(table.UNTOUCHED)),
    Situation("review, silent", table.REVIEW, lambda d: over(d.delivered()), DELIVERED | OVER | {table.HEARD}),
    Situation(
        "review of what is free, silent",
        table.REVIEW,
        lambda d: over(d.delivered(minutes=0)),
        OVER | {table.HEARD, table.UNTOUCHED},
    ),
    Situation("review, unheard", table.REVIEW, lambda d: over(d.delivered(), heard=False), DELIVERED | OVER),
    Situation("reopened, worked on", table.REOPENED, lambda d: worked_on(d.reopened(), d), WORKED),
    Situation("reopened, changes requested", table.REOPENED, changes_requested, STANDS),
    Situation("reopened, changes requested too long ago", table.REOPENED, sent_back_too_long_ago),
    Situation(
        "reopened, withdrawn",
        table.REOPENED,
        lambda d: actions.withdraw_estimate(d.estimated(), by=d.agent, text="The price was wrong."),
    ),
    Situation("invoice, held", table.INVOICE, held, DELIVERED | {table.HELD}),
    Situation("invoice, by silence", table.INVOICE, by_silence, DELIVERED),
    Situation("closed by an invoice", table.CLOSED, closed_by_invoice),
    Situation(
        "closed long ago",
        table.CLOSED,
        lambda d: long_ago(d.accepted(minutes=0)),
        table.only(table.LONG_AGO),
        table.REQUESTER,
    ),
    Situation("took over", table.OPEN, took_over, table.only(table.TOOK_OVER)),
    Situation("merged", table.CLOSED, merged, table.only(table.MERGED)),
    Situation("merged long ago", table.CLOSED, lambda d: long_ago(merged(d)), table.only(table.MERGED, table.LONG_AGO)),
    Situation("rejected long ago", table.REJECTED, lambda d: long_ago(rejected(d)), table.only(table.LONG_AGO)),
    Situation("cancelled long ago", table.CANCELLED, lambda d: long_ago(cancelled(d)), table.only(table.LONG_AGO)),
)
SITUATIONS = (*PLAIN, *VARIANTS)
