"""What a person wrote, apart from what his mail program quoted. Only folds: no word of the text is lost."""

import re
from dataclasses import dataclass
from functools import lru_cache

from mailparser_reply import EmailReplyParser
from mailparser_reply.parser import EmailMessage

MAX_LINES = 20_000  # that are searched for the beginning of the old message
MAX_LINE = 400  # characters of a line that are looked at
MAX_ATTRIBUTION = 4  # lines
MAX_BLOCK = 10  # lines
# The library's patterns take time in the square of a line and go through the text once a language.
MAX_FOR_LIBRARY, MAX_LINE_FOR_LIBRARY = 20_000, 200
LIBRARY_LANGUAGES = ["de", "fr", "es", "it", "nl", "sv", "da"]

_QUOTED = re.compile(r"\s*>")
_ADDRESS = re.compile(r"[^\s@<>]@[^\s@<>]")
_TIME = re.compile(r"\d{1,2}[:.]\d{2}(?!\d)")
_ADDRESS_BEFORE_COLON = re.compile(r"<[^\s<>@]+@[^\s<>@]+>\)?:$")

# 'wrote:' at the end of a line, in the languages of the desk and of their neighbours.
_WROTE = re.compile(
    r"(?:\bwrote|\bwrites|\brakst(?:īja|a)|\bnapsal(?:\(a\)|a|i)?|\bnapísal(?:\(a\)|a)?|\bnapisał(?:\(a\)|a)?|\bpisze"
    r"|\b(?:на)?пис(?:ал(?:\([аи]\)|а)?|ав(?:\(ла\))?)|\bпиш(?:ет|е)|\bschrieb|\bparašė|\brašė|\bkirjutas"
    r"|\bescribió|\bécrit|\bha scritto|\bschreef|\bskrev|\bkirjoitti)(?:[ \t].{0,120})?:$",
    re.IGNORECASE,
)
# How an attribution begins: with a word for 'on', a weekday or a number of the date.
_ATTRIBUTION_START = re.compile(
    r"[>\s]*(?:on|am|dne|dňa|dnia|w dniu|le|el|il|op|den|"
    r"(?:pirmd|otrd|trešd|ceturtd|piektd|sestd|svētd|po|út|st|čt|pá|so|ne|pon|wt|śr|czw|pt|sob|niedz|ndz"
    r"|пн|вт|ср|чт|пт|сб|вс|нд|понедельник|вторник|среда|четверг|пятница|суббота|воскресенье)\w*[.,]*)\s|[>\s]*\d",
    re.IGNORECASE,
)

_SEPARATOR = re.compile(
    r"[-_\s*]{2,}+(?:(?:original|reply) message|on .{5,200} wrote|ursprüngliche nachricht"
    r"|(?:oriģināl|sākotnēj)(?:ais|ā) (?:ziņojums|vēstule)"
    r"|původní (?:zpráva|e-?mail)|pôvodná správa|(?:oryginalna )?wiadomość(?: oryginalna)?"
    r"|(?:исходное|оригинальное) сообщение|оригінальне повідомлення|message d'origine|messaggio originale"
    r"|mensaje original|oorspronkelijk bericht|ursprungligt meddelande)[-_\s*]{2,}$",
    re.IGNORECASE,
)
_FORWARDED = re.compile(
    r"[-_\s*]*+(?:begin )?(?:forwarded message|pārsūtīt[aās]\w* (?:ziņ\w+|vēstule)|přeposlaná zpráva"
    r"|přeposílaná zpráva|(?:przekazana wiadomość|wiadomość przekazana)|пересылаемое (?:сообщение|письмо)"
    r"|пересланное (?:сообщение|письмо)|переслане повідомлення|weitergeleitete nachricht)\b[^:\n]{0,60}:?[-_\s*]*$",
    re.IGNORECASE,
)
_RULE = re.compile(r"\s*+[_\-=*]{5,}+\s*$")

# The header block that Outlook and its like put over the old message: each kind of label, once.
_LABELS = {
    "from": "from|no|od|від|от|von|de|da|van|från|fra|nuo|saatja|отправитель",
    "to": "to|kam|komu|do|кому|an|à|para|a|aan|till|til|kellele",
    "date": "sent|date|nosūtīts|sūtīts|datums|odesláno|datum|wysłano|data|отправлено|дата|надіслано|gesendet|envoyé"
    "|enviado|inviato|verzonden|skickat|sendt|saadetud|išsiųsta|fecha|odoslané|dátum",
    "subject": "subject|tēma|temats|předmět|temat|тема|betreff|objet|asunto|oggetto|onderwerp|ämne|emne|tema|teema"
    "|predmet",
}
_LABEL = re.compile(
    r"[>\s*]*+(?:" + "|".join(f"(?P<{kind}>{words})" for kind, words in _LABELS.items()) + r")\s?\*?:", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class _Cut:
    """Where the old message begins (`line`) and where its first words stand (`body`)."""

    line: int
    body: int
    # Something said so: an attribution. Quotation marks alone are weak evidence.
    is_certain: bool = True
    # Programs that mark quoted lines let people answer below or between them; header blocks are for top-posting.
    may_be_answered_below: bool = True


_NOT_FOUND = _Cut(-1, -1)
_NOTHING_OLD = _Cut(-2, -2)


def reply_text(text: str) -> tuple[str, str]:
    """(what the person wrote, the rest).

    Answers below or between quoted lines count as written. When nothing would be left as written, all of it is.
    """
    lines = text.split("\n")
    seen = [line[:MAX_LINE].rstrip() for line in lines]
    cut = _first_cut(seen)
    if cut == _NOT_FOUND:
        cut = _cut_by_library(seen)
    quoted = _quoted(seen, cut)
    above, below = lines[: quoted.start], lines[quoted.stop :]
    written = "\n\n".join(filter(str.strip, ("\n".join(part).strip("\n") for part in (above, below))))
    if not written:
        return text.strip("\n"), ""
    return written, "\n".join(lines[quoted.start : quoted.stop]).strip("\n")


def _quoted(seen: list[str], cut: _Cut) -> range:
    """The lines to fold."""
    if cut in (_NOT_FOUND, _NOTHING_OLD):
        return range(0)
    all_below = range(cut.line, len(seen))
    marked = [number for number in all_below if _QUOTED.match(seen[number])]
    if not cut.may_be_answered_below or not marked or _next_filled(seen, cut.body) != marked[0]:
        return all_below
    if any(_is_answer(seen, number) for number in range(marked[0], marked[-1])):
        # The answers make no sense without the questions between them.
        return range(0)
    if _next_filled(seen, marked[-1] + 1) < 0:
        return all_below if cut.is_certain or len(marked) > 1 else range(0)
    return range(cut.line, marked[-1] + 1) if cut.is_certain else range(0)


def _is_answer(seen: list[str], number: int) -> bool:
    """A filled line without mark; but one that is pressed between marked lines is only the end of a wrapped one."""
    if not seen[number].strip() or _QUOTED.match(seen[number]):
        return False
    return not (_QUOTED.match(seen[number - 1]) and _QUOTED.match(seen[number + 1]))


def _next_filled(seen: list[str], start: int) -> int:
    return next((number for number in range(start, len(seen)) if seen[number].strip()), -1)


def _first_cut(seen: list[str]) -> _Cut:
    weak = _NOT_FOUND
    for number, line in enumerate(seen[:MAX_LINES]):
        if not line:
            continue
        if _QUOTED.match(line):
            weak = _cut_at_mark(seen, number) if weak == _NOT_FOUND else weak
            continue
        if _FORWARDED.match(line):
            # What somebody forwards is what he wants us to read.
            return _NOTHING_OLD
        if _SEPARATOR.match(line):
            return _Cut(number, number + 1, may_be_answered_below=False)
        start = _attribution(seen, number) if line.endswith(":") else -1
        if start >= 0:
            return _Cut(start, number + 1)
        if _LABEL.match(line) and _is_header_block(seen, number):
            return _Cut(_with_rule(seen, number), number, may_be_answered_below=False)
    return weak


def _cut_at_mark(seen: list[str], number: int) -> _Cut:
    """The first quoted line. Some programs mark the attribution too, some leave out its colon."""
    above = next((one for one in range(number - 1, max(number - 3, -1), -1) if seen[one]), -1)
    if above >= 0 and _ATTRIBUTION_START.match(seen[above]) and _ADDRESS.search(seen[above]):
        return _Cut(above, number)
    for end in range(number, min(number + MAX_ATTRIBUTION, len(seen))):
        bare = [line.lstrip("> ") for line in seen[number : end + 1]]
        if bare[-1].endswith(":") and _attribution([*bare, ">"], len(bare) - 1) >= 0:
            return _Cut(number, number)
    return _Cut(number, number, is_certain=False)


def _attribution(seen: list[str], end: int) -> int:
    """The line where the attribution that ends in line `end` begins, -1 when it is none."""
    following = _next_filled(seen, end + 1)
    is_followed_by_quote = following >= 0 and bool(_QUOTED.match(seen[following]))
    joined, fallback = "", -1
    for start in range(end, max(end - MAX_ATTRIBUTION, -1), -1):
        if not seen[start].strip() or (start < end and seen[start].endswith(":")):
            break
        joined = f"{seen[start].strip()} {joined}".strip()
        if not _says_who_wrote(joined, is_followed_by_quote):
            continue
        if _ATTRIBUTION_START.match(seen[start]):
            return start
        if fallback < 0 and is_followed_by_quote:
            fallback = start
    return fallback


def _says_who_wrote(line: str, is_followed_by_quote: bool) -> bool:
    if _WROTE.search(line):
        return is_followed_by_quote or bool(_ADDRESS.search(line) or _TIME.search(line))
    return bool(_ADDRESS_BEFORE_COLON.search(line) and _TIME.search(line))


def _is_header_block(seen: list[str], start: int) -> bool:
    kinds: set[str] = set()
    unlabelled = 0
    for line in seen[start : start + MAX_BLOCK]:
        match = _LABEL.match(line)
        unlabelled = 0 if match else unlabelled + 1
        if unlabelled > 2:
            break
        kinds |= {match.lastgroup} if match and match.lastgroup else set()
    return {"from", "subject"} <= kinds and bool(kinds & {"date", "to"})


def _with_rule(seen: list[str], number: int) -> int:
    """The line that is drawn above a header block belongs to it."""
    above = next((one for one in range(number - 1, max(number - 4, -1), -1) if seen[one].strip()), number)
    return above if _RULE.match(seen[above]) else number


@lru_cache(maxsize=1)
def _library_pattern() -> re.Pattern[str]:
    languages = EmailReplyParser(languages=LIBRARY_LANGUAGES).languages
    pattern: re.Pattern[str] = EmailMessage(text="", languages=list(dict.fromkeys(languages))).HEADER_REGEX
    return pattern


def _cut_by_library(seen: list[str]) -> _Cut:
    """A second opinion, for languages that are not ours."""
    lines: list[str] = []
    size = 0
    for line in seen:
        size += len(line) + 1
        if size > MAX_FOR_LIBRARY:
            break
        lines.append("" if len(line) > MAX_LINE_FOR_LIBRARY else line.strip())
    text = "\n".join(lines)
    match = _library_pattern().search(text)
    if not match:
        return _NOT_FOUND
    start = match.start() + len(match[0]) - len(match[0].lstrip())
    first = text.count("\n", 0, start)
    found = match[0].strip().split("\n")
    is_dated = _TIME.search(match[0]) or _ADDRESS.search(match[0])
    if found[-1].endswith(":") and len(found) <= MAX_ATTRIBUTION and is_dated:
        return _Cut(first, first + len(found))
    is_block = sum(":" in line for line in found) >= 3
    return _Cut(first, first, may_be_answered_below=False) if is_block else _NOT_FOUND
