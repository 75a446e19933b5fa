"""The fields of a request type's form, made by managers: questions, choices, and when they are asked."""

from typing import Any

from django import forms
from django.contrib.admin import display
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import row_number
from accounts.admin import DeskAdmin, Rows
from accounts.models import Product
from accounts.permissions import is_manager
from tickets.models import FieldKind, FieldOption, FormField
from tickets.models.forms import DECIDING, YES
from tickets.models.ticket import Kind

MOST_OPTIONS = 200


def possible_values(field: FormField) -> list[tuple[str, str]]:
    """What can be answered to a field that others may depend on, with its words."""
    match field.kind:
        case FieldKind.CHECKBOX:
            return [(YES, _("yes"))]
        case FieldKind.KIND:
            return [(one.value, str(one.label)) for one in Kind]
        case FieldKind.CHOICE:
            return [(str(one.pk), str(one)) for one in field.options.order_by("position", "id")]
        case FieldKind.PRODUCT:
            return [(str(one.pk), one.name) for one in Product.objects.offered_to(None)]
    return []


def conditions_of(request_type_id: int, but: int | None) -> list[tuple[str, list[tuple[str, str]]]]:
    """As choices of a form: under each field of the type its values, written 'field:value'."""
    rows = FormField.objects.filter(request_type_id=request_type_id, kind__in=[kind.value for kind in DECIDING])
    return [
        (str(row), [(f"{row.pk}:{value}", f"{row}: {words}") for value, words in possible_values(row)])
        for row in rows.exclude(pk=but).order_by("position", "id")
    ]


class ConditionsField(forms.MultipleChoiceField):
    """[["12", "error"], …] in the database, a list of boxes in the form."""

    widget = forms.CheckboxSelectMultiple

    def prepare_value(self, value: Any) -> Any:
        return [f"{one[0]}:{one[1]}" if isinstance(one, (list, tuple)) else one for one in value or []]

    def clean(self, value: Any) -> Any:
        return [list(one.split(":", 1)) for one in super().clean(value)]


class FormFieldForm(forms.ModelForm):  # type: ignore[type-arg]
    shown_when = ConditionsField(
        label=gettext_lazy("Shown only when"),
        required=False,
        help_text=gettext_lazy("One of these is enough. None: always shown."),
    )
    required_when = ConditionsField(
        label=gettext_lazy("Must be answered when"), required=False, help_text=gettext_lazy("One of these is enough.")
    )

    class Meta:
        model = FormField
        # The keys are added inside of a desk: their choices are its rows.
        fields = ("kind", "label", "hint", "is_required", "position", "meaning", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = self.data.get("request_type") or self.instance.request_type_id or self.initial.get("request_type")
        type_id = row_number(str(chosen or ""))
        choices: Any = conditions_of(type_id, self.instance.pk)
        for name in ("shown_when", "required_when"):
            field: Any = self.fields[name]
            field.choices = choices
            if not choices:
                field.help_text = _("Nothing in this form decides about other fields: no choice, no checkbox, no kind.")
        others = FormField.objects.filter(request_type_id=type_id, kind=FieldKind.CHOICE).exclude(pk=self.instance.pk)
        if "depends_on" in self.fields:
            self.fields["depends_on"].queryset = others  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        kind, depends_on = values.get("kind"), values.get("depends_on")
        if depends_on is not None and kind != FieldKind.CHOICE:
            self.add_error("depends_on", _("Only the choices of a list can depend on another list."))
        elif depends_on is not None and self._leads_back(depends_on):
            self.add_error("depends_on", _("That field depends on this one already. Choose another."))
        return values

    def _leads_back(self, field: FormField | None) -> bool:
        seen: set[int] = set()
        while field is not None and field.pk not in seen:
            if field.pk == self.instance.pk:
                return True
            seen.add(field.pk)
            field = field.depends_on
        return False


class FieldOptionInline(Rows):
    model = FieldOption
    fields = ("label", "parent", "position", "is_active")
    max_num = MOST_OPTIONS
    delete_rule = staticmethod(is_manager)

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, **kwargs)
        parent = formset.form.base_fields["parent"]
        leads = obj.depends_on_id if obj is not None else None
        parent.queryset = FieldOption.objects.filter(field_id=leads).order_by("position", "id")
        return formset


class FormFieldAdmin(DeskAdmin):
    form = FormFieldForm
    list_display = ("question", "request_type", "kind", "is_required", "is_active", "position")
    list_select_related = ("request_type",)
    fields = (
        "request_type",
        "kind",
        "label",
        "hint",
        "is_required",
        "position",
        "depends_on",
        "shown_when",
        "required_when",
        "meaning",
        "is_active",
    )
    ordering = ("request_type", "position", "id")
    filter_parameters = ("request_type__id__exact",)
    view_rule = staticmethod(is_manager)
    delete_rule = staticmethod(is_manager)

    @display(description=gettext_lazy("question"))
    def question(self, row: FormField) -> str:
        """Its label by another name: `label` is the field itself, which would be listed as JSON."""
        return str(row)

    def get_inlines(self, request: HttpRequest, obj: Any = None) -> Any:
        return [FieldOptionInline] if obj is not None and obj.kind == FieldKind.CHOICE else []

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> Any:
        """A list is of no use without its choices: on to them."""
        if obj.kind == FieldKind.CHOICE and "_addanother" not in request.POST:
            request.POST = {**request.POST.dict(), "_continue": "1"}  # type: ignore[assignment]
        return super().response_add(request, obj, post_url_continue)
