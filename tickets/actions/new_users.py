"""A request for a new user becomes one: the agent creates them from it, and they get their access by e-mail (B21)."""

from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import actions, events
from accounts.errors import Refused
from accounts.members import ask_to_join
from accounts.models import Person, Representation
from tickets.actions.base import locked, permit
from tickets.models import Answer, FormField, Ticket
from tickets.permissions import may_work_on

Meaning = FormField.Meaning


@dataclass(frozen=True)
class NewUser:
    """As far as the request says."""

    name: str
    email: str
    phone: str


def new_user_asked(ticket: Ticket) -> NewUser | None:
    """Whom a request of a type that asks for new users names; empty words where it came without the form. None for all
    other types."""
    asks = FormField.objects.filter(request_type_id=ticket.request_type_id, meaning=Meaning.NEW_EMAIL)
    said = {row.meaning: str(row.value) for row in Answer.objects.filter(ticket=ticket).exclude(meaning="")}
    if not said and not asks.exists():
        return None
    return NewUser(said.get(Meaning.NEW_NAME, ""), said.get(Meaning.NEW_EMAIL, ""), said.get(Meaning.NEW_PHONE, ""))


@transaction.atomic
def create_user(ticket: Ticket, *, by: Person, name: str, email: str, phone: str = "") -> Person:
    """A representative of the ticket's organisation who may ask, with an invitation. Raises NotAllowed, and Refused
    without an organisation or for the address of a colleague."""
    ticket = locked(ticket)
    permit(may_work_on, by, ticket)
    if ticket.organisation is None:
        raise Refused(_("First say which organisation it is for."), code="incomplete")
    person = Person.objects.filter(email=email).first()
    if person is not None and person.is_staff:
        raise Refused(_("This is the address of a colleague. Check what was asked for."), code="staff")
    if person is None:
        person = Person.objects.create(name=name, email=email, phone=phone, language=ticket.requester.language)
        Representation.objects.create(person=person, organisation=ticket.organisation)
    if Representation.objects.filter(person=person, organisation=ticket.organisation).exists():
        actions.invite(person, by=by)
    else:  # somebody else's customer, or who only wrote to us: what they ask for is not shown to others unasked
        ask_to_join(ticket.organisation, person, by=by, name=name)
    events.record("ticket.user_created", ticket, by=by, person=person.pk)
    return person
