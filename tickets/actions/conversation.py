"""Comments, and what a customer's comment does to the state (B14, B20)."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import announce, events
from accounts.addresses import normalise_address
from accounts.errors import NotAllowed, Refused
from accounts.events import history_of
from accounts.invitations import make_token, obtain_user
from accounts.models import Event, Person
from accounts.permissions import is_staff
from accounts.uploads import SentFile
from tickets import notices
from tickets.actions.base import attach, change, heard, locked, note_status, permit, save, sent_before
from tickets.actions.submission import contract_of, organisation_of, prove_address, with_left_out
from tickets.models import Comment, Participant, Ticket
from tickets.models.ticket import Channel
from tickets.permissions import is_customer, may_comment, may_invite
from tickets.workflow import Status

# So many people read along at most: an invitation sends mail to whoever is named.
MOST_GUESTS = 20
MOST_INVITATIONS = 50


@transaction.atomic
def comment(
    ticket: Ticket,
    *,
    by: Person,
    text: str,
    is_internal: bool = False,
    files: "Iterable[SentFile]" = (),
    channel: str = Channel.PORTAL,
    submission: UUID | None = None,
) -> Comment:
    """Add a reply or, by staff, an internal note. A customer's comment on what waits for them gives it back.

    `submission` is the form's own number: the same one again gives the same comment.
    Raises NotAllowed, and Refused for a comment without words and files.
    """
    ticket = locked(ticket)
    permit(may_comment, by, ticket)
    made, submission = sent_before(
        Comment.objects.all(), submission, author_id=by.pk, ticket_id=ticket.pk, text=text.strip()
    )
    if made is not None:
        return made
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
    files: "Iterable[SentFile]",
    is_verified: bool,
    quoted: str = "",
    references: tuple[str, ...] = (),
    left_out: Sequence[str] = (),
) -> Comment:
    """Add what came by e-mail. Staff's becomes an internal note, never a public reply; unproved it changes no state.

    Files that were too large stand in `left_out`: the comment names them, and their sender is told.
    """
    ticket = locked(ticket)
    permit(may_comment, by, ticket)
    if is_verified:
        prove_address(by)
        _give_organisation(ticket, by)
    text = with_left_out(text, left_out)
    if left_out and is_verified:  # to whom a forger names go none of the forger's words
        notices.files_left_out(ticket, by, left_out)
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


@transaction.atomic
def prove_comment(comment: Comment, *, by: Person) -> None:
    """Another copy of the same e-mail shows that its author wrote it: now it counts, and everybody hears of it."""
    ticket = locked(comment.ticket)
    if comment.is_verified or comment.author_id != by.pk:
        return
    prove_address(by)
    _give_organisation(ticket, by)
    comment.is_verified = True
    comment.save(update_fields=["is_verified"])
    events.record("ticket.comment_proved", ticket, by=by, comment=comment.pk)
    if is_customer(by, ticket):
        _give_back(ticket, by=by)
    notices.commented(ticket, comment, by=by)


def _give_organisation(ticket: Ticket, requester: Person) -> None:
    """What an applicant filed before anybody knew whose they are."""
    organisation = organisation_of(requester) if ticket.organisation_id is None else None
    if organisation is not None and ticket.requester_id == requester.pk and not ticket.has_ended:
        ticket.organisation, ticket.contract = organisation, contract_of(organisation, ticket.tenant.today)
        ticket.save(update_fields=["organisation", "contract"])


def _add(
    ticket: Ticket,
    *,
    by: Person,
    text: str,
    is_internal: bool,
    files: "list[SentFile]",
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
    if not is_internal:  # customers' lists stand in this order
        ticket.last_activity_at = timezone.now()
    heard(ticket, by)
    ticket.save(update_fields=["last_activity_at", "unread_since"])
    if is_customer(by, ticket) and is_verified:
        _give_back(ticket, by=by)
    notices.commented(ticket, row, by=by, references=references)
    return row


def _give_back(ticket: Ticket, *, by: Person) -> None:
    """What waited for the customer is the provider's again; what waits for its invoice is held back."""
    if ticket.status in (Status.WAITING, Status.READY_TO_DEPLOY):
        change(ticket, ticket.reopen)
        save(ticket)
        note_status(ticket, "reopened", by=by)
    elif ticket.status == Status.INVOICE and not ticket.is_held:
        ticket.is_held = True
        ticket.save(update_fields=["is_held"])
        note_status(ticket, "held", by=by)


@transaction.atomic
def add_participant(ticket: Ticket, *, by: Person, address: str, name: str = "") -> Participant:
    """Invite somebody to this request by e-mail address (A10): they read it, comment on it and hear what happens.

    Who is not known becomes a person without rights, and gets a link to choose a password: without one they could only
    answer by e-mail. Raises NotAllowed, and Refused for an address that is none, for somebody of the desk, who sees the
    ticket anyway, and when there are enough guests.
    """
    ticket = locked(ticket)
    permit(may_invite, by, ticket)
    normal = normalise_address(address)
    if not normal:
        raise Refused(_("This is not an e-mail address. Write it like name@example.com."), code="address")
    language = ticket.requester.language if by.is_staff else by.language
    # Two who invite the same new address at once make one person.
    person, _made = Person.objects.get_or_create(
        email=normal, defaults={"name": " ".join(name.split())[:150], "language": language}
    )
    if person.is_staff or not person.is_active:
        raise Refused(_("This person cannot be invited: they work at the desk, or are not active."), code="staff")
    if person.pk == ticket.requester_id:
        raise Refused(_("%(name)s asked for it and takes part already.") % {"name": person}, code="requester")
    if Participant.objects.filter(ticket=ticket).exclude(person=person).count() >= MOST_GUESTS:
        raise Refused(_("At most %(most)d people can be invited.") % {"most": MOST_GUESTS}, code="too_many")
    participant, is_new = Participant.objects.get_or_create(ticket=ticket, person=person, defaults={"added_by": by})
    if is_new:
        _check_pace(by)
        _give_access(person)
        was_invited = _was_invited(ticket, person)
        events.record("ticket.participant_added", ticket, by=by, person=person.pk)
        if not was_invited:
            notices.invited(ticket, person, by=by)
    return participant


def _check_pace(by: Person) -> None:
    """Every invitation is a letter to an address of somebody's choice, so there is an end to them in a day."""
    day_ago = timezone.now() - timedelta(days=1)
    sent = Event.objects.filter(by=by, kind="ticket.participant_added", at__gte=day_ago)
    if sent.count() >= MOST_INVITATIONS:
        raise Refused(_("You have invited many people today. Go on tomorrow, or ask us to."), code="too_many")


def _was_invited(ticket: Ticket, person: Person) -> bool:
    """Removed and invited again, somebody is not written to again."""
    return history_of(ticket).filter(kind="ticket.participant_added", data__person=person.pk).exists()


def _give_access(person: Person) -> None:
    """Once: an account for the address, which opens what they were invited to and nothing else."""
    is_new = Person.objects.filter(pk=person.pk, user=None).update(user_id=obtain_user(person.email))
    person.refresh_from_db(fields=["user"])
    if is_new:
        events.record("person.invited", person, by=None)
        announce.invited(person, reverse("invitation", args=[make_token(person)]))


@transaction.atomic
def remove_participant(ticket: Ticket, *, by: Person, person: Person) -> None:
    """Take an invitation back; what they wrote stays. Guests may leave by themselves. Raises NotAllowed."""
    ticket = locked(ticket)
    if by.pk != person.pk:
        permit(may_invite, by, ticket)
    if Participant.objects.filter(ticket=ticket, person=person).delete()[0]:
        events.record("ticket.participant_removed", ticket, by=by, person=person.pk)
