"""The agents' queue and the ticket page: conversation in the middle, composer under it, verbs as POST buttons."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar, cast

from django import forms
from django.contrib import messages
from django.contrib.admin import SimpleListFilter, display
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import SEARCH_VAR
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from accounts.access import get_or_404
from accounts.admin import DeskAdmin, actor
from accounts.errors import Refused
from accounts.http import PersonRequest
from accounts.models import Person
from accounts.permissions import is_agent, nobody
from accounts.pickers import Picker
from tickets import actions
from tickets.forms import HandlingForm, MinutesForm, ReplyForm, TimeForm, WordsForm
from tickets.lists import count
from tickets.models import Ticket, TimeEntry
from tickets.models.ticket import Priority
from tickets.pages import conversation
from tickets.querysets import TicketQuerySet
from tickets.sentences import last_review_day
from tickets.verbs import Verb, available
from tickets.views import file_limits, submission_of

# How the words of a dialog reach their verb.
DO: dict[str, Callable[[Ticket, Person, dict[str, Any]], object]] = {
    "start_work": lambda ticket, by, said: actions.start_work(ticket, by=by, expected_minutes=said["minutes"]),
    "deliver": lambda ticket, by, said: actions.deliver(ticket, by=by, text=said["text"]),
    "reopen": lambda ticket, by, said: actions.reopen(ticket, by=by, text=said["text"]),
    "dismiss_objection": lambda ticket, by, said: actions.dismiss_objection(ticket, by=by),
    "close": lambda ticket, by, said: actions.close(ticket, by=by, reason=said["text"]),
}


class Queue(SimpleListFilter):
    """The saved views of the queue. Each starts at an index of tickets that still live."""

    title = gettext_lazy("queue")
    parameter_name = "queue"
    template = "tickets/admin/_no_filter.html"  # the tabs above the list are this filter

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("mine", _("My work")),
            ("unassigned", _("Unassigned")),
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
            case "waiting":
                return tickets.with_customer()
            case "ended":
                return tickets.ended()
            case _:
                return tickets.alive()


class TicketAdmin(DeskAdmin):
    list_display = ("reference_and_subject", "status_label", "customer", "assignee", "last_activity")
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

    verb_forms: ClassVar[dict[str, type[forms.Form]]] = {
        "start_work": MinutesForm,
        "deliver": WordsForm,
        "reopen": WordsForm,
        "close": WordsForm,
    }

    @display(description=gettext_lazy("ticket"))
    def reference_and_subject(self, ticket: Ticket) -> str:
        context = {"ticket": ticket, "is_pressing": ticket.priority > Priority.NORMAL}
        return render_to_string("tickets/admin/_subject.html", context)

    @display(description=gettext_lazy("status"))
    def status_label(self, ticket: Ticket) -> str:
        return render_to_string("tickets/admin/_badge.html", {"ticket": ticket})

    @display(description=gettext_lazy("customer"))
    def customer(self, ticket: Ticket) -> str:
        return render_to_string("tickets/admin/_customer.html", {"ticket": ticket})

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
        return cast(HttpResponse, super().changelist_view(request, context))

    def queues(self, request: HttpRequest) -> list[dict[str, Any]]:
        """The saved views as tabs with counts; the counts stop at 1,000 and exist for living tickets only."""
        tickets = cast(TicketQuerySet, self.get_queryset(request))
        alive = tickets.alive()
        current = request.GET.get("queue", "")
        offers = [
            ("", _("All open"), count(alive)),
            ("mine", _("My work"), count(alive.filter(assignee=actor(request)))),
            ("unassigned", _("Unassigned"), count(alive.filter(assignee=None))),
            ("waiting", _("With the customer"), count(tickets.with_customer())),
            ("ended", _("Ended"), None),
        ]
        base = reverse("admin:tickets_ticket_changelist")
        return [
            {"label": label, "url": f"{base}?queue={key}" if key else base, "count": number, "current": key == current}
            for key, label, number in offers
        ]

    # ---- the ticket page ----

    def get_urls(self) -> list[URLPattern]:
        def post(route: str, view: Callable[..., HttpResponse]) -> URLPattern:
            door: Callable[..., HttpResponse] = self.admin_site.admin_view(require_POST(view))
            return path(f"<path:object_id>/{route}", door, name=f"tickets_ticket_{view.__name__}")

        return [
            post("verb/<str:name>/", self.verb),
            post("reply/", self.reply),
            post("note/", self.note),
            post("time/", self.time),
            post("handling/", self.handling),
            *super().get_urls(),
        ]

    def ticket(self, request: HttpRequest, object_id: str) -> Ticket:
        rows: models.QuerySet[Ticket] = self.get_queryset(request).select_related(
            "tenant", "request_type", "organisation", "requester", "assignee", "recorded_by"
        )
        return get_or_404(rows, pk=unquote(object_id))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        # A POST here would be Django's own form, which could write every field past the verbs.
        if request.method != "GET":
            return HttpResponse(status=405)
        return self.page(request, self.ticket(request, object_id))

    def page(self, request: HttpRequest, ticket: Ticket, *, status: int = 200, **drafts: Any) -> HttpResponse:
        person = actor(request)
        entries = list(TimeEntry.objects.filter(ticket=ticket).select_related("person").order_by("id"))
        context = {
            **self.admin_site.each_context(request),
            **conversation(ticket, person),
            "title": f"{ticket.reference} {ticket.subject}",
            "opts": self.opts,
            "row": ticket,
            "verbs": self.offers(ticket, person),
            "reply_form": ReplyForm(),
            "time_form": TimeForm(
                initial={"is_billable": ticket.request_type.is_billable if ticket.request_type else True}
            ),
            "handling_form": self.handling_form(ticket),
            "time_entries": entries,
            "minutes_total": sum(entry.minutes for entry in entries),
            "history": Ticket.objects.of(ticket.requester).exclude(pk=ticket.pk).newest_first()[:5],
            "may_work": is_agent(person),
            "is_pressing": ticket.priority > Priority.NORMAL,
            "last_review_day": last_review_day(ticket),
            # One each: a note is never taken for the reply that went before it.
            "submission": uuid.uuid4(),
            "note_submission": uuid.uuid4(),
            "limits": file_limits(),
            **drafts,
        }
        return TemplateResponse(request, "tickets/admin/ticket.html", context, status=status)

    def handling_form(self, ticket: Ticket, *data: Any) -> HandlingForm:
        """With a picker that finds colleagues by name: a drop-down of all does not fit a large desk's page."""
        form = HandlingForm(*data, ticket=ticket)
        field = form.fields["assignee"]
        picker = Picker(Ticket._meta.get_field("assignee"), self.admin_site)
        picker.choices = field.choices  # type: ignore[attr-defined]
        picker.is_required = ticket.assignee_id is not None  # once somebody is responsible, somebody is
        field.widget = picker
        return form

    def offers(self, ticket: Ticket, person: Person) -> list[Verb]:
        return [
            replace(verb, url=reverse("admin:tickets_ticket_verb", args=[ticket.pk, verb.name]))
            for verb in available(ticket, person)
        ]

    def back(self, ticket: Ticket) -> HttpResponse:
        return redirect("admin:tickets_ticket_change", ticket.pk)

    def refused(self, request: HttpRequest, ticket: Ticket, sentence: object, **drafts: Any) -> HttpResponse:
        """The page again with the sentence and with what was typed."""
        messages.error(request, str(sentence))
        return self.page(request, self.ticket(request, str(ticket.pk)), status=409, **drafts)

    def verb(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """Every verb of the workflow that the state and the person's role allow."""
        ticket = self.ticket(request, object_id)
        text, minutes = request.POST.get("text", ""), request.POST.get("minutes", "")
        draft: dict[str, Any] = {"verb_draft": {"name": name, "text": text, "minutes": minutes}}
        if name not in {verb.name for verb in available(ticket, actor(request))}:
            # The dialog is gone with the state it belonged to; the words come back in the composer.
            draft["reply_form"] = ReplyForm(initial={"text": text})
        form = self.verb_forms[name](request.POST) if name in self.verb_forms else None
        if name not in DO:
            return self.refused(request, ticket, _("There is no such step."), **draft)
        if form is not None and not form.is_valid():
            return self.refused(request, ticket, next(iter(form.errors.values()))[0], **draft)
        try:
            DO[name](ticket, actor(request), form.cleaned_data if form else {})
        except Refused as refusal:
            return self.refused(request, ticket, refusal.sentence, **draft)
        messages.success(request, _("Done: the status is now “%(status)s”.") % {"status": self.status_of(ticket)})
        return self.back(ticket)

    def status_of(self, ticket: Ticket) -> str:
        return Ticket.objects.get(pk=ticket.pk).get_status_display()

    def reply(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.say(request, object_id, is_internal=False)

    def note(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.say(request, object_id, is_internal=True)

    def say(self, request: HttpRequest, object_id: str, *, is_internal: bool) -> HttpResponse:
        ticket = self.ticket(request, object_id)
        form = ReplyForm(request.POST, request.FILES)
        draft = {"reply_form": form, "draft_is_note": is_internal}
        if not form.is_valid():
            return self.page(request, ticket, status=422, **draft)
        desk = cast(PersonRequest, request)
        try:
            actions.comment(
                ticket,
                by=desk.person,
                text=form.cleaned_data["text"],
                is_internal=is_internal,
                files=form.cleaned_data["files"],
                submission=submission_of(desk),
            )
        except Refused as refusal:
            return self.refused(request, ticket, refusal.sentence, **draft)
        messages.success(request, _("The note is added.") if is_internal else _("The reply is sent to the customer."))
        return self.back(ticket)

    def time(self, request: HttpRequest, object_id: str) -> HttpResponse:
        ticket = self.ticket(request, object_id)
        form = TimeForm(request.POST)
        if not form.is_valid():
            return self.page(request, ticket, status=422, time_form=form)
        values = form.cleaned_data
        try:
            actions.record_time(
                ticket,
                by=actor(request),
                minutes=values["minutes"],
                description=values["description"],
                is_billable=values["is_billable"],
            )
        except Refused as refusal:
            return self.refused(request, ticket, refusal.sentence, time_form=form)
        messages.success(request, _("%(minutes)s minutes recorded.") % {"minutes": values["minutes"]})
        return self.back(ticket)

    def handling(self, request: HttpRequest, object_id: str) -> HttpResponse:
        ticket = self.ticket(request, object_id)
        form = self.handling_form(ticket, request.POST)
        if not form.is_valid():
            return self.page(request, ticket, status=422, handling_form=form)
        values = form.cleaned_data
        try:
            actions.complete(
                ticket,
                by=actor(request),
                organisation=values["organisation"],
                request_type=values["request_type"],
                priority=values["priority"],
            )
            if values["assignee"]:
                actions.assign(ticket, by=actor(request), to=values["assignee"])
        except Refused as refusal:
            return self.refused(request, ticket, refusal.sentence, handling_form=form)
        messages.success(request, _("The details are saved."))
        return self.back(ticket)
