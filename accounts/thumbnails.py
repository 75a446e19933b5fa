"""Small pictures of what people sent, drawn anew: of the file itself nothing is ever shown inside a page."""

import io
import warnings
from datetime import timedelta
from typing import IO, Any

import structlog
from celery import shared_task
from django.core.files.storage import default_storage
from django.http import FileResponse, HttpResponse
from django.utils import timezone
from PIL import Image, ImageOps

from accounts.files import no_files_of_failures, open_file, save_bytes
from accounts.hosts import tenant_ids
from accounts.jobs import after_commit, enqueue
from accounts.models import StoredFile
from accounts.tenancy import current_tenant_id, enter

log = structlog.get_logger(__name__)

LONGEST_SIDE = 320
# A few kB can unfold to gigabytes, and a worker has 300 MB for it. Of a JPEG only an eighth of each side is unfolded,
# and cameras make large ones; of one that comes into focus bit by bit all is held. WebP is unfolded several times.
MOST_PIXELS = 25_000_000
MOST_PIXELS_OF_JPEG = 60_000_000
MOST_PIXELS_OF_WEBP = 16_000_000
FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/gif": "GIF", "image/webp": "WEBP"}
KIND = "image/webp"
# A page that is opened again soon; after a log-out nothing of it stays for long.
SECONDS_REMEMBERED = 300
SWEEP_BATCH = 500
LOST_AFTER = timedelta(minutes=2)


def draw_later(files: list[StoredFile]) -> None:
    """Have the small pictures of these files drawn once they are committed; other kinds of file have none."""
    pictures = [row.pk for row in files if row.content_type in FORMATS]
    if not pictures:
        return
    StoredFile.objects.filter(pk__in=pictures).update(thumbnail_due_at=timezone.now())
    for pk in pictures:
        after_commit(draw, current_tenant_id(), pk)


# A ceiling for what the limits of pixels do not catch. It costs the picture and nothing else.
@shared_task(soft_time_limit=20, time_limit=30)
def draw(tenant_id: int, file_id: int) -> None:
    """Draw the small picture of one file, in no transaction. It is tried once: whom it kills, it kills once."""
    with enter(tenant_id):
        due = StoredFile.objects.filter(pk=file_id, thumbnail_due_at__isnull=False)
        row = StoredFile.objects.get(pk=file_id) if due.update(thumbnail_due_at=None) else None
    picture = drawn(row) if row is not None else None
    if picture is None:
        return
    with no_files_of_failures(), enter(tenant_id):
        StoredFile.objects.filter(pk=file_id).update(thumbnail_key=save_bytes(io.BytesIO(picture)))


@shared_task
def sweep_thumbnails() -> None:
    """Take up what a broker lost."""
    lost = timezone.now() - LOST_AFTER
    for tenant_id in tenant_ids("SELECT tenant_id FROM desk_tenants_with_due_thumbnails(%s)", lost):
        with enter(tenant_id):
            due = StoredFile.objects.filter(thumbnail_due_at__lt=lost).order_by("thumbnail_due_at")
            ids = list(due.values_list("pk", flat=True)[:SWEEP_BATCH])
        for pk in ids:
            enqueue(draw, tenant_id, pk)


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
        if image.width * image.height > _most_pixels(kind, image.info):
            return None
        image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
        small = ImageOps.exif_transpose(image).convert("RGBA")
    clean = Image.new("RGBA", small.size)
    clean.paste(small)
    out = io.BytesIO()
    clean.save(out, "WEBP", quality=80)
    return out.getvalue()


def _most_pixels(kind: str, info: dict[Any, Any]) -> int:
    if kind == "WEBP":
        return MOST_PIXELS_OF_WEBP
    return MOST_PIXELS_OF_JPEG if kind == "JPEG" and not info.get("progressive") else MOST_PIXELS


def thumbnail(row: StoredFile) -> HttpResponse:
    """The small picture, for an <img> of ours. It never changes, so its reader's browser may remember it."""
    response = FileResponse(default_storage.open(row.thumbnail_key, "rb"), content_type=KIND)
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = f"private, max-age={SECONDS_REMEMBERED}"
    return response  # type: ignore[return-value]
