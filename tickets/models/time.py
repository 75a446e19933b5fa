from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from accounts.tenancy.models import TenantForeignKey, TenantManager, TenantModel
from accounts.texts import TextsField
from tickets.models.ticket import Ticket

LONGEST_ENTRY = 24 * 60


class WorkType(TenantModel):
    """What kind of work time goes into: analysis, programming, travel."""

    name = TextsField(_("name"))
    is_billable = models.BooleanField(_("billable"), default=True)
    is_active = models.BooleanField(_("offered"), default=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("work type")
        verbose_name_plural = _("work types")
        indexes = [models.Index(fields=["tenant", "position"], name="tickets_work_type_position")]

    def __str__(self) -> str:
        return str(self.name)


class TimeEntryQuerySet(models.QuerySet["TimeEntry"]):
    def counted(self) -> "TimeEntryQuerySet":
        """Those that stand: a corrected entry counts as its correction says."""
        return self.filter(corrected_by__isnull=True)


class TimeEntry(TenantModel):
    """Minutes worked on a ticket: what an invoice is made of (B22). A mistake is corrected by another row."""

    append_only = True

    ticket = TenantForeignKey(Ticket, models.PROTECT, related_name="time_entries")
    person = TenantForeignKey(Person, models.PROTECT, related_name="+", verbose_name=_("worked by"))
    work_type = TenantForeignKey(WorkType, models.PROTECT, null=True, related_name="+", verbose_name=_("work type"))
    # 0 only in a correction: it was not worked at all.
    minutes = models.PositiveIntegerField(
        _("minutes"), validators=[MinValueValidator(0), MaxValueValidator(LONGEST_ENTRY)]
    )
    description = models.CharField(_("what was done"), max_length=200)
    is_billable = models.BooleanField(_("billable"), default=True)
    worked_on = models.DateField(_("day"), default=timezone.localdate)
    corrects = TenantForeignKey("self", models.PROTECT, null=True, related_name="corrected_by")
    # Who wrote it down; the work is the person's.
    recorded_by = TenantForeignKey(Person, models.PROTECT, null=True, related_name="+")
    # The form's own number: a form sent twice is one entry.
    submission = models.UUIDField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now)

    objects = TenantManager.from_queryset(TimeEntryQuerySet)()

    class Meta:
        verbose_name = _("time entry")
        verbose_name_plural = _("time entries")
        base_manager_name = "tenant_rows"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "corrects"],
                condition=models.Q(corrects__isnull=False),
                name="tickets_entry_corrected_once",
            ),
            models.UniqueConstraint(
                fields=["tenant", "submission"],
                condition=models.Q(submission__isnull=False),
                name="tickets_entry_submission",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.minutes} min, {self.description}"
