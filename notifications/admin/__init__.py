"""What the desk's staff see of outgoing e-mail, and by which server it goes."""

from notifications.admin.outbox import OutboxMessageAdmin
from notifications.admin.server import MailServerAdmin

__all__ = ["MailServerAdmin", "OutboxMessageAdmin"]
