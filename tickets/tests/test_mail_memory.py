"""A message that weighs as much as we take is processed in little memory (K14)."""

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from conftest import Desk
from tests.conftest import LONGEST_WAIT, ROOT
from tests.migrated import url_for
from tickets.models import Attachment

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux how much memory there was"),
]

MEGABYTE = 1024 * 1024
HEAD = (
    b"From: nora@new.example\r\nSubject: Help\r\nMessage-ID: <large@new.example>\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nSee the files.\r\n'
)


LINES = {
    "base64": (base64.b64encode(bytes(range(57))) + b"\r\n", 57),
    "quoted-printable": (b"=C4=81" * 10 + b"=\r\n", 20),
    "8bit": (b"Words and numbers, again and again, 12345.\r\n", 44),
}


def write(path: Path, *sizes: int, kind: str = "application/octet-stream", encoding: str = "base64") -> None:
    """A message with files of so many megabytes."""
    line, length = LINES[encoding]
    head = (
        f"--b\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n"
        'Content-Disposition: attachment; filename="file.bin"\r\n\r\n'
    )
    with path.open("wb") as out:
        out.write(HEAD)
        for size in sizes:
            out.write(head.encode() + line * (size * MEGABYTE // length) + b"\r\n")
        out.write(b"--b--\r\n")


def steps(desk: Desk, message: Path, files: Path) -> list[float]:
    """Megabytes that the process has had at most: before, when it was stored, when it was processed."""
    database = str(connection.settings_dict["NAME"])
    env = {**os.environ, "DATABASE_URL": url_for("DATABASE_URL", database), "FILES_ROOT": str(files)}
    done = subprocess.run(
        [sys.executable, "-m", "tickets.tests.one_message", str(message), str(desk.id)],
        cwd=ROOT,
        env=env,
        check=True,
        capture_output=True,
        text=True,
        timeout=LONGEST_WAIT,
    )
    return [int(one) / 1024 for one in done.stdout.split()[-3:]]


def check(desk: Desk, message: Path, *, files: int, most: int) -> None:
    """All its files are there, and it took so many megabytes at most."""
    before, stored, processed = steps(desk, message, message.parent / "files")
    with desk.entered():
        assert Attachment.objects.count() == files
    assert processed <= most, f"{message.stat().st_size // MEGABYTE} MB: {before:.0f}, {stored:.0f}, {processed:.0f} MB"


@pytest.mark.parametrize(
    ("sizes", "most"),
    [((), 150), ((20,), 150), ((50,), 250), ((10,) * 5, 250), ((1,) * 50, 250)],
    ids=["no file", "20 MB", "50 MB", "5 files of 10 MB", "50 files of 1 MB"],
)
def test_k14_it_is_processed_in_so_many_megabytes(
    committed_desk: Desk, tmp_path: Path, sizes: tuple[int, ...], most: int
) -> None:
    write(tmp_path / "message.eml", *sizes)
    check(committed_desk, tmp_path / "message.eml", files=len(sizes), most=most)


@pytest.mark.parametrize(
    ("kind", "encoding", "size"),
    [
        ("text/csv", "base64", 50),
        ("text/csv", "8bit", 50),
        ("message/rfc822", "8bit", 50),
        ("application/pdf", "quoted-printable", 30),
    ],
)
def test_k14_whatever_kind_the_file_is(
    committed_desk: Desk, tmp_path: Path, kind: str, encoding: str, size: int
) -> None:
    write(tmp_path / "message.eml", size, kind=kind, encoding=encoding)
    check(committed_desk, tmp_path / "message.eml", files=1, most=250)
