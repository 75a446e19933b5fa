"""Header fields: where they end, what they say, and what to make of encoded words, parameters, ids and dates."""

import binascii
import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz
from typing import TypeAlias
from urllib.parse import unquote_to_bytes

from tickets.mail.charsets import codec_of, decode
from tickets.mail.clean import one_line

MAX_FIELDS = 2_000
MAX_LINES = 100_000
MAX_VALUE = 65_536  # bytes of one field
MAX_ENCODED = 16_384  # characters of a text that may hold encoded words
MAX_PARAMETERS = 8_192  # characters of a Content-Type or Content-Disposition
MAX_REFERENCES = 50
MAX_DATE = 100
MAX_PIECES = 500_000  # of base64 that is padded in the middle
TOO_MANY_FIELDS = "too many headers"
EARLIEST_YEAR, LATEST_YEAR = 1970, 2200

# (name in lower case, value unfolded but not decoded)
Field: TypeAlias = tuple[str, bytes]

_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]*:")
_USUAL_FIELD = re.compile(
    rb"(?i)(?:arc-|authentication-|auto-submitted|bcc|cc|content-|date|delivered-to|dkim-|errors-to|from|importance|"
    rb"in-reply-to|list-|message-id|mime-version|organization|precedence|priority|received|references|reply-to|"
    rb"return-path|sender|subject|thread-|to|user-agent|x-)[!-9;-~]*[ \t]*:"
)
# A parameter whose line should have begun with a space.
_LOST_INDENT = re.compile(rb"(?i)(?:boundary|charset|filename|format|name)\*?=")
_ENVELOPE = re.compile(rb"(?:\xef\xbb\xbf)?[\r\n]*+(?:>?From (?!\s*:)[^\r\n]*\r?\n)?")

_WORD = re.compile(r"=\?([^?\s]{1,75})\?([bBqQ])\?(.*?)\?=", re.DOTALL)
_CUT_WORD = re.compile(r"=\?([^?\s]{1,75})\?([bBqQ])\?([^?]*)\??$")
BASE64_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
NOT_BASE64 = bytes(set(range(256)) - set(BASE64_LETTERS + b"="))

_MAIN_VALUE = re.compile(r'[^\s;="]*')
_PARAMETER = re.compile(
    r'(?<![^\s;"])([^\s=;"]{1,80}) ?= ?(?:"((?:[^"\\]|\\.)*)(?:"|$)|([^;"]*?)(?=;|$|"| [\w*-]{1,40} ?=))', re.DOTALL
)
_SECTION = re.compile(r"(.+?)\*(?:(\d{1,4})(\*)?)?$")

_BRACKETED_ID = re.compile(r"<([^<>]{1,1000})>")
_USABLE_ID = re.compile(r"[^\s<>\x00-\x20\x7f]{1,500}")


def read_fields(source: bytes, start: int, max_fields: int) -> tuple[list[Field], int, list[str]]:
    """The fields from `start` on, where the body begins, and what was wrong. Other text and boundaries end them too."""
    fields: list[tuple[str, list[bytes]]] = []
    position = start
    problems: list[str] = []
    for _ in range(MAX_LINES):
        line, following = _line_at(source, position)
        if not line:
            return _joined(fields), following, problems
        match = _FIELD.match(line)
        is_more = line[:1] in b" \t" or (bool(fields) and bool(_LOST_INDENT.match(line)))
        if line.startswith(b"--"):
            return _joined(fields), position, problems
        if match and len(fields) >= max_fields:
            break
        if is_more:
            _continue(fields, line)
        elif match:
            fields.append((match[1].decode("ascii").lower(), [line[match.end() :]]))
        elif _USUAL_FIELD.match(source, following):
            problems.append("bad header line")
        else:
            problems.append("no empty line after headers")
            return _joined(fields), position, problems
        position = following
    problems.append(TOO_MANY_FIELDS)
    return _joined(fields), position, problems


def skip_envelope(source: bytes) -> int:
    """Where the first field begins, behind a byte order mark, empty lines and the line that mailbox files add."""
    match = _ENVELOPE.match(source)
    return match.end() if match else 0


def text_of(raw: bytes, hint: str = "") -> str:
    """A field's value as text, its encoded words still encoded."""
    return decode(raw, "", hint=hint)[0]


def decode_words(text: str) -> str:
    """Encoded words (RFC 2047) decoded, also where they stand inside quotes, touch each other or are cut off."""
    text = text[:MAX_ENCODED]
    if "=?" not in text:
        return text
    # Behind the last '?=' no word can end; searching there for each beginning would take quadratic time.
    end = text.rfind("?=") + 2 if "?=" in text else 0
    pieces, run, position = [], _Run(), 0
    for match in _WORD.finditer(text[:end]):
        between = text[position : match.start()]
        if between.strip() or not run:
            pieces += [run.flush(), between]
        pieces.append(run.add(match[1], match[2], match[3]))
        position = match.end()
    tail = text[position:]
    cut = _CUT_WORD.search(tail)
    if cut:
        pieces += [run.flush(), tail[: cut.start()], run.add(cut[1], cut[2], cut[3])]
        tail = ""
    return "".join([*pieces, run.flush(), tail])


def parameters_of(value: str) -> tuple[str, dict[str, str]]:
    """('text/plain', {'charset': 'utf-8'}) of a Content-Type or Content-Disposition, RFC 2231 and mistakes included."""
    value = " ".join(value[:MAX_PARAMETERS].split())
    start = _MAIN_VALUE.match(value)
    main = start[0] if start else ""
    plain: dict[str, str] = {}
    sections: dict[str, dict[int, tuple[str, bool]]] = {}
    for match in _PARAMETER.finditer(value, len(main)):
        name = match[1].lower()
        content = re.sub(r"\\(.)", r"\1", match[2]) if match[2] is not None else match[3].strip()
        section = _SECTION.fullmatch(name)
        if section:
            is_encoded = name.endswith("*")
            sections.setdefault(section[1], {}).setdefault(int(section[2] or 0), (content, is_encoded))
        else:
            plain.setdefault(name, content)
    plain |= {name: _joined_sections(found) for name, found in sections.items()}
    return main.lower(), plain


def message_ids(value: str) -> list[str]:
    """Message ids without their brackets; folded ones are put together again."""
    found = ["".join(match.split()) for match in _BRACKETED_ID.findall(value)]
    if "<" not in value:
        found = [word for word in value.split() if "@" in word]
    return [one for one in found if _USABLE_ID.fullmatch(one) and one.isprintable()]


def message_id(value: str) -> str:
    """The one id of a Message-ID field, '' when it is unusable."""
    found = message_ids(value) or [value.strip()]
    return found[0] if _USABLE_ID.fullmatch(found[0]) and found[0].isprintable() else ""


def date_of(value: str) -> datetime | None:
    """An aware moment, in UTC when the zone is missing; None for nonsense."""
    try:
        parsed = parsedate_tz(one_line(value, MAX_DATE))
        if parsed is None or not EARLIEST_YEAR <= parsed[0] <= LATEST_YEAR:
            return None
        zone = timezone(timedelta(seconds=parsed[9])) if parsed[9] else UTC
        return datetime(*parsed[:5], min(parsed[5], 59), tzinfo=zone)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def base64_bytes(data: bytes) -> bytes:
    """What can be decoded; anything foreign is skipped, missing or early padding is forgiven."""
    data = data.translate(None, NOT_BASE64).rstrip(b"=")
    if b"=" not in data:
        return _one_base64(data)
    # Some senders pad each line: each piece is decoded for itself, within reason.
    return b"".join(_one_base64(piece) for piece in data.split(b"=", MAX_PIECES)[:MAX_PIECES])


def _one_base64(data: bytes) -> bytes:
    whole = data[: len(data) - 1] if len(data) % 4 == 1 else data
    return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))


class _Run:
    """Neighbouring encoded words of one charset: a character may begin in one and end in the next."""

    def __init__(self) -> None:
        self.charset, self.data = "", b""

    def __bool__(self) -> bool:
        return bool(self.data)

    def add(self, charset: str, encoding: str, payload: str) -> str:
        """Take a word; gives the text of those before it when they were in another charset."""
        charset = charset.partition("*")[0].lower()
        before = self.flush() if charset != self.charset else ""
        raw = payload.encode(codec_of(charset) or "utf_8", "replace") if not payload.isascii() else payload.encode()
        self.charset = charset
        self.data += base64_bytes(raw) if encoding in "bB" else binascii.a2b_qp(raw, header=True)
        return before

    def flush(self) -> str:
        text = decode(self.data, self.charset)[0]
        self.data = b""
        return text


def _line_at(source: bytes, position: int) -> tuple[bytes, int]:
    """The line without its break, and where the next begins."""
    end = source.find(b"\n", position)
    if end < 0:
        return source[position:].rstrip(b"\r"), len(source)
    return source[position:end].rstrip(b"\r"), end + 1


def _continue(fields: list[tuple[str, list[bytes]]], line: bytes) -> None:
    if not fields:
        match = _FIELD.match(line.lstrip())
        if match:
            fields.append((match[1].decode("ascii").lower(), [line.lstrip()[match.end() :]]))
        return
    # Without its indentation a parameter would stick to the one before.
    fields[-1][1].append(line if line[:1] in b" \t" else b" " + line)


def _joined(fields: list[tuple[str, list[bytes]]]) -> list[Field]:
    return [(name, b"".join(lines)[: MAX_VALUE + 1].strip()) for name, lines in fields]


def _joined_sections(found: dict[int, tuple[str, bool]]) -> str:
    """RFC 2231: name*0*=utf-8''a%20; name*1=b. The charset stands before the first section."""
    charset, first = "", found.get(0, ("", False))
    if first[1] and first[0].count("'") >= 2:
        charset, _, rest = first[0].split("'", 2)
        found[0] = (rest, True)
    data = b""
    for number in sorted(found):
        content, is_encoded = found[number]
        data += unquote_to_bytes(content) if is_encoded else content.encode("utf_8", "replace")
    return decode(data, charset)[0]
