"""The tree of a message's parts, found in one pass over its lines: no recursion, no line looked at twice."""

import re
from dataclasses import dataclass, field
from itertools import islice

from tickets.mail.headers import MAX_FIELDS, TOO_MANY_FIELDS, Field, parameters_of, read_fields, skip_envelope, text_of

MAX_PARTS = 1_000
MAX_PART_FIELDS = 200
# A tree deeper than this is flattened: its parts are found all the same.
MAX_DEPTH = 50
MAX_BOUNDARY = 250
MAX_TAIL = 1_000  # bytes
MAX_DASHED_LINES = 1_000_000
MAX_GUESSES = 5
MAX_NAMES_LEFT_OUT = 100

# The lengths are MAX_BOUNDARY with and without dashes.
_DASHED = re.compile(rb"^--[^\r\n]{0,254}", re.MULTILINE)
_GUESSED_BOUNDARY = re.compile(rb"(?im)^--(\S[^\r\n]{0,249})\r?\ncontent-(?:type|disposition|transfer)")
_FILE_NAME = re.compile(rb'name\*?=(?:"([^"\r\n]{1,200})|([^";\s]{1,200}))')
_EMPTY_LINE = re.compile(rb"\n\r?\n")
_LOOKS_LIKE_HTML = re.compile(rb"\s*<(?:!doctype html|html|head|body)", re.IGNORECASE)
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,80}/[a-z0-9!#$&^_.+-]{1,80}")
_BARE_TYPES = {"text": "text/plain", "plain": "text/plain", "html": "text/html", "multipart": "multipart/mixed"}


@dataclass(slots=True, eq=False)
class Part:
    """A node of the tree; a leaf's body is `source[start:end]` of its tree."""

    fields: list[Field]
    kind: str
    parameters: dict[str, str]
    boundary: bytes
    start: int
    end: int
    # 'attachment', 'inline' or '', and what came with it.
    disposition: str = ""
    file_parameters: dict[str, str] = field(default_factory=dict)
    children: list["Part"] = field(default_factory=list)
    # Nothing says that it ends where the message ends: more of it may have been lost on the way.
    is_broken_off: bool = False

    @property
    def is_multipart(self) -> bool:
        return self.kind.startswith("multipart/")

    @property
    def charset(self) -> str:
        return token(self.parameters, "charset")

    def raw(self, name: str) -> bytes:
        """The first field of that name as it came, b'' when there is none."""
        return next((value for found, value in self.fields if found == name), b"")

    def text(self, name: str) -> str:
        """The same as text; letters that were not encoded are read in the part's charset."""
        return text_of(self.raw(name), self.charset)


@dataclass(slots=True)
class Tree:
    source: bytes
    root: Part
    problems: list[str]
    # File names in the parts that were not read because there were too many.
    names_left_out: list[str]


def token(parameters: dict[str, str], name: str) -> str:
    """A parameter that is one word: its first word, whatever follows by mistake."""
    return (parameters.get(name, "").split() or [""])[0].strip("'")


def read_tree(raw: bytes) -> Tree:
    """The parts of a message; whatever is broken is repaired or left as text, and named in `problems`."""
    source, problems = _with_line_feeds(raw)
    builder = _Builder(source, problems)
    root = builder.part(skip_envelope(source), "text/plain", MAX_FIELDS)
    if TOO_MANY_FIELDS in problems:
        found = _EMPTY_LINE.search(source, root.start)
        root.start = found.end() if found else len(source)
    builder.build(root)
    return Tree(source, root, problems, builder.names_left_out)


def _with_line_feeds(raw: bytes) -> tuple[bytes, list[str]]:
    """Messages from old Macs end their lines with CR alone."""
    beginning = raw[:65_536]
    alone = beginning.count(b"\r") - beginning.count(b"\r\n")
    if alone <= beginning.count(b"\n") * 4:
        return raw, []
    return raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n"), ["line breaks"]


class _Builder:
    def __init__(self, source: bytes, problems: list[str]) -> None:
        self.source = source
        self.problems = problems
        self.parts = self.dashed = self.guesses = 0
        self.names_left_out: list[str] = []
        # The multiparts around the current line, outermost first, each with the node that takes its children.
        self.open: list[tuple[Part, Part]] = []
        # Boundary → places in `open`, innermost last.
        self.places: dict[bytes, list[int]] = {}

    def part(self, start: int, default: str, max_fields: int) -> Part:
        fields, body, problems = read_fields(self.source, start, max_fields)
        self.problems += problems
        self.parts += 1
        part = Part(fields, default, {}, b"", body, len(self.source))
        raw = part.raw("content-type")
        if raw.strip():
            kind, part.parameters = parameters_of(text_of(raw))
            part.kind = kind if _TYPE.fullmatch(kind) else _BARE_TYPES.get(kind, "text/plain")
        part.disposition, part.file_parameters = parameters_of(part.text("content-disposition"))
        part.boundary = part.parameters.get("boundary", "").rstrip().encode("utf_8", "replace")[: MAX_BOUNDARY + 1]
        return part

    def build(self, root: Part) -> None:
        """Cut the body of `root` into parts, down to the last."""
        unsettled = self._cut(root)
        while unsettled:
            part = unsettled.pop()
            part.boundary = self._guess(part)
            if part.boundary:
                self.problems.append("boundary guessed")
                unsettled += self._cut(part)
            else:
                self.problems.append("multipart without parts")
                part.is_broken_off = self._says_something(part)
                part.kind = "text/html" if _LOOKS_LIKE_HTML.match(self.source, part.start) else "text/plain"

    def _cut(self, root: Part) -> list[Part]:
        """One pass over the body; gives the multiparts in which no part was found."""
        self.open, self.places = [], {}
        opened = self._opened(root, root)
        current, position, end = None, root.start, root.end
        while self.open and (match := self._next_dashed(position, end)):
            position = match.end()
            place = self._place(match[0])
            if place is None:
                continue
            before = self._before_line_break(match.start())
            self._finish(current, before)
            self._close(place[0] + 1, before)
            current = None
            if place[1]:
                # The outermost stays open: what follows a premature end is still found.
                self._close(max(place[0], 1), before)
                continue
            current = self._next_part(self._after_line(position), end)
            if current is None:
                break
            position = current.start
            opened += self._opened(current, self._node_for(current))
        if current is not None:
            end_of_last = self._end_without_line_break(end)
            self._finish(current, end if end_of_last is None else end_of_last)
            current.is_broken_off = end_of_last is None and self._says_something(current)
        self._close(0, end)
        return [part for part in opened if not part.children]

    def _opened(self, part: Part, node: Part) -> list[Part]:
        if not part.is_multipart:
            return []
        if part.boundary:
            self.places.setdefault(part.boundary, []).append(len(self.open))
            self.open.append((part, node))
        return [part] if node is part else []

    def _node_for(self, part: Part) -> Part:
        """Who takes the children: beyond the greatest depth they become their parent's brothers."""
        parent = self.open[-1][1]
        if part.is_multipart and part.boundary and len(self.open) >= MAX_DEPTH:
            self.problems.append("nested too deep")
            return parent
        parent.children.append(part)
        return part

    def _close(self, keep: int, end: int) -> None:
        while len(self.open) > keep:
            part, _ = self.open.pop()
            self.places[part.boundary].pop()
            part.end = max(part.start, end)

    def _finish(self, part: Part | None, end: int) -> None:
        if part is not None and not (part.is_multipart and part.boundary):
            part.end = max(part.start, end)

    def _end_without_line_break(self, end: int) -> int | None:
        """Where the last part ends when the last boundary stands behind its text, on the same line."""
        tail = self.source[max(0, end - MAX_TAIL) : end].rstrip()
        for part, _ in reversed(self.open):
            closing = b"--" + part.boundary + b"--"
            if tail.endswith(closing):
                return max(0, end - MAX_TAIL) + len(tail) - len(closing)
        return None

    def _says_something(self, part: Part) -> bool:
        return not part.children and bool(self.source[part.start : min(part.end, part.start + MAX_TAIL)].strip())

    def _place(self, line: bytes) -> tuple[int, bool] | None:
        """Which of the open multiparts the line divides, and whether it ends it."""
        text = line[2:].rstrip()
        if self.places.get(text):
            return self.places[text][-1], False
        if text.endswith(b"--") and self.places.get(text[:-2]):
            return self.places[text[:-2]][-1], True
        return None

    def _next_dashed(self, position: int, end: int) -> re.Match[bytes] | None:
        self.dashed += 1
        if self.dashed > MAX_DASHED_LINES:
            self.problems.append("too many lines")
            return None
        return _DASHED.search(self.source, position, end)

    def _next_part(self, start: int, end: int) -> Part | None:
        if self.parts >= MAX_PARTS:
            self.problems.append("too many parts")
            names = islice(_FILE_NAME.finditer(self.source, start, end), MAX_NAMES_LEFT_OUT)
            self.names_left_out += [text_of(match[1] or match[2]) for match in names]
            return None
        parent = self.open[-1][0]
        default = "message/rfc822" if parent.kind == "multipart/digest" else "text/plain"
        part = self.part(start, default, MAX_PART_FIELDS)
        part.start = min(part.start, end)
        part.end = end
        return part

    def _before_line_break(self, position: int) -> int:
        for line_break in (b"\n", b"\r"):
            if position and self.source[position - 1 : position] == line_break:
                position -= 1
        return position

    def _after_line(self, position: int) -> int:
        found = self.source.find(b"\n", position)
        return len(self.source) if found < 0 else found + 1

    def _guess(self, part: Part) -> bytes:
        """The boundary that the part's lines seem to use, when its header names none or another one."""
        self.guesses += 1
        if self.guesses > MAX_GUESSES:
            return b""
        match = _GUESSED_BOUNDARY.search(self.source, part.start, part.end)
        return match[1].rstrip() if match else b""
