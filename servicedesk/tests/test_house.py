"""The rules of the house, the health page, the jobs' entrances: small doors that must open and close."""

import io
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone

from billing import tasks as billing_tasks
from billing.actions import issue_invoice
from billing.models import InvoiceDocument
from conftest import Desk
from servicedesk import catalogues, health
from servicedesk.management.commands import lint_house
from tickets import clock
from tickets import tasks as ticket_tasks
from tickets.mail.keeping import keep
from tickets.models import IncomingMessage, Mailbox, Ticket
from tickets.models.incoming import IncomingState


def test_the_house_is_in_order() -> None:
    call_command("lint_house", stdout=io.StringIO())


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("bad.py", "rows.filter(name__icontains='x')"),
        ("bad.py", "mail.send(fail_silently=True)"),
        ("bad.html", "<script>alert(1)</script>"),
        ("bad.html", '<p onclick="x()">'),
        ("bad.html", "{{ text|safe }}"),
        ("bad.html", '<p style="color:red">'),
    ],
)
def test_a_broken_rule_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, line: str) -> None:
    folder = tmp_path / ("templates" if name.endswith("html") else "accounts")
    folder.mkdir()
    (folder / name).write_text(line)
    monkeypatch.setattr(lint_house, "ROOT", tmp_path)
    with pytest.raises(CommandError):
        call_command("lint_house", stdout=io.StringIO(), stderr=io.StringIO())


def test_health_is_asked_without_a_desk(db: None) -> None:
    answer = Client(headers={"host": "nowhere.example"}).get("/health/")
    assert (answer.status_code, answer.json()["parts"]["database"]) == (200, True)


def test_without_its_database_it_is_not_healthy(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "database_answers", lambda: False)
    assert Client().get("/health/").status_code == 503


def test_a_database_that_fails_is_noticed(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def cursor(self) -> Any:
            raise DatabaseError("gone")

        def close(self) -> None: ...

    monkeypatch.setattr(health, "connection", Broken())
    assert health.database_answers() is False


def test_catalogues_are_collected_and_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogues, "catalogue_path", lambda language: tmp_path / language / "django.po")
    call_command("collect_texts", stdout=io.StringIO())
    call_command("compile_texts")
    assert (tmp_path / "lv" / "django.mo").stat().st_size > 0


# ---- the jobs' entrances ----


def incoming(desk: Desk) -> int:
    with desk.entered():
        box = Mailbox.objects.get()
        raw = b"From: nora@new.example\r\nSubject: Help\r\nMessage-ID: <1@new.example>\r\n\r\nHello\r\n"
        return int(keep(BytesIO(raw), mailbox_id=box.pk, envelope_from="nora@new.example", envelope_to=box.address).pk)


def state_of(desk: Desk, message: int) -> str:
    with desk.entered():
        return str(IncomingMessage.objects.get(pk=message).state)


def test_the_job_processes_a_message(desk: Desk) -> None:
    message = incoming(desk)
    ticket_tasks.process_incoming(desk.id, message)
    assert state_of(desk, message) == IncomingState.TICKET


def test_the_sweep_finds_a_message_whose_job_was_lost(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    message = incoming(desk)
    with desk.entered():
        IncomingMessage.objects.update(next_try_at=timezone.now())
    monkeypatch.setattr(ticket_tasks, "enqueue", lambda task, *ids: task(*ids))  # as a worker would
    ticket_tasks.sweep_incoming()
    assert state_of(desk, message) == IncomingState.TICKET


def test_the_sweep_makes_a_document_whose_job_was_lost(desk: Desk) -> None:
    with desk.entered():
        issue_invoice(desk.organisation, tickets=[desk.accepted().pk], by=desk.accountant)
    billing_tasks.sweep_documents()
    with desk.entered():
        assert InvoiceDocument.objects.get().file is not None


def test_the_document_job_makes_it(desk: Desk) -> None:
    with desk.entered():
        issue_invoice(desk.organisation, tickets=[desk.accepted().pk], by=desk.accountant)
        document = InvoiceDocument.objects.get().pk
    billing_tasks.make_document(desk.id, document)
    with desk.entered():
        assert InvoiceDocument.objects.get().file is not None


def test_the_clock_visits_the_desks_with_something_due(desk: Desk) -> None:
    with desk.entered():
        ticket = desk.delivered()
        Ticket.objects.filter(pk=ticket.pk).update(clock_at=ticket.created_at)
    clock.run_clocks()
    with desk.entered():
        assert Ticket.objects.get(pk=ticket.pk).reminders_sent == 1


def test_one_tickets_trouble_does_not_stop_the_others_clocks(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with desk.entered():
        bad, good = desk.delivered(), desk.delivered()
        Ticket.objects.update(clock_at=bad.created_at)
    real = clock.next_step

    def stumble(ticket: Ticket, now: Any) -> None:
        if ticket.pk == bad.pk:
            raise RuntimeError("no luck")
        real(ticket, now)

    monkeypatch.setattr(clock, "next_step", stumble)
    clock.run_clocks()
    with desk.entered():
        assert Ticket.objects.get(pk=good.pk).reminders_sent == 1


def test_a_clock_without_a_review_is_put_away(desk: Desk) -> None:
    with desk.entered():
        ticket = desk.submit()
        Ticket.objects.filter(pk=ticket.pk).update(clock_at=ticket.created_at)
    clock.run_clocks()
    with desk.entered():
        assert Ticket.objects.get(pk=ticket.pk).clock_at is None
