"""Secrets that desks entrust to us: sealed where they are stored, opened by their own desk only."""

from base64 import b64encode
from typing import Any

import pytest

from accounts.sealed import CannotOpenError, seal, unseal, without
from conftest import Desk

OTHER = "another key"


def test_what_was_sealed_is_opened_again(inside: Desk) -> None:
    assert unseal(seal("open sesame ļ")) == "open sesame ļ"


def test_the_stored_text_does_not_hold_the_secret(inside: Desk) -> None:
    assert "sesame" not in seal("open sesame")


def test_the_same_secret_is_sealed_differently_each_time(inside: Desk) -> None:
    assert seal("open sesame") != seal("open sesame")


def test_another_desk_cannot_open_it(desk: Desk, rival: Desk) -> None:
    with desk.entered():
        sealed = seal("open sesame")
    with rival.entered(), pytest.raises(CannotOpenError):
        unseal(sealed)


def test_a_changed_text_is_not_opened(inside: Desk) -> None:
    sealed = seal("open sesame")
    with pytest.raises(CannotOpenError):
        unseal(sealed[:-2] + ("AA" if sealed[-2:] != "AA" else "BB"))


def test_nothing_stays_nothing(inside: Desk) -> None:
    assert (seal(""), unseal("")) == ("", "")


def test_another_key_cannot_open_it(inside: Desk, settings: Any) -> None:
    sealed = seal("open sesame")
    settings.SECRET_KEY = OTHER
    with pytest.raises(CannotOpenError):
        unseal(sealed)


def test_the_key_before_opens_what_it_sealed(inside: Desk, settings: Any) -> None:
    sealed = seal("open sesame")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = OTHER
    assert unseal(sealed) == "open sesame"


def test_the_newest_key_seals(inside: Desk, settings: Any) -> None:
    before = settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OTHER, [before]
    sealed = seal("open sesame")
    settings.SECRET_KEY_FALLBACKS = []
    assert unseal(sealed) == "open sesame"


SECRETS = ["simple-pass", 'quo"ted-pass', "back\\slash-pass", "it's-a-pass", 'it\'s "both"', "žāvēts"]


@pytest.mark.parametrize("secret", SECRETS)
def test_what_a_server_repeats_is_shown_without_the_secret(secret: str) -> None:
    as_login = secret.replace("\\", "\\\\").replace('"', '\\"')
    said = f'BAD LOGIN "{as_login}" {secret}'
    shown = [said, repr(said), repr(said.encode()), f"PLAIN {b64encode(f'user{secret}'.encode()).decode()}"]
    assert [secret[-4:] in without(secret, words) for words in shown] == [False] * 4
    assert repr(secret.encode())[2:-1] not in without(secret, shown[2])


def test_words_without_a_secret_stay_as_they_are() -> None:
    assert without("", "Log-in refused") == without("hunter2", "Log-in refused") == "Log-in refused"
