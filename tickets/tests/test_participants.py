"""Guests: invited to one request, they read it, write to it and hear of it, and decide nothing (A10)."""

from typing import Any

import pytest
from django.core.files.base import ContentFile

from accounts.errors import NotAllowed, Refused
from accounts.models import Event, Person, StoredFile
from conftest import Desk, Visit, comments_of, written
from notifications.models import OutboxMessage
from tickets import actions
from tickets.models import Participant, Ticket
from tickets.permissions import is_guest, may_invite
from tickets.tests.steps import fresh, says, told
from tickets.verbs import available
from tickets.workflow import Status

ADDRESS = "nora@new.example"


def invited(desk: Desk, ticket: Ticket, *, by: Person | None = None, address: str = ADDRESS, name: str = "") -> Person:
    participant = actions.add_participant(ticket, by=by or desk.requester, address=address, name=name)
    person: Person = Person.objects.get(pk=participant.person_id)
    return person


def refusal(desk: Desk, **values: Any) -> str | None:
    with pytest.raises(Refused) as caught:
        invited(desk, desk.submit(), **values)
    return caught.value.code


# ---- who invites ----


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("requester", True),
        ("colleague", True),
        ("agent", True),
        ("manager", True),
        ("accountant", False),
        ("stranger", False),
    ],
)
def test_a10_who_may_invite(inside: Desk, role: str, may: bool) -> None:
    ticket, by = inside.submit(), getattr(inside, role)
    assert may_invite(by, ticket) is may
    if may:
        assert invited(inside, ticket, by=by).email == ADDRESS
    else:
        with pytest.raises(NotAllowed):
            invited(inside, ticket, by=by)


def test_a_guest_invites_nobody(inside: Desk) -> None:
    ticket = inside.submit()
    with pytest.raises(NotAllowed):
        invited(inside, ticket, by=invited(inside, ticket), address="more@new.example")


def test_who_reads_without_a_right_invites_nobody(inside: Desk) -> None:
    ticket = inside.submit()
    with pytest.raises(NotAllowed):
        invited(inside, ticket, by=inside.reader())


# ---- who is invited ----


def test_a_person_who_was_not_known_is_made(inside: Desk) -> None:
    person = invited(inside, inside.submit(), address=" Nora@New.Example ", name="  Nora   New ")
    assert (person.email, person.name, person.is_verified) == (ADDRESS, "Nora New", False)


def test_a_new_person_has_no_right_anywhere(inside: Desk) -> None:
    person = invited(inside, inside.submit())
    assert (person.represents, person.is_staff) == ([], False)


@pytest.mark.parametrize(("role", "language"), [("requester", "lv"), ("agent", "lv")])
def test_a_new_person_reads_the_customers_language(inside: Desk, role: str, language: str) -> None:
    """Whoever invites: agents may read another one."""
    Person.objects.filter(pk=inside.requester.pk).update(language=language)
    by = Person.objects.get(pk=getattr(inside, role).pk)
    assert invited(inside, inside.submit(), by=by).language == language


def test_a_known_person_is_taken(inside: Desk) -> None:
    assert invited(inside, inside.submit(), address=inside.stranger.email, name="Another") == inside.stranger


def test_a_known_persons_name_is_not_changed(inside: Desk) -> None:
    invited(inside, inside.submit(), address=inside.stranger.email, name="Another")
    assert Person.objects.get(pk=inside.stranger.pk).name == "Stan Stranger"


def test_who_is_known_elsewhere_is_a_new_person_here(inside: Desk, rival: Desk) -> None:
    assert invited(inside, inside.submit(), address=rival.requester.email) != rival.requester


def test_inviting_twice_is_inviting_once(inside: Desk) -> None:
    ticket = inside.submit()
    invited(inside, ticket)
    invited(inside, ticket)
    assert (Participant.objects.count(), Event.objects.filter(kind="ticket.participant_added").count()) == (1, 1)


@pytest.mark.parametrize("role", ["agent", "accountant", "manager"])
def test_staff_cannot_be_invited(inside: Desk, role: str) -> None:
    assert refusal(inside, address=getattr(inside, role).email) == "staff"


def test_who_left_cannot_be_invited(inside: Desk) -> None:
    Person.objects.filter(pk=inside.stranger.pk).update(is_active=False)
    assert refusal(inside, address=inside.stranger.email) == "staff"


def test_who_asked_takes_part_already(inside: Desk) -> None:
    assert refusal(inside, by=inside.colleague, address=inside.requester.email) == "requester"


@pytest.mark.parametrize("address", ["", "nora", "nora@", "a@b.example, c@d.example", "a@b.example\nBcc: x@y.example"])
def test_what_is_no_address_is_refused(inside: Desk, address: str) -> None:
    assert refusal(inside, address=address) == "address"


def test_an_invitation_is_history(inside: Desk) -> None:
    person = invited(inside, inside.submit())
    event = Event.objects.get(kind="ticket.participant_added")
    assert (event.by, event.data["person"]) == (inside.requester, person.pk)


# ---- what a guest sees ----


def test_a10_a_guest_sees_this_request_only(inside: Desk) -> None:
    ticket, other = inside.submit(), inside.submit()
    guest = invited(inside, ticket)
    seen = Ticket.objects.visible_to(guest)
    assert (ticket in seen, other in seen) == (True, False)


def test_a_guest_of_one_organisation_keeps_their_own(inside: Desk) -> None:
    own = inside.submit(by=inside.stranger, organisation=inside.other_organisation)
    ticket = inside.submit()
    invited(inside, ticket, address=inside.stranger.email)
    assert set(Ticket.objects.visible_to(inside.stranger)) == {own, ticket}


def test_the_list_of_what_is_shared(inside: Desk) -> None:
    ticket = inside.submit()
    guest = invited(inside, ticket)
    assert list(Ticket.objects.shared_with(guest)) == [ticket]


def test_who_left_sees_nothing_that_was_shared(inside: Desk) -> None:
    guest = invited(inside, inside.submit())
    guest.is_active = False
    assert not Ticket.objects.shared_with(guest).exists()


def shared(desk: Desk) -> tuple[Ticket, Ticket, Person]:
    """A request with a guest, another one, and the guest."""
    with desk.entered():
        ticket, other = desk.submit(subject="The one that is shared"), desk.submit(subject="The other one")
        return ticket, other, desk.guest(ticket)


def test_a_guest_opens_the_page_of_this_request_only(desk: Desk, visit: Visit) -> None:
    ticket, other, guest = shared(desk)
    browser = visit(desk, guest)
    pages = [browser.get(f"/requests/{row.reference}/").status_code for row in (ticket, other)]
    assert pages == [200, 404]


def test_a_guests_list_has_this_request_only(desk: Desk, visit: Visit) -> None:
    _, _, guest = shared(desk)
    page = visit(desk, guest).get("/requests/?scope=shared&state=all").content.decode()
    assert ("The one that is shared" in page, "The other one" in page) == (True, False)


def test_a_guests_own_list_is_empty(desk: Desk, visit: Visit) -> None:
    _, _, guest = shared(desk)
    assert "The one that is shared" not in visit(desk, guest).get("/requests/?scope=mine&state=all").content.decode()


def test_a_guest_reads_no_note(desk: Desk, visit: Visit) -> None:
    ticket, _, guest = shared(desk)
    with desk.entered():
        actions.comment(ticket, by=desk.agent, text="Between us.", is_internal=True)
        actions.comment(ticket, by=desk.agent, text="For all of you.")
    page = visit(desk, guest).get(f"/requests/{ticket.reference}/").content.decode()
    assert ("For all of you." in page, "Between us." in page) == (True, False)


@pytest.mark.parametrize(("is_internal", "status"), [(False, 200), (True, 404)])
def test_a_guest_gets_the_files_that_the_customer_gets(
    desk: Desk, visit: Visit, is_internal: bool, status: int
) -> None:
    ticket, _, guest = shared(desk)
    with desk.entered():
        file = ContentFile(b"plan", name="plan.txt")
        actions.comment(ticket, by=desk.agent, text="The plan.", is_internal=is_internal, files=[file])
        kept = StoredFile.objects.get(name="plan.txt").pk
    assert visit(desk, guest).get(f"/files/{kept}/").status_code == status


def test_a_guest_gets_no_file_of_another_request(desk: Desk, visit: Visit) -> None:
    _, other, guest = shared(desk)
    with desk.entered():
        actions.comment(other, by=desk.agent, text="", files=[ContentFile(b"plan", name="plan.txt")])
        kept = StoredFile.objects.get(name="plan.txt").pk
    assert visit(desk, guest).get(f"/files/{kept}/").status_code == 404


# ---- what a guest does ----


def test_a10_a_guest_comments(inside: Desk) -> None:
    ticket = inside.submit()
    actions.comment(ticket, by=invited(inside, ticket), text="I saw it too.")
    assert comments_of(ticket) == ["I saw it too."]


def test_a_guests_comment_gives_nothing_back(inside: Desk) -> None:
    """They decide nothing, not even by writing."""
    ticket = inside.delivered()
    actions.comment(ticket, by=invited(inside, ticket), text="Not for me.")
    assert fresh(ticket).status == Status.WAITING


def test_a_guests_comment_holds_no_invoice(inside: Desk) -> None:
    ticket = inside.accepted()
    guest = Person.objects.get(pk=Participant.objects.create(ticket=ticket, person=inside.stranger).person_id)
    actions.comment(ticket, by=guest, text="Too dear.")
    assert not fresh(ticket).is_held


def test_a_guests_words_are_unread_until_somebody_answers(inside: Desk) -> None:
    ticket = inside.submit()
    actions.comment(ticket, by=invited(inside, ticket), text="I saw it too.")
    before = fresh(ticket).unread_since
    actions.comment(ticket, by=inside.agent, text="Thank you.")
    assert (before is not None, fresh(ticket).unread_since) == (True, None)


def test_a_guest_writes_no_note(inside: Desk) -> None:
    ticket = inside.submit()
    with pytest.raises(NotAllowed):
        actions.comment(ticket, by=invited(inside, ticket), text="Secret", is_internal=True)


@pytest.mark.parametrize("make", [Desk.submit, Desk.estimated, Desk.delivered, Desk.accepted, Desk.reopened])
def test_nothing_is_offered_to_a_guest(inside: Desk, make: Any) -> None:
    ticket = make(inside)
    guest = invited(inside, ticket)
    row = Ticket.objects.select_related("tenant", "organisation", "request_type", "contract").get(pk=ticket.pk)
    assert available(row, guest) == []


def test_a_guest_accepts_nothing(inside: Desk) -> None:
    ticket = inside.delivered()
    with pytest.raises(NotAllowed):
        actions.accept_solution(ticket, by=invited(inside, ticket))


def test_a_guest_reopens_nothing(inside: Desk) -> None:
    ticket = inside.delivered()
    with pytest.raises(NotAllowed):
        actions.reopen(ticket, by=invited(inside, ticket), text="Not for me.")


def test_a_guest_cancels_nothing(inside: Desk) -> None:
    ticket = inside.submit()
    with pytest.raises(NotAllowed):
        actions.cancel(ticket, by=invited(inside, ticket), text="No.")


def test_a_guest_is_not_quoted(inside: Desk) -> None:
    ticket = inside.delivered()
    with pytest.raises(NotAllowed):
        actions.accept_solution(ticket, by=inside.agent, quote=says(invited(inside, ticket)))


def test_who_asks_for_the_organisation_is_no_guest(inside: Desk) -> None:
    """They hear of it because they were invited, and decide because of their right."""
    ticket = inside.delivered()
    colleague = invited(inside, ticket, address=inside.colleague.email)
    assert not is_guest(colleague, ticket)
    assert actions.accept_solution(ticket, by=colleague).status == Status.INVOICE


# ---- leaving ----


def test_a_removed_guest_sees_nothing(inside: Desk) -> None:
    ticket = inside.submit()
    guest = invited(inside, ticket)
    before = Ticket.objects.visible_to(guest).exists()
    actions.remove_participant(ticket, by=inside.requester, person=guest)
    assert (before, Ticket.objects.visible_to(guest).exists()) == (True, False)


def test_a_removed_guest_gets_no_page_and_no_file(desk: Desk, visit: Visit) -> None:
    ticket, _, guest = shared(desk)
    with desk.entered():
        actions.comment(ticket, by=desk.agent, text="", files=[ContentFile(b"plan", name="plan.txt")])
        kept = StoredFile.objects.get(name="plan.txt").pk
    browser = visit(desk, guest)
    addresses = (f"/requests/{ticket.reference}/", f"/files/{kept}/")
    before = [browser.get(address).status_code for address in addresses]
    with desk.entered():
        actions.remove_participant(ticket, by=desk.requester, person=guest)
    assert (before, [browser.get(address).status_code for address in addresses]) == ([200, 200], [404, 404])


def test_a_removed_guest_cannot_write(inside: Desk) -> None:
    ticket = inside.submit()
    guest = invited(inside, ticket)
    actions.remove_participant(ticket, by=inside.requester, person=guest)
    with pytest.raises(NotAllowed):
        actions.comment(ticket, by=guest, text="One more thing.")


def test_a_removed_guest_hears_nothing_more(inside: Desk) -> None:
    ticket = inside.submit()
    guest = invited(inside, ticket)
    actions.remove_participant(ticket, by=inside.requester, person=guest)
    actions.comment(ticket, by=inside.agent, text="News.")
    assert told("commented") == {inside.requester}


def test_what_a_removed_guest_wrote_stays(inside: Desk) -> None:
    ticket = inside.submit()
    guest = invited(inside, ticket)
    actions.comment(ticket, by=guest, text="I saw it too.")
    actions.remove_participant(ticket, by=inside.requester, person=guest)
    assert comments_of(ticket) == ["I saw it too."]


def test_a_guest_leaves_by_themselves(inside: Desk) -> None:
    ticket = inside.submit()
    guest = invited(inside, ticket)
    actions.remove_participant(ticket, by=guest, person=guest)
    assert Event.objects.get(kind="ticket.participant_removed").by == guest


def test_a_guest_removes_no_other_guest(inside: Desk) -> None:
    ticket = inside.submit()
    guest, other = invited(inside, ticket), invited(inside, ticket, address="other@new.example")
    with pytest.raises(NotAllowed):
        actions.remove_participant(ticket, by=guest, person=other)


def test_removing_who_was_not_there_is_no_history(inside: Desk) -> None:
    actions.remove_participant(inside.submit(), by=inside.requester, person=inside.stranger)
    assert not Event.objects.filter(kind="ticket.participant_removed").exists()


# ---- a merge takes guests along ----


def test_the_guests_of_a_duplicate_follow(inside: Desk) -> None:
    duplicate, ticket = inside.submit(), inside.submit()
    guest = invited(inside, duplicate)
    actions.merge(duplicate, by=inside.agent, into=ticket)
    assert ticket in Ticket.objects.visible_to(guest)


def test_and_leave_again_when_it_is_undone(inside: Desk) -> None:
    duplicate, ticket = inside.submit(), inside.submit()
    guest = invited(inside, duplicate)
    actions.merge(duplicate, by=inside.agent, into=ticket)
    actions.unmerge(duplicate, by=inside.agent)
    assert set(Ticket.objects.visible_to(guest)) == {duplicate}


def test_who_was_a_guest_of_both_stays(inside: Desk) -> None:
    duplicate, ticket = inside.submit(), inside.submit()
    guest = invited(inside, duplicate)
    invited(inside, ticket)
    actions.merge(duplicate, by=inside.agent, into=ticket)
    actions.unmerge(duplicate, by=inside.agent)
    assert ticket in Ticket.objects.visible_to(guest)


def test_a10_a_new_guest_gets_a_link_to_choose_a_password(inside: Desk) -> None:
    actions.add_participant(inside.submit(), by=inside.requester, address="new@guest.example")
    assert OutboxMessage.objects.filter(kind="person.invitation", to_address="new@guest.example").exists()


def test_a10_there_is_an_end_to_inviting(inside: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tickets.actions.conversation.MOST_GUESTS", 1)
    ticket = inside.submit()
    actions.add_participant(ticket, by=inside.requester, address="first@guest.example")
    with pytest.raises(Refused) as caught:
        actions.add_participant(ticket, by=inside.requester, address="second@guest.example")
    assert caught.value.code == "too_many"


def test_who_is_invited_again_is_not_written_to_again(inside: Desk) -> None:
    ticket = inside.submit()
    for _again in range(3):
        guest = invited(inside, ticket)
        actions.remove_participant(ticket, by=inside.requester, person=guest)
    assert OutboxMessage.objects.filter(to_address=ADDRESS).count() == 2  # the invitation and the access, once each


def test_there_is_an_end_to_inviting_in_a_day(inside: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tickets.actions.conversation.MOST_INVITATIONS", 1)
    invited(inside, inside.submit())
    with pytest.raises(Refused) as caught:
        invited(inside, inside.submit(), address="second@guest.example")
    assert caught.value.code == "too_many"


def test_an_unproved_guest_reads_no_words_of_the_inviters_choice(inside: Desk) -> None:
    ticket = inside.submit(subject="Pay at evil.example")
    invited(inside, ticket)
    actions.comment(ticket, by=inside.agent, text="Buy now")
    letters = [written(row) for row in OutboxMessage.objects.filter(to_address=ADDRESS)]
    assert [row.kind for row in letters if "evil" in row.text + row.subject or "Buy" in row.text] == []


def test_a_signed_reply_proves_a_guests_address(inside: Desk) -> None:
    ticket = inside.submit()
    guest = invited(inside, ticket)
    actions.comment_by_mail(ticket, by=guest, text="I read it.", files=(), is_verified=True)
    assert Person.objects.get(pk=guest.pk).is_verified
