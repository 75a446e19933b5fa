"""What follows a ticket's change to the right in the line of apps: billing registers; called in the transaction."""

from accounts.registry import Registry
from tickets.models import Ticket

# The customer (or their silence) accepted the solution.
solution_accepted: Registry[[Ticket], None] = Registry()
