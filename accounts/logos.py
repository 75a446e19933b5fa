"""A host's logo: redrawn by us when it is uploaded, and shown in the top bar under an address that names its bytes."""

from io import BytesIO
from typing import IO

from django.core.files.base import ContentFile
from django.db import transaction
from django.utils.translation import gettext as _
from PIL import Image, ImageOps

from accounts import events
from accounts.errors import NotAllowed, Refused
from accounts.files import store
from accounts.models import Person, TenantHost
from accounts.permissions import is_manager

# No SVG: it can hold scripts.
FORMATS = ("PNG", "JPEG", "WEBP")
LARGEST_BYTES = 2 * 1024 * 1024
MOST_PIXELS = 20_000_000
SIZE = 400, 120


@transaction.atomic
def set_logo(host: TenantHost, *, by: Person, picture: IO[bytes] | None) -> None:
    """Show this picture instead of the brand's initial; None takes it away.

    Raises NotAllowed, and Refused for what is no picture of the known kinds, or too large.
    """
    if not is_manager(by):
        raise NotAllowed(_("Only a manager changes the logo."))
    host.logo = store(redrawn(picture), name="logo.png", by=by) if picture else None
    host.save(update_fields=["logo"])
    events.record("tenanthost.logo_changed", host, by=by)


def redrawn(picture: IO[bytes]) -> "ContentFile[bytes]":
    """Its pixels and nothing else of it: what was hidden in the file does not come along."""
    content = picture.read(LARGEST_BYTES + 1)
    if len(content) > LARGEST_BYTES:
        raise Refused(_("The picture is too large. Choose one of at most 2 MB."), code="too_large")
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise Refused(_("The picture has too many pixels. Make it smaller first."), code="too_large")
            drawn = ImageOps.exif_transpose(image).convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # what Pillow raises for broken files
        raise Refused(
            _("This is no picture that we can show. Choose a PNG, JPEG or WebP."), code="no_picture"
        ) from None
    drawn.thumbnail(SIZE)
    written = BytesIO()
    drawn.save(written, "PNG", optimize=True)
    return ContentFile(written.getvalue())
