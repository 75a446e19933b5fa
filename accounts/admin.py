"""What the desk's staff see of people, organisations and the desk itself; and the base of every other admin page."""

from collections.abc import Sequence
from typing import Any, ClassVar, TypeAlias, cast

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin as DjangoModelAdmin
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ORDER_VAR
from django.db import IntegrityError, models
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin, TabularInline
from unfold.paginator import InfinitePaginator
from unfold.views import ChangeList

from accounts import actions, events
from accounts.access import get_or_404
from accounts.errors import Refused
from accounts.http import PersonRequest
from accounts.models import Person, Representation, Tenant, TenantHost
from accounts.permissions import is_agent, is_manager, is_staff, nobody
from accounts.pickers import Picker
from accounts.search import find_organisations, find_people, find_staff

# How a page holds a rule or a search: as a static method, so that calling it does not pass the page along.
Rule: TypeAlias = "staticmethod[[Person], bool]"
Find: TypeAlias = "staticmethod[[str], list[int]]"

LAST_PAGE = 20
# Fields of other apps whose autocompletes offer colleagues.
STAFF_FIELDS = ("assignee", "default_assignee")


def actor(request: HttpRequest) -> Person:
    """The staff member at the admin: the site lets nobody else in."""
    return cast(PersonRequest, request).person


class Ruled:
    """Who may do what, by the named truths of accounts.permissions; Django's permission rows are not used."""

    view_rule: ClassVar[Rule] = staticmethod(is_staff)
    change_rule: ClassVar[Rule] = staticmethod(is_manager)
    add_rule: ClassVar[Rule] = staticmethod(is_manager)
    delete_rule: ClassVar[Rule] = staticmethod(nobody)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        page: Any = self
        if db_field.name in page.get_autocomplete_fields(request):
            kwargs["widget"] = Picker(db_field, page.admin_site)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return type(self).view_rule(actor(request))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return type(self).view_rule(actor(request))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return type(self).add_rule(actor(request))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return type(self).change_rule(actor(request))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return type(self).delete_rule(actor(request))


class FirstPages(InfinitePaginator):
    """Pages without counting, and twenty of them: an offset reads all that it skips. Behind them one searches."""

    @cached_property
    def count(self) -> int:
        return LAST_PAGE * int(self.per_page)


class OneOrder(ChangeList):
    """A list in the order of its index: any other, asked for by `?o=`, would sort all its rows."""

    def get_ordering(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> Any:
        self.params.pop(ORDER_VAR, None)
        return super().get_ordering(request, queryset)


class DeskAdmin(Ruled, ModelAdmin):
    """A page of the desk: rows through `visible_to`, history as Event, the same 404 for foreign and absent."""

    # Finds ids by a part of a name; a model without it is not searched.
    find: ClassVar["Find | None"] = None
    # The only parameters by which the list may be filtered; everything else in the address is an oracle.
    filter_parameters: ClassVar[Sequence[str]] = ()

    paginator = FirstPages
    show_full_result_count = False
    list_per_page = 50
    sortable_by: Sequence[str] = ()
    show_facets = DjangoModelAdmin.show_facets.NEVER  # counting a whole table for every filter does not scale
    actions: Any = None

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset(request)
        if hasattr(rows, "visible_to"):
            rows = rows.visible_to(actor(request))
        return rows

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return OneOrder

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        return super().get_object(request, object_id, from_field or None)  # Django looks for a field named ''

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except IntegrityError:
            # Somebody saved the same a moment ago. Asked again, the form finds it and says so at its field.
            return super().changeform_view(request, object_id, form_url, extra_context)

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        find = type(self).find
        if not search_term or find is None:
            return queryset, False
        return queryset.filter(pk__in=find(search_term)), False

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        return lookup in self.filter_parameters and "\0" not in str(value)

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> HttpResponse:
        raise Http404

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        raise Http404

    # Django would write its own, global, log.
    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return events.record(f"{obj._meta.model_name}.added", obj, by=actor(request))

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return events.record(f"{obj._meta.model_name}.changed", obj, by=actor(request), fields=_changed(message))

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        return [events.record(f"{row._meta.model_name}.deleted", row, by=actor(request)) for row in queryset]


def _changed(message: Any) -> list[str]:
    """The names of the fields, never their values: history must not hold what can be erased elsewhere."""
    parts = message if isinstance(message, list) else []
    return [str(name) for part in parts for name in part.get("changed", {}).get("fields", [])]


class RepresentationInline(Ruled, TabularInline):
    model = Representation
    extra = 0
    max_num = 50
    autocomplete_fields = ("person", "organisation")
    change_rule = add_rule = delete_rule = staticmethod(is_agent)

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """However many forms a POST claims to have, a bounded number is looked at."""
        return super().get_formset(request, obj, absolute_max=self.max_num + 10, **kwargs)


class PersonForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Person
        fields = ("name", "email", "phone", "language", "is_active")


class ManagedPersonForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Person
        fields = (*PersonForm.Meta.fields, "is_agent", "support_line", "is_accountant", "is_manager")


class PersonAdmin(DeskAdmin):
    list_display = ("name", "email", "phone", "is_active", "is_agent", "is_accountant", "is_manager")
    list_filter = ("is_active", "is_agent")
    filter_parameters = ("is_active__exact", "is_agent__exact")
    find = staticmethod(find_people)
    search_fields = ("name",)  # shows the box; `find` does the search
    ordering = ("-id",)
    inlines = (RepresentationInline,)
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

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Roles at the provider are a manager's to give; an agent's form does not have them, whatever is posted."""
        form = ManagedPersonForm if is_manager(actor(request)) else PersonForm
        return super().get_form(request, obj, change, **{**kwargs, "form": form, "fields": form.Meta.fields})

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Colleagues are changed by managers only."""
        if isinstance(obj, Person) and obj.is_staff and not is_manager(actor(request)):
            return False
        return super().has_change_permission(request, obj)

    def get_urls(self) -> list[URLPattern]:
        invite = path(
            "<path:object_id>/invite/",
            self.admin_site.admin_view(require_POST(self.invite)),
            name="accounts_person_invite",
        )
        return [invite, *super().get_urls()]

    def invite(self, request: HttpRequest, object_id: str) -> HttpResponse:
        person: Person = get_or_404(self.get_queryset(request), pk=unquote(object_id))
        try:
            actions.invite(person, by=actor(request))
        except Refused as refusal:
            messages.error(request, str(refusal.sentence))
        else:
            messages.success(request, _("The invitation is on its way to %(address)s.") % {"address": person.email})
        return redirect(reverse("admin:accounts_person_change", args=[person.pk]))


class OrganisationAdmin(DeskAdmin):
    list_display = ("name", "registration_number", "vat_number", "is_active")
    fields = ("name", "registration_number", "vat_number", "address", "invoice_email", "is_active")
    find = staticmethod(find_organisations)
    search_fields = ("name",)
    ordering = ("-id",)
    inlines = (RepresentationInline,)
    add_rule = change_rule = staticmethod(is_agent)


class TenantHostInline(Ruled, TabularInline):
    model = TenantHost
    extra = 0
    fields = ("host", "brand_name", "accent", "is_primary")
    readonly_fields = ("host",)
    add_rule = staticmethod(nobody)  # a host is opened by who runs the servers: its name has to lead here first


class TenantForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Tenant
        fields = (
            "name",
            "language",
            "support_phone",
            "office_address",
            "threshold_minutes",
            "review_days",
            "reopen_days",
            "billing_enabled",
            "hourly_rate",
            "vat_rate",
            "payment_days",
            "legal_name",
            "registration_number",
            "vat_number",
            "bank_name",
            "iban",
            "bic",
        )


class TenantAdmin(DeskAdmin):
    """The desk's own page: who we are, our policies, our hosts. There is exactly one."""

    form = TenantForm
    inlines = (TenantHostInline,)
    list_display = ("name", "language", "currency")
    view_rule = staticmethod(is_manager)
    add_rule = staticmethod(nobody)
