"""What a mail server says about a letter of ours that it could not deliver."""

import re
from dataclasses import dataclass

import structlog
from django.utils import timezone

from accounts import events
from accounts.models import Person
from notifications.delivery import letter_marks
from notifications.models import OutboxMessage, OutboxState
from tickets import notices
from tickets.mail.clean import one_line
from tickets.mail.headers import message_ids
from tickets.mail.parse import ParsedMessage
from tickets.models import Ticket

log = structlog.get_logger(__name__)

MOST_SEARCHED = 200_000  # bytes of a part
MOST_IDS = 50
MOST_WORDS = 400
MOST_TICKETS = 50

_MESSAGE_ID = re.compile(rb"^message-id:\s*(<[^<>\r\n]{1,500}>)", re.IGNORECASE | re.MULTILINE)
_ACTION = re.compile(rb"^action:[ \t]*([a-z]+)", re.IGNORECASE | re.MULTILINE)
_STATUS = re.compile(rb"^status:[ \t]*([245])\.\d{1,3}\.\d{1,3}", re.IGNORECASE | re.MULTILINE)
_ABOUT_MESSAGE = re.compile(rb"\b5\.(?:2\.[23]|3\.\d{1,3}|6\.\d{1,3}|7\.\d{1,3})\b")
_WORDS = re.compile(rb"^diagnostic-code:[ \t]*([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)", re.IGNORECASE | re.MULTILINE)
# In a report without fields: '550 No such user', '5.1.1', and no telephone number.
_LOOSE_CODE = re.compile(r"(?<![\w.+-])([45])(?:[0-57]\d[ -](?!\d\d)|\.[0-7]\.\d{1,3}\b)")
# Prices and dates look like codes too: then the words have to say what happened.
_SURE_CODE = re.compile(r"\b5\d\d[ -]#?5\.\d{1,3}\.\d{1,3}\b")
_FAILED = re.compile(
    r"\b(?:not (?:be )?(?:delivered|found|exist)|fail|reject|refus|denied|returned to|unknown|invalid"
    r"|undeliver|no (?:such|mailbox)|unavailable|disabled|does ?n[o']t (?:exist|like))",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Bounce:
    """Which letter did not arrive, whether it never will, and the server's words."""

    letter: OutboxMessage
    is_permanent: bool
    words: str
    # The address does not exist. A full mailbox, a message that is too large or taken for spam says nothing about it,
    # and neither does a report that does not show the letter itself: its Message-ID is known to who was in copy.
    is_about_address: bool


def read_bounce(parsed: ParsedMessage) -> Bounce | None:
    """None where no letter of ours is named: its Message-ID cannot be guessed, so naming it proves who got it."""
    parts = [parsed.text.encode("utf_8", "replace")[:MOST_SEARCHED], *_first_bytes(parsed)]
    found = b"\n".join(match[1] for part in parts for match in _MESSAGE_ID.finditer(part))
    ids = [*message_ids(found.decode("ascii", "replace")), parsed.in_reply_to, *parsed.references]
    letter = OutboxMessage.objects.filter(message_id__in=[one for one in ids if one][:MOST_IDS]).first()
    if letter is None:
        return None
    reports = b"\n".join(parts)
    said = _before_our_letter(parsed.text)
    is_shown = any(mark.encode() in reports for mark in letter_marks(letter.message_id))
    about_address = is_shown and not _ABOUT_MESSAGE.search(reports)
    return Bounce(letter, _is_permanent(reports, said), _words(reports, said), about_address)


def _before_our_letter(text: str) -> str:
    """What the server itself says: our letter, repeated below it, may be full of numbers."""
    found = re.search(r"^message-id:", text[:MOST_SEARCHED], re.IGNORECASE | re.MULTILINE)
    return text[: found.start() if found else MOST_SEARCHED]


def _first_bytes(parsed: ParsedMessage) -> list[bytes]:
    return [next(iter(one.pieces()), b"")[:MOST_SEARCHED] for one in parsed.attachments[:10]]


def _is_permanent(reports: bytes, text: str) -> bool:
    """By the report's own fields (RFC 3464), else by the first code in its text. Delays are not failures."""
    actions = {match[1].lower() for match in _ACTION.finditer(reports)}
    if actions and b"failed" not in actions:
        return False
    status = _STATUS.search(reports)
    if status:
        return status[1] == b"5"
    loose = _LOOSE_CODE.search(text)
    is_failure = bool(_SURE_CODE.search(text) or _FAILED.search(text))
    return loose is not None and loose[1] == "5" and is_failure


def _words(reports: bytes, text: str) -> str:
    said = _WORDS.search(reports)
    if said:
        return one_line(said[1].decode("utf_8", "replace"), MOST_WORDS)
    lines = [line for line in text.splitlines() if _LOOSE_CODE.search(line)]
    return one_line(lines[0] if lines else text[:MOST_WORDS], MOST_WORDS)


def note_bounce(bounce: Bounce) -> Ticket | None:
    """Mark the letter as bounced, and the address as gone when it is; the ticket's people at the desk hear of it.

    Returns the ticket that the letter was about. A report that comes twice is noted once.
    """
    letter = bounce.letter
    # What went along with it did not arrive either.
    carried = list(OutboxMessage.objects.filter(sent_with=letter).order_by("id"))
    tickets = _tickets_of([letter, *carried])
    ticket = tickets[0] if tickets else None
    marked = OutboxMessage.objects.filter(pk=letter.pk, state=OutboxState.SENT)
    if not bounce.is_permanent or not marked.update(state=OutboxState.BOUNCED, error=bounce.words):
        return ticket
    OutboxMessage.objects.filter(pk__in=[row.pk for row in carried]).update(
        state=OutboxState.BOUNCED, error=bounce.words
    )
    log.info("letter bounced", message=letter.message_id, words=bounce.words)
    person = letter.to_person
    if person is not None and person.email == letter.to_address and bounce.is_about_address:
        _stop_writing_to(person, bounce.words)
    if person is not None:
        for one in tickets:
            events.record("ticket.mail_bounced", one, by=None, person=person.pk)
            notices.mail_bounced(one, person, bounce.words)
    return ticket


def _tickets_of(letters: list[OutboxMessage]) -> list[Ticket]:
    """What they are about, each once: a summary is about several."""
    label = Ticket._meta.label_lower
    ids = list(dict.fromkeys(row.about_id for row in letters if row.about_label == label))[:MOST_TICKETS]
    found = {row.pk: row for row in Ticket.objects.filter(pk__in=ids).select_related("tenant", "assignee", "requester")}
    return [found[pk] for pk in ids if pk in found]


def _stop_writing_to(person: Person, words: str) -> None:
    person.address_failed_at, person.address_failed_words = timezone.now(), words
    person.save(update_fields=["address_failed_at", "address_failed_words"])
    events.record("person.address_failed", person, by=None)
