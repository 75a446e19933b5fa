"""The terms under which a desk works: versions that are published once, and who accepted which."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.people import Person
from accounts.tenancy.models import TenantForeignKey, TenantManager, TenantModel
from accounts.texts import LongTextsField, TextsField


class TermsVersionQuerySet(models.QuerySet["TermsVersion"]):
    def published(self) -> "TermsVersionQuerySet":
        """The newest first: that one is in force."""
        return self.filter(published_at__isnull=False).order_by("-number")


class TermsVersion(TenantModel):
    """A draft until it is published. From then on it is in force until the next one, and the database refuses to change
    or remove it: people have accepted these words."""

    # Given when it is published, so that there are no holes.
    number = models.PositiveIntegerField(_("version"), null=True, editable=False)
    title = TextsField(_("title"))
    body = LongTextsField(_("text"))
    needs_consent = models.BooleanField(_("customers have to accept it"), default=True)
    published_at = models.DateTimeField(_("published"), null=True, editable=False)
    published_by = TenantForeignKey(Person, models.PROTECT, null=True, editable=False, related_name="+")

    objects = TenantManager.from_queryset(TermsVersionQuerySet)()

    class Meta:
        verbose_name = _("version of the terms")
        verbose_name_plural = _("terms of service")
        base_manager_name = "tenant_rows"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "number"], name="accounts_terms_number"),
            models.CheckConstraint(
                condition=models.Q(number__isnull=True, published_at__isnull=True)
                | models.Q(number__isnull=False, published_at__isnull=False),
                name="accounts_terms_number_published",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} – {self.title}" if self.number else str(self.title)


class Consent(TenantModel):
    """Somebody accepted a version: when, from where, and exactly which words they saw."""

    append_only = True

    person = TenantForeignKey(Person, models.PROTECT, related_name="consents", verbose_name=_("person"))
    terms = TenantForeignKey(TermsVersion, models.PROTECT, related_name="consents", verbose_name=_("version"))
    at = models.DateTimeField(_("accepted"), default=timezone.now)
    from_address = models.GenericIPAddressField(_("from the network address"), null=True)
    language = models.CharField(_("in the language"), max_length=2)
    # Of the title and the text in that language (accounts.terms.words_of).
    sha256 = models.CharField(_("SHA-256 of the words"), max_length=64)

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("accepted terms")
        constraints = [models.UniqueConstraint(fields=["tenant", "person", "terms"], name="accounts_consent_once")]

    def __str__(self) -> str:
        return f"{self.person}: {self.terms}"
