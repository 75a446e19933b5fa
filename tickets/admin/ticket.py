"""The ticket page: conversation in the middle, composer under it, verbs as POST buttons."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import get_or_404
from accounts.admin import actor
from accounts.errors import Refused
from accounts.http import PersonRequest
from accounts.models import Person
from accounts.permissions import is_agent
from accounts.pickers import Picker
from notifications.models import OutboxMessage
from tickets import actions
from tickets.admin.estimate import EstimatePage
from tickets.admin.work import correction_form, is_charged, work_shown
from tickets.asked import asked_of
from tickets.calls import file_limits, keep_files, origin_of, submission_of
from tickets.charges import bill_of
from tickets.deeds import do, form_of
from tickets.durations import as_duration
from tickets.forms import CommentForm, HandlingForm, NewUserForm, ParticipantForm, TimeForm, VerbForm
from tickets.lists import places_in_order
from tickets.models import IncomingMessage, Ticket, TimeEntry
from tickets.models.ticket import Priority
from tickets.pages import conversation
from tickets.policy import policy_of
from tickets.sentences import last_day_of_period
from tickets.verbs import Verb, available

# Quiet verbs beyond these stand under "More", before the grave ones.
QUIET_AT_ONCE = 4
MAILS_SHOWN = 20
ABOUT_BOOKS = ("contract", "order_number", "cost_centre")


class TicketAdmin(EstimatePage):
    def get_urls(self) -> list[URLPattern]:
        def post(route: str, view: Callable[..., HttpResponse]) -> URLPattern:
            door: Callable[..., HttpResponse] = self.admin_site.admin_view(require_POST(view))
            return path(f"<path:object_id>/{route}", door, name=f"tickets_ticket_{view.__name__}")

        estimate_door = self.admin_site.admin_view(require_http_methods(["GET", "POST"])(self.estimate))
        return [
            post("verb/<str:name>/", self.verb),
            post("reply/", self.reply),
            post("note/", self.note),
            post("time/", self.time),
            post("time/<int:entry_id>/", self.correct),
            post("handling/", self.handling),
            post("take/", self.take),
            post("user/", self.user),
            post("attention/", self.attention),
            post("invite/", self.invite),
            post("invited/<int:person_id>/remove/", self.uninvite),
            path("<path:object_id>/estimate/", estimate_door, name="tickets_ticket_estimate"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        # A POST here would be Django's own form, which could write every field past the verbs.
        if request.method != "GET":
            return HttpResponse(status=405)
        return self.page(request, self.ticket(request, object_id))

    def page(self, request: HttpRequest, ticket: Ticket, *, status: int = 200, **drafts: Any) -> HttpResponse:
        person = actor(request)
        shown = conversation(ticket, person)
        context = {
            **self.admin_site.each_context(request),
            **shown,
            **work_shown(ticket, person),
            **mails_shown(ticket),
            "title": f"{ticket.reference} {ticket.subject}",
            "opts": self.opts,
            "row": ticket,
            "verbs": self.offers(ticket, person),
            "reply_form": CommentForm(person=person),
            "time_form": TimeForm(),
            "invite_form": ParticipantForm(),
            "handling_form": self.handling_form(ticket),
            "asked": asked_of(ticket),
            "user_form": user_form(ticket) if is_agent(person) else None,
            "history": Ticket.objects.of(ticket.requester).exclude(pk=ticket.pk).newest_first()[:5],
            "may_work": is_agent(person),
            "place_in_order": places_in_order([ticket]).get(ticket.pk),
            "is_pressing": ticket.priority > Priority.NORMAL,
            "last_day_of_period": last_day_of_period(ticket),
            # One each: a note is never taken for the reply that went before it.
            "submission": uuid.uuid4(),
            "note_submission": uuid.uuid4(),
            "time_submission": uuid.uuid4(),
            "limits": file_limits(),
            **drafts,
        }
        for entry in context["time_entries"]:
            if entry["row"].pk == drafts.get("correction_of"):
                entry["form"] = drafts["correction_form"]
        context |= in_two_places(context["verbs"], drafts.get("refused", "")) | books(context["handling_form"])
        return TemplateResponse(request, "tickets/admin/ticket.html", context, status=status)

    def handling_form(self, ticket: Ticket, *data: Any) -> HandlingForm:
        """With a picker that finds colleagues by name: a drop-down of all does not fit a large desk's page."""
        form = HandlingForm(*data, ticket=ticket)
        field = form.fields["assignee"]
        picker = Picker(Ticket._meta.get_field("assignee"), self.admin_site)
        picker.choices = field.choices  # type: ignore[attr-defined]
        picker.is_required = ticket.assignee_id is not None  # once somebody is responsible, somebody is
        field.widget = picker
        if not ticket.tenant.billing_enabled:  # words for books that nobody keeps here (M9)
            del form.fields["order_number"], form.fields["cost_centre"]
        return form

    def offers(self, ticket: Ticket, person: Person) -> list[Verb]:
        return [
            replace(verb, page=reverse("admin:tickets_ticket_estimate", args=[ticket.pk]))
            if verb.name == "send_estimate"
            else replace(
                verb,
                url=reverse("admin:tickets_ticket_verb", args=[ticket.pk, verb.name]),
                form=form_of(ticket, person, verb.name),
            )
            for verb in available(ticket, person)
        ]

    def refused(self, request: HttpRequest, ticket: Ticket, sentence: object, **drafts: Any) -> HttpResponse:
        """The page again with the sentence and with what was typed."""
        messages.error(request, str(sentence))
        return self.page(request, self.ticket(request, str(ticket.pk)), status=409, **drafts)

    def verb(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """Every verb of the workflow that the state and the person's role allow."""
        ticket, person = self.ticket(request, object_id), actor(request)
        form = form_of(ticket, person, name, request.POST)
        if form is None:
            return self.refused(request, ticket, _("There is no such step."), **self.draft(request, ticket, name, None))
        if not form.is_valid():
            return self.refused(request, ticket, first_error(form), **self.draft(request, ticket, name, form))
        try:
            done = do(ticket, person, name, form, origin=origin_of(cast(PersonRequest, request)))
        except Refused as refusal:
            return self.refused(request, ticket, refusal.sentence, **self.draft(request, ticket, name, form))
        if isinstance(done, Ticket) and done.pk != ticket.pk:
            messages.success(request, _("%(reference)s goes on from it.") % {"reference": done.reference})
            return self.row_page(done)
        messages.success(request, _("Done: the status is now “%(status)s”.") % {"status": self.status_of(ticket)})
        return self.row_page(ticket)

    def draft(self, request: HttpRequest, ticket: Ticket, name: str, form: VerbForm | None) -> dict[str, Any]:
        """What was typed: in its dialog where the verb is still offered, else in the composer."""
        verbs = self.offers(self.ticket(request, str(ticket.pk)), actor(request))
        if form is not None and name in {verb.name for verb in verbs}:
            return {
                "verbs": [replace(verb, form=form) if verb.name == name else verb for verb in verbs],
                "refused": name,
            }
        words = "\n\n".join(request.POST[key] for key in ("text", "words") if request.POST.get(key))
        return {"reply_form": CommentForm(person=actor(request), initial={"text": words})}

    def status_of(self, ticket: Ticket) -> str:
        return Ticket.objects.get(pk=ticket.pk).get_status_display()

    def reply(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.say(request, object_id, is_internal=False)

    def note(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.say(request, object_id, is_internal=True)

    def say(self, request: HttpRequest, object_id: str, *, is_internal: bool) -> HttpResponse:
        ticket = self.ticket(request, object_id)
        form = CommentForm(request.POST, request.FILES, person=actor(request))
        draft = {"reply_form": form, "draft_is_note": is_internal}
        if not form.is_valid():
            keep_files(form, actor(request))
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
            keep_files(form, actor(request))
            return self.refused(request, ticket, refusal.sentence, **draft)
        messages.success(request, _("The note is added.") if is_internal else _("The reply is sent to the customer."))
        return self.row_page(ticket)

    def time(self, request: HttpRequest, object_id: str) -> HttpResponse:
        ticket = self.ticket(request, object_id)
        form = TimeForm(request.POST)
        if not form.is_valid():
            return self.page(request, ticket, status=422, time_form=form)
        try:
            entry = actions.record_time(
                ticket,
                by=actor(request),
                minutes=form.minutes,
                description=form.description,
                work_type=form.work_type,
                is_billable=said_billable(ticket, form),
                worked_on=form.cleaned_data["worked_on"],
                submission=submission_of(cast(PersonRequest, request)),
            )
        except Refused as refusal:
            return self.refused(request, ticket, refusal.sentence, time_form=form)
        messages.success(request, _("%(time)s recorded.") % {"time": as_duration(entry.minutes)})
        return self.row_page(ticket)

    def correct(self, request: HttpRequest, object_id: str, entry_id: int) -> HttpResponse:
        """Replace a time entry by a corrected one."""
        ticket = self.ticket(request, object_id)
        entry = get_or_404(TimeEntry.objects.filter(ticket=ticket), pk=entry_id)
        form = correction_form(entry, request.POST)
        if not form.is_valid():
            return self.page(request, ticket, status=422, correction_form=form, correction_of=entry.pk)
        values = form.cleaned_data
        try:
            actions.correct_time(
                entry,
                by=actor(request),
                minutes=values["minutes"],
                description=values["description"],
                # Without its box, on what is not charged, it stays as it was.
                is_billable=values["is_billable"] if charged(ticket) else entry.is_billable,
                reason=values["reason"],
            )
        except Refused as refusal:
            return self.refused(request, ticket, refusal.sentence, correction_form=form, correction_of=entry.pk)
        messages.success(request, _("The entry is corrected."))
        return self.row_page(ticket)

    def handling(self, request: HttpRequest, object_id: str) -> HttpResponse:
        ticket = self.ticket(request, object_id)
        form = self.handling_form(ticket, request.POST)
        if not form.is_valid():
            return self.page(request, ticket, status=422, handling_form=form)
        values = dict(form.cleaned_data)
        assignee = values.pop("assignee")
        try:
            actions.complete(ticket, by=actor(request), **values)
            if assignee:
                actions.assign(ticket, by=actor(request), to=assignee)
        except Refused as refusal:
            return self.refused(request, ticket, refusal.sentence, handling_form=form)
        messages.success(request, _("The details are saved."))
        return self.row_page(ticket)

    def take(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """'Assign to me', and nothing else changes."""
        ticket = self.ticket(request, object_id)
        try:
            actions.assign(ticket, by=actor(request), to=actor(request))
        except Refused as refusal:
            return self.refused(request, ticket, refusal.sentence)
        messages.success(request, _("It is assigned to you."))
        return self.row_page(ticket)

    # ---- people ----

    def user(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The user whom the request asks for (B21)."""
        ticket = self.ticket(request, object_id)
        form = NewUserForm(request.POST)
        if not form.is_valid():
            return self.page(request, ticket, status=422, user_form=form)
        try:
            person = actions.create_user(ticket, by=actor(request), **form.cleaned_data)
        except Refused as refusal:
            return self.refused(request, ticket, refusal.sentence, user_form=form)
        messages.success(request, _("%(name)s gets their access by e-mail.") % {"name": person})
        return self.row_page(ticket)

    def attention(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Follow it, mute it, or neither."""
        ticket = self.ticket(request, object_id)
        try:
            actions.attend(ticket, by=actor(request), choice=request.POST.get("choice", ""))
        except Refused as refusal:
            return self.refused(request, ticket, refusal.sentence)
        return self.row_page(ticket)

    def invite(self, request: HttpRequest, object_id: str) -> HttpResponse:
        ticket = self.ticket(request, object_id)
        form = ParticipantForm(request.POST)
        if not form.is_valid():
            return self.page(request, ticket, status=422, invite_form=form)
        values = form.cleaned_data
        try:
            actions.add_participant(ticket, by=actor(request), address=values["email"], name=values["name"])
        except Refused as refusal:
            return self.refused(request, ticket, refusal.sentence, invite_form=form)
        messages.success(request, _("The invitation is on its way."))
        return self.row_page(ticket)

    def uninvite(self, request: HttpRequest, object_id: str, person_id: int) -> HttpResponse:
        ticket = self.ticket(request, object_id)
        person = get_or_404(Person.objects.filter(participations__ticket=ticket), pk=person_id)
        try:
            actions.remove_participant(ticket, by=actor(request), person=person)
        except Refused as refusal:
            return self.refused(request, ticket, refusal.sentence)
        messages.success(request, _("%(name)s does not take part any more.") % {"name": person})
        return self.row_page(ticket)


def user_form(ticket: Ticket) -> NewUserForm | None:
    """For a request that asks for a new user, with what it says of them."""
    asked = actions.new_user_asked(ticket)
    if asked is None or ticket.has_ended:
        return None
    return NewUserForm(initial={"name": asked.name, "email": asked.email, "phone": asked.phone})


def mails_shown(ticket: Ticket) -> dict[str, Any]:
    """What went out and came in about it, newest first, and who else its e-mails were addressed to."""
    letters = OutboxMessage.objects.filter(about_label=ticket._meta.label_lower, about_id=ticket.pk)
    came = list(IncomingMessage.objects.filter(ticket=ticket).order_by("-id")[:MAILS_SHOWN])
    taking_part = {guest.email for guest in ticket.guests} | {ticket.requester.email}
    copied = {one["address"]: one for mail in came for one in mail.copied if one["address"] not in taking_part}
    return {
        "letters": list(letters.select_related("to_person").order_by("-id")[:MAILS_SHOWN]),
        "came": came,
        "copied": list(copied.values()),
    }


def in_two_places(verbs: list[Verb], refused: str) -> dict[str, Any]:
    """One main verb and a few quiet ones in front; the rest is folded, the grave ones always."""
    quiet = [verb for verb in verbs if verb.style == "quiet"]
    folded = quiet[QUIET_AT_ONCE:]
    return {
        "at_hand": [verb for verb in verbs if verb.style != "grave" and verb not in folded],
        "folded": [*folded, *(verb for verb in verbs if verb.style == "grave")],
        "folded_open": any(verb.name == refused for verb in verbs if verb.style == "grave" or verb in folded),
    }


def books(form: HandlingForm) -> dict[str, Any]:
    """What belongs to contract and bookkeeping is folded while there is nothing in it."""
    present = [name for name in ABOUT_BOOKS if name in form.fields]
    is_open = any(form[name].value() or form[name].errors for name in present)
    return {"books": ABOUT_BOOKS, "has_books": bool(present), "books_open": is_open}


def charged(ticket: Ticket) -> bool:
    """Whether its pages ask what is billable."""
    return is_charged(policy_of(ticket), bill_of(ticket))


def said_billable(ticket: Ticket, form: TimeForm) -> bool | None:
    """None leaves it to the kind of work. One that is never billed stays so, whatever the box says."""
    if not charged(ticket):
        return None
    return bool(form.cleaned_data["is_billable"]) and (form.work_type is None or form.work_type.is_billable)


def first_error(form: forms.Form) -> str:
    return str(next(iter(form.errors.values()))[0])
