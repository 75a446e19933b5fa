"""The outbox: what goes out is a row in the transaction that caused it, and is delivered after."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from accounts.tenancy.models import TenantForeignKey, TenantManager, TenantModel


class OutboxState(models.TextChoices):
    QUEUED = "queued", _("queued")
    SENT = "sent", _("sent")
    FAILED = "failed", _("failed")


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
    """One e-mail to one address, written out when it was caused, so that it says what was true then."""

    to_person = TenantForeignKey(Person, models.PROTECT, null=True, related_name="+", verbose_name=_("to"))
    to_address = models.CharField(_("address"), max_length=254)
    from_name = models.CharField(max_length=60)
    from_address = models.CharField(max_length=254)
    reply_to = models.CharField(max_length=254, blank=True)
    subject = models.CharField(_("subject"), max_length=300)
    text = models.TextField(_("text"))
    html = models.TextField()
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

    state = models.CharField(_("state"), max_length=10, choices=OutboxState, default=OutboxState.QUEUED)
    created_at = models.DateTimeField(_("written at"), default=timezone.now)
    # When to try (again). A delivery moves it ahead before it begins, so that two never send the same row at once.
    next_try_at = models.DateTimeField(_("next try"), default=timezone.now)
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
