"""What a desk writes for its readers: questions and answers, instructions, meeting notes. Each page has an audience."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.organisations import Organisation
from accounts.models.people import Person
from accounts.tenancy.models import TenantForeignKey, TenantManager, TenantModel
from accounts.texts import LongTextsField, TextsField


class Audience(models.TextChoices):
    """Who may read a page. The desk's staff reads all of them."""

    PUBLIC = "public", _("everybody, without log-in too")
    CUSTOMERS = "customers", _("all customers")
    ORGANISATION = "organisation", _("one organisation")


class PageQuerySet(models.QuerySet["Page"]):
    def public(self) -> "PageQuerySet":
        return self.filter(is_published=True, audience=Audience.PUBLIC).order_by("position", "id")

    def visible_to(self, reader: Person | None) -> "PageQuerySet":
        """Published ones: staff all, customers theirs, a visitor and a guest of one request the public ones."""
        published = self.filter(is_published=True)
        if reader is not None and reader.is_staff:
            return published
        allowed = models.Q(audience=Audience.PUBLIC)
        if reader is not None and reader.represents:
            allowed |= models.Q(audience=Audience.CUSTOMERS) | models.Q(organisation_id__in=reader.organisation_ids)
        return published.filter(allowed)


class Page(TenantModel):
    slug = models.SlugField(_("name in the address"), max_length=80, db_index=False)  # the constraint has one
    title = TextsField(_("title"))
    body = LongTextsField(_("text"), help_text=_("Written in Markdown. HTML and images are left out."))
    audience = models.CharField(_("who reads it"), max_length=12, choices=Audience, default=Audience.CUSTOMERS)
    # Exactly of a page for one organisation.
    organisation = TenantForeignKey(
        Organisation,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="pages",
        verbose_name=_("organisation"),
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_published = models.BooleanField(_("published"), default=False)

    objects = TenantManager.from_queryset(PageQuerySet)()

    class Meta:
        verbose_name = _("page")
        verbose_name_plural = _("pages")
        base_manager_name = "tenant_rows"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "slug"], name="accounts_page_slug"),
            models.CheckConstraint(
                condition=models.Q(audience=Audience.ORGANISATION, organisation__isnull=False)
                | (~models.Q(audience=Audience.ORGANISATION) & models.Q(organisation__isnull=True)),
                name="accounts_page_audience",
                violation_error_message=_("Choose an organisation exactly for a page that is for one organisation."),
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "audience", "position"],
                condition=models.Q(is_published=True),
                name="accounts_page_published",
            )
        ]

    def __str__(self) -> str:
        return str(self.title) or self.slug
