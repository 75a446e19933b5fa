"""The desk's own mail server, set and tested by managers."""

import re
from typing import Any, cast

from django import forms
from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import events
from accounts.admin import DeskAdmin, actor
from accounts.admin.findings import keep_findings, shown_findings
from accounts.admin.secrets import SecretField, needs_secret_again, stored_fields
from accounts.fields import LineField
from accounts.outside import NotOutside, check_host
from accounts.permissions import is_manager
from accounts.sealed import seal
from notifications.models import MailServer
from notifications.servers import IN_EUROPE, examine, send_test

SMTP = MailServer.Kind.SMTP
# With another of these the stored secret would be shown to somebody else.
WHERE_IT_GOES = ("kind", "host", "port", "username", "security")

_DOMAIN = re.compile(r"[A-Za-z0-9.-]*")


class MailServerForm(forms.ModelForm):  # type: ignore[type-arg]
    new_secret = SecretField(label=gettext_lazy("Password or key"), ascii_only=True)

    class Meta:
        model = MailServer
        fields = ("kind", "is_active", "host", "port", "security", "username", "sender_domain", "in_europe")
        field_classes = {"host": LineField, "username": LineField, "sender_domain": LineField}

    def clean_sender_domain(self) -> str:
        domain: str = self.cleaned_data["sender_domain"]
        # It becomes a part of the provider's address.
        if not _DOMAIN.fullmatch(domain):
            raise forms.ValidationError(_("Enter the domain alone, like example.com."), code="domain")
        return domain

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("kind") == SMTP:
            self._check_smtp(values)
        elif values.get("kind"):
            self._check_provider(values)
        if needs_secret_again(
            self, secret=values.get("new_secret", ""), stored=self.instance.secret, where=WHERE_IT_GOES
        ):
            self.add_error("new_secret", _("Enter it again: the stored one was for another server or user."))
        return values

    def _check_smtp(self, values: dict[str, Any]) -> None:
        if not values.get("host"):
            self.add_error("host", _("Enter the name of the SMTP server."))
            return
        try:
            check_host(values["host"])
        except NotOutside as refusal:
            self.add_error("host", str(refusal))

    def _check_provider(self, values: dict[str, Any]) -> None:
        if not values.get("new_secret") and not self.instance.secret and "new_secret" not in self.errors:
            self.add_error("new_secret", _("Enter the key that the provider gave you."))
        if values["kind"] == MailServer.Kind.MAILJET and not values.get("username"):
            self.add_error("username", _("Enter the public key of Mailjet."))


class MailServerAdmin(DeskAdmin):
    """At most one row: without it, or while it is not active, mail goes by the installation's relay."""

    form = MailServerForm
    list_display = ("kind", "host", "is_active", "last_ok_at", "error")
    view_rule = staticmethod(is_manager)
    ordering = ("id",)
    change_form_template = "notifications/admin/server.html"
    # Unfold's script hides what a kind does not ask for; without it all are shown.
    conditional_fields = {
        "host": "kind == 'smtp'",
        "port": "kind == 'smtp'",
        "security": "kind == 'smtp'",
        "username": "kind == 'smtp' || kind == 'mailjet'",
        "sender_domain": "kind == 'mailgun'",
        "in_europe": " || ".join(f"kind == '{kind}'" for kind in sorted(IN_EUROPE)),
    }

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        what = _("Mail leaves by this server while it is active, and by that of this installation otherwise.")
        server = _("Without encryption the password and all mail can be read on the way.")
        where = ("host", "port", "security", "username", "new_secret", "sender_domain", "in_europe")
        return [
            (None, {"fields": ("kind", "is_active"), "description": what}),
            (_("Server"), {"fields": where, "description": server}),
        ]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_add_permission(request, obj) and not MailServer.objects.exists()

    def save_model(self, request: HttpRequest, obj: MailServer, form: Any, change: bool) -> None:
        if form.cleaned_data["new_secret"]:
            obj.secret = seal(form.cleaned_data["new_secret"])
        if not change:
            obj.save()
            return
        # What a delivery notes meanwhile stays; an error of the server before is none of this one's.
        if form.changed_data:
            obj.error, obj.failing_since = "", None
        obj.save(update_fields=[*stored_fields(form), "secret", "error", "failing_since"])

    def get_urls(self) -> list[URLPattern]:
        return [self.button("test", self.test), self.button("send", self.send), *super().get_urls()]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        context = {**(extra_context or {}), "show_save_and_add_another": False}
        return super().changeform_view(request, object_id, form_url, context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {**(extra_context or {}), "my_address": actor(request).email}
        if request.method == "GET":
            context["findings"] = shown_findings(request, self.opts.label_lower, unquote(object_id))
        return cast(HttpResponse, super().change_view(request, object_id, form_url, context))

    def test(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Try the server as it is stored."""
        server = self.row(request, object_id)
        if self.may_test(request):
            keep_findings(request, server, examine(server))
            events.record("mailserver.tested", server, by=actor(request))
        return self.row_page(server)

    def send(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Send one e-mail to who asks for it."""
        server = self.row(request, object_id)
        if self.may_test(request):
            keep_findings(request, server, [send_test(server, actor(request).email)])
            events.record("mailserver.tested", server, by=actor(request))
        return self.row_page(server)
