"""How closely somebody follows one ticket: their own choice, and nobody else's business."""

from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.errors import NotAllowed, Refused
from accounts.models import Person
from tickets.models import Attention, Ticket
from tickets.permissions import may_follow


@transaction.atomic
def attend(ticket: Ticket, *, by: Person, choice: str) -> None:
    """Follow a ticket that one is not told of otherwise, mute one that one is, or neither (''): as everybody concerned.

    Raises NotAllowed, and Refused for a choice that does not exist.
    """
    if not may_follow(by, ticket):
        raise NotAllowed(_("You do not have the right to do this."))
    if choice and choice not in Attention.Choice.values:
        raise Refused(_("Choose to follow or to mute it."), code="choice")
    if choice:
        Attention.objects.update_or_create(ticket=ticket, person=by, defaults={"choice": choice})
    else:
        Attention.objects.filter(ticket=ticket, person=by).delete()


def is_told_anyway(ticket: Ticket, person: Person, guests: Iterable[int]) -> bool:
    """Who asked, who is responsible and who was invited (`guests`, by their ids) need not follow."""
    return person.pk in {ticket.requester_id, ticket.assignee_id, *guests}
