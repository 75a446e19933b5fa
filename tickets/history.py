"""What happened to a ticket, as sentences: comments and events in one line of time."""

from collections.abc import Iterable
from typing import Any

from django.utils.dateparse import parse_date
from django.utils.formats import date_format
from django.utils.html import linebreaks, urlize
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from accounts.events import history_of, last_of
from accounts.models import Event, Person
from tickets.durations import as_duration
from tickets.models import Comment, Ticket
from tickets.sentences import status_label
from tickets.workflow import Status

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


def activity(ticket: Ticket, reader: Person, files: dict[int | None, list[Any]]) -> list[dict[str, Any]]:
    """Comments and events in one line of time, oldest first, the newest marked (B9)."""
    comments = Comment.objects.visible_to(reader).filter(ticket=ticket).select_related("author").order_by("id")
    events = [event for event in history_of(ticket) if _is_told(event, reader)]
    names = _names_in(events)
    entries = [_comment_entry(comment, reader, files.get(comment.pk, [])) for comment in comments]
    entries += [_event_entry(event, reader, names) for event in events]
    entries.sort(key=lambda entry: entry["at"])
    if entries:
        entries[-1]["latest"] = True
    return entries


def delivery_words(ticket: Ticket) -> Comment | None:
    """What the agent said with the last delivery."""
    event = last_of(ticket, "ticket.delivered")
    return Comment.objects.filter(pk=event.data["comment"]).first() if event else None


def _comment_entry(comment: Comment, reader: Person, files: list[Any]) -> dict[str, Any]:
    return {
        "kind": "comment",
        "author": comment.author,
        "is_staff": comment.author.is_staff,
        "is_me": comment.author_id == reader.pk,
        "is_internal": comment.is_internal,
        "html": formatted(comment.text),
        "quoted": formatted(comment.quoted) if comment.quoted else "",
        "at": comment.created_at,
        "files": files,
        "latest": False,
        "unverified": not comment.is_verified,
        "by_email": comment.channel == "email",
    }


def _is_told(event: Event, reader: Person) -> bool:
    return event.kind in PUBLIC_EVENTS or (reader.is_staff and event.kind in STAFF_EVENTS)


def _names_in(events: Iterable[Event]) -> dict[int, str]:
    """The people that events name by id, in one query; none when there is nobody to name."""
    ids = {event.data[key] for event in events for key in ("to", "person") if event.data.get(key)}
    return {person.pk: str(person) for person in Person.objects.filter(pk__in=ids)} if ids else {}


def _event_entry(event: Event, reader: Person, names: dict[int, str]) -> dict[str, Any]:
    return {
        "kind": "event",
        "author": event.by,
        "html": sentence(event, reader, names),
        "at": event.at,
        "latest": False,
    }


def sentence(event: Event, reader: Person, names: dict[int, str]) -> str:
    """An event as a sentence. Plain text: the template escapes it."""
    kind, data = event.kind.partition(".")[2], event.data
    said = _said(kind, event, _values(event, names))
    status = data.get("status")
    if kind in CHANGES_STATUS and status in Status.values:
        said += " " + _("The status changed to “%(status)s”.") % {"status": status_label(Status(status), reader)}
    return said


def _values(event: Event, names: dict[int, str]) -> dict[str, Any]:
    data = event.data
    day = parse_date(str(data.get("day", ""))[:10]) if data.get("day") else None
    return {
        "by": str(event.by) if event.by else "",
        "minutes": as_duration(int(data.get("minutes") or 0)),
        "before": as_duration(int(data.get("before") or 0)),
        "number": data.get("invoice", ""),
        "reference": data.get("reference", ""),
        "version": data.get("version", ""),
        "person": names.get(data.get("to") or data.get("person") or 0, "–"),
        "day": date_format(day, "DATE_FORMAT") if day else "–",
    }


def _said(kind: str, event: Event, values: dict[str, Any]) -> str:
    data = event.data
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
    if kind == "cancelled" and event.by is None:
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
        "held": _("An objection holds the invoice back."),
        "released": _("%(by)s settled the objection."),
        "user_created": _("%(by)s created the user %(person)s and sent them their access."),
        "claims": _("The e-mail names %(reference)s, on which its sender may not write."),
        "mail_bounced": _("An e-mail did not reach %(person)s."),
        "silence_unheard": _("The time for an answer ended, but nobody was reached: silence does not count."),
    }
