"""Secrets of a desk – passwords of mailboxes, tokens, keys of mail providers – encrypted where they are stored.

Fernet (AES-128-CBC with HMAC-SHA256), with a key of its own for each desk: what is copied from one desk's row to
another's cannot be opened there. Secrets of accounts, which several desks may share, have a key of theirs. Columns hold
the sealed text; it is opened where it is used and nowhere else.
"""

import re
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from accounts.marks import secret_keys
from accounts.tenancy import current_tenant_id


class CannotOpenError(Exception):
    """A sealed text was made with a key that is not known any more. It has to be entered again."""


def seal(secret: str) -> str:
    """The text to store; '' stays ''."""
    return _box(current_tenant_id(), secret_keys()).encrypt(secret.encode()).decode() if secret else ""


def unseal(sealed: str) -> str:
    """The secret itself. Raises CannotOpenError when neither SECRET_KEY nor one before it made it."""
    if not sealed:
        return ""
    try:
        return _box(current_tenant_id(), secret_keys()).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise CannotOpenError("The secret key of this installation has changed.") from None


def seal_for_accounts(secret: str) -> str:
    """As `seal`, for what belongs to an account: it opens at every desk that knows the account."""
    return _box(_ACCOUNTS, secret_keys()).encrypt(secret.encode()).decode()


def unseal_for_accounts(sealed: str) -> str:
    """Raises CannotOpenError as `unseal` does."""
    try:
        return _box(_ACCOUNTS, secret_keys()).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise CannotOpenError("The secret key of this installation has changed.") from None


_ACCOUNTS = "accounts"


@lru_cache(maxsize=1_000)
def _box(owner: int | str, keys: tuple[str, ...]) -> MultiFernet:
    """The first key seals, all of them open: old secrets stay readable while a key is changed."""
    return MultiFernet([Fernet(_derived(key, owner)) for key in keys])


def _derived(key: str, owner: int | str) -> bytes:
    kdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"desk.sealed.{owner}".encode())
    return urlsafe_b64encode(kdf.derive(key.encode()))


# ---- what others say ----

_ENCODED = re.compile(r"[A-Za-z0-9+/]{4,}={0,2}")


def without(secret: str, words: str) -> str:
    """What a server said, without the secret: some repeat what was sent to them, as it was sent."""
    if not secret:
        return words
    for form in sorted(_forms(secret), key=len, reverse=True):
        words = words.replace(form, "…")
    return _ENCODED.sub(lambda match: "…" if _holds(match[0], secret) else match[0], words)


def _forms(secret: str) -> Iterator[str]:
    """As it is and as IMAP's LOGIN quotes it; each also as Python writes texts and bytes, which libraries show."""
    for text in (secret, secret.replace("\\", "\\\\").replace('"', '\\"')):
        for shown in (text, repr(text)[1:-1], repr(text.encode())[2:-1]):
            yield shown
            yield shown.replace("'", "\\'")


def _holds(encoded: str, secret: str) -> bool:
    try:
        return secret.encode() in b64decode(encoded + "=" * (-len(encoded) % 4))
    except ValueError:
        return False
