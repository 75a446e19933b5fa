"""What can be asked for, set by managers."""

from django.db import models
from django.http import HttpRequest

from accounts.admin import DeskAdmin
from accounts.models import Person


class TopicGroupAdmin(DeskAdmin):
    list_display = ("name", "icon", "position")
    fields = ("name", "icon", "position")
    ordering = ("position", "id")


class RequestTypeAdmin(DeskAdmin):
    list_display = ("name", "group", "is_billable", "is_active", "position")
    fields = ("group", "name", "sentence", "icon", "position", "default_assignee", "is_billable", "is_active")
    list_select_related = ("group",)
    ordering = ("group", "position", "id")

    def formfield_for_foreignkey(
        self, db_field: "models.ForeignKey[object, object]", request: HttpRequest, **kwargs: object
    ) -> object:
        if db_field.name == "default_assignee":
            kwargs["queryset"] = Person.objects.agents().order_by("name")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)
