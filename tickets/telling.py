"""How news about a ticket reaches people: a letter each, in their language, leading to where they read or decide."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import Person
from notifications.models import Going, OutboxMessage
from notifications.outbox import Letter, put
from tickets.decisions import link_to_decide
from tickets.mail.addresses import reply_address
from tickets.models import Attention, Estimate, Ticket

STEM = "tickets/mail/letter"
# How many earlier letters a new one names.
THREAD = 5
# What a letter says: 'lead', and if there are any 'title', 'facts', 'words', 'button'. Words, numbers and lists only:
# it waits in the outbox.
Said = dict[str, Any]
Say = Callable[[Person], Said]
Followers = Literal["everybody", "staff", "nobody"]


@dataclass(frozen=True)
class News:
    """One piece of news for some people. `decide` names what it asks for: its button leads to where that is done."""

    kind: str
    hearers: Iterable[Person]
    say: Say
    decide: Ticket | Estimate | None = None
    # What it answers: named to who has got no letter about the ticket before.
    references: tuple[str, ...] = ()
    # Asks for something that is done elsewhere than behind a link of its own.
    asks: bool = False
    # The receipt of what its reader has just sent.
    at_once: bool = False
    # Who hears it besides, because they follow the ticket.
    followers: Followers = "everybody"

    @property
    def needs_reader(self) -> bool:
        return self.asks or self.decide is not None


def tell(
    ticket: Ticket,
    hearers: Iterable[Person],
    kind: str,
    say: Say,
    *,
    by: Person | None,
    references: tuple[str, ...] = (),
    decide: Ticket | Estimate | None = None,
    asks: bool = False,
    followers: Followers = "everybody",
) -> None:
    news = News(kind, hearers, say, decide, references, asks, followers=followers)
    tell_all(ticket, [news], by=by)


def tell_all(ticket: Ticket, news: list[News], *, by: Person | None, is_new: bool = False) -> None:
    """Everybody hears one piece of news, the first that is for them; who acted hears none."""
    told: dict[int, tuple[Person, News]] = {}
    for piece in news:
        for person in piece.hearers:
            if person.is_active and (by is None or person.pk != by.pk):
                told.setdefault(person.pk, (person, piece))
    if not is_new:
        _heed_attention(ticket, news, told, by)
    threads = {} if is_new else _threads(ticket, list(told))
    put(
        Letter(
            to=person,
            kind=piece.kind,
            stem=STEM,
            compose=_composer(ticket, person, piece.say, piece.decide),
            reply_to=reply_address(ticket, person),
            references=threads.get(person.pk, ()) or piece.references,
            about=ticket,
            is_personal=piece.decide is not None,
            at_once=piece.at_once,
            needs_reader=piece.needs_reader,
            **_route(ticket, person),
        )
        for person, piece in told.values()
    )


def _heed_attention(ticket: Ticket, news: list[News], told: dict[int, tuple[Person, News]], by: Person | None) -> None:
    """Who muted the ticket hears only what needs them; who follows it hears what is not only for others."""
    for row in ticket.company:
        person = row.person
        if row.is_guest:
            continue
        if row.choice == Attention.Choice.MUTED:
            if person.pk in told and not told[person.pk][1].needs_reader:
                del told[person.pk]
        elif person.pk not in told and (by is None or person.pk != by.pk) and _still_sees(ticket, person):
            piece = next((one for one in news if _is_for_follower(one, person)), None)
            if piece is not None:
                told[person.pk] = person, piece


def _still_sees(ticket: Ticket, person: Person) -> bool:
    """Rights end after somebody has begun to follow."""
    if person.is_staff:  # to them the whole desk is visible
        return person.is_active
    return Ticket.objects.visible_to(person).filter(pk=ticket.pk).exists()


def _is_for_follower(piece: News, person: Person) -> bool:
    if piece.decide is not None or piece.followers == "nobody":
        return False
    return person.is_staff or piece.followers == "everybody"


def _composer(ticket: Ticket, person: Person, say: Say, decide: Ticket | Estimate | None) -> Callable[[], Said]:
    def compose() -> Said:
        # Without an account nobody gets past the log-in: they answer by e-mail.
        link = reverse(**_address(ticket, person)) if person.user_id else ""
        if decide is not None:
            link = link_to_decide(ticket, person, decide if isinstance(decide, Estimate) else None)
        button = _("Open the ticket") if person.is_staff else _("Open the request")
        title = f"[{ticket.reference}] {ticket.subject}"
        return {"replies": True, "title": title, "button": button, "link": link, **say(person)}

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
    # What went along with another letter never had an id of its own outside, and a summary is about many tickets.
    rows = OutboxMessage.objects.filter(
        sent_with=None, about_label=ticket._meta.label_lower, about_id=ticket.pk, to_person_id__in=people
    ).exclude(going=Going.DIGEST)
    threads: dict[int, tuple[str, ...]] = {}
    for person_id, message_id in rows.order_by("-id").values_list("to_person_id", "message_id")[: THREAD * len(people)]:
        if person_id is not None and len(threads.get(person_id, ())) < THREAD:
            threads[person_id] = (message_id, *threads.get(person_id, ()))
    return threads
