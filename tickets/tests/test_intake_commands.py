"""Mail from files and pipes, and the report of what became of it: what mail servers and operators read."""

import hashlib
import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from conftest import Desk
from servicedesk.management.commands import intake_mail
from tests.conftest import ROOT, free_port
from tests.migrated import url_for
from tickets.mail import intake
from tickets.models import IncomingMessage, Ticket
from tickets.models.incoming import IncomingState, Source

# A ceiling that only a hang reaches.
LONGEST_WAIT = 120.0
SUPPORT, OTHER_DESK = "support@alpha.localhost", "support@beta.localhost"


def raw(number: int = 1, *, sender: str = "nora@new.example", headers: str = "") -> bytes:
    text = f"{headers}From: Nora New <{sender}>\r\nTo: {SUPPORT}\r\nSubject: Help {number}\r\n"
    return (text + f"Message-ID: <{number}@new.example>\r\n\r\nThe printer is broken ({number}).\r\n").encode()


def file_with(folder: Path, content: bytes, name: str = "one.eml") -> str:
    path = folder / name
    path.write_bytes(content)
    return str(path)


def taken(*arguments: str) -> str:
    """What intake_mail says."""
    out = StringIO()
    call_command("intake_mail", *arguments, stdout=out)
    return out.getvalue().strip()


def only_message(desk: Desk) -> IncomingMessage:
    with desk.entered():
        return IncomingMessage.objects.select_related("ticket", "mailbox").get()


def as_process(
    *arguments: str, piped: bytes = b"", folder: Path | None = None, **changes: str
) -> "subprocess.CompletedProcess[bytes]":
    """A command as a mail server runs it, at the test's database."""
    env = {
        **os.environ,
        "DATABASE_URL": url_for("DATABASE_URL", str(connection.settings_dict["NAME"])),
        "FILES_ROOT": str(folder / "files") if folder else "",
        "QUEUE_PREFIX": "intake-commands",
        **changes,
    }
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=env, input=piped, capture_output=True, timeout=LONGEST_WAIT, check=False
    )


# ---- intake_mail: as a mail server sees it ----


def test_a_piped_message_becomes_a_ticket(committed_desk: Desk, tmp_path: Path) -> None:
    ended = as_process("intake_mail", "--to", SUPPORT, piped=raw(), folder=tmp_path)
    assert (ended.returncode, ended.stdout) == (0, b"1 stored: 1 ticket\n")
    message = only_message(committed_desk)
    assert (message.sha256, message.source) == (hashlib.sha256(raw()).hexdigest(), Source.PIPE)


def test_an_unknown_address_is_refused_for_good(committed_desk: Desk) -> None:
    ended = as_process("intake_mail", "--to", "nobody@alpha.localhost", piped=raw())
    assert (ended.returncode, b"Traceback" in ended.stderr) == (67, False)
    assert b"No desk receives mail at 'nobody@alpha.localhost'" in ended.stderr


ONCE_MORE = [pytest.param(one, marks=pytest.mark.slow) for one in [("--to",), ("--to", SUPPORT, "--unknown")]]


@pytest.mark.parametrize("arguments", [(), *ONCE_MORE])
def test_a_wrong_call_says_so(committed_desk: Desk, arguments: tuple[str, ...]) -> None:
    assert as_process("intake_mail", *arguments).returncode == 64


@pytest.mark.slow
def test_without_the_database_the_mail_server_keeps_it(committed_desk: Desk) -> None:
    nowhere = f"postgres://a:b@127.0.0.1:{free_port()}/none"
    ended = as_process("intake_mail", "--to", SUPPORT, piped=raw(), DATABASE_URL=nowhere)
    assert (ended.returncode, b"Traceback" in ended.stderr) == (75, False)
    assert b"The database cannot be reached, so nothing was stored" in ended.stderr


@pytest.mark.slow
def test_a_storage_that_takes_nothing_leaves_it_with_the_mail_server(committed_desk: Desk, tmp_path: Path) -> None:
    file_with(tmp_path, b"a file where the folder should be", "files")
    ended = as_process("intake_mail", "--to", SUPPORT, piped=raw(), folder=tmp_path)
    assert (ended.returncode, ended.stdout) == (75, b"0 stored; 1 not stored\n")
    assert ended.stderr.startswith(b"-: not stored (")


@pytest.mark.slow
def test_a_report_that_nobody_reads_to_its_end_ends_quietly(committed_desk: Desk, tmp_path: Path) -> None:
    taken("--to", SUPPORT, *(file_with(tmp_path, raw(number), f"{number}.eml") for number in range(30)))
    script = f"'{sys.executable}' -u manage.py intake_report --json | head -c 10; exit ${{PIPESTATUS[0]}}"
    env = {**os.environ, "DATABASE_URL": url_for("DATABASE_URL", str(connection.settings_dict["NAME"]))}
    ended = subprocess.run(["bash", "-c", script], cwd=ROOT, env=env, capture_output=True, timeout=LONGEST_WAIT)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b'{"sha256":', b"")


# ---- intake_mail: what is stored ----


def test_many_files_make_many_tickets(committed_desk: Desk, tmp_path: Path) -> None:
    files = [file_with(tmp_path, raw(number), f"{number}.eml") for number in range(3)]
    assert taken("--to", SUPPORT, *files) == "3 stored: 3 tickets"
    with committed_desk.entered():
        assert Ticket.objects.filter(subject__startswith="Help ").count() == 3


def test_the_same_file_again_is_known(committed_desk: Desk, tmp_path: Path) -> None:
    file = file_with(tmp_path, raw())
    taken("--to", SUPPORT, file)
    assert taken("--to", SUPPORT, file, file) == "2 stored, 2 of them known already: 2 tickets"


def test_an_automatic_message_is_counted_as_one(committed_desk: Desk, tmp_path: Path) -> None:
    files = [
        file_with(tmp_path, raw(1), "1.eml"),
        file_with(tmp_path, raw(2, headers="Auto-Submitted: auto-replied\r\n"), "2.eml"),
    ]
    assert taken("--to", SUPPORT, *files) == "2 stored: 1 ticket, 1 automatic"


def test_one_that_cannot_be_read_stops_none_behind_it(
    committed_desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        taken("--to", SUPPORT, str(tmp_path / "absent.eml"), file_with(tmp_path, raw()))
    assert (ended.value.code, only_message(committed_desk).state) == (75, "ticket")
    assert "absent.eml: not stored" in capsys.readouterr().err


def test_one_that_could_not_be_stored_stops_none_behind_it(
    committed_desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, calls = intake_mail.keep, []

    def fails_once(*args: Any, **options: Any) -> IncomingMessage:
        calls.append(1)
        if len(calls) == 1:
            raise OperationalError("server closed the connection unexpectedly")
        return keep(*args, **options)

    monkeypatch.setattr(intake_mail, "keep", fails_once)
    with pytest.raises(SystemExit) as ended:
        taken("--to", SUPPORT, *(file_with(tmp_path, raw(number), f"{number}.eml") for number in range(2)))
    assert (ended.value.code, only_message(committed_desk).subject) == (75, "Help 1")


def test_one_that_fails_is_stored_and_waits(
    committed_desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ValueError("a bad message")

    monkeypatch.setattr(intake, "parse", fails)
    assert taken("--to", SUPPORT, file_with(tmp_path, raw())) == "1 stored: 1 failed and tried again later"
    assert only_message(committed_desk).next_try_at is not None


def test_of_one_that_is_too_large_for_anybody_the_beginning_is_kept(
    committed_desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_mail, "LARGEST_MESSAGE", 1000)
    monkeypatch.setattr(intake_mail, "BEGINNING", 700)
    taken("--to", SUPPORT, file_with(tmp_path, raw() + b"x" * 1000, "large.eml"))
    message = only_message(committed_desk)
    assert (message.is_cut, message.size, message.state) == (True, 700, IncomingState.TICKET)


def test_the_signed_part_of_the_address_is_kept(committed_desk: Desk, tmp_path: Path) -> None:
    taken("--to", "support+t1.2.abc@alpha.localhost", file_with(tmp_path, raw()))
    assert only_message(committed_desk).envelope_to == "support+t1.2.abc@alpha.localhost"


@pytest.mark.parametrize(
    ("given", "headers", "expected"),
    [
        (("--from", "a@given.example"), "Return-Path: <b@path.example>\r\n", "a@given.example"),
        (("--from", ""), "Return-Path: <b@path.example>\r\n", "<>"),
        (("--from", "MAILER-DAEMON"), "", "<>"),
        ((), "Return-Path: <b@path.example>\r\n", "b@path.example"),
        ((), "From b@path.example Thu Jan  1 00:00:00 2026\r\nReturn-path: b@path.example\r\n", "b@path.example"),
        ((), "Return-Path: <>\r\n", ""),
        ((), "", ""),
    ],
)
def test_the_envelopes_sender(
    committed_desk: Desk, tmp_path: Path, given: tuple[str, ...], headers: str, expected: str
) -> None:
    taken("--to", SUPPORT, *given, file_with(tmp_path, raw(headers=headers)))
    assert only_message(committed_desk).envelope_from == expected


def test_a_pipe_by_name_is_read_too(committed_desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with subprocess.Popen(["cp", file_with(tmp_path, raw()), str(path)]):
        assert taken("--to", SUPPORT, str(path)) == "1 stored: 1 ticket"


# ---- intake_report ----


def report(*arguments: str) -> str:
    out = StringIO()
    call_command("intake_report", *arguments, stdout=out)
    return out.getvalue()


def rows(*arguments: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in report("--json", *arguments).splitlines()]


WITH_FILE = (
    f"From: =?utf-8?q?Nora_=C5=BD?= <nora@new.example>\r\nTo: {SUPPORT}\r\nSubject: Help\r\n"
    "Message-ID: <1@new.example>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    "--b\r\nContent-Type: text/plain\r\n\r\nHello\r\n"
    "--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment\r\n\r\n%PDF-\r\n--b--\r\n"
).encode()


def test_the_report_says_what_a_message_was_and_became(committed_desk: Desk, tmp_path: Path) -> None:
    taken("--to", "support+t1.2.abc@alpha.localhost", file_with(tmp_path, WITH_FILE))
    message = only_message(committed_desk)
    assert rows() == [
        {
            "sha256": hashlib.sha256(WITH_FILE).hexdigest(),
            "mailbox": SUPPORT,
            "to": SUPPORT,
            "received_at": message.received_at.isoformat(),
            "state": "ticket",
            "reason": "",
            "ticket": message.ticket.reference,
            "automatic": False,
            "automatic_kind": "",
            "from": "nora@new.example",
            "from_name": "Nora Ž",
            "subject": "Help",
            "message_id": "1@new.example",
            "text_length": len("Hello"),
            "attachments": [{"name": "a.pdf", "type": "application/pdf", "size": 5, "kept": True}],
            "size": len(WITH_FILE),
            "tries": 0,
            "error": "",
        }
    ]


def test_the_report_says_what_is_automatic(committed_desk: Desk, tmp_path: Path) -> None:
    taken("--to", SUPPORT, file_with(tmp_path, raw(headers="Auto-Submitted: auto-replied\r\n")))
    assert [(row["automatic"], row["automatic_kind"], row["ticket"]) for row in rows()] == [(True, "auto_reply", None)]


def test_the_report_says_why_one_failed(committed_desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ValueError("a bad message")

    monkeypatch.setattr(intake, "parse", fails)
    taken("--to", SUPPORT, file_with(tmp_path, raw()))
    assert [(row["state"], row["error"], row["tries"]) for row in rows()] == [
        ("failed", "ValueError: a bad message", 1)
    ]


def test_the_report_is_of_all_desks_in_the_order_of_arrival(committed_desk: Desk, tmp_path: Path) -> None:
    taken("--to", OTHER_DESK, file_with(tmp_path, raw(1)))
    taken("--to", SUPPORT, file_with(tmp_path, raw(2)), file_with(tmp_path, raw(3), "3.eml"))
    assert [(row["mailbox"], row["subject"]) for row in rows()] == [
        (SUPPORT, "Help 2"),
        (SUPPORT, "Help 3"),
        (OTHER_DESK, "Help 1"),
    ]


@pytest.mark.parametrize("asked", [("--to", OTHER_DESK), ("--host", "beta.localhost")])
def test_the_report_may_be_of_one_desk(committed_desk: Desk, tmp_path: Path, asked: tuple[str, str]) -> None:
    taken("--to", OTHER_DESK, file_with(tmp_path, raw(1)))
    taken("--to", SUPPORT, file_with(tmp_path, raw(2)))
    assert [row["mailbox"] for row in rows(*asked)] == [OTHER_DESK]


@pytest.mark.parametrize("asked", [("--to", "nobody@alpha.localhost"), ("--host", "gamma.localhost")])
def test_a_report_of_no_desk_says_so(committed_desk: Desk, asked: tuple[str, str]) -> None:
    with pytest.raises(CommandError, match="desk"):
        report(*asked)


def test_the_report_for_people_counts_at_its_end(committed_desk: Desk, tmp_path: Path) -> None:
    automatic = file_with(tmp_path, raw(2, headers="Auto-Submitted: auto-replied\r\n"), "2.eml")
    taken("--to", SUPPORT, file_with(tmp_path, raw(1)), automatic)
    lines = report().splitlines()
    assert ["Help 1" in lines[0], "Help 2" in lines[1]] == [True, True]
    assert lines[2:] == ["2 messages: 1 ticket, 1 automatic"]


def test_nothing_in_a_message_breaks_the_reports_lines(committed_desk: Desk, tmp_path: Path) -> None:
    odd = raw().replace(b"Subject: Help 1", b"Subject: =?utf-8?q?a=0Ab=1B[31m=E2=80=A8c?=")
    taken("--to", SUPPORT, file_with(tmp_path, odd))
    assert len(report().splitlines()) == 2
    assert "\x1b" not in report()
    assert len(report("--json").splitlines()) == 1


def test_the_report_does_not_hold_everything_in_memory(
    committed_desk: Desk, tmp_path: Path, django_assert_max_num_queries: Any
) -> None:
    """One query a desk, whatever it says of a message."""
    taken("--to", SUPPORT, *(file_with(tmp_path, raw(number), f"{number}.eml") for number in range(5)))
    with django_assert_max_num_queries(2 + 2 * 6):
        assert len(rows()) == 5


def test_what_nobody_sent_is_not_answered(committed_desk: Desk, tmp_path: Path) -> None:
    """A mail server that pipes with `--from ${sender}` says so with an empty one."""
    assert taken("--to", SUPPORT, "--from", "<>", file_with(tmp_path, raw())) == "1 stored: 1 automatic"
