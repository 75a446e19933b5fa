"""Session and log-in of the bare view: Django's own, reading the product's tables."""

from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.backends import BaseBackend
from django.contrib.sessions.backends.cached_db import SessionStore as CachedStore

from accounts.models import Session, User


class SessionStore(CachedStore):
    """Django's cached sessions on the product's table; the tenant is the connection's, so none is entered."""

    cache_key_prefix = f"bench-session:{settings.BENCH_TENANT}:"

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        return Session(
            session_key=self._get_or_create_session_key(),  # type: ignore[attr-defined]
            session_data=self.encode(data),
            expire_date=self.get_expiry_date(),
            tenant_id=settings.BENCH_TENANT,
        )


class PlainBackend(BaseBackend):
    def get_user(self, user_id: int) -> User | None:
        return User.objects.filter(pk=user_id).first()


def cookie_of(user_id: int) -> str:
    """A session of the bare view's own kind."""
    user, session = User.objects.get(pk=user_id), SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"
