"""Where one is logged in: each browser with its words, ended one by one or all at once."""

import re
import threading
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts import places
from accounts.models import Event, Person, Session
from accounts.visitors import address_of, browser_of
from conftest import PASSWORD, Desk, Visit

WHERE = "/account/sessions/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def logged_in(desk: Desk, agent: str = FIREFOX) -> Client:
    """The requester, by the form, in a browser of their own."""
    browser = Client(headers={"host": desk.host, "user-agent": agent})
    browser.post("/account/login/", {"login": desk.requester.email, "password": PASSWORD})
    return browser


def page_of(browser: Client) -> str:
    return browser.get(WHERE).content.decode()


def marks_on(page: str) -> list[str]:
    return re.findall(r"/account/sessions/(\w+)/end/", page)


def is_logged_in(browser: Client) -> bool:
    return browser.get("/account/").status_code == 200


def test_a_session_is_shown_with_browser_and_address(desk: Desk) -> None:
    page = page_of(logged_in(desk))
    assert "<strong>Firefox, Linux</strong>" in page
    assert "From 127.0.0.1." in page
    assert page.count("this browser") == 1


def test_the_key_is_on_no_page(desk: Desk) -> None:
    one, _other = logged_in(desk), logged_in(desk)
    page = page_of(one)
    with desk.entered():
        keys = list(Session.objects.values_list("session_key", flat=True))
    assert len(keys) == 2
    assert [key for key in keys if key in page] == []


def test_another_browser_is_ended(desk: Desk) -> None:
    here, there = logged_in(desk), logged_in(desk)
    [mark] = marks_on(page_of(here))
    assert here.post(f"{WHERE}{mark}/end/").status_code == 302
    assert (is_logged_in(here), is_logged_in(there)) == (True, False)
    with desk.entered():
        assert Event.objects.filter(kind="person.session_ended", by=desk.requester).count() == 1


def test_all_others_are_ended_at_once(desk: Desk) -> None:
    here, *others = (logged_in(desk) for _ in range(3))
    here.post(f"{WHERE}end-others/")
    assert (is_logged_in(here), [is_logged_in(other) for other in others]) == (True, [False, False])
    with desk.entered():
        assert Event.objects.get(kind="person.sessions_ended").data == {"number": 2}


def test_nobody_ends_anothers(desk: Desk, rival: Desk, visit: Visit) -> None:
    here, _there = logged_in(desk), logged_in(desk)
    [mark] = marks_on(page_of(here))
    for who in ((desk, desk.colleague), (desk, desk.manager), (rival, rival.requester)):
        browser = visit(*who)
        assert browser.post(f"{WHERE}{mark}/end/").status_code == 404
        browser.post(f"{WHERE}end-others/")
    assert is_logged_in(_there)


def test_the_same_account_at_another_desk_stays_logged_in(desk: Desk, rival: Desk, visit: Visit) -> None:
    elsewhere = visit(rival, rival.requester)
    logged_in(desk).post(f"{WHERE}end-others/")
    assert is_logged_in(elsewhere)


def test_what_is_ended_twice_is_absent(desk: Desk) -> None:
    here, _there = logged_in(desk), logged_in(desk)
    [mark] = marks_on(page_of(here))
    here.post(f"{WHERE}{mark}/end/")
    assert here.post(f"{WHERE}{mark}/end/").status_code == 404


def test_a_session_from_before_a_new_password_is_not_listed(desk: Desk) -> None:
    here, _there = logged_in(desk), logged_in(desk)
    new = "correct horse battery"
    here.post("/account/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    with desk.entered():
        assert Session.objects.filter(user_id=desk.requester.user_id).count() == 2
    assert marks_on(page_of(here)) == []


def test_a_session_from_before_a_new_key_of_the_installation_is_listed(desk: Desk, settings: Any) -> None:
    here, _there = logged_in(desk), logged_in(desk)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "a new key, which comes every other year"
    assert len(marks_on(page_of(here))) == 1


def test_an_ordinary_page_writes_nothing(desk: Desk, django_assert_max_num_queries: Any) -> None:
    browser = logged_in(desk)
    with django_assert_max_num_queries(100) as seen:
        browser.get("/account/")
    assert [query["sql"] for query in seen if "accounts_session" in query["sql"]] == []


def test_a_visit_after_ten_minutes_is_noted_with_where_from(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = logged_in(desk)
    with desk.entered():
        before = Session.objects.get(user_id=desk.requester.user_id)
    later = places.time.time() + places.NOTED_EVERY
    monkeypatch.setattr(places.time, "time", lambda: later)
    browser.get("/account/", headers={"user-agent": FIREFOX.replace("Firefox", "Chrome")}, REMOTE_ADDR="192.0.2.7")
    with desk.entered():
        after = Session.objects.get(user_id=desk.requester.user_id)
    assert (after.browser, after.address) == ("Chrome, Linux", "192.0.2.7")
    assert after.last_seen_at is not None
    assert before.last_seen_at is not None
    assert (after.last_seen_at - before.last_seen_at).total_seconds() >= places.NOTED_EVERY
    assert after.created_at == before.created_at


def test_a_visitors_session_says_nothing_of_them(desk: Desk, visit: Visit) -> None:
    # Asking for a passkey begins one.
    visit(desk).get("/account/passkeys/login/", headers={"accept": "application/json"})
    with desk.entered():
        row = Session.objects.get()
    assert (row.user_id, row.browser, row.address, row.last_seen_at) == (None, "", None, None)


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox, Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge, Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) AppleWebKit/605 Version/18.0 Mobile Safari/604.1", "Safari, iPhone"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "Chrome, Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Chrome/140.0 Safari/537.36 OPR/120.0", "Opera, macOS"),
        ("curl/8.0", ""),
        ("<script>" * 10_000, ""),
    ],
)
def test_a_browser_has_two_words(agent: str, words: str) -> None:
    assert browser_of(agent) == words


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "203.0.113.9", "127.0.0.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        (2, "203.0.113.9, 10.0.0.1", "203.0.113.9"),
        (2, "203.0.113.9", "127.0.0.1"),
        (1, "nonsense", None),
    ],
)
def test_the_address_is_the_one_that_our_own_proxies_name(
    rf: Any, settings: Any, proxies: int, forwarded: str, address: str | None
) -> None:
    settings.TRUSTED_PROXIES = proxies
    assert address_of(rf.get("/", headers={"x-forwarded-for": forwarded})) == address


def test_who_asks_just_then_does_not_bring_an_ended_session_back(committed_desk: Desk) -> None:
    """The row is there for others until the end of the transaction, and reading it put it into the cache again."""
    here, there, was_in = logged_in(committed_desk), logged_in(committed_desk), []

    def ask() -> None:
        was_in.append(is_logged_in(there))
        connection.close()

    with committed_desk.entered():
        requester = Person.objects.select_related("user").get(pk=committed_desk.requester.pk)
        assert places.end_other_places(here.session.session_key, by=requester) == 1
        asking = threading.Thread(target=ask)
        asking.start()
        asking.join()
    assert (was_in, is_logged_in(there), is_logged_in(here)) == ([True], False, True)


def test_what_everybody_may_keep_carries_no_session(desk: Desk, visit: Visit) -> None:
    answer = visit(desk, desk.requester).get("/brand.css")
    assert ("public" in answer["Cache-Control"], answer.cookies) == (True, {})
