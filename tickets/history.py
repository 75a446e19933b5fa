"""What happened to a ticket, as sentences: comments and events in one line of time."""

import json
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from django.utils.dateparse import parse_date
from django.utils.formats import date_format
from django.utils.html import linebreaks, urlize
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.events import last_of
from accounts.models import Person
from tickets.durations import as_duration
from tickets.models import Comment, Ticket
from tickets.models.ticket import Channel
from tickets.sentences import status_label
from tickets.trail import File, Happened, Human, Said, Trail
from tickets.workflow import Status

# A quarter of a kilobyte each.
SENTENCES_REMEMBERED = 4096

# Events worth a line to customers; the rest (assignments, time) is the desk's own business.
PUBLIC_EVENTS = {
    "ticket.started",
    "ticket.information_requested",
    "ticket.estimate_sent",
    "ticket.estimate_accepted",
    "ticket.changes_requested",
    "ticket.estimate_withdrawn",
    "ticket.estimate_expired",
    "ticket.delivered",
    "ticket.deployment_scheduled",
    "ticket.reopened",
    "ticket.accepted",
    "ticket.taken_back",
    "ticket.cancel_asked",
    "ticket.cancelled",
    "ticket.rejected",
    "ticket.merged",
    "ticket.unmerged",
    "ticket.took_over",
    "ticket.participant_added",
    "ticket.participant_removed",
    "ticket.closed_unanswered",
    "ticket.closed",
    "ticket.reminded",
    "ticket.user_created",
    "ticket.ordered",
}
# What the desk reads besides.
STAFF_EVENTS = {
    "ticket.submitted",
    "ticket.assigned",
    "ticket.time_recorded",
    "ticket.time_corrected",
    "ticket.deployment_due",
    "ticket.held",
    "ticket.released",
    "ticket.completed",
    "ticket.silence_unheard",
    "ticket.claims",
    "ticket.mail_bounced",
}
TOLD_CUSTOMERS = frozenset(PUBLIC_EVENTS)
TOLD_STAFF = frozenset(PUBLIC_EVENTS | STAFF_EVENTS)
# Whose sentence does not say the state already.
CHANGES_STATUS = {
    "started",
    "information_requested",
    "delivered",
    "reopened",
    "changes_requested",
    "estimate_withdrawn",
    "estimate_expired",
    "deployment_scheduled",
    "taken_back",
    "unmerged",
}


def formatted(text: str) -> SafeString:
    """A person's words as HTML: escaped first, then paragraphs and links."""
    return mark_safe(linebreaks(urlize(text, nofollow=True, autoescape=True)))  # noqa: S308


class Entry(NamedTuple):
    """A comment, or an event as a sentence. Everything shown of it is in here: its HTML is remembered by it."""

    # 'comment-12', 'event-7'
    id: str
    kind: str
    at: datetime
    # Nobody, where a clock did it.
    author: Human | None
    text: str
    quoted_text: str = ""
    is_me: bool = False
    is_internal: bool = False
    unverified: bool = False
    by_email: bool = False
    files: tuple[File, ...] = ()
    latest: bool = False

    @property
    def is_staff(self) -> bool:
        return self.author is not None and self.author.is_staff

    @property
    def html(self) -> str:
        """An event is plain text, which the template escapes."""
        return formatted(self.text) if self.kind == "comment" else self.text

    @property
    def quoted(self) -> str:
        return formatted(self.quoted_text) if self.quoted_text else ""


def told_kinds(reader: Person) -> frozenset[str]:
    """The events that this reader is told."""
    return TOLD_STAFF if reader.is_staff else TOLD_CUSTOMERS


def activity(trail: Trail, reader: Person) -> list[Entry]:
    """Comments and events in one line of time, oldest first, the newest marked (B9)."""
    language = get_language() or ""
    entries = [_comment_entry(comment, reader) for comment in trail.comments]
    entries += [_event_entry(event, reader, language) for event in trail.events]
    entries.sort(key=lambda entry: entry.at)
    if entries:
        entries[-1] = entries[-1]._replace(latest=True)
    return entries


def delivery_words(ticket: Ticket) -> Comment | None:
    """What the agent said with the last delivery."""
    event = last_of(ticket, "ticket.delivered")
    return Comment.objects.filter(pk=event.data["comment"]).first() if event else None


def _comment_entry(comment: Said, reader: Person) -> Entry:
    return Entry(
        id=f"comment-{comment.id}",
        kind="comment",
        at=comment.at,
        author=comment.author,
        text=comment.text,
        quoted_text=comment.quoted,
        is_me=comment.author.id == reader.pk,
        is_internal=comment.is_internal,
        unverified=not comment.is_verified,
        by_email=comment.channel == Channel.EMAIL,
        files=comment.files,
    )


def _event_entry(event: Happened, reader: Person, language: str) -> Entry:
    by = str(event.by) if event.by else ""
    text = _sentence(event.kind, event.data, by, event.person, reader.is_staff, language)
    is_me = event.by is not None and event.by.id == reader.pk
    return Entry(id=f"event-{event.id}", kind="event", at=event.at, author=event.by, text=text, is_me=is_me)


@lru_cache(maxsize=SENTENCES_REMEMBERED)
def _sentence(kind: str, data: str, by: str, person: str, to_staff: bool, language: str) -> str:
    """An event as a sentence, in the language of the moment. Plain text: the template escapes it."""
    what, facts = kind.partition(".")[2], json.loads(data)
    said = _said(what, facts, _values(facts, by, person))
    status = facts.get("status")
    if what in CHANGES_STATUS and status in Status.values:
        label = status_label(Status(status), to_staff=to_staff)
        said += " " + _("The status changed to “%(status)s”.") % {"status": label}
    return said


def _values(data: dict[str, Any], by: str, person: str) -> dict[str, Any]:
    day = parse_date(str(data.get("day", ""))[:10]) if data.get("day") else None
    return {
        "by": by,
        "minutes": as_duration(int(data.get("minutes") or 0)),
        "before": as_duration(int(data.get("before") or 0)),
        "number": data.get("invoice", ""),
        "place_before": data.get("place_before", ""),
        "place": data.get("place", ""),
        "reference": data.get("reference", ""),
        "version": data.get("version", ""),
        "person": person or "–",
        "day": date_format(day, "DATE_FORMAT") if day else "–",
    }


def _said(kind: str, data: dict[str, Any], values: dict[str, Any]) -> str:
    if kind == "accepted" and data.get("manner") == "silence":
        return _("Accepted without an answer: the review period ended.")
    if kind == "accepted" and data.get("manner") == "quoted":
        return _("The customer accepted the solution; %(by)s wrote it down.") % values
    if kind == "estimate_accepted" and data.get("manner") == "quoted":
        return _("The customer accepted version %(version)s of the estimate; %(by)s wrote it down.") % values
    if kind == "closed":
        return (
            _("Closed with invoice %(number)s.") if data.get("invoice") else _("%(by)s closed it: nothing to charge.")
        ) % values
    if kind == "cancelled" and not values["by"]:
        return _("Cancelled: the order was not paid in time.")
    return _sentences().get(kind, "") % values


def _sentences() -> dict[str, str]:
    # Made for each reader, because it is in their language.
    return {
        "submitted": _("The request was filed."),
        "assigned": _("%(by)s assigned it to %(person)s."),
        "completed": _("%(by)s completed the details."),
        "started": _("%(by)s started to work on it."),
        "time_recorded": _("%(by)s recorded %(minutes)s."),
        "time_corrected": _("%(by)s corrected a time entry from %(before)s to %(minutes)s."),
        "information_requested": _("%(by)s asked a question."),
        "estimate_sent": _("%(by)s sent version %(version)s of the estimate."),
        "estimate_accepted": _("Version %(version)s of the estimate was accepted."),
        "changes_requested": _("%(by)s asked for changes to the estimate."),
        "estimate_withdrawn": _("%(by)s withdrew version %(version)s of the estimate."),
        "estimate_expired": _("Version %(version)s of the estimate was not decided about in time."),
        "delivered": _("%(by)s handed the solution over."),
        "deployment_scheduled": _("%(by)s planned the rollout for %(day)s."),
        "deployment_due": _("The planned rollout is past its day; the assignee was reminded."),
        "reopened": _("%(by)s reopened it."),
        "accepted": _("The solution was accepted."),
        "taken_back": _("%(by)s took the acceptance back."),
        "cancel_asked": _("%(by)s asked to cancel it."),
        "cancelled": _("%(by)s cancelled it."),
        "rejected": _("%(by)s rejected it."),
        "merged": _("%(by)s merged it into another request."),
        "unmerged": _("%(by)s undid the merge."),
        "took_over": _("%(by)s merged another request into this one."),
        "participant_added": _("%(by)s invited %(person)s."),
        "participant_removed": _("%(person)s does not take part any more."),
        "closed_unanswered": _("Closed: the question was not answered."),
        "reminded": _("A reminder was sent."),
        "ordered": _("%(by)s moved it from place %(place_before)s to place %(place)s in the order of handling."),
        "held": _("An objection holds the invoice back."),
        "released": _("%(by)s settled the objection."),
        "user_created": _("%(by)s created the user %(person)s and sent them their access."),
        "claims": _("The e-mail names %(reference)s, on which its sender may not write."),
        "mail_bounced": _("An e-mail did not reach %(person)s."),
        "silence_unheard": _("The time for an answer ended, but nobody was reached: silence does not count."),
    }
