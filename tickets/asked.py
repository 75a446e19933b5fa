"""What the fields of its type's form said about a ticket, as portal and desk show it."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from tickets.models import Answer, FieldKind, Ticket

# Of more than one line, and as it was copied.
WIDE = (FieldKind.TEXT, FieldKind.SYSTEM)


@dataclass(frozen=True)
class Asked:
    """One question with its answer, in the reader's language."""

    label: str
    value: str
    is_wide: bool = False


def asked_of(ticket: Ticket) -> list[Asked]:
    """In the order of the form; one query."""
    said = [
        Asked(_("Product"), str(ticket.product or "")),
        Asked(_("Component"), str(ticket.component or "")),
        Asked(_("Kind"), ticket.get_kind_display()),
        Asked(_("System information"), ticket.system_information, is_wide=True),
    ]
    answers = Answer.objects.filter(ticket=ticket).order_by("position")
    said += [Asked(str(row.label), row.shown, row.kind in WIDE) for row in answers]
    return [one for one in said if one.value]
