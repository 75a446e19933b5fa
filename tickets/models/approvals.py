import hashlib

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from accounts.tenancy.models import TenantForeignKey, TenantModel
from tickets.models.estimates import Estimate
from tickets.models.ticket import Channel, Ticket


class Approval(TenantModel):
    """The proof of an acceptance: who, when, from where, and the exact words with their hash. Never changed.

    `record` is all of it as it was hashed (tickets.proof); the columns repeat what is looked up and shown.
    """

    append_only = True

    class Subject(models.TextChoices):
        SOLUTION = "solution", _("solution")
        ESTIMATE = "estimate", _("estimate")

    class Manner(models.TextChoices):
        BUTTON = "button", _("by the button")
        EMAIL = "email", _("on the page behind an e-mail’s button")
        PROGRAM = "program", _("by a program with the person’s token")
        QUOTED = "quoted", _("in the customer's words, written down by an agent")
        SILENCE = "silence", _("by silence")

    ticket = TenantForeignKey(Ticket, models.PROTECT, related_name="approvals")
    subject = models.CharField(max_length=10, choices=Subject)
    manner = models.CharField(max_length=10, choices=Manner)
    # The version that was accepted; empty for a solution.
    estimate = TenantForeignKey(Estimate, models.PROTECT, null=True, related_name="approvals")
    amount = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    currency = models.CharField(max_length=3, blank=True)
    # Who accepted; empty for silence.
    person = TenantForeignKey(Person, models.PROTECT, null=True, related_name="+")
    # In whose place a deputy decided.
    in_place_of = TenantForeignKey(Person, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    from_address = models.GenericIPAddressField(null=True)
    # What was accepted, word for word as the page or the notice said it, in that language.
    text = models.TextField()
    # The agent who wrote down what the customer said, the words, where and when they were said.
    recorded_by = TenantForeignKey(Person, models.PROTECT, null=True, related_name="+")
    words = models.TextField(blank=True)
    channel = models.CharField(max_length=10, choices=Channel, blank=True)
    said_at = models.DateTimeField(null=True)
    # The number of the e-mail's link: it opens one decision, once.
    link = models.CharField(max_length=32, blank=True)
    # Set when this row takes an earlier acceptance back.
    takes_back = TenantForeignKey("self", models.PROTECT, null=True, related_name="taken_back_by")
    record = models.TextField(blank=True)
    sha256 = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("approval")
        verbose_name_plural = _("approvals")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "link"], condition=~models.Q(link=""), name="tickets_approval_link_once"
            ),
            models.UniqueConstraint(
                fields=["tenant", "takes_back"],
                condition=models.Q(takes_back__isnull=False),
                name="tickets_approval_taken_back_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id} {self.subject} {self.manner}"

    @property
    def proved(self) -> str:
        """What the hash is of. The first records were hashed by their text alone."""
        return self.record or self.text

    @property
    def is_intact(self) -> bool:
        return hashlib.sha256(self.proved.encode()).hexdigest() == self.sha256
