"""From the outbox to the relay: claim in one transaction, send in none, note the result in another."""

from datetime import timedelta

import structlog
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.tenancy import enter
from notifications.models import OutboxMessage, OutboxState

INSTANCE_HEADER = "X-Desk-Instance"

log = structlog.get_logger(__name__)

# A delivery that was claimed and not finished within this time was killed; the sweep takes it up again.
CLAIM = timedelta(minutes=5)
# Minutes until the next try; after the last one the message is failed and stays visible.
BACK_OFF = (1, 2, 5, 15, 60, 240, 480, 960)


def deliver(tenant_id: int, message_id: int) -> bool:
    """Send one message if it is due and nobody else is at it. True when it went out."""
    with enter(tenant_id):
        message = _claim(message_id)
    if message is None:
        return False
    try:
        _send(message)
    except Exception as error:  # whatever a mail server or its network does, the row keeps its words
        with enter(tenant_id):
            _note_failure(message, error)
        log.warning("mail not delivered", tenant=tenant_id, message=message.message_id, error=str(error))
        return False
    with enter(tenant_id):
        _note_sent(message)
    log.info("mail delivered", tenant=tenant_id, message=message.message_id)
    return True


def _claim(message_id: int) -> OutboxMessage | None:
    """One UPDATE decides between two workers: the loser counts no row."""
    due = OutboxMessage.objects.filter(pk=message_id, state=OutboxState.QUEUED, next_try_at__lte=timezone.now())
    if not due.update(next_try_at=timezone.now() + CLAIM, tries=F("tries") + 1):
        return None
    return OutboxMessage.objects.get(pk=message_id)


def _note_sent(message: OutboxMessage) -> None:
    message.state, message.sent_at, message.error = OutboxState.SENT, timezone.now(), ""
    if message.is_personal:  # the link has left; a copy of it would only wait for a thief
        message.text = message.html = ""
    message.save(update_fields=["state", "sent_at", "error", "text", "html"])


def _note_failure(message: OutboxMessage, error: Exception) -> None:
    gives_up = message.tries > len(BACK_OFF)
    message.state = OutboxState.FAILED if gives_up else OutboxState.QUEUED
    message.error = f"{type(error).__name__}: {error}"[:500]
    if not gives_up:
        message.next_try_at = timezone.now() + timedelta(minutes=BACK_OFF[message.tries - 1])
    message.save(update_fields=["state", "error", "next_try_at"])


def _send(message: OutboxMessage) -> None:
    as_message(message).send()


def as_message(message: OutboxMessage) -> EmailMultiAlternatives:
    """The e-mail that goes out for an outbox row."""
    mail = EmailMultiAlternatives(
        subject=message.subject,
        body=message.text,
        from_email=_mailbox(message.from_name, message.from_address),
        to=[message.to_address],
        reply_to=[message.reply_to] if message.reply_to else None,
        headers=_headers(message),
        connection=get_connection(),
    )
    mail.attach_alternative(message.html, "text/html")
    return mail


def _mailbox(name: str, address: str) -> str:
    quoted = name.replace("\\", "").replace('"', "")
    return f'"{quoted}" <{address}>'


def instance_id() -> str:
    """By this word we know our own mail when it comes back; it can be neither guessed nor used."""
    return salted_hmac("notifications.instance", "mail").hexdigest()[:20]


def _headers(message: OutboxMessage) -> dict[str, str]:
    headers = {
        "Message-ID": f"<{message.message_id}>",
        # No auto-responder answers this, and ours does not answer it either (RFC 3834).
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        INSTANCE_HEADER: instance_id(),
    }
    if message.references:
        headers["In-Reply-To"] = f"<{message.references[-1]}>"
        headers["References"] = " ".join(f"<{reference}>" for reference in message.references)
    return headers


def due_messages(limit: int) -> list[int]:
    """Ids of what the broker may have lost, oldest first."""
    due = OutboxMessage.objects.filter(state=OutboxState.QUEUED, next_try_at__lte=timezone.now())
    return list(due.order_by("next_try_at").values_list("pk", flat=True)[:limit])
