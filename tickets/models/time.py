from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from accounts.tenancy.models import TenantForeignKey, TenantModel
from tickets.models.ticket import Ticket

LONGEST_ENTRY = 24 * 60


class TimeEntry(TenantModel):
    """Minutes worked on a ticket: what an invoice is made of (B22)."""

    ticket = TenantForeignKey(Ticket, models.PROTECT, related_name="time_entries")
    person = TenantForeignKey(Person, models.PROTECT, related_name="+", verbose_name=_("worked by"))
    minutes = models.PositiveIntegerField(
        _("minutes"), validators=[MinValueValidator(1), MaxValueValidator(LONGEST_ENTRY)]
    )
    description = models.CharField(_("what was done"), max_length=200)
    is_billable = models.BooleanField(_("billable"), default=True)
    worked_on = models.DateField(_("day"), default=timezone.localdate)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("time entry")
        verbose_name_plural = _("time entries")

    def __str__(self) -> str:
        return f"{self.minutes} min, {self.description}"
