"""The signed reply address: 'support+t12.7.k3j5…@desk.example' says which ticket, whose reply, and that we wrote it."""

import base64
import re
from collections.abc import Iterator

from django.utils.crypto import constant_time_compare

from accounts.marks import marks
from accounts.models import Person
from accounts.tenancy import current_tenant_id
from tickets.models import Ticket

_TAG = re.compile(r"^t([0-9]{1,18})\.([0-9]{1,18})\.([a-z2-7]{16})$")


def reply_address(ticket: Ticket, person: Person) -> str:
    local, _, domain = ticket.tenant.support_email.rpartition("@")
    return f"{local}+t{ticket.pk}.{person.pk}.{next(_signatures(ticket.pk, person.pk))}@{domain}"


def read_reply_address(address: str) -> tuple[int, int] | None:
    """(ticket id, person id) of an address that we signed for the entered tenant, else None."""
    tag = split_tag(address)[1]
    match = _TAG.match(tag)
    if not match:
        return None
    ticket_id, person_id = int(match[1]), int(match[2])
    is_ours = any(constant_time_compare(match[3], ours) for ours in _signatures(ticket_id, person_id))
    return (ticket_id, person_id) if is_ours else None


def split_tag(address: str) -> tuple[str, str]:
    """('support@desk.example', 't12.7.k3j5…'): the mailbox and what stands behind its '+'."""
    local, _, domain = address.strip().lower().rpartition("@")
    name, _, tag = local.partition("+")
    return f"{name}@{domain}", tag


def _signatures(ticket_id: int, person_id: int) -> Iterator[str]:
    """Each of 80 bits, in the letters that survive a mail system which lower-cases addresses."""
    for mark in marks("tickets.reply", f"{current_tenant_id()}.{ticket_id}.{person_id}"):
        yield base64.b32encode(mark[:10]).decode().lower()
