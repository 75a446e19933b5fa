"""My details: what a person says of themself, judged at each field (B2, K6)."""

from typing import Any

import pytest

from accounts.models import Event, Person
from accounts.phones import normalise_phone, shown_phone
from conftest import Desk, Visit

WHERE = "/account/"


def details(**changes: Any) -> dict[str, Any]:
    return {"name": "Rita Requester", "phone": "", "language": "en", "time_zone": "", **changes}


def stored(desk: Desk, person: Person) -> Person:
    with desk.entered():
        return Person.objects.get(pk=person.pk)


def test_b2_a_person_changes_their_details(desk: Desk, visit: Visit) -> None:
    sent = details(name="Rita Renamed", phone="+7 495 123-45-67", language="lv", time_zone="Europe/Prague")
    assert visit(desk, desk.requester).post(WHERE, sent).status_code == 302
    row = stored(desk, desk.requester)
    assert (row.name, row.phone, row.language, row.time_zone) == (
        "Rita Renamed",
        "+74951234567",
        "lv",
        "Europe/Prague",
    )


def test_the_next_page_says_so_in_the_language_that_was_chosen(desk: Desk, visit: Visit) -> None:
    browser = visit(desk, desk.requester)
    assert browser.post(WHERE, details(language="lv"), follow=True)["Content-Language"] == "lv"


def test_history_names_what_changed_and_not_to_what(desk: Desk, visit: Visit) -> None:
    visit(desk, desk.requester).post(WHERE, details(name="Rita Renamed"))
    with desk.entered():
        event = Event.objects.get(kind="person.details_changed")
    assert (event.by_id, event.data) == (desk.requester.pk, {"fields": ["name"]})


def test_saving_without_a_change_leaves_no_trace(desk: Desk, visit: Visit) -> None:
    visit(desk, desk.requester).post(WHERE, details())
    with desk.entered():
        assert not Event.objects.filter(kind="person.details_changed").exists()


def test_only_the_offered_columns_change_whatever_is_sent(desk: Desk, visit: Visit) -> None:
    more = {"email": "thief@example.com", "is_manager": "on", "is_active": "", "user": "1", "tenant": "1"}
    visit(desk, desk.requester).post(WHERE, details(name="Rita Renamed", **more))
    row = stored(desk, desk.requester)
    assert (row.name, row.email, row.is_manager, row.is_active, row.user_id) == (
        "Rita Renamed",
        desk.requester.email,
        False,
        True,
        desk.requester.user_id,
    )


def test_nobody_elses_details_change(desk: Desk, rival: Desk, visit: Visit) -> None:
    visit(desk, desk.requester).post(WHERE, details(name="Rita Renamed"))
    assert (stored(desk, desk.colleague).name, stored(rival, rival.requester).name) == (
        "Colin Colleague",
        "Rita Requester",
    )


def test_a_name_is_one_line(desk: Desk, visit: Visit) -> None:
    visit(desk, desk.requester).post(WHERE, details(name="Rita\r\nBcc: xRenamed\u200b"))
    assert stored(desk, desk.requester).name == "Rita Bcc: xRenamed"


@pytest.mark.parametrize("mark", ["\x00", "\x07", "\u202e"])
def test_what_cannot_be_seen_in_a_name_is_taken_out_and_said(desk: Desk, visit: Visit, mark: str) -> None:
    page = visit(desk, desk.requester).post(WHERE, details(name=f"Rita{mark}Renamed"))
    assert page.status_code == 422
    assert "characters here that cannot be seen" in page.content.decode()
    assert 'value="RitaRenamed"' in page.content.decode()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": "x" * 10_000}, "at most 150 characters"),
        ({"name": " \u200b\x01 "}, "This field is required"),
        ({"phone": "+371 12"}, "This is not a telephone number"),
        ({"phone": "9" * 10_000}, "at most 60 characters"),
        ({"language": "pl"}, "Select a valid choice"),
        ({"time_zone": "Europe/Atlantis"}, "Select a valid choice"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(desk: Desk, visit: Visit, changes: dict[str, str], sentence: str) -> None:
    answer = visit(desk, desk.requester).post(WHERE, details(**changes))
    errors = answer.context["form"].errors
    assert (answer.status_code, list(errors)) == (422, list(changes))
    assert sentence in str(errors)


def test_a_refused_form_does_not_rename_who_the_page_greets(desk: Desk, visit: Visit) -> None:
    page = visit(desk, desk.requester).post(WHERE, details(name="Rita Renamed", phone="nonsense"))
    assert "Your account: Rita Requester" in page.content.decode()


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("+371 20 000 000", "+37120000000"),
        ("0037120000000", "+37120000000"),
        ("+7 (495) 123-45-67", "+74951234567"),
        ("+7 495 123-45-67 ext. 12", "+74951234567;ext=12"),
        ("+7 495 123-45-67 доб. 0012", "+74951234567;ext=0012"),
        ("+371 20000000, iekšējais 12", "+37120000000;ext=12"),
        ("+371 20000000 #12", "+37120000000;ext=12"),
        ("+37120000000;ext=12", "+37120000000;ext=12"),
        ("20 000 000", ""),
        ("+371 2000", ""),
        ("+999 20000000", ""),
        ("call me: +371 20000000", ""),
        ("+371 20000000 ext.", ""),
        ("+371 20000000 ext. 12345678", ""),
        ("+371 20000000 <script>", ""),
        ("++37120000000", ""),
        ("", ""),
    ],
)
def test_k6_a_telephone_number_is_international_with_an_optional_extension(typed: str, kept: str) -> None:
    assert normalise_phone(typed) == kept


def test_k6_without_a_code_a_number_is_one_of_the_desks_country(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        type(desk.tenant).objects.update(country="LV")
    visit(desk, desk.requester).post(WHERE, details(phone="20 000 000"))
    assert stored(desk, desk.requester).phone == "+37120000000"


@pytest.mark.parametrize("kept", ["+37120000000", "+37120000000;ext=12", "+74951234567;ext=0012"])
def test_what_is_shown_is_understood_again(kept: str) -> None:
    assert normalise_phone(shown_phone(kept)) == kept


def test_a_number_is_shown_internationally() -> None:
    assert shown_phone("+37120000000;ext=12") == "+371 20 000 000 ext. 12"


def test_a_number_from_before_is_shown_as_it_was_typed() -> None:
    assert shown_phone("ask for Rita") == "ask for Rita"


def test_k6_agents_enter_numbers_by_the_same_rule(desk: Desk, visit: Visit) -> None:
    where = f"/admin/accounts/person/{desk.requester.pk}/change/"
    page = visit(desk, desk.manager).post(where, {"name": "Rita", "language": "en", "phone": "12"})
    assert "This is not a telephone number" in page.content.decode()


def test_the_pages_about_oneself_name_each_other(desk: Desk, visit: Visit) -> None:
    page = visit(desk, desk.requester).get("/account/mail/").content.decode()
    assert all(f'class="menu-item" href="{where}"' in page for where in (WHERE, "/account/tokens/"))


@pytest.mark.parametrize(("role", "shown"), [("requester", False), ("colleague", True)])
def test_deputies_are_named_to_who_approves(desk: Desk, visit: Visit, role: str, shown: bool) -> None:
    page = visit(desk, getattr(desk, role)).get(WHERE).content.decode()
    assert ('href="/deputies/"' in page) is shown
