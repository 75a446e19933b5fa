"""What can be asked for, set by managers."""

from accounts.admin import DeskAdmin


class TopicGroupAdmin(DeskAdmin):
    list_display = ("name", "icon", "position")
    fields = ("name", "icon", "position")
    ordering = ("position", "id")


class RequestTypeAdmin(DeskAdmin):
    list_display = ("name", "group", "is_billable", "is_active", "position")
    fields = ("group", "name", "sentence", "icon", "position", "default_assignee", "is_billable", "is_active")
    autocomplete_fields = ("default_assignee",)
    list_select_related = ("group",)
    ordering = ("group", "position", "id")
