"""An organisation's people, managed by its head within what the desk allows (B2)."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.errors import NotAllowed, Refused
from accounts.events import history_of
from accounts.members import (
    MOST_INVITATIONS,
    MOST_LETTERS,
    Granted,
    change_rights,
    invite_member,
    join,
    remove_member,
    rights_of,
)
from accounts.models import InvitedMember, Organisation, Person, Representation, Tenant
from conftest import Desk, Visit
from notifications.models import OutboxMessage

ASKS = Granted()


def invite(desk: Desk, email: str, *, by: Person | None = None, rights: Granted = ASKS) -> InvitedMember:
    invite_member(desk.organisation, by=by or desk.colleague, email=email, name="Nina New", rights=rights)
    row: InvitedMember = InvitedMember.objects.get(person__email=email)
    return row


def right_of(person: Person) -> Representation:
    row: Representation = Representation.objects.select_related("organisation", "person").get(person=person)
    return row


def refused(code: str, verb: Any, *args: Any, **values: Any) -> None:
    with pytest.raises(Refused) as caught:
        verb(*args, **values)
    assert caught.value.code == code


# ---- inviting ----


def test_somebody_invited_joins_when_they_say_yes(inside: Desk) -> None:
    invited = invite(inside, "nina@new.example", rights=Granted(may_see_invoices=True))
    assert not Representation.objects.filter(person=invited.person).exists()
    member = join(invited, by=invited.person)
    assert rights_of(member) == Granted(may_see_invoices=True)


def test_who_chooses_a_first_password_has_not_said_yes(desk: Desk, visit: Visit) -> None:
    """It may be by another link than the head's: home asks."""
    with desk.entered():
        invited = invite(desk, "nina@new.example")
        link = OutboxMessage.objects.get(kind="person.joining").said["link"]
    words = {"password1": "seven green bottles", "password2": "seven green bottles"}
    assert visit(desk).post(link, words).status_code == 302
    with desk.entered():
        assert not Representation.objects.filter(person=invited.person).exists()
        join(invited, by=invited.person)
        assert right_of(invited.person).organisation == desk.organisation


def test_an_invitation_does_not_outlive_the_right_of_who_gave_it(inside: Desk) -> None:
    invited = invite(inside, "second@new.example")
    Representation.objects.filter(person=inside.colleague).delete()
    with pytest.raises(Refused):
        join(invited, by=invited.person)


def test_an_old_invitation_is_none(inside: Desk) -> None:
    invited = invite(inside, "late@new.example")
    InvitedMember.objects.update(invited_at=timezone.now() - timedelta(days=31))
    with pytest.raises(Refused):
        join(invited, by=invited.person)


def test_who_does_not_see_invoices_lets_nobody_see_them(inside: Desk) -> None:
    Representation.objects.filter(person=inside.colleague).update(may_see_invoices=False)
    with pytest.raises(Refused):
        invite(inside, "books@new.example", rights=Granted(may_see_invoices=True))


def test_a_colleague_of_the_desk_gets_no_access_by_it(inside: Desk) -> None:
    Person.objects.create(name="Later", email="later@desk.example", is_agent=True)
    invite(inside, "later@desk.example")
    assert not OutboxMessage.objects.filter(to_person__email="later@desk.example").exists()


@pytest.mark.parametrize("who", ["nobody", "stranger", "agent", "inactive"])
def test_the_head_cannot_tell_who_is_known_here(desk: Desk, visit: Visit, who: str) -> None:
    """An unknown address, another customer's, a colleague's of the desk: the answer and the page are the same."""
    email = "same-length@alpha.example"
    with desk.entered():
        if who == "inactive":
            Person.objects.create(name="Known Already", email=email, is_active=False)
        elif who != "nobody":
            person = Person.objects.get(pk=getattr(desk, who).pk)
            person.name, person.email = "Known Already", email
            person.save()
    browser = visit(desk, desk.colleague)
    answer = browser.post("/organisation/", {"name": "Nina New", "email": email, "may_ask": "on"})
    page = browser.get("/organisation/").content.decode()
    assert (answer.status_code, "Nina New" in page, "Known Already" in page) == (302, True, False)


@pytest.mark.parametrize("who", ["stranger", "agent"])
def test_everybody_gets_the_same_letter(inside: Desk, who: str) -> None:
    invite(inside, getattr(inside, who).email)
    invite(inside, "nina@new.example")
    first, second = OutboxMessage.objects.filter(kind="person.joining").order_by("id")
    without = [{**row.said, "link": ""} for row in (first, second)]
    assert (without[0], first.subject) == (without[1], second.subject)


def test_who_works_at_the_desk_does_not_join(inside: Desk) -> None:
    invited = invite(inside, inside.agent.email)
    with pytest.raises(NotAllowed):
        join(invited, by=inside.agent)


def test_nobody_joins_by_anothers_invitation(inside: Desk) -> None:
    invited = invite(inside, "nina@new.example")
    with pytest.raises(NotAllowed):
        join(invited, by=inside.stranger)


def test_a_withdrawn_invitation_leads_nowhere(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        invited = invite(desk, desk.stranger.email)
    visit(desk, desk.colleague).post(f"/organisation/invited/{invited.pk}/")
    assert visit(desk, desk.stranger).post(f"/organisation/join/{invited.pk}/").status_code == 404


def test_home_asks_who_is_invited(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        invited = invite(desk, desk.stranger.email)
    browser = visit(desk, desk.stranger)
    assert "Act for Rye Bread Ltd?" in browser.get("/").content.decode()
    browser.post(f"/organisation/join/{invited.pk}/", {"answer": "no"})
    with desk.entered():
        assert not InvitedMember.objects.exists()


def test_a_colleague_is_not_invited_twice(inside: Desk) -> None:
    refused("member", invite, inside, inside.requester.email)


def test_there_is_an_end_to_invitations_in_an_hour(inside: Desk) -> None:
    for number in range(MOST_INVITATIONS):
        invite(inside, f"nina{number}@new.example")
    refused("too_many", invite, inside, "one.more@new.example")


def test_nobody_is_written_to_again_and_again(inside: Desk) -> None:
    for _ in range(MOST_LETTERS):
        invite(inside, "nina@new.example")
    refused("too_many", invite, inside, "nina@new.example")
    invite(inside, "somebody@else.example")


def test_an_invitation_is_history(inside: Desk) -> None:
    invited = invite(inside, "nina@new.example")
    event = history_of(inside.organisation).last()
    assert event is not None
    assert (event.kind, event.by, event.data) == ("member.invited", inside.colleague, {"person": invited.person_id})


# ---- what a head may grant ----


@pytest.mark.parametrize(
    ("own", "desks", "granted", "is_given"),
    [
        (None, None, None, True),
        (None, "500", "500", True),
        (None, "500", "500.01", False),
        (None, "500", None, False),
        ("100", None, "100", True),
        ("100", None, "101", False),
        ("100", "500", "200", False),
        ("100", None, None, False),
    ],
)
def test_nobody_grants_more_than_they_have_or_the_desk_allows(
    inside: Desk, own: str | None, desks: str | None, granted: str | None, is_given: bool
) -> None:
    Representation.objects.filter(person=inside.colleague).update(approval_limit=own and Decimal(own))
    Tenant.objects.update(heads_grant_up_to=desks and Decimal(desks))
    rights = Granted(may_approve=True, approval_limit=Decimal(granted) if granted else None)
    if is_given:
        change_rights(right_of(inside.requester), by=inside.colleague, rights=rights)
        assert rights_of(right_of(inside.requester)) == rights
    else:
        refused("limit", change_rights, right_of(inside.requester), by=inside.colleague, rights=rights)
        refused("limit", invite, inside, "nina@new.example", rights=rights)


def test_a_head_who_approves_nothing_lets_nobody_approve(inside: Desk) -> None:
    Representation.objects.filter(person=inside.colleague).update(may_approve=False)
    rights = Granted(may_approve=True, approval_limit=Decimal(1))
    refused("limit", change_rights, right_of(inside.requester), by=inside.colleague, rights=rights)


def test_a_head_does_not_raise_their_own_limit(inside: Desk) -> None:
    Representation.objects.filter(person=inside.colleague).update(approval_limit=100)
    own = right_of(inside.colleague)
    refused("limit", change_rights, own, by=inside.colleague, rights=replace(rights_of(own), approval_limit=None))


def test_what_the_desk_granted_beyond_stays(inside: Desk) -> None:
    """Changing another right of somebody who approves more than the head does not take that away."""
    Tenant.objects.update(heads_grant_up_to=10)
    Representation.objects.filter(person=inside.requester).update(may_approve=True, approval_limit=9000)
    rights = replace(rights_of(right_of(inside.requester)), may_see_invoices=True)
    change_rights(right_of(inside.requester), by=inside.colleague, rights=rights)
    assert right_of(inside.requester).approval_limit == 9000


def test_without_the_right_there_is_no_limit_left(desk: Desk, visit: Visit) -> None:
    values = {"may_ask": "on", "approval_limit": "50"}
    visit(desk, desk.colleague).post(f"/organisation/{desk.requester.pk}/", values)
    with desk.entered():
        assert rights_of(right_of(desk.requester)) == Granted()


# ---- heads, and who is none ----


def test_the_last_head_stays_head(inside: Desk) -> None:
    own = right_of(inside.colleague)
    refused("last_head", change_rights, own, by=inside.colleague, rights=replace(rights_of(own), is_head=False))


def test_a_head_hands_over(inside: Desk) -> None:
    head = replace(rights_of(right_of(inside.requester)), is_head=True)
    change_rights(right_of(inside.requester), by=inside.colleague, rights=head)
    own = right_of(inside.colleague)
    change_rights(own, by=inside.colleague, rights=replace(rights_of(own), is_head=False))
    assert not right_of(inside.colleague).is_head


def test_nobody_removes_themselves(inside: Desk) -> None:
    refused("own", remove_member, right_of(inside.colleague), by=inside.colleague)


def test_who_is_removed_keeps_no_right_and_their_requests_stay(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit()
    visit(desk, desk.colleague).post(f"/organisation/{desk.requester.pk}/remove/")
    with desk.entered():
        ticket.refresh_from_db()
        person = Person.objects.get(pk=desk.requester.pk)
        assert (person.represents, ticket.organisation) == ([], desk.organisation)


@pytest.mark.parametrize("who", ["requester", "stranger", "agent"])
def test_only_the_head_manages(inside: Desk, who: str) -> None:
    by = getattr(inside, who)
    with pytest.raises(NotAllowed):
        invite(inside, "nina@new.example", by=by)
    with pytest.raises(NotAllowed):
        change_rights(right_of(inside.colleague), by=by, rights=ASKS)
    with pytest.raises(NotAllowed):
        remove_member(right_of(inside.colleague), by=by)


def test_the_head_of_another_organisation_manages_nobody_here(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        Representation.objects.filter(person=desk.stranger).update(is_head=True)
    browser = visit(desk, desk.stranger)
    answers = [browser.post(f"/organisation/{desk.requester.pk}/{end}").status_code for end in ("", "remove/")]
    assert answers == [404, 404]


def test_another_desks_head_reaches_nobody(desk: Desk, rival: Desk, visit: Visit) -> None:
    assert visit(rival, rival.colleague).post(f"/organisation/{desk.requester.pk}/remove/").status_code == 404


def test_where_the_desk_manages_people_heads_do_not(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        tenant = Tenant.objects.get()
        tenant.heads_manage_people = False
        tenant.save()
        with pytest.raises(NotAllowed):
            invite(desk, "nina@new.example")
    browser = visit(desk, desk.colleague)
    page = browser.get("/organisation/").content.decode()
    changing = browser.get(f"/organisation/{desk.requester.pk}/").status_code
    assert ("Rita Requester" in page, "Invite somebody" in page, changing) == (True, False, 404)


def test_a_representative_of_staff_is_not_the_heads(inside: Desk) -> None:
    row = Representation.objects.create(person=inside.agent, organisation=inside.organisation)
    with pytest.raises(NotAllowed):
        remove_member(row, by=inside.colleague)


def test_a_head_of_a_closed_organisation_changes_nothing(inside: Desk) -> None:
    Organisation.objects.filter(pk=inside.organisation.pk).update(is_active=False)
    member = right_of(inside.requester)
    with pytest.raises(NotAllowed):
        remove_member(member, by=inside.colleague)


# ---- the pages ----


def test_who_is_not_head_reads_who_is(desk: Desk, visit: Visit) -> None:
    page = visit(desk, desk.requester).get("/organisation/").content.decode()
    assert ("Colin Colleague" in page, "Invite somebody" in page) == (True, False)


def test_without_billing_no_right_speaks_of_money(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        tenant = Tenant.objects.get()
        tenant.billing_enabled = False
        tenant.save()
    browser = visit(desk, desk.colleague)
    page = browser.get(f"/organisation/{desk.colleague.pk}/").content.decode()
    assert ("estimate" in page, "invoice" in page.lower().replace("invoice-", "")) == (False, False)
    browser.post(f"/organisation/{desk.colleague.pk}/", {"may_ask": "on", "is_head": "on"})
    with desk.entered():  # and what was granted before rests
        assert rights_of(right_of(desk.colleague)).may_approve


def test_many_people_come_in_pages(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        for number in range(30):
            person = Person.objects.create(name=f"Person {number}")
            Representation.objects.create(person=person, organisation=desk.organisation)
    browser = visit(desk, desk.colleague)
    page = browser.get("/organisation/").content.decode()
    assert ("Person 29<" in page, "Person 2<" in page, "Older" in page) == (True, False, True)


def test_what_was_typed_survives_a_refusal(desk: Desk, visit: Visit) -> None:
    values = {"name": "Nina New", "email": desk.requester.email}
    page = visit(desk, desk.colleague).post("/organisation/", values)
    assert (page.status_code, "Nina New" in page.content.decode()) == (422, True)
