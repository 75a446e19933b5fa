"""Writing history. One door, so that every event names its subject the same way."""

from typing import Any

from django.db import models

from accounts.models import Event, Person


def event(kind: str, subject: models.Model, *, by: Person | None, **data: Any) -> Event:
    """An event that is not written yet. `by` is None when the clock or an unknown sender did it."""
    return Event(kind=kind, subject_label=subject._meta.label_lower, subject_id=subject.pk, by=by, data=data)


def record(kind: str, subject: models.Model, *, by: Person | None, **data: Any) -> Event:
    """Write an event in the caller's transaction."""
    written = event(kind, subject, by=by, **data)
    written.save()
    return written


def record_all(*happened: Event) -> None:
    """Write several, in their order, in one query."""
    Event.objects.bulk_create(happened)


def last_of(subject: models.Model, kind: str) -> Event | None:
    """The newest event of that kind."""
    rows = Event.objects.filter(subject_label=subject._meta.label_lower, subject_id=subject.pk, kind=kind)
    return rows.order_by("-id").first()


def history_of(subject: models.Model) -> models.QuerySet[Event]:
    """The events of one row, oldest first, with who did them."""
    events = Event.objects.filter(subject_label=subject._meta.label_lower, subject_id=subject.pk)
    return events.select_related("by").order_by("id")
