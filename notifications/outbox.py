"""Putting e-mails into the outbox: rendered in the receiver's language, in the causing transaction."""

from dataclasses import dataclass, field
from email.utils import make_msgid
from typing import Any

from django.db import models
from django.template import Context
from django.template.loader import get_template, render_to_string
from django.utils import timezone, translation

from accounts.colours import accent_area, as_css
from accounts.hosts import current_host
from accounts.jobs import after_commit
from accounts.models import Person
from accounts.tenancy import current_tenant_id
from notifications.models import OutboxMessage
from notifications.tasks import deliver

LONGEST_SUBJECT = 300


@dataclass(frozen=True)
class Letter:
    """What to say. `stem` names three templates: `_subject.txt`, `.txt` and `.html`."""

    stem: str
    context: dict[str, Any] = field(default_factory=dict)
    reply_to: str = ""
    references: tuple[str, ...] = ()
    about: models.Model | None = None


def one_line(text: str) -> str:
    """A header's worth of text: whatever a subject contained, no line end or control character goes out."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:LONGEST_SUBJECT]


def _plain(template: str, context: dict[str, Any]) -> str:
    """A text template: what stands in it is not HTML, so nothing is escaped."""
    return str(get_template(template).template.render(Context(context, autoescape=False)))  # type: ignore[attr-defined]


def put(letter: Letter, *, to: Person, address: str = "") -> OutboxMessage | None:
    """Queue a letter to a person (at another `address` than their own if given). None when there is no address."""
    address = address or to.email
    if not address:
        return None
    host = current_host()
    tenant = host.tenant
    with translation.override(to.language), timezone.override(tenant.zone):
        area, words = accent_area(host.accent)
        brand = {"accent": as_css(area), "accent_contrast": as_css(words)}
        context = {"to": to, "tenant": tenant, "host": host, "home": host.address, **brand, **letter.context}
        subject = one_line(_plain(f"{letter.stem}_subject.txt", context))
        text = _plain(f"{letter.stem}.txt", context)
        html = render_to_string(f"{letter.stem}.html", {**context, "subject": subject})
    message = OutboxMessage.objects.create(
        to_person=to,
        to_address=address,
        from_name=one_line(host.brand_name),
        from_address=tenant.support_email,
        reply_to=letter.reply_to,
        subject=subject,
        text=text.strip() + "\n",
        html=html,
        message_id=make_msgid(domain=tenant.support_email.rpartition("@")[2]).strip("<>"),
        references=list(letter.references),
        kind=letter.stem,
        about_label=letter.about._meta.label_lower if letter.about else "",
        about_id=letter.about.pk if letter.about else None,
    )
    after_commit(deliver, current_tenant_id(), message.pk)
    return message
