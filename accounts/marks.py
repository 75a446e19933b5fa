"""What only this installation can write, and knows again: in reply addresses and in the headers of its letters."""

from django.conf import settings
from django.utils.crypto import salted_hmac


def marks(salt: str, value: str) -> list[bytes]:
    """32 bytes by each key, newest first: the first is written, all are known again while SECRET_KEY is changed."""
    return [salted_hmac(salt, value, secret=key, algorithm="sha256").digest() for key in secret_keys()]


def secret_keys() -> tuple[str, ...]:
    return (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
