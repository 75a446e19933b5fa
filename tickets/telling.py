"""How news about a ticket reaches people: a letter each, in their language, leading to where they read or decide."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import Person
from notifications.models import OutboxMessage
from notifications.outbox import Letter, put
from tickets.decisions import link_to_decide
from tickets.mail.addresses import reply_address
from tickets.models import Estimate, Ticket

STEM = "tickets/mail/letter"
# How many earlier letters a new one names.
THREAD = 5
# What a letter says: 'lead', and if there are any 'title', 'facts', 'words', 'button'.
Said = dict[str, Any]
Say = Callable[[Person], Said]


@dataclass(frozen=True)
class News:
    """One piece of news for some people. `decide` names what it asks for: its button leads to where that is done."""

    kind: str
    hearers: Iterable[Person]
    say: Say
    decide: Ticket | Estimate | None = None
    # What it answers; empty: the letters that each got before.
    references: tuple[str, ...] = ()


def tell(
    ticket: Ticket,
    hearers: Iterable[Person],
    kind: str,
    say: Say,
    *,
    by: Person | None,
    references: tuple[str, ...] = (),
    decide: Ticket | Estimate | None = None,
) -> None:
    tell_all(ticket, [News(kind, hearers, say, decide, references)], by=by)


def tell_all(ticket: Ticket, news: list[News], *, by: Person | None, is_new: bool = False) -> None:
    """Everybody hears one piece of news, the first that is for them; who acted hears none."""
    told: dict[int, tuple[Person, News]] = {}
    for piece in news:
        for person in piece.hearers:
            if person.is_active and (by is None or person.pk != by.pk):
                told.setdefault(person.pk, (person, piece))
    threads = {} if is_new else _threads(ticket, list(told))
    put(
        Letter(
            to=person,
            kind=piece.kind,
            stem=STEM,
            compose=_composer(ticket, person, piece.say, piece.decide),
            reply_to=reply_address(ticket, person),
            references=piece.references or threads.get(person.pk, ()),
            about=ticket,
            is_personal=piece.decide is not None,
            **_route(ticket, person),
        )
        for person, piece in told.values()
    )


def _composer(ticket: Ticket, person: Person, say: Say, decide: Ticket | Estimate | None) -> Callable[[], Said]:
    def compose() -> Said:
        link = reverse(**_address(ticket, person))
        if decide is not None:
            link = link_to_decide(ticket, person, decide if isinstance(decide, Estimate) else None)
        button = _("Open the ticket") if person.is_staff else _("Open the request")
        title = f"[{ticket.reference}] {ticket.subject}"
        return {"ticket": ticket, "title": title, "button": button, "link": link, **say(person)}

    return compose


def _route(ticket: Ticket, person: Person) -> dict[str, str]:
    """Where this person reads the ticket."""
    if person.is_staff:
        return {"route": "admin:tickets_ticket_change", "key": str(ticket.pk)}
    return {"route": "request", "key": ticket.reference}


def _address(ticket: Ticket, person: Person) -> dict[str, Any]:
    route = _route(ticket, person)
    return {"viewname": route["route"], "args": [route["key"]]}


def _threads(ticket: Ticket, people: list[int]) -> dict[int, tuple[str, ...]]:
    """What each got about the ticket before, so that their mail program keeps it together; one query for all."""
    rows = OutboxMessage.objects.filter(
        about_label=ticket._meta.label_lower, about_id=ticket.pk, to_person_id__in=people
    )
    threads: dict[int, tuple[str, ...]] = {}
    for person_id, message_id in rows.order_by("-id").values_list("to_person_id", "message_id")[: THREAD * len(people)]:
        if person_id is not None and len(threads.get(person_id, ())) < THREAD:
            threads[person_id] = (message_id, *threads.get(person_id, ()))
    return threads
