"""The queue: the list that agents live in, with its saved views as tabs."""

from typing import Any, cast

from django.contrib.admin import SimpleListFilter, display
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import SEARCH_VAR
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import get_or_404
from accounts.admin import DeskAdmin, actor
from accounts.permissions import is_agent, nobody
from tickets.lists import count, places_in_order
from tickets.models import Ticket
from tickets.models.ticket import Priority
from tickets.querysets import TicketQuerySet
from tickets.workflow import turn_of


class Queue(SimpleListFilter):
    """The saved views of the queue. Each starts at an index of tickets that still live."""

    title = gettext_lazy("queue")
    parameter_name = "queue"
    template = "tickets/admin/_no_filter.html"  # the tabs above the list are this filter

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("mine", _("My work")),
            ("unassigned", _("Unassigned")),
            ("order", _("In order of handling")),
            ("waiting", _("With the customer")),
            ("ended", _("Ended")),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        tickets = cast(TicketQuerySet, queryset)
        if request.GET.get(SEARCH_VAR):  # a reference is found whatever view its ticket stands in
            return tickets
        match self.value():
            case "mine":
                return tickets.alive().filter(assignee=actor(request))
            case "unassigned":
                return tickets.alive().filter(assignee=None)
            case "order":
                return tickets.unfinished().with_provider()
            case "waiting":
                return tickets.with_customer()
            case "ended":
                return tickets.ended()
            case _:
                return tickets.alive()


class TicketQueue(DeskAdmin):
    list_display = (
        "reference_and_subject",
        "status_label",
        "turn",
        "customer",
        "place_in_order",
        "assignee",
        "last_activity",
    )
    list_display_links = ("reference_and_subject",)
    list_filter = (Queue,)
    filter_parameters = ("queue",)
    list_select_related = ("organisation", "requester", "assignee")
    ordering = ("-last_activity_at", "-id")
    change_list_template = "tickets/admin/queue.html"
    add_rule = staticmethod(nobody)
    change_rule = staticmethod(is_agent)
    search_fields = ("reference",)
    # A reference is looked up exactly; the text of tickets is searched by the desk's own search.
    search_help_text = gettext_lazy("Reference, like DESK-38")

    def get_ordering(self, request: HttpRequest) -> Any:
        """As the customers want it where they said so, and as the tickets came (A6)."""
        return ("queue_at", "id") if request.GET.get("queue") == "order" else self.ordering

    @display(description=gettext_lazy("ticket"))
    def reference_and_subject(self, ticket: Ticket) -> str:
        context = {"ticket": ticket, "is_pressing": ticket.priority > Priority.NORMAL}
        return render_to_string("tickets/admin/_subject.html", context)

    @display(description=gettext_lazy("status"))
    def status_label(self, ticket: Ticket) -> str:
        return render_to_string("tickets/admin/_badge.html", {"ticket": ticket})

    @display(description=gettext_lazy("whose turn"))
    def turn(self, ticket: Ticket) -> str:
        return render_to_string("tickets/admin/_whose.html", {"whose": turn_of(ticket.status)})

    @display(description=gettext_lazy("customer"))
    def customer(self, ticket: Ticket) -> str:
        return render_to_string("tickets/admin/_customer.html", {"ticket": ticket})

    @display(description=gettext_lazy("their order"), empty_value="")
    def place_in_order(self, ticket: Ticket) -> str | None:
        """Which one it is in the order that its organisation has set (A6)."""
        place = ticket.place_in_order  # type: ignore[attr-defined]  # given to all rows of the page at once
        return _("no. %(place)s") % {"place": place} if place else None

    @display(description=gettext_lazy("last activity"))
    def last_activity(self, ticket: Ticket) -> str:
        return render_to_string("tickets/admin/_when.html", {"at": ticket.last_activity_at})

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        if not search_term:
            return queryset, False
        return queryset.filter(reference=search_term.replace("\0", "").strip().upper()[:24]), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {**(extra_context or {}), "queues": self.queues(request)}
        response = super().changelist_view(request, context)
        if isinstance(response, TemplateResponse) and response.context_data and "cl" in response.context_data:
            tickets = list(response.context_data["cl"].result_list)
            places = places_in_order(tickets)
            for ticket in tickets:
                ticket.place_in_order = places.get(ticket.pk)
            response.context_data["cl"].result_list = tickets
        return cast(HttpResponse, response)

    def queues(self, request: HttpRequest) -> list[dict[str, Any]]:
        """The saved views as tabs with counts; the counts stop at 1,000 and exist for living tickets only."""
        tickets = cast(TicketQuerySet, self.get_queryset(request))
        alive = tickets.alive()
        current = request.GET.get("queue", "")
        offers = [
            ("", _("All open"), count(alive)),
            ("mine", _("My work"), count(alive.filter(assignee=actor(request)))),
            ("unassigned", _("Unassigned"), count(alive.filter(assignee=None))),
            # What it shows is counted in the first one already.
            ("order", _("In order of handling"), None),
            ("waiting", _("With the customer"), count(tickets.with_customer())),
            ("ended", _("Ended"), None),
        ]
        base = reverse("admin:tickets_ticket_changelist")
        return [
            {"label": label, "url": f"{base}?queue={key}" if key else base, "count": number, "current": key == current}
            for key, label, number in offers
        ]

    def ticket(self, request: HttpRequest, object_id: str) -> Ticket:
        """One ticket with what its pages show; the same 404 for foreign and absent."""
        rows = Ticket.objects.visible_to(actor(request)).whole().select_related("merged_into", "follows")
        return get_or_404(rows, pk=unquote(object_id))
