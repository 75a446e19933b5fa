"""Estimates: what the work will cost and when it will be done. A version is written once; only its state moves."""

from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from accounts.tenancy.models import TenantForeignKey, TenantManager, TenantModel
from tickets.models.ticket import Ticket


class EstimateState(models.TextChoices):
    OPEN = "open", _("waits for the decision")
    ACCEPTED = "accepted", _("accepted")
    CHANGES_REQUESTED = "changes_requested", _("changes requested")
    WITHDRAWN = "withdrawn", _("withdrawn")
    EXPIRED = "expired", _("expired")
    REPLACED = "replaced", _("replaced")


class EstimateQuerySet(models.QuerySet["Estimate"]):
    def open(self) -> "EstimateQuerySet":
        return self.filter(state=EstimateState.OPEN)

    def accepted(self) -> "EstimateQuerySet":
        return self.filter(state=EstimateState.ACCEPTED)


class Estimate(TenantModel):
    """One version of an estimate, as it was sent. `desk_app` may change its state and the moment of the decision,
    nothing else (migration 0006)."""

    ticket = TenantForeignKey(Ticket, models.PROTECT, related_name="estimates")
    version = models.PositiveSmallIntegerField(_("version"))
    state = models.CharField(_("state"), max_length=20, choices=EstimateState, default=EstimateState.OPEN)
    currency = models.CharField(_("currency"), max_length=3)
    # The sum of its hourly lines; 0 when all is at a fixed price.
    minutes = models.PositiveIntegerField(_("minutes"))
    net_total = models.DecimalField(_("without VAT"), max_digits=14, decimal_places=2)
    vat_total = models.DecimalField(_("VAT"), max_digits=14, decimal_places=2)
    total = models.DecimalField(_("with VAT"), max_digits=14, decimal_places=2)
    # When the work will be done, and the last day on which it can be accepted.
    due_on = models.DateField(_("done by"))
    valid_until = models.DateField(_("valid until"))
    terms = models.TextField(_("terms"), max_length=5000, blank=True)
    # In the agent's words: what it is about, what differs from the version before.
    note = models.TextField(_("note"), max_length=5000, blank=True)
    # Why it costs nothing, when it does (A8).
    zero_reason = models.CharField(_("why it is free"), max_length=300, blank=True)
    sent_by = TenantForeignKey(Person, models.PROTECT, related_name="+", verbose_name=_("sent by"))
    sent_at = models.DateTimeField(_("sent"), default=timezone.now)
    decided_at = models.DateTimeField(_("decided"), null=True)

    objects = TenantManager.from_queryset(EstimateQuerySet)()

    class Meta:
        verbose_name = _("estimate")
        verbose_name_plural = _("estimates")
        base_manager_name = "tenant_rows"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "ticket", "version"], name="tickets_estimate_version"),
            # Two offers at once would leave open which of them was accepted.
            models.UniqueConstraint(
                fields=["tenant", "ticket"], condition=models.Q(state="open"), name="tickets_estimate_one_open"
            ),
            models.UniqueConstraint(
                fields=["tenant", "ticket"], condition=models.Q(state="accepted"), name="tickets_estimate_one_accepted"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id} v{self.version}"

    @property
    def is_open(self) -> bool:
        return self.state == EstimateState.OPEN

    @property
    def is_accepted(self) -> bool:
        return self.state == EstimateState.ACCEPTED


class EstimateLine(TenantModel):
    """Hours at a price, or something at a fixed price."""

    append_only = True

    class Kind(models.TextChoices):
        HOURS = "hours", _("by the hour")
        FIXED = "fixed", _("at a fixed price")

    estimate = TenantForeignKey(Estimate, models.PROTECT, related_name="lines")
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(_("kind"), max_length=5, choices=Kind)
    description = models.CharField(_("description"), max_length=250)
    # Of an hourly line; empty at a fixed price.
    minutes = models.PositiveIntegerField(_("minutes"), null=True)
    # Of an hour, or of the whole line.
    unit_price = models.DecimalField(_("price"), max_digits=12, decimal_places=2, validators=[MinValueValidator(0)])
    vat_rate = models.DecimalField(_("VAT, per cent"), max_digits=5, decimal_places=2)
    net = models.DecimalField(_("without VAT"), max_digits=14, decimal_places=2)

    class Meta:
        verbose_name = _("line of an estimate")
        verbose_name_plural = _("lines of an estimate")

    def __str__(self) -> str:
        return self.description

    @property
    def is_hourly(self) -> bool:
        return self.kind == self.Kind.HOURS
