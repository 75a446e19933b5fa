"""What the fields of its type's form said about a ticket, as portal and desk show it."""

from collections.abc import Iterable
from typing import NamedTuple

from django.utils.translation import gettext as _

from tickets.models import Answer, FieldKind, Ticket
from tickets.models.forms import shown_value
from tickets.trail import Answered

# Of more than one line, and as it was copied.
WIDE = (FieldKind.TEXT, FieldKind.SYSTEM)


class Asked(NamedTuple):
    """One question with its answer, in the reader's language."""

    label: str
    value: str
    is_wide: bool = False


def asked_of(ticket: Ticket, answers: Iterable[Answered]) -> tuple[Asked, ...]:
    """In the order of the form. Product and component are read where the ticket has any."""
    said = [
        Asked(_("Product"), str(ticket.product or "")),
        Asked(_("Component"), str(ticket.component or "")),
        Asked(_("Kind"), ticket.get_kind_display() if ticket.kind else ""),
        Asked(_("System information"), ticket.system_information, is_wide=True),
    ]
    said += [Asked(one.label, shown_value(one.kind, one.value), one.kind in WIDE) for one in answers]
    return tuple(one for one in said if one.value)


def answers_of(ticket: Ticket) -> list[Answered]:
    """For who has no trail at hand."""
    rows = Answer.objects.filter(ticket=ticket).order_by("id")
    return [Answered(row.kind, str(row.label), row.value) for row in rows]
