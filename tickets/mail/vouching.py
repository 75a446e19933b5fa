"""Who is believed to have written a message. A From line is a claim; two things prove it.

Our signed address, which only who got a mail of ours knows; or the word of the desk's own relay, which has checked the
sender's signature (RFC 8601: only fields with the relay's own name count, and of those the topmost, its last).
"""

import re

from tickets.mail.addresses import read_reply_address
from tickets.mail.parse import ParsedMessage
from tickets.models import IncomingMessage
from tickets.models.incoming import Source

# Where a mail server that collected for us notes to whom it delivered; To and Cc are what the sender's program wrote.
_DELIVERED_TO = ("delivered-to", "x-original-to", "x-delivered-to", "envelope-to", "x-envelope-to")
MOST_ADDRESSES = 50
LONGEST_FIELD = 8_000  # characters
# What a mailbox at Microsoft 365 has as its relay.
MICROSOFT = "protection.outlook.com"

_COMMENT = re.compile(r"\([^()]*\)")
_QUOTED = r'"(?:[^"\\]|\\.)*+"'
_PIECE = re.compile(_QUOTED + r'|[();"]|[^();"]+', re.DOTALL)
_VALUE = rf'(?:{_QUOTED}|[^\s;"])++'
_RESULT = re.compile(rf"([a-z0-9-]+)\s*=\s*([a-z]+)((?:\s+[a-z0-9._-]+\s*=\s*{_VALUE})*+)", re.IGNORECASE | re.DOTALL)
_PROPERTY = re.compile(rf"([a-z0-9._-]+)\s*=\s*({_VALUE})", re.IGNORECASE | re.DOTALL)


def signed_for(message: IncomingMessage, parsed: ParsedMessage) -> list[tuple[int, int]]:
    """(ticket id, person id) of each address among the recipients that we signed."""
    found = [read_reply_address(address) for address in _recipients(message, parsed)]
    return list(dict.fromkeys(one for one in found if one is not None))


def _recipients(message: IncomingMessage, parsed: ParsedMessage) -> list[str]:
    """The envelope's recipient; where a message was collected or piped the envelope is gone, and headers have it."""
    if message.source == Source.SMTP:
        return [message.envelope_to]
    delivered = [value.strip("<> ") for name in _DELIVERED_TO for value in parsed.all_headers(name)]
    named = [address for _name, address in (*parsed.to, *parsed.cc)]
    return [message.envelope_to, *delivered[:MOST_ADDRESSES], *named[:MOST_ADDRESSES]]


def relay_of(message: IncomingMessage) -> str:
    """Whose word counts for this message; nobody's for what came past the relay, straight to our listener."""
    is_past = message.source == Source.SMTP and (message.mailbox.is_collected or not message.by_relay)
    return "" if is_past else message.mailbox.relay


def is_vouched_for(parsed: ParsedMessage, relay: str) -> bool:
    """Whether the desk's relay found that the From domain itself stands behind the message.

    `dmarc=pass` says so; else a passed DKIM signature or SPF check of exactly the From's domain.
    """
    domain = parsed.from_address.rpartition("@")[2]
    return any(_stands_behind(domain, *result) for result in _relays_results(parsed, relay))


def is_denied(parsed: ParsedMessage, relay: str) -> bool:
    """Whether the relay found that the From domain does not stand behind it."""
    return any(method == "dmarc" and result == "fail" for method, result, _ in _relays_results(parsed, relay))


def _relays_results(parsed: ParsedMessage, relay: str) -> list[tuple[str, str, dict[str, str]]]:
    """What the topmost field in the relay's name says."""
    if not relay or not parsed.from_address:
        return []
    found = parsed.authentication_results
    own = [value for value in found if _author(value) == relay.lower()]
    # A field without a name could be anybody's; Microsoft 365 writes its own above all others.
    if not own or len(own[0]) > LONGEST_FIELD or (relay.lower() == MICROSOFT and own[0] != found[0]):
        return []
    return _results(own[0])


def _author(value: str) -> str:
    """The authserv-id, with which the field begins."""
    words = _COMMENT.sub(" ", value).partition(";")[0].split()
    # Microsoft 365 leaves its name out, and begins with a result.
    return MICROSOFT if words and "=" in words[0] else words[0].lower() if words else ""


def _results(value: str) -> list[tuple[str, str, dict[str, str]]]:
    """(method, result, properties) of a field."""
    found = []
    for part in _parts(value):  # the author's name is no result
        match = _RESULT.fullmatch(part.strip())
        if match:
            given = {one[1].lower(): _unquoted(one[2]).lower() for one in _PROPERTY.finditer(match[3])}
            found.append((match[1].lower(), match[2].lower(), given))
    return found


def _parts(value: str) -> list[str]:
    """What stands between the semicolons, without comments; [] where quotes or brackets do not close.

    Relays repeat the sender's own words: 'MAIL FROM:<"a; dmarc=pass b"@x.example>' is no result of theirs, neither in a
    quoted value nor in a comment that those words would end.
    """
    parts, depth = [""], 0
    for piece in _PIECE.findall(value):
        if piece == '"' or (depth and '"' in piece):
            return []
        depth += {"(": 1, ")": -1}.get(piece, 0)
        if depth < 0:
            return []
        if piece == ";" and not depth:
            parts.append("")
        else:
            parts[-1] += " " if depth or piece == ")" else piece
    return [] if depth else parts


def _unquoted(value: str) -> str:
    """Only what is quoted as a whole: in '"a@b.example"@c.example' the quotes are a part of the address."""
    return value[1:-1] if re.fullmatch(_QUOTED, value, re.DOTALL) else value


def _stands_behind(domain: str, method: str, result: str, given: dict[str, str]) -> bool:
    if result != "pass":
        return False
    if method == "dmarc":
        return given.get("header.from", domain) == domain
    if method == "dkim":
        return given.get("header.d", "") == domain or given.get("header.i", "").rpartition("@")[2] == domain
    return method == "spf" and given.get("smtp.mailfrom", "").rpartition("@")[2] == domain
