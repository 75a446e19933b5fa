"""The terms of service: writing a version, publishing it, and accepting the one in force."""

import hashlib
from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import events
from accounts.errors import NotAllowed, Refused
from accounts.hosts import own_language, remembered
from accounts.models import Consent, Counter, Person, TermsVersion
from accounts.permissions import is_manager


class InForce(NamedTuple):
    """The version in force, without its words."""

    id: int
    number: int
    needs_consent: bool
    published_at: datetime


# ---- the verbs ----


@transaction.atomic
def publish_terms(version: TermsVersion, *, by: Person) -> TermsVersion:
    """From now on this version is in force. It gets the next number and never changes again.

    Raises NotAllowed, and Refused for one that is published or has no words in the desk's own language.
    """
    if not is_manager(by):
        raise NotAllowed(_("Only a manager publishes the terms."))
    version = TermsVersion.objects.select_for_update().get(pk=version.pk)
    if version.published_at is not None:
        raise Refused(_("This version is published already."), code="published")
    if not (version.title.get(own_language()) and version.body.get(own_language())):
        raise Refused(_("Title or text is missing in the desk's own language. Write them first."), code="no_words")
    version.number, version.published_at, version.published_by = Counter.next("terms"), timezone.now(), by
    version.save(update_fields=["number", "published_at", "published_by"])
    events.record("terms.published", version, by=by, number=version.number)
    return version


@transaction.atomic
def begin_terms(version: TermsVersion, *, by: Person) -> TermsVersion:
    """A new draft with the words of an earlier version. Raises NotAllowed."""
    if not is_manager(by):
        raise NotAllowed(_("Only a manager writes the terms."))
    draft: TermsVersion = TermsVersion.objects.create(
        title=version.title, body=version.body, needs_consent=version.needs_consent
    )
    events.record("terms.begun", draft, by=by, after=version.number)
    return draft


@transaction.atomic
def accept_terms(number: int, *, by: Person, from_address: str | None) -> Consent:
    """Accept the version in force, in the words that the reader sees. Accepted again, nothing changes.

    Raises NotAllowed for staff, and Refused when another version is in force by now.
    """
    if by.is_staff or not by.is_active:
        raise NotAllowed(_("Customers accept the terms, not those who work at the desk."))
    version = TermsVersion.objects.published().first()
    if version is None or version.number != number:
        raise Refused(_("A newer version is in force. Read it, and accept that one."), code="newer")
    consent, is_new = Consent.objects.get_or_create(
        person=by,
        terms=version,
        defaults={"from_address": from_address, "language": version.body.language, "sha256": hash_of(version)},
    )
    if is_new:
        events.record("terms.accepted", version, by=by, number=number)
    return consent


# ---- reading ----


def words_of(version: TermsVersion) -> str:
    """Title and text as the reader sees them."""
    return f"{version.title}\n\n{version.body}"


def hash_of(version: TermsVersion) -> str:
    return hashlib.sha256(words_of(version).encode()).hexdigest()


def terms_in_force() -> InForce | None:
    """Asked for by every page, so it is remembered for a moment."""
    return remembered("terms", _read_in_force)


def _read_in_force() -> InForce | None:
    row = TermsVersion.objects.published().only("number", "needs_consent", "published_at").first()
    if row is None or row.number is None or row.published_at is None:
        return None
    return InForce(row.pk, row.number, row.needs_consent, row.published_at)


def terms_to_accept(person: Person) -> InForce | None:
    """What a customer has not accepted yet; one query where the desk asks for consent, none where it does not."""
    current = terms_in_force()
    if current is None or not current.needs_consent or person.is_staff:
        return None
    return None if Consent.objects.filter(person=person, terms_id=current.id).exists() else current
