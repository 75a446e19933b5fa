"""What the desk looks after, and what contracts cover of it."""

from typing import Any

from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from accounts.admin.base import DeskAdmin, Rows
from accounts.models import Component, ContractUser, Cover, Organisation, Product
from accounts.permissions import is_manager


class ComponentInline(Rows):
    model = Component
    fields = ("name", "position")
    max_num = 200
    delete_rule = staticmethod(is_manager)


class ProductAdmin(DeskAdmin):
    list_display = ("name", "organisation", "is_active", "position")
    list_select_related = ("organisation",)
    fields = ("name", "organisation", "position", "is_active")
    autocomplete_fields = ("organisation",)
    ordering = ("-id",)
    inlines = (ComponentInline,)
    search_fields = ("name",)  # looked up exactly
    search_help_text = gettext_lazy("Name of the product")

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        if search_term:
            queryset = queryset.filter(name=search_term.replace("\0", "").strip())
        return queryset, False


class CoverInline(Rows):
    """The products that a contract covers: those for everybody, and the holder's own projects."""

    model = Cover
    max_num = 200
    delete_rule = staticmethod(is_manager)
    verbose_name_plural = gettext_lazy("Covered products (none: whatever is asked about)")

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        holder: Organisation | None = obj.organisation if obj is not None else None
        formset = super().get_formset(request, obj, **kwargs)
        formset.form.base_fields["product"].queryset = Product.objects.offered_to(holder)
        return formset


class ContractUserInline(Rows):
    model = ContractUser
    max_num = 200
    autocomplete_fields = ("organisation",)
    delete_rule = staticmethod(is_manager)
    verbose_name_plural = gettext_lazy("Other organisations that work under it")
