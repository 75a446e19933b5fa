"""The desk's terms of service: drafts are written, read as customers will, and published once."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.admin import display
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from accounts.admin.base import DeskAdmin, Rows, actor
from accounts.errors import Refused
from accounts.markdown import rendered
from accounts.models import Consent, TermsVersion
from accounts.permissions import is_manager, nobody
from accounts.terms import begin_terms, publish_terms


class TermsVersionAdmin(DeskAdmin):
    list_display = ("__str__", "needs_consent", "published_at")
    ordering = ("-id",)
    view_rule = staticmethod(is_manager)
    change_form_template = "accounts/admin/terms.html"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A published version's words are read on its page, in their form."""
        if obj is not None and obj.published_at is not None:
            return ("titled", "languages", "needs_consent")
        return ("title", "body", "needs_consent")

    @display(description=gettext_lazy("title"))
    def titled(self, version: TermsVersion) -> str:
        return str(version.title)

    @display(description=gettext_lazy("languages"))
    def languages(self, version: TermsVersion) -> str:
        names = dict(settings.LANGUAGES)
        return ", ".join(names[code] for code in names if version.body.get(code))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("titled", "languages")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What was published is only read."""
        return super().has_change_permission(request, obj) and (obj is None or obj.published_at is None)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_manager(actor(request)) and obj is not None and obj.published_at is None

    def get_urls(self) -> list[URLPattern]:
        preview = self.admin_site.admin_view(require_GET(self.preview))
        return [
            self.button("publish", self.publish),
            self.button("begin", self.begin),
            path("<path:object_id>/preview/", preview, name="accounts_termsversion_preview"),
            *super().get_urls(),
        ]

    def publish(self, request: HttpRequest, object_id: str) -> HttpResponse:
        version = self.row(request, object_id)
        return self.press(request, version, publish_terms, _("The version is published and in force from now on."))

    def begin(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """A new draft from this version; its page opens."""
        try:
            draft = begin_terms(self.row(request, object_id), by=actor(request))
        except Refused as refusal:
            messages.error(request, str(refusal.sentence))
            return redirect("admin:accounts_termsversion_changelist")
        messages.success(request, _("This is a draft with the same words. Nobody sees it before you publish it."))
        return self.row_page(draft)

    def preview(self, request: HttpRequest, object_id: str) -> HttpResponse:
        version = self.row(request, object_id)
        written = {"title": version.title, "body": rendered(str(version.body)), "language": version.body.language}
        return render(request, "accounts/preview.html", written)


class ConsentInline(Rows):
    """The proofs of one person. Nobody writes them."""

    model = Consent
    fields = readonly_fields = ("terms", "at", "from_address", "language", "sha256")
    add_rule = change_rule = delete_rule = staticmethod(nobody)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("terms").order_by("-id")
