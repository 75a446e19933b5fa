from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from accounts.tenancy.models import TenantForeignKey, TenantModel
from tickets.models.ticket import Ticket


class Approval(TenantModel):
    """The proof of an acceptance: who, when, from where, and the exact words with their hash. Never changed."""

    append_only = True

    class Subject(models.TextChoices):
        SOLUTION = "solution", _("solution")

    class Manner(models.TextChoices):
        BUTTON = "button", _("by the button")
        SILENCE = "silence", _("by silence")

    ticket = TenantForeignKey(Ticket, models.PROTECT, related_name="approvals")
    subject = models.CharField(max_length=10, choices=Subject)
    manner = models.CharField(max_length=10, choices=Manner)
    # Empty for silence.
    person = TenantForeignKey(Person, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    from_address = models.GenericIPAddressField(null=True)
    # What was accepted, word for word as the page or the notice said it, in that language.
    text = models.TextField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("approval")
        verbose_name_plural = _("approvals")

    def __str__(self) -> str:
        return f"{self.ticket_id} {self.subject} {self.manner}"
