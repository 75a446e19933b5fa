"""The verbs of an organisation's people: its head invites them, says what they may do, and removes them.

Somebody invited joins when they say yes. Until then the head sees what the head entered and nothing else: whether the
address is known here, and whose it is, stays untold.
"""

from dataclasses import asdict, dataclass
from datetime import timedelta
from decimal import Decimal

from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from accounts import announce, events
from accounts.errors import NotAllowed, Refused
from accounts.invitations import make_token, obtain_user
from accounts.locks import settled
from accounts.models import RIGHTS, InvitedMember, Organisation, Person, Representation, Rights, Tenant
from accounts.permissions import is_agent, is_head_of
from accounts.tenancy import current_tenant_id

# Each is a letter to an address of somebody's choice.
MOST_INVITATIONS = 20
# To one person in a day: who has not answered these does not want to.
MOST_LETTERS = 3
INVITED_DAYS = 30
# In the list of one organisation's people.
PAGE = 25
# Where a sentence names people or organisations.
MOST_NAMED = 5


@dataclass(frozen=True)
class Granted:
    """The rights that somebody is given; `approval_limit` without VAT, None without limit."""

    may_ask: bool = True
    may_approve: bool = False
    approval_limit: Decimal | None = None
    may_see_invoices: bool = False
    may_order: bool = False
    is_head: bool = False


def rights_of(row: Rights) -> Granted:
    return Granted(**{name: getattr(row, name) for name in RIGHTS})


# ---- the verbs ----


@transaction.atomic
def invite_member(organisation: Organisation, *, by: Person, email: str, name: str, rights: Granted) -> None:
    """Ask somebody by e-mail to act for the organisation. Invited again, they get the rights and the letter anew.

    Raises NotAllowed, and Refused for who belongs to it already, for too many letters, and for rights that the head
    cannot give.
    """
    own = _right_of_head(organisation, by)
    _judge(rights, own)
    _check_pace(organisation)
    person, _new = Person.objects.get_or_create(email=email, defaults={"name": name, "language": by.language})
    if Representation.objects.filter(organisation=organisation, person=person).exists():
        raise Refused(_("This person belongs to your organisation already."), code="member")
    _check_patience(organisation, person)
    invited, _new = InvitedMember.objects.update_or_create(
        organisation=organisation,
        person=person,
        defaults={**asdict(rights), "name": name, "invited_by": by, "invited_at": timezone.now()},
    )
    events.record("member.invited", organisation, by=by, person=person.pk)
    _write_to(invited)


@transaction.atomic
def ask_to_join(organisation: Organisation, person: Person, *, by: Person, name: str) -> None:
    """An agent asks somebody who is known already: they say yes themselves."""
    invited, _new = InvitedMember.objects.update_or_create(
        organisation=organisation,
        person=person,
        defaults={**asdict(Granted()), "name": name, "invited_by": by, "invited_at": timezone.now()},
    )
    events.record("member.invited", organisation, by=by, person=person.pk)
    _write_to(invited)


@transaction.atomic
def withdraw_invitation(invited: InvitedMember, *, by: Person) -> None:
    """Raises NotAllowed. Of two at once one does it."""
    _right_of_head(invited.organisation, by)
    if InvitedMember.objects.filter(pk=invited.pk).delete()[0]:
        events.record("member.invitation_withdrawn", invited.organisation, by=by, person=invited.person_id)


@transaction.atomic
def join(invited: InvitedMember, *, by: Person) -> Representation:
    """Say yes: from now on one acts for the organisation.

    Raises NotAllowed for somebody else's invitation and for staff, and Refused when it is no more.
    """
    if invited.person_id != by.pk or by.is_staff or not by.is_active:
        raise NotAllowed(_("Only who was invited can accept this, and nobody who works at this desk."))
    row = InvitedMember.objects.select_for_update().filter(pk=invited.pk).select_related("organisation").first()
    if row is None or not row.organisation.is_active:
        raise Refused(_("This invitation was withdrawn."), code="withdrawn")
    _check_still_meant(row)
    member, _new = Representation.objects.get_or_create(
        organisation=row.organisation, person=by, defaults=asdict(rights_of(row))
    )
    row.delete()
    by.__dict__.pop("represents", None)
    events.record("member.joined", row.organisation, by=by, person=by.pk)
    return member


@transaction.atomic
def decline(invited: InvitedMember, *, by: Person) -> None:
    """Say no. The head may ask again. Raises NotAllowed for somebody else's invitation."""
    if invited.person_id != by.pk:
        raise NotAllowed(_("Only who was invited can accept this, and nobody who works at this desk."))
    if InvitedMember.objects.filter(pk=invited.pk).delete()[0]:
        events.record("member.declined", invited.organisation, by=by, person=by.pk)


@transaction.atomic
def change_rights(member: Representation, *, by: Person, rights: Granted) -> None:
    """Say what a colleague, or the head, may do from now on.

    Raises NotAllowed, and Refused for rights that the head cannot give and when nobody would be the head.
    """
    own = _right_of_head(member.organisation, by)
    member = _locked(member)
    _check_customer(member)
    _judge(rights, own, member)
    if member.is_head and not rights.is_head and not _other_heads(member):
        raise Refused(_("Somebody has to be the head. Make a colleague the head first."), code="last_head")
    if rights_of(member) == rights:
        return
    for name, value in asdict(rights).items():
        setattr(member, name, value)
    member.save(update_fields=RIGHTS)
    events.record("member.changed", member.organisation, by=by, person=member.person_id, rights=asdict(rights))


@transaction.atomic
def remove_member(member: Representation, *, by: Person) -> None:
    """They do not act for the organisation any more; what they asked for in its name stays with it.

    Raises NotAllowed, and Refused for oneself: so the last head stays.
    """
    _right_of_head(member.organisation, by)
    if member.person_id == by.pk:
        raise Refused(_("You cannot remove yourself. Another head of your organisation, or we, can."), code="own")
    _check_customer(member)
    if Representation.objects.filter(pk=member.pk).delete()[0]:
        events.record("member.removed", member.organisation, by=by, person=member.person_id)


# ---- reading ----


def members_of(organisation: Organisation) -> models.QuerySet[Representation]:
    """Its people, the newest first."""
    rows = Representation.objects.filter(organisation=organisation)
    return rows.select_related("person", "organisation").order_by("-id")


def offers_to(person: Person) -> models.QuerySet[InvitedMember]:
    """Whose people they are asked to join."""
    rows = InvitedMember.objects.filter(person=person, organisation__is_active=True)
    return rows.select_related("organisation", "invited_by").order_by("id")


def heads_of(organisation: Organisation) -> list[Person]:
    rows = Person.objects.active().filter(representations__organisation=organisation, representations__is_head=True)
    return [person for person in rows.order_by("name", "id") if not person.is_staff]


@dataclass(frozen=True)
class Instead:
    """Why somebody may not ask for the organisation they act for, and what they can do."""

    organisation: Organisation
    only_heads_ask: bool
    # Whom they can ask to do it.
    askers: list[Person]
    # For which they may ask themselves.
    others: list[Organisation]


def instead_of_asking(person: Person, acting: Organisation | None) -> Instead | None:
    """None for who may ask. One query for who may not."""
    own = next((row for row in person.represents if acting is not None and row.organisation_id == acting.pk), None)
    if person.is_staff or own is None or own.can_ask:
        return None
    others = [row.organisation for row in person.represents if row.can_ask]
    askers = askers_of(own.organisation, only_heads=own.only_heads_ask) if own.organisation.is_active else []
    return Instead(own.organisation, own.only_heads_ask, askers, others[:MOST_NAMED])


def askers_of(organisation: Organisation, *, only_heads: bool) -> list[Person]:
    """Who may file requests in its name, heads first."""
    rows = Representation.objects.filter(organisation=organisation, may_ask=True, person__is_active=True)
    rows = rows.filter(is_head=True) if only_heads else rows
    found = rows.select_related("person").order_by("-is_head", "id")[:MOST_NAMED]
    return [row.person for row in found if not row.person.is_staff]


def manages_people(person: Person, organisation: Organisation | None, tenant: Tenant) -> bool:
    """For pages; the verbs look again."""
    if organisation is None or person.is_staff or not tenant.heads_manage_people:
        return False
    return is_head_of(person, organisation)


def most_to_grant(own: Representation, tenant: Tenant) -> Decimal | None:
    """Up to which amount this head lets somebody approve; None is without limit. Who does not approve grants none."""
    if not own.may_approve:
        return Decimal(0)
    ends = [end for end in (own.approval_limit, tenant.heads_grant_up_to) if end is not None]
    return min(ends, default=None)


# ---- what they have in common ----


def _right_of_head(organisation: Organisation, by: Person) -> Representation:
    """The head's own row. All heads' rows are held, so that of two changes at once the second sees the first."""
    tenant = Tenant.objects.get(pk=current_tenant_id())
    rows = Representation.objects.select_for_update(of=("self",)).filter(organisation=organisation, is_head=True)
    heads = settled(rows.select_related("person").order_by("id"))
    own = next((row for row in heads if row.person_id == by.pk), None)
    if own is None or by.is_staff or not by.is_active or not organisation.is_active or not tenant.heads_manage_people:
        raise NotAllowed(_("Only the head of the organisation manages its people."))
    own.tenant = tenant
    return own


def _locked(member: Representation) -> Representation:
    rows = Representation.objects.select_for_update(of=("self",)).filter(pk=member.pk)
    found = settled(rows.select_related("person", "organisation"))
    if not found:
        raise Refused(_("This person does not belong to your organisation any more."), code="gone")
    return found[0]


def _check_still_meant(invited: InvitedMember) -> None:
    """Who invited may still do so, and may still give these rights: an invitation outlives nobody's own right."""
    by, organisation = invited.invited_by, invited.organisation
    if is_agent(by):
        return
    own = Representation.objects.filter(organisation=organisation, person=by, is_head=True).first()
    tenant = Tenant.objects.get(pk=current_tenant_id())
    is_old = invited.invited_at < timezone.now() - timedelta(days=INVITED_DAYS)
    if own is None or is_old or not manages_people(by, organisation, tenant) or not by.is_active:
        raise Refused(_("This invitation was withdrawn."), code="withdrawn")
    own.tenant = tenant
    _judge(rights_of(invited), own)


def _check_customer(member: Representation) -> None:
    if member.person.is_staff:
        raise NotAllowed(_("This person works at the desk. Only the desk changes their rights."))


def _other_heads(member: Representation) -> bool:
    rows = Representation.objects.filter(organisation_id=member.organisation_id, is_head=True, person__is_active=True)
    return bool(rows.exclude(pk=member.pk).exists())


def _judge(rights: Granted, own: Representation, before: Rights | None = None) -> None:
    """Nobody lets others approve more than they may themselves, nor more than the desk lets heads grant. What somebody
    may already, by the desk's word, they may keep. The same goes for invoices."""
    had_invoices = before is not None and before.may_see_invoices
    if rights.may_see_invoices and not (own.may_see_invoices or had_invoices):
        raise Refused(
            _("You do not see invoices yourself, so you cannot let others see them. Ask us."), code="invoices"
        )
    if not rights.may_approve:
        return
    if own.may_approve and _within(rights.approval_limit, most_to_grant(own, own.tenant)):
        return
    if before is not None and before.may_approve and _within(rights.approval_limit, before.approval_limit):
        return
    most = most_to_grant(own, own.tenant) or Decimal(0)
    if most == 0:
        raise Refused(_("You cannot let others approve estimates. Ask us for that."), code="limit")
    raise Refused(
        _("You can let others approve up to %(most)s. Enter a limit within that, or ask us.")
        % {"most": f"{number_format(most, 2, force_grouping=True)} {own.tenant.currency}"},
        code="limit",
    )


def _within(amount: Decimal | None, most: Decimal | None) -> bool:
    """None is without limit."""
    return most is None or (amount is not None and amount <= most)


def _check_pace(organisation: Organisation) -> None:
    """Of all heads together: each of them can make others."""
    hour_ago = timezone.now() - timedelta(hours=1)
    sent = events.history_of(organisation).filter(kind="member.invited", at__gte=hour_ago)
    if sent.count() >= MOST_INVITATIONS:
        raise Refused(_("You have invited many people in this hour. Go on later."), code="too_many")


def _check_patience(organisation: Organisation, person: Person) -> None:
    day_ago = timezone.now() - timedelta(days=1)
    sent = events.history_of(organisation).filter(kind="member.invited", at__gte=day_ago, data__person=person.pk)
    if sent.count() >= MOST_LETTERS:
        raise Refused(
            _("They have been invited %(times)d times today. Speak to them, or try again tomorrow.")
            % {"times": MOST_LETTERS},
            code="too_many",
        )


def _write_to(invited: InvitedMember) -> None:
    """The same letter to everybody. Nobody who is not active at the desk is written to, and nobody at an address that
    is not their account's."""
    person = invited.person
    if person.user_id is None:
        if person.is_staff:  # only a manager gives colleagues their access
            return
        person.user_id = obtain_user(person.email)
        person.save(update_fields=["user"])
    person = Person.objects.select_related("user").get(pk=person.pk)
    if person.is_active and person.user is not None and person.user.email == person.email:
        announce.asked_to_join(person, invited, reverse("invitation", args=[make_token(person)]))
