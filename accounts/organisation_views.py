"""The people of the organisation one acts for: who they are, and, for its head, who is invited and may do what."""

from typing import cast

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import get_or_404, person_required, row_number, rule_required
from accounts.errors import Refused
from accounts.forms import MemberForm, RightsForm
from accounts.http import PersonRequest
from accounts.members import (
    PAGE,
    Granted,
    change_rights,
    decline,
    heads_of,
    invite_member,
    join,
    manages_people,
    members_of,
    most_to_grant,
    offers_to,
    remove_member,
    rights_of,
    withdraw_invitation,
)
from accounts.models import InvitedMember, Organisation, Representation
from accounts.permissions import represents_somebody


@rule_required(represents_somebody)
@require_http_methods(["GET", "POST"])
def organisation_people(request: PersonRequest) -> HttpResponse:
    organisation = acting(request)
    if not manages_people(request.person, organisation, request.tenant):
        return read_only(request, organisation)
    form = MemberForm(request.POST or None, tenant=request.tenant, before=Granted())
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            invite_member(
                organisation, by=request.person, email=values["email"], name=values["name"], rights=form.rights
            )
        except Refused as refusal:
            form.add_error("approval_limit" if refusal.code == "limit" else None, str(refusal.sentence))
        else:
            messages.success(request, _("The invitation is on its way to %(address)s.") % {"address": values["email"]})
            return redirect("organisation_people")
    context = {
        **listed(request, organisation),
        "form": form,
        "invited": InvitedMember.objects.filter(organisation=organisation).select_related("person").order_by("-id"),
        "most": most_of(request, organisation),
    }
    return render(request, "accounts/organisation.html", context, status=422 if form.is_bound else 200)


def read_only(request: PersonRequest, organisation: Organisation) -> HttpResponse:
    """Who is not the head reads who is; a head whose desk manages the people reads who they are."""
    if request.method == "POST":
        raise Http404
    is_head = right_at(request, organisation).is_head
    people = listed(request, organisation) if is_head else {}
    context = {**people, "organisation": organisation, "is_head": is_head, "heads": heads_of(organisation)}
    return render(request, "accounts/organisation_heads.html", context)


def listed(request: PersonRequest, organisation: Organisation) -> dict[str, object]:
    after = row_number(request.GET.get("after", ""))
    rows = members_of(organisation)
    found = list((rows.filter(pk__lt=after) if after else rows)[: PAGE + 1])
    more = reverse("organisation_people", query={"after": found[PAGE - 1].pk}) if len(found) > PAGE else None
    return {
        "organisation": organisation,
        "members": found[:PAGE],
        "next_url": more,
        "previous_url": reverse("organisation_people") if after else None,
        "nav_current": "organisation",
    }


@rule_required(represents_somebody)
@require_http_methods(["GET", "POST"])
def member(request: PersonRequest, person_id: int) -> HttpResponse:
    """What one of them may do."""
    row = member_or_404(request, person_id)
    form = RightsForm(request.POST or None, tenant=request.tenant, before=rights_of(row))
    if request.method == "POST" and form.is_valid():
        try:
            change_rights(row, by=request.person, rights=form.rights)
        except Refused as refusal:
            form.add_error("approval_limit" if refusal.code == "limit" else None, str(refusal.sentence))
        else:
            messages.success(request, _("The rights of %(name)s are saved.") % {"name": row.person})
            return redirect("organisation_people")
    context = {
        "form": form,
        "member": row,
        "is_oneself": row.person_id == request.person.pk,
        "most": most_of(request, row.organisation),
        "nav_current": "organisation",
    }
    return render(request, "accounts/member.html", context, status=422 if form.is_bound else 200)


@rule_required(represents_somebody)
@require_POST
def member_remove(request: PersonRequest, person_id: int) -> HttpResponse:
    row = member_or_404(request, person_id)
    try:
        remove_member(row, by=request.person)
    except Refused as refusal:
        messages.error(request, str(refusal.sentence))
        return redirect("member", person_id)
    messages.success(
        request,
        _("%(name)s does not act for %(organisation)s any more. What they asked for stays with you.")
        % {"name": row.person, "organisation": row.organisation},
    )
    return redirect("organisation_people")


@rule_required(represents_somebody)
@require_POST
def invited_withdraw(request: PersonRequest, invited_id: int) -> HttpResponse:
    rows = InvitedMember.objects.filter(organisation=managed(request)).select_related("organisation")
    invited = get_or_404(rows, pk=invited_id)
    withdraw_invitation(invited, by=request.person)
    messages.success(request, _("The invitation of %(name)s is withdrawn.") % {"name": invited.name})
    return redirect("organisation_people")


@person_required
@require_POST
def invited_answer(request: PersonRequest, invited_id: int) -> HttpResponse:
    """Yes or no of who was invited."""
    invited = get_or_404(offers_to(request.person), pk=invited_id)
    try:
        if request.POST.get("answer") == "no":
            decline(invited, by=request.person)
            messages.success(request, _("You have declined. Nothing changes for you."))
        else:
            join(invited, by=request.person)
            request.session["acting"] = invited.organisation_id
            messages.success(request, _("You act for %(name)s now.") % {"name": invited.organisation})
    except Refused as refusal:
        messages.error(request, str(refusal.sentence))
    return redirect("home")


def acting(request: PersonRequest) -> Organisation:
    return cast(Organisation, request.acting)  # who represents somebody acts for one


def right_at(request: PersonRequest, organisation: Organisation) -> Representation:
    return next(row for row in request.person.represents if row.organisation_id == organisation.pk)


def managed(request: PersonRequest) -> Organisation:
    """The organisation one acts for and is the head of. For others there is nothing to manage."""
    organisation = acting(request)
    if not manages_people(request.person, organisation, request.tenant):
        raise Http404
    return organisation


def member_or_404(request: PersonRequest, person_id: int) -> Representation:
    row: Representation = get_or_404(members_of(managed(request)), person_id=person_id)
    if row.person.is_staff:
        raise Http404
    return row


def most_of(request: PersonRequest, organisation: Organisation) -> object:
    """What the form says about the amounts that this head can grant."""
    own = right_at(request, organisation)
    return {"may_approve": own.may_approve, "amount": most_to_grant(own, request.tenant)}
