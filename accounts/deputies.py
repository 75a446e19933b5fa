"""The verbs of deputies: an approver names who decides in their place, from one day to another."""

from datetime import date

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import events
from accounts.errors import NotAllowed, Refused
from accounts.models import Deputy, Person, Representation


@transaction.atomic
def appoint_deputy(
    representation: Representation, *, by: Person, person: Person, starts_on: date, ends_on: date, today: date
) -> Deputy:
    """Let a colleague decide with the approver's limit. Both days are included.

    Raises NotAllowed for somebody else's rights, and Refused as `judge_deputy` does.
    """
    if representation.person_id != by.pk or not representation.may_approve:
        raise NotAllowed(_("Only an approver can name a deputy for themselves."))
    judge_deputy(representation, person=person, starts_on=starts_on, ends_on=ends_on, today=today)
    deputy, is_new = Deputy.objects.get_or_create(
        representation=representation, person=person, starts_on=starts_on, ends_on=ends_on
    )
    if not is_new:
        return deputy
    events.record("deputy.appointed", deputy, by=by, person=person.pk, starts_on=starts_on, ends_on=ends_on)
    return deputy


def judge_deputy(
    representation: Representation, *, person: Person, starts_on: date, ends_on: date, today: date
) -> None:
    """Raises Refused for days in the wrong order or in the past, and for who could not read what they decide."""
    if ends_on < starts_on or ends_on < today:
        raise Refused(_("The last day is before the first one, or has passed. Choose other days."), code="dates")
    if person.pk == representation.person_id:
        raise Refused(_("Nobody is their own deputy. Choose another person."), code="own")
    if representation.organisation_id not in person.organisation_ids or not person.is_active:
        raise Refused(_("A deputy has to be an active colleague of the same organisation."), code="not_colleague")


@transaction.atomic
def dismiss_deputy(deputy: Deputy, *, by: Person) -> None:
    """From now on the approver decides alone again; what the deputy decided stays. Raises NotAllowed."""
    if deputy.representation.person_id != by.pk:
        raise NotAllowed(_("Only the person who named a deputy can take that back."))
    if Deputy.objects.filter(pk=deputy.pk).delete()[0]:  # of two at once one ends it
        events.record("deputy.dismissed", deputy, by=by, person=deputy.person_id)
