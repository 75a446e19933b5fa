"""Text from people, made fit for print."""

import re
import unicodedata

# What both our font files can draw: Latin, Greek, Cyrillic, and the signs that turn up in business letters.
# PDF/A forbids text without a glyph, so the typesetter would refuse the whole document for one emoji.
PRINTABLE = (
    r"\n -~\u00a0-\u00ac\u00ae-\u0148\u014a-\u01c3\u01c5-\u0254"
    r"\u0300-\u0304\u0306-\u030a\u030c"
    r"\u0384-\u038a\u038c\u038e-\u03a1\u03a3-\u03ce\u0400-\u0479\u0490-\u049d\u04a0-\u04ff"
    r"\u1e00-\u1e9b\u1e9d-\u1eff\u2000-\u200a\u2010-\u2027\u202f-\u2055"
    r"\u2070\u2071\u2074-\u208e\u20a0-\u20af\u20b1-\u20b5\u20b8-\u20ba\u20bc-\u20bf"
    r"\u2116\u2122\u2126\u2150-\u215f\u2190-\u2199\u2212\u221a\u221e\u2248\u2260\u2264\u2265"
    r"\u25a0-\u25a2\u25cf\u2713\u2717"
)
MISSING = "\u25a1"

_unprintable = re.compile(f"[^{PRINTABLE}]")
_line_ends = re.compile(r"\r\n?|[\u0085\u2028\u2029\v\f]")
# Two marks on a letter exist in real names; a tower of them would run over the lines above.
_marks = re.compile(r"([\u0300-\u036f]{2})[\u0300-\u036f]+")


def clean(text: str) -> str:
    """The text with its line breaks, without control, direction and invisible signs; a box for what has no glyph."""
    text = unicodedata.normalize("NFC", _line_ends.sub("\n", text).replace("\t", " "))
    return _unprintable.sub(_substitute, _marks.sub(r"\1", text)).strip()


def clean_line(text: str) -> str:
    """The same on one line."""
    return " ".join(clean(text).split())


def shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _substitute(match: re.Match[str]) -> str:
    # Controls, format signs (U+202E turns text round), halves of pairs and stray marks say nothing in print.
    return "" if unicodedata.category(match[0]) in {"Cc", "Cf", "Cs", "Mn", "Me"} else MISSING
