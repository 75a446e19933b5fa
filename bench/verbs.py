"""What the verbs cost: one ticket walked through its life by the real actions, every step timed, all rolled back.

Runs inside Django (bench/inside.py). What is done after the answer (delivery of mails, documents) is not part of it.
"""

import statistics
import time
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import Organisation, Person, Representation
from bench.counting import is_query, recorded
from bench.pages import measured_desk, measured_person
from billing.actions import issue_invoice
from tickets import actions
from tickets.models import RequestType, Ticket
from tickets.proof import Quote

WARM_UP, ROUNDS = 3, 20

# Per verb: queries, SQL milliseconds, milliseconds together.
Taken = dict[str, list[tuple[int, float, float]]]


class Walk:
    """A life, with a stop-watch. `step` times one verb by its name."""

    def __init__(self) -> None:
        self.taken: Taken = {}

    def step(self, verb: str, deed: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        with recorded() as statements:
            result = deed()
        took = 1000 * (time.perf_counter() - began)
        queries = [seconds for sql, _, seconds in statements.seen if is_query(sql)]
        self.taken.setdefault(verb, []).append((len(queries), 1000 * sum(s for _, _, s in statements.seen), took))
        return result

    def forget(self) -> None:
        self.taken.clear()


def measure() -> list[dict[str, Any]]:
    """Per verb: the most queries of a call, the median of its SQL and of all its time in milliseconds."""
    walk = Walk()
    for number in range(WARM_UP + ROUNDS):
        if number == WARM_UP:
            walk.forget()
        with measured_desk():
            one_life(walk, *cast())
            transaction.set_rollback(True)
    return [
        {
            "verb": verb,
            "queries": max(queries for queries, _, _ in rounds),
            "sql_ms": statistics.median(sql for _, sql, _ in rounds),
            "ms": statistics.median(took for _, _, took in rounds),
        }
        for verb, rounds in walk.taken.items()
    ]


def cast() -> tuple[Person, Person, Person, Organisation]:
    """The measured customer, an approver of their organisation, an agent who may bill too."""
    customer = measured_person()
    organisation = customer.represents[0].organisation
    people = Person.objects.active().filter(representations__organisation=organisation)
    approver: Person = people.exclude(pk=customer.pk).order_by("id")[0]
    rights = Representation.objects.filter(person=approver, organisation=organisation)
    rights.update(may_approve=True, may_ask=True, approval_limit=None)
    agent: Person = Person.objects.agents().order_by("id")[0]
    Person.objects.filter(pk=agent.pk).update(is_accountant=True)
    return customer, Person.objects.get(pk=approver.pk), Person.objects.get(pk=agent.pk), organisation


def one_life(walk: Walk, customer: Person, approver: Person, agent: Person, organisation: Organisation) -> None:
    kind = RequestType.objects.filter(is_billable=True).order_by("id")[0]

    def submit() -> Ticket:
        return actions.submit(
            by=customer, organisation=organisation, request_type=kind, subject="How long does it take?"
        )

    ticket: Ticket = walk.step("submit", submit)
    before_work(walk, ticket, approver, agent, customer)
    handing_over(walk, ticket, agent, customer)
    walk.step("issue_invoice", lambda: issue_invoice(organisation, tickets=[ticket.pk], by=agent))
    endings(walk, submit, agent, customer)


def before_work(walk: Walk, ticket: Ticket, approver: Person, agent: Person, customer: Person) -> None:
    lines = [actions.NewLine("Analysis", 60), actions.NewLine("Setting up", price=Decimal(100))]

    def estimate() -> Any:
        return actions.send_estimate(ticket, by=agent, lines=lines, due_on=in_days(9))

    walk.step("request_information", lambda: actions.request_information(ticket, by=agent, text="Which one?"))
    walk.step("comment", lambda: actions.comment(ticket, by=customer, text="The second."))
    walk.step("send_estimate", estimate)
    walk.step("request_changes", lambda: actions.request_changes(ticket, by=approver, text="Less."))
    walk.step("send_estimate", estimate)
    walk.step("withdraw_estimate", lambda: actions.withdraw_estimate(ticket, by=agent, text="Wrong."))
    walk.step("send_estimate", estimate)
    walk.step("accept_estimate", lambda: actions.accept_estimate(ticket, by=approver))
    walk.step("take_back", lambda: actions.take_back_acceptance(ticket, by=approver))
    actions.accept_estimate(ticket, by=approver)
    walk.step("start_work", lambda: actions.start_work(ticket, by=agent, expected_minutes=60))
    walk.step("record_time", lambda: actions.record_time(ticket, by=agent, minutes=50, description="Done"))


def handing_over(walk: Walk, ticket: Ticket, agent: Person, customer: Person) -> None:
    def deliver() -> Ticket:
        return actions.deliver(ticket, by=agent, text="Please look.")

    walk.step("deliver", deliver)
    walk.step("reopen", lambda: actions.reopen(ticket, by=customer, text="Not yet."))
    walk.step("schedule_deployment", lambda: actions.schedule_deployment(ticket, by=agent, day=in_days(2)))
    walk.step("deliver", deliver)
    walk.step("accept_solution", lambda: actions.accept_solution(ticket, by=customer))
    walk.step("take_back", lambda: actions.take_back_acceptance(ticket, by=customer))
    quote = Quote(customer, "It is fine.")
    walk.step("accept_solution", lambda: actions.accept_solution(ticket, by=agent, quote=quote))


def endings(walk: Walk, submit: Callable[[], Ticket], agent: Person, customer: Person) -> None:
    given_up, refused, doubled, other = submit(), submit(), submit(), submit()
    walk.step("assign", lambda: actions.assign(given_up, by=agent, to=another_agent(given_up)))
    walk.step("cancel", lambda: actions.cancel(given_up, by=customer, text="No more."))
    walk.step("reject", lambda: actions.reject(refused, by=agent, text="Not ours."))
    walk.step("merge", lambda: actions.merge(doubled, by=agent, into=other))


def another_agent(ticket: Ticket) -> Person:
    found: Person = Person.objects.agents().exclude(pk=ticket.assignee_id).order_by("id")[0]
    return found


def in_days(days: int) -> date:
    return timezone.localdate() + timedelta(days=days)
