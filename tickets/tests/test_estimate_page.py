"""The page on which an agent writes an estimate: nothing typed is lost, and what is wrong is said where it is."""

import html
import re
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Deputy, Representation
from conftest import Desk, Visit, in_days
from tickets import actions
from tickets.models import Estimate, EstimateLine, Ticket

Line = tuple[str, str, str]


@pytest.fixture
def ticket(desk: Desk) -> Ticket:
    with desk.entered():
        return desk.submit()


def fields(*lines: Line, **changes: Any) -> dict[str, Any]:
    """What a browser sends: lines as (description, time, price)."""
    values: dict[str, Any] = {
        "after": "0",
        "due_on": in_days(10).isoformat(),
        "valid_until": in_days(20).isoformat(),
        "note": "",
        "terms": "",
        "zero_reason": "",
        "lines-TOTAL_FORMS": str(len(lines)),
        "lines-INITIAL_FORMS": "0",
    }
    for number, (description, time, price) in enumerate(lines):
        values |= {
            f"lines-{number}-description": description,
            f"lines-{number}-time": time,
            f"lines-{number}-price": price,
        }
    return {**values, **changes}


def send(visit: Visit, desk: Desk, ticket: Ticket, *lines: Line, **changes: Any) -> Any:
    return visit(desk, desk.agent).post(f"/admin/tickets/ticket/{ticket.pk}/estimate/", fields(*lines, **changes))


def page(visit: Visit, desk: Desk, ticket: Ticket) -> Any:
    return visit(desk, desk.agent).get(f"/admin/tickets/ticket/{ticket.pk}/estimate/")


def text_of(answer: Any) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def sent(desk: Desk, ticket: Ticket) -> list[tuple[str, int | None, Decimal, Decimal]]:
    with desk.entered():
        rows = EstimateLine.objects.filter(estimate__ticket=ticket).order_by("estimate", "position")
        return [(row.description, row.minutes, row.unit_price, row.net) for row in rows]


ANALYSIS: Line = ("Analysis", "2h30", "")


def test_b11_a_time_costs_the_desks_price_of_an_hour(desk: Desk, ticket: Ticket, visit: Visit) -> None:
    send(visit, desk, ticket, ANALYSIS)
    assert sent(desk, ticket) == [("Analysis", 150, Decimal("60.00"), Decimal("150.00"))]


def test_a_time_with_a_price_costs_that_an_hour(desk: Desk, ticket: Ticket, visit: Visit) -> None:
    send(visit, desk, ticket, ("Analysis", "1:30", "80"))
    assert sent(desk, ticket) == [("Analysis", 90, Decimal("80.00"), Decimal("120.00"))]


def test_a_price_without_a_time_is_fixed(desk: Desk, ticket: Ticket, visit: Visit) -> None:
    send(visit, desk, ticket, ("New form", "", "240"))
    assert sent(desk, ticket) == [("New form", None, Decimal("240.00"), Decimal("240.00"))]


@pytest.mark.parametrize("typed", ["1200.50", "1200,50", "1 200,50", "1\u00a0200.50"])
def test_a_price_is_read_as_people_write_it(desk: Desk, ticket: Ticket, visit: Visit, typed: str) -> None:
    send(visit, desk, ticket, ("New form", "", typed))
    assert sent(desk, ticket)[0][2] == Decimal("1200.50")


def test_a_number_with_an_underscore_is_no_price(desk: Desk, ticket: Ticket, visit: Visit) -> None:
    assert send(visit, desk, ticket, ("New form", "", "1_0")).status_code == 422


def test_empty_lines_are_left_out(desk: Desk, ticket: Ticket, visit: Visit) -> None:
    send(visit, desk, ticket, ("", "", ""), ANALYSIS, ("", "", ""))
    assert [row[0] for row in sent(desk, ticket)] == ["Analysis"]


def test_dates_and_words_go_along(desk: Desk, ticket: Ticket, visit: Visit) -> None:
    send(visit, desk, ticket, ANALYSIS, note="As discussed.", terms="Paid in two parts.")
    with desk.entered():
        row = Estimate.objects.get(ticket=ticket)
    assert (row.due_on, row.valid_until, row.note, row.terms) == (
        in_days(10),
        in_days(20),
        "As discussed.",
        "Paid in two parts.",
    )


# ---- what stands there before anything is typed ----


def test_without_a_script_there_are_three_empty_lines(desk: Desk, ticket: Ticket, visit: Visit) -> None:
    assert len(page(visit, desk, ticket).context["lines"].forms) == 3


def test_it_is_valid_as_long_as_the_policy_says(desk: Desk, ticket: Ticket, visit: Visit) -> None:
    with desk.entered():
        desk.tenant.estimate_days, desk.tenant.business_days = 12, False
        desk.tenant.save()
    assert page(visit, desk, ticket).context["form"]["valid_until"].value() == in_days(12)


def test_the_customers_date_is_proposed(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit(due_date=in_days(5))
    assert page(visit, desk, ticket).context["form"]["due_on"].value() == in_days(5)


def test_the_next_version_begins_as_the_one_before(desk: Desk, ticket: Ticket, visit: Visit) -> None:
    send(visit, desk, ticket, ANALYSIS, ("New form", "", "240"), terms="Paid in two parts.")
    context = page(visit, desk, ticket).context
    lines = [(line["description"].value(), line["time"].value()) for line in context["lines"].initial_forms]
    assert (lines, context["form"]["terms"].value()) == (
        [("Analysis", "2:30"), ("New form", "")],
        "Paid in two parts.",
    )


def test_earlier_versions_stand_beside_it(desk: Desk, ticket: Ticket, visit: Visit) -> None:
    send(visit, desk, ticket, ANALYSIS)
    assert "Version 1, waits for the decision, 150.00 EUR" in text_of(page(visit, desk, ticket))


def test_the_approvers_stand_beside_it_with_their_limits(desk: Desk, ticket: Ticket, visit: Visit) -> None:
    with desk.entered():
        Representation.objects.filter(person=desk.colleague).update(approval_limit=Decimal(500))
    said = page(visit, desk, ticket)
    assert "Colin Colleague up to 500.00 EUR" in text_of(said)
    assert 'data-limit="500.00"' in said.content.decode()


def test_a_deputy_stands_beside_it_with_whose_limit_it_is(desk: Desk, ticket: Ticket, visit: Visit) -> None:
    with desk.entered():
        right = Representation.objects.get(person=desk.colleague)
        Deputy.objects.create(representation=right, person=desk.requester, starts_on=in_days(-1), ends_on=in_days(1))
    assert "Rita Requester deputy of Colin Colleague any sum" in text_of(page(visit, desk, ticket))


def test_that_nobody_may_approve_is_said_before_it_is_written(desk: Desk, ticket: Ticket, visit: Visit) -> None:
    with desk.entered():
        Representation.objects.update(may_approve=False)
    assert "Nobody at Rye Bread Ltd may accept estimates." in text_of(page(visit, desk, ticket))


def test_the_scripts_figures_have_points_in_every_language(desk: Desk, ticket: Ticket, visit: Visit) -> None:
    with desk.entered():
        desk.agent.language = "lv"
        desk.agent.save()
    assert 'data-vat="21.00" data-hourly="60.00"' in page(visit, desk, ticket).content.decode()


# ---- refused: everything stays where it was typed ----


def test_a_refusal_keeps_everything(desk: Desk, ticket: Ticket, visit: Visit) -> None:
    answer = send(visit, desk, ticket, ("Analysis", "soon", "12,5"), note="As discussed.", due_on="")
    line, form = answer.context["lines"].forms[0], answer.context["form"]
    typed = line["description"].value(), line["time"].value(), line["price"].value(), form["note"].value()
    assert (answer.status_code, typed) == (422, ("Analysis", "soon", "12,5", "As discussed."))


def test_all_that_is_wrong_is_said_at_once(desk: Desk, ticket: Ticket, visit: Visit) -> None:
    context = send(visit, desk, ticket, ("Analysis", "soon", ""), ("", "2h", ""), due_on="").context
    lines = [list(line.errors) for line in context["lines"].forms]
    assert (lines, list(context["form"].errors)) == ([["time"], ["description"]], ["due_on"])


def test_a_line_of_words_alone_is_refused_at_the_line(desk: Desk, ticket: Ticket, visit: Visit) -> None:
    answer = send(visit, desk, ticket, ("Analysis", "", ""))
    assert "time" in answer.context["lines"].forms[0].errors


def test_an_estimate_of_no_lines_is_refused_at_the_lines(desk: Desk, ticket: Ticket, visit: Visit) -> None:
    answer = send(visit, desk, ticket, ("", "", ""))
    assert (answer.status_code, "1 to 100 lines" in answer.context["problem"]["lines"]) == (409, True)


def test_b11_nobody_who_may_approve_it_is_a_sentence_with_a_way_out(desk: Desk, ticket: Ticket, visit: Visit) -> None:
    with desk.entered():
        Representation.objects.filter(person=desk.colleague).update(approval_limit=Decimal(100))
    answer = send(visit, desk, ticket, ANALYSIS)
    assert "Nobody at Rye Bread Ltd can approve 150.00 EUR." in text_of(answer)
    assert f"/admin/accounts/organisation/{desk.organisation.pk}/change/" in answer.content.decode()


def test_a8_a_price_of_zero_asks_for_its_reason_at_the_field(desk: Desk, ticket: Ticket, visit: Visit) -> None:
    answer = send(visit, desk, ticket, ("Claim", "", "0"))
    assert (answer.status_code, list(answer.context["form"].errors)) == (409, ["zero_reason"])


def test_a8_a_price_of_zero_is_sent_with_its_reason(desk: Desk, ticket: Ticket, visit: Visit) -> None:
    send(visit, desk, ticket, ("Claim", "", "0"), zero_reason="A warranty claim.")
    with desk.entered():
        assert Estimate.objects.get(ticket=ticket).zero_reason == "A warranty claim."


@pytest.mark.parametrize("field", ["due_on", "valid_until"])
def test_a_day_that_has_passed_is_said_at_its_field(desk: Desk, ticket: Ticket, visit: Visit, field: str) -> None:
    answer = send(visit, desk, ticket, ANALYSIS, **{field: in_days(-2).isoformat()})
    assert list(answer.context["form"].errors) == [field]


def test_b6_without_an_organisation_the_way_leads_to_the_ticket(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit(by=desk.agent, requester=desk.requester, organisation=None)
    answer = send(visit, desk, ticket, ANALYSIS)
    assert (answer.status_code, answer.context["problem"]) == (409, {"code": "incomplete"})


def test_the_same_form_sent_twice_is_one_version(desk: Desk, ticket: Ticket, visit: Visit) -> None:
    send(visit, desk, ticket, ANALYSIS)
    answer = send(visit, desk, ticket, ANALYSIS)
    assert (answer.status_code, len(sent(desk, ticket))) == (409, 1)


def test_a_colleagues_version_is_not_replaced_unseen(desk: Desk, ticket: Ticket, visit: Visit) -> None:
    with desk.entered():
        actions.send_estimate(ticket, by=desk.manager, lines=[actions.NewLine("Other", 60)], due_on=in_days(3))
    answer = send(visit, desk, ticket, ANALYSIS)
    assert "Another version was sent while you wrote this one." in text_of(answer)


def test_the_next_version_is_sent_after_the_one_that_was_seen(desk: Desk, ticket: Ticket, visit: Visit) -> None:
    send(visit, desk, ticket, ANALYSIS)
    send(visit, desk, ticket, ("New form", "", "240"), after="1")
    assert [row[0] for row in sent(desk, ticket)] == ["Analysis", "New form"]


@pytest.mark.parametrize("lines", ["x", "-1", "99999999"])
def test_a_made_up_number_of_lines_is_no_error_of_ours(desk: Desk, ticket: Ticket, visit: Visit, lines: str) -> None:
    assert send(visit, desk, ticket, ANALYSIS, **{"lines-TOTAL_FORMS": lines}).status_code in (409, 422)


# ---- who, and when ----


def test_an_accountant_writes_no_estimate(desk: Desk, ticket: Ticket, visit: Visit) -> None:
    answer = visit(desk, desk.accountant).post(f"/admin/tickets/ticket/{ticket.pk}/estimate/", fields(ANALYSIS))
    assert (answer.status_code, sent(desk, ticket)) == (302, [])


def test_during_a_review_the_page_leads_back(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.delivered()
    assert page(visit, desk, ticket).url == f"/admin/tickets/ticket/{ticket.pk}/change/"


def test_m9_without_billing_there_is_no_such_page(desk: Desk, ticket: Ticket, visit: Visit) -> None:
    with desk.entered():
        desk.tenant.billing_enabled = False
        desk.tenant.save()
    assert page(visit, desk, ticket).url == f"/admin/tickets/ticket/{ticket.pk}/change/"
