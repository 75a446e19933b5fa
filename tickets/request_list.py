"""A customer's list of requests: whose, in which state, in which order, with which words. For the page and the file."""

from dataclasses import dataclass, replace
from typing import Any

from accounts.http import PersonRequest
from accounts.models import Organisation, Person
from tickets import search
from tickets.lists import SORTS
from tickets.models import Ticket
from tickets.querysets import STATES, TicketQuerySet
from tickets.workflow import ALIVE, ENDED, WITH_CUSTOMER

MINE, ORGANISATION, SHARED = "mine", "organisation", "shared"
# How the search calls them.
KINDS = {MINE: "requester", ORGANISATION: "organisation", SHARED: "guest"}
# What can only be said of what is alive.
OF_THE_LIVING = ("order",)


@dataclass(frozen=True)
class Wish:
    """What a list's address asks for, each part one that we know."""

    scope: str
    state: str
    sort: str
    words: str


def wish_of(request: PersonRequest) -> Wish:
    words = search.cleaned(request.GET.get("q", ""))
    # Who searches does not know whether it has ended.
    usual = "all" if words else "open"
    state = request.GET.get("state", usual)
    state = state if state in STATES else usual
    sort = request.GET.get("sort", "")
    return Wish(chosen_scope(request), state, sort if sort in sorts_of(state) else "activity", words)


def sorts_of(state: str) -> list[str]:
    """The orders in which requests of a state can stand."""
    return [sort for sort in SORTS if sort not in OF_THE_LIVING or state in ("open", "waiting")]


def chosen_scope(request: PersonRequest) -> str:
    """Mine, those of the organisation I act for, or those I was invited to."""
    wanted, person = request.GET.get("scope") or None, request.person
    if wanted == ORGANISATION and request.acting is not None:
        return ORGANISATION
    if person.is_staff or wanted in (MINE, ORGANISATION):
        return MINE
    # Who represents nobody is here because they were invited, more often than not. Others are not asked about it:
    # their list costs no query more.
    is_guest = wanted is None and not person.represents and person.participations.exists()
    return SHARED if wanted == SHARED or is_guest else MINE


def in_scope(person: Person, acting: Organisation | None, scope: str) -> TicketQuerySet:
    """The parts of `visible_to`, each with its index."""
    if scope == SHARED:
        return Ticket.objects.shared_with(person)
    if scope == ORGANISATION and acting is not None:
        return Ticket.objects.of_organisation(acting, actor=person)
    return Ticket.objects.asked_by(person)


# ---- with words ----


@dataclass(frozen=True)
class Found:
    """What has the words, as far as the reader may see it: ids with their states."""

    states: dict[int, str]
    # Only the newest were looked for: there are more.
    is_cut: bool = False
    # What was typed and had no match, and what is shown instead.
    typed: str = ""
    instead: str = ""

    def ids(self, state: str) -> list[int]:
        wanted: Any = {"open": ALIVE, "waiting": WITH_CUSTOMER, "closed": ENDED}.get(state)
        return [pk for pk, status in self.states.items() if wanted is None or status in wanted]


def found(person: Person, acting: Organisation | None, wish: Wish) -> Found:
    """The requests with the words of a wish; with the nearest words where nothing has those that were typed."""
    answer = _found(person, acting, wish)
    if answer.states:
        return answer
    better = search.corrected(_searched(person, acting, wish.scope), wish.words)
    if better is None:
        return answer
    corrected = _found(person, acting, replace(wish, words=better.words))
    return replace(corrected, typed=better.typed, instead=better.instead) if corrected.states else answer


def _found(person: Person, acting: Organisation | None, wish: Wish) -> Found:
    tickets, scope = in_scope(person, acting, wish.scope), _searched(person, acting, wish.scope)
    ids = search.find(scope, wish.words)
    is_cut = len(ids) >= search.FOUND_AT_MOST
    if is_cut and wish.state in ("open", "waiting"):  # among the newest of all there may be few of these
        ids += search.find(scope, wish.words, alive=True)
    return Found(dict(tickets.filter(pk__in=ids).values_list("pk", "status")) if ids else {}, is_cut)


def _searched(person: Person, acting: Organisation | None, scope: str) -> search.Scope:
    who = acting if scope == ORGANISATION and acting is not None else person
    return search.Scope(KINDS[scope], who.pk)


def by_reference(person: Person, words: str, prefix: str) -> TicketQuerySet | None:
    """The request that was typed as its reference or number, whosever list it stands in; None for other words."""
    reference = search.as_reference(words, prefix)
    return Ticket.objects.visible_to(person).filter(reference=reference) if reference else None
