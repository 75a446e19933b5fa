from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import StoredFile
from accounts.tenancy.models import TenantForeignKey, TenantModel
from tickets.models.conversation import Comment
from tickets.models.mailboxes import Mailbox
from tickets.models.ticket import Ticket


class IncomingState(models.TextChoices):
    RECEIVED = "received", _("received")
    TICKET = "ticket", _("became a ticket")
    COMMENT = "comment", _("became a comment")
    AUTOMATIC = "automatic", _("automatic, not answered")
    IGNORED = "ignored", _("ignored")
    FAILED = "failed", _("failed, tried again")
    QUARANTINED = "quarantined", _("set aside")


class Source(models.TextChoices):
    SMTP = "smtp", _("sent to this server")
    IMAP = "imap", _("collected by IMAP")
    PIPE = "pipe", _("from a pipe or a file")


class Reason:
    """Why nothing came of a message, in the words of the report for operators."""

    NO_SENDER = "no single sender address"
    OWN = "from an address of this desk"
    COPY = "the same message came before"
    TOO_OFTEN = "too many e-mails from this address in an hour"
    LEFT = "looked at and left"
    NOBODY = "sent in nobody's name"


# The envelope's sender where a mail server says that nobody is to be answered (RFC 5321, 4.5.5).
NOBODY = "<>"


class IncomingMessage(TenantModel):
    """A message as it came, stored before anything is done with it, and what became of it."""

    mailbox = TenantForeignKey(Mailbox, models.PROTECT, related_name="messages", verbose_name=_("mailbox"))
    source = models.CharField(_("source"), max_length=4, choices=Source, default=Source.SMTP)
    # As the delivering server said. Empty from SMTP means: no answer is wanted.
    envelope_from = models.CharField(_("sender"), max_length=320, blank=True)
    # With our signed part, which says whose reply it is.
    envelope_to = models.CharField(_("to"), max_length=320)
    raw = TenantForeignKey(StoredFile, models.PROTECT, related_name="+")
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField(_("size"), default=0)
    # True: the message was larger than anything we take, and only its beginning is here.
    is_cut = models.BooleanField(default=False)
    received_at = models.DateTimeField(_("received at"), default=timezone.now)

    state = models.CharField(_("state"), max_length=12, choices=IncomingState, default=IncomingState.RECEIVED)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    ticket = TenantForeignKey(Ticket, models.PROTECT, null=True, related_name="incoming", verbose_name=_("ticket"))
    comment = TenantForeignKey(Comment, models.SET_NULL, null=True, related_name="incoming")
    # The message that this one repeats.
    same_as = TenantForeignKey("self", models.PROTECT, null=True, related_name="repeated")
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    # When to process (again); empty when done.
    next_try_at = models.DateTimeField(null=True, default=timezone.now)
    done_at = models.DateTimeField(null=True)

    # ---- what was read in it ----
    message_id = models.CharField(max_length=255, blank=True)
    # The same for two copies of one message, however they travelled; '' until it was read.
    identity = models.CharField(max_length=64, blank=True)
    from_address = models.CharField(_("from"), max_length=320, blank=True)
    from_name = models.CharField(max_length=200, blank=True)
    subject = models.CharField(_("subject"), max_length=500, blank=True)
    text_length = models.PositiveIntegerField(default=0)
    # What it said, digits and space aside: an answering machine says the same every time.
    text_sha256 = models.CharField(max_length=64, blank=True)
    # [{"name", "type", "size", "kept"}]; 'kept' is false for what was too large or too much.
    attachments = models.JSONField(default=list)
    # Who got a copy, [{"name", "address"}]: shown to agents where the sender is not proved.
    copied = models.JSONField(default=list)
    # It came by way of a mail server of the operator's or the desk's own, whose word about the sender may count.
    by_relay = models.BooleanField(default=True)
    # Something showed that the sender wrote it (tickets.mail.vouching).
    is_proved = models.BooleanField(default=False)
    # 'bounce', 'auto_reply', 'list', 'own'; '' for a person's.
    automatic = models.CharField(max_length=10, blank=True)

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
            models.Index(fields=["tenant", "identity"], name="tickets_incoming_identity"),
            models.Index(fields=["tenant", "from_address", "-received_at"], name="tickets_incoming_sender"),
            models.Index(
                fields=["tenant", "-id"], condition=models.Q(state="quarantined"), name="tickets_incoming_set_aside"
            ),
        ]

    def __str__(self) -> str:
        return self.subject or self.from_address or self.envelope_from or f"{self.pk}"
