"""Small pictures beside files: drawn anew, for those who may read the file, and never a danger."""

import io
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from PIL import Image

from accounts import thumbnails
from accounts.models import StoredFile
from conftest import Desk, Visit
from tickets import actions
from tickets.models import Ticket


def picture(kind: str = "PNG", size: tuple[int, int] = (640, 480), **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "teal").save(out, kind, **options)
    return out.getvalue()


def with_file(desk: Desk, content: bytes, *, is_internal: bool = False, name: str = "picture") -> Ticket:
    """A request with a comment that has this file, and the job done."""
    with desk.entered():
        ticket = desk.submit()
        file = ContentFile(content, name=name)
        actions.comment(ticket, by=desk.agent, text="Look.", is_internal=is_internal, files=[file])
        stored = StoredFile.objects.latest("id").pk
    thumbnails.draw(desk.id, stored)
    return ticket


def the_file(desk: Desk) -> StoredFile:
    with desk.entered():
        return StoredFile.objects.latest("id")


def shown(desk: Desk, visit: Visit, role: str = "requester") -> Any:
    return visit(desk, getattr(desk, role)).get(f"/files/{the_file(desk).pk}/small/")


def image_of(answer: Any) -> Image.Image:
    return Image.open(io.BytesIO(b"".join(answer.streaming_content)))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_a_picture_has_a_small_one(desk: Desk, visit: Visit, kind: str) -> None:
    with_file(desk, picture(kind))
    assert image_of(shown(desk, visit)).size == (320, 240)


def test_a_small_picture_is_not_made_larger(desk: Desk, visit: Visit) -> None:
    with_file(desk, picture(size=(20, 10)))
    assert image_of(shown(desk, visit)).size == (20, 10)


def test_the_job_is_started_with_the_file(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs: list[Any] = []
    monkeypatch.setattr(thumbnails, "after_commit", lambda task, *ids: jobs.append((task, ids)))
    with_file(desk, picture())
    assert jobs == [(thumbnails.draw, (desk.id, the_file(desk).pk))]


@pytest.mark.parametrize(
    "content",
    [
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b"%PDF-1.7",
        b"\x89PNG\r\n\x1a\nbroken",
        b"\xff\xd8\xff",
        b"RIFF\x00\x00\x00\x00WEBP",
        picture()[:200],
    ],
    ids=["svg", "pdf", "no png", "no jpeg", "no webp", "cut off"],
)
def test_what_is_no_picture_has_none(desk: Desk, visit: Visit, content: bytes) -> None:
    with_file(desk, content, name="picture.png")
    assert shown(desk, visit).status_code == 404


def bomb(width: int, height: int, kind: str = "PNG", **options: Any) -> bytes:
    """A whole picture of a few kilobytes that unfolds to much more."""
    out = io.BytesIO()
    Image.new("1" if kind == "PNG" else "L", (width, height)).save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        bomb(5001, 5000),
        bomb(8000, 7501, "JPEG"),
        bomb(40_000, 5_000),
        bomb(5001, 5000, "JPEG", progressive=True),
        bomb(4001, 4000, "WEBP"),
    ],
    ids=["png", "jpeg", "large png", "progressive jpeg", "webp"],
)
def test_a_bomb_costs_nothing_but_its_small_picture(desk: Desk, visit: Visit, content: bytes) -> None:
    with_file(desk, content)
    assert shown(desk, visit).status_code == 404


def test_a_cameras_large_picture_has_one(desk: Desk, visit: Visit) -> None:
    with_file(desk, bomb(8000, 6000, "JPEG"))
    assert image_of(shown(desk, visit)).size == (320, 240)


def test_what_was_written_beside_the_points_is_gone(desk: Desk, visit: Visit) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Secret camera"
    with_file(desk, picture("JPEG", exif=exif, comment=b"Secret words"))
    assert b"Secret" not in b"".join(shown(desk, visit).streaming_content)


def test_a_picture_taken_sideways_stands_upright(desk: Desk, visit: Visit) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    with_file(desk, picture("JPEG", exif=exif))
    assert image_of(shown(desk, visit)).size == (240, 320)


def test_what_a_broker_lost_is_taken_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with desk.entered():
        desk.submit(files=[ContentFile(picture(), name="picture")])
        StoredFile.objects.update(thumbnail_due_at=timezone.now() - timedelta(minutes=3))
    monkeypatch.setattr(thumbnails, "enqueue", lambda task, *ids: task(*ids))  # as a worker would
    thumbnails.sweep_thumbnails()
    assert the_file(desk).thumbnail_key != ""


def test_what_killed_a_worker_is_not_tried_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(row: StoredFile) -> bytes:
        raise SystemExit

    monkeypatch.setattr(thumbnails, "drawn", killed)
    with pytest.raises(SystemExit):
        with_file(desk, picture())
    monkeypatch.undo()
    thumbnails.draw(desk.id, the_file(desk).pk)
    assert the_file(desk).thumbnail_key == ""


def test_the_job_can_run_twice(desk: Desk) -> None:
    with_file(desk, picture())
    key = the_file(desk).thumbnail_key
    thumbnails.draw(desk.id, the_file(desk).pk)
    assert the_file(desk).thumbnail_key == key


@pytest.mark.parametrize(
    ("role", "is_internal", "status"),
    [
        ("requester", False, 200),
        ("colleague", False, 200),
        ("stranger", False, 404),
        ("requester", True, 404),
        ("agent", True, 200),
    ],
)
def test_who_sees_it_is_who_may_read_the_file(
    desk: Desk, visit: Visit, role: str, is_internal: bool, status: int
) -> None:
    with_file(desk, picture(), is_internal=is_internal)
    assert shown(desk, visit, role).status_code == status


def test_another_desk_does_not(desk: Desk, rival: Desk, visit: Visit) -> None:
    with_file(desk, picture())
    assert visit(rival, rival.manager).get(f"/files/{the_file(desk).pk}/small/").status_code == 404


def test_it_is_shown_as_a_picture_and_runs_nothing(desk: Desk, visit: Visit) -> None:
    with_file(desk, picture())
    headers = shown(desk, visit).headers
    assert (headers["Content-Type"], headers["X-Content-Type-Options"]) == ("image/webp", "nosniff")
    assert "sandbox" in headers["Content-Security-Policy"]


def test_its_readers_browser_may_remember_it_and_nothing_between(desk: Desk, visit: Visit) -> None:
    with_file(desk, picture())
    assert shown(desk, visit).headers["Cache-Control"] == "private, max-age=300"


def test_the_conversation_shows_it_in_its_place(desk: Desk, visit: Visit) -> None:
    ticket = with_file(desk, picture())
    page = visit(desk, desk.requester).get(f"/requests/{ticket.reference}/").content.decode()
    assert f'src="/files/{the_file(desk).pk}/small/" width="64" height="64"' in page


def test_other_files_keep_their_sign(desk: Desk, visit: Visit) -> None:
    ticket = with_file(desk, b"words")
    page = visit(desk, desk.requester).get(f"/requests/{ticket.reference}/").content.decode()
    assert f"/files/{the_file(desk).pk}/small/" not in page


@pytest.mark.parametrize("count", [1, 5])
def test_the_page_asks_no_more_for_more_files(desk: Desk, visit: Visit, count: int) -> None:
    with desk.entered():
        ticket = desk.submit(files=[ContentFile(b"x", name="a.txt") for _ in range(count)])
        StoredFile.objects.update(thumbnail_key="k")
    browser = visit(desk, desk.requester)
    browser.get(f"/requests/{ticket.reference}/")
    with CaptureQueriesContext(connection) as queries:
        browser.get(f"/requests/{ticket.reference}/")
    assert len([q for q in queries if "accounts_storedfile" in q["sql"]]) == 1
