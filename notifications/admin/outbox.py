"""What went out, per message: queued, sent, failed with the server's words. What failed can be sent again."""

from datetime import datetime
from typing import Any, cast

from django.contrib.admin import display
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin import DeskAdmin, actor
from accounts.permissions import is_agent, is_staff, nobody
from notifications import actions
from notifications.models import OutboxMessage, OutboxState
from notifications.rendering import preview


class OutboxMessageAdmin(DeskAdmin):
    list_display = ("created_at", "state", "to_address", "subject", "tries", "error")
    list_display_links = ("created_at", "subject")
    list_filter = ("state",)
    filter_parameters = ("state__exact",)
    fields = (
        "created_at",
        "to_address",
        "subject",
        "shown_text",
        "state",
        "went_with",
        "tries",
        "next_try",
        "sent_at",
        "error",
    )
    readonly_fields = fields
    list_select_related = False
    ordering = ("-id",)
    view_rule = staticmethod(is_staff)
    add_rule = change_rule = staticmethod(nobody)
    change_form_template = "notifications/admin/message.html"

    @display(description=gettext_lazy("text"))
    def shown_text(self, message: OutboxMessage) -> str:
        """Not of invitations and resets: whoever reads their link has the account."""
        if message.is_personal or (message.said.get("link") and self._was_blanked(message)):
            return _("(holds a personal link and is not shown)")
        if message.text:
            return message.text
        if message.state == OutboxState.QUEUED and message.stem:  # as it would go out now, by itself
            return preview(message)
        return "\n\n".join(filter(None, [message.said.get("lead", ""), message.said.get("words", "")]))

    def _was_blanked(self, message: OutboxMessage) -> bool:
        """It carried somebody's link along with its own news."""
        return message.state == OutboxState.SENT and not message.text and message.sent_with_id is None

    @display(description=gettext_lazy("next try"))
    def next_try(self, message: OutboxMessage) -> datetime | None:
        return message.next_try_at if message.state == OutboxState.QUEUED else None

    @display(description=gettext_lazy("sent together with"))
    def went_with(self, message: OutboxMessage) -> str:
        """The letter that carried this one's news."""
        if message.sent_with is None:
            return "–"
        address = reverse("admin:notifications_outboxmessage_change", args=[message.sent_with.pk])
        return format_html('<a class="desk-link" href="{}">{}</a>', address, message.sent_with)

    def get_urls(self) -> list[URLPattern]:
        return [self.button("again", self.send_again), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {**(extra_context or {}), "may_send_again": is_agent(actor(request))}
        return cast(HttpResponse, super().change_view(request, object_id, form_url, context))

    def send_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        message = self.row(request, object_id)
        sentence = _("The e-mail is on its way to %(address)s.") % {"address": message.to_address}
        return self.press(request, message, actions.send_again, sentence)
