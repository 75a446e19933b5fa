"""The base of every page of the admin: who may do what, lists in one order, history as Event, one 404."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeAlias, cast

from django.contrib import messages
from django.contrib.admin import ModelAdmin as DjangoModelAdmin
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ORDER_VAR
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models
from django.forms.formsets import DELETION_FIELD_NAME
from django.forms.models import BaseInlineFormSet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.functional import cached_property
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin, TabularInline
from unfold.paginator import InfinitePaginator
from unfold.views import ChangeList

from accounts import events
from accounts.access import get_or_404
from accounts.errors import Refused
from accounts.http import DeskRequest, PersonRequest
from accounts.locks import is_only_tester
from accounts.models import Person
from accounts.permissions import is_manager, is_staff, nobody
from accounts.pickers import Picker

# How a page holds a rule or a search: as a static method, so that calling it does not pass the page along.
Rule: TypeAlias = "staticmethod[[Person], bool]"
Find: TypeAlias = "staticmethod[[str], list[int]]"

LAST_PAGE = 20


def actor(request: HttpRequest) -> Person:
    """The staff member at the admin: the site lets nobody else in."""
    return cast(PersonRequest, request).person


def bills(request: HttpRequest) -> bool:
    """Whether this desk takes money: without it no page of the admin speaks of any (M9)."""
    return cast(DeskRequest, request).tenant.billing_enabled


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


class RowSet(BaseInlineFormSet):  # type: ignore[type-arg]
    """Django leaves the row that they belong to out of what it checks, and the database's refusal is a server error."""

    def get_unique_error_message(self, unique_check: Any) -> str:
        return _("Two of these rows say the same. Change one of them, or leave it out.")

    def clean(self) -> None:
        super().clean()
        for form in self.forms:
            if not form.has_changed() or form.errors or form.cleaned_data.get(DELETION_FIELD_NAME):
                continue
            row = form.instance
            try:
                row.validate_constraints(exclude={field.name for field in row._meta.fields} - set(form.fields))
            except ValidationError as error:
                form.add_error(None, error)


class Rows(Ruled, TabularInline):
    """Rows that are filled in on the page of what they belong to."""

    formset = RowSet
    extra = 0

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """However many forms a POST claims to have, a bounded number is looked at."""
        return super().get_formset(request, obj, absolute_max=self.max_num + 10, **kwargs)


class FirstPages(InfinitePaginator):
    """Pages without counting, and twenty of them: an offset reads all that it skips. Behind them one searches."""

    @cached_property
    def count(self) -> int:
        return LAST_PAGE * int(self.per_page)


class DeskList(ChangeList):
    """A list in the order of its index: any other, asked for by `?o=`, would sort all its rows.

    Its title says what stands in it: in Django's 'Select … to change' most languages would have to decline the name.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = capfirst(self.opts.verbose_name_plural)

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
        return DeskList

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

    # ---- buttons of a row's page ----

    def button(self, route: str, view: Callable[..., HttpResponse]) -> URLPattern:
        """Where a button posts to: `<row>/<route>/`, by the name `admin:<app>_<model>_<route>`."""
        door: Callable[..., HttpResponse] = self.admin_site.admin_view(require_POST(view))
        return path(f"<path:object_id>/{route}/", door, name=f"{self.opts.app_label}_{self.opts.model_name}_{route}")

    def row(self, request: HttpRequest, object_id: str) -> Any:
        """One row for who may see it; the same 404 for everybody else."""
        if not self.has_view_permission(request):
            raise Http404
        return get_or_404(self.get_queryset(request), pk=unquote(object_id))

    def may_test(self, request: HttpRequest) -> bool:
        """Whether a server may be tested now; if not, the next page says why."""
        if is_only_tester():
            return True
        messages.error(request, _("Somebody at this desk tests a server right now. Try again when that has ended."))
        return False

    def row_page(self, row: models.Model) -> HttpResponse:
        return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", row.pk)

    def press(self, request: HttpRequest, row: Any, verb: Callable[..., object], sentence: str) -> HttpResponse:
        """Do the verb; the row's page then says `sentence`, or why the verb was refused."""
        try:
            verb(row, by=actor(request))
        except Refused as refusal:
            messages.error(request, str(refusal.sentence))
        else:
            messages.success(request, sentence)
        return self.row_page(row)

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
