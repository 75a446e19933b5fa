"""What this app knows of a person (accounts.personal_data): their requests, their words, their files, their yes."""

from django.db.models import F

from accounts.models import Person
from accounts.personal_data import Section, told
from tickets.models import Approval, Attachment, Comment, Ticket


def of_tickets(person: Person) -> list[Section]:
    requests = Ticket.objects.filter(requester=person).order_by("id")
    comments = Comment.objects.filter(author=person).order_by("id")
    if not person.is_staff:  # of somebody who worked here once: notes are the desk's
        comments = comments.filter(is_internal=False)
    files = Attachment.objects.filter(file__uploaded_by=person).order_by("id")
    approvals = Approval.objects.filter(person=person).order_by("id")
    ticket = F("ticket__reference")
    return [
        Section("requests", told(requests, "reference", "subject", "description", "created_at")),
        Section("comments", told(comments, "text", "created_at", request=ticket)),
        Section("files", told(files, request=ticket, file_name=F("file__name"), bytes=F("file__size"))),
        Section(
            "approvals",
            told(approvals, "subject", "manner", "amount", "currency", "at", "from_address", "words", request=ticket),
        ),
    ]
