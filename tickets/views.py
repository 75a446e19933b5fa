"""What a customer sees of their requests. Parse, call, answer."""

import uuid
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import kept
from accounts.access import get_or_404, person_required
from accounts.errors import Refused
from accounts.files import download
from accounts.http import PersonRequest
from tickets import actions
from tickets.forms import MEGABYTE, CommentForm, RequestForm, WordsForm
from tickets.lists import count_open_and_waiting, lines, page
from tickets.models import Attachment, RequestType, Ticket
from tickets.pages import request_page
from tickets.querysets import TicketQuerySet
from tickets.topics import catalogue_groups


def file_limits() -> dict[str, int]:
    return {"file_mb": settings.MAX_FILE_BYTES // MEGABYTE, "files": settings.MAX_FILES}


def submission_of(request: PersonRequest) -> uuid.UUID | None:
    """The number that the form was given when it was shown."""
    try:
        return uuid.UUID(request.POST.get("submission", ""))
    except ValueError:
        return None


# ---- lists ----


@person_required
@require_GET
def requests(request: PersonRequest) -> HttpResponse:
    tickets = in_scope(request)
    state = request.GET.get("state", "open")
    shown = in_state(tickets, state)
    found = page(shown, request.GET.get("after", ""), reader=request.person)
    context = {
        "requests": lines(found.rows),
        "filters": filters(request, tickets, state),
        "scopes": scopes(request),
        "next_url": address(request, after=found.after) if found.after else None,
        "previous_url": address(request, after="") if request.GET.get("after") else None,
        "nav_current": "requests",
    }
    return render(request, "tickets/list.html", context)


def in_scope(request: PersonRequest) -> TicketQuerySet:
    """Mine, or those of the organisation I act for: the halves of `visible_to`, each with its index."""
    if wants_organisation(request) and request.acting is not None:
        return Ticket.objects.of_organisation(request.acting, actor=request.person)
    return Ticket.objects.asked_by(request.person)


def wants_organisation(request: PersonRequest) -> bool:
    return request.acting is not None and request.GET.get("scope") == "organisation"


def in_state(tickets: TicketQuerySet, state: str) -> TicketQuerySet:
    if state == "waiting":
        return tickets.with_customer()
    if state == "closed":
        return tickets.ended()
    return tickets if state == "all" else tickets.alive()


def filters(request: PersonRequest, tickets: TicketQuerySet, state: str) -> list[dict[str, Any]]:
    alive, waiting = count_open_and_waiting(tickets)
    offers = [
        ("open", pgettext("status", "Open"), alive),
        ("waiting", _("Waiting for you"), waiting),
        ("closed", pgettext("status", "Closed"), None),
        ("all", _("All"), None),
    ]
    return [
        {"label": label, "url": address(request, state=key, after=""), "count": number, "current": key == state}
        for key, label, number in offers
    ]


def scopes(request: PersonRequest) -> list[dict[str, Any]]:
    if request.acting is None:
        return []
    chosen = wants_organisation(request)
    return [
        {"label": _("Mine"), "url": address(request, scope="mine", after=""), "current": not chosen},
        {
            "label": request.acting.name,
            "url": address(request, scope="organisation", after=""),
            "current": chosen,
        },
    ]


def address(request: PersonRequest, **changes: str) -> str:
    """This list's address with some of its allow-listed parameters changed."""
    query = {key: request.GET[key] for key in ("scope", "state", "after") if key in request.GET}
    query = {key: value for key, value in {**query, **changes}.items() if value}
    return reverse("requests", query=query)


# ---- a new request ----


@person_required
@require_GET
def request_new(request: PersonRequest) -> HttpResponse:
    return render(request, "tickets/catalogue.html", {"groups": catalogue_groups()})


@person_required
@require_http_methods(["GET", "POST"])
def request_form(request: PersonRequest, type_id: int) -> HttpResponse:
    request_type = get_or_404(RequestType.objects.offered().select_related("group"), pk=type_id)
    form = RequestForm(
        request.POST or None,
        request.FILES or None,
        person=request.person,
        acting=request.acting,
        initial=kept.take(request) if request.method == "GET" else None,
    )
    if request.method == "POST" and form.is_valid():
        try:
            return _submit(request, request_type, form)
        except Refused as refusal:
            form.add_error(None, str(refusal.sentence))
    return render(
        request,
        "tickets/form.html",
        {
            "request_type": request_type,
            "form": form,
            "submission": submission_of(request) or uuid.uuid4(),
            "who_sees": form_who_sees(request),
            "limits": file_limits(),
        },
        status=422 if form.is_bound else 200,
    )


def _submit(request: PersonRequest, request_type: RequestType, form: RequestForm) -> HttpResponse:
    values = form.cleaned_data
    ticket = actions.submit(
        by=request.person,
        requester=values.get("on_behalf_of"),
        organisation=values.get("organisation"),
        request_type=request_type,
        subject=values["summary"],
        description=values["description"],
        due_date=values["due_date"],
        files=values["files"],
        submission=submission_of(request),
    )
    link = reverse("request", args=[ticket.reference])
    messages.success(
        request,
        format_html(
            _("Your request {} is registered. We have sent you a confirmation."),
            format_html('<a href="{}">{}</a>', link, ticket.reference),
        ),
    )
    return redirect(link)


def form_who_sees(request: PersonRequest) -> str:
    if request.acting is None:
        return _("You and our staff will be able to read this request.")
    return _("You, the representatives of %(organisation)s and our staff will be able to read this request.") % {
        "organisation": request.acting
    }


# ---- one request ----


def visible_ticket(request: PersonRequest, reference: str) -> Ticket:
    """The request with this reference, or Http404 alike for foreign and absent."""
    tickets = Ticket.objects.visible_to(request.person).select_related(
        "tenant", "request_type", "organisation", "requester", "assignee", "recorded_by"
    )
    return get_or_404(tickets, reference=reference)


@person_required
@require_GET
def request_detail(request: PersonRequest, reference: str) -> HttpResponse:
    ticket = visible_ticket(request, reference)
    return _render_request(request, ticket, CommentForm(initial=kept.take(request)))


def _render_request(
    request: PersonRequest, ticket: Ticket, form: CommentForm, *, status: int = 200, **context: Any
) -> HttpResponse:
    return render(
        request,
        "tickets/request.html",
        {
            **request_page(ticket, request.person),
            "comment_form": form,
            "submission": submission_of(request) or uuid.uuid4(),
            "limits": file_limits(),
            "nav_current": "requests",
            **context,
        },
        status=status,
    )


@person_required
@require_POST
def request_comment(request: PersonRequest, reference: str) -> HttpResponse:
    ticket = visible_ticket(request, reference)
    form = CommentForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            actions.comment(
                ticket,
                by=request.person,
                text=form.cleaned_data["text"],
                files=form.cleaned_data["files"],
                submission=submission_of(request),
            )
        except Refused as refusal:
            form.add_error(None, str(refusal.sentence))
        else:
            messages.success(request, _("Your comment is added."))
            return redirect("request", reference)
    return _render_request(request, ticket, form, status=422)


@person_required
@require_POST
def request_accept(request: PersonRequest, reference: str) -> HttpResponse:
    ticket = visible_ticket(request, reference)
    try:
        actions.accept_solution(ticket, by=request.person, from_address=request.META.get("REMOTE_ADDR") or None)
    except Refused as refusal:
        messages.error(request, str(refusal.sentence))
    else:
        messages.success(request, _("Thank you. You accepted the solution."))
    return redirect("request", reference)


@person_required
@require_POST
def request_reopen(request: PersonRequest, reference: str) -> HttpResponse:
    ticket = visible_ticket(request, reference)
    form = WordsForm(request.POST)
    try:
        if not form.is_valid():
            raise Refused(str(form.errors["text"][0]), code="words")
        actions.reopen(ticket, by=request.person, text=form.cleaned_data["text"])
    except Refused as refusal:
        # The words come back in the comment box: nothing typed is lost.
        kept.keep_for(request, reverse("request", args=[reference]), text=request.POST.get("text", ""))
        messages.error(request, str(refusal.sentence))
        return redirect("request", reference)
    messages.success(request, _("Reopened. We take it up again."))
    return redirect("request", reference)


# ---- files ----


@person_required
@require_GET
def file(request: PersonRequest, file_id: int) -> HttpResponse:
    """A file of a request that the person may read."""
    attachments = Attachment.objects.filter(ticket__in=Ticket.objects.visible_to(request.person), file_id=file_id)
    if not request.person.is_staff:
        attachments = attachments.exclude(comment__is_internal=True)
    attachment = get_or_404(attachments.select_related("file").order_by("id")[:1])
    return download(attachment.file)
