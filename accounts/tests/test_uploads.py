"""Files that are sent in pieces (K14): nothing is lost on the way, and nobody else ever sees them."""

import hashlib
import io
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone

from accounts import tasks, uploads
from accounts.errors import Refused
from accounts.files import open_file
from accounts.hosts import tenant_ids
from accounts.models import Person, StoredFile, Upload
from conftest import Desk, Visit

TEXT = b"0123456789" * 30


def announce(browser: Client, *, name: str = "plan.txt", size: int = len(TEXT)) -> Any:
    return browser.post("/uploads/", {"name": name, "size": size})


def send(browser: Client, upload: str, offset: int | str, piece: bytes, **extra: Any) -> Any:
    return browser.patch(
        f"/uploads/{upload}/",
        piece,
        content_type="application/octet-stream",
        headers={"Upload-Offset": str(offset)},
        **extra,
    )


def begun(browser: Client, *pieces: bytes, size: int = len(TEXT)) -> str:
    """An upload with so many pieces."""
    upload = str(announce(browser, size=size).json()["id"])
    offset = 0
    for piece in pieces:
        send(browser, upload, offset, piece)
        offset += len(piece)
    return upload


def row_of(upload: str) -> Upload:
    return Upload.objects.select_related("file").get(public_id=upload)


@pytest.fixture
def browser(desk: Desk, visit: Visit) -> Client:
    return visit(desk, desk.requester)


# ---- sending ----


def test_k14_pieces_become_one_file(desk: Desk, browser: Client) -> None:
    upload = begun(browser, TEXT[:100], TEXT[100:101], TEXT[101:])
    with desk.entered(), open_file(row_of(upload).file) as content:
        assert content.read() == TEXT


def test_k14_its_hash_is_that_of_the_whole(desk: Desk, browser: Client) -> None:
    upload = begun(browser, TEXT[:100], TEXT[100:])
    with desk.entered():
        assert row_of(upload).file.sha256 == hashlib.sha256(TEXT).hexdigest()


def test_k14_each_piece_answers_where_it_goes_on(browser: Client) -> None:
    upload = begun(browser)
    answer = send(browser, upload, 0, TEXT[:100])
    assert (answer.status_code, answer.headers["Upload-Offset"], answer.json()["offset"]) == (200, "100", 100)


@pytest.mark.parametrize("method", ["get", "head"])
def test_k14_after_a_lost_connection_it_is_asked_where_to_go_on(browser: Client, method: str) -> None:
    upload = begun(browser, TEXT[:120])
    assert getattr(browser, method)(f"/uploads/{upload}/").headers["Upload-Offset"] == "120"


@pytest.mark.parametrize("offset", [0, 99, 101, 10**18])
def test_k14_a_piece_for_another_place_is_told_the_right_one(browser: Client, offset: int) -> None:
    upload = begun(browser, TEXT[:100])
    answer = send(browser, upload, offset, b"x")
    assert (answer.status_code, answer.json()["offset"]) == (409, 100)


@pytest.mark.parametrize("offset", ["", "-1", "x", "1e3", "١"])
def test_an_offset_that_is_none_is_refused(browser: Client, offset: str) -> None:
    assert send(browser, begun(browser), offset, b"x").status_code == 400


def test_k14_what_arrived_of_a_piece_that_was_cut_off_is_kept(desk: Desk, browser: Client) -> None:
    upload = begun(browser)
    cut = {"wsgi.input": io.BytesIO(TEXT[:70]), "CONTENT_LENGTH": "100"}
    assert send(browser, upload, 0, TEXT[:100], **cut).json()["offset"] == 70


def test_more_than_was_announced_is_refused(browser: Client) -> None:
    upload = begun(browser, TEXT[:-1])
    assert send(browser, upload, len(TEXT) - 1, b"xy").status_code == 413


def test_a_thousand_pieces_are_enough(desk: Desk, browser: Client) -> None:
    upload = begun(browser, TEXT[:100])
    with desk.entered():
        row = row_of(upload)
        row.pieces *= uploads.MOST_PIECES
        row.save()
    assert send(browser, upload, 100, b"x").json()["code"] == "pieces"


def test_a_piece_larger_than_pieces_are_is_refused(browser: Client) -> None:
    upload = begun(browser, size=9 * 1024 * 1024)
    assert send(browser, upload, 0, b"x" * (5 * 1024 * 1024 + 1)).status_code == 413


def test_once_complete_the_pieces_are_gone(
    desk: Desk, browser: Client, django_capture_on_commit_callbacks: Any
) -> None:
    upload = begun(browser, TEXT[:100])
    with desk.entered():
        key = row_of(upload).pieces[0][0]
    with django_capture_on_commit_callbacks(execute=True):
        send(browser, upload, 100, TEXT[100:])
    assert not default_storage.exists(key)


def test_a_piece_that_the_storage_lost_has_to_come_again(desk: Desk, browser: Client) -> None:
    upload = begun(browser, TEXT[:100])
    with desk.entered():
        default_storage.delete(row_of(upload).pieces[0][0])
    assert send(browser, upload, 100, TEXT[100:]).json()["offset"] == 0


def test_a_piece_that_the_storage_changed_has_to_come_again(desk: Desk, browser: Client) -> None:
    upload = begun(browser, TEXT[:100])
    with desk.entered():
        key = row_of(upload).pieces[0][0]
    default_storage.delete(key)
    default_storage.save(key, io.BytesIO(b"x" * 100))
    assert send(browser, upload, 100, TEXT[100:]).json()["offset"] == 0


def test_it_can_be_taken_back(desk: Desk, browser: Client) -> None:
    upload = begun(browser, TEXT)
    assert browser.delete(f"/uploads/{upload}/").status_code == 204
    with desk.entered():
        assert (Upload.objects.count(), StoredFile.objects.count()) == (0, 0)


def test_which_of_several_are_still_there(browser: Client) -> None:
    upload = begun(browser, TEXT)
    answer = browser.get("/uploads/", {"id": [upload, str(uuid.uuid4()), "x"]}).json()
    assert answer == {"uploads": [{"id": upload, "name": "plan.txt", "size": len(TEXT), "offset": len(TEXT)}]}


# ---- what is not taken, with a sentence ----


def test_an_empty_file_is_refused_by_name(browser: Client) -> None:
    answer = announce(browser, name="nothing.txt", size=0)
    assert (answer.status_code, "nothing.txt" in answer.json()["detail"]) == (422, True)


@pytest.mark.parametrize("size", ["", "-5", "x", "9" * 30])
def test_a_size_that_is_none_is_refused(browser: Client, size: Any) -> None:
    assert announce(browser, size=size).status_code == 422


def test_one_byte_more_than_50_megabytes_is_refused_by_name(browser: Client) -> None:
    answer = announce(browser, name="film.mp4", size=50 * 1024 * 1024 + 1)
    assert (answer.status_code, "film.mp4" in answer.json()["detail"]) == (413, True)


def test_when_enough_files_wait_no_more_are_taken(desk: Desk, browser: Client) -> None:
    with desk.entered():
        Upload.objects.bulk_create(Upload(person=desk.requester, name="a.txt", size=1) for _ in range(60))
    assert announce(browser).status_code == 429


def test_somebody_elses_waiting_files_do_not_count(desk: Desk, browser: Client) -> None:
    with desk.entered():
        Upload.objects.bulk_create(Upload(person=desk.colleague, name="a.txt", size=1) for _ in range(60))
    assert announce(browser).status_code == 201


@pytest.mark.parametrize(
    ("name", "shown"),
    [("../../etc/passwd", "passwd"), ("a\u202etxt.exe", "atxt.exe"), ("C:\\x\\b.txt", "b.txt"), ("\x00\x01", "file")],
)
def test_its_name_is_made_harmless(browser: Client, name: str, shown: str) -> None:
    assert announce(browser, name=name).json()["name"] == shown


# ---- whose it is ----


@pytest.mark.parametrize("role", ["colleague", "stranger", "agent", "manager"])
@pytest.mark.parametrize("method", ["get", "patch", "delete"])
def test_nobody_else_reaches_it(desk: Desk, visit: Visit, browser: Client, role: str, method: str) -> None:
    upload = begun(browser, TEXT[:100])
    other = visit(desk, getattr(desk, role))
    assert getattr(other, method)(f"/uploads/{upload}/", headers={"Upload-Offset": "100"}).status_code == 404


def test_another_desk_does_not_reach_it(rival: Desk, visit: Visit, browser: Client) -> None:
    upload = begun(browser, TEXT[:100])
    assert visit(rival, rival.requester).get(f"/uploads/{upload}/").status_code == 404


def test_asking_for_somebody_elses_tells_nothing(desk: Desk, visit: Visit, browser: Client) -> None:
    upload = begun(browser, TEXT)
    assert visit(desk, desk.colleague).get("/uploads/", {"id": upload}).json() == {"uploads": []}


def test_a_visitor_is_sent_to_the_log_in(desk: Desk, visit: Visit, browser: Client) -> None:
    upload = begun(browser)
    assert send(visit(desk), upload, 0, TEXT).status_code == 302


def test_a_visitors_large_piece_is_not_even_read(desk: Desk, visit: Visit, browser: Client) -> None:
    upload = begun(browser, size=2 * 1024 * 1024)
    assert send(visit(desk), upload, 0, b"x" * (1024 * 1024 + 1)).status_code == 413


def test_without_the_token_against_forgery_nothing_is_taken(desk: Desk) -> None:
    browser = Client(enforce_csrf_checks=True, headers={"host": desk.host})
    with desk.entered():
        browser.force_login(desk.requester.user)
    assert announce(browser).status_code == 403


def test_what_is_missing_is_told_as_json(browser: Client) -> None:
    assert browser.get(f"/uploads/{uuid.uuid4()}/").headers["Content-Type"] == "application/problem+json"


# ---- using ----


def complete(person: Person) -> Upload:
    return uploads.append(uploads.begin(by=person, name="plan.txt", size=len(TEXT)), offset=0, piece=TEXT)


def test_a_verb_takes_it_once(inside: Desk) -> None:
    row = complete(inside.requester)
    uploads.take([row], by=inside.requester)
    with pytest.raises(Refused, match=r"plan\.txt"):
        uploads.take([row], by=inside.requester)


def test_a_verb_of_somebody_else_does_not_take_it(inside: Desk) -> None:
    row = complete(inside.requester)
    with pytest.raises(Refused):
        uploads.take([row], by=inside.colleague)


def test_what_was_used_is_not_offered_again(inside: Desk) -> None:
    row = complete(inside.requester)
    uploads.take([row], by=inside.requester)
    assert not uploads.of_person(inside.requester).exists()


# ---- forgetting ----


def aged(row: Upload, days: int) -> None:
    Upload.objects.filter(pk=row.pk).update(created_at=timezone.now() - timedelta(days=days))


def test_what_nobody_sent_for_a_week_is_removed(desk: Desk, django_capture_on_commit_callbacks: Any) -> None:
    with desk.entered():
        row = complete(desk.requester)
        aged(row, 8)
    with django_capture_on_commit_callbacks(execute=True):
        tasks.forget_old_uploads()
    with desk.entered():
        left = (Upload.objects.count(), StoredFile.objects.count(), default_storage.exists(row.file.key))
    assert left == (0, 0, False)


def test_its_pieces_go_too(desk: Desk, django_capture_on_commit_callbacks: Any) -> None:
    with desk.entered():
        row = uploads.append(uploads.begin(by=desk.requester, name="a.txt", size=9), offset=0, piece=b"abc")
        aged(row, 8)
    with django_capture_on_commit_callbacks(execute=True):
        tasks.forget_old_uploads()
    assert not default_storage.exists(row.pieces[0][0])


def test_what_a_verb_took_stays(desk: Desk, django_capture_on_commit_callbacks: Any) -> None:
    with desk.entered():
        row = complete(desk.requester)
        uploads.take([row], by=desk.requester)
        aged(row, 8)
    with django_capture_on_commit_callbacks(execute=True):
        tasks.forget_old_uploads()
    with desk.entered():
        left = (Upload.objects.count(), StoredFile.objects.count(), default_storage.exists(row.file.key))
    assert left == (0, 1, True)


def test_what_is_younger_stays(desk: Desk) -> None:
    with desk.entered():
        aged(complete(desk.requester), 6)
    tasks.forget_old_uploads()
    with desk.entered():
        assert Upload.objects.count() == 1


def test_the_clock_asks_only_the_desks_with_something_old(desk: Desk, rival: Desk) -> None:
    with desk.entered():
        aged(complete(desk.requester), 8)
    with rival.entered():
        complete(rival.requester)
    old = uploads.old_before(timezone.now())
    assert tenant_ids("SELECT tenant_id FROM desk_tenants_with_old_uploads(%s)", old) == [desk.id]
