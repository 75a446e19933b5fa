"""What a call brings with it, whichever door it comes through: portal, admin or API."""

import uuid

from django.conf import settings
from django.forms import Form
from django.http import HttpRequest

from accounts import uploads
from accounts.access import get_or_404
from accounts.files import MEGABYTE
from accounts.http import DeskRequest
from accounts.models import Person
from accounts.visitors import address_of
from tickets.forms import FilesField
from tickets.models import Ticket
from tickets.proof import Origin


def visible_ticket(person: Person, reference: str) -> Ticket:
    """The request with this reference, or Http404 alike for foreign and absent."""
    return get_or_404(Ticket.objects.visible_to(person).whole(), reference=reference)


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
