"""Mail while everything is killed: the short form of `bench mail-faults`, with faults of every kind."""

import os
from typing import Any

import pytest

from bench.mail_faults import BACKLOG_SECONDS, FAULTS, MUST_BE_NONE, Plan, run
from tests.imap_server import needs_dovecot

pytestmark = [pytest.mark.slow, needs_dovecot]

MESSAGES, SECONDS, SEED = 150, 12.0, 4


@pytest.fixture(scope="module")
def told() -> tuple[str, dict[str, Any]]:
    """What was found, once for all tests of this file."""
    name = f"faults-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    return run(Plan(MESSAGES, len(FAULTS), SECONDS, SEED), name)


@pytest.mark.parametrize("name", MUST_BE_NONE)
def test_nothing_is_lost_and_nothing_is_done_twice(told: tuple[str, dict[str, Any]], name: str) -> None:
    words, found = told
    assert not found[name], words


def test_every_message_became_a_ticket_or_a_comment(told: tuple[str, dict[str, Any]]) -> None:
    states = told[1]["states"]
    assert states["ticket"] + states["comment"] == MESSAGES


def test_the_backlog_is_done_soon_after_the_last_fault(told: tuple[str, dict[str, Any]]) -> None:
    assert told[1]["backlog"] <= BACKLOG_SECONDS, told[0]
