"""The doors of the portal: who gets in where. Strangers and the absent get the same 404."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import resolve_url

from accounts import kept
from accounts.http import DeskRequest, PersonRequest
from accounts.permissions import Rule

M = TypeVar("M", bound=models.Model)
View = Callable[..., HttpResponse]


def public(view: Callable[..., HttpResponse]) -> View:
    """A page for everybody. Says so, because a view without a door fails the test run."""
    view.door = "public"  # type: ignore[attr-defined]
    return view


def person_required(view: Callable[..., HttpResponse]) -> View:
    """A page for persons of this desk; a visitor gets the log-in page first, and what they sent is kept."""

    @wraps(view)
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if cast(DeskRequest, request).person is None:
            back = kept.keep(request) if request.method == "POST" else request.get_full_path()
            return redirect_to_login(back, resolve_url(settings.LOGIN_URL))
        return view(cast(PersonRequest, request), *args, **kwargs)

    inner.door = "person"  # type: ignore[attr-defined]
    return inner


def rule_required(rule: Rule) -> Callable[[Callable[..., HttpResponse]], View]:
    """A page for persons for whom the rule holds; for others it does not exist."""

    def decorate(view: Callable[..., HttpResponse]) -> View:
        @wraps(view)
        def inner(request: PersonRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not rule(request.person):
                raise Http404
            return view(request, *args, **kwargs)

        guarded = person_required(inner)
        guarded.door = rule.__name__  # type: ignore[attr-defined]
        return guarded

    return decorate


def row_number(text: str) -> int:
    """The number of a row that a text from outside gives; 0, which no row has, for what is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def get_or_404(rows: models.QuerySet[M], **lookup: Any) -> M:
    """One row of what the caller may see. Raises Http404 alike for what is absent, foreign or no possible value."""
    try:
        return rows.get(**lookup)
    except (ObjectDoesNotExist, ValueError, OverflowError):
        raise Http404 from None
