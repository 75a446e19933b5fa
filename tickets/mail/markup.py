"""HTML as text: paragraphs, lists, tables, links and quotations as a person would type them. One pass, no parser."""

import re
from html import unescape

from tickets.mail.clean import plain_text

MAX_HTML = 1_000_000  # characters; what follows is left out
MAX_TAG = 65_536
MAX_QUOTES = 10  # marks before a line
MAX_INDENT = 5
MAX_FEEDS = 3  # line feeds in a row
MAX_LINK_TAG = 4_096

_MARKUP = re.compile(r"<(?=[a-zA-Z/!?])")
_NAME = re.compile(r"/?\s*([a-zA-Z][a-zA-Z0-9:]{0,30})")
_HREF = re.compile(r"""\bhref\s*=\s*(?:"([^"]{1,2000})"|'([^']{1,2000})'|([^\s"'>]{1,2000}))""", re.IGNORECASE)
_SPACES = re.compile(r"[ \t\n\r\f]+")
# Python refuses to read such numbers.
_ENDLESS_NUMBER = re.compile(r"&#[xX]?[0-9A-Fa-f]{9,};?")

# Their content is no text.
_RAW = {"script", "style", "title", "template", "noembed", "noframes", "textarea", "svg", "math", "object", "iframe"}
_PARAGRAPHS = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "table", "pre", "blockquote", "figure"}
_LINE_NAMES = (
    "address article aside body caption center dd details dir div dt fieldset figcaption footer form header hr html li "
    "main nav section summary tbody tfoot thead tr"
)
_LINES = set(_LINE_NAMES.split())
_SHOWN_LINKS = ("http://", "https://", "ftp://", "mailto:")


def to_text(html: str) -> str:
    """What the HTML says, as plain text with '> ' before quoted lines."""
    writer = _Writer()
    _Reader(html[:MAX_HTML], writer).read()
    return writer.text()


class _Reader:
    """Goes through texts and tags. Positions of the next '>' and '-->' are kept, so none is searched for twice."""

    def __init__(self, html: str, writer: "_Writer") -> None:
        self.html = html
        self.writer = writer
        self.next_close = self.next_comment_end = -1
        self.never_closed: set[str] = set()

    def read(self) -> None:
        position = 0
        while match := _MARKUP.search(self.html, position):
            self.writer.add(self.html[position : match.start()])
            position = self._markup(match.start())
            if self.next_close == len(self.html):
                # No tag can end any more.
                break
        self.writer.add(self.html[position:])

    def _markup(self, start: int) -> int:
        """Deal with what begins at the '<'; gives where it ends."""
        if self.html.startswith("<!--", start):
            return self._after_comment(start)
        end = self._end_of_tag(start)
        if end < 0:
            self.writer.add("<")
            return start + 1
        match = _NAME.match(self.html, start + 1, end)
        name = match[1].lower() if match else ""
        if self.html[start + 1] == "/":
            self.writer.close(name)
        elif name in _RAW:
            return self._after_raw(name, end + 1)
        elif name:
            self.writer.open(name, self.html[start : end + 1])
        return end + 1

    def _after_comment(self, start: int) -> int:
        if self.next_comment_end < start + 2:
            found = self.html.find("-->", start + 2)
            self.next_comment_end = found if found >= 0 else len(self.html)
        return self.next_comment_end + 3 if self.next_comment_end < len(self.html) else start + 4

    def _end_of_tag(self, start: int) -> int:
        """Where its '>' stands, -1 when it has none; one inside a quoted value does not count."""
        if self.next_close < start:
            found = self.html.find(">", start)
            self.next_close = found if found >= 0 else len(self.html)
        end = self.next_close
        if end >= min(len(self.html), start + MAX_TAG):
            return -1
        for _ in range(8):
            if self.html.count('"', start, end) % 2 == 0:
                break
            further = self.html.find(">", end + 1, start + MAX_TAG)
            if further < 0:
                break
            end = further
        return end

    def _after_raw(self, name: str, position: int) -> int:
        """Behind the content of a script or the like; when it is never closed, only the tag is left out."""
        if name in self.never_closed:
            return position
        match = re.compile(rf"</{name}[^<>]*>?", re.IGNORECASE).search(self.html, position)
        if not match:
            self.never_closed.add(name)
            return position
        return match.end()


class _Writer:
    def __init__(self) -> None:
        self.pieces: list[str] = []
        # Line feeds at the end so far; the beginning counts as an empty line.
        self.feeds = 2
        self.gap = ""
        self.is_after_bullet = False
        self.quotes = 0
        self.preformatted = 0
        self.counters: list[int] = []
        self.link, self.link_start = "", 0

    def text(self) -> str:
        lines = (line.rstrip() for line in plain_text("".join(self.pieces)).split("\n"))
        return "\n".join(lines).strip("\n")

    def add(self, raw: str) -> None:
        text = unescape(_ENDLESS_NUMBER.sub("", raw))
        if self.preformatted:
            self._add_preformatted(text)
            return
        text = _SPACES.sub(" ", text)
        if text.startswith(" "):
            self.gap = self.gap or " "
        words = text.strip(" ").replace("\xa0", " ")
        if words:
            self._put(words)
            self.gap = " " if text.endswith(" ") else ""

    def open(self, name: str, tag: str) -> None:
        if name == "br":
            self._feed()
        elif name in _PARAGRAPHS:
            self._break(2)
        elif name in _LINES:
            self._break(1)
        elif name in ("td", "th"):
            self.gap = "\t"
        if name in ("ul", "ol"):
            self.counters.append(0 if name == "ol" else -1)
        elif name == "li":
            self._open_item()
        elif name == "blockquote":
            self.quotes += 1
        elif name == "pre":
            self.preformatted += 1
        elif name == "a":
            self._open_link(tag)

    def close(self, name: str) -> None:
        if name == "a":
            self._close_link()
        elif name in _PARAGRAPHS:
            self._break(2)
        elif name in _LINES or name == "li":
            self._break(1)
        if name in ("ul", "ol") and self.counters:
            self.counters.pop()
        elif name == "blockquote":
            self.quotes = max(0, self.quotes - 1)
        elif name == "pre":
            self.preformatted = max(0, self.preformatted - 1)

    def _put(self, words: str) -> None:
        if self.feeds:
            self.pieces.append("> " * min(self.quotes, MAX_QUOTES))
        elif self.gap:
            self.pieces.append(self.gap)
        self.pieces.append(words)
        self.gap, self.feeds, self.is_after_bullet = "", 0, False

    def _feed(self) -> None:
        self.gap, self.is_after_bullet = "", False
        if self.feeds < MAX_FEEDS:
            self.pieces.append("\n")
            self.feeds += 1

    def _break(self, feeds: int) -> None:
        if self.is_after_bullet:
            return
        self.gap = ""
        while self.feeds < feeds:
            self.pieces.append("\n")
            self.feeds += 1

    def _add_preformatted(self, text: str) -> None:
        for number, line in enumerate(text.replace("\r\n", "\n").split("\n")):
            if number:
                self._feed()
            if line:
                self._put(line)

    def _open_item(self) -> None:
        self._break(1)
        bullet = "-"
        if self.counters and self.counters[-1] >= 0:
            self.counters[-1] += 1
            bullet = f"{self.counters[-1]}."
        self._put("  " * min(len(self.counters) - 1, MAX_INDENT) + bullet)
        self.gap, self.is_after_bullet = " ", True

    def _open_link(self, tag: str) -> None:
        match = _HREF.search(tag[:MAX_LINK_TAG])
        self.link = unescape(_ENDLESS_NUMBER.sub("", match[1] or match[2] or match[3])).strip() if match else ""
        self.link_start = len(self.pieces)

    def _close_link(self) -> None:
        """The address behind the words, unless the words already show it."""
        link, self.link = self.link, ""
        words = "".join(self.pieces[self.link_start :]).strip()
        shown = link.split("?")[0].removeprefix("mailto:").removeprefix("https://").removeprefix("http://").rstrip("/")
        if words and link.lower().startswith(_SHOWN_LINKS) and shown not in words:
            gap, self.gap = self.gap, " "
            self._put(f"<{link.removeprefix('mailto:')}>")
            self.gap = gap
