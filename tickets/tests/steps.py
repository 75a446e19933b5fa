"""Steps that several of these tests take: time passes, mail goes out, the clock looks."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.models import Deputy, Person, Representation
from conftest import Desk, in_days, written
from notifications.models import Notice, OutboxMessage, OutboxState
from tickets import actions, clock
from tickets.models import Estimate, Ticket
from tickets.proof import Quote


def fresh(ticket: Ticket) -> Ticket:
    row: Ticket = Ticket.objects.get(pk=ticket.pk)
    return row


def newest(ticket: Ticket) -> Estimate:
    row: Estimate = Estimate.objects.filter(ticket=ticket).latest("version")
    return row


def fixed(price: str, description: str = "A new tray") -> actions.NewLine:
    return actions.NewLine(description, price=Decimal(price))


def hours(minutes: int, description: str = "Analysis", price: str | None = None) -> actions.NewLine:
    return actions.NewLine(description, minutes=minutes, price=Decimal(price) if price else None)


def says(person: Person, words: str = "Go ahead.", **more: Any) -> Quote:
    return Quote(person, words, **more)


def limit(person: Person, amount: str | None) -> None:
    """What somebody may approve for their organisation."""
    Representation.objects.filter(person=person).update(
        may_approve=True, approval_limit=Decimal(amount) if amount else None
    )


def stands_in(person: Person, *, for_: Person, first: int = 0, last: int = 0) -> None:
    """A deputy from one day to another, counted from today."""
    right = Representation.objects.get(person=for_)
    Deputy.objects.create(representation=right, person=person, starts_on=in_days(first), ends_on=in_days(last))


# ---- time ----


def all_mail_is_sent() -> None:
    OutboxMessage.objects.update(state=OutboxState.SENT)


def pass_until(ticket: Ticket, moment: datetime | None, **later: int) -> None:
    """Let it be that moment for the ticket: its dates move instead of the world's."""
    assert moment is not None
    shift = timezone.now() - moment - timedelta(**later)
    row = fresh(ticket)
    Ticket.objects.filter(pk=ticket.pk).update(
        period_ends_at=row.period_ends_at + shift if row.period_ends_at else None,
        clock_at=row.clock_at + shift if row.clock_at else None,
    )


def tick(desk: Desk) -> None:
    clock.work_off(desk.id, timezone.now())


def next_tick(desk: Desk, ticket: Ticket) -> Ticket:
    """The clock looks when it said that it would."""
    pass_until(ticket, fresh(ticket).clock_at, seconds=1)
    tick(desk)
    return fresh(ticket)


# ---- who heard ----


def told(kind: str) -> set[Person]:
    """Everybody with a notice of this kind, with or without an e-mail address."""
    return set(Person.objects.filter(pk__in=Notice.objects.filter(kind=f"ticket.{kind}").values("person")))


def letters(kind: str) -> list[OutboxMessage]:
    rows = OutboxMessage.objects.filter(kind=f"ticket.{kind}").order_by("id")
    return [written(row) if row.state == OutboxState.QUEUED else row for row in rows]
