"""Pages about oneself: invitation, language, the organisation acted for, the brand's colours."""

from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import actions
from accounts.access import get_or_404, person_required, public
from accounts.colours import brand_stylesheet
from accounts.errors import Refused
from accounts.forms import ChoosePasswordForm, DetailsForm, TokenForm
from accounts.hosts import offered_languages
from accounts.http import DeskRequest, PersonRequest
from accounts.invitations import read_token
from accounts.models import ApiToken
from accounts.personal_data import take_along
from accounts.places import end_other_places, end_place, places_of
from accounts.tokens import make_token, revoke_token, usable


@public
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def invitation(request: DeskRequest, token: str) -> HttpResponse:
    """Opening the link shows a form; only sending it uses the link up."""
    person = read_token(token)
    if person is None or person.user is None:
        return render(request, "portal/invitation.html", {"valid": False}, status=404)
    if person.user.has_usable_password():
        # They have an account from another desk or from before; nobody but they may set its password.
        messages.info(request, _("You have an account already. Log in with your password, or ask for a new one."))
        return redirect("account_login")
    form = ChoosePasswordForm(request.POST or None, person=person)
    if request.method == "POST" and form.is_valid():
        actions.accept_invitation(person, password=form.cleaned_data["password1"])
        messages.success(request, _("Your password is set. Log in with it now."))
        return redirect("account_login")
    status = 422 if form.is_bound else 200
    return render(
        request, "portal/invitation.html", {"valid": True, "form": form, "person_invited": person}, status=status
    )


def back_to(request: DeskRequest) -> str:
    """Where a small form came from, when that is a page of this host. The portal calls it 'back', Unfold 'next'."""
    target = request.POST.get("back") or request.POST.get("next", "")
    is_path = target.startswith("/") and not target.startswith("//")
    return target if is_path and url_has_allowed_host_and_scheme(target, allowed_hosts=None) else "/"


@public
@require_POST
def set_language(request: DeskRequest) -> HttpResponse:
    language = request.POST.get("language", "")
    response = HttpResponseRedirect(back_to(request))
    if language in dict(offered_languages(request.tenant)):
        if request.person:
            actions.choose_language(request.person, language)
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            language,
            max_age=365 * 24 * 3600,
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
        )
    return response


@person_required
@require_http_methods(["GET", "POST"])
def account(request: PersonRequest) -> HttpResponse:
    """What a person says of themself."""
    person = request.person
    initial = {column: getattr(person, column) for column in ("name", "phone", "language", "time_zone")}
    form = DetailsForm(request.POST or None, tenant=request.tenant, initial=initial)
    if request.method == "POST" and form.is_valid():
        actions.change_details(person, **form.cleaned_data)
        with translation.override(form.cleaned_data["language"]):  # the next page is in it
            messages.success(request, _("Your details are saved."))
        return redirect("account")
    return render(request, "accounts/details.html", {"form": form}, status=422 if form.is_bound else 200)


@person_required
@require_POST
def act_for(request: PersonRequest) -> HttpResponse:
    try:
        organisation = actions.organisation_to_act_for(request.person, request.POST.get("organisation", ""))
    except Refused as refusal:
        messages.error(request, str(refusal.sentence))
    else:
        request.session["acting"] = organisation.pk
    return HttpResponseRedirect(back_to(request))


@person_required
@require_http_methods(["GET", "POST"])
def tokens(request: PersonRequest) -> HttpResponse:
    """One's own tokens. A new one is shown in the answer to its form, and never again."""
    form = TokenForm(request.POST or None)
    made, status = "", 200
    if request.method == "POST" and form.is_valid():
        try:
            _token, made = make_token(by=request.person, **form.cleaned_data)
        except Refused as refusal:
            form.add_error(None, str(refusal.sentence))
        else:
            form = TokenForm()
    if form.errors:
        status = 422
    rows = usable(request.person, timezone.localdate()).order_by("-id")
    context = {"tokens": rows, "form": form, "made": made, "api": reverse("api:docs")}
    return render(request, "accounts/tokens.html", context, status=status)


@person_required
@require_POST
def token_revoke(request: PersonRequest, token_id: int) -> HttpResponse:
    token = get_or_404(ApiToken.objects.filter(person=request.person), pk=token_id)
    revoke_token(token, by=request.person)
    messages.success(request, _("“%(name)s” is revoked and opens nothing any more.") % {"name": token.name})
    return redirect("tokens")


@person_required
@require_GET
def sessions(request: PersonRequest) -> HttpResponse:
    """Where one is logged in; what one does not know one ends."""
    places = places_of(request.person, request.session.session_key)
    return render(request, "accounts/sessions.html", {"places": places, "others": len(places) > 1})


@person_required
@require_POST
def session_end(request: PersonRequest, mark: str) -> HttpResponse:
    if not end_place(mark, request.session.session_key, by=request.person):
        raise Http404
    messages.success(request, _("You are logged out there."))
    return redirect("sessions")


@person_required
@require_POST
def sessions_end_others(request: PersonRequest) -> HttpResponse:
    end_other_places(request.session.session_key, by=request.person)
    messages.success(request, _("You are logged out everywhere but here."))
    return redirect("sessions")


@person_required
@require_http_methods(["GET", "POST"])
def my_data(request: PersonRequest) -> HttpResponse:
    """Says what the file holds; makes it for who typed their password a moment ago."""
    is_fresh = did_recently_reauthenticate(request)
    if request.method == "GET":
        return render(request, "accounts/my_data.html", {"is_fresh": is_fresh})
    if not is_fresh:
        return redirect(reverse("account_reauthenticate", query={"next": reverse("my_data")}))
    file = take_along(by=request.person)
    return FileResponse(  # type: ignore[return-value]
        file, as_attachment=True, filename="my-data.json", content_type="application/json"
    )


@public
@require_GET
@cache_control(public=True, max_age=300)
def brand_css(request: DeskRequest) -> HttpResponse:
    """The host's accent as CSS custom properties: a stylesheet of its own, because the policy forbids inline styles."""
    return HttpResponse(brand_stylesheet(request.host.accent), content_type="text/css; charset=utf-8")
