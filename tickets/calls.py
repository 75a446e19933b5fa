"""What a call brings with it, whichever door it comes through: portal, admin or API."""

import uuid

from django.conf import settings
from django.forms import Form
from django.http import Http404, HttpRequest

from accounts import uploads
from accounts.access import get_or_404
from accounts.files import MEGABYTE
from accounts.http import DeskRequest, PersonRequest
from accounts.models import Person
from accounts.visitors import address_of
from tickets.forms import FilesField
from tickets.history import told_kinds
from tickets.models import Ticket
from tickets.proof import Origin
from tickets.trail import read_version


def visible_ticket(person: Person, reference: str) -> Ticket:
    """The request with this reference, or Http404 alike for foreign and absent."""
    return get_or_404(Ticket.objects.visible_to(person).whole(), reference=reference)


def readable_ticket(request: PersonRequest, reference: str) -> Ticket:
    """The same for a page that shows it: without its neighbours, whose names come with what hangs on it
    (tickets.trail). The desk and the reader's organisations are at hand."""
    ticket = _ticket(request.person, reference)
    ticket.tenant = request.tenant
    for row in request.person.represents:
        if row.organisation_id == ticket.organisation_id:
            ticket.organisation = row.organisation
    return ticket


def _ticket(person: Person, reference: str) -> Ticket:
    try:
        found: Ticket = Ticket.objects.visible_uninvited(person).get(reference=reference)
    except (Ticket.DoesNotExist, ValueError):  # a reference with a NUL in it is no possible value
        found = get_or_404(Ticket.objects.visible_to(person), reference=reference)
    return found


def shown_version(request: PersonRequest, reference: str) -> str:
    """Of the request as its page would be shown now, or Http404 alike for foreign and absent. One query."""
    tickets = Ticket.objects.visible_to(request.person).filter(reference=reference)
    kinds, today = told_kinds(request.person), request.tenant.today
    try:
        version = read_version(tickets, request.person, kinds=kinds, today=today)
    except ValueError:
        version = ""
    if not version:
        raise Http404
    return version


def origin_of(request: DeskRequest, link: str = "") -> Origin:
    """Where a decision came from: the address, the e-mail's link, and whether a program pressed the button."""
    return Origin(from_address=address_of(request), link=link, by_program=request.token is not None)


def submission_of(request: HttpRequest) -> uuid.UUID | None:
    """The number that the form was given when it was shown."""
    try:
        return uuid.UUID(request.POST.get("submission", ""))
    except ValueError:
        return None


def keep_files(form: Form, by: Person) -> None:
    """What came with a form that is refused stays, and the page that comes back lists it: nobody has to choose files
    twice, with or without a script."""
    field = form.fields["files"]
    assert isinstance(field, FilesField)
    kept = uploads.keep(field.plain, by=by)
    field.shown = [*field.shown, *kept]
    field.has_lost = len(kept) < len(field.plain)


def file_limits() -> dict[str, int]:
    return {"file_mb": settings.MAX_FILE_BYTES // MEGABYTE, "files": settings.MAX_FILES}
