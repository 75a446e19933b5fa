"""Putting news into the outbox: put into words in the receiver's language, in the causing transaction."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from email.utils import make_msgid
from typing import Any

from django.db import models
from django.utils import timezone, translation

from accounts.hosts import current_host
from accounts.jobs import after_commit
from accounts.models import Person, TenantHost
from accounts.tenancy import current_tenant_id
from notifications.models import Notice, OutboxMessage, OutboxState
from notifications.rendering import frame, one_line, plain
from notifications.tasks import deliver
from notifications.timing import Departure, departure, zone_of

LONGEST_NOTICE = 500


@dataclass(frozen=True)
class Letter:
    """What to say to one person. `stem` names three templates: `_subject.txt`, `.txt` and `.html`.

    `compose` gives their context – words, numbers and lists of them – and is called in the receiver's language; its
    `lead` is the notice in the product, which leads to the address `route` filled with `key`; without a route there is
    no notice. A `title` in it is the subject.
    """

    to: Person
    kind: str
    stem: str
    compose: Callable[[], dict[str, Any]] = dict
    # Where to, when not to the person's own address.
    address: str = ""
    reply_to: str = ""
    references: tuple[str, ...] = ()
    about: models.Model | None = None
    # Holds a link that is as good as a password or a signature.
    is_personal: bool = False
    # Somebody waits for it: a receipt, a way in. It goes out at once and alone.
    at_once: bool = False
    # Asks its reader for something: no summary and no muting holds it back.
    needs_reader: bool = False
    route: str = ""
    key: str = ""


def put(letters: Iterable[Letter]) -> list[OutboxMessage]:
    """Queue letters, and the notices that say the same inside the product, in three queries however many there are.

    Who has no e-mail address, or wishes no e-mail of it, gets the notice alone.
    """
    letters = list(letters)
    if not letters:
        return []
    host, now = current_host(), timezone.now()
    messages, notices = [], []
    for letter in letters:
        zone = zone_of(letter.to, host.tenant.zone)
        with translation.override(letter.to.language), timezone.override(zone):
            said = letter.compose()
            leaves = departure(letter.to, zone=zone, now=now, at_once=letter.at_once, needs_reader=letter.needs_reader)
            if leaves is not None and (letter.address or letter.to.email):
                messages.append(_queued(letter, host, said, leaves))
        if letter.route:
            notices.append(_noticed(letter, str(said["lead"])))
    Notice.objects.bulk_create(notices)
    queued = OutboxMessage.objects.bulk_create(messages)
    _hand_over(queued, now)
    return queued


def _hand_over(queued: list[OutboxMessage], now: datetime) -> None:
    """What may leave now; the rest is found by the sweep when its time has come."""
    for message in queued:
        if message.state == OutboxState.QUEUED and message.next_try_at <= now:
            after_commit(deliver, current_tenant_id(), message.pk)


def _noticed(letter: Letter, lead: str) -> Notice:
    return Notice(
        person=letter.to,
        kind=letter.kind,
        text=one_line(lead)[:LONGEST_NOTICE].removesuffix(":"),  # what it announces stands behind the link
        route=letter.route,
        key=letter.key,
        about_label=letter.about._meta.label_lower if letter.about else "",
        about_id=letter.about.pk if letter.about else None,
    )


def _queued(letter: Letter, host: TenantHost, said: dict[str, Any], leaves: Departure) -> OutboxMessage:
    message = OutboxMessage(
        to_person=letter.to,
        to_address=letter.address or letter.to.email,
        from_name=one_line(host.brand_name),
        from_address=host.tenant.support_email,
        reply_to=letter.reply_to,
        stem=letter.stem,
        said=said,
        message_id=make_msgid(domain=host.tenant.support_email.rpartition("@")[2]).strip("<>"),
        references=list(letter.references),
        kind=letter.kind,
        is_personal=letter.is_personal,
        needs_reader=letter.needs_reader,
        going=leaves.going,
        next_try_at=leaves.at,
        about_label=letter.about._meta.label_lower if letter.about else "",
        about_id=letter.about.pk if letter.about else None,
    )
    title = said.get("title") or plain(f"{letter.stem}_subject.txt", {**frame(message, host), **said})
    message.subject = one_line(str(title))
    if message.to_address == letter.to.email and not letter.to.takes_mail:
        # Written to again, a server that said no would take us for a spammer. The desk sees it, and asks otherwise.
        message.state, message.error = OutboxState.FAILED, letter.to.address_failed_words
    return message
