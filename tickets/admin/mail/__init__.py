"""Where e-mail comes in, what subjects say, and what came."""

from tickets.admin.mail.incoming import IncomingMessageAdmin
from tickets.admin.mail.mailboxes import MailboxAdmin
from tickets.admin.mail.rules import SubjectRuleAdmin

__all__ = ["IncomingMessageAdmin", "MailboxAdmin", "SubjectRuleAdmin"]
