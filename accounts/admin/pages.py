"""The desk's pages: questions and answers, instructions, meeting notes."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.views.decorators.http import require_GET

from accounts.admin.base import DeskAdmin
from accounts.markdown import rendered
from accounts.models import Page
from accounts.permissions import is_manager


class PageAdmin(DeskAdmin):
    list_display = ("__str__", "slug", "audience", "organisation", "is_published", "position")
    list_select_related = ("organisation",)
    list_filter = ("audience", "is_published")
    filter_parameters = ("audience__exact", "is_published__exact")
    fields = ("title", "slug", "audience", "organisation", "body", "position", "is_published")
    autocomplete_fields = ("organisation",)
    ordering = ("-id",)
    view_rule = delete_rule = staticmethod(is_manager)
    change_form_template = "accounts/admin/page.html"

    def get_queryset(self, request: HttpRequest) -> Any:
        """Managers read drafts too, which `visible_to` does not show."""
        return Page.objects.all()

    def get_urls(self) -> list[URLPattern]:
        preview = self.admin_site.admin_view(require_GET(self.preview))
        return [path("<path:object_id>/preview/", preview, name="accounts_page_preview"), *super().get_urls()]

    def preview(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row(request, object_id)
        written = {"title": row.title, "body": rendered(str(row.body)), "language": row.body.language}
        return render(request, "accounts/preview.html", written)
