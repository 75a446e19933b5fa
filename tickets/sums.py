"""Sums of lines with VAT, of estimates and invoices alike. Amounts are Decimal, in the desk's currency."""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Protocol

CENT = Decimal("0.01")


class Taxed(Protocol):
    """A line of an estimate or an invoice, planned or written."""

    @property
    def net(self) -> Decimal: ...

    @property
    def vat_rate(self) -> Decimal: ...


def to_cents(amount: Decimal) -> Decimal:
    """Rounded half up."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def net_by_rate(lines: Iterable[Taxed]) -> dict[Decimal, Decimal]:
    """The sum without VAT per rate, the lowest rate first."""
    bases: dict[Decimal, Decimal] = {}
    for line in lines:
        bases[line.vat_rate] = bases.get(line.vat_rate, Decimal(0)) + line.net
    return dict(sorted(bases.items()))


def vat_by_rate(lines: Iterable[Taxed]) -> dict[Decimal, Decimal]:
    """VAT per rate, rounded once per rate on the sum of its lines.

    Directive 2006/112/EC leaves the method; EN 16931 asks for this one (BR-CO-17).
    """
    return {rate: to_cents(base * rate / 100) for rate, base in net_by_rate(lines).items()}


def vat_summary(lines: Iterable[Taxed]) -> list[dict[str, Decimal]]:
    """Per rate of VAT: `rate`, the sum `net` and its `vat`, the lowest rate first."""
    rows = list(lines)
    net = net_by_rate(rows)
    return [{"rate": rate, "net": net[rate], "vat": vat} for rate, vat in vat_by_rate(rows).items()]
