"""The same call twice is one deed: an Idempotency-Key makes a lost answer harmless."""

import threading
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts import tasks
from accounts.models import KeptAnswer
from accounts.tests.programs import API, bearing, code, post, program, token_of
from conftest import Desk, Visit
from tickets import actions
from tickets.models import Comment, Ticket


def new_request(desk: Desk, **changes: Any) -> dict[str, Any]:
    with desk.entered():
        return {"request_type": desk.type().pk, "subject": "The printer", **changes}


def tickets(desk: Desk) -> int:
    with desk.entered():
        return int(Ticket.objects.count())


def test_the_same_call_is_answered_alike_and_done_once(desk: Desk) -> None:
    client, body = program(desk, desk.requester), new_request(desk)
    first, second = (post(client, "/requests/", body, key="one") for _ in range(2))
    assert (first.status_code, second.status_code, tickets(desk)) == (201, 201, 1)
    assert (first.content, first["Location"]) == (second.content, second["Location"])
    assert ("Idempotency-Replayed" in first, second["Idempotency-Replayed"]) == (False, "true")


def test_without_a_key_it_is_done_twice(desk: Desk) -> None:
    client, body = program(desk, desk.requester), new_request(desk)
    assert [post(client, "/requests/", body).status_code for _ in range(2)] == [201, 201]
    assert tickets(desk) == 2


@pytest.mark.parametrize("change", ["body", "address"])
def test_the_same_key_with_another_call_is_a_mistake(desk: Desk, change: str) -> None:
    client, body = program(desk, desk.requester), new_request(desk)
    reference = post(client, "/requests/", body, key="one").json()["reference"]
    other = f"/requests/{reference}/comments/" if change == "address" else "/requests/"
    answer = post(client, other, {**body, "subject": "Another"} if change == "body" else body, key="one")
    assert (code(answer), tickets(desk)) == ((422, "key_reused"), 1)


def test_two_people_may_have_the_same_key(desk: Desk) -> None:
    body = new_request(desk)
    for person in (desk.requester, desk.colleague):
        assert post(program(desk, person), "/requests/", body, key="one").status_code == 201
    assert tickets(desk) == 2


def test_two_desks_may_have_the_same_key(desk: Desk, rival: Desk) -> None:
    for one in (desk, rival):
        assert post(program(one, one.requester), "/requests/", new_request(one), key="one").status_code == 201
    assert (tickets(desk), tickets(rival)) == (1, 1)


def test_a_refusal_is_an_answer_too(desk: Desk) -> None:
    """The verb's changes are undone, and its answer stands: also when the verb would be possible by now."""
    with desk.entered():
        ticket = desk.submit()
    client, where = program(desk, desk.agent), f"/requests/{ticket.reference}/verbs/deliver/"
    first = post(client, where, {"text": "Done."}, key="one")
    with desk.entered():
        actions.start_work(ticket, by=desk.agent, expected_minutes=10)
    second = post(client, where, {"text": "Done."}, key="one")
    assert (code(first), first.content) == ((409, "wrong_state"), second.content)
    assert second["Content-Type"] == "application/problem+json"


def test_a_mistake_in_the_body_is_kept(desk: Desk) -> None:
    client = program(desk, desk.requester)
    answers = [post(client, "/requests/", {}, key="one") for _ in range(2)]
    assert [code(answer) for answer in answers] == [(422, "invalid")] * 2
    assert answers[1]["Idempotency-Replayed"] == "true"


def test_a_fault_of_ours_is_not_kept(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    client, body = program(desk, desk.requester), new_request(desk)

    def stumble(*args: Any, **kwargs: Any) -> None:
        Ticket.objects.count()
        raise RuntimeError("no luck")

    with monkeypatch.context() as broken:
        broken.setattr("tickets.actions.submission.notices.submitted", stumble)
        assert code(post(client, "/requests/", body, key="one")) == (500, "server_error")
    assert tickets(desk) == 0
    assert post(client, "/requests/", body, key="one").status_code == 201


def test_a_fault_after_the_deed_undoes_the_deed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    client, body = program(desk, desk.requester), new_request(desk)

    def stumble(*args: Any) -> None:
        raise RuntimeError("no luck")

    monkeypatch.setattr("tickets.api.views.request_shown", stumble)
    for key in ("", "one"):
        assert post(client, "/requests/", body, key=key).status_code == 500
    assert tickets(desk) == 0


def test_who_is_not_known_keeps_nothing(desk: Desk) -> None:
    body = new_request(desk)
    assert post(bearing(desk, "desk_wrong"), "/requests/", body, key="one").status_code == 401
    assert post(program(desk, desk.requester), "/requests/", body, key="one").status_code == 201


def test_a_kept_answer_is_not_shown_to_a_revoked_token(desk: Desk) -> None:
    client, body = program(desk, desk.requester), new_request(desk)
    post(client, "/requests/", body, key="one")
    with desk.entered():
        desk.requester.tokens.update(revoked_at=timezone.now())
    assert post(client, "/requests/", body, key="one").status_code == 401


@pytest.mark.parametrize("key", ["x" * 256, "ä", "a\tb"])
def test_what_is_no_key(desk: Desk, key: str) -> None:
    assert code(post(program(desk, desk.requester), "/requests/", new_request(desk), key=key)) == (400, "wrong_key")


def test_a_session_may_use_keys(desk: Desk, visit: Visit) -> None:
    browser, body = visit(desk, desk.requester), new_request(desk)
    for _ in range(2):
        assert post(browser, "/requests/", body, key="one").status_code == 201
    assert tickets(desk) == 1


# ---- for a day ----


def test_after_a_day_the_key_is_free(desk: Desk) -> None:
    client, body = program(desk, desk.requester), new_request(desk)
    post(client, "/requests/", body, key="one")
    with desk.entered():
        KeptAnswer.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert post(client, "/requests/", {**body, "subject": "Another"}, key="one").status_code == 201
    assert tickets(desk) == 2


def test_the_daily_job_forgets(desk: Desk, rival: Desk) -> None:
    for one in (desk, rival):
        client = program(one, one.requester)
        for key in ("old", "new"):
            post(client, "/requests/", new_request(one), key=key)
        with one.entered():
            KeptAnswer.objects.filter(key="old").update(created_at=timezone.now() - timedelta(hours=25))
    tasks.forget_kept_answers()
    for one in (desk, rival):
        with one.entered():
            assert list(KeptAnswer.objects.values_list("key", flat=True)) == ["new"]


# ---- at once ----


def test_the_same_call_three_times_at_once_is_done_once(committed_desk: Desk) -> None:
    desk = committed_desk
    token, body, key = token_of(desk, desk.requester), new_request(desk), str(uuid.uuid4())
    assert at_once(desk, token, "/requests/", body, key) == [201, 201, 201]
    assert tickets(desk) == 1


def test_a_comment_three_times_at_once_is_one(committed_desk: Desk) -> None:
    desk = committed_desk
    with desk.entered():
        reference = desk.submit().reference
    token = token_of(desk, desk.requester)
    at_once(desk, token, f"/requests/{reference}/comments/", {"text": "Hello"}, "one")
    with desk.entered():
        assert Comment.objects.count() == 1


def at_once(desk: Desk, token: str, path: str, body: dict[str, Any], key: str) -> list[int]:
    """The statuses of the same call, sent three times at the same moment."""
    start, found = threading.Barrier(3), []

    def call() -> None:
        client = bearing(desk, token)
        start.wait()
        try:
            found.append(post(client, path, body, key=key).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=call) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_reading_takes_no_key(desk: Desk) -> None:
    client = program(desk, desk.requester)
    assert client.get(f"{API}/me/", headers={"idempotency-key": "one"}).status_code == 200
    with desk.entered():
        assert not KeptAnswer.objects.exists()
