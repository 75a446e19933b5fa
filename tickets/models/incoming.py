from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import StoredFile
from accounts.tenancy.models import TenantForeignKey, TenantModel
from tickets.models.catalogue import RequestType
from tickets.models.conversation import Comment
from tickets.models.ticket import Ticket


class Mailbox(TenantModel):
    """An address whose mail becomes requests."""

    # Normalised; it leads to one desk, so it is unique among all of them.
    address = models.CharField(_("address"), max_length=254)
    request_type = TenantForeignKey(
        RequestType, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("request type")
    )
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("mailbox")
        verbose_name_plural = _("mailboxes")
        constraints = [models.UniqueConstraint(fields=["address"], name="tickets_mailbox_address")]

    def __str__(self) -> str:
        return self.address


class IncomingState(models.TextChoices):
    RECEIVED = "received", _("received")
    TICKET = "ticket", _("became a ticket")
    COMMENT = "comment", _("became a comment")
    AUTOMATIC = "automatic", _("automatic, not answered")
    IGNORED = "ignored", _("ignored")
    FAILED = "failed", _("failed, tried again")
    QUARANTINED = "quarantined", _("set aside after failing")


class IncomingMessage(TenantModel):
    """A message as it came, stored before anything is done with it, and what became of it."""

    mailbox = TenantForeignKey(Mailbox, models.PROTECT, related_name="messages", verbose_name=_("mailbox"))
    envelope_from = models.CharField(_("from"), max_length=320, blank=True)
    # With our signed part, which says whose reply it is.
    envelope_to = models.CharField(_("to"), max_length=320)
    raw = TenantForeignKey(StoredFile, models.PROTECT, related_name="+")
    sha256 = models.CharField(max_length=64)
    received_at = models.DateTimeField(_("received at"), default=timezone.now)
    state = models.CharField(_("state"), max_length=12, choices=IncomingState, default=IncomingState.RECEIVED)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    message_id = models.CharField(max_length=255, blank=True)
    ticket = TenantForeignKey(Ticket, models.PROTECT, null=True, related_name="incoming", verbose_name=_("ticket"))
    comment = TenantForeignKey(Comment, models.SET_NULL, null=True, related_name="incoming")
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    # When to process (again); empty when done.
    next_try_at = models.DateTimeField(null=True, default=timezone.now)

    class Meta:
        verbose_name = _("incoming e-mail")
        verbose_name_plural = _("incoming e-mails")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "mailbox", "envelope_to", "sha256"], name="tickets_incoming_once")
        ]
        indexes = [
            models.Index(
                fields=["tenant", "next_try_at"],
                condition=models.Q(next_try_at__isnull=False),
                name="tickets_incoming_due",
            ),
            models.Index(fields=["tenant", "message_id"], name="tickets_incoming_message_id"),
        ]

    def __str__(self) -> str:
        return f"{self.envelope_from} {self.received_at:%Y-%m-%d %H:%M}"
