"""What follows a ticket's change further right in the line of apps. Billing registers; called in the verb's transaction."""

from accounts.registry import Registry
from tickets.models import Ticket

# The customer (or their silence) accepted the solution.
solution_accepted: Registry[[Ticket], None] = Registry()
