"""Who may do what with a ticket: small truths about an actor and a ticket they can see."""

from accounts.models import Person
from accounts.permissions import is_accountant, is_agent, may_ask_for
from tickets.models import Approval, Ticket
from tickets.workflow import Status


def is_customer(actor: Person, ticket: Ticket) -> bool:
    """The requester, or somebody who files requests for the ticket's organisation."""
    if not actor.is_active or actor.is_staff:
        return False
    if ticket.requester_id == actor.pk:
        return True
    return any(row.may_ask for row in actor.represents if row.organisation_id == ticket.organisation_id)


def is_guest(actor: Person, ticket: Ticket) -> bool:
    """Somebody who was invited to this ticket, and nothing else: reads it and comments on it."""
    if not actor.is_active or actor.is_staff or is_customer(actor, ticket):
        return False
    return ticket.participants.filter(person=actor).exists()


def may_comment(actor: Person, ticket: Ticket) -> bool:
    return is_agent(actor) or is_accountant(actor) or is_customer(actor, ticket) or is_guest(actor, ticket)


def may_invite(actor: Person, ticket: Ticket) -> bool:
    return is_customer(actor, ticket) or is_agent(actor)


def may_follow(actor: Person, ticket: Ticket) -> bool:
    """Whoever sees it: the page of a ticket is behind `visible_to`, so an active person who asks has passed it."""
    return actor.is_active and (actor.is_staff or may_comment(actor, ticket) or _represents(actor, ticket))


def _represents(actor: Person, ticket: Ticket) -> bool:
    return ticket.organisation_id in actor.organisation_ids


def sees_row(actor: Person, label: str, row_id: int) -> bool | None:
    """For letters that wait (notifications.audience); None for what is no ticket."""
    if label != Ticket._meta.label_lower:
        return None
    return Ticket.objects.visible_to(actor).filter(pk=row_id).exists()


def may_work_on(actor: Person, ticket: Ticket) -> bool:
    return is_agent(actor)


def may_decide(actor: Person, ticket: Ticket) -> bool:
    """Accept or send back in the customer's name."""
    return is_customer(actor, ticket)


def may_bill(actor: Person, ticket: Ticket) -> bool:
    return is_accountant(actor)


def may_reopen(actor: Person, ticket: Ticket) -> bool:
    """An accountant sends back what waits for its invoice; anything else is the agents' and the customer's."""
    sends_back = may_bill(actor, ticket) and ticket.status == Status.INVOICE
    return is_customer(actor, ticket) or may_work_on(actor, ticket) or sends_back


def may_follow_up(actor: Person, ticket: Ticket) -> bool:
    """A new ticket is filed: who left the organisation since, or may not ask for it any more, files none for it."""
    if actor.is_staff:
        return may_work_on(actor, ticket)
    asks = ticket.organisation is None or may_ask_for(actor, ticket.organisation)
    return asks and is_customer(actor, ticket)


def may_read_proof(actor: Person, ticket: Ticket) -> bool:
    """A proof names the address that somebody pressed the button at: it is for both sides, not for invited guests."""
    if actor.is_staff or ticket.requester_id == actor.pk:
        return True
    return ticket.organisation_id in actor.organisation_ids


def may_take_back(actor: Person, approval: Approval) -> bool:
    """Who accepted, or the agent who wrote the acceptance down. What silence did nobody takes back: reopen it."""
    gave_it = approval.recorded_by_id if approval.manner == Approval.Manner.QUOTED else approval.person_id
    return actor.is_active and gave_it == actor.pk
