"""Who logs in (User, global) and who they are at one desk (Person, the tenant's)."""

from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.addresses import normalise_address
from accounts.tenancy import entered_tenant_id
from accounts.tenancy.models import TenantManager, TenantModel

if TYPE_CHECKING:
    from accounts.models.organisations import Representation


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=normalise_address(username or ""))


class User(AbstractBaseUser):
    """An e-mail address and a password, nothing else. The database shows a tenant only users who are its persons."""

    email = models.EmailField(_("e-mail address"), unique=True)

    USERNAME_FIELD = "email"
    objects = UserManager()

    # Set by accounts.auth for the user of a session, so that a request reads its person once.
    session_person: "Person | None" = None

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")

    def __str__(self) -> str:
        return self.email

    @property
    def person(self) -> "Person | None":
        """Who this is at the entered desk; None outside of one or when they are not (or no longer) known there."""
        if self.session_person is not None:
            return self.session_person
        if entered_tenant_id() is None:
            return None
        return Person.objects.filter(user_id=self.pk, is_active=True).first()

    @property
    def is_active(self) -> bool:  # type: ignore[override]
        return self.person is not None

    # Django's admin asks these of a user; the answer is the person's role at the entered desk (accounts.permissions).
    @property
    def is_staff(self) -> bool:
        person = self.person
        return person is not None and person.is_staff

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        return False

    def has_module_perms(self, app_label: str) -> bool:
        return False


def may_answer() -> models.Q:
    """Who can be responsible for a ticket; also what the pickers of such a person are limited to."""
    return models.Q(is_active=True) & (models.Q(is_agent=True) | models.Q(is_manager=True))


def initials_of(name: str) -> str:
    """Of the first word and the last: what an avatar shows."""
    words = name.replace("@", " ").split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


class PersonQuerySet(models.QuerySet["Person"]):
    def visible_to(self, actor: "Person") -> "PersonQuerySet":
        """Staff see everybody of the desk; a customer sees themselves and those they share an organisation with."""
        if actor.is_staff:
            return self
        return self.filter(
            models.Q(pk=actor.pk) | models.Q(representations__organisation_id__in=actor.organisation_ids)
        ).distinct()

    def active(self) -> "PersonQuerySet":
        return self.filter(is_active=True)

    def agents(self) -> "PersonQuerySet":
        return self.staff().filter(is_agent=True, is_active=True)

    def staff(self) -> "PersonQuerySet":
        """In the words of the index of staff: among a hundred thousand customers they are few."""
        return self.filter(models.Q(is_agent=True) | models.Q(is_accountant=True) | models.Q(is_manager=True))

    def answering(self) -> "PersonQuerySet":
        return self.staff().filter(may_answer())


class MailChoice(models.TextChoices):
    """How news of requests reach a person by e-mail. What waits for their own answer is never held back by it."""

    EACH = "each", _("each change")
    HOURLY = "hourly", _("a summary every hour")
    DAILY = "daily", _("a summary every morning")
    NEEDS_ME = "needs_me", _("only what waits for my answer")


class Person(TenantModel):
    """Somebody known at a desk: staff, a customer's representative, or an applicant who only wrote or called."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        db_index=False,
    )
    name = models.CharField(_("name"), max_length=150)
    # Normalised (accounts.addresses); empty for an applicant who has only a telephone.
    email = models.CharField(_("e-mail address"), max_length=254, blank=True)
    # As accounts.phones keeps it; older ones as they were typed.
    phone = models.CharField(_("telephone"), max_length=30, blank=True)
    language = models.CharField(_("language"), max_length=2, choices=settings.LANGUAGES, default="en")
    is_active = models.BooleanField(_("active"), default=True)
    # False for an applicant whose address nobody has proved yet (they wrote an e-mail).
    is_verified = models.BooleanField(_("address proved"), default=False)

    mail_choice = models.CharField(_("e-mails"), max_length=8, choices=MailChoice, default=MailChoice.EACH)
    # From this hour of the day to that one no news is sent; it goes out after. The first may be the later: 22–7.
    quiet_from = models.TimeField(_("quiet from"), null=True, blank=True)
    quiet_until = models.TimeField(_("quiet until"), null=True, blank=True)
    # Where the person is, when not where the desk is: quiet hours and the hours in letters are counted there.
    time_zone = models.CharField(_("time zone"), max_length=40, blank=True)
    # The address does not exist any more, in the words of the server that said so: nothing is sent there.
    address_failed_at = models.DateTimeField(_("address failing since"), null=True, editable=False)
    address_failed_words = models.CharField(max_length=500, blank=True, editable=False)

    # Roles at the provider. One person may hold several: in a small firm the manager also answers and bills.
    is_agent = models.BooleanField(_("agent"), default=False)
    support_line = models.PositiveSmallIntegerField(
        _("support line"), choices=[(1, _("first line")), (2, _("second line"))], default=1
    )
    # The last day of an absence: nobody gets new tickets while away.
    away_until = models.DateField(_("away until"), null=True, blank=True)
    is_accountant = models.BooleanField(_("accountant"), default=False)
    is_manager = models.BooleanField(_("manager"), default=False)

    objects = TenantManager.from_queryset(PersonQuerySet)()

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        base_manager_name = "tenant_rows"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "email"], condition=~models.Q(email=""), name="accounts_person_email"
            ),
            models.UniqueConstraint(
                fields=["tenant", "user"], condition=models.Q(user__isnull=False), name="accounts_person_user"
            ),
        ]
        indexes = [
            models.Index(fields=["user"], name="accounts_person_by_user"),
            models.Index(
                fields=["tenant", "-id"],
                condition=models.Q(is_agent=True) | models.Q(is_accountant=True) | models.Q(is_manager=True),
                name="accounts_person_staff",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def clean(self) -> None:
        if not self.email:
            return
        normal = normalise_address(self.email)
        if not normal:
            raise ValidationError({"email": _("This is not an e-mail address. Write it like name@example.com.")})
        self.email = normal

    @property
    def is_staff(self) -> bool:
        return self.is_agent or self.is_accountant or self.is_manager

    def is_away(self, today: date) -> bool:
        return self.away_until is not None and today <= self.away_until

    @property
    def takes_mail(self) -> bool:
        """Has an address, and no server has said that it does not exist."""
        return bool(self.email) and self.address_failed_at is None

    @property
    def initials(self) -> str:
        return initials_of(str(self))

    @cached_property
    def represents(self) -> "list[Representation]":
        """The organisations this person speaks for, with their rights there. Read once per request."""
        from accounts.models.organisations import Representation

        return list(Representation.objects.filter(person=self).select_related("organisation").order_by("id"))

    @property
    def organisation_ids(self) -> list[int]:
        return [row.organisation_id for row in self.represents]
