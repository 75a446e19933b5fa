"""Links that are as good as a password reach their owner and nobody else."""

import re

import pytest

from accounts import actions, jobs
from accounts.errors import Refused
from accounts.invitations import make_token, read_token
from accounts.models import Person
from conftest import Desk, Visit, written
from notifications import delivery
from notifications.models import OutboxMessage

LINK = re.compile(r"/invitation/|/reset/key/")


def letters(desk: Desk) -> list[OutboxMessage]:
    """An invitation and a reset, as they stand in the outbox."""
    with desk.entered():
        person = Person.objects.create(name="Nora New", email="nora@new.example")
        actions.invite(person, by=desk.agent)
        actions.request_reset(desk.manager.user.email)
        return list(OutboxMessage.objects.filter(kind__in=["person.invitation", "person.reset"]))


@pytest.mark.parametrize("role", ["agent", "accountant", "manager"])
def test_staff_do_not_read_personal_links(desk: Desk, visit: Visit, role: str) -> None:
    browser = visit(desk, getattr(desk, role))
    pages = [browser.get(f"/admin/notifications/outboxmessage/{letter.pk}/change/") for letter in letters(desk)]
    assert [(page.status_code, bool(LINK.search(page.content.decode()))) for page in pages] == [(200, False)] * 2


def test_the_links_are_really_in_the_letters(desk: Desk) -> None:
    """Makes sure that the test above could fail."""
    rows = letters(desk)
    with desk.entered():
        assert all(LINK.search(written(letter).text) for letter in rows)


def test_the_letters_are_marked_as_personal(desk: Desk) -> None:
    assert [letter.is_personal for letter in letters(desk)] == [True, True]


def test_a_letter_without_such_a_link_is_read_by_staff(desk: Desk, visit: Visit) -> None:
    """Makes sure that what hides the links does not hide everything."""
    with desk.entered():
        desk.submit()
        letter = OutboxMessage.objects.get(kind="ticket.submitted")
    page = visit(desk, desk.agent).get(f"/admin/notifications/outboxmessage/{letter.pk}/change/")
    assert (letter.is_personal, "is registered" in page.content.decode()) == (False, True)


def test_a_delivered_link_is_not_kept(desk: Desk) -> None:
    found = letters(desk)
    for letter in found:
        delivery.deliver(desk.id, letter.pk)
    with desk.entered():
        assert set(OutboxMessage.objects.filter(pk__in=[row.pk for row in found]).values_list("text", "html")) == {
            ("", "")
        }


def test_an_invitation_follows_no_edited_address(desk: Desk) -> None:
    with desk.entered():
        person = Person.objects.create(name="Nora New", email="nora@new.example")
        actions.invite(person, by=desk.agent)
        Person.objects.filter(pk=person.pk).update(email="thief@evil.example")
        with pytest.raises(Refused) as caught:
            actions.invite(person, by=desk.agent)
    assert caught.value.code == "other_address"


def test_a_link_ends_when_the_person_gets_another_address(inside: Desk) -> None:
    person = Person.objects.create(name="Nora New", email="nora@new.example")
    actions.invite(person, by=inside.agent)
    token = make_token(Person.objects.get(pk=person.pk))
    Person.objects.filter(pk=person.pk).update(email="thief@evil.example")
    assert read_token(token) is None


def test_the_page_for_a_forgotten_password_starts_the_job(
    desk: Desk, visit: Visit, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: object
) -> None:
    started: list[tuple[object, ...]] = []
    monkeypatch.setattr(jobs, "enqueue", lambda task, *ids: started.append((task.name, *ids)))
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        visit(desk).post("/account/password/reset/", {"email": desk.requester.user.email})
    assert started == [("accounts.tasks.request_reset", desk.id, desk.requester.user.email)]
