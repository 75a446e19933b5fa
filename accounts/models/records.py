"""What every app needs: history, files, numbers, sessions."""

import uuid
from typing import Any

from django.contrib.sessions.base_session import AbstractBaseSession
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.people import Person
from accounts.tenancy import current_tenant_id
from accounts.tenancy.constraints import TenantPolicy
from accounts.tenancy.models import TenantForeignKey, TenantModel


class Event(TenantModel):
    """Something that happened, written in the transaction that made it happen and never changed.

    It names people by id only, so that erasing a person needs no change here.
    """

    append_only = True

    at = models.DateTimeField(_("at"), default=timezone.now)
    # 'ticket.delivered': the noun and what was done to it.
    kind = models.CharField(_("kind"), max_length=60)
    # The row it is about, by label and id: a key would point to the right in the line of apps.
    subject_label = models.CharField(max_length=60)
    subject_id = models.BigIntegerField()
    by = TenantForeignKey(Person, models.PROTECT, null=True, related_name="+", verbose_name=_("by"))
    data = models.JSONField(default=dict, encoder=DjangoJSONEncoder)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        indexes = [models.Index(fields=["tenant", "subject_label", "subject_id", "id"], name="accounts_event_subject")]

    def __str__(self) -> str:
        return f"{self.kind} #{self.subject_id}"


class StoredFile(TenantModel):
    """A file under a server-made name. Who may read it is decided by what it is attached to."""

    key = models.CharField(max_length=120)
    # As shown to people: made harmless by accounts.names, never part of a path.
    name = models.CharField(_("file name"), max_length=150)
    size = models.BigIntegerField(_("size"))
    # Judged from the content by us, not believed from the sender.
    content_type = models.CharField(max_length=100)
    sha256 = models.CharField(max_length=64)
    uploaded_by = TenantForeignKey(Person, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    # A small picture that we drew ourselves (accounts.thumbnails); empty where there is none.
    thumbnail_key = models.CharField(max_length=120, blank=True, default="", editable=False)
    # Since when it waits to be drawn.
    thumbnail_due_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("file")
        verbose_name_plural = _("files")
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="accounts_file_key")]
        indexes = [
            models.Index(
                fields=["tenant", "thumbnail_due_at"],
                condition=models.Q(thumbnail_due_at__isnull=False),
                name="accounts_file_thumbnail_due",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Upload(TenantModel):
    """A file that a person sends in pieces, before the form that it belongs to. Nobody else ever reads it.

    It has a StoredFile once it is complete, and stays for a while after a form has taken it: the same form may come
    twice, and names it again.
    """

    public_id = models.UUIDField(default=uuid.uuid4, editable=False)
    person = TenantForeignKey(Person, models.CASCADE, related_name="uploads")
    name = models.CharField(_("file name"), max_length=150)
    size = models.BigIntegerField(_("size"))
    # How much of it has arrived: the offset of the next piece.
    received = models.BigIntegerField(default=0)
    # The key and SHA-256 of each piece, in their order; none once they are put together.
    pieces = models.JSONField(default=list)
    file = TenantForeignKey(StoredFile, models.PROTECT, null=True, related_name="+")
    used_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("upload")
        verbose_name_plural = _("uploads")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "public_id"], name="accounts_upload_public_id"),
            models.CheckConstraint(
                condition=models.Q(received__gte=0, received__lte=models.F("size")), name="accounts_upload_received"
            ),
        ]
        indexes = [models.Index(fields=["tenant", "created_at"], name="accounts_upload_age")]

    def __str__(self) -> str:
        return self.name


class Counter(TenantModel):
    """Numbers without gaps or doubles: one locked row per series."""

    series = models.CharField(max_length=40)
    value = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "series"], name="accounts_counter_series")]

    def __str__(self) -> str:
        return f"{self.series}: {self.value}"

    @classmethod
    def next(cls, series: str) -> int:
        """The next number of a series, from 1. Holds the series' row until the transaction ends, so no gap arises."""
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO accounts_counter (tenant_id, series, value) VALUES (%s, %s, 1) "
                "ON CONFLICT (tenant_id, series) DO UPDATE SET value = accounts_counter.value + 1 RETURNING value",
                [current_tenant_id(), series],
            )
            return int(cursor.fetchone()[0])


class Session(AbstractBaseSession):
    """A session belongs to a tenant: on another's host it does not exist, by policy (see accounts.sessions)."""

    tenant = models.ForeignKey(
        "accounts.Tenant", models.CASCADE, default=current_tenant_id, related_name="+", db_index=False
    )
    user_id = models.BigIntegerField(null=True, db_index=True)
    # What its owner knows it by (accounts.places); empty for visitors.
    browser = models.CharField(max_length=60, blank=True)
    address = models.GenericIPAddressField(null=True)
    created_at = models.DateTimeField(null=True)
    last_seen_at = models.DateTimeField(null=True)

    class Meta(AbstractBaseSession.Meta):
        db_table = "accounts_session"
        constraints = [TenantPolicy(name="accounts_session_tenant_policy")]

    @classmethod
    def get_session_store_class(cls) -> Any:
        from accounts.sessions import SessionStore

        return SessionStore
