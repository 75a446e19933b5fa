"""What the request page shows, gathered in a fixed number of queries."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils.html import linebreaks, urlize
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from accounts.events import history_of
from accounts.models import Event, Person
from tickets.models import Attachment, Comment, Ticket
from tickets.sentences import stage, status_label
from tickets.verbs import Verb, available
from tickets.workflow import Status, WaitingFor

# Events worth a line to customers; the rest (assignments, time) is the desk's own business.
PUBLIC_EVENTS = {
    "ticket.started",
    "ticket.delivered",
    "ticket.reopened",
    "ticket.accepted",
    "ticket.closed",
    "ticket.reminded",
}
# What the desk reads besides.
STAFF_EVENTS = {
    "ticket.submitted",
    "ticket.assigned",
    "ticket.time_recorded",
    "ticket.held",
    "ticket.released",
    "ticket.completed",
    "ticket.silence_unheard",
}


def formatted(text: str) -> SafeString:
    """A person's words as HTML: escaped first, then paragraphs and links."""
    return mark_safe(linebreaks(urlize(text, nofollow=True, autoescape=True)))  # noqa: S308


def conversation(ticket: Ticket, reader: Person) -> dict[str, Any]:
    """What portal and desk both show of a ticket: what was said and happened, who takes part, its files."""
    files = _files_by_comment(ticket, reader)
    return {
        "activity": _activity(ticket, reader, files),
        "people": _people(ticket),
        "files": files.get(None, []),
    }


def request_page(ticket: Ticket, reader: Person) -> dict[str, Any]:
    """The context of tickets/request.html but for the forms."""
    return {
        **conversation(ticket, reader),
        "ticket": described(ticket, reader),
        "actions": portal_verbs(ticket, reader),
        "who_sees": who_sees(ticket),
    }


def described(ticket: Ticket, reader: Person) -> dict[str, Any]:
    return {
        "subject": ticket.subject,
        "reference": ticket.reference,
        "status": ticket.status,
        "status_label": status_label(Status(ticket.status), reader),
        "stage_sentence": stage(ticket, reader),
        "stages": stages(ticket),
        "description": ticket.description,
        "created_at": ticket.created_at,
        "due_date": ticket.due_date,
        "request_type": ticket.request_type,
        "organisation": ticket.organisation,
        "requester": ticket.requester,
        "unverified": not ticket.is_verified,
        "channel_label": ticket.get_channel_display(),
        # A moment of the last day: the end itself is the midnight after it, which reads like a day later.
        "review_ends_at": _within_last_day(ticket),
        "delivered_at": ticket.delivered_at,
    }


def _within_last_day(ticket: Ticket) -> datetime | None:
    if ticket.waiting_for != WaitingFor.REVIEW or ticket.review_ends_at is None:
        return None
    return ticket.review_ends_at - timedelta(minutes=1)


def stages(ticket: Ticket) -> list[dict[str, str]]:
    """The line of progress: five stages, those behind, the one now, those ahead."""
    labels = [_("Received"), _("In progress"), _("Your check"), _("Invoice"), pgettext("status", "Closed")]
    position = {
        Status.OPEN: 0,
        Status.ESTIMATED: 0,
        Status.ESTIMATE_ACCEPTED: 0,
        Status.IN_PROGRESS: 1,
        Status.REOPENED: 1,
        Status.READY_TO_DEPLOY: 2,
        Status.WAITING: 2 if ticket.waiting_for == WaitingFor.REVIEW else 1,
        Status.INVOICE: 3,
    }.get(Status(ticket.status), 4)
    if not ticket.tenant.billing_enabled:
        del labels[3]
        position = min(position, 3)
    states = ["done" if i < position else "current" if i == position else "todo" for i in range(len(labels))]
    if ticket.has_ended:
        states[-1] = "done" if ticket.status == Status.CLOSED else "current"
    return [{"label": label, "state": state} for label, state in zip(labels, states, strict=True)]


# Where the portal's buttons send; staff, who have other verbs, read a request there and act at their desk.
PORTAL_VERBS = {"accept_solution": "request_accept", "reopen": "request_reopen"}


def portal_verbs(ticket: Ticket, reader: Person) -> list[Verb]:
    offered = [verb for verb in available(ticket, reader) if verb.name in PORTAL_VERBS]
    return [replace(verb, url=reverse(PORTAL_VERBS[verb.name], args=[ticket.reference])) for verb in offered]


def _files_by_comment(ticket: Ticket, reader: Person) -> dict[int | None, list[Any]]:
    rows = Attachment.objects.filter(ticket=ticket).select_related("file", "comment").order_by("id")
    files: dict[int | None, list[Any]] = {}
    for row in rows:
        if row.comment is None or reader.is_staff or not row.comment.is_internal:
            files.setdefault(row.comment_id, []).append(row.file)
    return files


def _activity(ticket: Ticket, reader: Person, files: dict[int | None, list[Any]]) -> list[dict[str, Any]]:
    """Comments and changes of status in one line of time, oldest first, the newest marked (B9)."""
    comments = Comment.objects.visible_to(reader).filter(ticket=ticket).select_related("author").order_by("id")
    entries = [_comment_entry(comment, reader, files.get(comment.pk, [])) for comment in comments]
    entries += [_event_entry(event, reader) for event in history_of(ticket) if _is_told(event, reader)]
    entries.sort(key=lambda entry: entry["at"])
    if entries:
        entries[-1]["latest"] = True
    return entries


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


def _event_entry(event: Event, reader: Person) -> dict[str, Any]:
    return {
        "kind": "event",
        "author": event.by,
        "html": sentence(event, reader),
        "at": event.at,
        "latest": False,
    }


def sentence(event: Event, reader: Person) -> str:
    """An event as a sentence. Plain text: the template escapes it."""
    kind = event.kind.partition(".")[2]
    data = event.data
    if kind == "accepted":
        if data.get("manner") == "silence":
            return _("Accepted without an answer: the review period ended.")
        return _("The solution was accepted.")
    if kind == "reminded":
        return _("A reminder was sent.")
    if kind == "closed" and data.get("invoice"):
        return _("Closed with invoice %(number)s.") % {"number": data["invoice"]}
    if kind == "time_recorded":
        return _("%(minutes)s minutes recorded.") % {"minutes": data.get("minutes")}
    status = data.get("status")
    if status in Status.values and kind in ("started", "delivered", "reopened", "closed"):
        return _("The status changed to “%(status)s”.") % {"status": status_label(Status(status), reader)}
    return {
        "submitted": _("The request was filed."),
        "assigned": _("The assignee changed."),
        "held": _("An objection holds the invoice back."),
        "released": _("The objection was settled."),
        "completed": _("Details were completed."),
        "silence_unheard": _("The review ended, but nobody was reached: silence does not count."),
    }.get(kind, "")


def _people(ticket: Ticket) -> list[dict[str, Any]]:
    """People involved (B7): who asked, who recorded it for them, who is responsible."""
    roles = [(ticket.requester, _("Requested by")), (ticket.assignee, _("Assigned to"))]
    if ticket.recorded_by and ticket.recorded_by_id != ticket.requester_id:
        roles.insert(1, (ticket.recorded_by, _("Recorded by")))
    return [
        {"name": str(person), "role_label": role, "initials": person.initials}
        for person, role in roles
        if person is not None
    ]


def who_sees(ticket: Ticket) -> str:
    """Which people can read it, in words."""
    if ticket.organisation is None:
        return _("You and our staff can read this request.")
    return _("You, the representatives of %(organisation)s and our staff can read this request.") % {
        "organisation": ticket.organisation
    }
