"""What follows a ticket's change to the right in the line of apps: billing registers; called in the transaction."""

from datetime import datetime

from accounts.registry import Registry
from tickets.models import Estimate, Ticket

# The customer accepted an estimate. Who makes an order of it answers by when it has to be paid.
estimate_accepted: Registry[[Ticket, Estimate], "datetime | None"] = Registry()
# The customer (or their silence) accepted the solution.
solution_accepted: Registry[[Ticket], None] = Registry()
# The customer, or the clock for an unpaid order, gave it up.
cancelled: Registry[[Ticket], None] = Registry()
