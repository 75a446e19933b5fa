"""What the desk's staff see of outgoing e-mail, and by which server it goes."""

from notifications.admin.findings import keep_findings, shown_findings
from notifications.admin.outbox import OutboxMessageAdmin
from notifications.admin.secrets import SecretField, needs_secret_again, stored_fields
from notifications.admin.server import MailServerAdmin

__all__ = [
    "MailServerAdmin",
    "OutboxMessageAdmin",
    "SecretField",
    "keep_findings",
    "needs_secret_again",
    "shown_findings",
    "stored_fields",
]
