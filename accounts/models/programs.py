"""What programs need to act for a person: tokens, and answers kept so that a repeated call does nothing twice."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.people import Person
from accounts.tenancy.models import TenantForeignKey, TenantModel


class ApiToken(TenantModel):
    """Lets a program act as its person. Only the digest is kept: the token itself is shown once, when it is made."""

    person = TenantForeignKey(Person, models.CASCADE, related_name="tokens", verbose_name=_("person"))
    name = models.CharField(_("name"), max_length=60)
    digest = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(_("made at"), default=timezone.now)
    expires_on = models.DateField(_("last day"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True)

    class Meta:
        verbose_name = _("token")
        verbose_name_plural = _("tokens")
        constraints = [models.UniqueConstraint(fields=["tenant", "digest"], name="accounts_token_digest")]

    def __str__(self) -> str:
        return self.name


class KeptAnswer(TenantModel):
    """The answer to a call with an Idempotency-Key: the same call again gets it and changes nothing."""

    person = TenantForeignKey(Person, models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    # Of method, address and body: the same key with another call is a mistake of the program's.
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    body = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "person", "key"], name="accounts_answer_once")]
        indexes = [models.Index(fields=["tenant", "created_at"], name="accounts_answer_age")]

    def __str__(self) -> str:
        return self.key
