"""Random people press random verbs while time passes, and what has to hold holds after each step.

The table says what each press must do (tests/workflow_table.py); tests/workflow_checks.py says what must always hold.
"""

from datetime import timedelta
from random import Random
from typing import Any

import pytest
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from structlog.testing import capture_logs

from accounts.errors import Refused
from accounts.models import Contract
from billing import actions as billing_actions
from conftest import Desk, in_days
from notifications.models import OutboxMessage, OutboxState
from tests import workflow_table as table
from tests.workflow_checks import everything, fresh, notices_of_own_deed, problems, state_of
from tests.workflow_hands import HANDS, WRONG, Scene, cast_of, scene_of
from tickets import actions, clock
from tickets.models import Estimate, EstimateState, RequestType, Ticket, TimeEntry
from tickets.verbs import available

MOST_TICKETS = 4
# What the columns alone do not tell the test: then only one direction is compared.
UNSURE = ("take_back", "merge", "unmerge")
PRESSED = tuple(verb for verb in table.PEOPLES_VERBS)
# What ends or only talks is pressed less often, so that lives are long.
SELDOM_PRESSED = ("comment", "cancel", "reject", "merge", "ask_to_cancel")
SELDOM = 0.3
# One rule is a number of presses; Hypothesis chooses and shrinks the rules, the dice choose within one.
PRESSES = 6
SEEDS = st.integers(0, 2**32)
WHICH = st.integers(1, 2)


class Life(RuleBasedStateMachine):
    """Some tickets of one desk. All of it happens in a savepoint that is thrown away."""

    desk: Desk
    rival: Desk

    def __init__(self) -> None:
        super().__init__()
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()
        self.people = cast_of(self.desk, self.rival.requester)
        self.tickets = [self.desk.submit(), self.desk.submit()]
        for ticket in self.tickets:
            scene_of(self.desk, ticket, ticket, self.people)

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.savepoint.__exit__(None, None, None)

    # ---- people ----

    @rule(seed=SEEDS)
    def people_do_what_the_states_ask_for(self, seed: int) -> None:
        """Most presses are sensible; at random alone nothing would ever be delivered. Other rules begin with it too."""
        dice = Random(seed)
        for _ in range(PRESSES):
            scene = self.scene(dice)
            state = state_of(scene.ticket)
            rows = [row for row in table.TABLE if row.verb in PRESSED and state in row.sources]
            weights = [SELDOM if row.verb in SELDOM_PRESSED else 1 for row in rows]
            row = dice.choices(rows, weights)[0]
            self.press(scene, row.verb, dice.choice(sorted(row.who)))
            assert problems(scene.ticket) == []

    @rule(seed=SEEDS)
    def people_try_whatever_comes_to_their_minds(self, seed: int) -> None:
        dice = Random(seed)
        for _ in range(PRESSES):
            self.press(self.scene(dice), dice.choice(PRESSED), dice.choice(table.PEOPLE))

    @rule(seed=SEEDS)
    def people_say_nonsense(self, seed: int) -> None:
        dice = Random(seed)
        for _ in range(PRESSES):
            scene, before = self.scene(dice), everything()
            verb, actor = dice.choice(sorted(WRONG)), dice.choice(table.PEOPLE)
            note(f"{actor}: nonsense about {verb}")
            with pytest.raises(Refused):
                dice.choice(WRONG[verb])(scene, scene.people[actor])
            assert everything() == before

    def scene(self, dice: Random) -> Scene:
        """A ticket, most often the newest, and another one."""
        ticket = dice.choice([*self.tickets, self.tickets[-1], self.tickets[-1]])
        into = dice.choice([one for one in self.tickets if one.pk != ticket.pk])
        return scene_of(self.desk, ticket, into, self.people)

    def press(self, scene: Scene, verb: str, actor: str) -> None:
        """One try: it does what the table says, or is refused and changes nothing."""
        state, facts, before = state_of(scene.ticket), self.facts(scene.ticket), everything()
        last_letter, person = self.last_letter(), scene.people[actor]
        note(f"{actor}: {verb} on {scene.ticket.reference} in {state}")
        expected = table.row_for(verb, state, actor, facts)
        if verb == "send_estimate" and not self.desk.tenant.billing_enabled:
            expected = None
        try:
            result = HANDS[verb](scene, person)
        except Refused:
            assert everything() == before, f"{verb} was refused, but something changed"
            assert expected is None or verb in UNSURE, f"{verb} by the {actor} in {state} was refused"
            return
        rows = [row for row in table.rows_of(verb, state) if actor in row.who]
        assert any(state_of(scene.ticket) in row.targets(state) for row in rows), f"{verb}: {state} to the wrong state"
        assert expected is not None or verb in UNSURE, f"{verb} by the {actor} in {state} was done"
        assert notices_of_own_deed(person.pk, last_letter) == []
        is_objection = state == table.INVOICE and verb == "comment" and actor in table.CUSTOMERS
        assert fresh(scene.ticket).is_held or not is_objection
        if isinstance(result, Ticket) and result.pk not in {ticket.pk for ticket in self.tickets}:
            self.add(result)

    def facts(self, ticket: Ticket) -> frozenset[str]:
        """What besides the state decides, read from the columns."""
        row = fresh(ticket)
        newest = Estimate.objects.filter(ticket=row).order_by("-version").first()
        later = TimeEntry.objects.filter(ticket=row, created_at__gt=row.delivered_at or timezone.now())
        known = {
            table.VERSION_STANDS: newest is not None
            and newest.state in (EstimateState.OPEN, EstimateState.CHANGES_REQUESTED),
            table.UNTOUCHED: row.delivered_at is not None and not later.exists(),
            table.HELD: row.is_held,
            table.AGREEMENT: Estimate.objects.accepted().filter(ticket=row).exists(),
            table.MERGED: row.merged_into_id is not None,
            table.TOOK_OVER: Ticket.objects.filter(merged_into=row).exists(),
            table.LONG_AGO: row.closed_at is not None
            and row.closed_at < timezone.now() - timedelta(days=self.desk.tenant.reopen_days),
            table.ASKED_TO_CANCEL: row.cancel_asked_at is not None,
            table.GAVE_IT: True,
        }
        return frozenset(fact for fact, holds in known.items() if holds)

    def add(self, ticket: Ticket) -> None:
        if len(self.tickets) == MOST_TICKETS:
            del self.tickets[0]
        self.tickets.append(ticket)

    def last_letter(self) -> int:
        return OutboxMessage.objects.order_by("-pk").values_list("pk", flat=True).first() or 0

    # ---- around the verbs ----

    @rule(seed=SEEDS)
    def a_new_request(self, seed: int) -> None:
        self.add(self.desk.submit())
        self.people_do_what_the_states_ask_for(seed)

    @rule(seed=SEEDS, which=WHICH, minutes=st.sampled_from([5, 25, 90, 300]), is_billable=st.booleans())
    def an_agent_works(self, seed: int, which: int, minutes: int, is_billable: bool) -> None:
        self.people_do_what_the_states_ask_for(seed)
        ticket = self.tickets[-which]
        is_over = state_of(ticket) in (*table.ENDED, table.INVOICE)
        before = TimeEntry.objects.count()
        self.or_refused(
            actions.record_time,
            ticket,
            by=self.desk.agent,
            minutes=minutes,
            description="Work",
            is_billable=is_billable,
        )
        assert TimeEntry.objects.count() == before + (not is_over)

    @rule(which=WHICH, minutes=st.sampled_from([0, 10, 60]))
    def an_entry_is_corrected(self, which: int, minutes: int) -> None:
        entry = TimeEntry.objects.filter(ticket=self.tickets[-which]).order_by("-pk").first()
        if entry is not None:
            self.or_refused(
                actions.correct_time,
                entry,
                by=self.desk.agent,
                minutes=minutes,
                description="Less",
                is_billable=True,
            )

    @rule(which=WHICH, is_covered=st.booleans(), kind=st.integers(0, 1))
    def an_agent_completes_it(self, which: int, is_covered: bool, kind: int) -> None:
        contract, _made = Contract.objects.get_or_create(
            number="C-1",
            defaults={"organisation": self.desk.organisation, "starts_on": in_days(-30), "covers_work": True},
        )
        self.or_refused(
            actions.complete,
            self.tickets[-which],
            by=self.desk.agent,
            organisation=self.desk.organisation,
            request_type=RequestType.objects.order_by("id")[kind],
            priority=3,
            contract=contract if is_covered else None,
        )

    @rule(seed=SEEDS)
    def the_accountant_issues_an_invoice(self, seed: int) -> None:
        self.people_do_what_the_states_ask_for(seed)
        ready = Ticket.objects.to_invoice().filter(organisation=self.desk.organisation)
        self.or_refused(
            billing_actions.issue_invoice,
            self.desk.organisation,
            tickets=list(ready.values_list("pk", flat=True)),
            by=self.desk.accountant,
        )

    def or_refused(self, deed: Any, *args: Any, **kwargs: Any) -> None:
        before = everything()
        try:
            deed(*args, **kwargs)
        except Refused:
            assert everything() == before

    # ---- time ----

    @rule(seed=SEEDS, days=st.sampled_from([0, 1, 3, 5, 8, 15, 40]))
    def time_passes(self, seed: int, days: int) -> None:
        """The tickets' dates move instead of the world's; the clock looks as often as it would have."""
        self.people_do_what_the_states_ask_for(seed)
        moved = {name: F(name) - timedelta(days=days) for name in ("period_ends_at", "clock_at", "closed_at")}
        Ticket.objects.update(**moved)
        before = {ticket.pk: state_of(ticket) for ticket in self.tickets}
        with capture_logs() as logged:
            for _ in range(3):
                clock.work_off(self.desk.id, timezone.now())
        assert [line for line in logged if line["event"] == "clock failed"] == []
        for ticket in self.tickets:
            self.check_clocks_step(before[ticket.pk], state_of(ticket))

    def check_clocks_step(self, before: str, after: str) -> None:
        """The clock may take a ticket one step of the table further, and no further."""
        ends = {end for row in table.TABLE if table.CLOCK in row.who for end in row.targets(before)}
        assert after == before or after in ends, f"the clock took it from {before} to {after}"

    @rule(state=st.sampled_from([OutboxState.SENT, OutboxState.FAILED]))
    def the_mail_goes_out_or_does_not(self, state: OutboxState) -> None:
        OutboxMessage.objects.filter(state=OutboxState.QUEUED).update(state=state)

    # ---- what always holds ----

    @invariant()
    def every_ticket_is_sound(self) -> None:
        for ticket in self.tickets:
            assert problems(ticket) == []

    @invariant()
    def strangers_see_nothing(self) -> None:
        for actor in table.BLIND:
            person = self.people[actor]
            assert not Ticket.objects.visible_to(person).exists()
            assert all(available(fresh(ticket), person) == [] for ticket in self.tickets[:1])


def live(inside: Desk, rival: Desk, *, lives: int, steps: int, seeded: bool) -> None:
    machine = type("Life", (Life,), {"desk": inside, "rival": rival})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=lives,
            stateful_step_count=steps,
            derandomize=seeded,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.slow
def test_some_lives(inside: Desk, rival: Desk) -> None:
    live(inside, rival, lives=5, steps=15, seeded=True)


@pytest.mark.slow
def test_m9_some_lives_without_billing(inside: Desk, rival: Desk) -> None:
    inside.tenant.billing_enabled = False
    inside.tenant.save()
    live(inside, rival, lives=2, steps=10, seeded=True)


@pytest.mark.slow
def test_many_lives(inside: Desk, rival: Desk) -> None:
    """Not seeded: each run looks at other lives."""
    live(inside, rival, lives=25, steps=40, seeded=False)
