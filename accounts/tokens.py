"""Personal tokens: made, read, revoked. A token lets a program act as its person at one desk, through the API only."""

import hashlib
import secrets
from datetime import date, timedelta

from django.db import models, transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import events
from accounts.errors import Refused
from accounts.models import ApiToken, Person, Tenant
from accounts.problems import is_for_programs

# So that people and scanners of leaked secrets know one when they see it.
PREFIX = "desk_"
SCHEME = "bearer"
MOST_TOKENS = 50
# How exactly its last use is known: a write for every call would make reading as dear as writing.
NOTED_EVERY = timedelta(hours=1)


def digest_of(token: str) -> str:
    """Fast on purpose: 256 random bits cannot be guessed, whatever a guess costs."""
    return hashlib.sha256(token.encode()).hexdigest()


@transaction.atomic
def make_token(*, by: Person, name: str, expires_on: date | None = None) -> tuple[ApiToken, str]:
    """A new token and its text, which nobody can read again. `expires_on` is its last day, in the desk's time zone.

    Raises Refused when the day has passed or there are many tokens already.
    """
    today = Tenant.objects.get(pk=by.tenant_id).today
    if expires_on is not None and expires_on < today:
        raise Refused(_("This day has passed. Choose today or a later day."), code="dates")
    if usable(by, today).count() >= MOST_TOKENS:
        raise Refused(_("You have many tokens already. Revoke those that you do not need."), code="too_many")
    text = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(person=by, name=name, digest=digest_of(text), expires_on=expires_on)
    events.record("person.token_made", by, by=by, token=token.pk)
    return token, text


@transaction.atomic
def revoke_token(token: ApiToken, *, by: Person) -> None:
    """It opens nothing from now on. Twice is once."""
    if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now()):
        events.record("person.token_revoked", by, by=by, token=token.pk)


def usable(person: Person, today: date) -> models.QuerySet[ApiToken]:
    """Those that open something today."""
    return ApiToken.objects.filter(Q(expires_on=None) | Q(expires_on__gte=today), person=person, revoked_at=None)


# ---- reading ----


def token_sent(request: HttpRequest) -> str | None:
    """The token that a call brings, whether it opens anything or not. Only the API takes tokens, no page does."""
    if not is_for_programs(request):
        return None
    scheme, _space, text = request.headers.get("Authorization", "").partition(" ")
    return text.strip() if scheme.lower() == SCHEME else None


def read_token(text: str) -> ApiToken | None:
    """The token of the entered desk with this text, with its active person; else None, whatever the reason."""
    rows = ApiToken.objects.filter(digest=digest_of(text), revoked_at=None)
    token = rows.select_related("tenant", "person__user").first()
    if token is None or not token.person.is_active or token.person.user is None:
        return None
    if token.expires_on is not None and token.expires_on < token.tenant.today:
        return None
    token.person.user.session_person = token.person
    return token


def note_use(token: ApiToken) -> None:
    """Once an hour; of several calls at once one writes it, and the others do not wait for it."""
    now = timezone.now()
    if token.last_used_at is None or token.last_used_at < now - NOTED_EVERY:
        before = Q(last_used_at=None) | Q(last_used_at__lt=now - NOTED_EVERY)
        free = ApiToken.objects.filter(before, pk=token.pk).select_for_update(skip_locked=True)
        ApiToken.objects.filter(pk__in=free.values("pk")).update(last_used_at=now)
