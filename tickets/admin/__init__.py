from tickets.admin.catalogue import RequestTypeAdmin, TopicGroupAdmin, WorkTypeAdmin
from tickets.admin.mail import IncomingMessageAdmin, MailboxAdmin, SubjectRuleAdmin
from tickets.admin.ticket import TicketAdmin

__all__ = [
    "IncomingMessageAdmin",
    "MailboxAdmin",
    "RequestTypeAdmin",
    "SubjectRuleAdmin",
    "TicketAdmin",
    "TopicGroupAdmin",
    "WorkTypeAdmin",
]
