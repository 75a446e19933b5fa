"""What a customer sees of their requests. Parse, call, answer."""

import uuid
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.html import format_html
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import kept
from accounts.access import get_or_404, person_required, public, row_number
from accounts.errors import Refused
from accounts.files import download
from accounts.http import DeskRequest, PersonRequest
from accounts.members import instead_of_asking
from accounts.models import Organisation, Person, Product, StoredFile
from accounts.terms import accept_terms, terms_to_accept
from accounts.thumbnails import thumbnail
from tickets import actions, search
from tickets.calls import (
    file_limits,
    keep_files,
    origin_of,
    readable_ticket,
    shown_version,
    submission_of,
    visible_ticket,
)
from tickets.conditions import Conditions, conditions_of
from tickets.decisions import Decision, read_link
from tickets.deeds import CUSTOMER_DEEDS, do, form_of
from tickets.forms import CommentForm, ParticipantForm, RequestForm, VerbForm
from tickets.models import Approval, Attachment, FieldKind, RequestType, Ticket
from tickets.pages import approval_page, decide_page, record_name, request_page
from tickets.parts import request_body
from tickets.permissions import may_read_proof
from tickets.topics import catalogue_groups
from tickets.who_reads import who_will_read

# ---- a new request ----


@person_required
@require_GET
def request_new(request: PersonRequest) -> HttpResponse:
    instead = instead_of_asking(request.person, request.acting)
    words = request.GET.get("q", "")[: search.LONGEST]
    groups = [] if instead else catalogue_groups(words)
    context = {"groups": groups, "instead": instead, "words": words, "is_found": any(one["found"] for one in groups)}
    return render(request, "tickets/catalogue.html", context)


@person_required
@require_http_methods(["GET", "POST"])
def request_form(request: PersonRequest, type_id: int) -> HttpResponse:
    request_type = get_or_404(RequestType.objects.offered().select_related("group"), pk=type_id)
    instead = instead_of_asking(request.person, request.acting)
    if instead and request.method == "GET":
        return render(request, "tickets/catalogue.html", {"instead": instead})
    is_changing = ANOTHER in request.POST  # without script: another organisation or product, with its own choices
    form = RequestForm(
        request.POST or None,
        request.FILES or None,
        person=request.person,
        acting=request.acting,
        tenant=request.tenant,
        request_type=request_type,
        terms=terms_to_accept(request.person),
        initial=form_initial(request),
    )
    if is_changing:
        form.errors.clear()
    elif request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():  # request and consent, or neither
                return _submit(request, request_type, form)
        except Refused as refusal:
            form.add_error(field_of(refusal), str(refusal.sentence))
    if form.is_bound:
        keep_files(form, request.person)
    return render(
        request,
        "tickets/form.html",
        {
            "request_type": request_type,
            "form": form,
            "conditions": form_conditions(request, request_type, form),
            "submission": submission_of(request) or uuid.uuid4(),
            "who_sees": who_will_read(request.person, form.organisation_chosen),
            "limits": file_limits(),
        },
        status=422 if form.is_bound and not is_changing else 200,
    )


ANOTHER = "another"


def form_initial(request: PersonRequest) -> dict[str, Any] | None:
    """What an expired session kept, and the organisation or product that a link names."""
    if request.method != "GET":
        return None
    named = {name: request.GET[name] for name in ("organisation", FieldKind.PRODUCT.value) if name in request.GET}
    return {**kept.take(request), **named}


def form_conditions(request: PersonRequest, request_type: RequestType, form: RequestForm) -> Conditions | None:
    """Of the product that the form shows, as far as it is one of the organisation's."""
    typed = form.data if form.is_bound else form.initial
    return conditions_now(request, request_type, form.organisation_chosen, str(typed.get(FieldKind.PRODUCT) or ""))


def conditions_now(
    request: PersonRequest, request_type: RequestType, organisation: Organisation | None, product_id: str
) -> Conditions | None:
    number = row_number(product_id)
    product = Product.objects.offered_to(organisation).filter(pk=number).first() if number else None
    return conditions_of(request.tenant, request_type, organisation, product)


@person_required
@require_GET
def request_conditions(request: PersonRequest, type_id: int) -> HttpResponse:
    """The part of the form that says under what conditions, for what is chosen in it now."""
    request_type = get_or_404(RequestType.objects.offered(), pk=type_id)
    wanted = row_number(request.GET.get("organisation", ""))
    asked_for = [row.organisation for row in request.person.represents if row.can_ask]
    organisation = next((one for one in asked_for if one.pk == wanted), request.acting)
    found = conditions_now(request, request_type, organisation, request.GET.get(FieldKind.PRODUCT, ""))
    return render(request, "tickets/_conditions.html", {"conditions": found})


def field_of(refusal: Refused) -> str | None:
    """At which field of a form a verb's refusal stands."""
    return "files" if refusal.code == "files" else None


def _submit(request: PersonRequest, request_type: RequestType, form: RequestForm) -> HttpResponse:
    values = form.cleaned_data
    if form.terms is not None:  # first: a request that is filed is not refused any more
        accept_terms(form.terms.number, by=request.person, from_address=origin_of(request).from_address)
    ticket = actions.submit(
        by=request.person,
        requester=values.get("on_behalf_of"),
        organisation=values.get("organisation"),
        request_type=request_type,
        subject=form.subject,
        description=values.get("description", ""),
        due_date=values.get("due_date"),
        files=values["files"],
        submission=submission_of(request),
        order_number=values.get("order_number", ""),
        cost_centre=values.get("cost_centre", ""),
        details=form.details,
    )
    link = reverse("request", args=[ticket.reference])
    messages.success(
        request,
        format_html(
            _("Your request {} is registered. We have sent you a confirmation."),
            format_html('<a href="{}">{}</a>', link, ticket.reference),
        ),
    )
    if not request.person.is_staff and ticket.requester_id != request.person.pk:
        words = _("You filed it for %(name)s: it stands in the list of %(organisation)s, not in yours.")
        messages.info(request, words % {"name": ticket.requester, "organisation": ticket.organisation})
    return redirect(link)


# ---- one request ----


@person_required
@require_GET
def request_detail(request: PersonRequest, reference: str) -> HttpResponse:
    words = kept.take(request)
    page = request_page(readable_ticket(request, reference), request.person)
    return _render_request(request, page, CommentForm(person=request.person, initial=words) if words else None)


@person_required
@require_GET
def request_news(request: PersonRequest, reference: str) -> HttpResponse:
    """What an open page asks from time to time: nothing (204), or the page's parts as they are now."""
    if shown_version(request, reference) == request.GET.get("since"):
        return HttpResponse(status=204)
    page = request_page(readable_ticket(request, reference), request.person)
    return HttpResponse(_request_body(request, page))


def _render_request(
    request: PersonRequest,
    page: dict[str, Any],
    comment_form: CommentForm | None = None,
    *,
    status: int = 200,
    **forms: Any,
) -> HttpResponse:
    """The page, with the forms in which something was typed."""
    context = {
        **page,
        **forms,
        "comment_form": comment_form,
        "body": _request_body(request, page, comment_form=comment_form, **forms),
        "nav_current": "requests",
    }
    return render(request, "tickets/request.html", context, status=status)


def _request_body(request: PersonRequest, page: dict[str, Any], **forms: Any) -> str:
    return request_body(
        page,
        request.person,
        brand=request.host.brand_name,
        token=get_token(request),
        submission=submission_of(request) or uuid.uuid4(),
        limits=file_limits(),
        **forms,
    )


@person_required
@require_POST
def request_comment(request: PersonRequest, reference: str) -> HttpResponse:
    ticket = visible_ticket(request.person, reference)
    form = CommentForm(request.POST, request.FILES, person=request.person)
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
            form.add_error(field_of(refusal), str(refusal.sentence))
        else:
            messages.success(request, _("Your comment is added."))
            return redirect("request", reference)
    keep_files(form, request.person)
    return _render_request(request, request_page(ticket, request.person), form, status=422)


@person_required
@require_POST
def request_do(request: PersonRequest, reference: str, name: str) -> HttpResponse:
    """Every verb that the state and the person's rights allow. What was typed comes back with a refusal."""
    ticket = visible_ticket(request.person, reference)
    form = None if request.person.is_staff else form_of(ticket, request.person, name, request.POST)
    if form is None:
        raise Http404
    if not form.is_valid():
        return _verb_refused(request, ticket, name, form, status=422)
    try:
        result = do(ticket, request.person, name, form, origin=origin_of(request))
    except Refused as refusal:
        form.add_error(None, str(refusal.sentence))
        return _verb_refused(request, visible_ticket(request.person, reference), name, form, status=409)
    messages.success(request, str(CUSTOMER_DEEDS[name].done))
    return redirect("request", result.reference if isinstance(result, Ticket) else reference)


def _verb_refused(request: PersonRequest, ticket: Ticket, name: str, form: VerbForm, *, status: int) -> HttpResponse:
    """The page again: the form with its errors where the verb is still offered, its words as a comment where not."""
    page = request_page(ticket, request.person, {name: form})
    is_offered = any(verb.name == name for verb in page["actions"])
    if not is_offered or not form.visible_fields():
        for error in form.non_field_errors():
            messages.error(request, str(error))
    words = "" if is_offered else request.POST.get("text", "")
    comment_form = CommentForm(person=request.person, initial={"text": words}) if words else None
    return _render_request(request, page, comment_form, status=status, refused=name)


# ---- people ----


@person_required
@require_POST
def request_invite(request: PersonRequest, reference: str) -> HttpResponse:
    ticket = visible_ticket(request.person, reference)
    form = ParticipantForm(request.POST)
    if form.is_valid():
        try:
            actions.add_participant(
                ticket, by=request.person, address=form.cleaned_data["email"], name=form.cleaned_data["name"]
            )
        except Refused as refusal:
            form.add_error("email", str(refusal.sentence))
        else:
            messages.success(request, _("The invitation is on its way."))
            return redirect("request", reference)
    return _render_request(request, request_page(ticket, request.person), status=422, invite_form=form)


@person_required
@require_POST
def request_uninvite(request: PersonRequest, reference: str, person_id: int) -> HttpResponse:
    ticket = visible_ticket(request.person, reference)
    person = get_or_404(Person.objects.filter(participations__ticket=ticket), pk=person_id)
    try:
        actions.remove_participant(ticket, by=request.person, person=person)
    except Refused as refusal:
        messages.error(request, str(refusal.sentence))
        return redirect("request", reference)
    if person.pk == request.person.pk:
        messages.success(request, _("You do not take part in %(reference)s any more.") % {"reference": reference})
        return redirect("requests")
    messages.success(request, _("%(name)s does not take part any more.") % {"name": person})
    return redirect("request", reference)


@person_required
@require_POST
def request_attention(request: PersonRequest, reference: str) -> HttpResponse:
    """Follow it, mute it, or neither."""
    ticket = visible_ticket(request.person, reference)
    try:
        actions.attend(ticket, by=request.person, choice=request.POST.get("choice", ""))
    except Refused as refusal:
        messages.error(request, str(refusal.sentence))
    return redirect("request", reference)


# ---- proof, and deciding from an e-mail ----


@person_required
@require_GET
def approval(request: PersonRequest, reference: str, approval_id: int) -> HttpResponse:
    """The proof of an acceptance, to read and to print."""
    row = visible_approval(request, reference, approval_id)
    return render(request, "tickets/approval.html", {**approval_page(row), "nav_current": "requests"})


@person_required
@require_GET
def approval_record(request: PersonRequest, reference: str, approval_id: int) -> HttpResponse:
    """The record byte for byte as it was hashed, for whoever checks: `sha256sum` of this file is the proof's hash."""
    row = visible_approval(request, reference, approval_id)
    return HttpResponse(
        row.proved.encode(),
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{record_name(row)}"'},
    )


def visible_approval(request: PersonRequest, reference: str, approval_id: int) -> Approval:
    ticket = visible_ticket(request.person, reference)
    if not may_read_proof(request.person, ticket):
        raise Http404
    rows = Approval.objects.filter(ticket=ticket)
    return get_or_404(
        rows.select_related("ticket", "estimate", "person", "in_place_of", "recorded_by", "takes_back"), pk=approval_id
    )


@public
@require_http_methods(["GET", "POST"])
def decide(request: DeskRequest, token: str) -> HttpResponse:
    """The page behind an e-mail's button. Showing it changes nothing; only a POST from it decides, once."""
    decision = read_link(token)
    language = decision.person.language if decision else get_language() or ""
    with translation.override(language):
        if decision is None:
            response = render(request, "tickets/decide.html", {"decision": None}, status=404)
        elif request.method == "GET":
            response = render(request, "tickets/decide.html", _decide_page_with_kept(request, decision))
        else:
            response = _decide(request, decision, token)
    response.headers["Content-Language"] = language
    return _for_one_reader(response)


def _for_one_reader(response: HttpResponse) -> HttpResponse:
    """Who has the address may decide: nothing keeps it, finds it or passes it on to another site."""
    response.headers["Cache-Control"] = "private, no-store"
    # Not 'no-referrer': a browser then hides the origin of our own form too, and the check against forgery fails.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _decide_page_with_kept(request: DeskRequest, decision: Decision) -> dict[str, Any]:
    """With the words that were typed here before the form's token ran out."""
    page = decide_page(decision, request.path)
    words = kept.take(request).get("text")
    for verb in page["choices"] if words else ():
        if "text" in verb.form.fields:
            verb.form.initial["text"] = words
    return page


def _decide(request: DeskRequest, decision: Decision, token: str) -> HttpResponse:
    name, url = request.POST.get("verb", ""), request.path
    page = decide_page(decision, url)
    typed = request.POST.get("text", "")
    if name not in {verb.name for verb in page["choices"]}:
        return render(request, "tickets/decide.html", {**page, "typed": typed}, status=409)
    # The version of the link, whatever the form says: another one may come in meanwhile.
    data = {**request.POST.dict(), "version": decision.estimate.version if decision.estimate else ""}
    form = form_of(decision.ticket, decision.person, name, data)
    assert form is not None  # it is offered
    if not form.is_valid():
        return render(request, "tickets/decide.html", decide_page(decision, url, {name: form}), status=422)
    try:
        do(decision.ticket, decision.person, name, form, origin=origin_of(request, decision.number))
    except Refused as refusal:
        form.add_error(None, str(refusal.sentence))
        page = decide_page(read_link(token) or decision, url, {name: form})
        lost = typed if name not in {verb.name for verb in page["choices"]} else ""
        return render(request, "tickets/decide.html", {**page, "refusal": refusal.sentence, "typed": lost}, status=409)
    return render(request, "tickets/decide.html", {**page, "choices": [], "done": CUSTOMER_DEEDS[name].done})


# ---- files ----


@person_required
@require_GET
def file(request: PersonRequest, file_id: int) -> HttpResponse:
    """A file of a request that the person may read."""
    return download(readable_file(request, file_id))


@person_required
@require_GET
def file_thumbnail(request: PersonRequest, file_id: int) -> HttpResponse:
    """The small picture of such a file, where there is one."""
    row = readable_file(request, file_id)
    if not row.thumbnail_key:
        raise Http404
    return thumbnail(row)


def readable_file(request: PersonRequest, file_id: int) -> StoredFile:
    attachments = Attachment.objects.filter(ticket__in=Ticket.objects.visible_to(request.person), file_id=file_id)
    if not request.person.is_staff:
        attachments = attachments.exclude(comment__is_internal=True)
    file: StoredFile = get_or_404(attachments.select_related("file").order_by("id")[:1]).file
    return file
