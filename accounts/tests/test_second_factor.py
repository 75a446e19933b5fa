"""A second factor: codes from an app, passkeys, recovery codes. Whoever learns a password has not got in yet."""

import json
import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.db import DatabaseError, connection, transaction
from django.test import Client

from accounts import actions
from accounts.models import Event, Person
from accounts.tests.soft_key import SoftKey
from conftest import PASSWORD, Desk, Visit, person, written
from notifications.models import OutboxMessage

INDEX, CODE, LOGIN = "/account/second-factor/", "/account/second-factor/code/", "/account/login/"
APP, CODES, NEW_CODES = f"{INDEX}app/", f"{INDEX}codes/", f"{INDEX}codes/new/"
ADD_KEY, KEY_LOGIN = "/account/passkeys/add/", "/account/passkeys/login/"
NEW = "another long password"


@pytest.fixture(autouse=True)
def _clock_of_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    """One half minute for the whole test."""
    monkeypatch.setattr(totp, "yield_hotp_counters_from_time", lambda: iter([7]))


def code_for(secret: str) -> str:
    return str(totp.format_hotp_value(totp.hotp_value(secret, 7)))


def log_in(desk: Desk, who: Person, password: str = PASSWORD) -> Client:
    browser = Client(headers={"host": desk.host})
    browser.post(LOGIN, {"login": who.email, "password": password})
    return browser


def proved(desk: Desk, who: Person) -> Client:
    """Logged in, and the password typed once more a moment ago."""
    browser = log_in(desk, who)
    browser.post("/account/reauthenticate/", {"password": PASSWORD})
    return browser


def set_up_app(desk: Desk, who: Person) -> tuple[Client, str]:
    """The browser and the app's secret."""
    browser = proved(desk, who)
    secret = browser.get(APP).context["form"].secret
    assert browser.post(APP, {"code": code_for(secret)})["Location"] == CODES
    return browser, secret


def add_key(desk: Desk, who: Person, name: str = "Phone") -> tuple[Client, SoftKey]:
    browser, key = proved(desk, who), SoftKey(desk.host)
    credential = key.create(browser.get(ADD_KEY).context["js_data"]["creation_options"])
    answer = browser.post(ADD_KEY, {"name": name, "passwordless": "on", "credential": json.dumps(credential)})
    assert answer.status_code == 302, answer.context["form"].errors
    return browser, key


def log_in_by_key(desk: Desk, key: SoftKey, **changes: Any) -> Client:
    browser = Client(headers={"host": desk.host})
    options = browser.get(KEY_LOGIN, headers={"accept": "application/json"}).json()["request_options"]
    browser.post(KEY_LOGIN, {"credential": json.dumps({**key.get(options), **changes})})
    return browser


def recovery_codes(browser: Client) -> list[str]:
    return re.findall(r"<li><code>(\d{8})</code></li>", browser.get(CODES).content.decode())


def is_in(browser: Client) -> bool:
    return browser.get("/requests/").status_code == 200


def letters(desk: Desk, kind: str) -> list[OutboxMessage]:
    with desk.entered():
        return [written(letter) for letter in OutboxMessage.objects.filter(kind=kind)]


# ---- codes from an app ----


def test_after_the_password_a_code_is_asked_for(desk: Desk) -> None:
    set_up_app(desk, desk.requester)
    browser = log_in(desk, desk.requester)
    assert not is_in(browser)
    assert browser.get(CODE).status_code == 200


def test_the_right_code_opens(desk: Desk) -> None:
    _browser, secret = set_up_app(desk, desk.requester)
    browser = log_in(desk, desk.requester)
    browser.post(CODE, {"code": code_for(secret)})
    assert is_in(browser)


def test_a_wrong_code_opens_nothing_and_says_so(desk: Desk) -> None:
    set_up_app(desk, desk.requester)
    browser = log_in(desk, desk.requester)
    assert "This did not work" in browser.post(CODE, {"code": "000000"}).content.decode()
    assert not is_in(browser)


def test_a_code_opens_once(desk: Desk) -> None:
    _browser, secret = set_up_app(desk, desk.requester)
    log_in(desk, desk.requester).post(CODE, {"code": code_for(secret)})
    again = log_in(desk, desk.requester)
    again.post(CODE, {"code": code_for(secret)})
    assert not is_in(again)


def test_tries_are_limited(desk: Desk) -> None:
    _browser, secret = set_up_app(desk, desk.requester)
    browser = log_in(desk, desk.requester)
    for _try in range(5):
        browser.post(CODE, {"code": "000000"})
    browser.post(CODE, {"code": code_for(secret)})
    assert not is_in(browser)


def test_wrong_codes_at_one_desk_lock_nobody_out_of_another(desk: Desk, rival: Desk) -> None:
    _browser, secret = set_up_app(desk, desk.requester)
    with rival.entered():
        known = person("Rita", desk.requester.email)
    there = log_in(rival, known)
    for _try in range(6):
        there.post(CODE, {"code": "000000"})
    here = log_in(desk, desk.requester)
    here.post(CODE, {"code": code_for(secret)})
    assert is_in(here)


def test_a_code_without_a_password_opens_nothing(desk: Desk, visit: Visit) -> None:
    _browser, secret = set_up_app(desk, desk.requester)
    browser = visit(desk)
    assert browser.post(CODE, {"code": code_for(secret)})["Location"] == LOGIN
    assert not is_in(browser)


def test_staff_log_in_by_the_same_door(desk: Desk) -> None:
    _browser, secret = set_up_app(desk, desk.agent)
    browser = log_in(desk, desk.agent)
    assert browser.get("/admin/").status_code == 302
    assert browser.post(CODE, {"code": code_for(secret)})["Location"] == "/admin/"
    assert browser.get("/admin/").status_code == 200


def test_where_one_wanted_to_go_is_where_one_gets(desk: Desk) -> None:
    _browser, secret = set_up_app(desk, desk.requester)
    browser = Client(headers={"host": desk.host})
    where = {"login": desk.requester.email, "password": PASSWORD, "next": "/notices/"}
    browser.post(LOGIN, where)
    assert browser.post(CODE, {"code": code_for(secret)})["Location"] == "/notices/"


def test_a_new_password_does_not_go_round_it(desk: Desk, visit: Visit) -> None:
    set_up_app(desk, desk.requester)
    with desk.entered():
        actions.request_reset(desk.requester.email)
        mail = written(OutboxMessage.objects.get(kind="person.reset"))
    link = re.search(r"http://[^/]+(/account/password/reset/key/\S+)", mail.text)
    assert link is not None
    browser = visit(desk)
    page = browser.get(link[1], follow=True)
    browser.post(page.request["PATH_INFO"], {"password1": NEW, "password2": NEW})
    assert not is_in(browser)
    browser.post(LOGIN, {"login": desk.requester.email, "password": NEW})
    assert not is_in(browser)
    assert browser.get(CODE).status_code == 200


@pytest.mark.parametrize("where", [APP, ADD_KEY, NEW_CODES])
def test_what_changes_them_asks_for_the_password_again(desk: Desk, where: str) -> None:
    browser = log_in(desk, desk.requester)
    assert browser.get(where)["Location"] == f"/account/reauthenticate/?next={where.replace('/', '%2F')}"
    assert browser.post(where, {"code": "1"})["Location"].startswith("/account/reauthenticate/")


def test_who_types_too_often_is_told_so_in_the_frame_of_the_desk(desk: Desk) -> None:
    browser = log_in(desk, desk.requester)
    for _try in range(15):
        answer = browser.post("/account/reauthenticate/", {"password": "wrong"})
    assert answer.status_code == 429
    assert "Too many tries" in answer.content.decode()


def test_removed_again_the_password_is_enough(desk: Desk) -> None:
    browser, _secret = set_up_app(desk, desk.requester)
    browser.post(f"{APP}remove/")
    assert is_in(log_in(desk, desk.requester))
    with desk.entered():
        assert not Authenticator.objects.exists()


# ---- recovery codes ----


def test_recovery_codes_are_shown_once(desk: Desk) -> None:
    browser, _secret = set_up_app(desk, desk.requester)
    assert len(recovery_codes(browser)) == 10
    assert recovery_codes(browser) == []


def test_the_file_to_download_holds_the_codes(desk: Desk) -> None:
    browser, _secret = set_up_app(desk, desk.requester)
    page = browser.get(CODES).content.decode()
    file = re.search(r'href="data:text/plain;charset=utf-8,([^"]*)"', page)
    assert file is not None
    assert file[1].split("%0A")[1:-1] == re.findall(r"<li><code>(\d{8})</code></li>", page)


def test_a_recovery_code_opens_once(desk: Desk) -> None:
    code = recovery_codes(set_up_app(desk, desk.requester)[0])[3]
    first, second = log_in(desk, desk.requester), log_in(desk, desk.requester)
    first.post(CODE, {"code": code})
    second.post(CODE, {"code": code})
    assert (is_in(first), is_in(second)) == (True, False)


def test_new_codes_replace_the_old_and_are_told(desk: Desk) -> None:
    browser, _secret = set_up_app(desk, desk.requester)
    old = recovery_codes(browser)
    browser.post(NEW_CODES)
    assert not set(old) & set(recovery_codes(browser))
    late = log_in(desk, desk.requester)
    late.post(CODE, {"code": old[0]})
    assert not is_in(late)
    [letter] = letters(desk, "person.codes_renewed")
    assert "The old ones open nothing any more." in letter.text


# ---- told and written down ----


def test_the_owner_hears_of_a_new_factor_at_their_accounts_address(desk: Desk) -> None:
    with desk.entered():
        Person.objects.filter(pk=desk.requester.pk).update(email="moved@example.com")
    who = desk.requester
    set_up_app(desk, who)
    [letter] = letters(desk, "person.factor_added")
    assert letter.to_address == who.user.email
    assert "a code from an app is asked for" in letter.text
    assert f"http://{desk.host}" in letter.text


def test_the_owner_hears_of_a_removed_factor(desk: Desk) -> None:
    browser, _secret = set_up_app(desk, desk.requester)
    browser.post(f"{APP}remove/")
    [letter] = letters(desk, "person.factor_removed")
    assert "The app with codes was removed" in letter.text


def test_both_are_history(desk: Desk) -> None:
    browser, _secret = set_up_app(desk, desk.requester)
    browser.post(f"{APP}remove/")
    with desk.entered():
        found = Event.objects.filter(kind__startswith="person.factor").order_by("id")
        assert [(event.kind, event.by_id, event.data) for event in found] == [
            ("person.factor_added", desk.requester.pk, {"factor": "totp"}),
            ("person.factor_removed", desk.requester.pk, {"factor": "totp"}),
        ]


def test_staff_see_that_there_is_one_and_nothing_more(desk: Desk, visit: Visit) -> None:
    page = f"/admin/accounts/person/{desk.requester.pk}/change/"
    sentence = b"They have a second factor besides"
    assert sentence not in visit(desk, desk.manager).get(page).content
    set_up_app(desk, desk.requester)
    assert sentence in visit(desk, desk.manager).get(page).content


# ---- secrets and walls ----


def test_secrets_are_sealed_where_they_are_stored(desk: Desk) -> None:
    browser, secret = set_up_app(desk, desk.requester)
    codes = recovery_codes(browser)
    with desk.entered():
        stored = json.dumps([row.data for row in Authenticator.objects.all()])
    assert stored.count("gAAAAA") == 2
    assert [word for word in (secret, *codes) if word in stored] == []


def test_a_shared_account_has_its_factors_at_every_desk(desk: Desk, rival: Desk) -> None:
    _browser, secret = set_up_app(desk, desk.requester)
    with rival.entered():
        known = person("Rita", desk.requester.email)
    browser = log_in(rival, known)
    assert not is_in(browser)
    browser.post(CODE, {"code": code_for(secret)})
    assert is_in(browser)


def test_with_a_lost_key_of_the_installation_no_code_is_right(desk: Desk, settings: Any) -> None:
    _browser, secret = set_up_app(desk, desk.requester)
    settings.SECRET_KEY = "another key of an installation that lost its own"
    browser = log_in(desk, desk.requester)
    assert browser.post(CODE, {"code": code_for(secret)}).status_code == 200
    assert not is_in(browser)


def count() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM mfa_authenticator")
        return int(cursor.fetchone()[0])


def test_no_other_desk_sees_the_row_of_a_factor(desk: Desk, rival: Desk) -> None:
    set_up_app(desk, desk.requester)
    with desk.entered():
        assert count() == 2
    with rival.entered():
        assert count() == 0
    assert count() == 0


def test_no_other_desk_changes_or_adds_one(desk: Desk, rival: Desk) -> None:
    set_up_app(desk, desk.requester)
    with rival.entered(), connection.cursor() as cursor:
        cursor.execute("UPDATE mfa_authenticator SET last_used_at = now()")
        assert cursor.rowcount == 0
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            cursor.execute(
                "INSERT INTO mfa_authenticator (user_id, type, data, created_at) VALUES (%s, 'totp', '{}', now())",
                [desk.requester.user_id],
            )


# ---- passkeys ----


def test_a_passkey_opens_without_a_password(desk: Desk) -> None:
    _browser, key = add_key(desk, desk.requester)
    assert is_in(log_in_by_key(desk, key))


def test_with_a_passkey_the_password_alone_is_not_enough(desk: Desk) -> None:
    _browser, key = add_key(desk, desk.requester)
    browser = log_in(desk, desk.requester)
    assert not is_in(browser)
    options = browser.get(CODE).context["js_data"]["request_options"]
    browser.post(CODE, {"credential": json.dumps(key.get(options))})
    assert is_in(browser)


def test_a_forged_signature_opens_nothing_and_says_so(desk: Desk) -> None:
    _browser, key = add_key(desk, desk.requester)
    forged = SoftKey(desk.host)
    forged.user = key.user
    browser = log_in_by_key(desk, forged)
    assert not is_in(browser)
    assert "This did not work" in browser.get(LOGIN).content.decode()


def test_an_answer_is_good_for_one_question(desk: Desk, visit: Visit) -> None:
    _browser, key = add_key(desk, desk.requester)
    one, other = visit(desk), visit(desk)
    options = one.get(KEY_LOGIN, headers={"accept": "application/json"}).json()["request_options"]
    other.get(KEY_LOGIN, headers={"accept": "application/json"})
    other.post(KEY_LOGIN, {"credential": json.dumps(key.get(options))})
    assert not is_in(other)


def test_a_passkey_of_somebody_no_longer_active_opens_nothing(desk: Desk) -> None:
    _browser, key = add_key(desk, desk.requester)
    with desk.entered():
        Person.objects.filter(pk=desk.requester.pk).update(is_active=False)
    assert not is_in(log_in_by_key(desk, key))


def test_a_passkey_opens_no_other_desk(desk: Desk, rival: Desk) -> None:
    _browser, key = add_key(desk, desk.requester)
    with rival.entered():
        person("Rita", desk.requester.email)
    assert not is_in(log_in_by_key(rival, key))


@pytest.mark.parametrize(
    "credential",
    [
        "",
        "x",
        "null",
        "[]",
        "{}",
        '"x"',
        "1",
        '{"response": {}}',
        '{"response": {"userHandle": "____"}}',
        "[" * 5_000,
        "1" * 60_000,
    ],
)
def test_what_no_browser_sends_is_refused(desk: Desk, visit: Visit, credential: str) -> None:
    browser = visit(desk)
    browser.get(KEY_LOGIN, headers={"accept": "application/json"})
    assert browser.post(KEY_LOGIN, {"credential": credential}).status_code == 302
    assert not is_in(browser)


@pytest.mark.parametrize("changes", [{"id": "AA"}, {"rawId": 7}, {"response": []}, {"response": {}}])
def test_a_made_up_key_is_not_added(desk: Desk, changes: dict[str, Any]) -> None:
    browser, key = proved(desk, desk.requester), SoftKey(desk.host)
    credential = {**key.create(browser.get(ADD_KEY).context["js_data"]["creation_options"]), **changes}
    answer = browser.post(ADD_KEY, {"name": "Phone", "credential": json.dumps(credential)})
    assert answer.status_code == 200
    with desk.entered():
        assert not Authenticator.objects.exists()


def test_a_name_is_shown_as_words(desk: Desk) -> None:
    browser, _key = add_key(desk, desk.requester, name="My <b>phone")
    assert "My &lt;b&gt;phone" in browser.get(INDEX).content.decode()


def test_without_a_name_a_key_is_called_by_its_browser(desk: Desk) -> None:
    browser, _key = add_key(desk, desk.requester, name="")
    assert "Passkey" in browser.get(INDEX).content.decode()


def test_nobody_renames_or_removes_anothers(desk: Desk) -> None:
    add_key(desk, desk.requester)
    with desk.entered():
        row = Authenticator.objects.get(type="webauthn")
    for who in (desk.colleague, desk.manager):
        browser = proved(desk, who)
        assert browser.post(f"/account/passkeys/{row.pk}/remove/").status_code == 404
        assert browser.post(f"/account/passkeys/{row.pk}/name/", {"name": "Mine"}).status_code == 404
    with desk.entered():
        assert Authenticator.objects.get(pk=row.pk).data["name"] == "Phone"


def test_a_key_is_renamed_and_removed(desk: Desk) -> None:
    browser, _key = add_key(desk, desk.requester)
    with desk.entered():
        row = Authenticator.objects.get(type="webauthn")
    browser.post(f"/account/passkeys/{row.pk}/name/", {"name": "Telephone"})
    assert "Telephone" in browser.get(INDEX).content.decode()
    assert browser.post(f"/account/passkeys/{row.pk}/remove/").status_code == 302
    assert is_in(log_in(desk, desk.requester))


def test_too_many_are_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.factor_forms.MOST_FACTORS", 1)
    browser, _key = add_key(desk, desk.requester)
    other = SoftKey(desk.host, ident=b"another-16-bytes")
    credential = other.create(browser.get(ADD_KEY).context["js_data"]["creation_options"])
    answer = browser.post(ADD_KEY, {"name": "Two", "credential": json.dumps(credential)})
    assert "You have many already" in str(answer.context["form"].errors)
