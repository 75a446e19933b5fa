"""allauth by this house's rules: no sign-up, links from the configured host, mail through the outbox."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.urls import reverse

from accounts import actions
from accounts.models import User


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

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """No 'signed in as …' notices: the page that follows says it."""
