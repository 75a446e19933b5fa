"""The seller's logo, drawn anew, so that a file from outside never reaches the typesetter as it came."""

import io
import warnings

from PIL import Image, ImageOps

MAX_BYTES = 1024 * 1024
MAX_PIXELS = 25_000_000  # a few kB of PNG can unfold to gigabytes
PRINT_SIZE = (900, 240)  # more than 300 dpi in the space the page gives it


def printable_logo(raw: bytes | None) -> bytes | None:
    """A PNG of the logo, or None when it is no PNG or JPEG, too large, or broken: an invoice goes out without it."""
    if not raw or len(raw) > MAX_BYTES:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # MAX_PIXELS is the stricter limit
            return _redrawn(raw)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # what Pillow raises for broken files
        return None


def _redrawn(raw: bytes) -> bytes | None:
    with Image.open(io.BytesIO(raw), formats=("PNG", "JPEG")) as image:
        if image.width * image.height > MAX_PIXELS:
            return None
        drawn = ImageOps.exif_transpose(image).convert("RGBA")
    drawn.thumbnail(PRINT_SIZE, Image.Resampling.LANCZOS)
    out = io.BytesIO()
    drawn.save(out, "PNG")
    return out.getvalue()
