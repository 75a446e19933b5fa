"""The first thing that is done with a message: its bytes are kept, as they came. Everything else comes after."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import IO

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.addresses import normalise_address
from accounts.files import no_files_of_failures, store, store_all
from tickets.mail.addresses import split_tag
from tickets.mail.parse import MAX_MESSAGE
from tickets.models import IncomingMessage
from tickets.models.incoming import Source

CHUNK = 1024 * 1024
# Of a larger message only the beginning is kept: base64 makes 50 MB of files a third larger, and there is text besides.
LARGEST_MESSAGE, BEGINNING = MAX_MESSAGE, 8 * CHUNK
# Whoever keeps a message hands it on at once; what got lost on that way is looked for after this time.
HAND_OVER = timedelta(seconds=20)


def find_mailbox(recipient: str) -> tuple[int, int] | None:
    """(tenant id, mailbox id) for an envelope recipient, its signed part aside, or None."""
    address = normalise_address(split_tag(recipient)[0])
    if not address:
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT tenant_id, mailbox_id FROM desk_find_mailbox(%s)", [address])
        found: tuple[int, int] | None = cursor.fetchone()
    return found


def keep(
    content: IO[bytes],
    *,
    mailbox_id: int,
    envelope_to: str,
    envelope_from: str = "",
    source: Source = Source.SMTP,
    is_cut: bool = False,
    by_relay: bool = True,
) -> IncomingMessage:
    """Store a message in the entered tenant. The same bytes for the same recipient are stored once.

    `content` is read in pieces, so memory stays flat. `is_cut` says that it is only the beginning of the message,
    `by_relay` that it came by way of a mail server that looks at who sends.
    When this has returned and the tenant's transaction is committed, the message may be deleted where it came from.
    """
    digest, size = _fingerprint(content)
    same = {"mailbox_id": mailbox_id, "envelope_to": envelope_to[:320], "sha256": digest}
    known = next(iter(IncomingMessage.objects.filter(**same)), None)
    if known is not None:
        return known
    try:
        with no_files_of_failures(), transaction.atomic():
            return IncomingMessage.objects.create(
                **same,
                source=source,
                envelope_from=envelope_from[:320],
                raw=store(content, name="message.eml", by=None),
                size=size,
                is_cut=is_cut,
                by_relay=by_relay,
                next_try_at=timezone.now() + HAND_OVER,
            )
    except IntegrityError:
        # Somebody stored the same at this moment. What else was wrong is raised by finding nothing.
        return IncomingMessage.objects.get(**same)


@dataclass(frozen=True)
class Arrived:
    """A message that was fetched, and whom its last server noted as the sender."""

    content: IO[bytes]
    envelope_from: str


def keep_all(arrived: Sequence[Arrived], *, mailbox_id: int, envelope_to: str, source: Source) -> list[IncomingMessage]:
    """Store several messages for one recipient as `keep` stores each, in four queries however many they are."""
    prints = [_fingerprint(one.content) for one in arrived]
    rows = IncomingMessage.objects.filter(mailbox_id=mailbox_id, envelope_to=envelope_to[:320])
    digests = [digest for digest, _size in prints]
    known = {row.sha256: row for row in rows.filter(sha256__in=digests)}
    new = {print_: one for print_, one in zip(prints, arrived, strict=True) if print_[0] not in known}
    try:
        with no_files_of_failures(), transaction.atomic():
            files = store_all((one.content for one in new.values()), name="message.eml", by=None)
            made = [
                IncomingMessage(
                    mailbox_id=mailbox_id,
                    envelope_to=envelope_to[:320],
                    sha256=digest,
                    source=source,
                    envelope_from=one.envelope_from[:320],
                    raw=file,
                    size=size,
                    next_try_at=timezone.now() + HAND_OVER,
                )
                for ((digest, size), one), file in zip(new.items(), files, strict=True)
            ]
            known |= {row.sha256: row for row in IncomingMessage.objects.bulk_create(made)}
    except IntegrityError:  # somebody stored one of them at this moment
        for one in arrived:
            row = keep(
                one.content,
                mailbox_id=mailbox_id,
                envelope_to=envelope_to,
                envelope_from=one.envelope_from,
                source=source,
            )
            known[row.sha256] = row
    return [known[digest] for digest in digests]


def _fingerprint(content: IO[bytes]) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    content.seek(0)
    while piece := content.read(CHUNK):
        digest.update(piece)
        size += len(piece)
    return digest.hexdigest(), size
