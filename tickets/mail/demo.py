"""Demo mode: mail for the world stays in a local Maildir per desk, so that both sides of a conversation can be seen."""

import email.policy
import mailbox
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

from django.conf import settings

from accounts.tenancy import current_tenant_id
from tickets.mail.keeping import find_mailbox
from tickets.mail.parse import ParsedMessage, parse

# More than a person looks at; older ones are removed as new ones come.
MOST = 200


@dataclass(frozen=True)
class DemoMail:
    """One message in the demo's mailbox."""

    key: str
    at: datetime
    parsed: ParsedMessage
    recipient: str
    # As it was sent, styles and all. Shown only in a frame that may do nothing (servicedesk.views.demo_mail_html).
    html: str


class DemoMailbox:
    """A Maildir for each desk: a desk's page shows only what that desk sent."""

    def _maildir(self, tenant_id: int) -> mailbox.Maildir:
        folder = Path(settings.MAILBOX_ROOT)
        folder.mkdir(parents=True, exist_ok=True)
        return mailbox.Maildir(folder / str(tenant_id), create=True)

    def keep(self, raw: bytes, *, sender: str, recipient: str) -> None:
        """Store for the desk whose address it comes from; mail between strangers is nobody's."""
        found = find_mailbox(sender)
        if found is None:
            return
        box = self._maildir(found[0])
        box.add(b"X-Demo-Recipient: " + recipient.encode("ascii", "replace") + b"\r\n" + raw)
        for key in sorted(box.keys(), key=lambda k: _time_of(box, k))[:-MOST]:
            box.discard(key)

    def messages(self) -> list[DemoMail]:
        """The entered desk's messages, newest first."""
        box = self._maildir(current_tenant_id())
        mails = [_read(box, key) for key in box.keys()]  # noqa: SIM118 (a mailbox iterates over its messages)
        return sorted(mails, key=lambda mail: mail.at, reverse=True)

    def message(self, key: str) -> DemoMail | None:
        box = self._maildir(current_tenant_id())
        return _read(box, key) if key in box else None


def _time_of(box: mailbox.Maildir, key: str) -> float:
    return float(key.partition(".")[0]) if key.partition(".")[0].isdecimal() else 0.0


def _read(box: mailbox.Maildir, key: str) -> DemoMail:
    raw = box.get_bytes(key)
    first, _, rest = raw.partition(b"\n")
    recipient = first.partition(b":")[2].strip().decode("ascii", "replace")
    at = datetime.fromtimestamp(_time_of(box, key), UTC)
    return DemoMail(key=key, at=at, parsed=parse(rest), recipient=recipient, html=_html_of(rest))


def _html_of(raw: bytes) -> str:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    body = message.get_body(("html",)) if isinstance(message, EmailMessage) else None
    return str(body.get_content()) if body is not None else ""
