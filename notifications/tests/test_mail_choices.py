"""Choosing how news comes by e-mail: the page, and the link in a summary that ends the summaries."""

import re
from datetime import time
from typing import Any

import pytest
from django.core import signing
from django.test import Client

from accounts.models import Event, MailChoice, Person
from conftest import Desk, Visit
from notifications.models import Going, OutboxMessage
from notifications.rendering import write_out
from notifications.stopping import SALT, link_to_stop
from tickets import actions

ADDRESS = "/account/mail/"
GOOD = {"mail_choice": "daily", "quiet_from": "22:00", "quiet_until": "07:00", "time_zone": "America/New_York"}


def fresh(desk: Desk, person: Person) -> Person:
    with desk.entered():
        row: Person = Person.objects.get(pk=person.pk)
        return row


def chosen(desk: Desk, person: Person) -> tuple[Any, ...]:
    row = fresh(desk, person)
    return row.mail_choice, row.quiet_from, row.quiet_until, row.time_zone


UNTOUCHED = ("each", None, None, "")


# ---- the page ----


@pytest.mark.parametrize("role", ["requester", "agent", "accountant", "manager"])
def test_a_choice_is_saved(desk: Desk, visit: Visit, role: str) -> None:
    person = getattr(desk, role)
    visit(desk, person).post(ADDRESS, GOOD)
    assert chosen(desk, person) == ("daily", time(22), time(7), "America/New_York")


def test_saving_says_so(desk: Desk, visit: Visit) -> None:
    page = visit(desk, desk.requester).post(ADDRESS, GOOD, follow=True)
    assert b"Your choice is saved." in page.content


def test_the_page_shows_what_was_chosen(desk: Desk, visit: Visit) -> None:
    browser = visit(desk, desk.requester)
    browser.post(ADDRESS, GOOD)
    form = browser.get(ADDRESS).context["form"]
    assert [form[name].value() for name in GOOD] == ["daily", time(22), time(7), "America/New_York"]


def test_times_are_shown_as_the_browsers_field_wants_them(desk: Desk, visit: Visit) -> None:
    browser = visit(desk, desk.requester)
    browser.post(ADDRESS, GOOD)
    assert re.search(rb'type="time"[^>]* value="22:00"|value="22:00"[^>]* type="time"', browser.get(ADDRESS).content)


def test_quiet_hours_can_be_given_up(desk: Desk, visit: Visit) -> None:
    browser = visit(desk, desk.requester)
    browser.post(ADDRESS, GOOD)
    browser.post(ADDRESS, {"mail_choice": "each", "quiet_from": "", "quiet_until": "", "time_zone": ""})
    assert chosen(desk, desk.requester) == UNTOUCHED


def test_midnight_is_an_hour_like_any_other(desk: Desk, visit: Visit) -> None:
    visit(desk, desk.requester).post(ADDRESS, {**GOOD, "quiet_from": "00:00", "quiet_until": "06:30"})
    assert chosen(desk, desk.requester)[1:3] == (time(0), time(6, 30))


REFUSED = {
    "no end": ({"quiet_until": ""}, "quiet_until", "Quiet hours need a beginning and an end."),
    "no beginning": ({"quiet_from": ""}, "quiet_from", "Quiet hours need a beginning and an end."),
    "no such time": ({"quiet_from": "25:00"}, "quiet_from", "Enter a valid time."),
    "no such place": ({"time_zone": "Europe/Atlantis"}, "time_zone", "Select a valid choice."),
    "a file name": ({"time_zone": "../../etc/passwd"}, "time_zone", "Select a valid choice."),
    "no such choice": ({"mail_choice": "never"}, "mail_choice", "Select a valid choice."),
    "nothing": ({"mail_choice": ""}, "mail_choice", "This field is required."),
}
every_mistake = pytest.mark.parametrize("mistake", REFUSED)


@every_mistake
def test_a_mistake_is_named_at_its_field(desk: Desk, visit: Visit, mistake: str) -> None:
    wrong, field, words = REFUSED[mistake]
    page = visit(desk, desk.requester).post(ADDRESS, {**GOOD, **wrong})
    assert (page.status_code, list(page.context["form"].errors)) == (422, [field])
    assert str(page.context["form"].errors[field][0]).startswith(words)


@every_mistake
def test_a_mistake_changes_nothing(desk: Desk, visit: Visit, mistake: str) -> None:
    visit(desk, desk.requester).post(ADDRESS, {**GOOD, **REFUSED[mistake][0]})
    assert chosen(desk, desk.requester) == UNTOUCHED


@every_mistake
def test_what_was_typed_is_still_there(desk: Desk, visit: Visit, mistake: str) -> None:
    typed = {**GOOD, **REFUSED[mistake][0]}
    form = visit(desk, desk.requester).post(ADDRESS, typed).context["form"]
    assert {name: form[name].value() for name in typed} == typed


def test_an_unreadable_time_is_said_once(desk: Desk, visit: Visit) -> None:
    """Not also that it is missing."""
    page = visit(desk, desk.requester).post(ADDRESS, {**GOOD, "quiet_until": "x"})
    assert {name: len(words) for name, words in page.context["form"].errors.items()} == {"quiet_until": 1}


def test_only_these_four_are_written(desk: Desk, visit: Visit) -> None:
    before = fresh(desk, desk.requester)
    more = {"is_manager": "on", "name": "Boss", "email": "boss@alpha.example", "is_verified": "", "language": "lv"}
    visit(desk, desk.requester).post(ADDRESS, {**GOOD, **more})
    after = fresh(desk, desk.requester)
    names = ("is_manager", "name", "email", "is_verified", "language", "user_id", "tenant_id")
    assert [getattr(after, name) for name in names] == [getattr(before, name) for name in names]


@pytest.mark.parametrize("name", ["id", "pk", "person", "person_id", "user", "by"])
def test_nobody_chooses_for_others(desk: Desk, visit: Visit, name: str) -> None:
    visit(desk, desk.manager).post(ADDRESS, {**GOOD, name: desk.requester.pk})
    assert (chosen(desk, desk.requester), chosen(desk, desk.manager)[0]) == (UNTOUCHED, "daily")


def test_another_desks_person_of_the_same_name_keeps_theirs(desk: Desk, rival: Desk, visit: Visit) -> None:
    visit(desk, desk.requester).post(ADDRESS, GOOD)
    assert chosen(rival, rival.requester) == UNTOUCHED


def test_it_is_recorded(desk: Desk, visit: Visit) -> None:
    visit(desk, desk.requester).post(ADDRESS, GOOD)
    with desk.entered():
        row = Event.objects.get(kind="person.mail_chosen")
    assert (row.by_id, row.subject_id) == (desk.requester.pk, desk.requester.pk)


def test_a_visitor_logs_in_first(desk: Desk, visit: Visit) -> None:
    assert visit(desk).get(ADDRESS)["Location"].startswith("/account/login/")


def test_the_form_needs_its_token(desk: Desk) -> None:
    browser = Client(headers={"host": desk.host}, enforce_csrf_checks=True)
    with desk.entered():
        browser.force_login(desk.requester.user)
    assert (browser.post(ADDRESS, GOOD).status_code, chosen(desk, desk.requester)) == (403, UNTOUCHED)


def test_the_menu_leads_there(desk: Desk, visit: Visit) -> None:
    assert f'href="{ADDRESS}"'.encode() in visit(desk, desk.requester).get("/account/").content


def test_who_cannot_be_reached_reads_it_there(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        Person.objects.filter(pk=desk.requester.pk).update(address_failed_words="550 <no such user>")
    assert b"550 &lt;no such user&gt;" in visit(desk, desk.requester).get(ADDRESS).content


def test_who_can_be_reached_reads_nothing_of_it(desk: Desk, visit: Visit) -> None:
    assert b"cannot reach you" not in visit(desk, desk.requester).get(ADDRESS).content


# ---- the link that ends the summaries ----


@pytest.fixture
def reader(desk: Desk) -> Person:
    with desk.entered():
        Person.objects.filter(pk=desk.requester.pk).update(mail_choice="daily")
    return fresh(desk, desk.requester)


@pytest.fixture
def link(desk: Desk, reader: Person) -> str:
    with desk.entered():
        return link_to_stop(reader.pk)


def choice(desk: Desk, person: Person) -> str:
    return fresh(desk, person).mail_choice


def test_the_summary_holds_it(desk: Desk, reader: Person, visit: Visit) -> None:
    with desk.entered():
        actions.comment(desk.submit(by=reader), by=desk.agent, text="Hello")
        row = OutboxMessage.objects.get(kind="ticket.commented", going=Going.DIGEST)
        write_out(row, [])
    for part in (row.text, row.html):
        found = re.search(r"http://alpha\.localhost:8000(/account/mail/stop/[^/\s\"]+/)", part)
        assert found is not None
        assert visit(desk).get(found[1]).status_code == 200


def test_opening_it_changes_nothing(desk: Desk, reader: Person, link: str, visit: Visit) -> None:
    """Mail scanners open links."""
    page = visit(desk).get(link)
    assert (page.status_code, b"Rita Requester" in page.content, choice(desk, reader)) == (200, True, "daily")


@pytest.mark.parametrize("method", ["head", "put", "delete", "options", "patch"])
def test_no_other_method_changes_anything(desk: Desk, reader: Person, link: str, visit: Visit, method: str) -> None:
    getattr(visit(desk), method)(link)
    assert choice(desk, reader) == "daily"


def test_a_mail_program_ends_them_by_one_click(desk: Desk, reader: Person, link: str) -> None:
    """Without a log-in, a cookie or a token (RFC 8058)."""
    program = Client(headers={"host": desk.host}, enforce_csrf_checks=True)
    page = program.post(link, {"List-Unsubscribe": "One-Click"})
    assert (page.status_code, choice(desk, reader)) == (200, MailChoice.NEEDS_ME)


def test_the_page_says_that_it_is_done(desk: Desk, link: str, visit: Visit) -> None:
    assert b"You get no more summaries." in visit(desk).post(link).content


def test_ending_them_twice_is_ending_them(desk: Desk, reader: Person, link: str, visit: Visit) -> None:
    answers = [visit(desk).post(link).status_code for _ in range(2)]
    assert (answers, choice(desk, reader)) == ([200, 200], MailChoice.NEEDS_ME)


def test_it_ends_nobody_elses(desk: Desk, reader: Person, link: str, visit: Visit) -> None:
    with desk.entered():
        Person.objects.filter(pk=desk.colleague.pk).update(mail_choice="daily")
    visit(desk).post(link)
    assert choice(desk, desk.colleague) == "daily"


def test_quiet_hours_stay(desk: Desk, reader: Person, link: str, visit: Visit) -> None:
    with desk.entered():
        Person.objects.filter(pk=reader.pk).update(quiet_from=time(22), quiet_until=time(7))
    visit(desk).post(link)
    assert chosen(desk, reader) == (MailChoice.NEEDS_ME, time(22), time(7), "")


def test_the_end_is_recorded(desk: Desk, reader: Person, link: str, visit: Visit) -> None:
    visit(desk).post(link)
    with desk.entered():
        row = Event.objects.get(kind="person.summaries_stopped")
    assert (row.by_id, row.subject_id) == (None, reader.pk)


def test_what_needs_the_reader_still_comes(desk: Desk, reader: Person, link: str, visit: Visit) -> None:
    visit(desk).post(link)
    with desk.entered():
        ticket = desk.submit(by=Person.objects.get(pk=reader.pk))
        actions.comment(ticket, by=desk.agent, text="Hello")
        actions.request_information(ticket, by=desk.agent, text="Which printer?")
        kinds = set(OutboxMessage.objects.filter(to_person=reader).values_list("kind", flat=True))
    assert kinds == {"ticket.submitted", "ticket.information_requested"}


def stop(token: str) -> str:
    return f"{ADDRESS}stop/{token}/"


def bad_tokens(desk: Desk, reader: Person, link: str) -> dict[str, str]:
    token = link.rstrip("/").rpartition("/")[2]
    return {
        "tampered": token[:-1] + ("a" if token[-1] != "a" else "b"),
        "nonsense": "nonsense",
        "of another use": signing.dumps([desk.id, reader.pk], salt="tickets.decision"),
        "of a person who is no more": signing.dumps([desk.id, 10**9], salt=SALT),
        "too short": signing.dumps([desk.id], salt=SALT),
        "a number": signing.dumps(reader.pk, salt=SALT),
    }


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    "bad", ["tampered", "nonsense", "of another use", "of a person who is no more", "too short", "a number"]
)
def test_a_bad_link_is_not_found(desk: Desk, reader: Person, link: str, visit: Visit, bad: str, method: str) -> None:
    page = getattr(visit(desk), method)(stop(bad_tokens(desk, reader, link)[bad]))
    assert (page.status_code, choice(desk, reader)) == (404, "daily")
    assert b"This link does not work." in page.content


@pytest.mark.parametrize("method", ["get", "post"])
def test_at_another_desk_it_is_not_found(
    desk: Desk, rival: Desk, reader: Person, link: str, visit: Visit, method: str
) -> None:
    page = getattr(visit(rival), method)(link)
    assert (page.status_code, choice(desk, reader), b"Rita" in page.content) == (404, "daily", False)


@pytest.mark.parametrize("method", ["get", "post"])
def test_whoever_left_is_not_found(desk: Desk, reader: Person, link: str, visit: Visit, method: str) -> None:
    with desk.entered():
        Person.objects.filter(pk=reader.pk).update(is_active=False)
    page = getattr(visit(desk), method)(link)
    assert (page.status_code, choice(desk, reader), b"Rita" in page.content) == (404, "daily", False)
