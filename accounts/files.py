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
from django.http import FileResponse, HttpResponse
from django.utils import timezone

from accounts.models import Person, StoredFile
from accounts.names import safe_name
from accounts.tenancy import current_tenant_id

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
    # The tenant's folder and a month's folder keep directories small; the rest cannot be guessed.
    key = f"{current_tenant_id()}/{timezone.now():%Y-%m}/{secrets.token_urlsafe(24)}"
    key = default_storage.save(key, File(content))
    kept = _stored.get()
    if kept is not None:
        kept.append(key)
    return StoredFile(
        key=key,
        name=safe_name(name),
        size=size,
        content_type=kind_of(beginning),
        sha256=digest.hexdigest(),
        uploaded_by=by,
    )


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


def too_large(size: int) -> bool:
    return size > settings.MAX_FILE_BYTES
