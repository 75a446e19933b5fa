"""Questions that the right of the line of apps answers. A refusal is a sentence; silence means yes."""

from accounts.registry import Registry
from tickets.models import Ticket

# May work start? For billing, once there are orders that must be paid first; nobody asks for more yet.
may_start_work: Registry[[Ticket], "str | None"] = Registry()
