"""Questions that the right of the line of apps answers. Who says nothing says yes."""

from accounts.registry import Registry
from tickets.models import Ticket

# May work start? A refusal is a sentence. For billing, once there are orders that must be paid first.
may_start_work: Registry[[Ticket], "str | None"] = Registry()
# Is there an order whose time to be paid is over? Then the clock cancels the ticket.
order_has_lapsed: Registry[[Ticket], bool] = Registry()
