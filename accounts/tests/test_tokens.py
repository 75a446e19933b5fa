"""Personal tokens: shown once, kept as a digest, good at one desk's API for as long as the person wants."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.errors import Refused
from accounts.middleware import VISITOR_BYTES
from accounts.models import ApiToken, Event, Person
from accounts.tests.programs import API, bearing, code, get, post, program, token_of
from accounts.tokens import MOST_TOKENS, digest_of, make_token, read_token, revoke_token
from conftest import Desk, Visit

PAGE = "/account/tokens/"


def make_on_page(browser: Client, **fields: str) -> Any:
    return browser.post(PAGE, {"name": "Bookkeeping", "expires_on": "", **fields})


def shown_in(answer: Any) -> list[str]:
    return re.findall(r"desk_[\w-]{43}", answer.content.decode())


def only_token(desk: Desk) -> ApiToken:
    with desk.entered():
        return ApiToken.objects.get()


# ---- the page ----


def test_a_token_is_made_and_shown(desk: Desk, visit: Visit) -> None:
    (token,) = shown_in(make_on_page(visit(desk, desk.requester)))
    assert get(bearing(desk, token), "/me/").json()["email"] == desk.requester.email


def test_it_is_shown_once(desk: Desk, visit: Visit) -> None:
    browser = visit(desk, desk.requester)
    make_on_page(browser)
    assert shown_in(browser.get(PAGE)) == []


def test_only_its_digest_is_kept(desk: Desk, visit: Visit) -> None:
    (token,) = shown_in(make_on_page(visit(desk, desk.requester)))
    row = only_token(desk)
    assert row.digest == digest_of(token)
    assert token not in str(vars(row))


def test_one_sees_and_revokes_ones_own_only(desk: Desk, visit: Visit) -> None:
    make_on_page(visit(desk, desk.requester))
    browser = visit(desk, desk.colleague)
    assert "Bookkeeping" not in browser.get(PAGE).content.decode()
    assert browser.post(f"{PAGE}{only_token(desk).pk}/revoke/").status_code == 404
    assert only_token(desk).revoked_at is None


def test_a_revoked_one_leaves_the_page(desk: Desk, visit: Visit) -> None:
    browser = visit(desk, desk.requester)
    make_on_page(browser)
    page = browser.post(f"{PAGE}{only_token(desk).pk}/revoke/", follow=True)
    assert f"{PAGE}{only_token(desk).pk}/revoke/" not in page.content.decode()


def test_staff_have_tokens_too(desk: Desk, visit: Visit) -> None:
    assert shown_in(make_on_page(visit(desk, desk.agent)))


@pytest.mark.parametrize("fields", [{"name": "  "}, {"name": "x" * 61}, {"expires_on": "2020-01-01"}])
def test_what_the_form_refuses(desk: Desk, visit: Visit, fields: dict[str, str]) -> None:
    assert make_on_page(visit(desk, desk.requester), **fields).status_code == 422
    with desk.entered():
        assert not ApiToken.objects.exists()


def test_nobody_collects_tokens_without_end(inside: Desk) -> None:
    for _ in range(MOST_TOKENS):
        make_token(by=inside.requester, name="One more")
    with pytest.raises(Refused):
        make_token(by=inside.requester, name="Too many")


def test_making_and_revoking_is_history(inside: Desk) -> None:
    token, _text = make_token(by=inside.requester, name="Program")
    revoke_token(token, by=inside.requester)
    revoke_token(token, by=inside.requester)
    kinds = list(Event.objects.filter(subject_label="accounts.person").order_by("id").values_list("kind", flat=True))
    assert kinds[-2:] == ["person.token_made", "person.token_revoked"]
    assert kinds.count("person.token_revoked") == 1


# ---- what opens something, and what does not ----


def test_a_call_without_anything_is_asked_who_it_is(desk: Desk, visit: Visit) -> None:
    answer = get(visit(desk), "/me/")
    assert (code(answer), answer["WWW-Authenticate"]) == ((401, "not_authenticated"), 'Bearer realm="api"')
    assert answer["Content-Type"] == "application/problem+json"


def refused(answer: Any) -> bool:
    return (
        code(answer) == (401, "invalid_token")
        and answer["WWW-Authenticate"] == 'Bearer realm="api", error="invalid_token"'
    )


@pytest.mark.parametrize("token", ["", "x", "desk_" + "a" * 43, "é" * 43, "a" * 5000, "desk_ x"])
def test_a_made_up_token(desk: Desk, token: str) -> None:
    assert refused(get(bearing(desk, token), "/me/"))


def test_a_revoked_token(desk: Desk) -> None:
    client = program(desk, desk.requester)
    with desk.entered():
        revoke_token(ApiToken.objects.get(), by=desk.requester)
    assert refused(get(client, "/me/"))


def test_the_last_day_is_a_day_on_which_it_works(desk: Desk) -> None:
    today = timezone.localdate(timezone=desk.tenant.zone)
    client = bearing(desk, token_of(desk, desk.requester, expires_on=today))
    assert get(client, "/me/").status_code == 200
    with desk.entered():
        ApiToken.objects.update(expires_on=today - timedelta(days=1))
    assert refused(get(client, "/me/"))


@pytest.mark.parametrize("change", [{"is_active": False}, {"user": None}])
def test_the_token_of_somebody_who_cannot_log_in_any_more(desk: Desk, change: dict[str, Any]) -> None:
    client = program(desk, desk.requester)
    with desk.entered():
        Person.objects.filter(pk=desk.requester.pk).update(**change)
    assert refused(get(client, "/me/"))


def test_a_token_is_good_at_its_own_desk_only(desk: Desk, rival: Desk) -> None:
    assert refused(get(bearing(rival, token_of(desk, desk.requester)), "/me/"))


def test_a_token_of_another_desk_is_not_even_read(desk: Desk, rival: Desk) -> None:
    token = token_of(desk, desk.requester)
    with desk.entered():
        assert read_token(token) is not None
    with rival.entered():
        assert read_token(token) is None


def test_a_token_opens_no_page(desk: Desk) -> None:
    client = program(desk, desk.requester)
    assert [client.get(page).status_code for page in ("/requests/", PAGE, "/admin/")] == [302, 302, 302]
    assert client.post(PAGE, {"name": "More"}).status_code == 302
    with desk.entered():
        assert ApiToken.objects.count() == 1


def test_a_wrong_token_is_not_helped_by_a_session(desk: Desk, visit: Visit) -> None:
    browser = visit(desk, desk.requester)
    assert browser.get(f"{API}/me/", headers={"authorization": "Bearer desk_wrong"}).status_code == 401


def test_a_token_goes_before_the_session(desk: Desk, visit: Visit) -> None:
    browser = visit(desk, desk.requester)
    answer = browser.get(f"{API}/me/", headers={"authorization": f"bearer {token_of(desk, desk.agent)}"})
    assert answer.json()["id"] == desk.agent.pk


def test_another_scheme_is_none_of_ours(desk: Desk, visit: Visit) -> None:
    """A proxy in front may ask for its own password."""
    browser = visit(desk, desk.requester)
    assert browser.get(f"{API}/me/", headers={"authorization": "Basic eDp5"}).status_code == 200


def test_a_session_needs_the_token_against_forgery(desk: Desk, visit: Visit) -> None:
    browser = Client(enforce_csrf_checks=True, headers={"host": desk.host})
    with desk.entered():
        browser.force_login(desk.requester.user)
        reference = desk.submit().reference
    browser.get("/")
    where, body = f"{API}/requests/{reference}/comments/", {"text": "Hello"}
    bare = browser.post(where, body, content_type="application/json")
    proved = browser.post(
        where,
        body,
        content_type="application/json",
        headers={"x-csrftoken": browser.cookies["desk_csrf"].value},
    )
    assert (code(bare), proved.status_code) == ((403, "csrf_failed"), 201)


def test_a_token_needs_none(desk: Desk) -> None:
    client = Client(
        enforce_csrf_checks=True,
        headers={"host": desk.host, "authorization": f"Bearer {token_of(desk, desk.requester)}"},
    )
    with desk.entered():
        reference = desk.submit().reference
    assert post(client, f"/requests/{reference}/comments/", {"text": "Hello"}).status_code == 201


# ---- whose words and whose time ----


def test_a_token_speaks_its_persons_language(desk: Desk) -> None:
    with desk.entered():
        Person.objects.filter(pk=desk.requester.pk).update(language="lv")
        desk.submit()
    answer = get(program(desk, desk.requester), "/requests/")
    assert (answer["Content-Language"], answer.json()["results"][0]["status_label"]) == ("lv", "Atvērts")


def test_moments_are_in_the_desks_time_zone(desk: Desk) -> None:
    with desk.entered():
        created = desk.submit().created_at
    shown = get(program(desk, desk.requester), "/requests/").json()["results"][0]["created_at"]
    assert shown == timezone.localtime(created, desk.tenant.zone).isoformat()
    assert not shown.endswith(("Z", "+00:00"))


# ---- its use is noted ----


def used_at(desk: Desk) -> Any:
    return only_token(desk).last_used_at


def test_its_last_use_is_noted(desk: Desk) -> None:
    get(program(desk, desk.requester), "/me/")
    assert used_at(desk) is not None


def test_even_where_nothing_was_found(desk: Desk) -> None:
    assert get(program(desk, desk.requester), "/requests/DESK-999/").status_code == 404
    assert used_at(desk) is not None


@pytest.mark.parametrize(("before", "is_noted"), [(timedelta(minutes=59), False), (timedelta(minutes=61), True)])
def test_at_most_once_an_hour(desk: Desk, before: timedelta, is_noted: bool) -> None:
    client = program(desk, desk.requester)
    earlier = timezone.now() - before
    with desk.entered():
        ApiToken.objects.update(last_used_at=earlier)
    get(client, "/me/")
    assert (used_at(desk) != earlier) is is_noted


# ---- large bodies ----


def large_comment(client: Client, desk: Desk) -> Any:
    with desk.entered():
        reference = desk.submit().reference
    return post(client, f"/requests/{reference}/comments/", {"text": "x", "more": "y" * VISITOR_BYTES})


def test_a_program_may_send_more_than_a_visitor(desk: Desk) -> None:
    assert code(large_comment(program(desk, desk.requester), desk)) == (422, "invalid")


def test_so_may_a_session(desk: Desk, visit: Visit) -> None:
    assert large_comment(visit(desk, desk.requester), desk).status_code == 422


def test_a_visitor_may_not(desk: Desk, visit: Visit) -> None:
    assert code(large_comment(visit(desk), desk)) == (413, "too_large")


def test_nor_who_brings_a_made_up_token(desk: Desk) -> None:
    assert code(large_comment(bearing(desk, "desk_" + "a" * 43), desk)) == (413, "too_large")


def test_nor_who_brings_another_desks_token(desk: Desk, rival: Desk) -> None:
    assert code(large_comment(bearing(desk, token_of(rival, rival.requester)), desk)) == (413, "too_large")


def test_a_token_carries_no_file_to_a_page(desk: Desk) -> None:
    client = program(desk, desk.requester)
    answer = client.post("/requests/new/1/", {"description": "y" * (VISITOR_BYTES + 1)})
    assert answer.status_code == 413


def test_no_program_sends_more_than_five_megabytes(desk: Desk) -> None:
    answer = post(program(desk, desk.requester), "/requests/", {"subject": "y" * 6 * 1024 * 1024})
    assert code(answer) == (413, "too_large")
