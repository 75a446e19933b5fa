"""What stands still in a desk's mail: shown to its managers, and told to them when it begins."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import events
from accounts.models import Person, Tenant
from notifications.models import MailServer, OutboxMessage, OutboxState
from notifications.outbox import Letter, put
from tickets.models import IncomingMessage, Mailbox
from tickets.models.incoming import IncomingState
from tickets.models.mailboxes import Way

# A letter that has waited for longer is late; a mailbox or a message that nobody took up for a part of it stands still.
LATE = timedelta(minutes=5)
UNTOUCHED = timedelta(minutes=2)
# What fails once and works a moment later is nobody's business.
A_HICCUP = timedelta(minutes=1)
COUNT_STOPS = 100
TELL_AGAIN = timedelta(hours=1)
STEM = "tickets/mail/letter"


@dataclass(frozen=True)
class Trouble:
    kind: str
    # The sentence, in the language of who reads it.
    say: Callable[[], str]
    # The page where something can be done about it: an address's name and what fills it.
    route: str
    key: str = ""
    # What grows when there is more of it: then it is told again.
    mark: int = 0

    @property
    def sentence(self) -> str:
        return self.say()

    @property
    def url(self) -> str:
        return reverse(self.route, args=[self.key] if self.key else [])


def desks_with_troubles(now: datetime) -> dict[int, set[str]]:
    """Tenant id → kinds; 'known' stands for a desk whose managers were told of something that may be over."""
    found: dict[int, set[str]] = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT tenant_id, kind FROM desk_mail_troubles(%s)", [now - LATE])
        for tenant_id, kind in cursor.fetchall():
            found.setdefault(tenant_id, set()).add(kind)
    return found


def troubles_of_desk(now: datetime) -> list[Trouble]:
    """Of the entered tenant; five short queries, each by its index."""
    return [*_mailboxes(now), *_set_aside(), *_not_processed(now), *_late_letters(now), *_server(now)]


def _mailboxes(now: datetime) -> Iterator[Trouble]:
    stuck = Q(failing_since__lt=now - A_HICCUP) | ~Q(troubles={}) | Q(next_look_at__lt=now - UNTOUCHED)
    for box in Mailbox.objects.filter(stuck, way=Way.IMAP, is_active=True).order_by("id"):
        yield Trouble("mailbox", partial(_of_mailbox, box, now), "admin:tickets_mailbox_change", str(box.pk))


def _of_mailbox(box: Mailbox, now: datetime) -> str:
    if box.failing_since and box.failing_since < now - A_HICCUP:
        return _("Mail to %(address)s is not collected: %(error)s") % {"address": box, "error": box.error}
    if box.troubles:
        return ngettext(
            "The server of %(address)s does not give out %(number)d message.",
            "The server of %(address)s does not give out %(number)d messages.",
            len(box.troubles),
        ) % {"address": box, "number": len(box.troubles)}
    return _(
        "Nobody has looked into %(address)s for some minutes: the background process or the scheduler is not running."
    ) % {"address": box}


def _set_aside() -> Iterator[Trouble]:
    ids = IncomingMessage.objects.filter(state=IncomingState.QUARANTINED).order_by("-id").values_list("pk", flat=True)
    found = list(ids[:COUNT_STOPS])

    def say() -> str:
        return ngettext(
            "%(number)d e-mail is set aside and waits for somebody to look at it.",
            "%(number)d e-mails are set aside and wait for somebody to look at them.",
            len(found),
        ) % {"number": len(found)}

    if found:
        yield Trouble("incoming", say, "admin:tickets_incomingmessage_changelist", mark=found[0])


def _not_processed(now: datetime) -> Iterator[Trouble]:
    def say() -> str:
        return _("E-mails that came in more than five minutes ago have not become tickets yet.")

    if IncomingMessage.objects.filter(next_try_at__isnull=False, received_at__lt=now - LATE).exists():
        yield Trouble("waiting", say, "admin:tickets_incomingmessage_changelist")


def _late_letters(now: datetime) -> Iterator[Trouble]:
    late = Q(next_try_at__lt=now - LATE) | (~Q(error="") & Q(created_at__lt=now - LATE))
    row = OutboxMessage.objects.filter(late, state=OutboxState.QUEUED).order_by("next_try_at").first()
    if row is not None:
        yield Trouble("outbox", partial(_of_letter, row), "admin:notifications_outboxmessage_changelist")


def _of_letter(row: OutboxMessage) -> str:
    sentences = [_("E-mails have waited for more than five minutes to be sent.")]
    if row.error:
        sentences.append(_("The mail server says: %(words)s") % {"words": row.error})
    return " ".join(sentences)


def _server(now: datetime) -> Iterator[Trouble]:
    row = MailServer.objects.filter(is_active=True, failing_since__lt=now - A_HICCUP).first()
    if row is not None:
        yield Trouble("server", partial(_of_server, row), "admin:notifications_mailserver_change", str(row.pk))


def _of_server(row: MailServer) -> str:
    return _("The desk's mail server does not take its e-mails: %(error)s") % {"error": row.error}


@transaction.atomic
def tell_of_troubles(now: datetime | None = None) -> None:
    """Tell the entered desk's managers what has begun to stand still; once, until it is over or there is more of it."""
    tenant = Tenant.objects.select_for_update().get()
    now = now or timezone.now()
    found = {_name(one): one for one in troubles_of_desk(now)}
    known: dict[str, dict[str, Any]] = tenant.mail_troubles
    news = [name for name, one in found.items() if _is_news(one, known.get(name), now)]
    if news:
        events.record("tenant.mail_troubled", tenant, by=None, kinds=sorted({found[name].kind for name in news}))
        managers = Person.objects.staff().filter(is_active=True, is_manager=True).order_by("id")
        put(_letter(person, found[name]) for person in managers for name in news)
    # What is over is remembered for a while: what comes and goes is told of once an hour too.
    left = {name: told if name in found else {**told, "mark": None} for name, told in known.items()}
    left = {name: told for name, told in left.items() if name in found or not _is_long_ago(told, now)}
    left |= {name: {"mark": found[name].mark, "at": now.isoformat()} for name in news}
    if left != known:
        tenant.mail_troubles = left
        tenant.save(update_fields=["mail_troubles"])


def _is_news(trouble: Trouble, told: dict[str, Any] | None, now: datetime) -> bool:
    """A flood is told of once an hour, and not once a message."""
    if told is None:
        return True
    # Without a mark it was over meanwhile.
    return (told["mark"] is None or trouble.mark > told["mark"]) and _is_long_ago(told, now)


def _is_long_ago(told: dict[str, Any], now: datetime) -> bool:
    return datetime.fromisoformat(told["at"]) < now - TELL_AGAIN


def _name(trouble: Trouble) -> str:
    return f"{trouble.kind} {trouble.key}".strip()


def _letter(person: Person, trouble: Trouble) -> Letter:
    def compose() -> dict[str, Any]:
        title = _("Something is stuck in the desk's e-mail")
        return {"title": title, "lead": trouble.sentence, "link": trouble.url, "button": _("Look at it")}

    kind = f"desk.mail_{trouble.kind}"
    return Letter(to=person, kind=kind, stem=STEM, compose=compose, at_once=True, route=trouble.route, key=trouble.key)
