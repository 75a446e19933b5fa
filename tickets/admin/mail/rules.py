"""What subjects say about the kind of request: for one mailbox on its page, for all on a page of their own."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from accounts.admin import DeskAdmin, Rows
from accounts.fields import LineField
from accounts.permissions import is_manager
from tickets.mail.routing import plain_subject
from tickets.models import SubjectRule

MOST_RULES = 100


class SubjectRuleForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = SubjectRule
        # The keys are added inside of a desk: their choices are its rows.
        fields = ("begins_with", "language")
        field_classes = {"begins_with": LineField}

    def clean_begins_with(self) -> str:
        words: str = self.cleaned_data["begins_with"]
        if not plain_subject(words):
            raise forms.ValidationError(_("Every subject begins like this. Enter a word."), code="nothing")
        return words

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("begins_with") and not values.get("request_type") and not values.get("language"):
            self.add_error("request_type", _("Choose what the subject says: a request type, a language, or both."))
        return values


class SubjectRuleInline(Rows):
    model = SubjectRule
    form = SubjectRuleForm
    fields = ("begins_with", "request_type", "language")
    max_num = MOST_RULES
    view_rule = change_rule = add_rule = delete_rule = staticmethod(is_manager)


class SubjectRuleAdmin(DeskAdmin):
    """The rules of all mailboxes in one list."""

    form = SubjectRuleForm
    list_display = ("begins_with", "mailbox", "request_type", "language")
    list_select_related = ("mailbox", "request_type")
    fields = ("begins_with", "mailbox", "request_type", "language")
    ordering = ("mailbox_id", "begins_with")
    view_rule = delete_rule = staticmethod(is_manager)
