"""What goes on invoices, before one is issued."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from tickets.charges import Bill, Charge
from tickets.models import Ticket


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
