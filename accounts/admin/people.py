"""People: customers by agents, colleagues by managers; and who decides in an approver's place."""

from functools import partial
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.admin.checks import InlineModelAdminChecks
from django.db import models
from django.forms.models import BaseModelFormSet, modelformset_factory
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import TabularInline

from accounts import actions, events
from accounts.admin.base import DeskAdmin, Ruled, actor, bills
from accounts.admin.organisations import RepresentationInline
from accounts.deputies import judge_deputy
from accounts.errors import Refused
from accounts.fields import PhoneField
from accounts.http import DeskRequest
from accounts.models import Deputy, Event, Person, Representation
from accounts.permissions import is_agent, is_manager
from accounts.phones import shown_phone
from accounts.search import find_people, find_staff
from accounts.second_factor import factors_of

# Fields of other apps whose autocompletes offer colleagues.
STAFF_FIELDS = ("assignee", "default_assignee")
MOST_DEPUTIES = 20


class DeputyForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Deputy
        # The keys are added inside of a desk: their choices are its rows.
        fields = ("starts_on", "ends_on")

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        right, deputy, first, last = (values.get(name) for name in ("representation", "person", "starts_on", "ends_on"))
        # One that is over stays where it is: only what is entered is judged.
        if self.has_changed() and right and deputy and first and last:
            try:
                judge_deputy(right, person=deputy, starts_on=first, ends_on=last, today=timezone.localdate())
            except Refused as refusal:
                self.add_error("ends_on" if refusal.code == "dates" else "person", str(refusal.sentence))
        return values


class DeputyFormSet(BaseModelFormSet):  # type: ignore[type-arg]
    """The deputies of one person, whichever organisation they decide for."""

    def __init__(
        self, *args: Any, instance: Person, queryset: Any = None, save_as_new: bool = False, **kwargs: Any
    ) -> None:
        self.rights = approving(instance)
        super().__init__(*args, queryset=queryset.filter(representation__person=instance), **kwargs)

    @classmethod
    def get_default_prefix(cls) -> str:
        return "deputies"

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        field = form.fields.get("representation")
        if field is None:  # shown to who may not change it
            return
        field.queryset = Representation.objects.filter(pk__in=[right.pk for right in self.rights])
        field.choices = [(right.pk, str(right.organisation)) for right in self.rights]


def approving(person: Person) -> list[Representation]:
    """Where somebody decides about estimates, which is what a deputy does for them."""
    return [right for right in person.represents if right.may_approve]


class NoForeignKey(InlineModelAdminChecks):
    """Between a deputy and the person they stand in for stands the representation."""

    def _check_relation(self, obj: Any, parent_model: Any) -> list[Any]:
        return []

    def _check_exclude_of_parent_model(self, obj: Any, parent_model: Any) -> list[Any]:
        return []


class DeputyInline(Ruled, TabularInline):
    model = Deputy
    form = DeputyForm
    formset: Any = DeputyFormSet
    checks_class = NoForeignKey
    verbose_name_plural = gettext_lazy("Deputies, who accept estimates in this person's place")
    extra = 0
    autocomplete_fields = ("person",)
    change_rule = add_rule = delete_rule = staticmethod(is_agent)

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        return modelformset_factory(
            Deputy,
            form=DeputyForm,
            fields=("representation", "person", "starts_on", "ends_on"),
            labels={"representation": _("for the organisation")},
            formset=DeputyFormSet,
            formfield_callback=partial(self.formfield_for_dbfield, request=request),
            extra=self.get_extra(request, obj),
            max_num=self.get_max_num(request, obj),
            absolute_max=MOST_DEPUTIES + 10,
            can_delete=self.has_delete_permission(request, obj),
        )

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Deputy]:
        rows: models.QuerySet[Deputy] = super().get_queryset(request)
        return rows.select_related("person", "representation__person", "representation__organisation").order_by("id")

    def get_max_num(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        return MOST_DEPUTIES if self.has_add_permission(request, obj) else 0


class PersonAdmin(DeskAdmin):
    list_display = ("name", "email", "telephone", "is_active", "is_agent", "is_accountant", "is_manager")
    list_filter = ("is_active", "is_agent")
    filter_parameters = ("is_active__exact", "is_agent__exact")
    find = staticmethod(find_people)
    search_fields = ("name",)  # shows the box; `find` does the search
    ordering = ("-id",)
    change_form_template = "accounts/admin/person.html"
    add_rule = change_rule = staticmethod(is_agent)

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        """A field that takes staff searches among them only; which field asks is in the autocomplete's address."""
        if request.GET.get("field_name") in STAFF_FIELDS:
            staff = queryset.staff()  # type: ignore[attr-defined]  # a queryset of people
            return (staff.filter(pk__in=find_staff(search_term)) if search_term else staff), False
        return super().get_search_results(request, queryset, search_term)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Roles at the provider are a manager's to give; an agent's form does not have them, whatever is posted."""
        person = (None, {"fields": ("name", "email", "phone", "language", "is_active")})
        roles = ("is_agent", "support_line", "away_until", "is_accountant", "is_manager")
        if not is_manager(actor(request)):
            return [person]
        words = _("Who works at the desk. Whoever is away gets no new tickets until that day has passed.")
        return [person, (gettext_lazy("At the desk"), {"fields": roles, "description": words})]

    @admin.display(description=gettext_lazy("telephone"))
    def telephone(self, person: Person) -> str:
        return shown_phone(person.phone)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name != "phone" or field is None:
            return field
        region = cast(DeskRequest, request).tenant.country
        return PhoneField(label=field.label, required=False, widget=field.widget, region=region)

    def get_inlines(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None or not bills(request) or not approving(obj):
            return (RepresentationInline,)
        return (RepresentationInline, DeputyInline)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Colleagues are changed by managers only."""
        if isinstance(obj, Person) and obj.is_staff and not is_manager(actor(request)):
            return False
        return super().has_change_permission(request, obj)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Who may sign in whose place is history too, whoever enters it."""
        if formset.model is not Deputy:
            super().save_formset(request, form, formset, change)
            return
        gone = [noted("dismissed", form.instance, actor(request)) for form in formset.deleted_forms if form.instance.pk]
        super().save_formset(request, form, formset, change)
        new = [noted("appointed", row, actor(request)) for row in formset.new_objects]
        changed = [noted("changed", row, actor(request)) for row, _fields in formset.changed_objects]
        events.record_all(*gone, *new, *changed)

    def save_model(self, request: HttpRequest, obj: Person, form: Any, change: bool) -> None:
        if "email" in form.changed_data:  # what a server said was about another address
            obj.address_failed_at, obj.address_failed_words = None, ""
        super().save_model(request, obj, form, change)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        person = context.get("original")
        context["second_factor"] = isinstance(person, Person) and factors_of(person).exists()
        return super().render_change_form(request, context, *args, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        return [self.button("invite", self.invite), self.button("trust", self.trust), *super().get_urls()]

    def trust(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The address works again: mail goes there as before."""
        person = self.row(request, object_id)
        sentence = _("Mail goes to %(address)s again.") % {"address": person.email}
        return self.press(request, person, actions.trust_address, sentence)

    def invite(self, request: HttpRequest, object_id: str) -> HttpResponse:
        person = self.row(request, object_id)
        sentence = _("The invitation is on its way to %(address)s.") % {"address": person.email}
        return self.press(request, person, actions.invite, sentence)


def noted(kind: str, deputy: Deputy, by: Person) -> Event:
    return events.event(f"deputy.{kind}", deputy, by=by, person=deputy.person_id)
