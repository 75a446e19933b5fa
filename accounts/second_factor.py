"""The second factors of an account: an app, passkeys, and codes for when those are lost. allauth.mfa does the work.

They hang on the account, which several desks may share, and stand behind a wall of their own (migration 0010). Every
change to them, by whichever page, is written down and told to their owner.
"""

from typing import Any

from allauth.mfa.models import Authenticator
from django.db.models import QuerySet
from django.db.models.signals import post_delete, post_save

from accounts import actions
from accounts.models import Person

# Codes come and go with these.
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def factors_of(person: Person) -> "QuerySet[Authenticator]":
    """Oldest first. Nobody without an account has any."""
    rows: QuerySet[Authenticator] = Authenticator.objects.filter(user_id=person.user_id or 0, type__in=FACTORS)
    return rows.order_by("created_at", "id")


def watch() -> None:
    """Hear of every factor that comes or goes. allauth's own signals come after the transaction, outside the desk."""
    post_save.connect(_saved, sender=Authenticator, dispatch_uid="accounts.second_factor.saved")
    post_delete.connect(_deleted, sender=Authenticator, dispatch_uid="accounts.second_factor.deleted")


def _saved(instance: Authenticator, created: bool, **kwargs: Any) -> None:
    person = instance.user.person
    if created and person is not None and instance.type in FACTORS:
        actions.factor_was_added(person, factor=instance.type)


def _deleted(instance: Authenticator, **kwargs: Any) -> None:
    person = instance.user.person  # None where an account is erased, outside of every desk
    if person is not None and instance.type in FACTORS:
        actions.factor_was_removed(person, factor=instance.type)
