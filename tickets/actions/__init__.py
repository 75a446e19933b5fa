"""Every verb of a ticket. Views, admin, API, mail and clocks call these; nothing else changes a ticket."""

from tickets.actions.conversation import comment, comment_by_mail
from tickets.actions.handling import assign, complete, deliver, record_time, start_work
from tickets.actions.review import (
    accept_by_silence,
    accept_solution,
    close,
    dismiss_objection,
    note_unheard_silence,
    remind_of_review,
    reopen,
    something_to_bill,
)
from tickets.actions.submission import submit, submit_by_mail

__all__ = [
    "accept_by_silence",
    "accept_solution",
    "assign",
    "close",
    "comment",
    "comment_by_mail",
    "complete",
    "deliver",
    "dismiss_objection",
    "note_unheard_silence",
    "record_time",
    "remind_of_review",
    "reopen",
    "something_to_bill",
    "start_work",
    "submit",
    "submit_by_mail",
]
