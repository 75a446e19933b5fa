"""The sums of invoices. Amounts are Decimal, in the desk's currency, rounded once where the comment says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Protocol

from tickets.charges import CENT, Bill, Charge
from tickets.models import Ticket


class Taxed(Protocol):
    """A line of an invoice, planned or issued."""

    @property
    def net(self) -> Decimal: ...

    @property
    def vat_rate(self) -> Decimal: ...


@dataclass(frozen=True)
class Line:
    """What one charge of a ticket puts on an invoice."""

    ticket: Ticket
    charge: Charge

    @property
    def net(self) -> Decimal:
        return self.charge.net

    @property
    def vat_rate(self) -> Decimal:
        return self.charge.vat_rate


def lines_of(bills: Mapping[Ticket, Bill]) -> list[Line]:
    """The lines of the tickets' bills, in the tickets' order."""
    return [Line(ticket, charge) for ticket, bill in bills.items() for charge in bill.charges]


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
