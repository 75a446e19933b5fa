"""What accounts wants told, without knowing who tells: `notifications` registers and writes the outbox.

Listeners take `person` and `link`, a path at the desk's own host.
"""

from accounts.models import Person
from accounts.registry import Registry

# Somebody got access to the desk; the link lets them choose a password.
invited: Registry[[Person, str], None] = Registry()
# Somebody asked for a new password; the link goes to the address of the account, wherever the person's mail goes.
reset_requested: Registry[[Person, str], None] = Registry()
# The password was changed; the owner should know, in case it was not them.
password_changed: Registry[[Person, str], None] = Registry()
# Told as the last one: 'factor_added', 'factor_removed' or 'codes_renewed', of what kind ('totp', 'webauthn' …), and
# where to look after it.
second_factor_changed: Registry[[Person, str, str, str], None] = Registry()
