from tickets.models.approvals import Approval
from tickets.models.catalogue import RequestType, TopicGroup
from tickets.models.conversation import Attachment, Comment
from tickets.models.estimates import Estimate, EstimateLine, EstimateState
from tickets.models.incoming import IncomingMessage, Mailbox
from tickets.models.ticket import Participant, Ticket
from tickets.models.time import TimeEntry, WorkType

__all__ = [
    "Approval",
    "Attachment",
    "Comment",
    "Estimate",
    "EstimateLine",
    "EstimateState",
    "IncomingMessage",
    "Mailbox",
    "Participant",
    "RequestType",
    "Ticket",
    "TimeEntry",
    "TopicGroup",
    "WorkType",
]
