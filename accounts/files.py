"""Storing what people send. The name is for showing, the kind is judged from the bytes, the key is ours."""

import hashlib
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import IO

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.http import FileResponse, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.models import Person, StoredFile
from accounts.names import safe_name
from accounts.tenancy import current_tenant_id

MEGABYTE = 1024 * 1024

# Only these are ever shown inside a page; whatever else it claims to be, a file is a download.
_SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
    b"%PDF-": "application/pdf",
    b"PK\x03\x04": "application/zip",
}


def kind_of(beginning: bytes) -> str:
    """The content type, judged from the first bytes."""
    if beginning[:4] == b"RIFF" and beginning[8:12] == b"WEBP":
        return "image/webp"
    for signature, kind in _SIGNATURES.items():
        if beginning.startswith(signature):
            return kind
    return "application/octet-stream"


# The keys of what is being stored, where somebody waits to see whether it stays.
_stored: ContextVar[list[str] | None] = ContextVar("stored_files", default=None)


@contextmanager
def no_files_of_failures() -> Iterator[None]:
    """A transaction that fails takes its rows back; this takes back the files that they named."""
    keys: list[str] = []
    outer = _stored.get()
    token = _stored.set(keys)
    try:
        yield
    except BaseException:
        for key in keys:
            default_storage.delete(key)
        raise
    else:
        if outer is not None:  # what this was a part of may still fail
            outer.extend(keys)
    finally:
        _stored.reset(token)


def store(content: IO[bytes], *, name: str, by: Person | None) -> StoredFile:
    """Keep a file for the entered tenant. Reads it twice in chunks, so memory stays flat."""
    row = _written(content, name=name, by=by)
    row.save(force_insert=True)
    return row


def store_all(contents: Iterable[IO[bytes]], *, name: str, by: Person | None) -> list[StoredFile]:
    """Several files of one name, in one query."""
    return StoredFile.objects.bulk_create([_written(content, name=name, by=by) for content in contents])


def _written(content: IO[bytes], *, name: str, by: Person | None) -> StoredFile:
    """The bytes in the storage, and the row that is to name them."""
    digest, size = hashlib.sha256(), 0
    content.seek(0)
    beginning = content.read(16)
    content.seek(0)
    while chunk := content.read(1024 * 1024):
        digest.update(chunk)
        size += len(chunk)
    content.seek(0)
    return StoredFile(
        key=save_bytes(content),
        name=safe_name(name),
        size=size,
        content_type=kind_of(beginning),
        sha256=digest.hexdigest(),
        uploaded_by=by,
    )


def save_bytes(content: IO[bytes]) -> str:
    """Put bytes into the storage, under a key of ours."""
    # The tenant's folder and a month's folder keep directories small; the rest cannot be guessed.
    key = f"{current_tenant_id()}/{timezone.now():%Y-%m}/{secrets.token_urlsafe(24)}"
    key = default_storage.save(key, File(content))
    kept = _stored.get()
    if kept is not None:
        kept.append(key)
    return key


def remove_bytes(keys: Iterable[str]) -> None:
    """Take bytes out of the storage, once the transaction stands: until then their rows may come back."""
    doomed = list(keys)

    def remove() -> None:
        for key in doomed:
            default_storage.delete(key)

    transaction.on_commit(remove)


def open_file(stored: StoredFile) -> IO[bytes]:
    """The bytes of a file. Raises FileNotFoundError when the storage has lost it."""
    return default_storage.open(stored.key, "rb")


def download(stored: StoredFile) -> HttpResponse:
    """Always something to save: nothing that strangers sent runs on our page."""
    response = FileResponse(
        open_file(stored), as_attachment=True, filename=stored.name, content_type=stored.content_type
    )
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response  # type: ignore[return-value]


def check_size(name: str, size: int) -> None:
    """Raises Refused, with a sentence that names the file, for one that is empty or too large."""
    if size <= 0:
        sentence = _("“%(name)s” is empty. Choose another file.")
        raise Refused(sentence % {"name": safe_name(name)}, code="empty")
    if size > settings.MAX_FILE_BYTES:
        sentence = _("“%(name)s” has %(size)s MB; a file may have %(most)s MB. Send a smaller one, or a link to it.")
        values = {
            "name": safe_name(name),
            "size": -(-size // MEGABYTE),
            "most": settings.MAX_FILE_BYTES // MEGABYTE,
        }
        raise Refused(sentence % values, code="size")
