"""Getting in: log-in, log-out, forgotten and changed passwords, invitations (B1), each at one desk only."""

import re
from http.cookies import SimpleCookie

import pytest
from django.test import Client

from accounts import actions, tasks
from accounts.invitations import make_token, obtain_user, read_token
from accounts.models import Person, Session
from conftest import PASSWORD, Desk, Visit, written
from notifications.models import OutboxMessage

NEW = "another long password"
CACHE_THAT_IS_DOWN = {
    "default": {
        "BACKEND": "accounts.cache.DegradingRedisCache",
        "LOCATION": "redis://127.0.0.1:1/0",
        "KEY_PREFIX": "x",
    }
}


def log_in(browser: Client, email: str, password: str = PASSWORD) -> int:
    return browser.post("/account/login/", {"login": email, "password": password}).status_code


def is_in(browser: Client) -> bool:
    return browser.get("/requests/").status_code == 200


def test_b1_a_person_logs_in(desk: Desk, visit: Visit) -> None:
    browser = visit(desk)
    log_in(browser, desk.requester.email)
    assert is_in(browser)


def test_case_of_the_address_does_not_matter(desk: Desk, visit: Visit) -> None:
    browser = visit(desk)
    log_in(browser, desk.requester.email.upper())
    assert is_in(browser)


def test_a_wrong_password_is_refused(desk: Desk, visit: Visit) -> None:
    browser = visit(desk)
    log_in(browser, desk.requester.email, "wrong")
    assert not is_in(browser)


def test_another_desks_person_is_unknown_here(desk: Desk, rival: Desk, visit: Visit) -> None:
    browser = visit(desk)
    log_in(browser, rival.requester.email)
    assert not is_in(browser)


def test_known_and_unknown_get_the_same_answer(desk: Desk, rival: Desk, visit: Visit) -> None:
    def answer(email: str) -> str:
        page = visit(desk).post("/account/login/", {"login": email, "password": "wrong"}).content.decode()
        return re.sub(r'value="[^"]*"', "", page)

    assert answer(desk.requester.email) == answer(rival.requester.email) == answer("nobody@example.com")


def test_an_inactive_person_does_not_get_in(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        Person.objects.filter(pk=desk.requester.pk).update(is_active=False)
    browser = visit(desk)
    log_in(browser, desk.requester.email)
    assert not is_in(browser)


def test_becoming_inactive_ends_the_session(desk: Desk, visit: Visit) -> None:
    browser = visit(desk, desk.requester)
    with desk.entered():
        Person.objects.filter(pk=desk.requester.pk).update(is_active=False)
    assert not is_in(browser)


def test_log_out_is_a_post(desk: Desk, visit: Visit) -> None:
    browser = visit(desk, desk.requester)
    browser.get("/account/logout/")
    assert is_in(browser)


def test_after_log_out_nothing_opens(desk: Desk, visit: Visit) -> None:
    browser = visit(desk, desk.requester)
    browser.post("/account/logout/")
    assert not is_in(browser)


def test_a_session_is_void_at_another_desk(desk: Desk, rival: Desk, visit: Visit) -> None:
    browser = visit(desk, desk.requester)
    at_rival = visit(rival)
    at_rival.cookies = browser.cookies
    assert not is_in(at_rival)


def test_the_void_session_still_works_at_home(desk: Desk, rival: Desk, visit: Visit) -> None:
    browser = visit(desk, desk.requester)
    at_rival = visit(rival)
    at_rival.cookies = SimpleCookie(browser.cookies)
    at_rival.get("/")
    assert is_in(browser)


def test_a_session_row_is_the_tenants(desk: Desk, rival: Desk, visit: Visit) -> None:
    visit(desk, desk.requester)
    with rival.entered():
        assert not Session.objects.exists()


def test_many_wrong_passwords_are_stopped(desk: Desk, visit: Visit) -> None:
    browser = visit(desk)
    for _ in range(6):
        log_in(browser, desk.requester.email, "wrong")
    log_in(browser, desk.requester.email)
    assert not is_in(browser)


def test_without_its_cache_log_in_fails_closed(desk: Desk, visit: Visit, settings: pytest.FixtureRequest) -> None:
    settings.CACHES = CACHE_THAT_IS_DOWN
    browser = visit(desk)
    log_in(browser, desk.requester.email)
    assert not is_in(browser)


def test_without_its_cache_pages_still_come(desk: Desk, visit: Visit, settings: pytest.FixtureRequest) -> None:
    browser = visit(desk, desk.requester)
    settings.CACHES = CACHE_THAT_IS_DOWN
    assert is_in(browser)


def test_there_is_no_sign_up(desk: Desk, visit: Visit) -> None:
    browser = visit(desk)
    browser.post("/account/signup/", {"email": "new@example.com", "password1": NEW})
    assert not is_in(browser)


def test_the_way_in_leads_nowhere_else(desk: Desk, visit: Visit) -> None:
    answer = visit(desk).post(
        "/account/login/?next=//evil.example/",
        {"login": desk.requester.email, "password": PASSWORD, "next": "//evil.example/"},
    )
    assert answer.headers["Location"] == "/"


def test_staff_arrive_at_their_desk(desk: Desk, visit: Visit) -> None:
    answer = visit(desk).post("/account/login/", {"login": desk.agent.email, "password": PASSWORD})
    assert answer.headers["Location"] == "/admin/"


# ---- a forgotten password ----


def reset_link(desk: Desk, person: Person) -> str:
    with desk.entered():
        actions.request_reset(person.user.email)
        mail = written(OutboxMessage.objects.filter(kind="person.reset").latest("id"))
    found = re.search(r"http://[^/]+(/account/password/reset/key/\S+)", mail.text)
    assert found is not None
    return found[1]


def test_b1_a_forgotten_password_is_replaced_by_the_link(desk: Desk, visit: Visit) -> None:
    browser = visit(desk)
    page = browser.get(reset_link(desk, desk.requester), follow=True)
    browser.post(page.request["PATH_INFO"], {"password1": NEW, "password2": NEW})
    browser = visit(desk)
    log_in(browser, desk.requester.email, NEW)
    assert is_in(browser)


def test_the_link_works_once(desk: Desk, visit: Visit) -> None:
    link = reset_link(desk, desk.requester)
    browser = visit(desk)
    page = browser.get(link, follow=True)
    browser.post(page.request["PATH_INFO"], {"password1": NEW, "password2": NEW})
    assert visit(desk).get(link, follow=True).context["token_fail"]


def test_the_link_works_at_its_desk_only(desk: Desk, rival: Desk, visit: Visit) -> None:
    assert visit(rival).get(reset_link(desk, desk.requester), follow=True).context["token_fail"]


def test_an_unknown_address_gets_no_mail(desk: Desk, rival: Desk) -> None:
    tasks.request_reset(desk.id, rival.requester.email)
    with desk.entered():
        assert not OutboxMessage.objects.filter(kind="person.reset").exists()


def test_the_link_goes_to_the_account_not_to_an_edited_address(desk: Desk) -> None:
    with desk.entered():
        Person.objects.filter(pk=desk.requester.pk).update(email="thief@example.com")
        actions.request_reset(desk.requester.user.email)
        assert OutboxMessage.objects.get(kind="person.reset").to_address == desk.requester.user.email


def test_known_and_unknown_ask_alike(desk: Desk, visit: Visit) -> None:
    """The page looks nothing up: a job does, after the answer."""

    def answer(email: str) -> tuple[int, str]:
        response = visit(desk).post("/account/password/reset/", {"email": email})
        return response.status_code, response.headers["Location"]

    assert answer(desk.requester.email) == answer("nobody@example.com")


def test_a_new_password_ends_other_sessions(desk: Desk, visit: Visit) -> None:
    elsewhere, here = visit(desk, desk.requester), visit(desk, desk.requester)
    here.post("/account/password/change/", {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW})
    assert (is_in(here), is_in(elsewhere)) == (True, False)


def test_the_owner_hears_of_a_changed_password(desk: Desk, visit: Visit) -> None:
    visit(desk, desk.requester).post(
        "/account/password/change/", {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    )
    with desk.entered():
        assert OutboxMessage.objects.get(kind="person.password_changed").to_person == desk.requester


# ---- invitations ----


def newcomer(desk: Desk, email: str = "new@example.com") -> Person:
    with desk.entered():
        person = Person.objects.create(name="Nora New", email=email)
        actions.invite(person, by=desk.agent)
        person.refresh_from_db()
        return person


def invitation_link(desk: Desk, person: Person) -> str:
    with desk.entered():
        return f"/invitation/{make_token(person)}/"


def test_an_invited_person_chooses_a_password_and_gets_in(desk: Desk, visit: Visit) -> None:
    link = invitation_link(desk, newcomer(desk))
    visit(desk).post(link, {"password1": NEW, "password2": NEW})
    browser = visit(desk)
    log_in(browser, "new@example.com", NEW)
    assert is_in(browser)


def test_opening_the_link_changes_nothing(desk: Desk, visit: Visit) -> None:
    person = newcomer(desk)
    link = invitation_link(desk, person)
    visit(desk).get(link)
    with desk.entered():
        assert read_token(link.split("/")[2]) == person


def test_an_invitation_works_once(desk: Desk, visit: Visit) -> None:
    link = invitation_link(desk, newcomer(desk))
    visit(desk).post(link, {"password1": NEW, "password2": NEW})
    assert visit(desk).get(link).status_code == 404


def test_an_invitation_works_at_its_desk_only(desk: Desk, rival: Desk, visit: Visit) -> None:
    assert visit(rival).get(invitation_link(desk, newcomer(desk))).status_code == 404


@pytest.mark.parametrize("token", ["x", "a:b:c", "W10:1:2"])
def test_a_made_up_token_is_refused(desk: Desk, visit: Visit, token: str) -> None:
    assert visit(desk).get(f"/invitation/{token}/").status_code == 404


def test_a_short_password_is_refused_at_its_field(desk: Desk, visit: Visit) -> None:
    answer = visit(desk).post(invitation_link(desk, newcomer(desk)), {"password1": "short", "password2": "short"})
    assert "password1" in answer.context["form"].errors


def test_two_different_passwords_are_refused(desk: Desk, visit: Visit) -> None:
    answer = visit(desk).post(invitation_link(desk, newcomer(desk)), {"password1": NEW, "password2": NEW + "x"})
    assert "password2" in answer.context["form"].errors


def test_an_account_of_another_desk_keeps_its_password(desk: Desk, rival: Desk, visit: Visit) -> None:
    """Being invited elsewhere must not be a way to set somebody's password."""
    person = newcomer(desk, rival.requester.user.email)
    answer = visit(desk).post(invitation_link(desk, person), {"password1": NEW, "password2": NEW})
    assert answer.headers["Location"] == "/account/login/"


def test_one_account_may_be_a_person_of_two_desks(desk: Desk, rival: Desk, visit: Visit) -> None:
    newcomer(desk, rival.requester.user.email)
    browser = visit(desk)
    log_in(browser, rival.requester.user.email)
    assert is_in(browser)


def test_an_agent_invites_no_colleagues(desk: Desk) -> None:
    with desk.entered(), pytest.raises(actions.NotAllowed):
        actions.invite(desk.accountant, by=desk.agent)


def test_a_customer_invites_nobody(desk: Desk) -> None:
    with desk.entered(), pytest.raises(actions.NotAllowed):
        actions.invite(desk.colleague, by=desk.requester)


def test_a_person_without_an_address_cannot_be_invited(desk: Desk) -> None:
    with desk.entered(), pytest.raises(actions.Refused):
        actions.invite(Person.objects.create(name="Phone Only"), by=desk.agent)


def test_obtaining_an_account_twice_gives_the_same_one(desk: Desk) -> None:
    assert obtain_user("twice@example.com") == obtain_user("twice@example.com")
