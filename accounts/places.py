"""Where somebody is logged in: noted in the session itself, so that an ordinary page costs no query for it."""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.auth.signals import user_logged_in
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts import events
from accounts.models import Person, Session, User
from accounts.sessions import PLACE, SessionStore
from accounts.visitors import address_of, browser_of

# Seconds. How exactly it is known when somebody was last here: a write for every page would make reading dear.
NOTED_EVERY = 600
_SALT = "accounts.places"


@dataclass(frozen=True)
class Place:
    """A browser in which a person is logged in. `mark` names it in addresses; the session's key is a secret."""

    mark: str
    browser: str
    address: str | None
    since: datetime | None
    seen: datetime | None
    is_here: bool


# ---- noting ----


def watch() -> None:
    user_logged_in.connect(_logged_in, dispatch_uid="accounts.places.logged_in")


def _logged_in(request: HttpRequest, **kwargs: Any) -> None:
    now = int(time.time())
    _note(request, since=now, now=now)


def note_visit(request: HttpRequest) -> None:
    """Called after the answer of every page that somebody who is logged in sees: the session is then saved, if this
    changed it, with its row and its cache in one go."""
    place, now = request.session.get(PLACE), int(time.time())
    if place is None or now - place["seen"] >= NOTED_EVERY:
        _note(request, since=place["since"] if place else now, now=now)


def _note(request: HttpRequest, *, since: int, now: int) -> None:
    browser = browser_of(request.headers.get("User-Agent", ""))
    request.session[PLACE] = {"since": since, "seen": now, "browser": browser, "address": address_of(request)}


# ---- reading ----


def places_of(person: Person, here: str | None) -> list[Place]:
    """Those that still open something, this one first, then the last used. `here` is the key of the asking session."""
    rows = [_place(row, here) for row in _living(person)]
    return sorted(rows, key=lambda place: (place.is_here, place.seen.timestamp() if place.seen else 0), reverse=True)


def _place(row: Session, here: str | None) -> Place:
    key = row.session_key
    return Place(mark_of(key), row.browser, row.address, row.created_at, row.last_seen_at, key == here)


def _living(person: Person) -> list[Session]:
    """Sessions from before a password was changed are rows still, and open nothing."""
    user = person.user
    if not isinstance(user, User):
        return []
    rows = Session.objects.filter(user_id=user.pk, expire_date__gt=timezone.now())
    # While the installation's key is changed, those from before are good until they are used next.
    proofs = {user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()}
    return [row for row in rows if row.get_decoded().get(HASH_SESSION_KEY) in proofs]


def mark_of(key: str) -> str:
    return salted_hmac(_SALT, key, algorithm="sha256").hexdigest()[:32]


# ---- ending ----


def _other_keys(person: Person, here: str | None) -> list[str]:
    return [row.session_key for row in _living(person) if row.session_key != here]


@transaction.atomic
def end_place(mark: str, here: str | None, *, by: Person) -> bool:
    """Log out there. False when they have no such place but this one (any more)."""
    keys = [key for key in _other_keys(by, here) if mark_of(key) == mark]
    for key in keys:
        SessionStore().delete(key)
        events.record("person.session_ended", by, by=by)
    return bool(keys)


@transaction.atomic
def end_other_places(here: str | None, *, by: Person) -> int:
    """Log out everywhere but here; how many that were."""
    keys = _other_keys(by, here)
    for key in keys:
        SessionStore().delete(key)
    if keys:
        events.record("person.sessions_ended", by, by=by, number=len(keys))
    return len(keys)
