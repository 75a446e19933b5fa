"""A tenant, its hosts and its policies. Policy is data: what differs between desks stands in these columns."""

from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.policy import A_PERIOD
from accounts.tenancy.constraints import TenantPolicy
from accounts.tenancy.models import TenantForeignKey, TenantModel

MAIL_MEGABYTES = 50


class Tenant(models.Model):
    """A firm that sells its work and runs its desk here."""

    name = models.CharField(_("name"), max_length=100)
    slug = models.SlugField(_("short name"), max_length=40)
    is_active = models.BooleanField(_("active"), default=True)
    language = models.CharField(_("language"), max_length=2, choices=settings.LANGUAGES, default="en")
    # The languages that this desk offers, its own first: ['lv', 'en'].
    languages = models.JSONField(_("languages offered"), default=list)
    time_zone = models.CharField(_("time zone"), max_length=40, default="UTC")
    reference_prefix = models.CharField(
        _("reference prefix"), max_length=8, default="DESK", validators=[RegexValidator(r"^[A-Z][A-Z0-9]*$")]
    )

    # How people reach the office without an account.
    support_email = models.EmailField(_("support address"))
    support_phone = models.CharField(_("telephone"), max_length=30, blank=True)
    office_address = models.TextField(_("office address"), max_length=300, blank=True)

    # Work up to the threshold starts without approval (B10).
    threshold_minutes = models.PositiveIntegerField(_("minutes of work without approval"), default=30)
    # What may be worked and billed beyond an accepted estimate or the threshold before a new estimate is needed.
    tolerance_percent = models.PositiveSmallIntegerField(
        _("tolerated overrun, per cent"), default=10, validators=[MaxValueValidator(100)]
    )
    review_days = models.PositiveIntegerField(_("days for the review of a solution"), default=7, validators=A_PERIOD)
    information_days = models.PositiveIntegerField(_("days to answer a question"), default=14, validators=A_PERIOD)
    estimate_days = models.PositiveIntegerField(
        _("days for which an estimate is valid"), default=30, validators=A_PERIOD
    )
    reopen_days = models.PositiveIntegerField(_("days in which a closed request can be reopened"), default=30)
    # Whether weekends, the country's public holidays and the desk's own closed days are left out of these periods.
    business_days = models.BooleanField(_("count business days only"), default=False)
    country = models.CharField(
        _("country, for its public holidays"), max_length=2, blank=True, validators=[RegexValidator(r"^[A-Z]{2}$")]
    )

    # Money. With billing off no price, status or page of it appears on this desk (M9).
    billing_enabled = models.BooleanField(_("billing"), default=True)
    currency = models.CharField(_("currency"), max_length=3, default="EUR", validators=[RegexValidator(r"^[A-Z]{3}$")])
    hourly_rate = models.DecimalField(
        _("price of an hour"),
        max_digits=12,
        decimal_places=2,
        default=Decimal(0),
        validators=[MinValueValidator(Decimal(0))],
    )
    vat_rate = models.DecimalField(
        _("VAT, per cent"),
        max_digits=5,
        decimal_places=2,
        default=Decimal(0),
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(100))],
    )
    payment_days = models.PositiveIntegerField(_("days to pay an invoice"), default=14)
    # E-mail. What one sender may send in an hour before the rest waits for somebody's eyes.
    mail_hourly_limit = models.PositiveIntegerField(
        _("e-mails per sender and hour"), default=100, validators=[MinValueValidator(1)]
    )
    # All files of one message together (K14); the text becomes a ticket whatever its files weigh.
    mail_megabytes = models.PositiveSmallIntegerField(
        _("megabytes of files in an e-mail"),
        default=MAIL_MEGABYTES,
        validators=[MinValueValidator(1), MaxValueValidator(MAIL_MEGABYTES)],
    )
    # Whether an address that was proved belongs to the organisation that has its domain.
    domain_membership = models.BooleanField(_("an organisation's domain makes a representative"), default=False)
    # Whether an organisation's head invites, changes and removes its people, and up to which amount they let somebody
    # approve (empty: without limit); above that the desk's staff do it.
    heads_manage_people = models.BooleanField(_("heads of organisations manage their people"), default=True)
    heads_grant_up_to = models.DecimalField(
        _("heads let others approve up to"),
        max_digits=12,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal(0))],
        help_text=_("Empty: without limit. Nobody can grant more than their own right in any case."),
    )
    # Of an organisation's people only its head may ask, whatever the others' rights are (M1).
    only_heads_ask = models.BooleanField(_("only heads of organisations may ask"), default=False)
    # What is stuck and the managers know of: {"mailbox 7": {"mark": …, "at": when they were told}}.
    mail_troubles = models.JSONField(default=dict, editable=False)

    legal_name = models.CharField(_("legal name"), max_length=200, blank=True)
    registration_number = models.CharField(_("registration number"), max_length=40, blank=True)
    vat_number = models.CharField(_("VAT number"), max_length=20, blank=True)
    bank_name = models.CharField(_("bank"), max_length=100, blank=True)
    iban = models.CharField(_("IBAN"), max_length=34, blank=True)
    bic = models.CharField(_("BIC"), max_length=11, blank=True)

    class Meta:
        verbose_name = _("desk")
        verbose_name_plural = _("desks")
        constraints = [
            models.UniqueConstraint(fields=["slug"], name="accounts_tenant_slug"),
            TenantPolicy(name="accounts_tenant_policy", column="id"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def today(self) -> date:
        """The day it is where the desk is: its periods and terms are counted there."""
        return timezone.localdate(timezone=self.zone)


class TenantHost(TenantModel):
    """A host name that leads to the tenant, with the brand it shows (A1: several may lead to one tenant)."""

    host = models.CharField(_("host name"), max_length=253)
    brand_name = models.CharField(_("name shown"), max_length=60)
    accent = models.CharField(
        _("accent colour"), max_length=7, default="#2457c5", validators=[RegexValidator(r"^#[0-9a-f]{6}$")]
    )
    is_primary = models.BooleanField(_("used in links"), default=False)
    # Redrawn by accounts.logos; without one the brand's initial is shown.
    logo = TenantForeignKey(
        "accounts.StoredFile", models.SET_NULL, null=True, editable=False, related_name="+", verbose_name=_("logo")
    )

    class Meta:
        verbose_name = _("host")
        verbose_name_plural = _("hosts")
        constraints = [
            # Across all tenants: a host leads to one place. The database checks it, where no policy hides a rival.
            models.UniqueConstraint(fields=["host"], name="accounts_host_unique"),
            models.UniqueConstraint(
                fields=["tenant"], condition=models.Q(is_primary=True), name="accounts_host_one_primary"
            ),
        ]

    def __str__(self) -> str:
        return self.host

    @property
    def address(self) -> str:
        """The host's address for links, never taken from a request: 'https://desk.example.com'."""
        port = f":{settings.PUBLIC_PORT}" if settings.PUBLIC_PORT else ""
        return f"{settings.PUBLIC_SCHEME}://{self.host}{port}"


class ClosedDay(TenantModel):
    """A day on which the desk does not work, besides weekends and public holidays."""

    day = models.DateField(_("day"))
    name = models.CharField(_("name"), max_length=100, blank=True)

    class Meta:
        verbose_name = _("closed day")
        verbose_name_plural = _("closed days")
        constraints = [models.UniqueConstraint(fields=["tenant", "day"], name="accounts_closed_day_once")]

    def __str__(self) -> str:
        return self.name or str(self.day)
