"""What managers do with a mailbox besides filling in its form: look now, try messages again, connect an account."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import events
from accounts.errors import NotAllowed, Refused
from accounts.jobs import after_commit
from accounts.models import Person
from accounts.permissions import is_manager
from accounts.tenancy import current_tenant_id
from tickets import tasks
from tickets.models import Mailbox


@transaction.atomic
def look_now(mailbox: Mailbox, *, by: Person) -> None:
    """Have a mailbox looked into at once. Raises NotAllowed, and Refused where there is nothing to look into."""
    mailbox = _collected(mailbox, by)
    mailbox.next_look_at = timezone.now()
    mailbox.save(update_fields=["next_look_at"])
    after_commit(tasks.collect_mailbox, current_tenant_id(), mailbox.pk)


@transaction.atomic
def try_troubles_again(mailbox: Mailbox, *, by: Person) -> None:
    """Ask anew for the messages that the server would not give. Raises as `look_now`."""
    mailbox = _collected(mailbox, by)
    mailbox.troubles = {uid: {**trouble, "tries": 0} for uid, trouble in mailbox.troubles.items()}
    mailbox.save(update_fields=["troubles"])
    events.record("mailbox.troubles_tried_again", mailbox, by=by)
    look_now(mailbox, by=by)


def _collected(mailbox: Mailbox, by: Person) -> Mailbox:
    if not is_manager(by):
        raise NotAllowed(_("Only managers look after mailboxes."))
    mailbox = Mailbox.objects.select_for_update(of=("self",)).get(pk=mailbox.pk)
    if not (mailbox.is_collected and mailbox.is_active):
        raise Refused(_("This mailbox is not collected: it is not active, or its mail is sent to this server."))
    return mailbox
