"""Which parts of a message are its text, which are files, and what they contain once decoded (RFC 8621, 4.1.4)."""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from accounts.names import NAMELESS, safe_name
from tickets.mail.charsets import decode
from tickets.mail.clean import plain_text
from tickets.mail.headers import BASE64_LETTERS, NOT_BASE64, base64_bytes, decode_words, text_of
from tickets.mail.mime import Part, Tree, token

MAX_TEXT_BYTES = 4_000_000  # of one part
MAX_FLOWED_LINES = 100_000
BAD_BASE64 = "bad base64"
MAX_SUBJECT_SEARCH = 65_536  # bytes
# A leaf of more bytes is not decoded as a whole, but in pieces of so many.
LARGE, PIECE = 1_000_000, 1_000_000

_BASE64_LINES = re.compile(rb"(?:[A-Za-z0-9+/]*={0,2}[ \t]*\r?(?:\n|\Z))*+")
_BASE64_START = re.compile(rb"[A-Za-z0-9+/]{8,}={1,2}(?=\s)")
_META_CHARSET = re.compile(rb"""<meta[^<>]{1,300}?charset\s*=\s*["']?([A-Za-z0-9_.:-]{1,40})""", re.IGNORECASE)
_SUBJECT = re.compile(rb"^subject:[ \t]*([^\r\n]{1,500})", re.IGNORECASE | re.MULTILINE)
# Alternatives that no person reads and that repeat the text.
_REPEATED = {"text/x-amp-html", "text/watch-html"}
_ENCODINGS = {"base-64": "base64", "qp": "quoted-printable", "quotedprintable": "quoted-printable"}
_EXTENSIONS = {
    "application/pdf": "pdf",
    "application/pgp-signature": "asc",
    "application/pkcs7-signature": "p7s",
    "image/gif": "gif",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/svg+xml": "svg",
    "image/webp": "webp",
    "message/delivery-status": "txt",
    "message/rfc822": "eml",
    "text/calendar": "ics",
    "text/csv": "csv",
    "text/html": "html",
    "text/plain": "txt",
    "text/rfc822-headers": "txt",
    "text/vcard": "vcf",
    "text/x-vcard": "vcf",
}


@dataclass(slots=True)
class Choice:
    """The parts to read as text, those to read as HTML (often the same), and the files."""

    text: list[Part] = field(default_factory=list)
    html: list[Part] = field(default_factory=list)
    files: list[Part] = field(default_factory=list)


@dataclass(slots=True)
class Content:
    """What a leaf holds once its transfer encoding is undone, and what was wrong with that."""

    data: bytes
    problem: str = ""


def choose(root: Part) -> Choice:
    choice = Choice()
    _choose([root], "mixed", choice, _Lists(choice.text, choice.html, in_alternative=False))
    if choice.files == [root] and root.kind.startswith("text/") and root.kind not in _EXTENSIONS:
        # An unusual kind of text, and nothing else to read.
        return Choice(text=[root])
    return choice


def raw_name(part: Part) -> str:
    """The file name as the sender wrote it, '' when he gave none."""
    given = part.file_parameters
    return decode_words(given.get("filename") or given.get("name") or part.parameters.get("name") or "").strip()


def file_name(tree: Tree, part: Part) -> str:
    """A name that is safe to show; a nameless message is named after its subject."""
    name = raw_name(part)
    if name:
        return safe_name(name)
    extension = _EXTENSIONS.get(part.kind, "bin")
    if part.kind != "message/rfc822":
        return safe_name(f"{part.kind.partition('/')[0].replace('application', NAMELESS)}.{extension}")
    subject = _SUBJECT.search(next(pieces_of(tree, part), b"")[:MAX_SUBJECT_SEARCH])
    title = decode_words(text_of(subject[1])) if subject else ""
    # A subject is a sentence, not a path: its slashes do not divide it.
    return safe_name(f"{re.sub('[/:]', '-', title).strip() or 'message'}.{extension}")


def content_of(tree: Tree, part: Part) -> Content:
    """The bytes of a leaf; a wrongly declared encoding is ignored."""
    data = tree.source[part.start : part.end]
    encoding = _encoding_of(part)
    if encoding == "quoted-printable":
        return Content(binascii.a2b_qp(data))
    if encoding != "base64":
        return Content(data)
    if part.kind.startswith("text/"):
        return _base64_text(data)
    return Content(data, BAD_BASE64) if _is_bad_base64(tree, part) else Content(base64_bytes(data))


def pieces_of(tree: Tree, part: Part) -> Iterator[bytes]:
    """The same bytes as `content_of` gives, a large leaf piece by piece: it is never in memory as a whole."""
    encoding = _encoding_of(part)
    is_large = part.end - part.start > LARGE
    if is_large and encoding == "base64" and _is_plain_base64(tree, part):
        yield from _base64_pieces(tree, part)
    elif is_large and encoding == "quoted-printable":
        yield from map(binascii.a2b_qp, _whole_lines(tree, part))
    elif is_large and encoding != "base64":
        yield from _slices(tree, part)
    else:
        yield content_of(tree, part).data


def problem_of(tree: Tree, part: Part) -> str:
    """What is wrong with a file's encoding, '' when nothing is."""
    return BAD_BASE64 if _encoding_of(part) == "base64" and _is_bad_base64(tree, part) else ""


def _slices(tree: Tree, part: Part) -> Iterator[bytes]:
    for start in range(part.start, part.end, PIECE):
        yield tree.source[start : min(start + PIECE, part.end)]


def _whole_lines(tree: Tree, part: Part) -> Iterator[bytes]:
    """A line may end with '=' and go on in the next: cut between lines no such pair is divided wrongly."""
    start = part.start
    while start < part.end:
        found = tree.source.find(b"\n", min(start + PIECE, part.end), part.end)
        end = part.end if found < 0 else found + 1
        yield tree.source[start:end]
        start = end


def _base64_pieces(tree: Tree, part: Part) -> Iterator[bytes]:
    rest = b""
    for piece in _slices(tree, part):
        letters = rest + piece.translate(None, NOT_BASE64)
        # Padding ends a group of four wherever it stands; without any the group may go on in the next piece.
        usable = letters.rfind(b"=") + 1 or len(letters) - len(letters) % 4
        yield base64_bytes(letters[:usable])
        rest = letters[usable:]
    yield base64_bytes(rest)


def _encoding_of(part: Part) -> str:
    encoding = (part.text("content-transfer-encoding").lower().split() or [""])[0].strip("\"';,")
    return _ENCODINGS.get(encoding, encoding)


def _is_plain_base64(tree: Tree, part: Part) -> bool:
    """Behind the base64 of a text there may be plain lines; of a file foreign bytes are only skipped."""
    foreign = _foreign_bytes(tree, part)
    return not foreign if part.kind.startswith("text/") else foreign * 10 <= part.end - part.start


def _is_bad_base64(tree: Tree, part: Part) -> bool:
    return _foreign_bytes(tree, part) * 10 > part.end - part.start


def _foreign_bytes(tree: Tree, part: Part) -> int:
    return sum(len(piece.translate(None, BASE64_LETTERS + b"=\r\n\t ")) for piece in _slices(tree, part))


def text_in(part: Part, content: Content) -> tuple[str, list[str]]:
    """The text of a leaf, at most 4 MB of it, and what had to be guessed."""
    data = content.data[:MAX_TEXT_BYTES]
    charset = part.charset or (_meta_charset(data) if part.kind == "text/html" else "")
    text, as_declared = decode(data, charset)
    problems = [content.problem] if content.problem else []
    if charset and not as_declared:
        problems.append("charset")
    text = plain_text(text)
    if part.kind == "text/plain" and token(part.parameters, "format").lower() == "flowed":
        text = unflowed(text, delete_space=token(part.parameters, "delsp").lower() == "yes")
    return text, problems


def unflowed(text: str, *, delete_space: bool = False) -> str:
    """Paragraphs put together again that were sent as soft-broken lines (RFC 3676)."""
    lines = text.split("\n")
    if len(lines) > MAX_FLOWED_LINES:
        return text
    paragraphs: list[list[str]] = []
    open_depth = -1
    for line in lines:
        content = line.lstrip(">")
        depth = len(line) - len(content)
        content = content.removeprefix(" ")
        flows = content.endswith(" ") and content != "-- "
        if depth != open_depth or content == "-- ":
            paragraphs.append([">" * depth + " " if depth else ""])
        paragraphs[-1].append(content[:-1] if flows and delete_space else content)
        open_depth = depth if flows else -1
    return "\n".join("".join(paragraph) for paragraph in paragraphs)


@dataclass(slots=True)
class _Lists:
    """Where the texts of a multipart go. One is None inside an alternative that turned out to be of the other sort."""

    text: list[Part] | None
    html: list[Part] | None
    in_alternative: bool

    def take(self, part: Part) -> None:
        if self.in_alternative and part.kind == "text/plain" and self.text is not None:
            self.html = None
        elif self.in_alternative and part.kind == "text/html" and self.html is not None:
            self.text = None
        for chosen in (self.text, self.html):
            if chosen is not None:
                chosen.append(part)

    def take_alternative(self, part: Part) -> None:
        chosen = self.text if part.kind == "text/plain" else self.html
        if chosen is not None:
            chosen.append(part)

    def complete(self, texts: int, htmls: int) -> None:
        """When an alternative gave only one of the two, it serves as the other too."""
        if self.text is None or self.html is None:
            return
        if len(self.text) == texts:
            self.text += self.html[htmls:]
        elif len(self.html) == htmls:
            self.html += self.text[texts:]


def _choose(parts: list[Part], kind: str, choice: Choice, lists: _Lists) -> None:
    texts, htmls = len(lists.text or ()), len(lists.html or ())
    for index, part in enumerate(parts):
        if part.children:
            inner = part.kind.partition("/")[2]
            in_alternative = lists.in_alternative or inner == "alternative"
            _choose(part.children, inner, choice, _Lists(lists.text, lists.html, in_alternative))
        elif not _is_text(part, index, kind):
            if part.kind not in _REPEATED:
                choice.files.append(part)
        elif kind == "alternative":
            lists.take_alternative(part)
        else:
            lists.take(part)
    if kind == "alternative":
        lists.complete(texts, htmls)


def _is_text(part: Part, index: int, kind: str) -> bool:
    """A text with a file name is the message itself only where a message stands: first."""
    if part.kind not in ("text/plain", "text/html") or part.disposition == "attachment":
        return False
    return index == 0 or (kind != "related" and not raw_name(part))


def _meta_charset(data: bytes) -> str:
    match = _META_CHARSET.search(data[:2_000])
    return match[1].decode("ascii") if match else ""


def _base64_text(data: bytes) -> Content:
    """Mailing lists and virus scanners add plain lines behind base64; some senders only claim it."""
    data = data.lstrip()
    match = _BASE64_LINES.match(data)
    if not match or not match[0].strip():
        match = _BASE64_START.match(data)
    end = match.end() if match else 0
    encoded, rest = data[:end], data[end:].strip()
    letters = len(encoded.translate(None, b"=\r\n\t "))
    if not rest:
        return Content(data, BAD_BASE64) if letters % 4 == 1 else Content(base64_bytes(encoded))
    if letters < 8 or letters % 4 == 1:
        return Content(data, BAD_BASE64)
    return Content(base64_bytes(encoded) + b"\n" + rest, "text behind base64")
