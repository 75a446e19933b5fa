"""A stored message as its sender's mail program made it, harmless: for a frame that may do nothing."""

import re
from base64 import b64encode
from html import escape, unescape
from urllib.parse import unquote

from accounts.files import kind_of
from tickets.mail.parse import ParsedAttachment, ParsedMessage

IMAGES = ("image/png", "image/jpeg", "image/gif")
MEGABYTE = 1024 * 1024
LARGEST_IMAGE, MOST_IMAGES = MEGABYTE, 5 * MEGABYTE  # bytes; the second for all uses of images together
# Nothing runs, nothing is asked of another server, and only our own pages show it.
POLICY = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'self'"

_IMAGE = re.compile(r'src="cid:([^"]*)"')
_PAGE = """<!doctype html><meta charset="utf-8"><title>{title}</title>
<style>body {{ margin: 1rem; background: #fff; color: #1b1e25; font: 15px/1.5 system-ui, sans-serif; }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; }}
img {{ max-width: 100%; height: auto; }}</style>
{body}"""


def as_sent(parsed: ParsedMessage) -> str:
    """A page with the message's cleaned HTML and its pictures, or with its text when it has none."""
    body = _with_images(parsed) if parsed.html else f"<pre>{escape(parsed.text)}</pre>"
    return _PAGE.format(title=escape(parsed.subject), body=body)


def _with_images(parsed: ParsedMessage) -> str:
    images = {one.content_id: one for one in parsed.attachments if one.content_id}
    decoded: dict[str, bytes] = {}  # each once, however often it is shown
    room = MOST_IMAGES

    def shown(match: re.Match[str]) -> str:
        nonlocal room
        name = unquote(unescape(match[1]))
        if name not in decoded:
            decoded[name] = _picture(images.get(name))
        picture = decoded[name]
        if not picture or len(picture) > room:
            return ""
        room -= len(picture)
        return f'src="data:{kind_of(picture[:16])};base64,{b64encode(picture).decode()}"'

    return _IMAGE.sub(shown, parsed.html)


def _picture(file: ParsedAttachment | None) -> bytes:
    """The bytes of a raster image, b"" for what is none or too large. No more of it is decoded than that."""
    content = b""
    for piece in file.pieces() if file else ():
        content += piece
        if len(content) > LARGEST_IMAGE:
            return b""
    return content if kind_of(content[:16]) in IMAGES else b""
