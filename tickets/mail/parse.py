"""One e-mail, read. Never raises, whatever the bytes are; time and memory grow with their number and not faster."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from html import escape
from urllib.parse import unquote

from accounts.names import safe_name
from tickets.mail.bodies import (
    BAD_BASE64,
    MAX_TEXT_BYTES,
    PIECE,
    choose,
    content_of,
    file_name,
    pieces_of,
    problem_of,
    raw_name,
    text_in,
)
from tickets.mail.charsets import decode
from tickets.mail.clean import one_line, plain_text, sanitise_html
from tickets.mail.headers import (
    MAX_REFERENCES,
    MAX_VALUE,
    TOO_MANY_FIELDS,
    date_of,
    decode_words,
    message_id,
    message_ids,
    text_of,
)
from tickets.mail.mailboxes import NamedAddress, mailboxes
from tickets.mail.markup import MAX_HTML, to_text
from tickets.mail.mime import Part, Tree, read_tree
from tickets.mail.reply import reply_text

__all__ = ["ParsedAttachment", "ParsedMessage", "parse", "reply_text"]

MAX_MESSAGE = 100 * 1024 * 1024  # bytes; what follows is not looked at
MAX_SUBJECT = 500
MAX_TEXT = 1_000_000  # characters; a longer text is kept as a file besides
MAX_ATTACHMENTS = 100
MAX_DROPPED = 100
MAX_PROBLEMS = 20
MAX_CONTENT_ID = 200
MAX_SENDERS = 10
# Who, when, what about, which id, and how the body is to be read.
IDENTITY = ("from", "date", "subject", "message-id", "content-type", "content-transfer-encoding")
MAX_SAME_FIELDS = 10

_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_CID = re.compile(r"cid:([^\"'\s<>)]{1,300})", re.IGNORECASE)
_BARE_SUBJECT = re.compile(rb"^subject:([^\r\n]{0,1000})", re.IGNORECASE | re.MULTILINE)
_BARE_END_OF_HEADERS = re.compile(rb"\r\r|\n\r?\n")


@dataclass(frozen=True, slots=True)
class ParsedAttachment:
    """A file of a message. Its bytes are decoded when they are asked for, in pieces: it may weigh 50 MB."""

    name: str
    content_type: str
    tree: Tree = field(repr=False)
    part: Part = field(repr=False)
    # What the HTML calls it (cid:...), '' when it has no such name.
    content_id: str = ""
    # The HTML shows it in its place.
    is_inline: bool = False

    def pieces(self) -> Iterator[bytes]:
        return pieces_of(self.tree, self.part)

    @property
    def content(self) -> bytes:
        """All of it."""
        return b"".join(self.pieces())

    @property
    def ends_with_message(self) -> bool:
        """Nothing follows it: of a message that was cut, this is the file that was cut."""
        return self.part.end >= len(self.tree.source)


@dataclass(frozen=True, slots=True)
class ParsedMessage:
    """What a message says. Every text is safe to store; what is missing or unusable is empty, the date None."""

    message_id: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    # '' unless there is exactly one From field with exactly one usable address. Never ask another parser.
    from_address: str = ""
    from_name: str = ""
    # Everybody that the From fields name, for showing: nobody is believed to be them.
    senders: tuple[NamedAddress, ...] = ()
    to: tuple[NamedAddress, ...] = ()
    cc: tuple[NamedAddress, ...] = ()
    reply_to: tuple[NamedAddress, ...] = ()
    subject: str = ""
    date: datetime | None = None
    text: str = ""
    html: str = ""
    attachments: tuple[ParsedAttachment, ...] = ()
    # (name in lower case, value unfolded but not decoded), in the order of the message.
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "text/plain"
    problems: tuple[str, ...] = ()
    # Names of files that were left out because there were too many.
    dropped: tuple[str, ...] = ()
    # SHA-256 of what two copies of one message have in common, however they travelled.
    identity: str = ""

    def header(self, name: str) -> str:
        """The first field of that name, '' when there is none."""
        return next(iter(self.all_headers(name)), "")

    def all_headers(self, name: str) -> tuple[str, ...]:
        return tuple(value for found, value in self.headers if found == name.lower())

    @property
    def authentication_results(self) -> tuple[str, ...]:
        """Raw values, the last relay's first. Believe only those that name a relay you know."""
        return self.all_headers("authentication-results")

    @property
    def auto_submitted(self) -> str:
        """The keyword of RFC 3834 in lower case: '', 'no', 'auto-generated', 'auto-replied' …"""
        return (re.split(r"[\s;(]", self.header("auto-submitted").strip().lower()) or [""])[0]


def parse(raw: bytes) -> ParsedMessage:
    """Read a message. Broken ones are repaired as far as possible; `problems` says in English what had to be."""
    raw = bytes(raw[:MAX_MESSAGE])
    try:
        return _parse(raw)
    except Exception as error:
        # A mistake of ours must not stop the mail behind this one: the person still gets a ticket.
        return _parse_bare(raw, type(error).__name__)


def _parse(raw: bytes) -> ParsedMessage:
    tree = read_tree(raw)
    contents = _Contents(tree)
    text, html, attachments, dropped = contents.read()
    # Subjects that nobody encoded are mostly in the charset of the text.
    tree.root.parameters.setdefault("charset", contents.charset)
    message = _with_headers(ParsedMessage(text=text, html=html, content_type=tree.root.kind), tree)
    return replace(
        message,
        attachments=attachments,
        dropped=dropped,
        problems=tuple(dict.fromkeys(tree.problems))[:MAX_PROBLEMS],
        identity=identity_of(tree),
    )


def _parse_bare(raw: bytes, reason: str) -> ParsedMessage:
    """Only what needs no parser. No sender: nothing may be done in anybody's name."""
    end = _BARE_END_OF_HEADERS.search(raw)
    subject = _BARE_SUBJECT.search(raw, 0, end.start() if end else len(raw))
    body, _ = decode(raw[end.end() if end else 0 :][:MAX_TEXT])
    return ParsedMessage(
        subject=one_line(decode_words(text_of(subject[1])), MAX_SUBJECT) if subject else "",
        text=plain_text(body).strip("\n"),
        problems=("unreadable", reason),
        identity=hashlib.sha256(raw).hexdigest(),
    )


def _with_headers(message: ParsedMessage, tree: Tree) -> ParsedMessage:
    root = tree.root
    senders = [one for value in _values(root, "from") for one in mailboxes(value)][:MAX_SENDERS]
    name, address = _sender(root, senders, tree.problems)
    replied = message_ids(root.text("in-reply-to"))
    references = message_ids(root.text("references"))
    references += [one for one in replied[1:] if one not in references[-MAX_REFERENCES:]]
    own_id = message_id(root.text("message-id"))
    if not own_id:
        tree.problems.append("no message id")
    return replace(
        message,
        message_id=own_id,
        in_reply_to=replied[0] if replied else "",
        references=tuple(references[-MAX_REFERENCES:]),
        from_address=address,
        from_name=name,
        senders=tuple(senders),
        to=_usable(root, "to"),
        cc=_usable(root, "cc"),
        reply_to=_usable(root, "reply-to"),
        subject=one_line(decode_words(root.text("subject")), MAX_SUBJECT),
        date=date_of(root.text("date")),
        headers=tuple((name, _CONTROL.sub(" ", text_of(value, root.charset)).strip()) for name, value in root.fields),
    )


def _sender(root: Part, found: list[NamedAddress], problems: list[str]) -> NamedAddress:
    values = [value for name, value in root.fields if name == "from"]
    certain = len(values) == len(found) == 1 and len(values[0]) <= MAX_VALUE and TOO_MANY_FIELDS not in problems
    if certain and found[0][1]:
        return found[0]
    problems.append("no single sender")
    return (found[0][0] if len(found) == 1 else "", "")


def _values(root: Part, name: str) -> list[str]:
    return [text_of(value, root.charset) for found, value in root.fields if found == name][:MAX_SAME_FIELDS]


def _usable(root: Part, name: str) -> tuple[NamedAddress, ...]:
    return tuple(mailbox for value in _values(root, name) for mailbox in mailboxes(value) if mailbox[1])


def identity_of(tree: Tree) -> str:
    """What relays do not change: who, when, what about, which id, and the body, its line ends aside.

    A message with neither date nor id is only the same as the very same bytes: a scanner says nothing else all day.
    """
    root, source, digest = tree.root, tree.source, hashlib.sha256()
    start, end = root.start, len(source)
    if root.raw("date").strip() or root.raw("message-id").strip():
        said = [b" ".join(root.raw(name).split()) for name in IDENTITY]
        digest.update(b"\0".join(said) + b"\0")
        end = max(start, end - PIECE) + len(source[max(start, end - PIECE) : end].rstrip())
    else:
        start = 0
    for position in range(start, end, PIECE):
        digest.update(source[position : min(position + PIECE, end)].replace(b"\r", b""))
    return digest.hexdigest()


class _Contents:
    """The texts and files of a message, each part decoded once."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.choice = choose(tree.root)
        self.decoded: dict[int, str] = {}
        self.too_long: list[Part] = []
        # Reading HTML as text is the slowest step: one limit for all parts together.
        self.html_room = MAX_HTML

    def read(self) -> tuple[str, str, tuple[ParsedAttachment, ...], tuple[str, ...]]:
        text = self._text(self.choice.text)
        if not text.strip():
            text = self._text(self.choice.html)
        html = self._html()
        safe_html = sanitise_html(html)
        if html.strip() and text.strip() and not safe_html:
            self.tree.problems.append("html left out")
        self._keep_what_broke_off()
        files = self.choice.files + self.too_long
        shown = {unquote(name) for name in _CID.findall(html)} if safe_html else set()
        attachments = tuple(self._attachment(part, shown) for part in files[:MAX_ATTACHMENTS])
        names = [raw_name(part) or part.kind for part in files[MAX_ATTACHMENTS:]] + self.tree.names_left_out
        if names:
            self.tree.problems.append("too many files")
        return text, safe_html, attachments, tuple(safe_name(name) for name in names[:MAX_DROPPED])

    @property
    def charset(self) -> str:
        return next((part.charset for part in self.choice.text + self.choice.html if part.charset), "")

    def _text(self, parts: list[Part]) -> str:
        pieces: list[str] = []
        room = MAX_TEXT
        for part in parts:
            text = self._readable(part) if room > 0 else ""
            if len(text) > room or room <= 0:
                self._keep_as_file(part)
            pieces.append(text[: max(room, 0)])
            room -= len(text)
        return "\n\n".join(piece for piece in pieces if piece.strip()).lstrip("\n")

    def _readable(self, part: Part) -> str:
        text = self._decoded(part)
        if part.kind != "text/html":
            return text.rstrip("\n")
        if len(text) > self.html_room:
            self._keep_as_file(part)
        text, self.html_room = text[: self.html_room], max(0, self.html_room - len(text))
        return to_text(text)

    def _html(self) -> str:
        """'' when the message has none; plain texts between HTML parts keep their place."""
        if not any(part.kind == "text/html" for part in self.choice.html):
            return ""
        pieces = []
        for part in self.choice.html:
            text = self._decoded(part)
            is_html = part.kind == "text/html"
            pieces.append(text if is_html else f"<div>{escape(text.strip()).replace(chr(10), '<br>')}</div>")
        return "\n".join(pieces)

    def _decoded(self, part: Part) -> str:
        if id(part) not in self.decoded:
            content = content_of(self.tree, part)
            self.decoded[id(part)], problems = text_in(part, content)
            part.is_broken_off = part.is_broken_off or content.problem == BAD_BASE64
            self.tree.problems += problems
            if len(content.data) > MAX_TEXT_BYTES:
                self._keep_as_file(part)
        return self.decoded[id(part)]

    def _keep_as_file(self, part: Part) -> None:
        self.tree.problems.append("text cut")
        if part not in self.too_long:
            self.too_long.append(part)

    def _keep_what_broke_off(self) -> None:
        """A text whose end may be missing, or that cannot be decoded, is shown, and kept besides as it came."""
        for part in [*self.choice.text, *self.choice.html]:
            if part.is_broken_off and part not in self.too_long:
                self.tree.problems.append("broken off")
                self.too_long.append(part)

    def _attachment(self, part: Part, shown: set[str]) -> ParsedAttachment:
        problem = problem_of(self.tree, part)
        if problem:
            self.tree.problems.append(problem)
        content_id = one_line(part.text("content-id").strip().strip("<>"), MAX_CONTENT_ID)
        return ParsedAttachment(
            name=file_name(self.tree, part),
            content_type=part.kind,
            tree=self.tree,
            part=part,
            content_id=content_id,
            is_inline=bool(content_id) and content_id in shown,
        )
