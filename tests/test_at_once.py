"""Two at once on the real database: one wins, the other reads a sentence, and what is counted is counted once."""

import threading
import uuid
from collections.abc import Callable
from typing import Any

from django.db import connection

from accounts.errors import Refused
from accounts.models import Counter, Event
from billing import actions as billing_actions
from billing.models import Invoice
from conftest import Desk
from notifications import delivery
from notifications.models import OutboxMessage
from tickets import actions, clock
from tickets.models import Approval, Ticket
from tickets.workflow import Status


def together(*deeds: Callable[[], Any]) -> list[Any]:
    """Run the deeds in threads that start at the same moment; their results, or what they raised."""
    start, results = threading.Barrier(len(deeds)), [None] * len(deeds)

    def run(number: int, deed: Callable[[], Any]) -> None:
        start.wait()
        try:
            results[number] = deed()
        except Exception as error:
            results[number] = error  # type: ignore[call-overload]
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number, deed)) for number, deed in enumerate(deeds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def inside(desk: Desk, deed: Callable[[], Any]) -> Callable[[], Any]:
    def entered() -> Any:
        with desk.entered():
            return deed()

    return entered


def made(desk: Desk, make: Callable[[], Ticket]) -> Ticket:
    with desk.entered():
        return make()


def test_accept_and_reopen_at_once(committed_desk: Desk) -> None:
    desk = committed_desk
    ticket = made(desk, desk.delivered)
    results = together(
        inside(desk, lambda: actions.accept_solution(ticket, by=desk.requester)),
        inside(desk, lambda: actions.comment(ticket, by=desk.colleague, text="Not yet.")),
    )
    with desk.entered():
        status = Ticket.objects.get(pk=ticket.pk).status
        accepted = Approval.objects.filter(ticket=ticket).exists()
    # Either order is right; what must not be is a state without its proof.
    assert (status in (Status.INVOICE, Status.REOPENED), accepted) == (True, status == Status.INVOICE)
    assert not any(isinstance(result, Exception) and not isinstance(result, Refused) for result in results)


def test_a_solution_accepted_twice_at_once_has_one_proof(committed_desk: Desk) -> None:
    desk = committed_desk
    ticket = made(desk, desk.delivered)
    accept = inside(desk, lambda: actions.accept_solution(ticket, by=desk.requester))
    results = together(accept, accept)
    with desk.entered():
        assert Approval.objects.filter(ticket=ticket).count() == 1
    assert sum(isinstance(result, Refused) for result in results) == 1


def test_the_same_form_twice_at_once_is_one_request(committed_desk: Desk) -> None:
    desk, number = committed_desk, uuid.uuid4()
    submit = inside(desk, lambda: desk.submit(submission=number))
    together(submit, submit, submit)
    with desk.entered():
        assert Ticket.objects.count() == 1


def test_references_have_neither_gaps_nor_doubles(committed_desk: Desk) -> None:
    desk = committed_desk
    together(*[inside(desk, desk.submit) for _ in range(8)])
    with desk.entered():
        assert sorted(Ticket.objects.values_list("number", flat=True)) == list(range(1, 9))


def test_one_ticket_is_invoiced_once(committed_desk: Desk) -> None:
    desk = committed_desk
    ticket = made(desk, desk.accepted)
    issue = inside(
        desk, lambda: billing_actions.issue_invoice(desk.organisation, tickets=[ticket.pk], by=desk.accountant)
    )
    together(issue, issue)
    with desk.entered():
        assert (Invoice.objects.count(), Counter.objects.get(series__gt="invoice", series__lt="invoicf").value) == (
            1,
            1,
        )


def test_two_clocks_do_it_once(committed_desk: Desk) -> None:
    desk = committed_desk
    ticket = made(desk, desk.delivered)
    tick = lambda: clock.work_off(desk.id, ticket.clock_at)  # noqa: E731
    together(tick, tick, tick)
    with desk.entered():
        assert Event.objects.filter(kind="ticket.reminded").count() == 1


def test_two_workers_send_a_mail_once(committed_desk: Desk, monkeypatch: Any) -> None:
    desk = committed_desk
    sent: list[OutboxMessage] = []
    made(desk, desk.submit)
    monkeypatch.setattr(delivery, "_send", sent.append)
    with desk.entered():
        message = OutboxMessage.objects.order_by("id").first().pk
    deliver = lambda: delivery.deliver(desk.id, message)  # noqa: E731
    together(deliver, deliver, deliver)
    assert len(sent) == 1
