"""What went out, per message: queued, sent, failed with the server's words."""

from accounts.admin import DeskAdmin
from accounts.permissions import is_staff, nobody


class OutboxMessageAdmin(DeskAdmin):
    list_display = ("created_at", "to_address", "subject", "state", "tries", "error")
    list_filter = ("state",)
    filter_parameters = ("state__exact",)
    fields = ("created_at", "to_address", "subject", "text", "state", "tries", "next_try_at", "sent_at", "error")
    readonly_fields = fields
    ordering = ("-id",)
    view_rule = staticmethod(is_staff)
    add_rule = change_rule = staticmethod(nobody)
