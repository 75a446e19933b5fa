"""What a person does with notices, which nobody else ever reads for them, and with letters that failed."""

from datetime import time

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import events
from accounts.access import get_or_404
from accounts.errors import NotAllowed, Refused
from accounts.jobs import after_commit
from accounts.models import MailChoice, Person
from accounts.permissions import is_agent
from accounts.tenancy import current_tenant_id
from notifications.models import Notice, OutboxMessage, OutboxState
from notifications.tasks import deliver


def read(*, by: Person, number: int) -> None:
    """One notice. Raises Http404 alike for another person's and for none."""
    notice = get_or_404(Notice.objects.visible_to(by), pk=number)
    if notice.read_at is None:
        notice.read_at = timezone.now()
        notice.save(update_fields=["read_at"])


def read_all(*, by: Person, newest: int) -> None:
    """All up to the newest that the person was shown: what came in since stays unread."""
    Notice.objects.visible_to(by).unread().filter(pk__lte=newest).update(read_at=timezone.now())


def read_about(*, by: Person, route: str, key: str) -> None:
    """Those that lead to a page, because the person has opened it."""
    Notice.objects.visible_to(by).unread().filter(route=route, key=key).update(read_at=timezone.now())


@transaction.atomic
def send_again(message: OutboxMessage, *, by: Person) -> None:
    """Queue a letter that was given up. Raises NotAllowed, and Refused when it did not fail."""
    if not is_agent(by):
        raise NotAllowed(_("Only agents and managers may send e-mails again."))
    message = OutboxMessage.objects.select_for_update(of=("self",)).get(pk=message.pk)
    if message.state != OutboxState.FAILED:
        raise Refused(_("This e-mail did not fail: it is not sent twice."), code="not_failed")
    message.state, message.tries, message.next_try_at = OutboxState.QUEUED, 0, timezone.now()
    # What the server said about the tries before is none of this one's, and no trouble of the desk's any more.
    message.claimed_until, message.error = None, ""
    message.save(update_fields=["state", "tries", "next_try_at", "claimed_until", "error"])
    events.record("outboxmessage.sent_again", message, by=by)
    after_commit(deliver, current_tenant_id(), message.pk)


@transaction.atomic
def choose_mail(
    *, by: Person, mail_choice: str, quiet_from: time | None, quiet_until: time | None, time_zone: str
) -> None:
    """How one's own news comes by e-mail. What waits already goes as it was meant to go."""
    by.mail_choice, by.quiet_from, by.quiet_until, by.time_zone = mail_choice, quiet_from, quiet_until, time_zone
    by.save(update_fields=["mail_choice", "quiet_from", "quiet_until", "time_zone"])
    events.record("person.mail_chosen", by, by=by)


@transaction.atomic
def stop_summaries(person: Person) -> None:
    """By the link in a summary: only what needs its reader is sent from now on."""
    person.mail_choice = MailChoice.NEEDS_ME
    person.save(update_fields=["mail_choice"])
    events.record("person.summaries_stopped", person, by=None)
