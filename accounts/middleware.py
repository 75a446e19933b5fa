"""Host → tenant → person: what every request goes through before a view sees it."""

from collections.abc import Callable
from typing import cast

import structlog
from django.conf import settings
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.auth import session_person
from accounts.hosts import demo_desks, find_host, host_with_tenant, offered_languages
from accounts.http import DeskRequest
from accounts.models import Organisation, Person, Session
from accounts.places import note_visit
from accounts.problems import answer, is_for_programs, reads_json
from accounts.sessions import looks_like_a_key
from accounts.tenancy import enter
from accounts.tokens import note_use, read_token, token_sent

GetResponse = Callable[[HttpRequest], HttpResponseBase]

# What a visitor without a session or a token may send: no page of theirs takes files.
VISITOR_BYTES = 1024 * 1024


class TenantMiddleware:
    """Works out the tenant from the host and answers the whole request inside it, in one transaction."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # As all our forms are; a charset of the sender's choice may decode to what nobody can store.
        request.encoding = "utf-8"
        try:
            found = find_host(request.get_host())
        except SuspiciousOperation:  # no host name at all
            found = None
        if found is None:
            return unknown_host(request)
        tenant_id, host_id = found
        refusal = receive_upload(request, tenant_id)
        if refusal is not None:
            return refusal
        with structlog.contextvars.bound_contextvars(tenant=tenant_id), enter(tenant_id):
            desk = cast(DeskRequest, request)
            desk.host = host_with_tenant(host_id)
            desk.tenant = desk.host.tenant
            return self.get_response(request)


def unknown_host(request: HttpRequest) -> HttpResponse:
    """A plain page; in demo mode it leads to the demo desks."""
    if is_for_programs(request):
        return answer(404, "no_desk", _("There is no desk at this address."))
    desks = [(host.brand_name, f"{host.address}/") for host in demo_desks()]
    return render(request, "portal/unknown_host.html", {"desks": desks}, status=404)


def receive_upload(request: HttpRequest, tenant_id: int) -> HttpResponse | None:
    """Read the body before the transaction begins: a slow line must not hold one open. Answers what is too large."""
    if request.method not in ("POST", "PATCH"):
        return None
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or (int(length) > VISITOR_BYTES and not may_send(request, tenant_id, int(length))):
        return too_large(request)
    try:
        # A PATCH is a piece of a file, which no form's parser reads.
        _read = request.body if is_for_programs(request) or request.method == "PATCH" else request.POST
    except RequestDataTooBig:
        return too_large(request)
    except (SuspiciousOperation, BadRequest, MultiPartParserError, OSError, LookupError, UnicodeError):
        return answer(400, "unreadable") if reads_json(request) else render(request, "400.html", status=400)
    return None


def too_large(request: HttpRequest) -> HttpResponse:
    if reads_json(request):
        return answer(413, "too_large")
    return render(request, "errors/too_large.html", status=413)


def may_send(request: HttpRequest, tenant_id: int, length: int) -> bool:
    """Large bodies are for people who are logged in, and for their programs; a cookie or a token that merely looks
    like one is not enough."""
    if length > (settings.MAX_FILES + 1) * settings.MAX_FILE_BYTES:
        return False
    token = token_sent(request)
    if token is not None:
        with enter(tenant_id):
            return read_token(token) is not None
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    if not looks_like_a_key(key):
        return False
    with enter(tenant_id):
        known = Session.objects.filter(session_key=key, user_id__isnull=False, expire_date__gt=timezone.now())
        return bool(known.exists())


class PersonMiddleware:
    """Who asks, for which organisation, in which language and time zone."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        desk = cast(DeskRequest, request)
        identify(desk)
        language = choose_language(desk)
        with translation.override(language), timezone.override(desk.tenant.zone):
            desk.LANGUAGE_CODE = language
            response = self.get_response(request)
            # After a log-out the request knows its person still, and the session nobody.
            is_known = desk.person is not None and desk.token is None and request.user.is_authenticated
            if is_known and not is_for_everybody(response):
                note_visit(request)
            response.headers.setdefault("Content-Language", language)
            forbid_storing(desk, response)
        return response


def identify(request: DeskRequest) -> None:
    """By the token of a program, else by the session. Who brings a token is asked for nothing else: a wrong one opens
    nothing, whoever is logged in besides."""
    text = token_sent(request)
    request.token = token = read_token(text) if text is not None else None
    if text is None:
        request.person = session_person(request)
        request.acting = acting_organisation(request)
        return
    request.person, request.acting = (token.person if token else None), None
    if token is not None:
        note_use(token)


def acting_organisation(request: DeskRequest) -> Organisation | None:
    """The organisation chosen in the switch, as long as the person still represents it; else their first."""
    person: Person | None = request.person
    if person is None or person.is_staff or not person.represents:
        return None
    chosen = request.session.get("acting")
    rows = [row for row in person.represents if row.organisation_id == chosen] or person.represents
    organisation: Organisation = rows[0].organisation
    return organisation


def choose_language(request: DeskRequest) -> str:
    """The person's own, else the visitor's cookie, else their browser's, else the desk's."""
    offered = [code for code, _ in offered_languages(request.tenant)]
    wishes = [request.person.language] if request.person else []
    wishes.append(request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, ""))
    wishes += accepted_languages(request.headers.get("Accept-Language", ""))
    return next((wish for wish in wishes if wish in offered), request.tenant.language)


def accepted_languages(header: str) -> list[str]:
    return [part.partition(";")[0].strip()[:2].lower() for part in header[:200].split(",")]


def is_for_everybody(response: HttpResponseBase) -> bool:
    """Any proxy may keep it and give it to others: no session's cookie goes along."""
    return "public" in response.headers.get("Cache-Control", "")


def forbid_storing(request: DeskRequest, response: HttpResponseBase) -> None:
    """What a logged-in person sees is for them alone: no proxy and no browser keeps it after log-out."""
    if request.person is not None:
        response.headers.setdefault("Cache-Control", "private, no-store")
