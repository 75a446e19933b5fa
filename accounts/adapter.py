"""allauth by this house's rules: no sign-up, links from the configured host, mail through the outbox."""

import io
from typing import Any

import segno
import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.totp.internal.auth import generate_totp_secret
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import actions
from accounts.models import User
from accounts.sealed import CannotOpenError, seal_for_accounts, unseal_for_accounts
from accounts.visitors import browser_of

log = structlog.get_logger(__name__)


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_safe_url(self, url: str | None) -> bool:
        try:
            return bool(super().is_safe_url(url))
        except ValueError:  # it looks like an address and is none: 'http://['
            return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Staff to their desk, customers home; `next` goes before both."""
        user = request.user
        staff = isinstance(user, User) and user.is_staff
        return reverse("admin:index") if staff else super().get_login_redirect_url(request)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """allauth sends nothing by itself: what is worth telling goes through accounts.announce."""

    def set_password(self, user: AbstractBaseUser, password: str) -> None:
        user.set_password(password)
        user.save(update_fields=["password"])  # the only column of an account that the application may write
        if isinstance(user, User) and user.person is not None:
            actions.password_was_changed(user.person)

    def add_message(self, request: HttpRequest, level: int, *args: Any, **kwargs: Any) -> None:
        """No 'signed in as …' notices: the page that follows says it. What went wrong no page says by itself."""
        if level >= messages.ERROR:
            super().add_message(request, level, *args, **kwargs)


class MFAAdapter(DefaultMFAAdapter):
    """Second factors by this house's rules: sealed, and under the name and the host that the desk shows."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": gettext_lazy("This did not work. Try once more; an app changes its code every half minute."),
        "cannot_generate_recovery_codes": gettext_lazy("Recovery codes come with a second factor. Set one up first."),
    }

    def encrypt(self, text: str) -> str:
        return seal_for_accounts(text)

    def decrypt(self, encrypted_text: str) -> str:
        """With a key that is gone no code is right: a secret that nobody knows takes the place of the lost one."""
        try:
            return unseal_for_accounts(encrypted_text)
        except CannotOpenError:
            log.exception("a second factor cannot be opened")
            return str(generate_totp_secret())

    def get_totp_issuer(self) -> str:
        return str(context.request.host.brand_name)

    def build_totp_svg(self, url: str) -> str:
        """Dark on white in any light: an app reads it from the screen."""
        picture = io.BytesIO()
        segno.make(url, error="m").save(picture, kind="svg", scale=5, light="#fff", xmldecl=False)
        return picture.getvalue().decode()

    def generate_authenticator_name(self, user: AbstractBaseUser, kind: str) -> str:
        return browser_of(context.request.headers.get("User-Agent", "")) or _("Passkey")

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """The configured host: a passkey opens the host for which it was made and no other."""
        host = context.request.host
        return {"id": host.host, "name": host.brand_name}
