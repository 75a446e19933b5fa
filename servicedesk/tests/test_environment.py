"""Settings from the environment: a missing or malformed one ends the start with a sentence."""

import os
import subprocess
import sys
from typing import Any

import pytest

from servicedesk import environment


@pytest.fixture(autouse=True)
def _no_leftovers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRIAL", raising=False)


def refusal(monkeypatch: pytest.MonkeyPatch, value: str, read: object) -> str:
    monkeypatch.setenv("TRIAL", value)
    with pytest.raises(environment.BadSetting) as caught:
        read("TRIAL")  # type: ignore[operator]
    return str(caught.value)


@pytest.mark.parametrize(
    "value",
    ["nonsense", "mysql://a:b@host/db", "postgres://host/db", "postgres://a:b@host", "postgres://a:b@host:x/db"],
)
def test_a_malformed_database_is_a_sentence(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    assert refusal(monkeypatch, value, environment.database).startswith("TRIAL: ")


def test_a_socket_folder_keeps_its_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIAL", "postgres://desk_app:p%40ss@%2Ftmp%2FMy%20Folder:5432/servicedesk")
    found = environment.database("TRIAL")
    assert (found["HOST"], found["PASSWORD"]) == ("/tmp/My Folder", "p@ss")


@pytest.mark.parametrize("port", ["", ":5432"])
def test_an_address_of_numbers_is_read_whole(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("TRIAL", f"postgres://a:b@[::1]{port}/db")
    assert environment.database("TRIAL")["HOST"] == "::1"


@pytest.mark.parametrize(
    ("asked", "options"),
    [
        ("", "-c statement_timeout=5"),
        ("?options=-c%20statement_timeout%3D9", "-c statement_timeout=5 -c statement_timeout=9"),
    ],
)
def test_what_the_address_sets_itself_prevails(monkeypatch: pytest.MonkeyPatch, asked: str, options: str) -> None:
    monkeypatch.setenv("TRIAL", f"postgres://a:b@host/db{asked}")
    found: Any = environment.database("TRIAL", statement_timeout=5, left_to_the_server=0)
    assert found["OPTIONS"]["options"] == options


@pytest.mark.parametrize("value", ["maybe", "2"])
def test_a_flag_is_1_or_0(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    assert "1 or 0" in refusal(monkeypatch, value, environment.flag)


@pytest.mark.parametrize("value", ["x", "-1", "1.5", "99999999999"])
def test_a_number_says_its_range(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    assert "whole number" in refusal(monkeypatch, value, lambda name: environment.number(name, 1))


def test_the_broker_gets_its_own_form_of_a_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIAL", "unix:///tmp/valkey.sock")
    assert environment.redis("TRIAL") == ("unix:///tmp/valkey.sock", "redis+socket:///tmp/valkey.sock")


@pytest.mark.parametrize(
    ("value", "port", "tls", "ssl"),
    [("smtp://h", 25, False, False), ("smtp+tls://u:p@h", 587, True, False), ("smtps://h", 465, False, True)],
)
def test_the_relays_address(monkeypatch: pytest.MonkeyPatch, value: str, port: int, tls: bool, ssl: bool) -> None:
    monkeypatch.setenv("TRIAL", value)
    found = environment.mail("TRIAL")
    assert (found["EMAIL_PORT"], found["EMAIL_USE_TLS"], found["EMAIL_USE_SSL"]) == (port, tls, ssl)


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL", "SECRET_KEY", "EMAIL_URL"])
def test_a_missing_setting_ends_the_start_with_a_sentence(name: str) -> None:
    env = {key: value for key, value in os.environ.items() if key != name}
    answer = subprocess.run(
        [sys.executable, "manage.py", "check"], env=env, capture_output=True, text=True, check=False
    )
    assert (answer.returncode, answer.stderr.splitlines()[-1].startswith(f"{name}: is not set")) == (1, True)
