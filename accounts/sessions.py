"""Sessions in the database with a cache in front, both behind the tenant's wall.

`SESSION_ENGINE` names this module. The cache key carries the tenant, the row has its policy: a session's cookie shown
on another tenant's host finds nothing.
"""

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.cached_db import SessionStore as CachedStore
from django.core.cache import caches
from django.db import transaction

from accounts.tenancy import current_tenant_id

# Under which a session keeps where it is used (accounts.places); its row shows the same, written when it is saved.
PLACE = "place"


def looks_like_a_key(key: str) -> bool:
    return key.isascii() and key.isalnum() and 8 <= len(key) <= 40


class SessionStore(CachedStore):
    @classmethod
    def get_model_class(cls) -> Any:
        from accounts.models import Session

        return Session

    def _validate_session_key(self, key: str | None) -> bool:
        """Django's own keys are 32 letters and digits; whatever else a cookie holds never reaches the database."""
        return bool(key) and looks_like_a_key(str(key))

    @property
    def cache_key_prefix(self) -> str:
        return f"session:{current_tenant_id()}:"

    def delete(self, session_key: str | None = None) -> None:
        """From the cache once more at the end of the transaction: until then others find the row, and put it there."""
        key = session_key or self.session_key
        super().delete(session_key)
        if key is not None:
            cache, cached = caches[settings.SESSION_CACHE_ALIAS], self.cache_key_prefix + key
            transaction.on_commit(lambda: cache.delete(cached))

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        row: Any = super().create_model_instance(data)
        row.user_id = int(data["_auth_user_id"]) if data.get("_auth_user_id") else None
        place = data.get(PLACE)
        if place and row.user_id:
            row.browser, row.address = place["browser"], place["address"]
            row.created_at, row.last_seen_at = moment(place["since"]), moment(place["seen"])
        return row


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
