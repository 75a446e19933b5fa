"""What tickets cost. Amounts are Decimal, in the desk's currency, rounded once where the comment says."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Protocol

from django.db.models import Sum

from accounts.models import Tenant
from tickets.models import Ticket, TimeEntry

CENT = Decimal("0.01")
# Four places, so that 40 minutes at 60.00 are 40.00: with two they would be 0.67 h and 40.20.
PART_OF_HOUR = Decimal("0.0001")
MINUTES_PER_HOUR = Decimal(60)


class Taxed(Protocol):
    """A line of an invoice, planned or issued."""

    @property
    def net(self) -> Decimal: ...

    @property
    def vat_rate(self) -> Decimal: ...


@dataclass(frozen=True)
class Line:
    """What one ticket puts on an invoice: hours to four places, net rounded once, half up."""

    ticket: Ticket
    quantity: Decimal
    unit_price: Decimal
    vat_rate: Decimal

    @property
    def net(self) -> Decimal:
        return (self.quantity * self.unit_price).quantize(CENT, ROUND_HALF_UP)


def lines_of(tickets: Iterable[Ticket], tenant: Tenant) -> list[Line]:
    """The billable time of each ticket at the desk's price of an hour, in one query for all."""
    rows = list(tickets)
    minutes = dict(
        TimeEntry.objects.filter(ticket__in=rows, is_billable=True)
        .values_list("ticket_id")
        .annotate(minutes=Sum("minutes"))
        .order_by()
    )
    return [
        Line(
            ticket=ticket,
            quantity=(Decimal(minutes.get(ticket.pk, 0)) / MINUTES_PER_HOUR).quantize(PART_OF_HOUR, ROUND_HALF_UP),
            unit_price=tenant.hourly_rate,
            vat_rate=tenant.vat_rate,
        )
        for ticket in rows
    ]


def vat_summary(lines: Iterable[Taxed]) -> list[dict[str, Decimal]]:
    """Per rate of VAT: `rate`, the sum `net` and its `vat`, the lowest rate first."""
    rows = list(lines)
    net = net_by_rate(rows)
    return [{"rate": rate, "net": net[rate], "vat": vat} for rate, vat in vat_by_rate(rows).items()]


def vat_by_rate(lines: Iterable[Taxed]) -> dict[Decimal, Decimal]:
    """VAT per rate, rounded once per rate on the sum of its lines.

    Directive 2006/112/EC leaves the method; EN 16931 asks for this one (BR-CO-17).
    """
    bases = net_by_rate(lines)
    return {rate: (base * rate / 100).quantize(CENT, ROUND_HALF_UP) for rate, base in bases.items()}


def net_by_rate(lines: Iterable[Taxed]) -> dict[Decimal, Decimal]:
    bases: dict[Decimal, Decimal] = {}
    for line in lines:
        bases[line.vat_rate] = bases.get(line.vat_rate, Decimal(0)) + line.net
    return dict(sorted(bases.items()))
