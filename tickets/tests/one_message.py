"""What the tests of memory run as a process: `python -m tickets.tests.one_message FILE TENANT`.

Stores the message and processes it, and prints the most memory that the process has had by then, in kB, at each step:
before, stored, processed.
"""

import os
import sys
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "servicedesk.settings")
django.setup()

from accounts.tenancy import enter  # noqa: E402
from tickets.mail import intake  # noqa: E402
from tickets.mail.keeping import keep  # noqa: E402
from tickets.models import Mailbox  # noqa: E402


def most_memory() -> int:
    """In kB (Linux)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def main(name: str, tenant: str) -> None:
    steps = [most_memory()]
    with enter(int(tenant)):
        box = Mailbox.objects.earliest("id")
        with Path(name).open("rb") as file:
            stored = keep(file, mailbox_id=box.pk, envelope_to=box.address, envelope_from="nora@new.example")
        steps.append(most_memory())
    with enter(int(tenant)):
        intake.process(stored.pk)
    steps.append(most_memory())
    sys.stdout.write(" ".join(map(str, steps)) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
