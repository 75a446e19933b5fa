"""Who may do what with a ticket: small truths about an actor and a ticket they can see."""

from accounts.models import Person
from accounts.permissions import is_accountant, is_agent
from tickets.models import Ticket


def is_customer(actor: Person, ticket: Ticket) -> bool:
    """The requester, or somebody who files requests for the ticket's organisation."""
    if not actor.is_active or actor.is_staff:
        return False
    if ticket.requester_id == actor.pk:
        return True
    return any(row.may_ask for row in actor.represents if row.organisation_id == ticket.organisation_id)


def may_comment(actor: Person, ticket: Ticket) -> bool:
    return is_customer(actor, ticket) or is_agent(actor) or is_accountant(actor)


def may_work_on(actor: Person, ticket: Ticket) -> bool:
    return is_agent(actor)


def may_decide(actor: Person, ticket: Ticket) -> bool:
    """Accept or send back in the customer's name."""
    return is_customer(actor, ticket)


def may_bill(actor: Person, ticket: Ticket) -> bool:
    return is_accountant(actor)
