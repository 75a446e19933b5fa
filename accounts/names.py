"""Names and lines that strangers send: made harmless where they come in."""

import re
import unicodedata

LONGEST_NAME = 150  # characters
LONGEST_ENDING = 20  # a longer one is taken for a part of the name
NAMELESS = "file"

_UNSAFE = re.compile(r'[<>:"|?*]')
_RESERVED = re.compile(r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9¹²³])\s*(?:\.|$)", re.IGNORECASE)


def safe_name(name: str) -> str:
    """A file name that is safe to show and to save under: no path, nothing invisible, at most 150 characters."""
    if len(name) > 2 * LONGEST_NAME:
        name = name[:LONGEST_NAME] + name[-LONGEST_NAME:]
    parts = [part for part in re.split(r"[\\/]", unicodedata.normalize("NFC", visible(name))) if part.strip(" .")]
    safe = _UNSAFE.sub("_", parts[-1]) if parts else NAMELESS
    safe = " ".join(safe.split()).strip(" .")
    return _shortened(f"_{safe}" if _RESERVED.match(safe) else safe)


# Marks that turn the direction of writing, so that 'exe.pdf' reads like another name.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def deceives(text: str) -> bool:
    """Has control characters other than those of lines and tabs, or marks that turn the direction of writing."""
    return any(one in _TURNING or (unicodedata.category(one) == "Cc" and one not in "\t\n\r") for one in text)


def visible(text: str) -> str:
    """Without what cannot be seen: control characters, marks that turn the direction of writing, unknown letters."""
    return "".join(_visible(character) for character in text)


def one_line(text: str) -> str:
    """On one line: what could end a header line becomes a space, and what cannot be seen goes."""
    return " ".join(visible(" ".join(text.split())).split())


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Zl", "Zp", "Zs"):
        return " "
    return "" if category in ("Cc", "Cf", "Cs", "Co", "Cn") else character


def _shortened(name: str) -> str:
    if len(name) <= LONGEST_NAME:
        return name
    stem, dot, ending = name.rpartition(".")
    if not stem or len(ending) > LONGEST_ENDING:
        return name[:LONGEST_NAME].rstrip(" .")
    return stem[: LONGEST_NAME - len(ending) - 1].rstrip(" .") + dot + ending
