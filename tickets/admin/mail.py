"""Mailboxes, and what came in with its state: nothing is dropped, and what failed can be tried again."""

from typing import Any

from django.contrib import messages
from django.contrib.admin import display
from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from accounts.access import get_or_404
from accounts.admin import DeskAdmin, actor
from accounts.errors import Refused
from accounts.jobs import after_commit
from accounts.permissions import is_agent, nobody
from tickets.mail.addresses import split_tag
from tickets.mail.intake import try_again
from tickets.models import IncomingMessage
from tickets.tasks import process_incoming


class MailboxAdmin(DeskAdmin):
    list_display = ("address", "request_type", "is_active")
    fields = ("address", "request_type", "is_active")
    readonly_fields = ("address",)
    list_select_related = ("request_type",)
    add_rule = staticmethod(nobody)


class IncomingMessageAdmin(DeskAdmin):
    list_display = ("received_at", "envelope_from", "received_for", "state", "ticket", "tries")
    list_filter = ("state",)
    filter_parameters = ("state__exact",)
    list_select_related = ("ticket",)
    fields = ("received_at", "mailbox", "envelope_from", "received_for", "state", "reason", "ticket", "tries")
    readonly_fields = fields
    ordering = ("-id",)
    view_rule = staticmethod(is_agent)
    add_rule = change_rule = staticmethod(nobody)
    change_form_template = "tickets/admin/incoming.html"

    @display(description=gettext_lazy("to"))
    def received_for(self, message: IncomingMessage) -> str:
        """Without its signed part: that proves whose reply it is, to whoever has it."""
        return split_tag(message.envelope_to)[0]

    def get_urls(self) -> list[URLPattern]:
        again = path(
            "<path:object_id>/again/",
            self.admin_site.admin_view(require_POST(self.process_again)),
            name="tickets_incomingmessage_again",
        )
        return [again, *super().get_urls()]

    def process_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        message: Any = get_or_404(self.get_queryset(request), pk=unquote(object_id))
        try:
            try_again(message, by=actor(request))
        except Refused as refusal:
            messages.error(request, str(refusal.sentence))
        else:
            after_commit(process_incoming, message.tenant_id, message.pk)
            messages.success(request, _("The message is processed again."))
        return redirect("admin:tickets_incomingmessage_change", message.pk)
