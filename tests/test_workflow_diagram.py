"""docs/workflow.md: its drawing is that of the transitions, and it explains every verb and every state."""

import re

from django.core.management import call_command

from servicedesk.management.commands.draw_workflow import BEGIN, END, PAGE, drawing, redrawn, ways
from tests import workflow_table as table
from tickets.workflow import Status


def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def explained() -> str:
    """What people wrote, without the drawing."""
    return page().partition(BEGIN)[0] + page().partition(END)[2]


def test_the_drawing_is_fresh() -> None:
    assert redrawn(page()) == page(), "run `python3 run.py manage draw_workflow`"


def test_every_way_is_drawn() -> None:
    drawn = drawing()
    for way in ways():
        assert re.search(rf"    {way.source} --> {way.target}: .*\b{way.verb}\b", drawn), way


def test_drawing_again_changes_nothing() -> None:
    before = page()
    call_command("draw_workflow", verbosity=0)
    assert page() == before


def test_every_verb_is_explained() -> None:
    assert [verb for verb in table.VERBS if f"`{verb}`" not in explained()] == []


def test_every_state_is_explained() -> None:
    assert [str(status.label) for status in Status if f"**{status.label}**" not in explained()] == []
