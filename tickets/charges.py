"""What a ticket costs its customer: shown before it reaches INVOICE, and what the invoice then copies.

A fixed line of the accepted estimate at its price; hourly lines at the time worked, at most the accepted time plus the
tolerance; without an estimate the time worked, at most the threshold plus the tolerance. What goes beyond waits for a
new estimate. What an earlier invoice has charged is not charged again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from django.db.models import F, Sum

from tickets.models import Estimate, EstimateLine, Ticket, TimeEntry
from tickets.policy import Policy, policy_of, with_tolerance
from tickets.sums import to_cents

# Four places, so that 40 minutes at 60.00 are 40.00: with two they would be 0.67 h and 40.20.
PART_OF_HOUR = Decimal("0.0001")
MINUTES_PER_HOUR = Decimal(60)
Kind = EstimateLine.Kind


def as_hours(minutes: int) -> Decimal:
    return (Decimal(minutes) / MINUTES_PER_HOUR).quantize(PART_OF_HOUR, ROUND_HALF_UP)


@dataclass(frozen=True)
class Charge:
    """One line. `quantity` is hours to four places, or 1 at a fixed price; net is rounded once, half up."""

    kind: str
    description: str
    minutes: int
    unit_price: Decimal
    vat_rate: Decimal

    @property
    def quantity(self) -> Decimal:
        if self.kind == Kind.FIXED:
            return Decimal(1)
        return as_hours(self.minutes)

    @property
    def net(self) -> Decimal:
        return to_cents(self.quantity * self.unit_price)


@dataclass(frozen=True)
class Bill:
    """What is due for a ticket now, and how its time stands. All times in minutes."""

    charges: tuple[Charge, ...]
    worked: int
    # Billable time that may be charged: the accepted hours or the threshold, with the tolerance; None is no limit.
    limit: int | None
    estimate: Estimate | None

    @property
    def net(self) -> Decimal:
        return sum((charge.net for charge in self.charges), Decimal(0))

    @property
    def over(self) -> int:
        """Time worked beyond what may be charged: it needs a new estimate before it can be billed."""
        return max(0, self.worked - self.limit) if self.limit is not None else 0

    @property
    def minutes(self) -> int:
        return sum(charge.minutes for charge in self.charges if charge.kind == Kind.HOURS)

    @property
    def fixed(self) -> Decimal:
        return sum((charge.net for charge in self.charges if charge.kind == Kind.FIXED), Decimal(0))


def bill_of(ticket: Ticket) -> Bill:
    return bills_of([ticket])[ticket.pk]


def bills_of(tickets: Iterable[Ticket]) -> dict[int, Bill]:
    """Per ticket, in three queries for all. The tickets need their tenant, request type and contract at hand."""
    rows = list(tickets)
    worked = billable_minutes(rows)
    estimates = {row.ticket_id: row for row in Estimate.objects.accepted().filter(ticket__in=rows)}
    lines: dict[int, list[EstimateLine]] = {}
    for line in EstimateLine.objects.filter(estimate__in=estimates.values()).order_by("estimate", "position"):
        lines.setdefault(line.estimate_id, []).append(line)
    bills = {}
    for row in rows:
        estimate = estimates.get(row.pk)
        bills[row.pk] = _bill(row, worked.get(row.pk, 0), estimate, lines.get(estimate.pk, []) if estimate else [])
    return bills


def billable_entries(ticket: Ticket) -> list[TimeEntry]:
    """The entries that `billable_minutes` adds up, by day."""
    rows = TimeEntry.objects.counted().filter(is_billable=True, minutes__gt=0)
    own, merged = rows.filter(ticket=ticket), rows.filter(ticket__merged_into=ticket)
    return sorted([*own, *merged], key=lambda row: (row.worked_on, row.pk))


def billable_minutes(tickets: Iterable[Ticket]) -> dict[int, int]:
    """Billable time per ticket, that of tickets merged into it included; one query for all."""
    entries = TimeEntry.objects.counted().filter(is_billable=True)
    # Two halves, because an OR across the join would read all entries.
    own = entries.filter(ticket__in=list(tickets)).annotate(of=F("ticket_id"))
    merged = entries.filter(ticket__merged_into__in=list(tickets)).annotate(of=F("ticket__merged_into_id"))
    found: dict[int, int] = {}
    halves = [half.values_list("of").annotate(minutes_sum=Sum("minutes")).order_by() for half in (own, merged)]
    for pk, minutes in halves[0].union(halves[1], all=True):
        found[pk] = found.get(pk, 0) + minutes
    return found


def _bill(ticket: Ticket, worked: int, estimate: Estimate | None, lines: list[EstimateLine]) -> Bill:
    policy = policy_of(ticket)
    if not ticket.tenant.billing_enabled:
        return Bill((), worked, None, None)
    if estimate is not None:
        hourly = [line for line in lines if line.is_hourly]
        limit = with_tolerance(estimate.minutes, policy.tolerance_percent) if hourly else None
        by_line = {**_fixed(ticket, lines), **_hours(ticket, worked, hourly, limit or 0)}
        # In the order in which the customer accepted them.
        charges = tuple(by_line[line.pk] for line in lines if line.pk in by_line)
        return Bill(charges, worked, limit, estimate)
    if not policy.is_billable:
        return Bill((), worked, None, None)
    return Bill(tuple(_below_threshold(ticket, worked, policy)), worked, policy.minutes_without_estimate, None)


def _below_threshold(ticket: Ticket, worked: int, policy: Policy) -> list[Charge]:
    due = min(worked, policy.minutes_without_estimate) - ticket.billed_minutes
    if due <= 0:
        return []
    return [Charge(Kind.HOURS, ticket.subject, due, policy.hourly_rate, ticket.tenant.vat_rate)]


def _fixed(ticket: Ticket, lines: list[EstimateLine]) -> dict[int, Charge]:
    """By the line's id."""
    fixed = [line for line in lines if not line.is_hourly]
    if not ticket.billed_fixed:
        return {line.pk: Charge(Kind.FIXED, line.description, 0, line.net, line.vat_rate) for line in fixed}
    rest = sum((line.net for line in fixed), Decimal(0)) - ticket.billed_fixed
    # A later version raised the price of what was charged before: the difference is due.
    return {line.pk: Charge(Kind.FIXED, ticket.subject, 0, rest, line.vat_rate) for line in fixed[:1] if rest > 0}


def _hours(ticket: Ticket, worked: int, lines: list[EstimateLine], limit: int) -> dict[int, Charge]:
    """By the line's id. Time fills the lines in their order; what the tolerance allows beyond goes to the last one."""
    spent = ticket.billed_minutes
    left = min(worked, limit) - spent
    charges: dict[int, Charge] = {}
    for line in lines:
        room = max(0, (line.minutes or 0) - spent)
        spent = max(0, spent - (line.minutes or 0))
        minutes = left if line is lines[-1] else min(left, room)
        if minutes > 0:
            charges[line.pk] = Charge(Kind.HOURS, line.description, minutes, line.unit_price, line.vat_rate)
            left -= minutes
    return charges
