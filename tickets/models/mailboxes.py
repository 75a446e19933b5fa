"""Where mail comes in: addresses, the servers it is collected from, and what subjects say."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.tenancy.models import TenantForeignKey, TenantModel
from tickets.models.catalogue import RequestType


class Way(models.TextChoices):
    """How a mailbox's mail reaches us."""

    LISTENER = "listener", _("sent to this server")  # by MX, by forwarding or by a pipe
    IMAP = "imap", _("collected by IMAP")


class Security(models.TextChoices):
    TLS = "tls", _("TLS")
    STARTTLS = "starttls", _("STARTTLS")
    NONE = "none", _("none")


class LogIn(models.TextChoices):
    PASSWORD = "password", _("password")
    MICROSOFT = "microsoft", _("Microsoft 365")
    GOOGLE = "google", _("Google Workspace")


class AfterStoring(models.TextChoices):
    SEEN = "seen", _("mark as read")
    MOVE = "move", _("move to a folder")
    DELETE = "delete", _("delete")


class FirstTime(models.TextChoices):
    """What to take of the mail that lies there when we first look."""

    UNREAD = "unread", _("what nobody has read")
    ALL = "all", _("everything")
    NONE = "none", _("nothing, only what comes from now on")


class Mailbox(TenantModel):
    """An address whose mail becomes requests."""

    # Normalised; it leads to one desk, so it is unique among all of them.
    address = models.CharField(_("address"), max_length=254)
    request_type = TenantForeignKey(
        RequestType, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("request type")
    )
    is_active = models.BooleanField(_("active"), default=True)
    # The name under which our own relay writes Authentication-Results: what it vouches for is believed. Empty: nobody.
    relay = models.CharField(_("trusted relay"), max_length=253, blank=True)
    way = models.CharField(_("how mail gets here"), max_length=8, choices=Way, default=Way.LISTENER)

    # ---- for IMAP ----
    host = models.CharField(_("server"), max_length=253, blank=True)
    port = models.PositiveIntegerField(
        _("port"), default=993, validators=[MinValueValidator(1), MaxValueValidator(65_535)]
    )
    security = models.CharField(_("encryption"), max_length=8, choices=Security, default=Security.TLS)
    username = models.CharField(_("user name"), max_length=254, blank=True)
    folder = models.CharField(_("folder"), max_length=200, default="INBOX")
    log_in = models.CharField(_("log-in"), max_length=9, choices=LogIn, default=LogIn.PASSWORD)
    after_storing = models.CharField(
        _("when a message is stored"), max_length=6, choices=AfterStoring, default=AfterStoring.SEEN
    )
    move_to = models.CharField(_("folder to move to"), max_length=200, blank=True)
    first_time = models.CharField(
        _("at the first collection, take"), max_length=6, choices=FirstTime, default=FirstTime.UNREAD
    )
    # Sealed (accounts.sealed).
    password = models.TextField(blank=True, editable=False)
    client_id = models.CharField(_("client id"), max_length=200, blank=True)
    client_secret = models.TextField(blank=True, editable=False)
    # Microsoft's directory; 'common' serves any.
    directory = models.CharField(_("directory (tenant) id"), max_length=100, blank=True)
    refresh_token = models.TextField(blank=True, editable=False)
    access_token = models.TextField(blank=True, editable=False)
    access_ends_at = models.DateTimeField(null=True, editable=False)

    # ---- how far we are ----
    uid_validity = models.BigIntegerField(null=True, editable=False)
    last_uid = models.BigIntegerField(default=0, editable=False)
    # Messages that the server would not give: {"17": {"tries": 2, "error": "its words"}}.
    troubles = models.JSONField(default=dict, editable=False)
    # Until then one collector has this mailbox for itself; killed, it has lost it after that.
    held_until = models.DateTimeField(null=True, editable=False)
    # When to look again; empty where there is nothing to look for.
    next_look_at = models.DateTimeField(null=True, editable=False)
    has_idle = models.BooleanField(default=False, editable=False)
    last_ok_at = models.DateTimeField(_("last checked at"), null=True, editable=False)
    error = models.CharField(_("error"), max_length=500, blank=True, editable=False)
    failing_since = models.DateTimeField(_("failing since"), null=True, editable=False)

    class Meta:
        verbose_name = _("mailbox")
        verbose_name_plural = _("mailboxes")
        constraints = [models.UniqueConstraint(fields=["address"], name="tickets_mailbox_address")]
        indexes = [
            models.Index(
                fields=["next_look_at"],
                condition=models.Q(next_look_at__isnull=False, is_active=True),
                name="tickets_mailbox_due",
            )
        ]

    def __str__(self) -> str:
        return self.address

    @property
    def is_collected(self) -> bool:
        return self.way == Way.IMAP


class SubjectRule(TenantModel):
    """A subject that says what kind of request it is: 'Jauns Service Desk lietotājs' asks for a new user (B21)."""

    mailbox = TenantForeignKey(
        Mailbox, models.CASCADE, null=True, blank=True, related_name="rules", verbose_name=_("only for mailbox")
    )
    # Compared without regard to case, accents and what mail programs put in front.
    begins_with = models.CharField(_("subject begins with"), max_length=200)
    request_type = TenantForeignKey(
        RequestType, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("request type")
    )
    language = models.CharField(_("language"), max_length=2, choices=settings.LANGUAGES, blank=True)

    class Meta:
        verbose_name = _("subject rule")
        verbose_name_plural = _("subject rules")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "mailbox", "begins_with"], name="tickets_subject_rule", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return self.begins_with
