"""Programs for tests: clients that bring a token, and calls that send JSON."""

from datetime import date
from typing import Any

from django.test import Client

from accounts.models import Person
from accounts.tokens import make_token
from conftest import Desk

API = "/api/v1"


def token_of(desk: Desk, person: Person, *, expires_on: date | None = None) -> str:
    with desk.entered():
        return make_token(by=person, name="Program", expires_on=expires_on)[1]


def bearing(desk: Desk, token: str) -> Client:
    """A program at the desk's host."""
    return Client(headers={"host": desk.host, "authorization": f"Bearer {token}"}, raise_request_exception=False)


def program(desk: Desk, person: Person) -> Client:
    """program(desk, person) acts for the person at their desk."""
    return bearing(desk, token_of(desk, person))


def post(client: Client, path: str, body: Any = None, *, key: str = "") -> Any:
    headers = {"idempotency-key": key} if key else {}
    return client.post(API + path, {} if body is None else body, content_type="application/json", headers=headers)


def get(client: Client, path: str, **asked: Any) -> Any:
    return client.get(API + path, asked)


def code(answer: Any) -> tuple[int, str]:
    """The status and the problem's code."""
    return answer.status_code, answer.json()["code"]


def wrong(answer: Any) -> dict[str, str]:
    """What a 422 says is wrong, by pointer."""
    assert answer.status_code == 422, answer.content
    return {error.get("pointer", ""): error["code"] for error in answer.json()["errors"]}
