"""The link by which somebody decides from an e-mail: for one person, one version or delivery, one use, some weeks.

It opens a page. Only a POST from that page decides, so a mail scanner that follows links changes nothing.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime

from django.core import signing
from django.urls import reverse

from accounts.models import Person
from accounts.tenancy import current_tenant_id
from tickets.models import Approval, Estimate, Ticket

SALT = "tickets.decision"
# A ceiling; an estimate's validity and a review's end come first.
VALID_SECONDS = 400 * 24 * 60 * 60


@dataclass(frozen=True)
class Decision:
    """What a link is about. `estimate` is empty when it is about a delivered solution."""

    ticket: Ticket
    person: Person
    estimate: Estimate | None
    # The link's own number: written into the approval, where it can stand only once.
    number: str
    # Whether what it asks is still open: the same version, the same delivery, nobody used the link.
    is_open: bool


def link_to_decide(ticket: Ticket, person: Person, estimate: Estimate | None) -> str:
    """The path of the page, to be put behind the tenant's own host."""
    about = estimate.pk if estimate else _moment(ticket.delivered_at)
    kind = "estimate" if estimate else "solution"
    data = [current_tenant_id(), ticket.pk, person.pk, kind, about, secrets.token_hex(8)]
    return reverse("decide", args=[signing.dumps(data, salt=SALT)])


def read_link(token: str) -> Decision | None:
    """What a link asks of whom; None when it is tampered with, too old, another desk's, or its person is gone."""
    try:
        tenant_id, ticket_id, person_id, kind, about, number = signing.loads(token, salt=SALT, max_age=VALID_SECONDS)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    if tenant_id != current_tenant_id():
        return None
    person = Person.objects.active().filter(pk=person_id).first()
    # Whoever left the organisation since reads nothing by it any more.
    ticket = Ticket.objects.visible_to(person).whole().filter(pk=ticket_id).first() if person else None
    if person is None or ticket is None:
        return None
    estimate = Estimate.objects.filter(pk=about, ticket=ticket).first() if kind == "estimate" else None
    if kind == "estimate" and estimate is None:
        return None
    still = estimate.is_open if estimate else _moment(ticket.delivered_at) == about
    used = Approval.objects.filter(link=number).exists()
    return Decision(ticket, person, estimate, number, is_open=still and not used)


def _moment(at: datetime | None) -> int:
    """A delivery by its moment: the next delivery of the same ticket needs its own link."""
    return int(at.timestamp() * 1_000_000) if at else 0
