"""What went out, per message: queued, sent, failed with the server's words."""

from django.contrib.admin import display
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin import DeskAdmin
from accounts.permissions import is_staff, nobody
from notifications.models import OutboxMessage


class OutboxMessageAdmin(DeskAdmin):
    list_display = ("created_at", "to_address", "subject", "state", "tries", "error")
    list_filter = ("state",)
    filter_parameters = ("state__exact",)
    fields = ("created_at", "to_address", "subject", "shown_text", "state", "tries", "next_try_at", "sent_at", "error")
    readonly_fields = fields
    ordering = ("-id",)

    @display(description=gettext_lazy("text"))
    def shown_text(self, message: OutboxMessage) -> str:
        """Not of invitations and resets: whoever reads their link has the account."""
        return _("(holds a personal link and is not shown)") if message.is_personal else message.text

    view_rule = staticmethod(is_staff)
    add_rule = change_rule = staticmethod(nobody)
