"""Tokens from Microsoft and Google, against a token server on the loopback interface."""

import json
import threading
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from accounts.sealed import CannotOpenError, seal, unseal
from conftest import Desk
from tickets.mail import oauth
from tickets.mail.oauth import NotNow, Withdrawn, access_token, authorize_url, complete
from tickets.models.mailboxes import LogIn, Mailbox, Way

REDIRECT = "https://alpha.localhost/agents/mailboxes/connected/"


class Provider:
    """Answers the next requests as it was told; then with new tokens."""

    def __init__(self) -> None:
        self.forms: list[dict[str, str]] = []
        self.answers: list[tuple[int, Any]] = []
        self.rotates = False
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                provider.forms.append({name: values[0] for name, values in parse_qs(body).items()})
                status, answer = provider.answer()
                content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *words: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def answer(self) -> tuple[int, Any]:
        if self.answers:
            return self.answers.pop(0)
        number = len(self.forms)
        new = {"refresh_token": f"refresh-{number}"} if self.rotates or number == 1 else {}
        return 200, {"access_token": f"access-{number}", "expires_in": 3600, "token_type": "Bearer", **new}

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    made = Provider()
    there = oauth.Endpoints(f"{made.address}/authorize", f"{made.address}/token")
    monkeypatch.setattr(oauth, "_endpoints", lambda mailbox: there)
    yield made
    made.stop()


@pytest.fixture
def mailbox(desk: Desk) -> Mailbox:
    """Not connected yet."""
    with desk.entered():
        return Mailbox.objects.create(
            address="support@alpha.example",
            way=Way.IMAP,
            host="outlook.office365.com",
            username="support@alpha.example",
            log_in=LogIn.MICROSOFT,
            client_id="the-client",
            client_secret=seal("the-secret"),
            directory="the-directory",
        )


@pytest.fixture
def connected(desk: Desk, mailbox: Mailbox) -> Mailbox:
    """With a token that has ended."""
    with desk.entered():
        mailbox.refresh_token, mailbox.access_token = seal("refresh-0"), seal("access-0")
        mailbox.access_ends_at = timezone.now() - timedelta(minutes=1)
        mailbox.save()
    return mailbox


def stored(desk: Desk, mailbox: Mailbox) -> tuple[str, str]:
    with desk.entered():
        row = Mailbox.objects.get(pk=mailbox.pk)
        return unseal(row.access_token), unseal(row.refresh_token)


def asked(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


# ---- connecting ----


def test_the_person_is_sent_to_microsoft(mailbox: Mailbox) -> None:
    url, _verifier = authorize_url(mailbox, REDIRECT, "the-state")
    assert url.startswith("https://login.microsoftonline.com/the-directory/oauth2/v2.0/authorize?")
    assert asked(url)["scope"] == "https://outlook.office.com/IMAP.AccessAsUser.All offline_access"


def test_without_a_directory_any_of_microsofts_serves(mailbox: Mailbox) -> None:
    mailbox.directory = ""
    assert "/common/oauth2/" in authorize_url(mailbox, REDIRECT, "x")[0]


def test_a_directory_cannot_lead_elsewhere(mailbox: Mailbox) -> None:
    mailbox.directory = "../../evil?x=#@example.com/"
    address = urlsplit(authorize_url(mailbox, REDIRECT, "x")[0])
    assert (address.netloc, address.path.count("/")) == ("login.microsoftonline.com", 4)


def test_the_person_is_sent_to_google(mailbox: Mailbox) -> None:
    mailbox.log_in = LogIn.GOOGLE
    query = asked(authorize_url(mailbox, REDIRECT, "x")[0])
    assert (query["scope"], query["access_type"], query["prompt"]) == (
        "https://mail.google.com/",
        "offline",
        "consent",
    )


def test_what_is_sent_along_proves_nothing_to_who_reads_it(mailbox: Mailbox) -> None:
    """PKCE: the address shows a hash, and only who has the verifier can use the code."""
    url, verifier = authorize_url(mailbox, REDIRECT, "the-state")
    query = asked(url)
    expected = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    assert (query["code_challenge"], query["code_challenge_method"], query["state"]) == (expected, "S256", "the-state")
    assert 43 <= len(verifier) <= 128
    assert "secret" not in url


def test_a_code_becomes_tokens(desk: Desk, mailbox: Mailbox, provider: Provider) -> None:
    complete(mailbox, "the-code", "the-verifier", REDIRECT)
    assert stored(desk, mailbox) == ("access-1", "refresh-1")
    assert provider.forms == [
        {
            "client_id": "the-client",
            "client_secret": "the-secret",
            "grant_type": "authorization_code",
            "code": "the-code",
            "code_verifier": "the-verifier",
            "redirect_uri": REDIRECT,
        }
    ]


def test_tokens_are_sealed_where_they_are_stored(desk: Desk, mailbox: Mailbox, provider: Provider) -> None:
    complete(mailbox, "the-code", "the-verifier", REDIRECT)
    with desk.entered():
        row = Mailbox.objects.filter(pk=mailbox.pk).values_list("access_token", "refresh_token").get()
    assert "access-1" not in row[0]
    assert "refresh-1" not in row[1]


def test_a_permission_that_does_not_last_is_none(mailbox: Mailbox, provider: Provider) -> None:
    provider.answers = [(200, {"access_token": "a", "expires_in": 3600})]
    with pytest.raises(Withdrawn):
        complete(mailbox, "the-code", "the-verifier", REDIRECT)


# ---- tokens ----


def test_a_token_that_is_good_is_used(desk: Desk, connected: Mailbox, provider: Provider) -> None:
    connected.access_ends_at = timezone.now() + timedelta(minutes=6)
    assert (access_token(connected), provider.forms) == ("access-0", [])


def test_a_token_that_ends_in_less_than_five_minutes_is_renewed(connected: Mailbox, provider: Provider) -> None:
    connected.access_ends_at = timezone.now() + timedelta(minutes=4)
    assert access_token(connected) == "access-1"


def test_a_renewed_token_is_used_the_next_time(connected: Mailbox, provider: Provider) -> None:
    access_token(connected)
    assert (access_token(connected), len(provider.forms)) == ("access-1", 1)


def test_a_new_refresh_token_takes_the_place_of_the_old_one(desk: Desk, connected: Mailbox, provider: Provider) -> None:
    provider.rotates = True
    access_token(connected)
    assert stored(desk, connected) == ("access-1", "refresh-1")


def test_without_a_new_refresh_token_the_old_one_stays(desk: Desk, connected: Mailbox, provider: Provider) -> None:
    provider.answers = [(200, {"access_token": "fresh", "expires_in": "3599"})]
    access_token(connected)
    assert stored(desk, connected) == ("fresh", "refresh-0")


def test_two_at_once_both_have_a_token(desk: Desk, connected: Mailbox, provider: Provider) -> None:
    with desk.entered():
        other = Mailbox.objects.get(pk=connected.pk)
    provider.rotates = True
    assert [access_token(connected), access_token(other)] == ["access-1", "access-2"]
    assert stored(desk, connected) == ("access-1", "refresh-1")


def test_who_comes_second_with_a_token_that_is_good_once_takes_what_the_first_one_got(
    desk: Desk, connected: Mailbox, provider: Provider
) -> None:
    with desk.entered():
        other = Mailbox.objects.get(pk=connected.pk)
    provider.rotates = True
    access_token(connected)
    provider.answers = [(400, {"error": "invalid_grant"})]
    assert access_token(other) == "access-1"


# ---- when there is none ----


@pytest.mark.parametrize("error", ["invalid_grant", "interaction_required", "consent_required"])
def test_a_permission_that_was_withdrawn_has_to_be_given_again(
    connected: Mailbox, provider: Provider, error: str
) -> None:
    provider.answers = [(400, {"error": error, "error_description": "AADSTS700082: The token has expired."})]
    with pytest.raises(Withdrawn, match="Connect the mailbox again"):
        access_token(connected)


def test_a_client_secret_that_ended_is_named(connected: Mailbox, provider: Provider) -> None:
    provider.answers = [(401, {"error": "invalid_client"})]
    with pytest.raises(Withdrawn, match="client secret"):
        access_token(connected)


def test_a_mailbox_that_was_never_connected_says_so(mailbox: Mailbox, provider: Provider) -> None:
    with pytest.raises(Withdrawn, match="not connected"):
        access_token(mailbox)


@pytest.mark.parametrize(
    "answer",
    [(503, b"busy"), (500, {"error": "server_error"}), (429, {"error": "slow_down"}), (200, b"<html>"), (200, [1])],
    ids=str,
)
def test_a_provider_that_is_not_well_is_asked_again_later(
    connected: Mailbox, provider: Provider, answer: tuple[int, Any]
) -> None:
    provider.answers = [answer]
    with pytest.raises(NotNow):
        access_token(connected)


def test_a_provider_that_is_not_there_is_asked_again_later(connected: Mailbox, provider: Provider) -> None:
    provider.stop()
    with pytest.raises(NotNow):
        access_token(connected)


def test_a_provider_leads_us_nowhere_else(connected: Mailbox, provider: Provider) -> None:
    provider.answers = [(307, {"error": "moved"})]
    with pytest.raises(NotNow):
        access_token(connected)
    assert len(provider.forms) == 1


def test_what_a_provider_says_is_told_without_our_secrets(connected: Mailbox, provider: Provider) -> None:
    said = "Token refresh-0 of client the-secret\r\nis\x00 bad"
    provider.answers = [(400, {"error": "invalid_grant", "error_description": said})]
    with pytest.raises(Withdrawn) as refused:
        access_token(connected)
    words = str(refused.value)
    assert ("refresh-0" in words, "the-secret" in words, "\n" in words) == (False, False, False)


def test_another_desk_cannot_open_the_tokens(rival: Desk, connected: Mailbox, provider: Provider) -> None:
    copied = Mailbox(tenant_id=rival.id, log_in=LogIn.GOOGLE, refresh_token=connected.refresh_token)
    with pytest.raises(CannotOpenError):
        access_token(copied)
