"""Other ends: given up, merged into another ticket, invoiced; and going on from what ended long ago."""

from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import events
from accounts.errors import Refused
from accounts.events import history_of, last_of
from accounts.models import Event, Person
from tickets import followers, gates, notices
from tickets.actions.base import (
    all_locked,
    answered,
    change,
    heard,
    locked,
    note_status,
    permit,
    required,
    save,
    say,
    wrong_state,
)
from tickets.actions.estimates import end_open_estimate
from tickets.actions.handling import check_quote
from tickets.actions.review import can_be_reopened, work_to_bill
from tickets.actions.submission import follow
from tickets.models import Attachment, Estimate, Participant, Ticket
from tickets.permissions import may_bill, may_decide, may_follow_up, may_work_on
from tickets.proof import Quote
from tickets.workflow import Status


@transaction.atomic
def cancel(ticket: Ticket, *, by: Person, text: str, quote: Quote | None = None) -> Ticket:
    """The customer gives the request up, or an agent quotes it; agreed work that was done is billed (B12).

    While work is in progress a customer asks the agent to (`ask_to_cancel`). Raises NotAllowed, and Refused without a
    reason, without a quote by staff, or when the state does not allow it.
    """
    ticket = locked(ticket)
    if quote is None:
        permit(may_decide, by, ticket)
        if ticket.status == Status.IN_PROGRESS:
            raise Refused(_("Work has begun. Ask us to cancel, and we tell you what was done."), code="in_progress")
    else:
        permit(may_work_on, by, ticket)
        check_quote(ticket, quote)
    text = required(text, _("Say why, in a few words."))
    return _cancel(ticket, by=by, reason=text, quote=quote.as_data if quote else None, is_billed=work_to_bill(ticket))


@transaction.atomic
def lapse_unpaid_order(ticket: Ticket) -> Ticket:
    """The clock: the order was not paid by its day, so nobody owes anything (A4). Raises Refused when none lapsed."""
    ticket = locked(ticket)
    if ticket.status != Status.ESTIMATE_ACCEPTED or not any(gates.order_has_lapsed(ticket)):
        raise wrong_state(ticket)
    return _cancel(ticket, by=None, reason="", quote=None, is_billed=False)


def _cancel(ticket: Ticket, *, by: Person | None, reason: str, quote: dict[str, Any] | None, is_billed: bool) -> Ticket:
    had_estimate = ticket.status == Status.ESTIMATED
    change(ticket, ticket.cancel, something_to_bill=is_billed)
    if had_estimate:
        end_open_estimate(ticket)
    answered(ticket, by)
    save(ticket)
    note_status(ticket, "cancelled", by=by, reason=reason, quote=quote)
    followers.cancelled(ticket)
    notices.cancelled(ticket, by=by, reason=reason)
    return ticket


@transaction.atomic
def ask_to_cancel(ticket: Ticket, *, by: Person, text: str) -> Ticket:
    """The customer wants work in progress to stop; the agent hears it and cancels, quoting it.

    Raises NotAllowed, and Refused without words, when no work is in progress, or when it was asked before.
    """
    ticket = locked(ticket)
    permit(may_decide, by, ticket)
    text = required(text, _("Say why, in a few words."))
    if ticket.status != Status.IN_PROGRESS:
        raise wrong_state(ticket)
    if ticket.cancel_asked_at is not None:
        raise Refused(_("You have asked us already; we will answer. Add a comment if there is more."), code="asked")
    ticket.cancel_asked_at = ticket.last_activity_at = timezone.now()
    heard(ticket, by)
    ticket.save(update_fields=["cancel_asked_at", "last_activity_at", "unread_since"])
    words = say(ticket, by=by, text=text)
    note_status(ticket, "cancel_asked", by=by, comment=words.pk)
    notices.cancel_asked(ticket, words, by=by)
    return ticket


@transaction.atomic
def close(
    ticket: Ticket,
    *,
    by: Person,
    reason: str = "",
    invoice: str = "",
    minutes: int = 0,
    fixed: Decimal = Decimal(0),
) -> Ticket:
    """End of the life: `invoice` bears its number, or there is nothing to charge for a `reason`.

    `minutes` and `fixed` are what the invoice charged, so that a reopened ticket is not charged again for it.
    Raises NotAllowed, and Refused when an objection holds it back or neither is given.
    """
    ticket = locked(ticket)
    permit(may_bill, by, ticket)
    if ticket.is_held:
        raise Refused(_("An objection holds %(reference)s back.") % {"reference": ticket.reference}, code="held")
    if not invoice:
        reason = required(reason, _("Say why there is nothing to charge."))
    change(ticket, ticket.close)
    ticket.billed_minutes += minutes
    ticket.billed_fixed += fixed
    answered(ticket, by)
    save(ticket, "billed_minutes", "billed_fixed")
    events.record("ticket.closed", ticket, by=by, status=ticket.status, invoice=invoice, reason=reason)
    notices.closed(ticket, by=by, invoice=invoice)
    return ticket


@transaction.atomic
def merge(ticket: Ticket, *, by: Person, into: Ticket) -> Ticket:
    """Close a duplicate: people and files follow into the other ticket, and its time is billed there.

    There are no chains of merges: of each it is known what it brought along, so that it can be undone.
    Raises NotAllowed, and Refused for itself, for one with an accepted estimate, for one that took over another, for
    another organisation's, or for a ticket that has ended or waits for its invoice.
    """
    if ticket.pk == into.pk:
        raise Refused(_("A ticket cannot be merged into itself. Choose another one."), code="itself")
    both = all_locked([ticket.pk, into.pk])
    ticket, into = both[ticket.pk], both[into.pk]
    permit(may_work_on, by, ticket)
    if into.has_ended or into.status == Status.INVOICE:
        raise Refused(
            _("%(reference)s has ended or is accepted. Choose an open ticket.") % {"reference": into.reference},
            code="ended",
        )
    if ticket.organisation_id != into.organisation_id:
        raise Refused(
            _("%(reference)s belongs to another organisation, whose people would read this one.")
            % {"reference": into.reference},
            code="foreign",
        )
    if has_agreement(ticket):
        raise Refused(
            _("What the customer accepted for %(reference)s would be lost. Bill or cancel it instead.")
            % {"reference": ticket.reference},
            code="agreed",
        )
    if took_over(ticket):
        raise Refused(
            _("Another ticket was merged into %(reference)s. Undo that merge first, or merge the other way round.")
            % {"reference": ticket.reference},
            code="took_over",
        )
    had_estimate = ticket.status == Status.ESTIMATED
    change(ticket, ticket.merge)
    if had_estimate:
        end_open_estimate(ticket)
    ticket.merged_into = into
    answered(ticket, by)
    save(ticket, "merged_into")
    followed = {
        "people": _people_follow(ticket, into, by=by),
        "files": _files_follow(ticket, into),
    }
    events.record_all(
        events.event("ticket.merged", ticket, by=by, status=ticket.status, into=into.pk, **followed),
        events.event("ticket.took_over", into, by=by, merged=ticket.pk),
    )
    into.last_activity_at = timezone.now()
    # Its time counts there now, and so does what was charged of it before.
    into.billed_minutes += ticket.billed_minutes
    into.save(update_fields=["last_activity_at", "billed_minutes"])
    notices.merged(ticket, into, by=by)
    return ticket


def has_agreement(ticket: Ticket) -> bool:
    """Whether an estimate is accepted: its price belongs to this ticket and cannot follow into another."""
    return Estimate.objects.accepted().filter(ticket=ticket).exists()


def took_over(ticket: Ticket) -> bool:
    """Whether another ticket was merged into it."""
    return Ticket.objects.filter(merged_into=ticket).exists()


def _people_follow(ticket: Ticket, into: Ticket, *, by: Person) -> list[int]:
    """Who was involved in the one takes part in the other; returns the new rows, so that it can be undone."""
    taking_part = Participant.objects.filter(ticket__in=[ticket, into]).values_list("ticket_id", "person_id")
    wanted, known = {ticket.requester_id}, {into.requester_id}
    for ticket_id, person_id in taking_part:
        (wanted if ticket_id == ticket.pk else known).add(person_id)
    rows = [Participant(ticket=into, person_id=person, added_by=by) for person in sorted(wanted - known)]
    return [row.pk for row in Participant.objects.bulk_create(rows)]


def _files_follow(ticket: Ticket, into: Ticket) -> list[int]:
    """What customers can read of the one, they can read in the other."""
    rows = Attachment.objects.filter(ticket=ticket).exclude(comment__is_internal=True).order_by("id")
    copies = [Attachment(ticket=into, file_id=row.file_id) for row in rows]
    return [row.pk for row in Attachment.objects.bulk_create(copies)]


@transaction.atomic
def unmerge(ticket: Ticket, *, by: Person) -> Ticket:
    """It was no duplicate: it comes back, and what followed leaves again.

    Raises NotAllowed, and Refused if it is not merged, or its time was accepted or charged where it went on.
    """
    both = all_locked([ticket.pk, *Ticket.objects.filter(merged=ticket).values_list("pk", flat=True)])
    ticket = both[ticket.pk]
    permit(may_work_on, by, ticket)
    into = both.get(ticket.merged_into_id or 0)
    if into is None:
        raise wrong_state(ticket)
    if is_billed_with_other(ticket):
        raise Refused(
            _("Its time is accepted or invoiced with %(reference)s and stays there.") % {"reference": into.reference},
            code="billed",
        )
    done = _merging(ticket)
    Participant.objects.filter(pk__in=done.data["people"]).delete()
    Attachment.objects.filter(pk__in=done.data["files"]).delete()
    into.billed_minutes -= ticket.billed_minutes
    into.save(update_fields=["billed_minutes"])
    change(ticket, ticket.unmerge)
    ticket.merged_into = None
    save(ticket, "merged_into")
    note_status(ticket, "unmerged", by=by, was_in=into.pk)
    notices.unmerged(ticket, by=by)
    return ticket


def _merging(ticket: Ticket) -> Event:
    merged = last_of(ticket, "ticket.merged")
    assert merged is not None  # of a ticket that is merged
    return merged


def is_billed_with_other(ticket: Ticket) -> bool:
    """Whether what it was merged into waits for an invoice, or was on one since: with this one's time, which would
    be billed twice if it came back."""
    into = ticket.merged_into
    if into is None or into.status == Status.INVOICE:
        return into is not None
    closings = history_of(into).filter(kind="ticket.closed", pk__gt=_merging(ticket).pk)
    return any(closing.data.get("invoice") for closing in closings)


@transaction.atomic
def follow_up(ticket: Ticket, *, by: Person, text: str) -> Ticket:
    """Go on from what was closed too long ago: a new ticket that names the old one; returns the new one.

    Raises NotAllowed, and Refused without words, while the old one can still be reopened, or when it goes on in the
    ticket that it was merged into.
    """
    ticket = locked(ticket)
    permit(may_follow_up, by, ticket)
    text = required(text, _("Say what is still to be done."))
    if ticket.merged_into_id is not None:
        raise Refused(_("It goes on as a part of another request. Write there."), code="merged")
    if not ticket.has_ended or can_be_reopened(ticket):
        raise Refused(_("It can still be reopened."), code="not_ended")
    return follow(ticket, by=by, text=text)
