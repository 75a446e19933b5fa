"""The answer to a call with an Idempotency-Key is kept: the same call again gets it, and changes nothing.

Kept in the call's own transaction, so that the deed and its answer stand or fall together.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.models import KeptAnswer, Person

KEPT_FOR = timedelta(hours=24)
LONGEST_KEY = 255


class KeyReused(Refused):
    """The key was used for another call."""

    def __init__(self) -> None:
        super().__init__(
            _("This key was sent with another call before. Use a new key for each new call."), code="key_reused"
        )


@dataclass(frozen=True)
class Answer:
    """`body` is JSON, as it is sent."""

    status: int
    body: str
    is_repeated: bool = False


def fingerprint_of(method: str, address: str, body: bytes) -> str:
    """What makes two calls the same call."""
    return hashlib.sha256(b"\n".join((method.encode(), address.encode(), body))).hexdigest()


def answer_once(person: Person, key: str, fingerprint: str, make: Callable[[], Answer]) -> Answer:
    """The kept answer, or the one that `make` gives now, which is kept unless it tells of a fault of ours.

    Raises KeyReused when the key belongs to another call. What `make` raises is not kept.
    """
    _wait_for_the_same(person, key)
    kept = KeptAnswer.objects.filter(person=person, key=key).first()
    if kept is not None and kept.created_at > timezone.now() - KEPT_FOR:
        if kept.fingerprint != fingerprint:
            raise KeyReused
        return Answer(kept.status, kept.body, is_repeated=True)
    answer = make()
    if kept is not None:  # older than a day, and the daily job has not come by
        kept.delete()
    if answer.status < 500:
        KeptAnswer.objects.create(
            person=person, key=key, fingerprint=fingerprint, status=answer.status, body=answer.body
        )
    return answer


def _wait_for_the_same(person: Person, key: str) -> None:
    """The second of two identical calls waits for the end of the first one's transaction, and then finds its answer."""
    number = hashlib.sha256(f"answer {person.pk} {key}".encode()).digest()[:8]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int.from_bytes(number, signed=True)])


def forget_old_answers() -> None:
    """At the entered desk."""
    KeptAnswer.objects.filter(created_at__lt=timezone.now() - KEPT_FOR).delete()
