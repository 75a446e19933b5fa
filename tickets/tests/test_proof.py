"""The proof of an acceptance: who, when, from where, the exact words, and a hash of all of it (B12, B16, A7)."""

import hashlib
import json
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from accounts.errors import NotAllowed, Refused
from accounts.models import Person
from conftest import Desk, Visit
from tickets import actions
from tickets.decisions import link_to_decide, read_link
from tickets.models import Approval, Ticket
from tickets.models.ticket import Channel
from tickets.proof import HASHED, Origin
from tickets.tests.steps import all_mail_is_sent, fresh, newest, next_tick, says
from tickets.workflow import Status

ADDRESS = "192.0.2.7"


def proof_of(ticket: Ticket) -> Approval:
    row: Approval = Approval.objects.filter(ticket=ticket).latest("id")
    return row


def by_button(desk: Desk) -> Approval:
    return proof_of(actions.accept_solution(desk.delivered(), by=desk.requester, origin=Origin(from_address=ADDRESS)))


def by_email(desk: Desk) -> Approval:
    origin = Origin(from_address=ADDRESS, link="abc")
    return proof_of(actions.accept_solution(desk.delivered(), by=desk.requester, origin=origin))


def quoted(desk: Desk) -> Approval:
    quote = says(desk.colleague, " It works. ", channel=Channel.PHONE, said_at=timezone.now() - timedelta(hours=1))
    return proof_of(actions.accept_solution(desk.delivered(), by=desk.agent, quote=quote))


def by_silence(desk: Desk) -> Approval:
    ticket = next_tick(desk, desk.delivered())
    all_mail_is_sent()
    return proof_of(next_tick(desk, ticket))


def of_an_estimate(desk: Desk) -> Approval:
    return proof_of(desk.agreed())


def by_a_deputy(desk: Desk) -> Approval:
    return proof_of(actions.accept_estimate(desk.estimated(), by=desk.deputy()))


def taken_back(desk: Desk) -> Approval:
    return proof_of(actions.take_back_acceptance(desk.agreed(), by=desk.approver))


EVERY_KIND = [by_button, by_email, quoted, by_silence, of_an_estimate, by_a_deputy, taken_back]
every_kind = pytest.mark.parametrize("accepted", EVERY_KIND, ids=lambda make: make.__name__)


# ---- how it was accepted ----


@pytest.mark.parametrize(
    ("accepted", "manner"),
    [(by_button, "button"), (by_email, "email"), (quoted, "quoted"), (by_silence, "silence")],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_the_proof_says_how_it_was_accepted(inside: Desk, accepted: Any, manner: str) -> None:
    assert accepted(inside).manner == manner


def test_who_pressed_the_button_and_from_where(inside: Desk) -> None:
    row = by_button(inside)
    assert (row.person, row.from_address, row.recorded_by) == (inside.requester, ADDRESS, None)


def test_a_quote_names_who_said_it_and_who_wrote_it_down(inside: Desk) -> None:
    row = quoted(inside)
    assert (row.person, row.recorded_by, row.words, row.channel) == (
        inside.colleague,
        inside.agent,
        "It works.",
        "phone",
    )


def test_a_quote_keeps_when_it_was_said(inside: Desk) -> None:
    row = quoted(inside)
    assert row.said_at is not None
    assert timedelta(minutes=59) < row.at - row.said_at < timedelta(minutes=61)


def test_a_quote_without_a_moment_was_said_just_now(inside: Desk) -> None:
    ticket = actions.accept_solution(inside.delivered(), by=inside.agent, quote=says(inside.requester))
    assert proof_of(ticket).said_at is not None


def test_silence_is_nobodys_word(inside: Desk) -> None:
    row = by_silence(inside)
    assert (row.person, row.recorded_by, row.from_address, row.words) == (None, None, None, "")


def test_a_deputy_is_named_with_whom_they_stand_for(inside: Desk) -> None:
    row = by_a_deputy(inside)
    assert (str(row.person), row.in_place_of) == ("Dora Deputy", inside.approver)


def test_who_decides_in_their_own_right_stands_for_nobody(inside: Desk) -> None:
    assert of_an_estimate(inside).in_place_of is None


def test_the_proof_of_an_estimate_names_version_and_amount(inside: Desk) -> None:
    row = proof_of(inside.agreed(inside.estimated(inside.estimated())))
    assert row.estimate is not None
    assert (row.estimate.version, str(row.amount), row.currency) == (2, "290.00", "EUR")


def test_the_proof_of_a_solution_names_no_amount(inside: Desk) -> None:
    row = by_button(inside)
    assert (row.estimate, row.amount, row.currency) == (None, None, "")


# ---- the words ----


def test_every_line_that_was_accepted_is_in_the_words(inside: Desk) -> None:
    words = of_an_estimate(inside).text
    wanted = ("DESK-1", "1. Analysis: 3 h at 60.00 EUR an hour, 180.00 EUR", "2. A new tray: 110.00 EUR", "350.90 EUR")
    assert [part for part in wanted if part not in words] == []


def test_note_terms_and_reason_are_in_the_words(inside: Desk) -> None:
    line = actions.NewLine("A claim", price=newest(inside.estimated()).net_total * 0)
    ticket = inside.estimated(lines=[line], zero_reason="Our mistake", note="As agreed", terms="No refund")
    words = proof_of(inside.agreed(ticket)).text
    assert [part for part in ("Our mistake", "As agreed", "No refund") if part not in words] == []


def test_the_words_are_in_the_language_of_who_accepts(inside: Desk) -> None:
    """Figures as they write them; whatever language the one who pressed it reads."""
    Person.objects.filter(pk=inside.approver.pk).update(language="lv")
    approver = Person.objects.get(pk=inside.approver.pk)
    row = proof_of(actions.accept_estimate(inside.estimated(), by=inside.agent, quote=says(approver)))
    assert ("350,90 EUR" in row.text, "350.90 EUR" in row.text) == (True, False)


def test_the_words_of_silence_are_in_the_requesters_language(inside: Desk) -> None:
    english = by_silence(inside).text
    Person.objects.filter(pk=inside.requester.pk).update(language="lv")
    assert by_silence(inside).text != english.replace("DESK-1", "DESK-2")


def test_the_words_name_the_delivery(inside: Desk) -> None:
    ticket = inside.delivered()
    assert ticket.reference in proof_of(actions.accept_solution(ticket, by=inside.requester)).text


# ---- the record and its hash ----


@every_kind
def test_the_hash_is_of_the_record(inside: Desk, accepted: Any) -> None:
    row = accepted(inside)
    assert hashlib.sha256(row.record.encode()).hexdigest() == row.sha256


@every_kind
def test_it_is_intact(inside: Desk, accepted: Any) -> None:
    assert accepted(inside).is_intact


@every_kind
def test_the_record_says_what_the_columns_say(inside: Desk, accepted: Any) -> None:
    """Read back from the database: what was hashed is what stands there."""
    row = accepted(inside)
    said = json.loads(row.record)
    columns = {name: getattr(row, name) for name in HASHED}
    assert {name: said[name] for name in HASHED} == {
        name: value
        if value is None or isinstance(value, int)
        else value.isoformat()
        if hasattr(value, "isoformat")
        else str(value)
        for name, value in columns.items()
    }


@every_kind
def test_the_record_names_the_reference(inside: Desk, accepted: Any) -> None:
    row = accepted(inside)
    assert json.loads(row.record)["reference"] == row.ticket.reference


def test_the_record_names_no_person_by_name(inside: Desk) -> None:
    """Erasing somebody's name must leave the proof whole."""
    row = by_a_deputy(inside)
    assert [name for name in ("Dora", "Colin", "deputy@") if name in row.record] == []


def test_every_column_is_hashed_but_what_is_made_of_them() -> None:
    columns = {field.attname for field in Approval._meta.local_fields}
    # The link's number is a key: it stands in no document that is handed out.
    assert columns - set(HASHED) == {"id", "link", "record", "sha256"}


def test_a_changed_record_is_noticed(inside: Desk) -> None:
    row = by_button(inside)
    row.record = row.record.replace(ADDRESS, "192.0.2.8")
    assert not row.is_intact


def test_the_first_records_were_hashed_by_their_words(inside: Desk) -> None:
    row = Approval(text="I accept.", sha256=hashlib.sha256(b"I accept.").hexdigest())
    assert row.is_intact


def test_the_customer_checks_it_with_any_tool(desk: Desk, visit: Visit, tmp_path: Path) -> None:
    """`sha256sum` of the file that the portal hands out is the hash that the proof shows."""
    with desk.entered():
        row = by_button(desk)
        address = f"/requests/{row.ticket.reference}/approvals/{row.pk}/record/"
    page = visit(desk, desk.requester).get(address)
    file = tmp_path / "record.json"
    file.write_bytes(page.content)
    said = subprocess.run(["/usr/bin/sha256sum", str(file)], capture_output=True, check=True, text=True)
    assert said.stdout.split()[0] == row.sha256


# ---- it is never changed ----


@pytest.mark.parametrize("column", [field.column for field in Approval._meta.local_fields])
def test_no_column_of_a_proof_can_be_changed(inside: Desk, column: str) -> None:
    row = by_button(inside)
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE tickets_approval SET {column} = {column} WHERE id = %s", [row.pk])


def test_a_proof_cannot_be_removed(inside: Desk) -> None:
    row = by_button(inside)
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM tickets_approval WHERE id = %s", [row.pk])


# ---- taken back ----


def test_taking_back_keeps_the_first_row(inside: Desk) -> None:
    ticket = inside.agreed()
    first = Approval.objects.values().get()
    actions.take_back_acceptance(ticket, by=inside.approver)
    assert Approval.objects.values().earliest("id") == first


def test_taking_back_is_a_row_of_its_own(inside: Desk) -> None:
    row = taken_back(inside)
    assert row.takes_back is not None
    assert (row.person, row.manner, row.text) == (inside.approver, "button", row.takes_back.text)


def test_a_program_that_takes_back_is_named(inside: Desk) -> None:
    ticket = inside.agreed()
    actions.take_back_acceptance(ticket, by=inside.approver, origin=Origin(by_program=True))
    assert Approval.objects.latest("id").manner == Approval.Manner.PROGRAM


def test_an_acceptance_is_taken_back_once(inside: Desk) -> None:
    ticket = actions.take_back_acceptance(inside.agreed(), by=inside.approver)
    with pytest.raises(NotAllowed):
        actions.take_back_acceptance(ticket, by=inside.approver)


def test_the_database_keeps_a_second_one_out(inside: Desk) -> None:
    row = taken_back(inside)
    double = {field.attname: getattr(row, field.attname) for field in Approval._meta.local_fields}
    with pytest.raises(IntegrityError), transaction.atomic():
        Approval.objects.create(**{**double, "id": None})


def test_an_accepted_solution_is_taken_back_to_its_review(inside: Desk) -> None:
    ticket = actions.take_back_acceptance(inside.accepted(), by=inside.requester)
    assert (ticket.status, ticket.waiting_for, ticket.accepted_at) == (Status.WAITING, "review", None)


def test_the_review_begins_anew(inside: Desk) -> None:
    ticket = inside.delivered()
    ends = ticket.period_ends_at
    actions.accept_solution(ticket, by=inside.requester)
    row = actions.take_back_acceptance(ticket, by=inside.requester)
    assert (row.period_ends_at, row.reminders_sent, row.clock_at is not None) == (ends, 0, True)


def test_a_closed_request_is_taken_back_too(inside: Desk) -> None:
    assert actions.take_back_acceptance(inside.accepted(minutes=0), by=inside.requester).status == Status.WAITING


@pytest.mark.parametrize("role", ["colleague", "agent", "stranger"])
def test_only_who_accepted_takes_it_back(inside: Desk, role: str) -> None:
    with pytest.raises(NotAllowed):
        actions.take_back_acceptance(inside.accepted(), by=getattr(inside, role))


def test_silence_is_not_taken_back(inside: Desk) -> None:
    """Nobody said it; one reopens instead."""
    row = by_silence(inside)
    with pytest.raises(NotAllowed):
        actions.take_back_acceptance(row.ticket, by=inside.requester)


def test_once_it_is_closed_by_the_accountant_it_is_too_late(inside: Desk) -> None:
    ticket = actions.close(inside.accepted(), by=inside.accountant, reason="A gift.")
    with pytest.raises(Refused) as caught:
        actions.take_back_acceptance(ticket, by=inside.requester)
    assert caught.value.code == "acted_on"


def test_without_an_acceptance_nothing_is_taken_back(inside: Desk) -> None:
    with pytest.raises(NotAllowed):
        actions.take_back_acceptance(inside.delivered(), by=inside.requester)


# ---- the link in an e-mail ----


def token(ticket: Ticket, person: Person, estimate: Any = None) -> str:
    return link_to_decide(ticket, person, estimate).split("/")[2]


def test_a_link_names_its_person_and_version(inside: Desk) -> None:
    ticket = inside.estimated()
    decision = read_link(token(ticket, inside.approver, newest(ticket)))
    assert decision is not None
    assert (decision.person, decision.estimate, decision.is_open) == (inside.approver, newest(ticket), True)


def test_two_links_have_two_numbers(inside: Desk) -> None:
    ticket = inside.delivered()
    first, second = (read_link(token(ticket, inside.requester)) for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.number != second.number


def test_a_links_number_stands_in_the_proof_once(inside: Desk) -> None:
    assert by_email(inside).link == "abc"
    with pytest.raises(IntegrityError), transaction.atomic():
        by_email(inside)


def test_a_used_link_is_used_up(inside: Desk) -> None:
    ticket = inside.delivered()
    link = token(ticket, inside.requester)
    decision = read_link(link)
    assert decision is not None
    actions.accept_solution(ticket, by=inside.requester, origin=Origin(link=decision.number))
    actions.take_back_acceptance(ticket, by=inside.requester)
    again = read_link(link)
    assert (again is not None and again.is_open) is False


def test_a_link_to_a_replaced_version_is_closed(inside: Desk) -> None:
    ticket = inside.estimated()
    link = token(ticket, inside.approver, newest(ticket))
    inside.estimated(ticket)
    decision = read_link(link)
    assert decision is not None
    assert not decision.is_open


def test_a_link_to_an_earlier_delivery_is_closed(inside: Desk) -> None:
    ticket = inside.delivered()
    link = token(ticket, inside.requester)
    actions.reopen(ticket, by=inside.requester, text="Not yet.")
    actions.deliver(ticket, by=inside.agent, text="Now.")
    decision = read_link(link)
    assert decision is not None
    assert not decision.is_open


def test_a_link_of_who_left_opens_nothing(inside: Desk) -> None:
    link = token(inside.delivered(), inside.requester)
    Person.objects.filter(pk=inside.requester.pk).update(is_active=False)
    assert read_link(link) is None


@pytest.mark.parametrize("change", [lambda text: text[:-1], lambda text: "x" + text, lambda text: "", str.swapcase])
def test_a_changed_link_opens_nothing(inside: Desk, change: Any) -> None:
    assert read_link(change(token(inside.delivered(), inside.requester))) is None


def test_a_link_works_at_its_desk_only(desk: Desk, rival: Desk) -> None:
    with desk.entered():
        link = token(desk.delivered(), desk.requester)
    with rival.entered():
        rival.delivered()
        assert read_link(link) is None


def test_reading_a_link_decides_nothing(inside: Desk) -> None:
    ticket = inside.delivered()
    read_link(token(ticket, inside.requester))
    assert (fresh(ticket).status, Approval.objects.exists()) == (Status.WAITING, False)
