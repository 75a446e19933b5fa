"""From the outbox to the relay: claim in one transaction, send in none, note the result in another."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection, models
from django.db.models import F, Q
from django.db.models.functions import Greatest
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.hosts import current_host
from accounts.marks import marks
from accounts.tenancy import enter
from notifications import servers
from notifications.audience import may_still_read
from notifications.models import Going, OutboxMessage, OutboxState
from notifications.rendering import without_stop, write_out
from notifications.stopping import link_to_stop

INSTANCE_HEADER, LETTER_HEADER = "X-Desk-Instance", "X-Desk-Letter"

log = structlog.get_logger(__name__)

# A delivery that was claimed and not finished within this time was killed; the sweep takes it up again.
CLAIM = timedelta(minutes=5)
# What goes along comes up again after the letter that it goes with: so that one leads again, under the same Message-ID,
# by which a mail program knows that it has it already.
BEHIND = timedelta(seconds=1)
MOST_TOGETHER = 100
PEACE = timedelta(minutes=1)
LOCK = 0x6D61696C  # of the deliveries to one person, among all advisory locks
# Minutes until the next try; after the last one the message is failed and stays visible.
BACK_OFF = (1, 2, 5, 15, 60, 240, 480, 960)


@dataclass(frozen=True)
class Parcel:
    """A letter, and those whose news it carries besides its own."""

    letter: OutboxMessage
    companions: list[OutboxMessage]
    # Those of them that were to go later: when nothing goes out, they still do.
    early: frozenset[int] = frozenset()

    @property
    def rows(self) -> list[OutboxMessage]:
        return [self.letter, *self.companions]


def deliver(tenant_id: int, message_id: int) -> bool:
    """Send one message if it is due and nobody else is at it. True when it went out."""
    with enter(tenant_id):
        parcel = _claim(message_id)
    if parcel is None:
        return False
    try:
        with enter(tenant_id):
            write_out(parcel.letter, parcel.companions)
            parcel.letter.references = _outside(parcel.letter.references)
            mail = as_message(parcel.letter, servers.connection_for_desk())
        _send(mail)
    except Exception as error:  # whatever a mail server or its network does, the row keeps its words
        with enter(tenant_id):
            words, is_servers = servers.note_failure(error)
            _note_failure(parcel, words)
            if is_servers:
                _leave_in_peace()
        log.warning("mail not delivered", tenant=tenant_id, message=parcel.letter.message_id, error=words)
        return False
    with enter(tenant_id):
        _note_sent(parcel)
    log.info("mail delivered", tenant=tenant_id, message=parcel.letter.message_id, with_it=len(parcel.companions))
    return True


def _claim(message_id: int) -> Parcel | None:
    """One UPDATE decides between two workers: the loser counts no row."""
    letter = OutboxMessage.objects.select_related("to_person").filter(pk=message_id).first()
    if letter is None or letter.state != OutboxState.QUEUED:
        return None
    if letter.going != Going.ALONE:
        # Two letters of one bundle may come due at once: the second finds itself taken along by the first.
        _wait_for_others(letter.to_person_id or 0)
    now = timezone.now()
    if not _may_go_out(letter):
        return None
    until = now + CLAIM
    free = _unclaimed(now).filter(pk=message_id, next_try_at__lte=now)
    if not free.update(claimed_until=until, next_try_at=until, tries=F("tries") + 1):
        return None
    letter.tries += 1
    companions = [row for row in _companions(letter, now) if _may_go_out(row)]
    early = frozenset(row.pk for row in companions if _is_early(row, now))
    _take_along(companions, early, until)
    return Parcel(letter, companions, early)


def _may_go_out(row: OutboxMessage) -> bool:
    """Rights end while a letter waits for its summary or its morning: then it is given up, with the reason.

    What goes at once is written by the same transaction that looked.
    """
    person = row.to_person
    if person is None or row.going == Going.ALONE or may_still_read(person, row.about_label, row.about_id):
        return True
    with translation.override(current_host().tenant.language):
        words = _("Not sent: its reader has no right to it any more.")
    OutboxMessage.objects.filter(pk=row.pk, state=OutboxState.QUEUED).update(state=OutboxState.FAILED, error=words)
    return False


def _is_early(row: OutboxMessage, now: datetime) -> bool:
    """Not what only waited for what else might happen: it is tried with the others from the beginning."""
    is_fresh = row.going == Going.TOGETHER and not row.tries
    return row.next_try_at > now and not is_fresh


def _take_along(companions: list[OutboxMessage], early: frozenset[int], until: datetime) -> None:
    for row in companions:
        row.tries += row.pk not in early
    rows = OutboxMessage.objects.filter(pk__in=[row.pk for row in companions])
    if companions:
        rows.update(claimed_until=until, next_try_at=Greatest(F("next_try_at"), until + BEHIND))
        rows.exclude(pk__in=early).update(tries=F("tries") + 1)


def _wait_for_others(person_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, person_id % 2**31])


def _unclaimed(now: datetime) -> "models.QuerySet[OutboxMessage]":
    free = Q(claimed_until=None) | Q(claimed_until__lte=now)
    return OutboxMessage.objects.filter(free, state=OutboxState.QUEUED)


def _companions(letter: OutboxMessage, now: datetime) -> list[OutboxMessage]:
    """What waits for the same reader and goes along: news of the same thing, or everything that waits for a summary."""
    if letter.going == Going.ALONE:
        return []
    waiting = _unclaimed(now).filter(to_person=letter.to_person_id, to_address=letter.to_address, stem=letter.stem)
    if letter.going == Going.DIGEST:
        waiting = waiting.filter(going=Going.DIGEST)
    else:
        same = {"about_label": letter.about_label, "about_id": letter.about_id}
        waiting = waiting.filter(going__in=[Going.TOGETHER, Going.DIGEST], **same)
    return list(waiting.exclude(pk=letter.pk).select_related("to_person").order_by("id")[:MOST_TOGETHER])


def _note_sent(parcel: Parcel) -> None:
    letter, now = parcel.letter, timezone.now()
    letter.state, letter.sent_at, letter.error, letter.claimed_until = OutboxState.SENT, now, "", None
    if any(row.is_personal for row in parcel.rows):  # the link has left; a copy of it would only wait for a thief
        letter.text = letter.html = ""
    elif letter.going == Going.DIGEST:
        letter.text, letter.html = without_stop(letter.text), without_stop(letter.html)
    if letter.is_personal:
        letter.said = {}
    letter.save(update_fields=["state", "sent_at", "error", "claimed_until", "subject", "text", "html", "said"])
    for row in parcel.companions:
        row.state, row.sent_at, row.error, row.claimed_until, row.sent_with = OutboxState.SENT, now, "", None, letter
        row.said = {} if row.is_personal else row.said
    OutboxMessage.objects.bulk_update(
        parcel.companions, ["state", "sent_at", "error", "claimed_until", "sent_with", "said"]
    )
    servers.note_sent()


def _leave_in_peace() -> None:
    """The desk's own server does not work: its other letters are not tried one after the other, each for its time."""
    now = timezone.now()
    _unclaimed(now).filter(next_try_at__lte=now).update(next_try_at=now + PEACE)


def _note_failure(parcel: Parcel, words: str) -> None:
    """What was tried as often waits for the same next try, so that it stays together."""
    now = timezone.now()
    for row in parcel.rows:
        row.error, row.claimed_until = words[:500], None
        if row.tries > len(BACK_OFF):
            row.state = OutboxState.FAILED
        elif row.pk not in parcel.early:
            row.next_try_at = now + timedelta(minutes=BACK_OFF[row.tries - 1])
    OutboxMessage.objects.bulk_update(parcel.rows, ["state", "error", "claimed_until", "next_try_at"])


def _send(mail: EmailMultiAlternatives) -> None:
    mail.send()


def as_message(message: OutboxMessage, connection: BaseEmailBackend | None = None) -> EmailMultiAlternatives:
    """The e-mail that goes out for an outbox row."""
    mail = EmailMultiAlternatives(
        subject=message.subject,
        body=message.text,
        from_email=_mailbox(message.from_name, message.from_address),
        to=[message.to_address],
        # A summary has many requests: an answer to it would be an answer to none of them.
        reply_to=[message.reply_to] if message.reply_to and message.going != Going.DIGEST else None,
        headers=_headers(message),
        connection=connection or get_connection(),
    )
    mail.attach_alternative(message.html, "text/html")
    return mail


def _outside(references: list[str]) -> list[str]:
    """Of the letters that one continues, those that its reader can have under their own Message-ID.

    What went along with another, or was given up, is known to nobody by its own; a summary continues no conversation.
    """
    ours = OutboxMessage.objects.filter(message_id__in=references)
    went_by_itself = Q(state__in=[OutboxState.SENT, OutboxState.BOUNCED], sent_with=None) & ~Q(going=Going.DIGEST)
    will_go_by_itself = Q(state=OutboxState.QUEUED, going=Going.ALONE)
    unknown = set(ours.exclude(went_by_itself | will_go_by_itself).values_list("message_id", flat=True))
    return [reference for reference in references if reference not in unknown]


def _mailbox(name: str, address: str) -> str:
    quoted = name.replace("\\", "").replace('"', "")
    return f'"{quoted}" <{address}>'


def instance_ids() -> list[str]:
    """By the first our own mail is known when it comes back, by the others what went before SECRET_KEY was changed."""
    return [mark.hex()[:20] for mark in marks("notifications.instance", "mail")]


def letter_marks(message_id: str) -> list[str]:
    """Stand in the letter alone: an answer shows the Message-ID to everybody in copy, a report returns both."""
    return [mark.hex()[:32] for mark in marks("notifications.letter", message_id)]


def _headers(message: OutboxMessage) -> dict[str, str]:
    headers = {
        "Message-ID": f"<{message.message_id}>",
        # No auto-responder answers this, and ours does not answer it either (RFC 3834).
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        INSTANCE_HEADER: instance_ids()[0],
        LETTER_HEADER: letter_marks(message.message_id)[0],
    }
    if message.going == Going.DIGEST:
        stop = current_host().address + link_to_stop(message.to_person_id or 0)
        # One click in the mail program, without a page between (RFC 8058).
        headers |= {"List-Unsubscribe": f"<{stop}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
        return headers
    if message.references:
        headers["In-Reply-To"] = f"<{message.references[-1]}>"
        headers["References"] = " ".join(f"<{reference}>" for reference in message.references)
    return headers


def due_messages(limit: int) -> list[int]:
    """Ids of what the broker may have lost, oldest first."""
    due = OutboxMessage.objects.filter(state=OutboxState.QUEUED, next_try_at__lte=timezone.now())
    return list(due.order_by("next_try_at", "id").values_list("pk", flat=True)[:limit])
