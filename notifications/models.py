"""The outbox: what goes out is a row in the transaction that caused it, and is delivered after."""

from django.core.serializers.json import DjangoJSONEncoder
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from accounts.tenancy.models import TenantForeignKey, TenantManager, TenantModel


class OutboxState(models.TextChoices):
    QUEUED = "queued", _("queued")
    SENT = "sent", _("sent")
    BOUNCED = "bounced", _("bounced")
    FAILED = "failed", _("failed")


class Going(models.TextChoices):
    """With what a letter goes out."""

    ALONE = "alone", _("at once, alone")
    TOGETHER = "together", _("with what else happens to the same thing within two minutes")
    DIGEST = "digest", _("in a summary")


class OutboxQuerySet(models.QuerySet["OutboxMessage"]):
    def visible_to(self, actor: Person) -> "OutboxQuerySet":
        """Staff follow what was sent; customers read their mail in their mail program."""
        return self if actor.is_staff else self.none()


class NoticeQuerySet(models.QuerySet["Notice"]):
    def visible_to(self, actor: Person) -> "NoticeQuerySet":
        """A notice is for its person alone, staff or not."""
        return self.filter(person=actor) if actor.is_active else self.none()

    def unread(self) -> "NoticeQuerySet":
        return self.filter(read_at__isnull=True)


class OutboxMessage(TenantModel):
    """One piece of news for one address, put into words when it was caused, so that it says what was true then."""

    to_person = TenantForeignKey(Person, models.PROTECT, null=True, related_name="+", verbose_name=_("to"))
    to_address = models.CharField(_("address"), max_length=254)
    from_name = models.CharField(max_length=60)
    from_address = models.CharField(max_length=254)
    reply_to = models.CharField(max_length=254, blank=True)
    subject = models.CharField(_("subject"), max_length=300)
    # The templates' stem and what fills them, in the reader's words: what was true when it was written.
    stem = models.CharField(max_length=60, default="")
    said = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    # What was sent, written out at the last moment: it may say several things at once.
    text = models.TextField(_("text"), blank=True, default="")
    html = models.TextField(blank=True, default="")
    message_id = models.CharField(max_length=255)
    # Message-IDs of the conversation, oldest first.
    references = models.JSONField(default=list)
    # Which letter it is, like 'ticket.delivered'.
    kind = models.CharField(max_length=80)
    # The row it is about, by label and id: a key would point to the right in the line of apps.
    about_label = models.CharField(max_length=60, blank=True)
    about_id = models.BigIntegerField(null=True)
    # Its text holds a link that is as good as a password or a signature: staff do not read it, and it is blanked
    # after delivery.
    is_personal = models.BooleanField(default=False)
    # Asks its reader for something: no summary and no muting holds it back.
    needs_reader = models.BooleanField(default=False)
    going = models.CharField(max_length=8, choices=Going, default=Going.ALONE)
    # The letter that carried this one's news, when it did not go by itself.
    sent_with = TenantForeignKey("self", models.PROTECT, null=True, related_name="carried")

    state = models.CharField(_("state"), max_length=10, choices=OutboxState, default=OutboxState.QUEUED)
    created_at = models.DateTimeField(_("written at"), default=timezone.now)
    # When to try (again). A delivery moves it ahead before it begins, so that two never send the same row at once.
    next_try_at = models.DateTimeField(_("next try"), default=timezone.now)
    # A delivery has it until then.
    claimed_until = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    sent_at = models.DateTimeField(_("sent at"), null=True)
    error = models.CharField(_("the server's words"), max_length=500, blank=True)

    objects = TenantManager.from_queryset(OutboxQuerySet)()

    class Meta:
        verbose_name = _("outgoing e-mail")
        verbose_name_plural = _("outgoing e-mails")
        base_manager_name = "tenant_rows"
        constraints = [models.UniqueConstraint(fields=["tenant", "message_id"], name="notifications_message_id")]
        indexes = [
            models.Index(
                fields=["tenant", "next_try_at"], condition=models.Q(state="queued"), name="notifications_due"
            ),
            models.Index(fields=["tenant", "about_label", "about_id"], name="notifications_about"),
            # What may go along with a letter.
            models.Index(
                fields=["tenant", "to_person"], condition=models.Q(state="queued"), name="notifications_waiting_for"
            ),
            # What did not arrive.
            models.Index(
                fields=["tenant", "-id"],
                condition=models.Q(state__in=["failed", "bounced"]),
                name="notifications_not_arrived",
            ),
        ]

    def __str__(self) -> str:
        return self.subject


class Notice(TenantModel):
    """The same news inside the product: one sentence, and where it leads. A route and a key, no key to the right."""

    person = TenantForeignKey(Person, models.CASCADE, related_name="+", verbose_name=_("to"))
    kind = models.CharField(max_length=80)
    text = models.CharField(_("text"), max_length=500)
    # The name of an address and what fills it: 'request' and 'DESK-38'.
    route = models.CharField(max_length=60)
    key = models.CharField(max_length=40)
    about_label = models.CharField(max_length=60, blank=True)
    about_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(_("written at"), default=timezone.now)
    read_at = models.DateTimeField(null=True)

    objects = TenantManager.from_queryset(NoticeQuerySet)()

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        base_manager_name = "tenant_rows"
        indexes = [
            models.Index(fields=["tenant", "person", "-id"], name="notifications_notices_of"),
            # The bell's number, and what opening a page reads.
            models.Index(
                fields=["tenant", "person", "route", "key"],
                condition=models.Q(read_at__isnull=True),
                name="notifications_unread",
            ),
        ]

    def __str__(self) -> str:
        return self.text


class MailServer(TenantModel):
    """How a desk's mail leaves, when not by the installation's own relay. One at most."""

    class Kind(models.TextChoices):
        SMTP = "smtp", "SMTP"
        MAILGUN = "mailgun", "Mailgun"
        POSTMARK = "postmark", "Postmark"
        BREVO = "brevo", "Brevo"
        MAILJET = "mailjet", "Mailjet"
        RESEND = "resend", "Resend"
        SPARKPOST = "sparkpost", "SparkPost"

    class Security(models.TextChoices):
        TLS = "tls", _("TLS")
        STARTTLS = "starttls", _("STARTTLS")
        NONE = "none", _("none")

    kind = models.CharField(_("service"), max_length=10, choices=Kind, default=Kind.SMTP)
    is_active = models.BooleanField(_("active"), default=True)
    host = models.CharField(_("server"), max_length=253, blank=True)
    port = models.PositiveIntegerField(
        _("port"), default=587, validators=[MinValueValidator(1), MaxValueValidator(65_535)]
    )
    security = models.CharField(_("encryption"), max_length=8, choices=Security, default=Security.STARTTLS)
    username = models.CharField(_("user name or public key"), max_length=254, blank=True)
    # Sealed (accounts.sealed): a password, or a provider's key.
    secret = models.TextField(blank=True, editable=False)
    # Where a provider wants to know it.
    sender_domain = models.CharField(_("sender domain"), max_length=253, blank=True)
    in_europe = models.BooleanField(_("the provider's servers in the European Union"), default=True)

    last_ok_at = models.DateTimeField(_("last message accepted at"), null=True, editable=False)
    error = models.CharField(_("error"), max_length=500, blank=True, editable=False)
    failing_since = models.DateTimeField(_("failing since"), null=True, editable=False)

    class Meta:
        verbose_name = _("mail server")
        verbose_name_plural = _("mail servers")
        constraints = [models.UniqueConstraint(fields=["tenant"], name="notifications_one_server")]

    def __str__(self) -> str:
        return self.get_kind_display()
