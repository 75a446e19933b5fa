"""From, To and their like. This is the only place that decides whose address a message carries."""

import re
import unicodedata
from typing import IO, TypeAlias

from tickets.mail.clean import one_line
from tickets.mail.headers import MAX_FIELDS, decode_words, read_fields, skip_envelope

MAX_MAILBOXES = 1_000
MAX_NAME = 200
MAX_UNPLACED = 1_000
MAX_LOCAL, MAX_ADDRESS = 64, 254
LONGEST_HEAD = 65_536  # bytes in which a Return-Path is looked for

# (name, address); the address is '' when there was none that can be used.
NamedAddress: TypeAlias = tuple[str, str]

# An encoded word is one piece whatever commas and colons it holds, but not when it pretends to hold an address.
_ENCODED_WORD = r"=\?[^?\s<>@\"]{1,75}\?[bBqQ]\?[^?\s<>@\"]{0,1000}\?="
_TOKEN = re.compile(
    r'"((?:[^"\\]|\\.)*)"|<([^<>]*)(?:>|$|(?=<))|\\(.)|([,;:()">])|(' + _ENCODED_WORD + r'|[^,;:()"<>\\=]+|[\\=])',
    re.DOTALL,
)
_COMMENT = re.compile(r"\\.|[()]|[^()\\]+|\\", re.DOTALL)
_LOCAL = re.compile(r"[^\s@<>(),:;\\\"\[\]\x00-\x20\x7f]+")
_DOMAIN = re.compile(r"[^\s@<>(),:;\\\"\[\]\x00-\x20\x7f.]+(?:\.[^\s@<>(),:;\\\"\[\]\x00-\x20\x7f.]+)*")
_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def mailboxes(value: str) -> list[NamedAddress]:
    """All mailboxes of a field, groups flattened, also the unusable ones. Encoded words never make an address."""
    found = _Scanner().scan(value)
    if not any(address for _, address in found) and "(" in value:
        # A comment that was never closed has swallowed the address.
        found = _Scanner().scan(value.replace("(", " ")) or found
    return [(one_line(decode_words(name), MAX_NAME), address) for name, address in found]


def return_path(content: IO[bytes]) -> str:
    """The address that the last server wrote down as the sender; '' for a bounce, and where nothing usable stands."""
    content.seek(0)
    head = content.read(LONGEST_HEAD)
    fields, _body, _problems = read_fields(head, skip_envelope(head), MAX_FIELDS)
    value = next((value for name, value in fields if name == "return-path"), b"")
    try:
        written = value.decode()
    except UnicodeDecodeError:
        return ""
    return next((address for _name, address in mailboxes(written)), "")


def usable_address(text: str) -> str:
    """The addr-spec in lower case, '' when two programs could read it in two ways."""
    text = text.strip().strip("'").removeprefix("mailto:").strip()
    if text.startswith("@"):
        # An ancient route: <@relay.example:user@host.example>
        text = text.rpartition(":")[2]
    local, at, domain = text.rpartition("@")
    if len(local) > 2 and local[0] == local[-1] == '"':
        local = local[1:-1]
    local, domain = local.strip(), domain.strip().rstrip(".")
    if not at or "=?" in text or not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain):
        return ""
    address = f"{local}@{domain}".translate(_ASCII_LOWER)
    return address if len(local) <= MAX_LOCAL and len(address) <= MAX_ADDRESS and _is_unmistakable(address) else ""


def _is_unmistakable(address: str) -> bool:
    """No letter that lower-casing or normalising would turn into another, such as the Kelvin sign into 'k'."""
    if address.isascii():
        return True
    return address.isprintable() and unicodedata.normalize("NFKC", address).lower() == address


class _Scanner:
    """Reads a list of mailboxes token by token; whatever it cannot place becomes part of a name."""

    def __init__(self) -> None:
        self.found: list[NamedAddress] = []
        # A name cut off by a comma: Doe, John <john@example.com>
        self.unplaced: list[str] = []
        self._reset()

    def _reset(self) -> None:
        self.phrase: list[str] = []
        self.bare: list[str] = []
        self.angles: list[str] = []
        self.comments: list[str] = []

    def scan(self, value: str) -> list[NamedAddress]:
        position, depth = 0, 0
        while position < len(value) and len(self.found) < MAX_MAILBOXES:
            match = (_COMMENT if depth else _TOKEN).match(value, position)
            if not match:
                position += 1
                continue
            position = match.end()
            if depth or match[0] == "(":
                depth += {"(": 1, ")": -1}.get(match[0], 0)
                self.comments.append("" if match[0] in "()" else match[0])
            else:
                self._take(match)
        self._end()
        return self.found

    def _take(self, match: re.Match[str]) -> None:
        quoted, angle, escaped, mark, text = match.groups()
        if quoted is not None:
            self.phrase.append(re.sub(r"\\(.)", r"\1", quoted))
            self.bare.append(match[0])
        elif angle is not None:
            self.angles.append(angle)
        elif mark in (",", ";"):
            self._end()
        elif mark == ":":
            # The name of a group says nothing about its members; an address is no such name.
            self._end(is_group_name=True)
        else:
            self.phrase.append(escaped or text or "")
            self.bare.append(text or "")

    def _end(self, *, is_group_name: bool = False) -> None:
        name = " ".join([*self.unplaced, " ".join("".join(self.phrase).split())]).strip()[:MAX_UNPLACED]
        comment = "".join(self.comments).strip()
        if self.angles:
            self._add(name or comment, self.angles)
        elif "@" in (bare := "".join(self.bare)):
            self._add_bare(bare, comment)
        elif name and not is_group_name:
            self.unplaced = [name + ("" if name.endswith(",") else ",")]
            self._reset()
            return
        self.unplaced = []
        self._reset()

    def _add(self, name: str, angles: list[str]) -> None:
        self.found += [(name, usable_address(angle)) for angle in angles if angle.strip()]

    def _add_bare(self, bare: str, comment: str) -> None:
        """Without angle brackets: `john@example.com (John)`, or carelessly `John john@example.com`."""
        whole = usable_address(re.sub(r"\s*([@.])\s*", r"\1", bare))
        if whole:
            self.found.append((comment, whole))
            return
        words = bare.split()
        addresses = [word for word in words if "@" in word]
        name = " ".join([*self.unplaced, *(word for word in words if "@" not in word)]) or comment
        self.found += [(name.replace('"', ""), usable_address(address)) for address in addresses]
