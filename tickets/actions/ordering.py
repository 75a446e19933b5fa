"""In which order an organisation's requests are handled: the customer says it, the agents' queue follows (A6)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from accounts import events
from accounts.errors import NotAllowed, Refused
from accounts.models import Organisation, Person
from accounts.permissions import may_order_for
from tickets.actions.base import all_locked
from tickets.models import Ticket
from tickets.workflow import UNFINISHED

# So many can be put in order; nobody looks through more. What stands behind them keeps its place in the queue.
ORDERED_AT_MOST = 200


class OrderHasChanged(Refused):
    """The list that was put in order is not the one that stands there now. `kept` is the wish as far as it fits."""

    def __init__(self, sentence: str, kept: list[int]) -> None:
        super().__init__(sentence, code="order_changed")
        self.kept = kept


def in_handling_order(organisation: Organisation) -> list[int]:
    """The ids of an organisation's requests that can be put in order, in the order that stands now."""
    rows = Ticket.objects.filter(organisation=organisation).unfinished().as_ordered()
    return list(rows.values_list("pk", flat=True)[:ORDERED_AT_MOST])


@transaction.atomic
def set_order(organisation: Organisation, *, order: Sequence[int], by: Person) -> None:
    """Say in which order the organisation's unfinished requests are handled; `order` names each of them once.

    They exchange their places in the queue among themselves, so nobody else's request is overtaken by it.
    Raises NotAllowed, and OrderHasChanged when one has ended or come since the list was read.
    """
    if not may_order_for(by, organisation):
        raise NotAllowed(_("You may not set the order of requests. Ask the head of your organisation."))
    Organisation.objects.select_for_update().get(pk=organisation.pk)  # two orders at once come one after the other
    tickets = all_locked(in_handling_order(organisation))
    # In the order that stands, once more: one may have ended while we waited for it.
    before = [pk for pk in in_handling_order(organisation) if pk in tickets and tickets[pk].status in UNFINISHED]
    _check_same(order, before, tickets)
    ranks = [tickets[pk].handling_rank for pk in order]
    if list(order) == before and ranks == list(range(1, len(order) + 1)):
        return
    for place, (pk, moment) in enumerate(zip(order, _places(list(tickets.values())), strict=True), 1):
        tickets[pk].queue_at, tickets[pk].handling_rank = moment, place
    Ticket.objects.bulk_update(tickets.values(), ["queue_at", "handling_rank"])
    moved = [(tickets[pk], before.index(pk) + 1, place) for place, pk in enumerate(order, 1)]
    events.record_all(
        events.event("organisation.order_set", organisation, by=by, before=before, after=list(order)),
        *(
            events.event("ticket.ordered", ticket, by=by, place_before=was, place=place)
            for ticket, was, place in moved
            if was != place
        ),
    )


def _check_same(order: Sequence[int], now: list[int], tickets: dict[int, Ticket]) -> None:
    """Raises OrderHasChanged unless the wish names each request that stands there, once."""
    if sorted(order) == sorted(now):
        return
    kept = [pk for pk in dict.fromkeys(order) if pk in now]
    new = [pk for pk in now if pk not in kept]
    said = [_("The list has changed since you opened it.")]
    if new:
        names = get_text_list([tickets[pk].reference for pk in new], _("and"))
        said.append(_("New at its end: %(references)s.") % {"references": names})
    if len(kept) < len(order):
        said.append(_("What has ended is left out."))
    said.append(_("Look it over and save the order again."))
    raise OrderHasChanged(" ".join(said), kept + new)


def _places(tickets: list[Ticket]) -> list[datetime]:
    """Their places in the queue from the first to the last, no two alike."""
    places: list[datetime] = []
    for moment in sorted(ticket.queue_at for ticket in tickets):
        after_last = places[-1] + timedelta(microseconds=1) if places else moment
        places.append(max(moment, after_last))
    return places
