"""A6: the customer orders their requests; the agents' queue follows, and nobody else's is overtaken."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.errors import NotAllowed
from accounts.events import last_of
from accounts.models import Event, Person, Representation
from conftest import Desk, Visit
from tickets import actions
from tickets.models import Ticket
from tickets.workflow import Status

ORDER = "/requests/order/"


def three(desk: Desk) -> list[int]:
    return [desk.submit(subject=f"Request {n}").pk for n in range(3)]


def queue() -> list[int]:
    return list(Ticket.objects.alive().queued().values_list("pk", flat=True))


def ranks() -> list[int | None]:
    return list(Ticket.objects.order_by("id").values_list("handling_rank", flat=True))


def test_a6_the_queue_follows_the_order(inside: Desk) -> None:
    a, b, c = three(inside)
    actions.set_order(inside.organisation, order=[c, a, b], by=inside.colleague)
    assert queue() == [c, a, b]


def test_a6_nobody_elses_request_is_overtaken(inside: Desk) -> None:
    a, b = inside.submit().pk, None
    other = inside.submit(by=inside.stranger, organisation=inside.other_organisation).pk
    b = inside.submit().pk
    actions.set_order(inside.organisation, order=[b, a], by=inside.colleague)
    assert queue() == [b, other, a]


def test_a6_each_knows_its_place(inside: Desk) -> None:
    a, b, c = three(inside)
    actions.set_order(inside.organisation, order=[c, a, b], by=inside.colleague)
    assert ranks() == [2, 3, 1]


def test_a6_a_new_request_comes_last(inside: Desk) -> None:
    a, b, c = three(inside)
    actions.set_order(inside.organisation, order=[c, b, a], by=inside.colleague)
    new = inside.submit().pk
    assert actions.in_handling_order(inside.organisation) == [c, b, a, new]


@pytest.mark.parametrize("way", ["cancel", "reject", "merge"])
def test_a6_what_ends_loses_its_place(inside: Desk, way: str) -> None:
    a, b, c = three(inside)
    actions.set_order(inside.organisation, order=[a, b, c], by=inside.colleague)
    ticket = Ticket.objects.get(pk=a)
    if way == "cancel":
        actions.cancel(ticket, by=inside.requester, text="No need.")
    elif way == "reject":
        actions.reject(ticket, by=inside.agent, text="No.")
    else:
        actions.merge(ticket, by=inside.agent, into=Ticket.objects.get(pk=b))
    assert ranks()[0] is None


def test_a6_what_is_accepted_is_not_ordered_any_more(inside: Desk) -> None:
    ticket = inside.delivered()
    actions.set_order(inside.organisation, order=[ticket.pk], by=inside.colleague)
    actions.accept_solution(ticket, by=inside.requester)
    assert (ranks(), actions.in_handling_order(inside.organisation)) == ([None], [])


def test_a6_what_moves_to_another_organisation_loses_its_place(inside: Desk) -> None:
    ticket = inside.submit()
    actions.set_order(inside.organisation, order=[ticket.pk], by=inside.colleague)
    actions.complete(
        ticket, by=inside.agent, organisation=inside.other_organisation, request_type=None, priority=ticket.priority
    )
    assert ranks() == [None]


def test_requests_filed_in_the_same_moment_have_an_order_too(inside: Desk) -> None:
    a, b, c = three(inside)
    Ticket.objects.update(queue_at=Ticket.objects.get(pk=a).queue_at)
    actions.set_order(inside.organisation, order=[c, b, a], by=inside.colleague)
    assert queue() == [c, b, a]


# ---- who ----


@pytest.mark.parametrize(
    ("who", "may"),
    [
        ("colleague", True),  # the head
        ("requester", False),
        ("stranger", False),
        ("agent", False),
        ("manager", False),
    ],
)
def test_a6_only_who_has_the_right(inside: Desk, who: str, may: bool) -> None:
    order = three(inside)[::-1]
    if may:
        actions.set_order(inside.organisation, order=order, by=getattr(inside, who))
        return
    with pytest.raises(NotAllowed):
        actions.set_order(inside.organisation, order=order, by=getattr(inside, who))


def test_a6_the_right_can_be_given(inside: Desk) -> None:
    Representation.objects.filter(person=inside.requester).update(may_order=True)
    order = three(inside)[::-1]
    actions.set_order(inside.organisation, order=order, by=Person.objects.get(pk=inside.requester.pk))
    assert queue() == order


def test_a6_another_organisations_requests_cannot_be_named(inside: Desk) -> None:
    ours = inside.submit().pk
    theirs = inside.submit(by=inside.stranger, organisation=inside.other_organisation).pk
    with pytest.raises(actions.OrderHasChanged) as refusal:
        actions.set_order(inside.organisation, order=[theirs, ours], by=inside.colleague)
    assert (refusal.value.kept, str(theirs) in str(refusal.value.sentence)) == ([ours], False)


# ---- a list that is not up to date ----


def test_what_came_meanwhile_is_named_and_put_last(inside: Desk) -> None:
    a, b, c = three(inside)
    new = inside.submit()
    with pytest.raises(actions.OrderHasChanged) as refusal:
        actions.set_order(inside.organisation, order=[c, b, a], by=inside.colleague)
    assert (refusal.value.kept, new.reference in str(refusal.value.sentence)) == ([c, b, a, new.pk], True)


def test_what_ended_meanwhile_is_left_out(inside: Desk) -> None:
    a, b, c = three(inside)
    actions.cancel(Ticket.objects.get(pk=b), by=inside.requester, text="No need.")
    with pytest.raises(actions.OrderHasChanged) as refusal:
        actions.set_order(inside.organisation, order=[c, b, a], by=inside.colleague)
    assert refusal.value.kept == [c, a]


def test_a_request_named_twice_is_refused(inside: Desk) -> None:
    a, b, c = three(inside)
    with pytest.raises(actions.OrderHasChanged):
        actions.set_order(inside.organisation, order=[c, a, b, a], by=inside.colleague)


# ---- what is written down ----


def test_the_change_is_written_down_with_before_and_after(inside: Desk) -> None:
    a, b, c = three(inside)
    actions.set_order(inside.organisation, order=[c, a, b], by=inside.colleague)
    event = last_of(inside.organisation, "organisation.order_set")
    assert event is not None
    assert (event.by_id, event.data) == (inside.colleague.pk, {"before": [a, b, c], "after": [c, a, b]})


def test_the_same_order_again_is_no_change(inside: Desk) -> None:
    order = three(inside)
    for _ in range(2):
        actions.set_order(inside.organisation, order=order, by=inside.colleague)
    assert Event.objects.filter(kind="organisation.order_set").count() == 1


def test_the_history_says_who_moved_it(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        a, b, c = three(desk)
        actions.set_order(desk.organisation, order=[c, a, b], by=desk.colleague)
        reference = Ticket.objects.get(pk=c).reference
    page = visit(desk, desk.requester).get(f"/requests/{reference}/").content.decode()
    assert "Colin Colleague moved it from place 3 to place 1 in the order of handling." in page


def test_a_guest_is_not_told_how_the_house_is_run(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        a, b, c = three(desk)
        actions.set_order(desk.organisation, order=[c, a, b], by=desk.colleague)
        ticket = Ticket.objects.get(pk=c)
        guest = desk.guest(ticket)
    page = visit(desk, guest).get(f"/requests/{ticket.reference}/").content.decode()
    assert (ticket.subject in page, "order of handling" in page) == (True, False)


def test_what_did_not_move_has_no_line(inside: Desk) -> None:
    a, b, c = three(inside)
    actions.set_order(inside.organisation, order=[a, c, b], by=inside.colleague)
    assert last_of(Ticket.objects.get(pk=a), "ticket.ordered") is None


# ---- the page ----


def shown(answer: Any) -> list[int]:
    return [row["ticket"].pk for row in answer.context["rows"]]


def test_the_page_shows_the_order(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        order = three(desk)
    assert shown(visit(desk, desk.colleague).get(ORDER)) == order


def test_it_is_saved_by_a_form(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        a, b, c = three(desk)
    assert shown(visit(desk, desk.colleague).post(ORDER, {"ticket": [c, a, b]}, follow=True)) == [c, a, b]


@pytest.mark.parametrize(
    ("button", "which", "order"),
    [("up", 2, [0, 2, 1]), ("down", 0, [1, 0, 2]), ("up", 0, [0, 1, 2]), ("down", 2, [0, 1, 2])],
)
def test_its_buttons_move_by_one(desk: Desk, visit: Visit, button: str, which: int, order: list[int]) -> None:
    with desk.entered():
        ids = three(desk)
    answer = visit(desk, desk.colleague).post(ORDER, {"ticket": ids, button: ids[which]}, follow=True)
    assert shown(answer) == [ids[n] for n in order]


@pytest.mark.parametrize(("typed", "order"), [("1", [2, 0, 1]), ("99", [0, 1, 2]), ("x", [0, 1, 2]), ("-1", [0, 1, 2])])
def test_a_place_can_be_typed(desk: Desk, visit: Visit, typed: str, order: list[int]) -> None:
    with desk.entered():
        ids = three(desk)
    places = {f"place-{pk}": place for place, pk in enumerate(ids, 1)}
    answer = visit(desk, desk.colleague).post(ORDER, {"ticket": ids, **places, f"place-{ids[2]}": typed}, follow=True)
    assert shown(answer) == [ids[n] for n in order]


def test_a_list_that_is_not_up_to_date_comes_back_with_the_wish(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        a, b, c = three(desk)
        new = desk.submit().pk
    answer = visit(desk, desk.colleague).post(ORDER, {"ticket": [c, b, a]})
    assert (answer.status_code, shown(answer)) == (422, [c, b, a, new])


def test_who_may_not_reads_the_order_and_who_may(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        three(desk)
    page = visit(desk, desk.requester).get(ORDER)
    assert (len(shown(page)), "order-form" in page.content.decode()) == (3, False)
    assert "Colin Colleague" in page.content.decode()


def test_who_may_not_changes_nothing(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        a, b, c = three(desk)
    assert visit(desk, desk.requester).post(ORDER, {"ticket": [c, b, a]}).status_code == 422
    with desk.entered():
        assert queue() == [a, b, c]


def test_an_outsider_sees_nothing_of_it(desk: Desk, rival: Desk, visit: Visit) -> None:
    with desk.entered():
        three(desk)
    assert shown(visit(rival, rival.colleague).get(ORDER)) == []


@pytest.mark.parametrize("sent", [{}, {"ticket": ["x", "0", "-1", "9" * 30]}, {"ticket": "1", "up": "x\0"}])
def test_what_is_no_order_is_refused(desk: Desk, visit: Visit, sent: dict[str, Any]) -> None:
    with desk.entered():
        three(desk)
    assert visit(desk, desk.colleague).post(ORDER, sent).status_code == 422


def test_the_last_change_can_be_undone(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        a, b, c = three(desk)
    browser = visit(desk, desk.colleague)
    undo = browser.post(ORDER, {"ticket": [c, b, a]}, follow=True).context["undo"]
    assert shown(browser.post(ORDER, {"ticket": undo}, follow=True)) == [a, b, c]


def test_another_persons_change_is_not_mine_to_undo(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        a, b, c = three(desk)
        Representation.objects.filter(person=desk.requester).update(may_order=True)
        actions.set_order(desk.organisation, order=[c, b, a], by=desk.colleague)
    assert visit(desk, desk.requester).get(ORDER).context["undo"] == []


def test_only_unfinished_ones_are_in_it(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        accepted = desk.accepted()
        assert Ticket.objects.get(pk=accepted.pk).status == Status.INVOICE
    assert shown(visit(desk, desk.colleague).get(ORDER)) == []


# ---- what agents see ----


def queued(page: Any) -> list[int]:
    return [ticket.pk for ticket in page.context_data["cl"].result_list]


def test_a6_agents_have_a_view_in_that_order(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        a, b, c = three(desk)
        actions.set_order(desk.organisation, order=[c, a, b], by=desk.colleague)
    assert queued(visit(desk, desk.agent).get("/admin/tickets/ticket/?queue=order")) == [c, a, b]


def test_what_waits_for_the_customer_or_for_its_invoice_is_not_in_it(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        desk.asked()
        desk.accepted()
        ticket = desk.submit()
    assert queued(visit(desk, desk.agent).get("/admin/tickets/ticket/?queue=order")) == [ticket.pk]


def test_a6_the_queue_tells_the_place(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        a, b, c = three(desk)
        actions.set_order(desk.organisation, order=[c, a, b], by=desk.colleague)
        actions.cancel(Ticket.objects.get(pk=c), by=desk.requester, text="No need.")
    page: Any = visit(desk, desk.agent).get("/admin/tickets/ticket/")
    assert [ticket.place_in_order for ticket in page.context_data["cl"].result_list] == [2, 1]
    assert "no. 2" in page.content.decode()


def test_the_queue_asks_once_for_all_places(desk: Desk, visit: Visit) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            browser.get("/admin/tickets/ticket/?queue=order")
        return len(seen)

    browser = visit(desk, desk.agent)
    with desk.entered():
        ids = three(desk)
        actions.set_order(desk.organisation, order=ids[::-1], by=desk.colleague)
    queries()
    one = queries()
    with desk.entered():
        theirs = [desk.submit(by=desk.stranger, organisation=desk.other_organisation).pk for _ in range(3)]
        Representation.objects.filter(person=desk.stranger).update(may_order=True)
        actions.set_order(desk.other_organisation, order=theirs, by=Person.objects.get(pk=desk.stranger.pk))
    assert queries() == one


@pytest.mark.parametrize(("who", "words"), [("agent", "no. 1 in their order"), ("requester", "no. 1 of your org")])
def test_a6_its_page_tells_the_place(desk: Desk, visit: Visit, who: str, words: str) -> None:
    with desk.entered():
        ticket = desk.submit()
        actions.set_order(desk.organisation, order=[ticket.pk], by=desk.colleague)
    address = f"/admin/tickets/ticket/{ticket.pk}/change/" if who == "agent" else f"/requests/{ticket.reference}/"
    assert words in visit(desk, getattr(desk, who)).get(address).content.decode()


def test_a_guest_does_not_read_the_place(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit()
        actions.set_order(desk.organisation, order=[ticket.pk], by=desk.colleague)
        guest = desk.guest(ticket)
    assert "of your organisation" not in visit(desk, guest).get(f"/requests/{ticket.reference}/").content.decode()
