"""Small pictures of what people sent, drawn anew: of the file itself nothing is ever shown inside a page."""

import io
import warnings
from typing import IO

import structlog
from celery import shared_task
from django.core.files.storage import default_storage
from django.http import FileResponse, HttpResponse
from PIL import Image, ImageOps

from accounts.files import no_files_of_failures, open_file, remove_bytes, save_bytes
from accounts.jobs import after_commit
from accounts.models import StoredFile
from accounts.tenancy import current_tenant_id, enter

log = structlog.get_logger(__name__)

LONGEST_SIDE = 320
# A few kB can unfold to gigabytes. Of a JPEG only an eighth of each side is unfolded, and cameras make large ones.
MOST_PIXELS = 25_000_000
MOST_PIXELS_OF_JPEG = 60_000_000
FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/gif": "GIF", "image/webp": "WEBP"}
KIND = "image/webp"
DAYS_REMEMBERED = 7


def draw_later(files: list[StoredFile]) -> None:
    """Have the small pictures of these files drawn once they are committed; other kinds of file have none."""
    for row in files:
        if row.content_type in FORMATS:
            after_commit(draw, current_tenant_id(), row.pk)


# A ceiling for what the limits of pixels do not catch. It costs the picture and nothing else.
@shared_task(soft_time_limit=20, time_limit=30)
def draw(tenant_id: int, file_id: int) -> None:
    """Draw the small picture of one file. Two at once draw it twice, and one is kept."""
    with enter(tenant_id):
        row = StoredFile.objects.filter(pk=file_id, thumbnail_key="", content_type__in=FORMATS).first()
        picture = drawn(row) if row is not None else None
        if picture is None:
            return
        with no_files_of_failures():
            key = save_bytes(io.BytesIO(picture))
            if not StoredFile.objects.filter(pk=file_id, thumbnail_key="").update(thumbnail_key=key):
                remove_bytes([key])


def drawn(row: StoredFile) -> bytes | None:
    """A WebP of at most 320 by 320 points without anything that was written beside the points; None for what is too
    large, or no picture after all."""
    try:
        with open_file(row) as content, warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limits are stricter
            return _drawn(content, FORMATS[row.content_type])
    # What Pillow raises for broken files, and what an endless one ends with.
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, Image.DecompressionBombError) as error:
        log.info("no small picture", file=row.pk, error=str(error))
        return None


def _drawn(content: IO[bytes], kind: str) -> bytes | None:
    with Image.open(content, formats=(kind,)) as image:
        if image.width * image.height > (MOST_PIXELS_OF_JPEG if kind == "JPEG" else MOST_PIXELS):
            return None
        image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
        small = ImageOps.exif_transpose(image).convert("RGBA")
    clean = Image.new("RGBA", small.size)
    clean.paste(small)
    out = io.BytesIO()
    clean.save(out, "WEBP", quality=80)
    return out.getvalue()


def thumbnail(row: StoredFile) -> HttpResponse:
    """The small picture, for an <img> of ours. It never changes, so its reader's browser may remember it."""
    response = FileResponse(default_storage.open(row.thumbnail_key, "rb"), content_type=KIND)
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = f"private, max-age={DAYS_REMEMBERED * 86400}, immutable"
    return response  # type: ignore[return-value]
