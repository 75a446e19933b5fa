from tickets.admin.catalogue import RequestTypeAdmin, TopicGroupAdmin, WorkTypeAdmin
from tickets.admin.fields import FormFieldAdmin
from tickets.admin.mail import IncomingMessageAdmin, MailboxAdmin, SubjectRuleAdmin
from tickets.admin.ticket import TicketAdmin

__all__ = [
    "FormFieldAdmin",
    "IncomingMessageAdmin",
    "MailboxAdmin",
    "RequestTypeAdmin",
    "SubjectRuleAdmin",
    "TicketAdmin",
    "TopicGroupAdmin",
    "WorkTypeAdmin",
]
