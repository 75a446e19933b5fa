"""How a ticket begins: by the portal, by an agent for a customer, by e-mail."""

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from django.core.files.base import File
from django.db import transaction
from django.db.models import Func, IntegerField, OuterRef, Q, Subquery, TextField
from django.utils.translation import gettext as _

from accounts.errors import NotAllowed
from accounts.models import Contract, Organisation, Person, Tenant
from accounts.permissions import is_agent, may_ask_for
from accounts.tenancy import current_tenant_id
from tickets import notices
from tickets.actions.base import attach, note_status, sent_before
from tickets.models import RequestType, Ticket
from tickets.models.ticket import Channel
from tickets.references import next_reference
from tickets.workflow import ALIVE

# How many living tickets of an agent are counted when a new one is given out.
LOAD_COUNTED = 200


@transaction.atomic
def submit(
    *,
    by: Person,
    subject: str,
    requester: Person | None = None,
    organisation: Organisation | None = None,
    request_type: RequestType | None = None,
    description: str = "",
    due_date: date | None = None,
    files: "Iterable[File[bytes]]" = (),
    channel: str = Channel.PORTAL,
    submission: UUID | None = None,
    order_number: str = "",
    cost_centre: str = "",
) -> Ticket:
    """File a request, for oneself or (agents; colleagues of one organisation) on behalf of `requester`.

    `submission` is the form's own number: the same one again gives the same ticket.
    Raises NotAllowed when `by` may not ask for the organisation or the requester does not represent it.
    """
    requester = requester or by
    made, submission = sent_before(
        Ticket.objects.all(), submission, recorded_by_id=by.pk, subject=subject, description=description
    )
    if made is not None:
        return made
    _may_submit(by, requester, organisation)
    return _create(
        subject=subject,
        requester=requester,
        organisation=organisation,
        request_type=request_type,
        description=description,
        due_date=due_date,
        files=files,
        channel=channel,
        recorded_by=by,
        submission=submission,
        order_number=order_number,
        cost_centre=cost_centre,
    )


def follow(ticket: Ticket, *, by: Person, text: str) -> Ticket:
    """A new ticket with the old one's subject and people, which it names."""
    return _create(
        subject=ticket.subject,
        requester=ticket.requester if by.is_staff else by,
        organisation=ticket.organisation,
        request_type=ticket.request_type,
        description=text,
        due_date=None,
        files=(),
        channel=Channel.PORTAL,
        recorded_by=by,
        follows=ticket,
    )


def _may_submit(by: Person, requester: Person, organisation: Organisation | None) -> None:
    if is_agent(by):
        return
    if organisation is None or not may_ask_for(by, organisation):
        raise NotAllowed(_("You may not file requests for this organisation. Ask its head for the right."))
    if requester.pk != by.pk and organisation.pk not in requester.organisation_ids:
        raise NotAllowed(_("This person does not represent the organisation."))


@transaction.atomic
def submit_by_mail(
    *,
    requester: Person,
    subject: str,
    description: str,
    request_type: RequestType | None,
    files: "Iterable[File[bytes]]" = (),
    references: tuple[str, ...] = (),
) -> Ticket:
    """File what an e-mail asks for. Whose organisation it is, is known only when the sender represents exactly one."""
    represents = [row for row in requester.represents if row.can_ask]
    return _create(
        subject=subject,
        requester=requester,
        organisation=represents[0].organisation if len(represents) == 1 else None,
        request_type=request_type,
        description=description,
        due_date=None,
        files=files,
        channel=Channel.EMAIL,
        recorded_by=None,
        is_verified=False,
        references=references,
    )


def _create(
    *,
    subject: str,
    requester: Person,
    organisation: Organisation | None,
    request_type: RequestType | None,
    description: str,
    due_date: date | None,
    files: "Iterable[File[bytes]]",
    channel: str,
    recorded_by: Person | None,
    references: tuple[str, ...] = (),
    submission: UUID | None = None,
    is_verified: bool = True,
    order_number: str = "",
    cost_centre: str = "",
    follows: Ticket | None = None,
) -> Ticket:
    tenant = Tenant.objects.get(pk=current_tenant_id())
    reference, number = next_reference(tenant)
    ticket = Ticket.objects.create(
        tenant=tenant,
        reference=reference,
        number=number,
        request_type=request_type,
        organisation=organisation,
        requester=requester,
        recorded_by=recorded_by,
        assignee=_first_assignee(request_type, recorded_by, tenant.today),
        channel=channel,
        subject=subject,
        description=description,
        due_date=due_date,
        submission=submission,
        is_verified=is_verified,
        contract=_contract(organisation, tenant.today),
        order_number=order_number.strip()[:60],
        cost_centre=cost_centre.strip()[:60],
        follows=follows,
    )
    attach(files, by=recorded_by or requester, ticket=ticket)
    note_status(ticket, "submitted", by=recorded_by or requester, channel=channel)
    notices.submitted(ticket, by=recorded_by, references=references)
    return ticket


def _contract(organisation: Organisation | None, today: date) -> Contract | None:
    """The organisation's contract, when it has exactly one today; of several an agent chooses."""
    if organisation is None:
        return None
    rows = list(Contract.objects.valid_on(today).filter(organisation=organisation)[:2])
    return rows[0] if len(rows) == 1 else None


def _first_assignee(request_type: RequestType | None, recorded_by: Person | None, today: date) -> Person | None:
    """The type's own, the first-line agent who recorded it (K17), the least loaded present, or a manager (B7)."""
    own = request_type.default_assignee if request_type else None
    if own is not None and own.is_active and not own.is_away(today):
        assignee: Person = own
        return assignee
    if recorded_by and recorded_by.is_agent and recorded_by.support_line == 1:
        return recorded_by
    return _least_loaded(today) or Person.objects.staff().filter(is_active=True, is_manager=True).order_by("id").first()


def _least_loaded(today: date) -> Person | None:
    """Of the first-line agents who are here, the one with the fewest living tickets. Counted up to a point only: with
    more than that nobody is idle, and it need not cost a walk through all of them."""
    living = Ticket.objects.filter(assignee=OuterRef("pk"), status__in=ALIVE).order_by()
    counted = Func(Subquery(living.values("pk")[:LOAD_COUNTED]), function="ARRAY", output_field=TextField())
    load = Func(counted, function="CARDINALITY", output_field=IntegerField())
    present = Person.objects.agents().filter(Q(away_until=None) | Q(away_until__lt=today), support_line=1)
    return present.annotate(load=load).order_by("load", "id").first()
