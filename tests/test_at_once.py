"""Two at once on the real database: one wins, the other reads a sentence, and what is counted is counted once."""

import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations_with_replacement, islice
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts import uploads
from accounts.errors import Refused
from accounts.models import Counter, Event, Upload
from billing import actions as billing_actions
from billing.models import Invoice
from conftest import Desk
from notifications import delivery
from notifications.models import OutboxMessage
from tests import workflow_table as table
from tests.workflow_checks import problems, state_of
from tests.workflow_hands import HANDS, Scene, cast_of, scene_of
from tests.workflow_situations import SITUATIONS, Situation
from tickets import actions, clock
from tickets.models import Approval, Attachment, Ticket
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


def test_the_same_piece_twice_at_once_is_kept_once(committed_desk: Desk) -> None:
    desk = committed_desk
    with desk.entered():
        row = uploads.begin(by=desk.requester, name="plan.txt", size=10)
    append = inside(desk, lambda: uploads.append(row, offset=0, piece=b"12345"))
    results = together(append, append)
    assert sorted(type(one).__name__ for one in results) == ["Upload", "WrongOffset"]


def test_one_upload_in_two_forms_at_once_goes_with_one(committed_desk: Desk) -> None:
    desk = committed_desk
    with desk.entered():
        begun = uploads.begin(by=desk.requester, name="plan.txt", size=5)
        row = uploads.append(begun, offset=0, piece=b"12345")
    results = together(*[inside(desk, lambda: desk.submit(files=[row])) for _ in range(3)])
    assert sorted(type(one).__name__ for one in results) == ["Refused", "Refused", "Ticket"]
    with desk.entered():
        assert (Ticket.objects.count(), Attachment.objects.count()) == (1, 1)


def test_many_files_at_once_do_not_pass_the_limit(committed_desk: Desk) -> None:
    desk = committed_desk
    with desk.entered():
        Upload.objects.bulk_create(Upload(person=desk.requester, name="a.txt", size=1) for _ in range(58))
    together(*[inside(desk, lambda: uploads.begin(by=desk.requester, name="b.txt", size=1)) for _ in range(6)])
    with desk.entered():
        assert Upload.objects.count() == 60


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


# ---- every two verbs that are possible in one state ----


@dataclass(frozen=True)
class Deed:
    """Somebody presses something: a verb of the table, or what else is done to a ticket."""

    name: str
    actor: str
    do: Callable[[Scene, Any], object]


@dataclass(frozen=True)
class Pair:
    situation: Situation
    deeds: tuple[Deed, Deed]

    @property
    def has_clock(self) -> bool:
        return any(deed.actor == table.CLOCK for deed in self.deeds)

    def __str__(self) -> str:
        return " / ".join([self.situation.name, *(f"{deed.name} by the {deed.actor}" for deed in self.deeds)])


# What changes a ticket besides the table's verbs.
OTHERS = (
    Deed("record_time", table.AGENT, lambda s, by: actions.record_time(s.ticket, by=by, minutes=5, description="Work")),
    Deed("assign", table.MANAGER, lambda s, by: actions.assign(s.ticket, by=by, to=s.people[table.SECOND_LINE])),
    Deed(
        "complete",
        table.AGENT,
        lambda s, by: actions.complete(
            s.ticket, by=by, organisation=s.desk.organisation, request_type=s.desk.type(), priority=4
        ),
    ),
    Deed(
        "invite",
        table.REQUESTER,
        lambda s, by: actions.add_participant(s.ticket, by=by, address=s.people[table.READER].email),
    ),
)
INVOICE = Deed(
    "invoice",
    table.ACCOUNTANT,
    lambda s, by: billing_actions.issue_invoice(s.desk.organisation, tickets=[s.ticket.pk], by=by),
)
# Who presses first, where several may; the second of a pair comes from the other end.
PREFERRED = (table.REQUESTER, table.APPROVER, table.ACCOUNTANT, table.AGENT)


def deeds_in(situation: Situation) -> list[Deed]:
    deeds = [
        Deed(verb, actor, HANDS[verb])
        for verb in table.PEOPLES_VERBS
        for actor in PREFERRED
        if table.row_for(verb, situation.state, actor, situation.facts_for(actor))
    ]
    if situation.state == table.INVOICE:
        deeds.append(INVOICE)
    if situation.state in table.HAS_CLOCK:  # what the clock does differs between situations of one state
        deeds.append(Deed(f"the clock at '{situation}'", table.CLOCK, tick))
    return [*deeds, *OTHERS]


def tick(scene: Scene, by: Any) -> object:
    return clock.work_off(scene.desk.id, timezone.now())


def pairs() -> Iterator[Pair]:
    """Each two names once, in the first state where both are possible; two people press where two may."""
    seen = set()
    for situation in SITUATIONS:
        for first, second in combinations_with_replacement(deeds_in(situation), 2):
            names = frozenset({first.name, second.name})
            if names not in seen and (first.actor != second.actor or not two_may(situation, names)):
                seen.add(names)
                yield Pair(situation, (first, second))


def two_may(situation: Situation, names: frozenset[str]) -> bool:
    return len({deed.actor for deed in deeds_in(situation) if deed.name in names}) > 1


class Arena:
    """Two threads with connections of their own, which press at the same moment."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.pool = ThreadPoolExecutor(2)
        with desk.entered():
            self.people = cast_of(desk, desk.stranger)

    def close(self) -> None:
        meet = threading.Barrier(2)  # so that each thread gets one

        def leave() -> None:
            meet.wait()
            connection.close()

        for left in [self.pool.submit(leave) for _ in range(2)]:
            left.result()
        self.pool.shutdown()

    def fight(self, pair: Pair) -> tuple[Scene, list[Any]]:
        with self.desk.entered():
            scene = scene_of(self.desk, pair.situation.make(self.desk), self.desk.submit(), self.people)
            if pair.has_clock:
                Ticket.objects.filter(pk=scene.ticket.pk).update(clock_at=timezone.now())
        meet = threading.Barrier(2)

        def press(deed: Deed) -> Any:
            meet.wait()
            try:
                with self.desk.entered():
                    return deed.do(scene, scene.people.get(deed.actor))
            except Exception as error:
                return error

        with self.desk.entered():
            if not pair.has_clock:  # which passes by a row that is held
                # Both begin while the row is held, so neither has seen what the other does.
                Ticket.objects.select_for_update(of=("self",)).get(pk=scene.ticket.pk)
            pressed = [self.pool.submit(press, deed) for deed in pair.deeds]
            if not pair.has_clock:
                wait_until_waiting(2)
        return scene, [one.result() for one in pressed]


def wait_until_waiting(number: int) -> None:
    """So many for the row; one that is refused before it needs it never does, so not for ever."""
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database OR l.database IS NULL "
                "WHERE NOT l.granted AND d.datname = current_database()"
            )
            if cursor.fetchone()[0] >= number:
                return
        time.sleep(0.001)


def what_went_wrong(arena: Arena, pair: Pair) -> list[str]:
    scene, results = arena.fight(pair)
    wrong = [repr(one) for one in results if isinstance(one, Exception) and not isinstance(one, Refused)]
    if all(isinstance(one, Refused) for one in results):
        wrong.append(f"both were refused: {[str(one) for one in results]}")
    with arena.desk.entered():
        wrong += problems(scene.ticket) + problems(scene.into)
        state = state_of(scene.ticket)
        for deed, result in zip(pair.deeds, results, strict=True):
            always = [row for row in table.rows_of(deed.name, state) if not row.when and not row.unless]
            if isinstance(result, Refused) and any(deed.actor in row.who for row in always) and deed.name != "merge":
                wrong.append(f"{deed.name} is possible in {state}, but was refused: {result}")
    return wrong


def press_all(desk: Desk, chosen: Iterable[Pair]) -> int:
    """One desk for all of them: to make the cast anew each time would take minutes. Returns how many there were."""
    arena = Arena(desk)
    try:
        found = {str(pair): what_went_wrong(arena, pair) for pair in chosen}
    finally:
        arena.close()
    assert {name: wrong for name, wrong in found.items() if wrong} == {}
    return len(found)


def test_who_waited_for_the_row_sees_who_it_was_assigned_to_meanwhile(committed_desk: Desk) -> None:
    """PostgreSQL gives the changed row without its new neighbour to whoever waited."""
    desk = committed_desk
    with desk.entered():
        ticket = desk.submit()
        assert ticket.assignee != desk.manager
    with ThreadPoolExecutor(1) as pool, desk.entered():
        actions.assign(ticket, by=desk.manager, to=desk.manager)
        started = pool.submit(
            alone, inside(desk, lambda: actions.start_work(ticket, by=desk.agent, expected_minutes=5))
        )
        wait_until_waiting(1)
    assert started.result().assignee == desk.manager


def test_two_merges_at_once_make_no_chain(committed_desk: Desk) -> None:
    desk = committed_desk
    for _ in range(5):
        with desk.entered():
            first, second, third = (desk.submit() for _ in range(3))
        results = together(
            inside(desk, lambda a=first, b=second: actions.merge(a, by=desk.agent, into=b)),
            inside(desk, lambda a=second, b=third: actions.merge(a, by=desk.agent, into=b)),
        )
        assert sorted(type(one).__name__ for one in results) == ["Refused", "Ticket"]


def alone(deed: Callable[[], Any]) -> Any:
    """With a connection of its own."""
    try:
        return deed()
    finally:
        connection.close()


def test_two_verbs_at_once_leave_a_sound_ticket(committed_desk: Desk) -> None:
    """Every eighth pair; all of them below."""
    assert press_all(committed_desk, islice(pairs(), 0, None, 8)) > 37


@pytest.mark.slow
def test_every_two_verbs_at_once_leave_a_sound_ticket(committed_desk: Desk) -> None:
    assert press_all(committed_desk, pairs()) > 300
