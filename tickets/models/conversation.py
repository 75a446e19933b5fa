from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Person, StoredFile
from accounts.tenancy.models import TenantForeignKey, TenantManager, TenantModel
from tickets.models.ticket import Channel, Ticket
from tickets.querysets import CommentQuerySet


class Comment(TenantModel):
    """Words on a ticket: a reply that the customer reads, or a note for colleagues."""

    ticket = TenantForeignKey(Ticket, models.CASCADE, related_name="comments")
    author = TenantForeignKey(Person, models.PROTECT, related_name="+", verbose_name=_("author"))
    text = models.TextField(_("text"), max_length=100_000)
    # What an e-mail repeated of earlier ones: folded on the page, never thrown away.
    quoted = models.TextField(blank=True, default="")
    is_internal = models.BooleanField(_("internal note"), default=False)
    channel = models.CharField(_("channel"), max_length=10, choices=Channel, default=Channel.PORTAL)
    # False: it came by e-mail and nothing proves that the author wrote it. It changes no state.
    is_verified = models.BooleanField(default=True)
    # The form's own number: a form sent twice is one comment.
    submission = models.UUIDField(null=True, editable=False)
    created_at = models.DateTimeField(_("written at"), default=timezone.now)

    objects = TenantManager.from_queryset(CommentQuerySet)()

    class Meta:
        verbose_name = _("comment")
        verbose_name_plural = _("comments")
        base_manager_name = "tenant_rows"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "submission"],
                condition=models.Q(submission__isnull=False),
                name="tickets_comment_submission",
            )
        ]
        indexes = [models.Index(fields=["tenant", "ticket", "id"], name="tickets_conversation")]

    def __str__(self) -> str:
        return self.text[:80]


class Attachment(TenantModel):
    """A file on a ticket, or on one of its comments: who may read those may read it."""

    ticket = TenantForeignKey(Ticket, models.CASCADE, related_name="attachments")
    comment = TenantForeignKey(Comment, models.CASCADE, null=True, related_name="attachments")
    file = TenantForeignKey(StoredFile, models.PROTECT, related_name="attachments")

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")

    def __str__(self) -> str:
        return self.file.name
