"""What a desk knows of one person, to take along: a file of JSON, made section by section.

Every app gives its own sections. A section holds what concerns the person themself: their words, not others', and no
secret. Its rows come from one query, whatever their number, and go to a file on disk, not into memory.
"""

import json
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO, Any, NamedTuple

from allauth.mfa.models import Authenticator
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.utils import timezone

from accounts import events
from accounts.models import RIGHTS, ApiToken, Consent, Deputy, Event, Person, Session
from accounts.registry import Registry
from accounts.second_factor import factors_of

# So many rows come from the database at once.
CHUNK = 500


class Section(NamedTuple):
    name: str
    rows: Iterable[dict[str, Any]]


sections: Registry[[Person], list[Section]] = Registry()


@transaction.atomic
def take_along(*, by: Person) -> IO[bytes]:
    """The file, at its beginning; who closes it removes it. That it was made is history."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 (the answer closes it)
    file.write(b"{")
    given = [section for part in sections(by) for section in part]
    for number, section in enumerate([Section("made_at", [{"at": timezone.now()}]), *given]):
        file.write(b",\n" if number else b"\n")
        _write(file, section)
    file.write(b"\n}\n")
    file.seek(0)
    events.record("person.data_downloaded", by, by=by)
    return file


def _write(file: IO[bytes], section: Section) -> None:
    file.write(f"  {json.dumps(section.name)}: [".encode())
    number = 0
    for number, row in enumerate(section.rows, start=1):
        text = json.dumps(row, ensure_ascii=False, indent=2, cls=DjangoJSONEncoder).replace("\n", "\n    ")
        file.write(f"{',' if number > 1 else ''}\n    {text}".encode())
    file.write(b"\n  ]" if number else b"]")


def told(rows: models.QuerySet[Any], *names: str, **renamed: models.F) -> Iterator[dict[str, Any]]:
    """These columns of the rows, read bit by bit. `renamed` calls a related column by a plain word."""
    return iter(rows.values(*names, **renamed).iterator(chunk_size=CHUNK))


def of_accounts(person: Person) -> list[Section]:
    return [
        Section("person", told(Person.objects.filter(pk=person.pk), *_OF_PERSON)),
        Section("speaks_for", (_right(row) for row in person.represents)),
        Section("named_as_deputy", told(Deputy.objects.filter(person=person).order_by("id"), "starts_on", "ends_on")),
        Section("accepted_terms", told(Consent.objects.filter(person=person).order_by("id"), *_OF_CONSENT, **_VERSION)),
        Section("second_factors", (_factor(row) for row in factors_of(person))),
        Section("logged_in", told(Session.objects.filter(user_id=person.user_id or 0), *_OF_SESSION)),
        Section("tokens", told(ApiToken.objects.filter(person=person).order_by("id"), *_OF_TOKEN)),
        Section("what_you_did", told(Event.objects.filter(by=person).order_by("id"), *_OF_EVENT)),
    ]


_OF_PERSON = (
    "name",
    "email",
    "phone",
    "language",
    "time_zone",
    "is_verified",
    "is_agent",
    "is_accountant",
    "is_manager",
    "away_until",
)
_OF_CONSENT = ("at", "from_address", "language", "sha256")
_VERSION = {"version": models.F("terms__number")}
_OF_SESSION = ("browser", "address", "created_at", "last_seen_at")
_OF_TOKEN = ("name", "created_at", "expires_on", "last_used_at", "revoked_at")
_OF_EVENT = ("at", "kind", "subject_label", "subject_id")


def _right(row: Any) -> dict[str, Any]:
    return {"organisation": row.organisation.name, **{right: getattr(row, right) for right in RIGHTS}}


def _factor(row: Authenticator) -> dict[str, Any]:
    name = row.data.get("name", "")
    return {"kind": row.type, "name": name, "created_at": row.created_at, "last_used_at": row.last_used_at}
