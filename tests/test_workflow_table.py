"""Every verb in every state by everybody, against the table (tests/workflow_table.py)."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.errors import Refused
from accounts.events import history_of
from conftest import Desk
from notifications.models import OutboxMessage, OutboxState
from servicedesk.management.commands.draw_workflow import ways
from tests import workflow_table as table
from tests.workflow_checks import everything, fresh, problems, state_of
from tests.workflow_hands import WRONG, Scene, cast_of, press, scene_of
from tests.workflow_situations import PLAIN, SITUATIONS, Situation, merged_into_invoiced, over
from tickets import actions, clock, gates
from tickets.models import Ticket
from tickets.verbs import available
from tickets.workflow import Status, WaitingFor

# Who presses in the variants of a state; in the state itself everybody does.
FEW = (table.REQUESTER, table.APPROVER, table.AGENT, table.ACCOUNTANT)


def actors_in(situation: Situation) -> tuple[str, ...]:
    return table.PEOPLE if situation in PLAIN else FEW


class Undone(Exception):  # noqa: N818 - named by what happened
    """Takes a try back: it throws away what the savepoint around it holds."""


def scene_in(situation: Situation, desk: Desk, rival: Desk) -> Scene:
    people = cast_of(desk, rival.requester)
    into = desk.submit()
    return scene_of(desk, situation.make(desk), into, people)


def tries(situation: Situation) -> Iterator[tuple[str, str]]:
    for verb in table.PEOPLES_VERBS:
        for actor in actors_in(situation):
            yield verb, actor
    for verb in table.CLOCKS_VERBS:
        yield verb, table.CLOCK


def tried(scene: Scene, deed: Callable[[], object], before: tuple[object, ...], *, look: bool = True) -> str:
    """Where the deed led, or 'refused'; and, for who wants to look, what is wrong with that. Nothing of it stays."""
    said = ""
    try:
        with transaction.atomic():
            try:
                deed()
            except Refused:
                said = "refused" if everything() == before else "refused, but something changed"
            else:
                wrong = problems(scene.ticket) if look else []
                said = f"{state_of(scene.ticket)}{': ' if wrong else ''}{'; '.join(wrong)}"
            raise Undone
    except Undone:
        return said


# ---- the grid ----


# Of the grid's rows these are walked with every run, and all of them with `make test-all`.
AT_ONCE = ("open", "estimated", "agreed", "review", "invoice")
GRID = [pytest.param(one, marks=[] if str(one) in AT_ONCE else [pytest.mark.slow], id=str(one)) for one in SITUATIONS]


@pytest.mark.parametrize("situation", GRID)
def test_every_verb_by_everybody_does_what_the_table_says(inside: Desk, rival: Desk, situation: Situation) -> None:
    scene = scene_in(situation, inside, rival)
    assert state_of(scene.ticket) == situation.state
    assert problems(scene.ticket) == []
    before = everything()
    surprises, seen = [], set()
    for verb, actor in tries(situation):
        facts = situation.facts_for(actor)
        row = table.row_for(verb, situation.state, actor, facts)
        expected = row.leads_to(situation.state, facts) if row else "refused"
        # The rows and letters that a verb leaves are looked at once.
        deed = partial(press_and_note, scene, verb, actor, row.event if row else "")
        found = tried(scene, deed, before, look=verb not in seen)
        if found != "refused":
            seen.add(verb)
        if found != expected:
            surprises.append(f"{verb} by the {actor}: {found}, by the table {expected}")
    for actor in actors_in(situation):
        surprises += [f"{verb} by the {actor} is {why}" for verb, why in misoffered(situation, scene, actor)]
    assert surprises == []
    assert everything() == before


def press_and_note(scene: Scene, verb: str, actor: str, event: str) -> None:
    """What the table says that history calls it, history gets once; a line that is held is not held again."""
    known = history_of(scene.ticket).filter(kind=f"ticket.{event}")
    expected = known.count() + (event != "" and not (event == "held" and fresh(scene.ticket).is_held))
    press(scene, verb, actor)
    assert known.count() == expected


def misoffered(situation: Situation, scene: Scene, actor: str) -> Iterator[tuple[str, str]]:
    """What is offered is what can be done, and the other way round."""
    person, facts = scene.people[actor], situation.facts_for(actor)
    offered = {verb.name for verb in available(fresh(scene.ticket), person)}
    allowed = {
        verb
        for verb in table.PEOPLES_VERBS
        if verb not in table.NOT_OFFERED and table.row_for(verb, situation.state, actor, facts)
    }
    if len(allowed & set(table.SAME_DEED)) == 2:
        # One button for one deed, whichever of the two.
        allowed -= set(table.SAME_DEED) - offered
    yield from ((verb, "offered and not allowed") for verb in offered - allowed)
    yield from ((verb, "allowed and not offered") for verb in allowed - offered)


@pytest.mark.parametrize("situation", PLAIN, ids=str)
def test_wrong_input_is_refused_and_changes_nothing(inside: Desk, rival: Desk, situation: Situation) -> None:
    scene = scene_in(situation, inside, rival)
    before = everything()
    for verb, hands in WRONG.items():
        for actor in (table.APPROVER, table.AGENT, table.ACCOUNTANT):
            if table.row_for(verb, situation.state, actor, situation.facts_for(actor)) is None:
                continue  # refused whatever is said
            for number, hand in enumerate(hands):
                said = tried(scene, partial(hand, scene, scene.people[actor]), before)
                assert (verb, number, actor, said) == (verb, number, actor, "refused")


def test_only_whoever_may_ask_files_for_the_organisation(inside: Desk, rival: Desk) -> None:
    scene = scene_in(PLAIN[0], inside, rival)
    before = everything()
    found = {actor: tried(scene, partial(press, scene, "submit", actor), before) for actor in table.PEOPLE}
    expected = {
        actor: "open" if table.row_for("submit", table.NOWHERE, actor, frozenset()) else "refused"
        for actor in table.PEOPLE
    }
    assert found == expected


def test_the_table_and_the_transitions_have_the_same_ways() -> None:
    waiting = {kind: f"{Status.WAITING}/{kind}" for kind in WaitingFor.values}
    drawn = {(waiting.get(way.source, way.source), waiting.get(way.target, way.target), way.verb) for way in ways()}
    written = {
        (source, target, transition_of(row.verb, source))
        for row in table.TABLE
        for source in row.sources
        for target in row.targets(source)
        if row.target != table.SAME and source != table.NOWHERE
    }
    assert drawn == written


def transition_of(verb: str, source: str) -> str:
    """The transitions know states only: what the clock or a comment does is another verb's transition."""
    if verb == "take_back":
        return "take_back_estimate" if source == table.AGREED else "take_back_solution"
    same = {
        "accept_by_silence": "accept_solution",
        "comment": "reopen",
        "expire_estimate": "withdraw_estimate",
        "lapse_unpaid_order": "cancel",
    }
    return same.get(verb, verb)


# ---- ways out ----


@pytest.mark.parametrize("state", table.ALIVE)
def test_the_provider_has_a_way_out_of_every_state(state: str) -> None:
    assert any(
        row.who & table.STAFF and state in row.sources and row.targets(state) - {state}
        for row in table.TABLE
        if not row.when and not row.unless
    )


@pytest.mark.parametrize("state", table.STATES)
def test_the_customer_has_a_word_in_every_state(state: str) -> None:
    assert any(row.who & table.CUSTOMERS and state in row.sources for row in table.TABLE if row.verb != "comment")


@pytest.mark.parametrize("state", table.WITH_CUSTOMER)
def test_a_silent_customer_stops_nothing(state: str) -> None:
    assert any(table.CLOCK in row.who and state in row.sources and row.targets(state) - {state} for row in table.TABLE)


@pytest.mark.parametrize("state", table.HAS_CLOCK)
def test_somebody_is_told_when_a_period_ends(inside: Desk, rival: Desk, state: str) -> None:
    situation = next(one for one in PLAIN if one.state == state)
    scene = scene_in(situation, inside, rival)
    for _ in range(4):  # reminders first
        OutboxMessage.objects.update(state=OutboxState.SENT)
        past = timezone.now() - timedelta(seconds=1)
        row = Ticket.objects.get(pk=scene.ticket.pk)
        if row.period_ends_at is not None and row.clock_at == row.period_ends_at:
            Ticket.objects.filter(pk=row.pk).update(period_ends_at=past)
        if row.clock_at is not None:
            Ticket.objects.filter(pk=row.pk).update(clock_at=past)
        clock.work_off(inside.id, timezone.now())
    letter, told = table.END_OF_PERIOD[state]
    heard = set(OutboxMessage.objects.filter(kind=letter).values_list("to_person_id", flat=True))
    assert {scene.people[actor].pk for actor in told} <= heard


@pytest.mark.parametrize("state", [table.INFORMATION, table.REVIEW])
def test_somebody_is_told_when_silence_does_not_count(inside: Desk, state: str) -> None:
    ticket = over(inside.delivered() if state == table.REVIEW else inside.asked(), heard=False)
    Ticket.objects.filter(pk=ticket.pk).update(clock_at=timezone.now())
    clock.work_off(inside.id, timezone.now())
    assert OutboxMessage.objects.filter(kind="ticket.silence_unheard", to_person=inside.agent).count() == 1
    assert problems(ticket) == []


def test_the_manager_is_told_when_the_assignee_has_left(inside: Desk) -> None:
    ticket = over(inside.delivered(), heard=False)
    inside.agent.is_active = False
    inside.agent.save()
    Ticket.objects.filter(pk=ticket.pk).update(clock_at=timezone.now())
    clock.work_off(inside.id, timezone.now())
    assert OutboxMessage.objects.filter(kind="ticket.silence_unheard", to_person=inside.manager).exists()


# ---- a desk without billing (M9) ----


FREE = tuple(one for one in PLAIN if one.state not in (*table.NEEDS_BILLING, table.AGREED))  # what can be reached there


@pytest.mark.parametrize("situation", FREE, ids=str)
def test_m9_without_billing_nothing_is_estimated_or_invoiced(inside: Desk, rival: Desk, situation: Situation) -> None:
    inside.tenant.billing_enabled = False
    inside.tenant.save()
    scene = scene_in(situation, inside, rival)
    for actor in FEW:
        offered = {verb.name for verb in available(fresh(scene.ticket), scene.people[actor])}
        assert not offered & {"send_estimate", "accept_estimate", "close", "dismiss_objection"}
    before = everything()
    for verb in table.PEOPLES_VERBS:
        for actor in (table.APPROVER, table.MANAGER):
            said = tried(scene, partial(press, scene, verb, actor), before)
            assert said not in table.NEEDS_BILLING
            assert verb != "send_estimate" or said == "refused"


# ---- single conditions that the grid has not ----


def test_an_order_that_lapsed_cancels_and_nobody_owes_anything(inside: Desk) -> None:
    with gates.order_has_lapsed.registered(lambda ticket: True):
        ticket = actions.lapse_unpaid_order(inside.agreed())
    assert state_of(ticket) == table.CANCELLED
    assert problems(ticket) == []


def test_a_merge_stands_once_its_time_is_accepted_with_the_other(inside: Desk) -> None:
    ticket = merged_into_invoiced(inside)
    with pytest.raises(Refused) as caught:
        actions.unmerge(ticket, by=inside.agent)
    assert caught.value.code == "billed"
    assert "unmerge" not in {verb.name for verb in available(fresh(ticket), inside.agent)}
