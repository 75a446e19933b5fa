"""An approver names who decides while they are away; nobody names one for somebody else."""

import pytest

from accounts.deputies import appoint_deputy
from accounts.errors import NotAllowed, Refused
from accounts.models import Deputy, Representation
from conftest import Desk, Visit, in_days

TODAY, NEXT_WEEK = in_days(0), in_days(7)


def rights(desk: Desk) -> Representation:
    """The approver's own: the colleague has them."""
    found: Representation = Representation.objects.get(person=desk.colleague, organisation=desk.organisation)
    return found


def test_an_approver_names_a_colleague(desk: Desk, visit: Visit) -> None:
    values = {"person": desk.requester.pk, "starts_on": str(TODAY), "ends_on": str(NEXT_WEEK)}
    assert visit(desk, desk.colleague).post("/deputies/", values).status_code == 302
    with desk.entered():
        assert Deputy.objects.get().person == desk.requester


def test_a_strangers_name_is_no_choice(desk: Desk, visit: Visit) -> None:
    values = {"person": desk.stranger.pk, "starts_on": str(TODAY), "ends_on": str(NEXT_WEEK)}
    assert visit(desk, desk.colleague).post("/deputies/", values).status_code == 422


def test_what_was_chosen_survives_a_refusal(desk: Desk, visit: Visit) -> None:
    values = {"person": desk.requester.pk, "starts_on": str(NEXT_WEEK), "ends_on": str(TODAY)}
    page = visit(desk, desk.colleague).post("/deputies/", values)
    assert (page.status_code, str(NEXT_WEEK) in page.content.decode()) == (422, True)


def test_nobody_names_a_deputy_for_somebody_else(inside: Desk) -> None:
    with pytest.raises(NotAllowed):
        appoint_deputy(
            rights(inside), by=inside.requester, person=inside.requester, starts_on=TODAY, ends_on=TODAY, today=TODAY
        )


def test_a_deputy_is_of_the_same_organisation(inside: Desk) -> None:
    with pytest.raises(Refused) as caught:
        appoint_deputy(
            rights(inside), by=inside.colleague, person=inside.stranger, starts_on=TODAY, ends_on=TODAY, today=TODAY
        )
    assert caught.value.code == "not_colleague"


def test_who_named_a_deputy_ends_it(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        row = Deputy.objects.create(
            representation=rights(desk), person=desk.requester, starts_on=TODAY, ends_on=NEXT_WEEK
        )
    visit(desk, desk.colleague).post(f"/deputies/{row.pk}/end/")
    with desk.entered():
        assert not Deputy.objects.exists()


def test_another_desks_approver_cannot_end_it(desk: Desk, rival: Desk, visit: Visit) -> None:
    with desk.entered():
        row = Deputy.objects.create(
            representation=rights(desk), person=desk.requester, starts_on=TODAY, ends_on=NEXT_WEEK
        )
    assert visit(rival, rival.colleague).post(f"/deputies/{row.pk}/end/").status_code == 404
