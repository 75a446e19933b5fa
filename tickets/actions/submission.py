"""How a ticket begins: by the portal, by an agent for a customer, by e-mail."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import events
from accounts.errors import NotAllowed, Refused
from accounts.models import (
    Component,
    Contract,
    Organisation,
    OrganisationDomain,
    Person,
    Product,
    Representation,
    Tenant,
)
from accounts.permissions import is_agent, may_ask_for
from accounts.tenancy import current_tenant_id
from accounts.uploads import SentFile
from tickets import notices
from tickets.actions.base import attach, note_status, sent_before
from tickets.cover import Cover
from tickets.models import Answer, FormField, RequestType, Ticket
from tickets.models.ticket import Channel
from tickets.references import next_reference
from tickets.workflow import ALIVE

# How many living tickets of an agent are counted when a new one is given out.
LOAD_COUNTED = 200


@dataclass(frozen=True)
class NewAnswer:
    """What was answered to a field of the type's own, as tickets.models.Answer keeps it."""

    field: FormField
    value: Any


@dataclass(frozen=True)
class Details:
    """What a type's own fields asked for. `kind` is one of tickets.models.ticket.Kind, or ''."""

    product: Product | None = None
    component: Component | None = None
    kind: str = ""
    system_information: str = ""
    answers: tuple[NewAnswer, ...] = ()


NO_DETAILS = Details()


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
    files: "Iterable[SentFile]" = (),
    channel: str = Channel.PORTAL,
    submission: UUID | None = None,
    order_number: str = "",
    cost_centre: str = "",
    details: Details = NO_DETAILS,
) -> Ticket:
    """File a request, for oneself or (agents; colleagues of one organisation) on behalf of `requester`.

    `submission` is the form's own number: the same one again gives the same ticket.
    Raises NotAllowed when `by` may not ask for the organisation or the requester does not represent it, and Refused for
    a product that is not theirs or a kind that no contract of theirs allows (K10).
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
        details=details,
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
        details=_details_again(ticket),
    )


def _details_again(ticket: Ticket) -> Details:
    """What the earlier ticket was about, as far as it is still its organisation's."""
    if ticket.product is None or not ticket.product.is_offered_to(ticket.organisation):
        return NO_DETAILS
    return Details(product=ticket.product, component=ticket.component)


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
    files: "Iterable[SentFile]" = (),
    references: tuple[str, ...] = (),
    quoted: str = "",
    is_proved: bool = False,
    follows: Ticket | None = None,
    claims: Ticket | None = None,
    is_confirmed: bool = True,
    left_out: Sequence[str] = (),
) -> Ticket:
    """File what an e-mail asks for. Whose organisation it is, is known when the sender represents exactly one.

    `is_proved`: something shows that the requester wrote it. `follows` is a ticket of theirs that ended too long ago;
    `claims` one that the mail names and they may not write on, which only the desk reads. Files that were too large
    stand in `left_out`. Without `is_confirmed` the requester is not answered.
    """
    if is_proved:
        prove_address(requester)
    ticket = _create(
        subject=subject,
        requester=requester,
        organisation=organisation_of(requester, follows),
        request_type=request_type,
        description=with_left_out(description, left_out),
        quoted=quoted,
        due_date=None,
        files=files,
        channel=Channel.EMAIL,
        recorded_by=None,
        is_verified=is_proved,
        references=references,
        follows=follows,
        is_confirmed=is_confirmed,
        left_out=left_out,
    )
    if claims is not None:
        events.record("ticket.claims", ticket, by=None, reference=claims.reference)
    return ticket


def with_left_out(text: str, left_out: Sequence[str]) -> str:
    """The words, and below them which files did not fit: somebody has to ask for them in another way."""
    line = _("[Too large for an e-mail, not kept: %(files)s]") % {"files": ", ".join(left_out)}
    return f"{text.rstrip()}\n\n{line}" if left_out else text


def organisation_of(requester: Person, follows: Ticket | None = None) -> Organisation | None:
    """For whom somebody writes who did not say: the organisation that they ask for, where it is only one."""
    asks_for = [row.organisation for row in requester.represents if row.can_ask]
    if follows is not None and follows.organisation in asks_for:
        return follows.organisation
    return asks_for[0] if len(asks_for) == 1 else None


def prove_address(person: Person) -> None:
    """Only who reads the address could have written. Where the desk allows it, its domain makes them a member."""
    if person.address_failed_at is not None:  # and so does the address
        person.address_failed_at, person.address_failed_words = None, ""
        person.save(update_fields=["address_failed_at", "address_failed_words"])
        events.record("person.address_trusted", person, by=person)
    if person.is_verified:
        return
    person.is_verified = True
    person.save(update_fields=["is_verified"])
    _join_by_domain(person)


def _join_by_domain(person: Person) -> None:
    if person.is_staff or person.represents or not Tenant.objects.get(pk=current_tenant_id()).domain_membership:
        return
    row = (
        OrganisationDomain.objects.filter(domain=person.email.rpartition("@")[2]).select_related("organisation").first()
    )
    if row is None or not row.organisation.is_active:
        return
    Representation.objects.create(person=person, organisation=row.organisation, may_ask=True)
    person.__dict__.pop("represents", None)
    events.record("person.joined_by_domain", person, by=None, organisation=row.organisation_id)


def _create(
    *,
    subject: str,
    requester: Person,
    organisation: Organisation | None,
    request_type: RequestType | None,
    description: str,
    due_date: date | None,
    files: "Iterable[SentFile]",
    channel: str,
    recorded_by: Person | None,
    references: tuple[str, ...] = (),
    submission: UUID | None = None,
    is_verified: bool = True,
    order_number: str = "",
    cost_centre: str = "",
    follows: Ticket | None = None,
    quoted: str = "",
    is_confirmed: bool = True,
    left_out: Sequence[str] = (),
    details: Details = NO_DETAILS,
) -> Ticket:
    tenant = Tenant.objects.get(pk=current_tenant_id())
    cover = Cover(organisation, tenant.today)
    _check_details(details, organisation, cover)
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
        quoted=quoted,
        due_date=due_date,
        submission=submission,
        is_verified=is_verified,
        contract=cover.contract_for(details.product),
        product=details.product,
        component=details.component,
        kind=details.kind,
        system_information=details.system_information,
        order_number=order_number.strip()[:60],
        cost_centre=cost_centre.strip()[:60],
        follows=follows,
    )
    _keep_answers(ticket, details.answers)
    attach(files, by=recorded_by or requester, ticket=ticket)
    note_status(ticket, "submitted", by=recorded_by or requester, channel=channel)
    notices.submitted(ticket, by=recorded_by, references=references, is_confirmed=is_confirmed, left_out=left_out)
    return ticket


def _check_details(details: Details, organisation: Organisation | None, cover: Cover) -> None:
    product, component = details.product, details.component
    if product is not None and not product.is_offered_to(organisation):
        raise Refused(_("This product is another organisation's. Choose one of its own."), code="foreign_product")
    if component is not None and (product is None or component.product_id != product.pk):
        raise Refused(_("This component is not a part of the chosen product. Choose again."), code="foreign_component")
    if details.kind and details.kind not in cover.kinds_for(product):
        raise Refused(_("Without a contract for the product only a consultation is possible."), code="no_contract")


def _keep_answers(ticket: Ticket, answers: Sequence[NewAnswer]) -> None:
    Answer.objects.bulk_create(
        Answer(
            ticket=ticket,
            field=one.field,
            kind=one.field.kind,
            meaning=one.field.meaning,
            label=one.field.label,
            value=one.value,
            position=number,
        )
        for number, one in enumerate(answers)
    )


def contract_of(organisation: Organisation | None, today: date, product: Product | None = None) -> Contract | None:
    """The organisation's contract, when exactly one covers it today; of several an agent chooses."""
    return Cover(organisation, today).contract_for(product)


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
    values = {"tenant": current_tenant_id(), "today": today, "alive": [str(one) for one in ALIVE], "most": LOAD_COUNTED}
    return next(iter(Person.objects.raw(LEAST_LOADED, values)), None)


# As text: each request asks it, and putting it together took longer than answering it. Its conditions are those of
# PersonQuerySet.agents, in the words of the index of staff.
LEAST_LOADED = """
SELECT p.* FROM accounts_person p
WHERE p.tenant_id = %(tenant)s AND (p.is_agent OR p.is_accountant OR p.is_manager) AND p.is_agent AND p.is_active
    AND p.support_line = 1 AND (p.away_until IS NULL OR p.away_until < %(today)s)
ORDER BY cardinality(ARRAY(
    SELECT t.id FROM tickets_ticket t WHERE t.tenant_id = p.tenant_id AND t.assignee_id = p.id
        AND t.status = ANY(%(alive)s) LIMIT %(most)s)), p.id
LIMIT 1
"""
