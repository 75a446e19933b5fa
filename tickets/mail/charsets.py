"""Bytes to text, whatever the sender calls his charset."""

import re
from encodings.aliases import aliases
from functools import lru_cache

# Only names from this table reach Python's codec machinery: it remembers every unknown name for ever, and some codecs
# (punycode, unicode_escape) are slow or no charsets at all.
_NO_CHARSETS = {"base64_codec", "bz2_codec", "hex_codec", "mbcs", "quopri_codec", "rot_13", "uu_codec", "zlib_codec"}
_UNALIASED = {"cp720", "cp737", "cp856", "cp874", "cp1006", "koi8_t", "koi8_u", "mac_croatian", "mac_romanian"}
_CODECS = {name: codec for name, codec in aliases.items() if codec not in _NO_CHARSETS}
_CODECS |= {codec: codec for codec in _CODECS.values()} | {name: name for name in _UNALIASED}
_CODECS |= {
    "ansi": "cp1252",
    "ansi_x3_110_1983": "latin_1",
    "iso_8859_8_e": "iso8859_8",
    "iso_8859_8_i": "iso8859_8",
    "koi8": "koi8_r",
    "koi8_ru": "koi8_u",
    "mac": "mac_roman",
    "macintosh": "mac_roman",
    "unicode_1_1_utf_7": "utf_7",
    "utf8mb4": "utf_8",
    "windows_874": "cp874",
    "windows_31j": "cp932",
    "x_gbk": "gb18030",
    "x_mac_cyrillic": "mac_cyrillic",
    "x_mac_ce": "mac_latin2",
    "x_sjis": "cp932",
}
# What senders call by the first name they write in the second, a superset with quotes, dashes and more letters.
_WIDER = {"latin_1": "cp1252", "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949"}
_CODECS = {name: _WIDER.get(codec, codec) for name, codec in _CODECS.items()}

_NAME = re.compile(r"[a-z0-9_]{1,40}")


@lru_cache(maxsize=512)
def codec_of(charset: str) -> str:
    """Python's codec for a declared charset, '' for an unknown one."""
    name = re.sub(r"[^a-z0-9]+", "_", charset[:60].lower()).strip("_")
    if not _NAME.fullmatch(name):
        return ""
    for candidate in (name, name.removeprefix("x_"), re.sub(r"^(?:cp_|windows|win_?|x_cp)_?", "cp", name)):
        if candidate in _CODECS:
            return _CODECS[candidate]
    return ""


def decode(data: bytes, charset: str = "", *, hint: str = "") -> tuple[str, bool]:
    """The text, and whether the declared charset (none means ASCII) was the true one.

    Tried in turn: the declared charset, UTF-8, the hinted one, Windows-1252, which reads everything.
    """
    declared = codec_of(charset) if charset else "ascii"
    for codec in (declared, "utf_8", codec_of(hint)):
        text = _strict(data, codec)
        if text is not None:
            return text, codec == declared
    return _best_effort(data, declared), False


def _strict(data: bytes, codec: str) -> str | None:
    if not codec:
        return None
    try:
        return data.decode(codec)
    except (ValueError, LookupError):
        # Windows-1252 leaves five bytes undefined; Latin 1 has no holes.
        return data.decode("latin_1") if codec == "cp1252" else None


def _best_effort(data: bytes, declared: str) -> str:
    """Text cut inside a character is still mostly right in its own charset; text in another charset is mostly wrong."""
    codec = declared if declared not in ("", "ascii") else "utf_8"
    try:
        text = data.decode(codec, "replace")
    except (ValueError, LookupError):
        return _strict(data, "cp1252") or ""
    wrong = text.count("\ufffd")
    right = len(text) - len(text.encode("ascii", "ignore")) - wrong
    return text if right > wrong else _strict(data, "cp1252") or ""
