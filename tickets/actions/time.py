"""Time worked: recorded in one line, corrected by another row."""

from datetime import date
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import events
from accounts.errors import Refused
from accounts.models import Person
from tickets.actions.base import locked, permit, required, sent_before
from tickets.durations import split_duration
from tickets.models import Ticket, TimeEntry, WorkType
from tickets.models.time import LONGEST_ENTRY
from tickets.permissions import may_work_on
from tickets.workflow import Status

LONGEST_DESCRIPTION = 200


@transaction.atomic
def record_time(
    ticket: Ticket,
    *,
    by: Person,
    minutes: int,
    description: str,
    work_type: WorkType | None = None,
    is_billable: bool | None = None,
    worked_on: date | None = None,
    submission: UUID | None = None,
) -> TimeEntry:
    """Note minutes worked, 1 to 1,440 an entry, today or on an earlier day (B22).

    Whether it is billable follows the work type when it is not said; whether the ticket is charged at all is its
    policy's business. `submission` is the form's own number: the same one again gives the same entry.
    Raises NotAllowed, Refused for an ended ticket or a wrong number or day.
    """
    ticket = locked(ticket)
    permit(may_work_on, by, ticket)
    description = required(description, _("Say what was done: '1h20 analysis'."))[:LONGEST_DESCRIPTION]
    made, submission = sent_before(
        TimeEntry.objects.all(),
        submission,
        ticket_id=ticket.pk,
        recorded_by_id=by.pk,
        minutes=minutes,
        description=description,
    )
    if made is not None:
        return made
    _check_open(ticket)
    if not 1 <= minutes <= LONGEST_ENTRY:
        raise Refused(_("An entry takes 1 to 1,440 minutes."), code="minutes")
    today = ticket.tenant.today
    if worked_on is not None and worked_on > today:
        raise Refused(_("This day has not come yet. Record time when it was worked."), code="dates")
    if is_billable is None:
        is_billable = work_type.is_billable if work_type else True
    entry = TimeEntry.objects.create(
        ticket=ticket,
        person=by,
        recorded_by=by,
        work_type=work_type,
        minutes=minutes,
        description=description,
        is_billable=is_billable,
        worked_on=worked_on or today,
        submission=submission,
    )
    events.record("ticket.time_recorded", ticket, by=by, minutes=minutes, entry=entry.pk)
    return entry


@transaction.atomic
def correct_time(
    entry: TimeEntry, *, by: Person, minutes: int, description: str, is_billable: bool, reason: str = ""
) -> TimeEntry:
    """Replace an entry by a corrected one; 0 minutes mean that it was not worked. Both stay in the history.

    Raises NotAllowed, and Refused when it was corrected before, is on an invoice, or a number is wrong.
    """
    ticket = locked(entry.ticket)
    permit(may_work_on, by, ticket)
    _check_open(ticket)
    if TimeEntry.objects.filter(corrects=entry).exists():
        raise Refused(_("Somebody has corrected this entry already. Correct the new one."), code="corrected")
    if not 0 <= minutes <= LONGEST_ENTRY:
        raise Refused(_("An entry takes 1 to 1,440 minutes; 0 means that it was not worked."), code="minutes")
    description = required(description, _("Say what was done: '1h20 analysis'."))
    corrected = TimeEntry.objects.create(
        ticket=ticket,
        person_id=entry.person_id,
        recorded_by=by,
        work_type_id=entry.work_type_id,
        minutes=minutes,
        description=description[:LONGEST_DESCRIPTION],
        is_billable=is_billable,
        worked_on=entry.worked_on,
        corrects=entry,
    )
    events.record(
        "ticket.time_corrected",
        ticket,
        by=by,
        entry=corrected.pk,
        corrects=entry.pk,
        minutes=minutes,
        before=entry.minutes,
        reason=reason.strip(),
    )
    return corrected


def _check_open(ticket: Ticket) -> None:
    if ticket.has_ended or ticket.status == Status.INVOICE:
        raise Refused(_("It is accepted or has ended; reopen it to record time."), code="wrong_state")


def read_time(line: str) -> tuple[int, WorkType | None, str]:
    """(minutes, work type, description) of '1h20 analysis'. A work type is known by its name, in any language.

    Raises Refused when the line does not begin with a duration.
    """
    found = split_duration(line)
    if found is None or found[0] == 0:
        raise Refused(_("Begin with the time: '1h20 analysis', '45 call', '1:30 tests'."), code="duration")
    minutes, words = found
    work_type = _work_type(words)
    if work_type is not None:
        named = next((name for name in work_type.name.values() if _begins(words, name)), "")
        words = words[len(named) :].strip(" ,;:-–") or words
    return minutes, work_type, words


def _work_type(words: str) -> WorkType | None:
    """The longest name wins: 'Analysis of data' before 'Analysis'."""
    rows = WorkType.objects.filter(is_active=True).order_by("position", "id")
    named = [(name, row) for row in rows for name in row.name.values() if _begins(words, name)]
    return max(named, key=lambda pair: len(pair[0]))[1] if named else None


def _begins(words: str, name: str) -> bool:
    """Whether the words begin with the name, and it ends there."""
    rest = words[len(name) : len(name) + 1]
    return bool(name) and words[: len(name)].casefold() == name.casefold() and not rest.isalnum()
