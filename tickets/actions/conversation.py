"""Comments, and what a customer's comment does to the state (B14, B20)."""

from collections.abc import Iterable
from uuid import UUID

from django.core.files.base import File
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import events
from accounts.errors import NotAllowed, Refused
from accounts.models import Person
from accounts.permissions import is_staff
from tickets import notices
from tickets.actions.base import attach, change, locked, note_status, permit, save
from tickets.models import Comment, Ticket
from tickets.models.ticket import Channel
from tickets.permissions import is_customer, may_comment
from tickets.workflow import Status


@transaction.atomic
def comment(
    ticket: Ticket,
    *,
    by: Person,
    text: str,
    is_internal: bool = False,
    files: "Iterable[File[bytes]]" = (),
    channel: str = Channel.PORTAL,
    submission: UUID | None = None,
) -> Comment:
    """Add a reply or, by staff, an internal note. A customer's comment on what waits for them gives it back.

    `submission` is the form's own number: the same one again gives the same comment.
    Raises NotAllowed, and Refused for a comment without words and files.
    """
    ticket = locked(ticket)
    permit(may_comment, by, ticket)
    if submission is not None:
        sent_before = Comment.objects.filter(submission=submission, author=by).first()
        if sent_before is not None and sent_before.text == text.strip():
            return sent_before
        submission = None if sent_before else submission  # other words in the same form are another comment
    if is_internal and not is_staff(by):
        raise NotAllowed(_("Internal notes are for the desk's staff."))
    files = list(files)
    if not text.strip() and not files:
        raise Refused(_("Write your comment first, or attach a file."), code="empty")
    return _add(
        ticket,
        by=by,
        text=text,
        is_internal=is_internal,
        files=files,
        channel=channel,
        is_verified=True,
        submission=submission,
    )


@transaction.atomic
def comment_by_mail(
    ticket: Ticket,
    *,
    by: Person,
    text: str,
    files: "Iterable[File[bytes]]",
    is_verified: bool,
    quoted: str = "",
    references: tuple[str, ...] = (),
) -> Comment:
    """Add what came by e-mail. Staff's becomes an internal note, never a public reply; unproved it changes no state."""
    ticket = locked(ticket)
    permit(may_comment, by, ticket)
    return _add(
        ticket,
        by=by,
        text=text,
        is_internal=is_staff(by),
        files=list(files),
        channel=Channel.EMAIL,
        is_verified=is_verified,
        quoted=quoted,
        references=references,
    )


def _add(
    ticket: Ticket,
    *,
    by: Person,
    text: str,
    is_internal: bool,
    files: "list[File[bytes]]",
    channel: str,
    is_verified: bool,
    quoted: str = "",
    references: tuple[str, ...] = (),
    submission: UUID | None = None,
) -> Comment:
    row = Comment.objects.create(
        ticket=ticket,
        author=by,
        text=text.strip(),
        quoted=quoted.strip(),
        is_internal=is_internal,
        channel=channel,
        is_verified=is_verified,
        submission=submission,
    )
    attach(files, by=by, ticket=ticket, comment=row)
    events.record("ticket.commented", ticket, by=by, comment=row.pk, is_internal=is_internal)
    if is_customer(by, ticket) and is_verified:
        _give_back(ticket, by=by)
    ticket.last_activity_at = timezone.now()
    ticket.save(update_fields=["last_activity_at"])
    notices.commented(ticket, row, by=by, references=references)
    return row


def _give_back(ticket: Ticket, *, by: Person) -> None:
    """What waited for the customer is the provider's again; what waits for its invoice is held back."""
    if ticket.status in (Status.WAITING, Status.READY_TO_DEPLOY):
        change(ticket, ticket.reopen)
        ticket.clock_at = None
        save(ticket, "clock_at")
        note_status(ticket, "reopened", by=by)
    elif ticket.status == Status.INVOICE and not ticket.is_held:
        ticket.is_held = True
        ticket.save(update_fields=["is_held"])
        note_status(ticket, "held", by=by)
