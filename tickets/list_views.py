"""A customer's lists of requests: to read, to take along as a file, to put in order. Parse, call, answer."""

from typing import Any

from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import person_required, row_number
from accounts.errors import Refused
from accounts.events import last_of
from accounts.http import PersonRequest
from accounts.models import Organisation, Person
from accounts.permissions import may_order_for
from tickets import actions
from tickets.actions.ordering import ORDERED_AT_MOST
from tickets.export import as_csv, file_name
from tickets.lists import Row, count_open_and_waiting, lines, newest, page
from tickets.models import Ticket
from tickets.querysets import TicketQuerySet
from tickets.request_list import (
    MINE,
    ORGANISATION,
    SHARED,
    Found,
    Wish,
    by_reference,
    found,
    in_scope,
    sorts_of,
    wish_of,
)
from tickets.sentences import status_label
from tickets.workflow import Status

# What a list's address may say.
PARAMETERS = ("scope", "state", "sort", "q", "after")


@person_required
@require_GET
def requests(request: PersonRequest) -> HttpResponse:
    wish, after = wish_of(request), request.GET.get("after", "")
    tickets = in_scope(request.person, request.acting, wish.scope)
    match = found(request.person, request.acting, wish) if wish.words else None
    shown = chosen(tickets, wish, match)
    rows = page(shown, after, reader=request.person, sort=wish.sort, few=are_few(wish, match))
    named = line_named(request, wish) if wish.words and not after else None
    context = {
        "requests": lines(
            ([named] if named else []) + [row for row in rows.rows if named is None or row.id != named.id]
        ),
        "wish": wish,
        "match": match,
        "count_said": said_count(match, wish, named) if match is not None else "",
        "filters": filters(request, tickets, wish, match),
        "scopes": scopes(request, wish),
        "sorts": sorts(request, wish),
        "is_shared": wish.scope == SHARED,
        "organisation": request.acting if wish.scope == ORGANISATION else None,
        "next_url": address(request, after=rows.after) if rows.after else None,
        "previous_url": address(request, after="") if after else None,
        "export_url": address(request, name="requests_export", after=""),
        "clear_url": address(request, q="", after="", state=""),
        "everywhere_url": everywhere(request, wish),
        "nav_current": "requests",
    }
    return render(request, "tickets/list.html", context)


def chosen(tickets: TicketQuerySet, wish: Wish, match: Found | None) -> TicketQuerySet:
    return tickets.in_state(wish.state) if match is None else tickets.filter(pk__in=match.ids(wish.state))


def are_few(wish: Wish, match: Found | None) -> bool:
    """Living ones are few beside all that was ever asked, and what was found is few anyway."""
    return match is not None or (wish.sort != "activity" and wish.state in ("open", "waiting"))


def line_named(request: PersonRequest, wish: Wish) -> Row | None:
    """The request whose reference or number was typed; it comes first, and whatever list it stands in."""
    tickets = by_reference(request.person, wish.words, request.tenant.reference_prefix)
    rows = newest(tickets, 1, reader=request.person) if tickets is not None else []
    return rows[0] if rows else None


def said_count(match: Found, wish: Wish, named: Row | None) -> str:
    """How many there are, for who cannot see the list grow shorter."""
    ids = set(match.ids(wish.state)) | ({named.id} if named else set())
    if match.is_cut:
        return _("%(number)s requests or more") % {"number": number_format(len(ids))}
    return ngettext("%(number)s request", "%(number)s requests", len(ids)) % {"number": number_format(len(ids))}


def filters(request: PersonRequest, tickets: TicketQuerySet, wish: Wish, match: Found | None) -> list[dict[str, Any]]:
    if match is None:
        alive, waiting = count_open_and_waiting(tickets)
        counts: dict[str, str | None] = {"open": alive, "waiting": waiting}
    else:
        more = "+" if match.is_cut else ""
        counts = {state: f"{len(match.ids(state))}{more}" for state in ("open", "waiting", "closed", "all")}
    offers = [
        ("open", pgettext("status", "Open")),
        ("waiting", _("Waiting for you") if wish.scope == MINE else pgettext("status", "With customer")),
        ("closed", pgettext("status", "Closed")),
        ("all", _("All")),
    ]
    return [
        {
            "label": label,
            "url": address(request, state=key, after=""),
            "count": counts.get(key),
            "current": key == wish.state,
        }
        for key, label in offers
    ]


def scopes(request: PersonRequest, wish: Wish) -> list[dict[str, Any]]:
    if request.person.is_staff:
        return []
    offers = [(MINE, _("Mine")), (SHARED, _("Shared with me"))]
    if request.acting is not None:
        offers.insert(1, (ORGANISATION, request.acting.name))
    return [
        {"label": label, "url": address(request, scope=key, after=""), "current": key == wish.scope}
        for key, label in offers
    ]


def sorts(request: PersonRequest, wish: Wish) -> list[dict[str, Any]]:
    labels = {
        "activity": _("Newest activity"),
        "newest": _("Newest request"),
        "oldest": _("Oldest request"),
        "order": _("Order of handling"),
    }
    return [{"key": key, "label": labels[key], "current": key == wish.sort} for key in sorts_of(wish.state)]


def everywhere(request: PersonRequest, wish: Wish) -> str | None:
    """Where else the words could be found: in all that the organisation asked for."""
    if wish.scope == ORGANISATION or request.acting is None:
        return None
    return address(request, scope=ORGANISATION, state="", after="")


def address(request: PersonRequest, *, name: str = "requests", **changes: str) -> str:
    """This list's address with some of its allow-listed parameters changed."""
    query = {key: request.GET[key] for key in PARAMETERS if key in request.GET}
    query = {key: value for key, value in {**query, **changes}.items() if value}
    return reverse(name, query=query)


@person_required
@require_GET
def requests_export(request: PersonRequest) -> HttpResponse:
    """The list as it is filtered and searched, as a file for spreadsheets."""
    wish = wish_of(request)
    match = found(request.person, request.acting, wish) if wish.words else None
    shown = chosen(in_scope(request.person, request.acting, wish.scope), wish, match)
    has_books = request.tenant.billing_enabled
    content = as_csv(shown, sort=wish.sort, few=are_few(wish, match), has_books=has_books)
    response = FileResponse(content, as_attachment=True, filename=file_name(request.tenant), content_type="text/csv")
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response  # type: ignore[return-value]


# ---- the order of handling ----


@person_required
@require_http_methods(["GET", "POST"])
def requests_order(request: PersonRequest) -> HttpResponse:
    """In which order the requests of the organisation that the person acts for are handled (A6)."""
    organisation = request.acting
    if organisation is None:
        raise Http404
    if request.method == "GET":
        return _render_order(request, organisation, actions.in_handling_order(organisation))
    try:
        actions.set_order(organisation, order=posted_order(request), by=request.person)
    except actions.OrderHasChanged as change:
        messages.warning(request, str(change.sentence))
        return _render_order(request, organisation, change.kept, is_saved=False, status=422)
    except Refused as refusal:
        messages.error(request, str(refusal.sentence))
        return _render_order(request, organisation, actions.in_handling_order(organisation), status=422)
    messages.success(request, _("The order is saved. Our staff see it in their queue."))
    return redirect("requests_order")


def posted_order(request: PersonRequest) -> list[int]:
    """The ids as they stand in the form, moved as its button says, or by the numbers that were typed."""
    order = [number for text in request.POST.getlist("ticket") if (number := row_number(text))][: 2 * ORDERED_AT_MOST]
    for button, step in (("up", -1), ("down", 1)):
        pk = row_number(request.POST.get(button, ""))
        if pk in order:
            return moved(order, pk, order.index(pk) + step)
    for was, pk in enumerate(list(order)):
        typed = row_number(request.POST.get(f"place-{pk}", ""))
        if typed and typed - 1 != was:
            order = moved(order, pk, typed - 1)
    return order


def moved(order: list[int], pk: int, place: int) -> list[int]:
    others = [other for other in order if other != pk]
    place = max(0, min(place, len(others)))
    return [*others[:place], pk, *others[place:]]


def _render_order(
    request: PersonRequest, organisation: Organisation, order: list[int], *, is_saved: bool = True, status: int = 200
) -> HttpResponse:
    tickets = Ticket.objects.of_organisation(organisation, actor=request.person).for_lists().in_bulk(order)
    may_order = may_order_for(request.person, organisation)
    context = {
        "organisation": organisation,
        "rows": [
            {"ticket": tickets[pk], "status": status_label(Status(tickets[pk].status), to_staff=False)}
            for pk in order
            if pk in tickets
        ],
        "is_saved": is_saved,
        "is_ordered": any(ticket.handling_rank for ticket in tickets.values()),
        "is_cut": len(order) >= ORDERED_AT_MOST,
        "may_order": may_order,
        "who_may": [] if may_order else who_may_order(organisation),
        "undo": undo_of(organisation, order, by=request.person) if may_order and is_saved else [],
        "nav_current": "requests",
    }
    return render(request, "tickets/order.html", context, status=status)


def who_may_order(organisation: Organisation) -> list[Person]:
    rows = organisation.representations.select_related("person").order_by("id")
    return [row.person for row in rows if row.person.is_active and (row.may_order or row.is_head)]


def undo_of(organisation: Organisation, order: list[int], *, by: Person) -> list[int]:
    """The order before the person's own last change, as long as it is of these requests and nobody changed it since."""
    change = last_of(organisation, "organisation.order_set")
    if change is None or change.by_id != by.pk or change.data["after"] != order:
        return []
    before: list[int] = change.data["before"]
    return before if sorted(before) == sorted(order) and before != order else []
