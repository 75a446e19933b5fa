"""Forms that name files sent before them, and refused forms that keep theirs (K14, B4, M5): nothing is lost."""

import re
import uuid
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts import uploads
from accounts.files import open_file
from accounts.models import Person, Upload
from conftest import PASSWORD, Desk, Visit
from tickets.models import Attachment, Comment, Ticket


def sent_before(desk: Desk, person: Person, name: str = "plan.txt", content: bytes = b"the plan") -> str:
    """A finished upload of somebody's; its id."""
    with desk.entered():
        row = uploads.begin(by=person, name=name, size=len(content))
        return str(uploads.append(row, offset=0, piece=content).public_id)


def form(desk: Desk) -> str:
    with desk.entered():
        return f"/requests/new/{desk.type().pk}/"


def file_request(browser: Client, desk: Desk, *ids: str, **fields: Any) -> Any:
    return browser.post(form(desk), {"summary": "Cash desk", "files_uploaded": ids, **fields})


def attached(desk: Desk) -> list[str]:
    with desk.entered():
        return [row.file.name for row in Attachment.objects.select_related("file").order_by("id")]


def errors_of(answer: Any) -> str:
    return " ".join(answer.context["form"].errors["files"])


def kept(answer: Any) -> list[str]:
    """The ids of the files that the page lists as chosen."""
    return re.findall(r'name="files_uploaded" value="([^"]+)" checked', answer.content.decode())


@pytest.fixture
def browser(desk: Desk, visit: Visit) -> Client:
    return visit(desk, desk.requester)


# ---- taken ----


def test_b4_a_request_takes_what_was_sent_before_it(desk: Desk, browser: Client) -> None:
    file_request(browser, desk, sent_before(desk, desk.requester))
    with desk.entered(), open_file(Attachment.objects.get().file) as content:
        assert content.read() == b"the plan"


def test_m5_and_what_comes_with_it(desk: Desk, browser: Client) -> None:
    upload = sent_before(desk, desk.requester)
    file_request(browser, desk, upload, files=SimpleUploadedFile("list.txt", b"1"))
    assert attached(desk) == ["plan.txt", "list.txt"]


def test_k14_a_comment_takes_it_too(desk: Desk, browser: Client) -> None:
    with desk.entered():
        ticket = desk.submit()
    upload = sent_before(desk, desk.requester)
    browser.post(f"/requests/{ticket.reference}/comment/", {"text": "", "files_uploaded": upload})
    with desk.entered():
        assert Attachment.objects.get().comment == Comment.objects.get()


def test_k14_an_agents_reply_takes_it_too(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit()
    upload = sent_before(desk, desk.agent)
    visit(desk, desk.agent).post(
        f"/admin/tickets/ticket/{ticket.pk}/reply/", {"text": "Here.", "files_uploaded": upload}
    )
    assert attached(desk) == ["plan.txt"]


def test_a_form_sent_twice_is_one_request_with_one_file(desk: Desk, browser: Client) -> None:
    upload, number = sent_before(desk, desk.requester), str(uuid.uuid4())
    for _ in range(2):
        assert file_request(browser, desk, upload, submission=number).status_code == 302
    assert attached(desk) == ["plan.txt"]


def test_another_form_cannot_take_it_again(desk: Desk, browser: Client) -> None:
    upload = sent_before(desk, desk.requester)
    file_request(browser, desk, upload)
    answer = file_request(browser, desk, upload, summary="Another")
    assert (answer.status_code, "plan.txt" in errors_of(answer), kept(answer)) == (422, True, [])


def test_what_a_refused_verb_did_not_take_is_still_there(desk: Desk, browser: Client) -> None:
    used, fresh = sent_before(desk, desk.requester), sent_before(desk, desk.requester, "new.txt")
    file_request(browser, desk, used)
    answer = file_request(browser, desk, fresh, used, summary="Another")
    assert kept(answer) == [fresh]


# ---- not taken: a sentence at the field ----


@pytest.mark.parametrize("role", ["colleague", "agent"])
def test_somebody_elses_upload_is_refused_without_its_name(desk: Desk, browser: Client, role: str) -> None:
    upload = sent_before(desk, getattr(desk, role), "secret.txt")
    answer = file_request(browser, desk, upload)
    assert (answer.status_code, "secret.txt" in answer.content.decode()) == (422, False)


def test_another_desks_upload_is_refused(desk: Desk, rival: Desk, browser: Client) -> None:
    answer = file_request(browser, desk, sent_before(rival, rival.requester))
    assert "not kept here" in errors_of(answer)


@pytest.mark.parametrize("text", ["x", "0", "\0", "' OR 1=1", "9" * 400])
def test_an_id_that_is_none_is_a_sentence(desk: Desk, browser: Client, text: str) -> None:
    assert "not kept here" in errors_of(file_request(browser, desk, text))


def test_an_unfinished_upload_is_refused_by_name(desk: Desk, browser: Client) -> None:
    with desk.entered():
        row = uploads.begin(by=desk.requester, name="film.mp4", size=10)
    assert "“film.mp4” has not arrived completely" in errors_of(file_request(browser, desk, str(row.public_id)))


def test_the_same_upload_twice_is_refused_by_name(desk: Desk, browser: Client) -> None:
    upload = sent_before(desk, desk.requester)
    assert "“plan.txt” is here twice" in errors_of(file_request(browser, desk, upload, upload))


def test_k14_files_sent_before_and_with_the_form_count_together(desk: Desk, browser: Client) -> None:
    upload = sent_before(desk, desk.requester)
    files = [SimpleUploadedFile(f"{number}.txt", b"x") for number in range(20)]
    assert "21 files are too many" in errors_of(file_request(browser, desk, upload, files=files))


def test_twenty_are_not(desk: Desk, browser: Client) -> None:
    upload = sent_before(desk, desk.requester)
    files = [SimpleUploadedFile(f"{number}.txt", b"x") for number in range(19)]
    file_request(browser, desk, upload, files=files)
    assert len(attached(desk)) == 20


def test_an_empty_files_name_is_made_harmless_in_its_sentence(desk: Desk, browser: Client) -> None:
    answer = file_request(browser, desk, files=SimpleUploadedFile("a\u202etxt.exe", b""))
    assert "“atxt.exe” is empty" in errors_of(answer)


# ---- a refused form keeps its files, without a script ----


def refused(browser: Client, desk: Desk, *ids: str, **fields: Any) -> Any:
    return file_request(browser, desk, *ids, **{"summary": "", **fields})


def test_m5_the_page_that_comes_back_lists_what_came_with_the_form(desk: Desk, browser: Client) -> None:
    answer = refused(browser, desk, files=SimpleUploadedFile("plan.txt", b"the plan"))
    assert (len(kept(answer)), "plan.txt" in answer.content.decode()) == (1, True)


def test_m5_and_sends_it_when_the_form_is_right(desk: Desk, browser: Client) -> None:
    answer = refused(browser, desk, files=SimpleUploadedFile("plan.txt", b"the plan"))
    file_request(browser, desk, *kept(answer))
    with desk.entered(), open_file(Attachment.objects.get().file) as content:
        assert content.read() == b"the plan"


def test_what_was_sent_before_it_stays_chosen(desk: Desk, browser: Client) -> None:
    upload = sent_before(desk, desk.requester)
    assert kept(refused(browser, desk, upload)) == [upload]


def test_refused_twice_it_is_kept_once(desk: Desk, browser: Client) -> None:
    first = refused(browser, desk, files=SimpleUploadedFile("plan.txt", b"the plan"))
    refused(browser, desk, *kept(first))
    with desk.entered():
        assert Upload.objects.count() == 1


def test_the_good_ones_of_a_bad_lot_are_kept(desk: Desk, browser: Client) -> None:
    files = [SimpleUploadedFile("plan.txt", b"the plan"), SimpleUploadedFile("nothing.txt", b"")]
    answer = file_request(browser, desk, files=files)
    assert [row.name for row in answer.context["form"].fields["files"].shown] == ["plan.txt"]


def test_where_too_much_waits_already_it_is_said(desk: Desk, browser: Client) -> None:
    with desk.entered():
        Upload.objects.bulk_create(Upload(person=desk.requester, name="a.txt", size=1) for _ in range(59))
    files = [SimpleUploadedFile(f"{number}.txt", b"x") for number in range(2)]
    answer = refused(browser, desk, files=files)
    assert (len(kept(answer)), "choose them again" in answer.content.decode()) == (1, True)


def test_a_refused_comment_keeps_its_files_too(desk: Desk, browser: Client) -> None:
    with desk.entered():
        ticket = desk.submit()
    files = [SimpleUploadedFile("plan.txt", b"the plan"), SimpleUploadedFile("nothing.txt", b"")]
    answer = browser.post(f"/requests/{ticket.reference}/comment/", {"text": "See.", "files": files})
    assert (answer.status_code, len(kept(answer))) == (422, 1)


def test_an_agents_refused_reply_keeps_its_files_too(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit()
    files = [SimpleUploadedFile("plan.txt", b"the plan"), SimpleUploadedFile("nothing.txt", b"")]
    answer = visit(desk, desk.agent).post(f"/admin/tickets/ticket/{ticket.pk}/reply/", {"text": "See.", "files": files})
    assert (answer.status_code, len(kept(answer))) == (422, 1)


def test_a_request_that_is_filed_leaves_nothing_waiting(desk: Desk, browser: Client) -> None:
    answer = refused(browser, desk, files=SimpleUploadedFile("plan.txt", b"the plan"))
    file_request(browser, desk, *kept(answer))
    with desk.entered():
        assert not uploads.of_person(desk.requester).exists()


# ---- an expired session ----


def after_log_in(browser: Client, desk: Desk, person: Person, page: str, **sent: Any) -> Any:
    """A form is sent without a session, then somebody logs in and sees its page."""
    answer = browser.post(page, sent, headers={"referer": f"http://{desk.host}{page}"})
    browser.post(answer.headers["Location"], {"login": person.email, "password": PASSWORD, "next": page})
    return browser.get(page)


def test_files_sent_before_the_form_survive_an_expired_session(desk: Desk, visit: Visit) -> None:
    upload = sent_before(desk, desk.requester)
    answer = after_log_in(visit(desk), desk, desk.requester, form(desk), summary="Cash desk", files_uploaded=upload)
    assert kept(answer) == [upload]


def test_but_not_for_somebody_else(desk: Desk, visit: Visit) -> None:
    upload = sent_before(desk, desk.requester)
    answer = after_log_in(visit(desk), desk, desk.colleague, form(desk), summary="Cash desk", files_uploaded=upload)
    assert ("Cash desk" in answer.content.decode(), kept(answer)) == (True, [])


def test_files_that_came_with_such_a_form_have_to_be_chosen_again(desk: Desk, visit: Visit) -> None:
    file = SimpleUploadedFile("plan.txt", b"the plan")
    answer = after_log_in(visit(desk), desk, desk.requester, form(desk), summary="Cash desk", files=file)
    assert "choose them again" in answer.content.decode()


def test_nothing_is_filed_by_it(desk: Desk, visit: Visit) -> None:
    after_log_in(visit(desk), desk, desk.requester, form(desk), summary="Cash desk")
    with desk.entered():
        assert not Ticket.objects.exists()
