"""The verbs of people. One order each: may they? → atomic, lock → change → record → tell."""

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import announce, events
from accounts.errors import NotAllowed, Refused
from accounts.invitations import make_token, obtain_user
from accounts.locks import settled
from accounts.models import Organisation, Person
from accounts.permissions import is_agent


def locked(person: Person) -> Person:
    return settled([Person.objects.select_for_update(of=("self",)).select_related("user").get(pk=person.pk)])[0]


@transaction.atomic
def invite(person: Person, *, by: Person) -> None:
    """Give a person access: an account for their address and a link to choose a password. May be repeated.

    Whoever has a password already (from another desk) is led by the link to the log-in page.
    Raises NotAllowed, and Refused when the person is inactive, has no address, or another one than their account.
    """
    if not is_agent(by):
        raise NotAllowed(_("Only agents and managers invite people."))
    if person.is_staff and not by.is_manager:
        raise NotAllowed(_("Only a manager invites colleagues."))
    person = locked(person)
    if not person.email:
        raise Refused(_("There is no e-mail address to send the invitation to. Enter one first."), code="no_address")
    if not person.is_active:
        raise Refused(_("This person is not active. Make them active first."), code="inactive")
    if person.user_id is None:
        person.user_id = obtain_user(person.email)
        person.save(update_fields=["user"])
        person = locked(person)
    if person.user is None or person.user.email != person.email:
        raise Refused(
            _("Their account has another address than the one entered here. Change it back, or add a new person."),
            code="other_address",
        )
    events.record("person.invited", person, by=by)
    link = reverse("invitation", args=[make_token(person)])
    announce.invited(person, link)


@transaction.atomic
def accept_invitation(person: Person, *, password: str) -> Person:
    """Set the first password of an invited person, who has proved the address by opening the link.

    Raises Refused when somebody chose a password with this link before.
    """
    person = locked(person)
    user = person.user
    if user is None or user.has_usable_password():
        raise Refused(_("This link has been used. Log in with your password."), code="used")
    user.set_password(password)
    user.save(update_fields=["password"])
    person.is_verified = True
    person.save(update_fields=["is_verified"])
    events.record("person.joined", person, by=person)
    return person


@transaction.atomic
def request_reset(address: str) -> None:
    """Send a link for a new password to the account of this address. Unknown ones do nothing, and look the same."""
    person = Person.objects.active().select_related("user").filter(user__email=address).first()
    if person is None or person.user is None:
        return
    key = f"{user_pk_to_url_str(person.user)}-{default_token_generator.make_token(person.user)}"
    path = reverse("account_reset_password_from_key", kwargs={"uidb36": "UID", "key": "KEY"}).replace("UID-KEY", key)
    events.record("person.reset_requested", person, by=None)
    announce.reset_requested(person, path)


@transaction.atomic
def password_was_changed(person: Person) -> None:
    """The owner hears of it at their account's address, in case it was not them."""
    events.record("person.password_changed", person, by=person)
    announce.password_changed(person, reverse("account_reset_password"))


def factor_was_added(person: Person, *, factor: str) -> None:
    """The owner hears of it as of a changed password."""
    _second_factor_changed(person, "factor_added", factor)


def factor_was_removed(person: Person, *, factor: str) -> None:
    _second_factor_changed(person, "factor_removed", factor)


def codes_were_renewed(person: Person) -> None:
    """The recovery codes from before open nothing any more."""
    _second_factor_changed(person, "codes_renewed", "recovery_codes")


@transaction.atomic
def _second_factor_changed(person: Person, change: str, factor: str) -> None:
    events.record(f"person.{change}", person, by=person, factor=factor)
    announce.second_factor_changed(person, change, factor, reverse("mfa_index"))


@transaction.atomic
def trust_address(person: Person, *, by: Person) -> None:
    """Send mail again to an address of which a server had said that it does not exist.

    Raises NotAllowed, and Refused when no server said so.
    """
    if not is_agent(by):
        raise NotAllowed(_("Only agents and managers may say that an address works."))
    person = locked(person)
    if person.address_failed_at is None:
        raise Refused(_("No server has said that this address does not exist."), code="not_failed")
    person.address_failed_at, person.address_failed_words = None, ""
    person.save(update_fields=["address_failed_at", "address_failed_words"])
    events.record("person.address_trusted", person, by=by)


@transaction.atomic
def change_details(person: Person, *, name: str, phone: str, language: str, time_zone: str) -> None:
    """What a person says of themself, judged by the form before. `phone` as accounts.phones keeps it, `time_zone` ''
    for the desk's own. History names what changed, not to what: a name must stay erasable.
    """
    said = {"name": name, "phone": phone, "language": language, "time_zone": time_zone}
    person = locked(person)
    changed = [column for column, value in said.items() if getattr(person, column) != value]
    if not changed:
        return
    for column in changed:
        setattr(person, column, said[column])
    person.save(update_fields=changed)
    events.record("person.details_changed", person, by=person, fields=changed)


@transaction.atomic
def choose_language(person: Person, language: str) -> None:
    Person.objects.filter(pk=person.pk).update(language=language)


def organisation_to_act_for(person: Person, organisation_id: str) -> Organisation:
    """The represented organisation with this id. Raises Refused when the person does not represent it."""
    for row in person.represents:
        if str(row.organisation_id) == organisation_id:
            organisation: Organisation = row.organisation
            return organisation
    raise Refused(_("You do not represent this organisation."), code="not_represented")
