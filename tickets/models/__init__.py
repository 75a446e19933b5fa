from tickets.models.approvals import Approval
from tickets.models.catalogue import RequestType, TopicGroup
from tickets.models.conversation import Attachment, Comment
from tickets.models.incoming import IncomingMessage, Mailbox
from tickets.models.ticket import Ticket
from tickets.models.time import TimeEntry

__all__ = [
    "Approval",
    "Attachment",
    "Comment",
    "IncomingMessage",
    "Mailbox",
    "RequestType",
    "Ticket",
    "TimeEntry",
    "TopicGroup",
]
