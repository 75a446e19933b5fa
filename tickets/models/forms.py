"""What a request type asks besides the usual: its fields, their choices, and what was answered."""

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import models
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from accounts.phones import shown_phone
from accounts.tenancy.models import TenantForeignKey, TenantModel
from accounts.texts import Texts, TextsField
from tickets.models.catalogue import RequestType
from tickets.models.ticket import Ticket


class FieldKind(models.TextChoices):
    LINE = "line", _("one line of text")
    TEXT = "text", _("several lines of text")
    NUMBER = "number", _("number")
    DATE = "date", _("date")
    CHOICE = "choice", _("choice from a list")
    CHECKBOX = "checkbox", _("checkbox")
    PHONE = "phone", _("telephone number")
    EMAIL = "email", _("e-mail address")
    ORGANISATION = "organisation", _("one of the applicant's organisations")
    # These stand on the ticket itself, and a type has each of them once.
    PRODUCT = "product", _("product (covered ones are marked)")
    COMPONENT = "component", _("component of the chosen product")
    KIND = "kind", _("kind of request, by contract")
    SYSTEM = "system", _("system information")


# What becomes a column of the ticket; all others become answers.
ON_TICKET = (FieldKind.PRODUCT, FieldKind.COMPONENT, FieldKind.KIND, FieldKind.SYSTEM)
# Whose answers are one of a few, so that another field can depend on them.
DECIDING = (FieldKind.CHOICE, FieldKind.CHECKBOX, FieldKind.KIND, FieldKind.PRODUCT)
YES = "yes"


class FormField(TenantModel):
    """One question of a request type's form."""

    class Meaning(models.TextChoices):
        NONE = "", _("nothing but what it says")
        NEW_NAME = "new_name", _("full name of a new user")
        NEW_EMAIL = "new_email", _("e-mail address of a new user")
        NEW_PHONE = "new_phone", _("telephone of a new user")

    request_type = TenantForeignKey(RequestType, models.CASCADE, related_name="fields", verbose_name=_("request type"))
    kind = models.CharField(_("kind of answer"), max_length=12, choices=FieldKind, default=FieldKind.LINE)
    label = TextsField(_("question"))
    hint = TextsField(_("hint below it"), blank=True, default=dict)
    is_required = models.BooleanField(_("must be answered"), default=False)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_active = models.BooleanField(_("asked"), default=True)
    meaning = models.CharField(_("meaning"), max_length=12, choices=Meaning, default=Meaning.NONE, blank=True)
    # The other choice by whose answer this one's choices are sorted out.
    depends_on = TenantForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="dependants", verbose_name=_("choices depend on")
    )
    # [["12", "error"], …]: a field's id and one of its values. Empty: always shown; required only by `is_required`.
    # Any one of them is enough.
    shown_when = models.JSONField(_("shown only when"), default=list, blank=True)
    required_when = models.JSONField(_("must be answered when"), default=list, blank=True)

    class Meta:
        verbose_name = _("field of a form")
        verbose_name_plural = _("fields of forms")
        base_manager_name = "tenant_rows"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "request_type", "kind"],
                condition=models.Q(kind__in=[kind.value for kind in ON_TICKET]),
                name="tickets_field_of_ticket_once",
                violation_error_message=_("A form asks for this only once. It stands in another field already."),
            )
        ]
        indexes = [models.Index(fields=["tenant", "request_type", "position"], name="tickets_field_position")]

    def __str__(self) -> str:
        return str(self.label)

    @property
    def name(self) -> str:
        """Of its box in the form, and how other fields' conditions call it."""
        return self.kind if self.kind in ON_TICKET else f"field-{self.pk}"


class FieldOption(TenantModel):
    """One of the choices of a field."""

    field = TenantForeignKey(FormField, models.CASCADE, related_name="options", verbose_name=_("field"))
    label = TextsField(_("choice"))
    # Offered only when the field that this one depends on has that choice; empty: always.
    parent = TenantForeignKey(
        "self", models.CASCADE, null=True, blank=True, related_name="children", verbose_name=_("offered with")
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_active = models.BooleanField(_("offered"), default=True)

    class Meta:
        verbose_name = _("choice")
        verbose_name_plural = _("choices")
        base_manager_name = "tenant_rows"
        indexes = [models.Index(fields=["tenant", "field", "position"], name="tickets_option_position")]

    def __str__(self) -> str:
        return str(self.label)


class Answer(TenantModel):
    """What was answered to a field, with the question as it was put: a form that changes later changes no request."""

    ticket = TenantForeignKey(Ticket, models.CASCADE, related_name="answers", verbose_name=_("ticket"))
    field = TenantForeignKey(FormField, models.SET_NULL, null=True, related_name="+", verbose_name=_("field"))
    kind = models.CharField(max_length=12, choices=FieldKind)
    meaning = models.CharField(max_length=12, choices=FormField.Meaning, default="", blank=True)
    label = TextsField(_("question"))
    # A text, true, a number as text, a day as 2026-12-05, or a choice as {"texts": {"lv": …}}.
    value = models.JSONField(_("answer"))
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("answer")
        verbose_name_plural = _("answers")
        indexes = [models.Index(fields=["tenant", "ticket", "position"], name="tickets_answer_position")]

    def __str__(self) -> str:
        return f"{self.label}: {self.shown}"

    @property
    def shown(self) -> str:
        """In the reader's language and forms."""
        return shown_value(self.kind, self.value)


def shown_value(kind: str, value: Any) -> str:
    match kind:
        case FieldKind.CHECKBOX:
            return _g("yes") if value else _g("no")
        case FieldKind.CHOICE:
            return str(Texts(value["texts"]))
        case FieldKind.DATE:
            return date_format(date.fromisoformat(value), "DATE_FORMAT")
        case FieldKind.NUMBER:
            try:
                return number_format(Decimal(value), use_l10n=True, force_grouping=True)
            except InvalidOperation:
                return str(value)
        case FieldKind.PHONE:
            return shown_phone(value)
    return str(value)
