"""The hands that press the table's verbs, with right input or with wrong."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.models import Person
from conftest import LINES, Desk, in_days
from tests import workflow_table as table
from tickets import actions
from tickets.models import Participant, Ticket
from tickets.proof import Quote


@dataclass
class Scene:
    """A desk, a ticket to try on, an open ticket to merge it into, and everybody who might press."""

    desk: Desk
    ticket: Ticket
    into: Ticket
    people: dict[str, Person] = field(default_factory=dict)

    def person(self, actor: str) -> Person | None:
        return self.people[actor] if actor != table.CLOCK else None


def cast_of(desk: Desk, outsider: Person) -> dict[str, Person]:
    """Everybody of the table but the guest, who is invited to one ticket."""
    return {
        table.REQUESTER: desk.requester,
        table.COLLEAGUE: desk.clerk(),
        table.APPROVER: desk.approver,
        table.SIGNATORY: desk.signatory(),
        table.SMALL_APPROVER: desk.small_approver(),
        table.DEPUTY: desk.deputy(),
        table.READER: desk.reader(),
        table.STRANGER: desk.stranger,
        table.OUTSIDER: outsider,
        table.AGENT: desk.agent,
        table.SECOND_LINE: desk.specialist(),
        table.ACCOUNTANT: desk.accountant,
        table.MANAGER: desk.manager,
    }


def scene_of(desk: Desk, ticket: Ticket, into: Ticket, people: dict[str, Person]) -> Scene:
    """The guest takes part without an event of it, which would count as somebody's deed."""
    guest = desk.joins("Gus Guest")
    Participant.objects.get_or_create(ticket=ticket, person=guest, defaults={"added_by": desk.agent})
    return Scene(desk, ticket, into, {**people, table.GUEST: guest})


Hand = Callable[[Scene, Any], object]


def quoting(scene: Scene, by: Person, *, approver: bool = False) -> Quote | None:
    """Staff write down what a customer said; customers speak for themselves."""
    if not by.is_staff:
        return None
    return Quote(scene.desk.approver if approver else scene.desk.requester, "Yes, that is all right.")


HANDS: dict[str, Hand] = {
    "submit": lambda s, by: s.desk.submit(by=by, requester=s.desk.requester if by.is_staff else None),
    "start_work": lambda s, by: actions.start_work(s.ticket, by=by, expected_minutes=20),
    "send_estimate": lambda s, by: actions.send_estimate(s.ticket, by=by, lines=LINES, due_on=in_days(14)),
    "accept_estimate": lambda s, by: actions.accept_estimate(s.ticket, by=by, quote=quoting(s, by, approver=True)),
    "request_changes": lambda s, by: actions.request_changes(s.ticket, by=by, text="Without the tray, please."),
    "withdraw_estimate": lambda s, by: actions.withdraw_estimate(s.ticket, by=by, text="The price was wrong."),
    "expire_estimate": lambda s, by: actions.expire_estimate(s.ticket),
    "remind_of_estimate": lambda s, by: actions.remind_of_estimate(s.ticket),
    "request_information": lambda s, by: actions.request_information(s.ticket, by=by, text="Which printer?"),
    "remind_of_information": lambda s, by: actions.remind_of_information(s.ticket),
    "close_unanswered": lambda s, by: actions.close_unanswered(s.ticket),
    "deliver": lambda s, by: actions.deliver(s.ticket, by=by, text="It prints again."),
    "note_unheard_silence": lambda s, by: actions.note_unheard_silence(s.ticket),
    "remind_of_review": lambda s, by: actions.remind_of_review(s.ticket),
    "schedule_deployment": lambda s, by: actions.schedule_deployment(
        s.ticket, by=by, day=in_days(3), quote=quoting(s, by)
    ),
    "remind_of_deployment": lambda s, by: actions.remind_of_deployment(
        s.ticket, again_at=timezone.now() + timedelta(days=7)
    ),
    "accept_solution": lambda s, by: actions.accept_solution(s.ticket, by=by, quote=quoting(s, by)),
    "accept_by_silence": lambda s, by: actions.accept_by_silence(s.ticket),
    "mark_for_invoice": lambda s, by: actions.mark_for_invoice(
        s.ticket, by=by, quote=Quote(s.desk.requester, "All is well now.")
    ),
    "take_back": lambda s, by: actions.take_back_acceptance(s.ticket, by=by),
    "reopen": lambda s, by: actions.reopen(s.ticket, by=by, text="Page two is missing."),
    "follow_up": lambda s, by: actions.follow_up(s.ticket, by=by, text="It broke again."),
    "comment": lambda s, by: actions.comment(s.ticket, by=by, text="Something to add."),
    "cancel": lambda s, by: actions.cancel(s.ticket, by=by, text="We bought another one.", quote=quoting(s, by)),
    "ask_to_cancel": lambda s, by: actions.ask_to_cancel(s.ticket, by=by, text="Please stop."),
    "lapse_unpaid_order": lambda s, by: actions.lapse_unpaid_order(s.ticket),
    "reject": lambda s, by: actions.reject(s.ticket, by=by, text="We do not repair these."),
    "merge": lambda s, by: actions.merge(s.ticket, by=by, into=s.into),
    "unmerge": lambda s, by: actions.unmerge(s.ticket, by=by),
    "dismiss_objection": lambda s, by: actions.dismiss_objection(s.ticket, by=by),
    "close": lambda s, by: actions.close(s.ticket, by=by, reason="A goodwill gesture."),
}

# Input that is never right. A verb that takes nothing but its button has none.
WRONG: dict[str, tuple[Hand, ...]] = {
    "start_work": (
        lambda s, by: actions.start_work(s.ticket, by=by, expected_minutes=0),
        lambda s, by: actions.start_work(s.ticket, by=by, expected_minutes=60_001),
    ),
    "send_estimate": (
        lambda s, by: actions.send_estimate(s.ticket, by=by, lines=[], due_on=in_days(14)),
        lambda s, by: actions.send_estimate(s.ticket, by=by, lines=LINES, due_on=in_days(-2)),
        lambda s, by: actions.send_estimate(
            s.ticket, by=by, lines=[actions.NewLine("Free", price=Decimal(0))], due_on=in_days(14)
        ),
        lambda s, by: actions.send_estimate(
            s.ticket, by=by, lines=[actions.NewLine("Half a cent", price=Decimal("1.005"))], due_on=in_days(14)
        ),
    ),
    "accept_estimate": (
        lambda s, by: actions.accept_estimate(s.ticket, by=by, version=99),
        lambda s, by: actions.accept_estimate(s.ticket, by=by, quote=Quote(s.desk.requester, "I may not.")),
        lambda s, by: actions.accept_estimate(s.ticket, by=by, quote=Quote(s.desk.approver, "  ")),
    ),
    "request_changes": (lambda s, by: actions.request_changes(s.ticket, by=by, text=" \n"),),
    "withdraw_estimate": (lambda s, by: actions.withdraw_estimate(s.ticket, by=by, text=""),),
    "request_information": (lambda s, by: actions.request_information(s.ticket, by=by, text=""),),
    "deliver": (lambda s, by: actions.deliver(s.ticket, by=by, text="\t"),),
    "schedule_deployment": (
        lambda s, by: actions.schedule_deployment(s.ticket, by=by, day=in_days(-2)),
        lambda s, by: actions.schedule_deployment(
            s.ticket, by=by, day=in_days(3), quote=Quote(s.desk.stranger, "Do it.")
        ),
    ),
    "accept_solution": (
        lambda s, by: actions.accept_solution(s.ticket, by=by, quote=Quote(s.desk.stranger, "Fine.")),
        lambda s, by: actions.accept_solution(s.ticket, by=by, quote=Quote(s.desk.requester, "")),
        lambda s, by: actions.accept_solution(s.ticket, by=s.desk.agent),
    ),
    "mark_for_invoice": (
        lambda s, by: actions.mark_for_invoice(s.ticket, by=by, quote=Quote(s.desk.agent, "I said so myself.")),
    ),
    "reopen": (lambda s, by: actions.reopen(s.ticket, by=by, text=" "),),
    "follow_up": (lambda s, by: actions.follow_up(s.ticket, by=by, text=""),),
    "comment": (lambda s, by: actions.comment(s.ticket, by=by, text="  "),),
    "cancel": (
        lambda s, by: actions.cancel(s.ticket, by=by, text="", quote=quoting(s, by)),
        lambda s, by: actions.cancel(s.ticket, by=s.desk.agent, text="No quote."),
    ),
    "ask_to_cancel": (lambda s, by: actions.ask_to_cancel(s.ticket, by=by, text=""),),
    "reject": (lambda s, by: actions.reject(s.ticket, by=by, text=" "),),
    "merge": (lambda s, by: actions.merge(s.ticket, by=by, into=s.ticket),),
    "close": (lambda s, by: actions.close(s.ticket, by=by, reason=""),),
}


def press(scene: Scene, verb: str, actor: str) -> object:
    return HANDS[verb](scene, scene.person(actor))
