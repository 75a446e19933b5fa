"""Passkeys and codes from an app in a real browser, with a device that the browser itself plays."""

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

from servicedesk.demo import PASSWORD
from tests.conftest import Product, Session
from tests.test_axe import violations

pytestmark = pytest.mark.browser

WHO = "approver@rudzumaize.example"
INDEX = "/account/second-factor/"
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def page(product: Product, session: Session) -> Iterator[Any]:
    """A browser with a device, and nobody's second factor left behind."""
    page = session()
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    device.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    yield page
    product.query("DELETE FROM mfa_authenticator")


def log_in(page: Any) -> None:
    page.goto("/account/login/")
    page.fill("input[name=login]", WHO)
    page.fill("input[name=password]", PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()


def prove(page: Any) -> None:
    page.fill("main input[name=password]", PASSWORD)
    page.get_by_role("button", name="Go on").click()


def log_out(page: Any) -> None:
    page.goto("/account/logout/")
    page.locator("main").get_by_role("button", name="Log out").click()
    wait_for_home(page)


def wait_for_home(page: Any) -> None:
    page.wait_for_url(lambda url: urlsplit(url).path == "/")


def is_in(page: Any) -> bool:
    """Home, and greeted there."""
    wait_for_home(page)
    return bool(page.get_by_text("Your account:").count())


def code_for(secret: str) -> str:
    """The code of this half minute, with time left to type it."""
    if time.time() % 30 > 25:
        time.sleep(6)
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))


def test_a_passkey_is_made_and_opens_without_a_password(page: Any) -> None:
    log_in(page)
    page.goto("/account/passkeys/add/")
    prove(page)
    assert violations(page) == []
    page.fill("input[name=name]", "Telephone")
    page.get_by_role("button", name="Go on with my device").click()
    page.wait_for_url("**/codes/")
    assert page.locator(".codes li").count() == 10
    log_out(page)
    page.goto("/account/login/")
    page.get_by_role("button", name="Log in with a passkey").click()
    assert is_in(page)


def test_a_code_of_an_app_is_asked_for_after_the_password(page: Any) -> None:
    log_in(page)
    page.goto(f"{INDEX}app/")
    prove(page)
    assert violations(page) == []
    secret = page.locator("main code").inner_text()
    page.fill("input[name=code]", code_for(secret))
    page.get_by_role("button", name="Turn it on").click()
    page.wait_for_url("**/codes/")
    assert violations(page) == []
    log_out(page)
    log_in(page)
    page.wait_for_url(f"**{INDEX}code/")
    assert violations(page) == []
    page.fill("input[name=code]", code_for(secret))
    page.get_by_role("button", name="Log in", exact=True).click()
    assert is_in(page)
