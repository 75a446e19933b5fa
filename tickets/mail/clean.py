"""Make what strangers send safe to show and to store: single lines, texts, HTML."""

import re
import unicodedata
from html.entities import html5

import nh3

MAX_HTML = 1_000_000  # characters, of the HTML that comes in and of what goes out
# An HTML parser takes time in the square of the nesting, of the attributes of one tag, and of the formatting tags that
# it must repeat in each paragraph. With these limits the worst that we found takes about a second.
MAX_TAGS, MAX_OPENED = 30_000, 10_000
MAX_BETWEEN_TAGS = 100_000  # characters
MAX_FORMATTED = 50  # tags with attributes that a paragraph would repeat; with more of them all lose their attributes

# Control and format characters that hide text or turn its direction. The two joiners (U+200C, U+200D) stay: Persian and
# emoji need them. Line breaks are not in here, each caller has its own use for them.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f\ud800-\udfff]"
)
_LINE_BREAK = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_UNSTORABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")

_CELL = {"align", "valign", "colspan", "rowspan", "width"}
_ATTRIBUTES = {
    "*": {"title", "dir", "lang"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "font": {"color"},
    "ol": {"start", "type"},
    "li": {"value"},
    "table": {"align", "border", "cellpadding", "cellspacing", "width"},
    "td": _CELL,
    "th": _CELL | {"scope"},
}
_TAG_NAMES = (
    "a abbr address b bdi big blockquote br caption center cite code col colgroup dd del dfn div dl dt em figcaption "
    "figure font h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp small span strike strong sub sup table "
    "tbody td tfoot th thead tr tt u ul var"
)
# Of these the content goes too; of every other unknown tag only the tag.
_DROPPED_TAG_NAMES = "applet embed iframe math noembed noframes object script style svg template textarea title"
_TAGS, _DROPPED_TAGS = set(_TAG_NAMES.split()), set(_DROPPED_TAG_NAMES.split())
_SCHEMES = {"http", "https", "mailto", "tel", "cid"}
_IMAGE_WITHOUT_SOURCE = re.compile(r'<img(?:\s+(?!src=)[a-z]+="[^"]*")*\s*/?>')
# An embedded picture: dropped anyway, and megabytes long.
_EMBEDDED_DATA = re.compile(r"data:[a-z/+.-]{1,80};base64,[A-Za-z0-9+/=%]*", re.IGNORECASE)
_FORMATTING = re.compile(r"<(b|big|code|em|font|i|s|small|strike|strong|tt|u)[\s/][^<>]*>", re.IGNORECASE)
_FORMATTING_LEFT = re.compile(r"<(?:b|big|code|em|font|i|s|small|strike|strong|tt|u)[\s/]", re.IGNORECASE)
_REFERENCE = re.compile(r"&(#[0-9]{1,7};|#[xX][0-9A-Fa-f]{1,6};|[A-Za-z][A-Za-z0-9]{1,31};)?")


def one_line(text: str, limit: int) -> str:
    """The text on one line of at most `limit` characters, without anything invisible."""
    # Cut first: normalising takes time in the square of a run of combining characters.
    text = unicodedata.normalize("NFC", _INVISIBLE.sub("", text[: limit * 8]))
    return " ".join(text.split())[:limit].rstrip()


def plain_text(text: str) -> str:
    """The text with LF as its only line break and nothing that a database refuses."""
    text = _UNSTORABLE.sub("", _LINE_BREAK.sub("\n", text))
    return _SURROGATE.sub("\ufffd", text).removeprefix("\ufeff")


def sanitise_html(html: str) -> str:
    """What is harmless in the HTML; images only from the message itself (cid:). Empty when it is too complex."""
    html = _EMBEDDED_DATA.sub("", html)
    if len(html) > MAX_HTML:
        return ""
    html = _REFERENCE.sub(_known_reference, plain_text(_calmed(html)))
    if _is_too_complex(html):
        return ""
    cleaned = nh3.clean(
        html,
        tags=_TAGS,
        clean_content_tags=_DROPPED_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=_filtered,
        url_schemes=_SCHEMES,
        url_relative="deny",
        link_rel="noopener nofollow",
    )
    # A line break that is written as a reference comes to life only now.
    cleaned = cleaned.replace("\r", "\n")
    return _IMAGE_WITHOUT_SOURCE.sub("", cleaned).strip() if len(cleaned) <= 2 * MAX_HTML else ""


def _calmed(html: str) -> str:
    return _FORMATTING.sub(r"<\1>", html) if len(_FORMATTING_LEFT.findall(html)) > MAX_FORMATTED else html


def _is_too_complex(html: str) -> bool:
    runs = html.split("<", MAX_TAGS + 1)
    if len(runs) > MAX_TAGS + 1 or max(map(len, runs)) > MAX_BETWEEN_TAGS:
        return True
    opened = sum(run[:1].isalpha() for run in runs)
    return opened > MAX_OPENED or len(_FORMATTING_LEFT.findall(html)) > MAX_FORMATTED


def _known_reference(match: re.Match[str]) -> str:
    """A bare '&' is escaped before the HTML parser sees it: for each it would copy all that follows."""
    name = match[1] or ""
    return match[0] if name[:1] == "#" or name in html5 else f"&amp;{name}"


def _filtered(tag: str, attribute: str, value: str) -> str | None:
    """An image never asks another server, and a link never points into the message."""
    value = value.strip()
    is_own = value[:4].lower() == "cid:"
    if attribute == "src":
        return f"cid:{value[4:]}" if is_own else None
    return None if attribute == "href" and is_own else value
