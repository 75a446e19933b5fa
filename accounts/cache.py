"""A cache that is down makes pages slower, not absent. What must not pass without it (log-in limits) asks first."""

from typing import Any

import structlog
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

from accounts.tenancy import entered_tenant_id

log = structlog.get_logger(__name__)


def key_of(key: str, prefix: str, version: int) -> str:
    """What one desk's people do must not lock another desk's out: log-in limits count per desk, but those per address
    of the network count for all."""
    tenant_id = entered_tenant_id()
    own = tenant_id is not None and key.startswith("allauth:") and ":ip:" not in key
    return f"{prefix}:{version}:{tenant_id}:{key}" if own else f"{prefix}:{version}:{key}"


class DegradingRedisCache(RedisCache):
    """Redis or Valkey; when it does not answer, every key is simply not there."""

    def _degrade(self, method: str, fallback: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return getattr(super(), method)(*args, **kwargs)
        except RedisError as error:
            log.warning("cache is down", operation=method, error=str(error))
            return fallback

    def get(self, key: Any, default: Any = None, version: Any = None) -> Any:
        return self._degrade("get", default, key, default, version)

    def set(self, *args: Any, **kwargs: Any) -> None:
        self._degrade("set", None, *args, **kwargs)

    def add(self, *args: Any, **kwargs: Any) -> bool:
        # False is 'somebody else holds it': allauth's limits then refuse, so that log-in fails closed.
        return bool(self._degrade("add", False, *args, **kwargs))

    def delete(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._degrade("delete", False, *args, **kwargs))

    def has_key(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._degrade("has_key", False, *args, **kwargs))

    def get_many(self, keys: Any, version: Any = None) -> dict[Any, Any]:
        return dict(self._degrade("get_many", {}, keys, version))

    def clear(self) -> None:
        """Removes what is ours, key by key: the broker's jobs may live in the same database."""
        client = self._cache.get_client()
        try:
            for key in client.scan_iter(match=f"{self.key_prefix}:*", count=1000):
                client.delete(key)
        except RedisError as error:
            log.warning("cache is down", operation="clear", error=str(error))
