"""What can be asked for: topic groups with request types (B3)."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Person, PolicyOverrides
from accounts.models.people import may_answer
from accounts.tenancy.models import TenantForeignKey, TenantManager, TenantModel
from accounts.texts import TextsField


class TopicGroup(TenantModel):
    name = TextsField(_("name"))
    icon = models.CharField(_("icon"), max_length=30, default="question")
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("topic")
        verbose_name_plural = _("topics")
        indexes = [models.Index(fields=["tenant", "position"], name="tickets_group_position")]

    def __str__(self) -> str:
        return str(self.name)


class RequestTypeQuerySet(models.QuerySet["RequestType"]):
    def offered(self) -> "RequestTypeQuerySet":
        return self.filter(is_active=True)


class RequestType(PolicyOverrides, TenantModel):
    """One kind of request: an icon, a name, a sentence with an example, and what differs from the desk's policy."""

    group = TenantForeignKey(TopicGroup, models.PROTECT, related_name="types", verbose_name=_("topic"))
    name = TextsField(_("name"))
    sentence = TextsField(_("sentence with an example"), blank=True)
    icon = models.CharField(_("icon"), max_length=30, default="question")
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_active = models.BooleanField(_("offered"), default=True)
    # Who gets it first; empty: by load.
    default_assignee = TenantForeignKey(
        Person,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        limit_choices_to=may_answer,
        verbose_name=_("assigned to"),
    )
    # What the form asks besides its own fields.
    asks_summary = models.BooleanField(
        _("asks for a summary"), default=True, help_text=_("If not, the first line of the description is the summary.")
    )
    asks_description = models.BooleanField(_("asks for a description"), default=True)
    needs_description = models.BooleanField(_("a description must be given"), default=False)
    description_label = TextsField(_("other words for “Description”"), blank=True, default=dict)
    asks_due_date = models.BooleanField(_("asks for a due date"), default=True)
    # What may be asked here and what not (M8).
    scope = TextsField(_("what is helped with here"), blank=True, default=dict)
    # Faults and warranty claims are not: no threshold, and no charge but by an accepted estimate (A8).
    is_billable = models.BooleanField(_("billable"), default=True)

    objects = TenantManager.from_queryset(RequestTypeQuerySet)()

    class Meta:
        verbose_name = _("request type")
        verbose_name_plural = _("request types")
        base_manager_name = "tenant_rows"
        indexes = [models.Index(fields=["tenant", "group", "position"], name="tickets_type_position")]

    def __str__(self) -> str:
        return str(self.name)
