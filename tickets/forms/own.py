"""The fields that a request type asks for itself, as a form shows and judges them."""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.fields import AddressField, LineField, PhoneField, PlainTextField, day_field
from accounts.models import Component, Organisation, Person, Product
from tickets.actions import Details, NewAnswer
from tickets.cover import WITHOUT_CONTRACT, Cover
from tickets.forms.fields import QuantityField
from tickets.models import FieldKind, FieldOption, FormField, RequestType
from tickets.models.forms import ON_TICKET, YES
from tickets.models.ticket import Kind

LONGEST_TEXT = 20_000
# Up to so many choices are shown at once, as a list of buttons.
SHOWN_AT_ONCE = 5


def own_fields(request_type: RequestType) -> list[FormField]:
    """In their order, with their choices; two queries."""
    rows = FormField.objects.filter(request_type=request_type, is_active=True).order_by("position", "id")
    return list(rows.prefetch_related("options"))


# ---- widgets that say more of their choices ----


class WithFacts(forms.widgets.ChoiceWidget):
    """`facts` are the attributes of an option, by its value."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.facts: dict[str, dict[str, str]] = {}

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(name, value, *args, **kwargs)
        option["attrs"].update(self.facts.get(str(value), {}))
        return option


class Select(WithFacts, forms.Select):
    pass


class Radios(WithFacts, forms.RadioSelect):
    pass


# ---- the fields themselves ----


class OwnFields:
    """Adds a type's fields to a form, judges what was answered, and gives it in the words of the verb."""

    def __init__(
        self,
        request_type: RequestType,
        *,
        person: Person,
        organisation: Organisation | None,
        cover: Cover,
        region: str = "",
    ) -> None:
        self.region = region
        self.person = person
        self.organisation = organisation
        self.cover = cover
        self.rows = self._askable(own_fields(request_type))
        self.by_id = {str(row.pk): row for row in self.rows}

    def _askable(self, rows: list[FormField]) -> list[FormField]:
        """A desk without products asks for none."""
        about_products = (FieldKind.PRODUCT, FieldKind.COMPONENT)
        if not any(row.kind in about_products for row in rows) or self.products:
            return rows
        return [row for row in rows if row.kind not in about_products]

    def make(self) -> dict[str, forms.Field]:
        """Each field by its name, in their order."""
        return {row.name: self._dressed(row, MAKERS[FieldKind(row.kind)](self, row)) for row in self.rows}

    def _dressed(self, row: FormField, field: forms.Field) -> forms.Field:
        dressed: Any = field
        dressed.label, dressed.help_text = str(row.label), str(row.hint) or dressed.help_text
        dressed.shown_when = self._named(row.shown_when)
        dressed.required_when = self._named(row.required_when)
        dressed.when_words = self._when_words(row.shown_when)
        # A browser would insist on what is not shown; `judge` does where it is.
        dressed.marked = row.is_required
        dressed.required = row.is_required and not dressed.shown_when and not depends(row)
        return field

    def _named(self, conditions: Sequence[Sequence[str]]) -> str:
        known = [[self.by_id[pk].name, value] for pk, value in conditions if pk in self.by_id]
        return json.dumps(known) if known else ""

    def _when_words(self, conditions: Sequence[Sequence[str]]) -> str:
        """For who reads the form without script, which hides what does not apply."""
        said = [
            _("“%(field)s” is “%(value)s”") % {"field": self.by_id[pk].label, "value": words}
            for pk, value in conditions
            if pk in self.by_id and (words := self._value_words(self.by_id[pk], value))
        ]
        return _("Only when %(conditions)s.") % {"conditions": get_text_list(said, _("or"))} if said else ""

    def _value_words(self, row: FormField, value: str) -> str:
        """What a condition's value is called; nothing for what this form does not offer."""
        match row.kind:
            case FieldKind.CHECKBOX:
                return _("yes")
            case FieldKind.KIND:
                return str(dict(Kind.choices).get(value, ""))
            case FieldKind.PRODUCT:
                return next((one.name for one in self.products if str(one.pk) == value), "")
        return next((str(one) for one in self._options(row) if str(one.pk) == value), "")

    # ---- makers, one for each kind ----

    def line(self, row: FormField) -> forms.Field:
        return LineField(max_length=200)

    def text(self, row: FormField) -> forms.Field:
        return PlainTextField(max_length=LONGEST_TEXT, widget=forms.Textarea(attrs={"rows": 4}))

    def number(self, row: FormField) -> forms.Field:
        return QuantityField(widget=forms.TextInput(attrs={"inputmode": "decimal"}))

    def date(self, row: FormField) -> forms.Field:
        return day_field("")

    def checkbox(self, row: FormField) -> forms.Field:
        return forms.BooleanField(
            error_messages={"required": gettext_lazy("Tick this box to go on; without it we cannot take the request.")}
        )

    def phone(self, row: FormField) -> forms.Field:
        return PhoneField(region=self.region)

    def email(self, row: FormField) -> forms.Field:
        return AddressField()

    def choice(self, row: FormField) -> forms.Field:
        options = self._options(row)
        parents = self._options(self.by_id[str(row.depends_on_id)]) if str(row.depends_on_id) in self.by_id else []
        if not parents and len(options) <= SHOWN_AT_ONCE:
            return forms.ChoiceField(choices=[(str(one.pk), str(one)) for one in options], widget=Radios)
        widget = Select(attrs={"data-follows": self.by_id[str(row.depends_on_id)].name} if parents else None)
        widget.facts = {str(one.pk): {"data-with": str(one.parent_id)} for one in options if one.parent_id}
        return forms.ChoiceField(choices=[("", _("Choose")), *grouped(options, parents)], widget=widget)

    def organisation_choice(self, row: FormField) -> forms.Field:
        choices = [(str(one.organisation_id), str(one.organisation)) for one in self.person.represents]
        return forms.ChoiceField(choices=[("", _("Choose")), *choices], widget=Select)

    def product(self, row: FormField) -> forms.Field:
        found = self.products
        covered = self.cover.covered_among(found)
        field: Any = forms.ModelChoiceField(queryset=Product.objects.offered_to(self.organisation), widget=Select)
        first = [(one.pk, one.name) for one in found if one.pk in covered]
        others = [(one.pk, one.name) for one in found if one.pk not in covered]
        field.choices = [
            ("", _("Choose")),
            *_group(_("Covered by your contract"), first, alone=not others),
            *_group(_("Without a contract"), others, alone=not first),
        ]
        field.widget.facts = {
            str(one.pk): {"data-covered": "yes", "class": "covered"} if one.pk in covered else {"data-covered": "no"}
            for one in found
        }
        return field  # type: ignore[no-any-return]

    def component(self, row: FormField) -> forms.Field:
        products = {one.pk: one for one in self.products}
        components = Component.objects.filter(product__in=products)
        field: Any = forms.ModelChoiceField(
            queryset=components, widget=Select(attrs={"data-follows": FieldKind.PRODUCT.value})
        )
        found = self.components
        groups: dict[int, list[tuple[int, str]]] = {}
        for one in found:
            groups.setdefault(one.product_id, []).append((one.pk, one.name))
        field.choices = [("", _("Choose")), *((products[pk].name, groups[pk]) for pk in products if pk in groups)]
        field.widget.facts = {str(one.pk): {"data-with": str(one.product_id)} for one in found}
        return field  # type: ignore[no-any-return]

    def kind(self, row: FormField) -> forms.Field:
        field: Any = forms.ChoiceField(
            choices=[(one.value, one.label) for one in Kind], widget=Radios, initial=Kind.CONSULTATION.value
        )
        # Which product is chosen, and with it what is possible, is the script's to follow, and `judge`'s to decide.
        closed = {} if self._asks_product or self.cover.agreed else {"disabled": ""}
        field.widget.facts = {
            one.value: {"data-needs-cover": "", **closed} for one in Kind if one not in WITHOUT_CONTRACT
        }
        field.help_text = "" if self._asks_product else self.why_not(None)
        field.reason = _("Only a consultation is possible for a product without a contract.")
        return field  # type: ignore[no-any-return]

    def system(self, row: FormField) -> forms.Field:
        return PlainTextField(
            max_length=LONGEST_TEXT,
            widget=forms.Textarea(attrs={"rows": 4, "class": "code", "spellcheck": "false"}),
            help_text=_("What the program's “About” box copies, or how the server is set up."),
        )

    @property
    def _asks_product(self) -> bool:
        return any(row.kind == FieldKind.PRODUCT for row in self.rows)

    @cached_property
    def products(self) -> list[Product]:
        return list(Product.objects.offered_to(self.organisation))

    @cached_property
    def components(self) -> list[Component]:
        return list(Component.objects.filter(product__in=self.products).order_by("position", "name"))

    def _options(self, row: FormField) -> list[FieldOption]:
        offered = [one for one in row.options.all() if one.is_active]
        return sorted(offered, key=lambda one: (one.position, one.pk))

    # ---- judging ----

    def judge(self, form: forms.Form) -> None:
        """What the fields say together: what is not shown does not count, what depends must fit."""
        values = form.cleaned_data
        keys = {row.name: _key(row, values.get(row.name)) for row in self.rows}
        hidden = self._hidden(keys)
        for row in hidden:
            form.errors.pop(row.name, None)
            values[row.name] = None
        for row in self.rows:
            if row.name in values and row.name not in form.errors and row not in hidden:
                self._judge_one(form, row, keys)

    def _hidden(self, keys: dict[str, str]) -> list[FormField]:
        """What is not shown, and so answers nothing to what depends on it, wherever it stands in the form. A condition
        on what is not asked any more is none."""
        conditional = [row for row in self.rows if self._named(row.shown_when)]
        hidden: list[FormField] = []
        while more := [row for row in conditional if row not in hidden and not self._holds(row.shown_when, keys)]:
            hidden += more
            keys.update({row.name: "" for row in more})
        return hidden

    def _judge_one(self, form: forms.Form, row: FormField, keys: dict[str, str]) -> None:
        value = form.cleaned_data.get(row.name)
        must = (row.is_required or self._holds(row.required_when, keys)) and self._has_choices(row, keys)
        if must and (value is None or value is False or value == ""):
            form.add_error(row.name, ValidationError(form.fields[row.name].error_messages["required"], code="required"))
        elif row.kind == FieldKind.COMPONENT and value:
            self._check_component(form, value)
        elif row.kind == FieldKind.CHOICE and value and str(row.depends_on_id) in self.by_id:
            self._check_dependent(form, row, value, keys)
        elif row.kind == FieldKind.KIND and value:
            self._check_kind(form, value)

    def _has_choices(self, row: FormField, keys: dict[str, str]) -> bool:
        """Whether what was chosen elsewhere leaves anything to choose here."""
        if row.kind == FieldKind.COMPONENT:
            return any(str(one.product_id) == keys.get(FieldKind.PRODUCT) for one in self.components)
        if not depends(row):
            return True
        lead = self.by_id.get(str(row.depends_on_id))
        return any(
            one.parent_id is None or lead is None or str(one.parent_id) == keys.get(lead.name)
            for one in self._options(row)
        )

    def _holds(self, conditions: Sequence[Sequence[str]], keys: dict[str, str]) -> bool:
        return any(pk in self.by_id and keys.get(self.by_id[pk].name) == value for pk, value in conditions)

    def _check_component(self, form: forms.Form, component: Component) -> None:
        product = form.cleaned_data.get(FieldKind.PRODUCT)
        if product is None or component.product_id != product.pk:
            form.add_error(FieldKind.COMPONENT, _("This component is not a part of the chosen product. Choose again."))

    def _check_dependent(self, form: forms.Form, row: FormField, value: str, keys: dict[str, str]) -> None:
        parent = self.by_id[str(row.depends_on_id)]
        chosen = next((one for one in row.options.all() if str(one.pk) == value), None)
        if chosen is not None and chosen.parent_id is not None and str(chosen.parent_id) != keys.get(parent.name):
            form.add_error(
                row.name, _("This does not go with what you chose for “%(field)s”. Choose again.") % {"field": parent}
            )

    def _check_kind(self, form: forms.Form, value: str) -> None:
        product = form.cleaned_data.get(FieldKind.PRODUCT)
        if value not in self.cover.kinds_for(product):
            form.add_error(FieldKind.KIND, self.why_not(product))

    def why_not(self, product: Product | None) -> str:
        """Why only a consultation is possible; nothing where more is."""
        if self.cover.is_covered(product):
            return ""
        if product is None and self.cover.agreed:
            return _("Your contracts name other products, so we can offer a consultation.")
        if product is not None:
            return _("You have no contract for %(product)s, so we can offer a consultation.") % {"product": product}
        return _("You have no contract with us, so we can offer a consultation.")

    # ---- what the verb takes ----

    def details(self, values: dict[str, Any]) -> Details:
        """Of a valid form."""
        return Details(
            product=values.get(FieldKind.PRODUCT),
            component=values.get(FieldKind.COMPONENT),
            kind=values.get(FieldKind.KIND) or "",
            system_information=values.get(FieldKind.SYSTEM) or "",
            answers=tuple(self._answers(values)),
        )

    def _answers(self, values: dict[str, Any]) -> Iterable[NewAnswer]:
        for row in self.rows:
            value = values.get(row.name)
            if row.kind not in ON_TICKET and value not in (None, ""):
                if row.kind == FieldKind.CHECKBOX and not value and row.shown_when:
                    continue
                yield NewAnswer(row, self._stored(row, value))

    def _stored(self, row: FormField, value: Any) -> Any:
        match row.kind:
            case FieldKind.CHOICE:
                return {"texts": dict(next(one.label for one in row.options.all() if str(one.pk) == value))}
            case FieldKind.ORGANISATION:
                return next(
                    str(one.organisation) for one in self.person.represents if str(one.organisation_id) == value
                )
            case FieldKind.CHECKBOX:
                return bool(value)
        if isinstance(value, date):
            return value.isoformat()
        return str(value) if isinstance(value, Decimal) else value


MAKERS: dict[FieldKind, Callable[[OwnFields, FormField], forms.Field]] = {
    FieldKind.LINE: OwnFields.line,
    FieldKind.TEXT: OwnFields.text,
    FieldKind.NUMBER: OwnFields.number,
    FieldKind.DATE: OwnFields.date,
    FieldKind.CHOICE: OwnFields.choice,
    FieldKind.CHECKBOX: OwnFields.checkbox,
    FieldKind.PHONE: OwnFields.phone,
    FieldKind.EMAIL: OwnFields.email,
    FieldKind.ORGANISATION: OwnFields.organisation_choice,
    FieldKind.PRODUCT: OwnFields.product,
    FieldKind.COMPONENT: OwnFields.component,
    FieldKind.KIND: OwnFields.kind,
    FieldKind.SYSTEM: OwnFields.system,
}


def grouped(options: list[FieldOption], parents: list[FieldOption]) -> list[tuple[str, Any]]:
    """Choices below those that they depend on. What goes with all stands first: all of it, where nothing else is
    asked."""
    free = [(str(one.pk), str(one)) for one in options if one.parent_id is None or not parents]
    groups = [
        (str(parent), [(str(one.pk), str(one)) for one in options if one.parent_id == parent.pk]) for parent in parents
    ]
    return [*free, *(group for group in groups if group[1])]


def _group(label: str, choices: list[tuple[int, str]], *, alone: bool) -> list[Any]:
    """A group has a heading where there is another one, or where it says what is not obvious."""
    if not choices:
        return []
    return choices if alone and label == _("Without a contract") else [(label, choices)]


def depends(row: FormField) -> bool:
    """Whether its choices are those that go with another answer."""
    return row.kind == FieldKind.COMPONENT or (row.kind == FieldKind.CHOICE and row.depends_on_id is not None)


def _key(row: FormField, value: Any) -> str:
    """A cleaned value as conditions name it."""
    if row.kind == FieldKind.CHECKBOX:
        return YES if value else ""
    return str(getattr(value, "pk", value) or "")
