"""Who sees which request, note and file: a truth table."""

import pytest
from django.core.files.base import ContentFile

from accounts.models import StoredFile
from conftest import Desk, Visit
from tickets import actions
from tickets.models import Comment, Ticket


@pytest.mark.parametrize(
    ("role", "sees"),
    [
        ("requester", True),
        ("colleague", True),
        ("stranger", False),
        ("agent", True),
        ("accountant", True),
        ("manager", True),
    ],
)
def test_who_sees_a_request(inside: Desk, role: str, sees: bool) -> None:
    ticket = inside.submit()
    assert Ticket.objects.visible_to(getattr(inside, role)).filter(pk=ticket.pk).exists() is sees


@pytest.mark.parametrize(
    ("role", "mine", "organisations"), [("requester", 1, 1), ("colleague", 0, 1), ("stranger", 0, 0)]
)
def test_the_halves_of_what_a_customer_sees(inside: Desk, role: str, mine: int, organisations: int) -> None:
    inside.submit()
    who = getattr(inside, role)
    found = Ticket.objects.asked_by(who).count(), Ticket.objects.of_organisation(inside.organisation, actor=who).count()
    assert found == (mine, organisations)


def test_an_inactive_person_sees_no_half_either(inside: Desk) -> None:
    inside.submit()
    inside.requester.is_active = False
    assert not Ticket.objects.asked_by(inside.requester).exists()
    assert not Ticket.objects.of_organisation(inside.organisation, actor=inside.requester).exists()


def test_an_inactive_person_sees_nothing(inside: Desk) -> None:
    inside.submit()
    inside.requester.is_active = False
    assert not Ticket.objects.visible_to(inside.requester).exists()


@pytest.mark.parametrize(("role", "sees"), [("requester", False), ("agent", True), ("accountant", True)])
def test_who_sees_an_internal_note(inside: Desk, role: str, sees: bool) -> None:
    ticket = inside.submit()
    actions.comment(ticket, by=inside.agent, text="Between us.", is_internal=True)
    assert Comment.objects.visible_to(getattr(inside, role)).exists() is sees


def test_a_note_is_not_on_the_customers_page(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit()
        actions.comment(ticket, by=desk.agent, text="Between us.", is_internal=True)
    page = visit(desk, desk.requester).get(f"/requests/{ticket.reference}/")
    assert (page.status_code, b"Between us." in page.content) == (200, False)


def with_file(desk: Desk, *, is_internal: bool) -> int:
    with desk.entered():
        ticket = desk.submit()
        file = ContentFile(b"secret", name="plan.txt")
        actions.comment(ticket, by=desk.agent, text="See the plan.", is_internal=is_internal, files=[file])
        return StoredFile.objects.get(name="plan.txt").pk


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
def test_who_gets_a_file(desk: Desk, visit: Visit, role: str, is_internal: bool, status: int) -> None:
    file = with_file(desk, is_internal=is_internal)
    assert visit(desk, getattr(desk, role)).get(f"/files/{file}/").status_code == status


def test_a_file_comes_as_a_download(desk: Desk, visit: Visit) -> None:
    answer = visit(desk, desk.requester).get(f"/files/{with_file(desk, is_internal=False)}/")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="plan.txt"'


def test_a_file_cannot_run_anything(desk: Desk, visit: Visit) -> None:
    answer = visit(desk, desk.requester).get(f"/files/{with_file(desk, is_internal=False)}/")
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_the_content_type_is_judged_from_the_bytes(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit()
        file = ContentFile(b"<script>alert(1)</script>", name="picture.png")
        actions.comment(ticket, by=desk.agent, text="", files=[file])
        kept = StoredFile.objects.get(name="picture.png")
    answer = visit(desk, desk.requester).get(f"/files/{kept.pk}/")
    assert answer.headers["Content-Type"] == "application/octet-stream"


def test_another_desks_file_is_not_there(desk: Desk, rival: Desk, visit: Visit) -> None:
    file = with_file(rival, is_internal=False)
    assert visit(desk, desk.manager).get(f"/files/{file}/").status_code == 404


def test_a_file_outlives_no_log_out(desk: Desk, visit: Visit) -> None:
    file = with_file(desk, is_internal=False)
    browser = visit(desk, desk.requester)
    browser.post("/account/logout/")
    assert browser.get(f"/files/{file}/").status_code == 302
