"""The addresses at which a desk takes mail, set and tested by managers."""

import secrets
from typing import Any, cast
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from accounts import events
from accounts.access import get_or_404
from accounts.admin import DeskAdmin, actor
from accounts.admin.findings import keep_findings, shown_findings
from accounts.admin.secrets import stored_fields
from accounts.http import DeskRequest
from accounts.permissions import is_manager
from accounts.sealed import CannotOpenError, seal
from tickets.admin.mail.collecting import look_now, try_troubles_again
from tickets.admin.mail.forms import WHERE_IT_GOES, MailboxForm
from tickets.admin.mail.rules import SubjectRuleInline
from tickets.mail import oauth
from tickets.mail.collector import start_over
from tickets.mail.examination import examine_apart
from tickets.models import Mailbox
from tickets.models.mailboxes import LogIn

# With another of these the messages are others.
ANOTHER_PLACE = frozenset({"host", "username", "folder"})
# The tokens were given for these.
ANOTHER_ACCOUNT = frozenset({*WHERE_IT_GOES, "log_in", "client_id", "directory"})
IMAP_ONLY = ("host", "port", "security", "username", "folder", "after_storing", "move_to", "first_time", "log_in")
CONNECTING = "mail_connecting"


class MailboxAdmin(DeskAdmin):
    """A mailbox is never deleted, only made inactive: its messages are kept."""

    form = MailboxForm
    inlines = (SubjectRuleInline,)
    list_display = ("address", "way", "request_type", "is_active", "last_ok_at", "error")
    list_select_related = ("request_type",)
    ordering = ("id",)
    view_rule = staticmethod(is_manager)
    change_form_template = "tickets/admin/mailbox.html"
    # Unfold's script hides what does not apply; without it all are shown.
    conditional_fields = {
        **dict.fromkeys(IMAP_ONLY, "way == 'imap'"),
        "move_to": "way == 'imap' && after_storing == 'move'",
        "new_password": "way == 'imap' && log_in == 'password'",
        "client_id": "way == 'imap' && log_in != 'password'",
        "new_client_secret": "way == 'imap' && log_in != 'password'",
        "directory": "way == 'imap' && log_in == 'microsoft'",
    }

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        relay = _("A relay that checks senders writes what it found into each message. Empty: nobody is believed.")
        imap = _(
            "Only for a mailbox that is collected by IMAP. Microsoft and Google take no passwords: save first, then "
            "connect the account by the button that appears above."
        )
        log_in = ("log_in", "username", "new_password", "client_id", "new_client_secret", "directory")
        folders = ("folder", "first_time", "after_storing", "move_to")
        return [
            (None, {"fields": ("address", "request_type", "is_active", "way")}),
            (_("Collected by IMAP"), {"fields": ("host", "port", "security", *log_in, *folders), "description": imap}),
            (_("Trusted relay"), {"fields": ("relay",), "description": relay}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("address",) if obj else ()

    # ---- saving ----

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except IntegrityError as error:
            # Of what another desk has switched off only the database knows.
            if "tickets_mailbox_address" not in str(error):
                raise
            request.address_is_taken = True  # type: ignore[attr-defined]
            return super().changeform_view(request, *args, **kwargs)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        form.is_taken = getattr(request, "address_is_taken", False)
        return form

    def save_model(self, request: HttpRequest, obj: Mailbox, form: Any, change: bool) -> None:
        """Only the form's columns and what follows from them: a collector writes to the same row meanwhile."""
        kept = _kept_secrets(obj, form)
        written = {*stored_fields(form), *kept, "next_look_at"}
        obj.next_look_at = timezone.now() if obj.is_collected else None
        changed = set(form.changed_data)
        if changed & ANOTHER_ACCOUNT:
            obj.refresh_token, obj.access_token, obj.access_ends_at = "", "", None
            written |= {"refresh_token", "access_token", "access_ends_at"}
        # Also where the page showed no field for a new one: collected some other way for a while it would come back.
        if changed & set(WHERE_IT_GOES) and "password" not in kept:
            obj.password = ""
            written |= {"password"}
        if changed:
            obj.error, obj.failing_since = "", None
            written |= {"error", "failing_since"}
        obj.save(update_fields=written if change else None)
        if change and changed & ANOTHER_PLACE:
            start_over(obj)

    # ---- the page ----

    def get_urls(self) -> list[URLPattern]:
        return [
            self.button("test", self.test),
            self.button("look", self.look),
            self.button("retry", self.retry),
            self.button("connect", self.connect),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {**(extra_context or {}), "return_address": return_address(request)}
        if request.method == "GET":
            context["findings"] = shown_findings(request, self.opts.label_lower, unquote(object_id))
        response = cast(HttpResponse, super().change_view(request, object_id, form_url, context))
        # The button's answer leads on to the provider, and browsers ask the page's policy whether a form's may.
        response._csp_update = {"form-action": provider_of(response)}  # type: ignore[attr-defined]
        return response

    # ---- its buttons ----

    def test(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Try the mailbox as it is stored. Nothing in it is changed."""
        mailbox = self.row(request, object_id)
        if not mailbox.is_collected:
            messages.info(request, _("There is no server to ask: mail for this address is sent to this server."))
            return self.row_page(mailbox)
        if self.may_test(request):
            keep_findings(request, mailbox, examine_apart(mailbox))
            events.record("mailbox.tested", mailbox, by=actor(request))
        return self.row_page(mailbox)

    def look(self, request: HttpRequest, object_id: str) -> HttpResponse:
        mailbox = self.row(request, object_id)
        return self.press(request, mailbox, look_now, _("The mailbox is looked into now."))

    def retry(self, request: HttpRequest, object_id: str) -> HttpResponse:
        mailbox = self.row(request, object_id)
        return self.press(request, mailbox, try_troubles_again, _("The server is asked for these messages again."))

    def connect(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """To the provider's log-in page. What it sends back is only taken with this session's state, and once."""
        mailbox = self.row(request, object_id)
        if mailbox.log_in == LogIn.PASSWORD or not mailbox.client_id:
            messages.error(request, _("Choose Microsoft or Google, enter the client id and save. Then connect."))
            return self.row_page(mailbox)
        state = secrets.token_urlsafe(32)
        url, verifier = oauth.authorize_url(mailbox, return_address(request), state)
        request.session[CONNECTING] = {"state": state, "verifier": verifier, "mailbox": mailbox.pk}
        return redirect(url)

    def connected(self, request: HttpRequest) -> HttpResponse:
        """Where the provider sends the browser back to, with a code or with its refusal."""
        if not is_manager(actor(request)):
            raise Http404
        begun = request.session.pop(CONNECTING, None)
        if begun is None or not constant_time_compare(begun["state"], request.GET.get("state", "")):
            messages.error(request, _("This answer does not belong to anything that was asked here. Connect again."))
            return redirect("admin:tickets_mailbox_changelist")
        mailbox = get_or_404(Mailbox.objects.all(), pk=begun["mailbox"])
        if not request.GET.get("code"):
            messages.error(request, _("The provider did not agree. The mailbox is not connected."))
            return self.row_page(mailbox)
        return self.complete(request, mailbox, request.GET["code"], begun["verifier"])

    def complete(self, request: HttpRequest, mailbox: Mailbox, code: str, verifier: str) -> HttpResponse:
        try:
            oauth.complete(mailbox, code, verifier, return_address(request))
        except (oauth.Withdrawn, oauth.NotNow, CannotOpenError) as refusal:
            messages.error(request, str(refusal))
            return self.row_page(mailbox)
        events.record("mailbox.connected", mailbox, by=actor(request))
        messages.success(request, _("The mailbox is connected."))
        return self.row_page(mailbox)


def provider_of(page: Any) -> list[str]:
    """Where the log-in page of the shown mailbox's provider is, if it has one."""
    mailbox = (getattr(page, "context_data", None) or {}).get("original")
    if mailbox is None or mailbox.log_in == LogIn.PASSWORD:
        return []
    where = urlsplit(oauth.authorize_url(mailbox, "", "")[0])
    return [f"{where.scheme}://{where.netloc}"]


def return_address(request: HttpRequest) -> str:
    """The address that is registered at the provider: of the host as it is configured, not as the request says it."""
    return cast(DeskRequest, request).host.address + reverse("admin:mail_connected")


def _kept_secrets(mailbox: Mailbox, form: Any) -> set[str]:
    """Seal what was entered; the columns that hold it now."""
    entered = {
        column: form.cleaned_data.get(field, "")
        for column, field in (("password", "new_password"), ("client_secret", "new_client_secret"))
    }
    for column, secret in entered.items():
        if secret:
            setattr(mailbox, column, seal(secret))
    return {column for column, secret in entered.items() if secret}
