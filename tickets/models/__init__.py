from tickets.models.approvals import Approval
from tickets.models.catalogue import RequestType, TopicGroup
from tickets.models.conversation import Attachment, Comment
from tickets.models.estimates import Estimate, EstimateLine, EstimateState
from tickets.models.forms import Answer, FieldKind, FieldOption, FormField
from tickets.models.incoming import IncomingMessage
from tickets.models.mailboxes import Mailbox, SubjectRule
from tickets.models.search import SearchEntry
from tickets.models.ticket import Attention, Participant, Ticket
from tickets.models.time import TimeEntry, WorkType

__all__ = [
    "Answer",
    "Approval",
    "Attachment",
    "Attention",
    "Comment",
    "Estimate",
    "EstimateLine",
    "EstimateState",
    "FieldKind",
    "FieldOption",
    "FormField",
    "IncomingMessage",
    "Mailbox",
    "Participant",
    "RequestType",
    "SearchEntry",
    "SubjectRule",
    "Ticket",
    "TimeEntry",
    "TopicGroup",
    "WorkType",
]
