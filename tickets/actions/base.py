"""What every verb does in the same way: lock the row, change its state, attach files."""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from django.core.files.base import File
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _
from django_fsm import TransitionNotAllowed

from accounts import events
from accounts.errors import NotAllowed, Refused
from accounts.files import store
from accounts.models import Person
from tickets.models import Attachment, Comment, Ticket

Rule = Callable[[Person, Ticket], bool]


def locked(ticket: Ticket) -> Ticket:
    """The ticket as it is now, held until the transaction ends: the second of two verbs sees the first one's state."""
    row: Ticket = (
        Ticket.objects.select_for_update(of=("self",))
        .select_related("tenant", "requester", "organisation", "assignee", "request_type")
        .get(pk=ticket.pk)
    )
    return row


def permit(rule: Rule, actor: Person, ticket: Ticket) -> None:
    """Raises NotAllowed unless the rule holds."""
    if not rule(actor, ticket):
        raise NotAllowed(_("You do not have the right to do this."))


def change(ticket: Ticket, transition: Callable[..., Any], **arguments: Any) -> None:
    """Make a transition and its time stamp. Raises Refused with the state as the person knows it."""
    try:
        transition(**arguments)
    except TransitionNotAllowed:
        raise Refused(
            _("This is not possible any more: the status is now “%(status)s”.")
            % {"status": ticket.get_status_display()},
            code="wrong_state",
        ) from None
    ticket.last_activity_at = timezone.now()


def save(ticket: Ticket, *fields: str) -> None:
    ticket.save(update_fields=["status", "waiting_for", "last_activity_at", *fields])


def once(submission: UUID) -> None:
    """Let the second of two identical forms wait until the first one's transaction has ended."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [submission.int % 2**63])


def attach(files: "Iterable[File[bytes]]", *, by: Person, ticket: Ticket, comment: Comment | None = None) -> None:
    """Keep what was sent along. Here and not before: what a verb refuses or has done already leaves no file behind."""
    kept = [store(file, name=file.name or "", by=by) for file in files]
    Attachment.objects.bulk_create(Attachment(ticket=ticket, comment=comment, file=row) for row in kept)


def note_status(ticket: Ticket, kind: str, *, by: Person | None, **data: Any) -> None:
    """History: the verb and the state it led to."""
    events.record(f"ticket.{kind}", ticket, by=by, status=ticket.status, **data)
