"""`manage.py watch_mailboxes`: hears of new mail at the servers of all desks' mailboxes."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from accounts.jobs import enqueue
from servicedesk.role import ensure_bound_by_policies
from tickets.mail.watcher import watch
from tickets.tasks import collect_mailbox


class Command(BaseCommand):
    help = "Wait for new mail in the mailboxes of all desks (IMAP IDLE) and have it collected at once."

    def handle(self, *args: Any, **options: Any) -> None:
        ensure_bound_by_policies()
        ending = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ending.set())
        self.is_ready = False
        watch(self.tell, ending, self.report)

    def tell(self, tenant_id: int, mailbox_id: int) -> None:
        enqueue(collect_mailbox, tenant_id, mailbox_id)

    def report(self, watched: int) -> None:
        self.stdout.write(f"watching {watched} mailboxes")
        if not self.is_ready:
            self.stdout.write("ready")
            self.is_ready = True
        self.stdout.flush()
