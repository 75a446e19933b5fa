"""What may differ from the desk's policy: the same columns on a request type and on a contract."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

LONGEST_PERIOD = 365
A_PERIOD = [MinValueValidator(1), MaxValueValidator(LONGEST_PERIOD)]


class PolicyOverrides(models.Model):
    """Empty means: as the desk has it."""

    threshold_minutes = models.PositiveIntegerField(_("minutes of work without approval"), null=True, blank=True)
    tolerance_percent = models.PositiveSmallIntegerField(
        _("tolerated overrun, per cent"), null=True, blank=True, validators=[MaxValueValidator(100)]
    )
    review_days = models.PositiveIntegerField(
        _("days for the review of a solution"), null=True, blank=True, validators=A_PERIOD
    )
    information_days = models.PositiveIntegerField(
        _("days to answer a question"), null=True, blank=True, validators=A_PERIOD
    )
    estimate_days = models.PositiveIntegerField(
        _("days for which an estimate is valid"), null=True, blank=True, validators=A_PERIOD
    )
    reopen_days = models.PositiveIntegerField(
        _("days in which a closed request can be reopened"), null=True, blank=True
    )
    business_days = models.BooleanField(_("count business days only"), null=True, blank=True)

    class Meta:
        abstract = True


POLICY_COLUMNS = tuple(field.name for field in PolicyOverrides._meta.local_fields)
