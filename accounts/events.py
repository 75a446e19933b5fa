"""Writing history. One door, so that every event names its subject the same way."""

from typing import Any

from django.db import models

from accounts.models import Event, Person


def record(kind: str, subject: models.Model, *, by: Person | None, **data: Any) -> Event:
    """Write an event in the caller's transaction. `by` is None when the clock or an unknown sender did it."""
    return Event.objects.create(
        kind=kind, subject_label=subject._meta.label_lower, subject_id=subject.pk, by=by, data=data
    )


def last_of(subject: models.Model, kind: str) -> Event | None:
    """The newest event of that kind."""
    rows = Event.objects.filter(subject_label=subject._meta.label_lower, subject_id=subject.pk, kind=kind)
    return rows.order_by("-id").first()


def history_of(subject: models.Model) -> models.QuerySet[Event]:
    """The events of one row, oldest first, with who did them."""
    events = Event.objects.filter(subject_label=subject._meta.label_lower, subject_id=subject.pk)
    return events.select_related("by").order_by("id")
