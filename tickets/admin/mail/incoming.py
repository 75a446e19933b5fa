"""What came in, as it came, and what became of it: nothing is dropped, and what was set aside can be tried again."""

from typing import Any

from django.contrib.admin import display
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from accounts import events
from accounts.admin import DeskAdmin, actor
from accounts.files import download, open_file
from accounts.jobs import after_commit
from accounts.models import Person
from accounts.permissions import is_agent, nobody
from accounts.tenancy import current_tenant_id
from tickets.admin.mail.as_sent import POLICY, as_sent
from tickets.mail.addresses import split_tag
from tickets.mail.intake import leave_aside, try_again
from tickets.mail.parse import parse
from tickets.models import IncomingMessage
from tickets.models.incoming import Reason
from tickets.tasks import process_incoming

NONE = "–"
AUTOMATIC = {
    "bounce": gettext_lazy("a report that an e-mail did not arrive"),
    "auto_reply": gettext_lazy("an automatic answer"),
    "list": gettext_lazy("a mailing list"),
    "own": gettext_lazy("our own e-mail that came back"),
}
# Ours, in the reader's language; what is not here are a program's own words.
REASONS = {
    Reason.NO_SENDER: gettext_lazy("It has no sender's address, or several."),
    Reason.OWN: gettext_lazy("It comes from an address of this desk."),
    Reason.COPY: gettext_lazy("The same message came before."),
    Reason.TOO_OFTEN: gettext_lazy("Too many e-mails came from this address within an hour."),
    Reason.NOBODY: gettext_lazy("A mail server sent it and wants no answer."),
    Reason.LEFT: gettext_lazy("Somebody looked at it and decided to ignore it."),
}


class IncomingMessageAdmin(DeskAdmin):
    list_display = ("received_at", "sender", "shown_subject", "state", "ticket")
    list_display_links = ("received_at", "shown_subject")
    list_filter = ("state",)
    filter_parameters = ("state__exact",)
    list_select_related = ("ticket",)
    fields = (
        "received_at",
        "written_by",
        "shown_subject",
        "received_for",
        "copies",
        "mailbox_address",
        "source",
        "envelope_from",
        "shown_size",
        "files",
        "kind_of_sender",
        "state",
        "shown_reason",
        "repeats",
        "tries",
    )
    readonly_fields = fields
    ordering = ("-id",)
    view_rule = staticmethod(is_agent)
    add_rule = change_rule = staticmethod(nobody)
    change_form_template = "tickets/admin/incoming.html"

    # ---- what is shown ----

    @display(description=gettext_lazy("from"))
    def sender(self, message: IncomingMessage) -> str:
        return message.from_address or message.envelope_from or NONE

    @display(description=gettext_lazy("from"))
    def written_by(self, message: IncomingMessage) -> str:
        if not message.from_address:
            return NONE
        return f"{message.from_name} <{message.from_address}>" if message.from_name else message.from_address

    @display(description=gettext_lazy("subject"))
    def shown_subject(self, message: IncomingMessage) -> str:
        return message.subject or NONE

    @display(description=gettext_lazy("to"))
    def received_for(self, message: IncomingMessage) -> str:
        """Without its signed part: that proves whose reply it is, to whoever has it."""
        return split_tag(message.envelope_to)[0]

    @display(description=gettext_lazy("copies to"))
    def copies(self, message: IncomingMessage) -> str:
        return ", ".join(split_tag(str(one.get("address", "")))[0] for one in message.copied) or NONE

    @display(description=gettext_lazy("mailbox"))
    def mailbox_address(self, message: IncomingMessage) -> str:
        """As text: the mailbox's page is for managers."""
        return message.mailbox.address

    @display(description=gettext_lazy("size"))
    def shown_size(self, message: IncomingMessage) -> str:
        size = filesizeformat(message.size)
        return _("%(size)s, only the beginning is kept") % {"size": size} if message.is_cut else size

    @display(description=gettext_lazy("files"))
    def files(self, message: IncomingMessage) -> SafeString | str:
        if not message.attachments:
            return NONE
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}</li>", map(_file, message.attachments)))

    @display(description=gettext_lazy("written by a machine"))
    def kind_of_sender(self, message: IncomingMessage) -> str:
        return str(AUTOMATIC.get(message.automatic, message.automatic)) or _("no")

    @display(description=gettext_lazy("reason"))
    def shown_reason(self, message: IncomingMessage) -> str:
        return str(REASONS.get(message.reason) or AUTOMATIC.get(message.reason) or message.reason) or NONE

    @display(description=gettext_lazy("the same as"))
    def repeats(self, message: IncomingMessage) -> SafeString | str:
        first = message.same_as
        if first is None:
            return NONE
        address = reverse("admin:tickets_incomingmessage_change", args=[first.pk])
        return format_html('<a class="desk-link" href="{}">{}</a>', address, first)

    # ---- what can be done ----

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        name = "tickets_incomingmessage"
        return [
            self.button("again", self.process_again),
            self.button("leave", self.leave),
            path("<path:object_id>/source/", view(require_GET(self.source_file)), name=f"{name}_source"),
            path("<path:object_id>/as-sent/", view(require_GET(self.as_sent)), name=f"{name}_as_sent"),
            *super().get_urls(),
        ]

    def process_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        def verb(message: IncomingMessage, *, by: Person) -> None:
            try_again(message, by=by)
            after_commit(process_incoming, current_tenant_id(), message.pk)

        message = self.row(request, object_id)
        return self.press(request, message, verb, _("The message is processed again."))

    def leave(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Looked at, and nothing is to come of it."""
        message = self.row(request, object_id)
        sentence = _("The message stays as it is; it becomes no ticket and no comment.")
        return self.press(request, message, leave_aside, sentence)

    def source_file(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The bytes as they came. History keeps who took them: they hold more than any page shows."""
        message = self.row(request, object_id)
        events.record("incomingmessage.downloaded", message, by=actor(request))
        return download(message.raw)

    def as_sent(self, request: HttpRequest, object_id: str) -> HttpResponse:
        message = self.row(request, object_id)
        with open_file(message.raw) as file:
            response = HttpResponse(as_sent(parse(file.read())))
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Frame-Options"] = "SAMEORIGIN"
        return response


def _file(one: dict[str, Any]) -> tuple[str]:
    words = str(one.get("name", ""))
    if one.get("size") is not None:
        words += f" ({filesizeformat(one['size'])})"
    return (words if one.get("kept", True) else _("%(file)s, not kept: too large or too many") % {"file": words},)
