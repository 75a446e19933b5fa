"""`manage.py draw_workflow`: draw the ways between a ticket's states into docs/workflow.md, from the transitions."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import translation

from tickets.models import Ticket
from tickets.workflow import ENDED, Status, WaitingFor

PAGE = Path(settings.BASE_DIR) / "docs" / "workflow.md"
BEGIN, END = "<!-- drawn by manage draw_workflow -->", "<!-- end of the drawing -->"
LEGS = ("Until it is accepted or given up", "Ends, and ways back")
OUT = (*ENDED, Status.INVOICE)
# In the order of a life.
PLACES = [place for status in Status for place in (WaitingFor.values if status == Status.WAITING else [status])]


class Way(NamedTuple):
    """From a state to a state by a verb; waiting for the customer is a state for each thing that is waited for."""

    source: str
    target: str
    verb: str


class Command(BaseCommand):
    help = "Draw the workflow's states and transitions into docs/workflow.md."
    requires_system_checks: Any = []

    def handle(self, *args: Any, **options: Any) -> None:
        PAGE.write_text(redrawn(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
        self.stdout.write(f"{PAGE} is drawn.")


def redrawn(page: str) -> str:
    """The page with a fresh drawing between its marks."""
    before, _mark, rest = page.partition(BEGIN)
    _old, _mark, after = rest.partition(END)
    return f"{before}{BEGIN}\n{drawing()}\n{END}{after}"


def drawing() -> str:
    """Two diagrams, because one of all ways is a ball of wool."""
    found = sorted(ways(), key=lambda way: (PLACES.index(way.source), PLACES.index(way.target), way.verb))
    alive = [way for way in found if way.source not in OUT and way.target not in OUT]
    with translation.override("en"):
        return "\n\n".join(
            f"**{title}**\n\n{diagram(legs)}"
            for title, legs in zip(LEGS, (alive, [way for way in found if way not in alive]), strict=True)
        )


def diagram(found: Iterable[Way]) -> str:
    verbs: dict[tuple[str, str], list[str]] = {}
    for way in found:
        verbs.setdefault((way.source, way.target), []).append(way.verb)
    states = [place for place in PLACES if any(place in pair for pair in verbs)]
    lines = ["```mermaid", "stateDiagram-v2", "    direction LR"]
    lines += [f'    state "{label(state)}" as {state}' for state in states]
    if (Status.OPEN, Status.IN_PROGRESS) in verbs:
        lines.append(f"    [*] --> {Status.OPEN}: submit")
    lines += [f"    {source} --> {target}: {', '.join(names)}" for (source, target), names in verbs.items()]
    return "\n".join([*lines, "```"])


def label(state: str) -> str:
    if state in WaitingFor.values:
        return f"{Status.WAITING.label}: {WaitingFor(state).label}"
    return str(Status(state).label)


def ways() -> Iterator[Way]:
    """Every way that the transitions allow."""
    field: Any = Ticket._meta.get_field("status")
    for one in field.get_all_transitions(Ticket):
        for source in WaitingFor.values if one.source == Status.WAITING else [str(one.source)]:
            waiting_for = source if one.source == Status.WAITING else ""
            ticket = SimpleNamespace(status=one.source, waiting_for=waiting_for)
            if all(condition(ticket) for condition in one.conditions):
                for target in getattr(one.target, "allowed_states", None) or [one.target]:
                    yield Way(source, _place(one, target, ticket), one.name)


def _place(transition: Any, target: str, ticket: SimpleNamespace) -> str:
    """The target's name; of waiting, what for, as the transition itself says it."""
    if target != Status.WAITING:
        return str(target)
    transition.method(ticket)
    return str(ticket.waiting_for)
