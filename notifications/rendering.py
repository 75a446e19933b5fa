"""A letter's last step before it leaves: its words put into the desk's frame, in the reader's language and time."""

import re
from copy import copy
from typing import Any

from django.template import Context
from django.template.loader import get_template, render_to_string
from django.utils import timezone, translation
from django.utils.translation import ngettext

from accounts.colours import accent_area, as_css
from accounts.hosts import current_host
from accounts.models import TenantHost
from notifications.models import Going, OutboxMessage
from notifications.stopping import link_to_stop
from notifications.timing import zone_of

DIGEST = "notifications/mail/digest"
LONGEST_SUBJECT = 300
_HOLE = re.compile(r"\n{3,}")
# An address of its kind (servicedesk.urls), whatever host stands before it.
_STOP = re.compile(r"https?://[^\s\"<>]+/mail/stop/[^\s\"<>]+")


def one_line(text: str) -> str:
    """A header's worth of text: whatever a subject contained, no line end or control character goes out."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:LONGEST_SUBJECT]


def plain(template: str, context: dict[str, Any]) -> str:
    """A text template: what stands in it is not HTML, so nothing is escaped. What was left out leaves no hole."""
    text = str(get_template(template).template.render(Context(context, autoescape=False)))  # type: ignore[attr-defined]
    return _HOLE.sub("\n\n", text)


def frame(message: OutboxMessage, host: TenantHost) -> dict[str, Any]:
    """What every letter has: whom it greets, whose it is, how it looks."""
    area, words = accent_area(host.accent)
    return {
        "to": message.to_person,
        "tenant": host.tenant,
        "host": host,
        "home": host.address,
        "accent": as_css(area),
        "accent_contrast": as_css(words),
    }


def preview(message: OutboxMessage) -> str:
    """The text of a letter that waits, as it would go out now by itself, for whoever follows what is sent."""
    written = copy(message)
    write_out(written, [])
    return without_stop(written.text)


def without_stop(text: str) -> str:
    """The link that ends somebody's summaries is theirs alone."""
    return _STOP.sub("…", text)


def write_out(message: OutboxMessage, companions: list[OutboxMessage]) -> None:
    """Fill text and HTML of a letter and of what goes along with it. Everything is said in the order it happened."""
    if not message.stem:
        return  # written out before it was queued
    host, person = current_host(), message.to_person
    language = person.language if person else host.tenant.language
    zone = zone_of(person, host.tenant.zone) if person else host.tenant.zone
    together = sorted([message, *companions], key=lambda row: row.pk or 0)
    with translation.override(language), timezone.override(zone):
        if message.going == Going.DIGEST:
            _write_digest(message, together, host)
        else:
            _write_letter(message, together, host)


def _write_letter(message: OutboxMessage, together: list[OutboxMessage], host: TenantHost) -> None:
    # One button: the newest thing that is asked for, else the newest of all.
    leading = next((row for row in reversed(together) if row.needs_reader), together[-1])
    items = [row.said for row in together]
    _fill(message, message.stem, {**frame(message, host), **leading.said, "items": items})


def _write_digest(message: OutboxMessage, together: list[OutboxMessage], host: TenantHost) -> None:
    """A section for each thing that has news."""
    sections: dict[tuple[str, int | None], list[OutboxMessage]] = {}
    for row in together:
        sections.setdefault((row.about_label, row.about_id), []).append(row)
    shown = [{**rows[-1].said, "items": [row.said for row in rows]} for rows in sections.values()]
    message.subject = ngettext("News of %(number)d request", "News of %(number)d requests", len(shown)) % {
        "number": len(shown)
    }
    stop = host.address + link_to_stop(message.to_person_id or 0)
    _fill(message, DIGEST, {**frame(message, host), "sections": shown, "stop": stop})


def _fill(message: OutboxMessage, stem: str, context: dict[str, Any]) -> None:
    context = {**context, "subject": message.subject}
    message.text = plain(f"{stem}.txt", context).strip() + "\n"
    message.html = render_to_string(f"{stem}.html", context)
