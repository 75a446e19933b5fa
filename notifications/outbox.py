"""Putting news into the outbox: written out in the receiver's language, in the causing transaction."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from email.utils import make_msgid
from typing import Any

from django.db import models
from django.template import Context
from django.template.loader import get_template, render_to_string
from django.utils import timezone, translation

from accounts.colours import accent_area, as_css
from accounts.hosts import current_host
from accounts.jobs import after_commit
from accounts.models import Person, TenantHost
from accounts.tenancy import current_tenant_id
from notifications.models import Notice, OutboxMessage
from notifications.tasks import deliver

LONGEST_SUBJECT = 300
LONGEST_NOTICE = 500


@dataclass(frozen=True)
class Letter:
    """What to say to one person. `stem` names three templates: `_subject.txt`, `.txt` and `.html`.

    `compose` gives their context and is called in the receiver's language; its `lead` is the notice in the product,
    which leads to the address `route` filled with `key`; without a route there is no notice.
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
    route: str = ""
    key: str = ""


def one_line(text: str) -> str:
    """A header's worth of text: whatever a subject contained, no line end or control character goes out."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:LONGEST_SUBJECT]


def _plain(template: str, context: dict[str, Any]) -> str:
    """A text template: what stands in it is not HTML, so nothing is escaped."""
    return str(get_template(template).template.render(Context(context, autoescape=False)))  # type: ignore[attr-defined]


def put(letters: Iterable[Letter]) -> list[OutboxMessage]:
    """Queue letters, and the notices that say the same inside the product, in three queries however many there are.

    Who has no e-mail address gets the notice alone.
    """
    letters = list(letters)
    if not letters:
        return []
    host = current_host()
    messages, notices = [], []
    for letter in letters:
        with translation.override(letter.to.language), timezone.override(host.tenant.zone):
            context = letter.compose()
            if letter.address or letter.to.email:
                messages.append(_written(letter, host, context))
        if letter.route:
            notices.append(_noticed(letter, str(context["lead"])))
    Notice.objects.bulk_create(notices)
    queued = OutboxMessage.objects.bulk_create(messages)
    for message in queued:
        after_commit(deliver, current_tenant_id(), message.pk)
    return queued


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


def _written(letter: Letter, host: TenantHost, said: dict[str, Any]) -> OutboxMessage:
    tenant = host.tenant
    area, words = accent_area(host.accent)
    brand = {"accent": as_css(area), "accent_contrast": as_css(words)}
    context = {"to": letter.to, "tenant": tenant, "host": host, "home": host.address, **brand, **said}
    subject = one_line(_plain(f"{letter.stem}_subject.txt", context))
    return OutboxMessage(
        to_person=letter.to,
        to_address=letter.address or letter.to.email,
        from_name=one_line(host.brand_name),
        from_address=tenant.support_email,
        reply_to=letter.reply_to,
        subject=subject,
        text=_plain(f"{letter.stem}.txt", context).strip() + "\n",
        html=render_to_string(f"{letter.stem}.html", {**context, "subject": subject}),
        message_id=make_msgid(domain=tenant.support_email.rpartition("@")[2]).strip("<>"),
        references=list(letter.references),
        kind=letter.kind,
        is_personal=letter.is_personal,
        about_label=letter.about._meta.label_lower if letter.about else "",
        about_id=letter.about.pk if letter.about else None,
    )
