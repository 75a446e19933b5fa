"""The portal's and the desk's forms about tickets."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from accounts.files import too_large
from accounts.models import Organisation, Person
from tickets.models import RequestType, Ticket
from tickets.models.ticket import Priority

MEGABYTE = 1024 * 1024
_CONTROL = {code: None for code in range(32) if chr(code) not in "\n\t"}


class PlainTextField(forms.CharField):
    """Words as a person types them: CR LF becomes LF, control characters go."""

    def to_python(self, value: Any) -> str:
        text = super().to_python(value) or ""
        return text.replace("\r\n", "\n").replace("\r", "\n").translate(_CONTROL)


class LineField(PlainTextField):
    """One line: what could end a header line becomes a space."""

    def to_python(self, value: Any) -> str:
        return " ".join(super().to_python(value).split())


class FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        return files.getlist(name) if hasattr(files, "getlist") else files.get(name)


class FilesField(forms.FileField):
    """Several files, each judged, each refusal naming its file (K14)."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> list["UploadedFile[bytes]"]:
        files = [file for file in data or [] if file]
        if len(files) > settings.MAX_FILES:
            raise forms.ValidationError(
                _("%(count)s files are too many at once; send at most %(most)s and add the others to a comment."),
                params={"count": len(files), "most": settings.MAX_FILES},
                code="count",
            )
        errors = [error for file in files for error in _judge(file)]
        if errors:
            raise forms.ValidationError(errors)
        return files


def _judge(file: "UploadedFile[bytes]") -> list[forms.ValidationError]:
    size = file.size or 0
    if not size:
        return [forms.ValidationError(_("“%(name)s” is empty. Choose another file."), params={"name": file.name})]
    if too_large(size):
        return [
            forms.ValidationError(
                _("“%(name)s” has %(size)s MB; a file may have %(most)s MB. Send a smaller one, or a link to it."),
                params={
                    "name": file.name,
                    "size": -(-size // MEGABYTE),
                    "most": settings.MAX_FILE_BYTES // MEGABYTE,
                },
                code="size",
            )
        ]
    return []


def files_hint() -> str:
    return ngettext_lazy(
        "Up to %(count)d file of %(size)d MB.", "Up to %(count)d files of %(size)d MB each.", settings.MAX_FILES
    ) % {"count": settings.MAX_FILES, "size": settings.MAX_FILE_BYTES // MEGABYTE}


class RequestForm(forms.Form):
    """What a customer says when filing a request (B4)."""

    organisation: "forms.ModelChoiceField[Organisation]" = forms.ModelChoiceField(
        label=_("For which organisation"), queryset=None, empty_label=None
    )
    on_behalf_of: "forms.ModelChoiceField[Person]" = forms.ModelChoiceField(
        label=_("Raise this request on behalf of"), queryset=None, required=False, empty_label=_("Myself")
    )
    summary = LineField(label=_("Summary"), max_length=200, help_text=_("One line that says what it is about."))
    description = PlainTextField(
        label=_("Description"),
        required=False,
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=_("What did you do, what happened, and what did you expect?"),
    )
    files = FilesField(label=_("Files"), required=False)  # type: ignore[assignment]  # the metaclass takes it away
    due_date = forms.DateField(
        label=_("Needed by"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("Leave it empty if there is no hurry."),
    )

    def __init__(self, *args: Any, person: Person, acting: Organisation | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person
        ids = [row.organisation_id for row in person.represents if row.can_ask]
        organisations = Organisation.objects.filter(pk__in=ids).order_by("name")
        self.fields["organisation"].queryset = organisations  # type: ignore[attr-defined]
        self.fields["organisation"].initial = acting
        if len(ids) < 2:
            del self.fields["organisation"]
        colleagues = Person.objects.active().filter(representations__organisation_id__in=ids).exclude(pk=person.pk)
        self.fields["on_behalf_of"].queryset = colleagues.distinct().order_by("name")  # type: ignore[attr-defined]
        if not colleagues.exists():
            del self.fields["on_behalf_of"]
        self.fields["files"].help_text = files_hint()
        self.only_organisation = organisations.first() if len(ids) == 1 else None

    def clean_due_date(self) -> Any:
        due = self.cleaned_data["due_date"]
        if due and due < timezone.localdate():
            raise forms.ValidationError(_("This day has passed. Choose today or a later day."))
        return due

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        organisation = values.setdefault("organisation", self.only_organisation)
        colleague = values.get("on_behalf_of")
        if colleague and organisation and organisation.pk not in colleague.organisation_ids:
            self.add_error(
                "on_behalf_of",
                _("%(name)s does not represent %(organisation)s. Choose another person or organisation.")
                % {"name": colleague, "organisation": organisation},
            )
        return values


class CommentForm(forms.Form):
    """A comment in the portal."""

    text = PlainTextField(
        label=_("Your comment"), required=False, max_length=100_000, widget=forms.Textarea(attrs={"rows": 4})
    )
    files = FilesField(label=_("Files"), required=False)  # type: ignore[assignment]  # the metaclass takes it away

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["files"].help_text = files_hint()

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not self.errors and not values.get("text", "").strip() and not values.get("files"):
            self.add_error("text", _("Write your comment first, or attach a file."))
        return values


class ReplyForm(CommentForm):
    """An agent's words: a reply that the customer reads, or a note for colleagues."""


class WordsForm(forms.Form):
    """A verb that needs words."""

    text = PlainTextField(
        label=_("Your words"),
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": _("Write a sentence first; the other side reads it.")},
    )


class MinutesForm(forms.Form):
    """A verb that names expected minutes."""

    minutes = forms.IntegerField(label=_("Expected minutes"), min_value=1, max_value=60_000)


class TimeForm(forms.Form):
    """Time worked, in one line."""

    minutes = forms.IntegerField(label=_("Minutes"), min_value=1, max_value=24 * 60)
    description = LineField(label=_("What was done"), max_length=200)
    is_billable = forms.BooleanField(label=_("Billable"), required=False, initial=True)


class HandlingForm(forms.Form):
    """What an agent sets about a ticket: who, whose, what, how urgent."""

    assignee: "forms.ModelChoiceField[Person]" = forms.ModelChoiceField(
        label=_("Assigned to"), queryset=None, required=False
    )
    organisation: "forms.ModelChoiceField[Organisation]" = forms.ModelChoiceField(
        label=_("Organisation"), queryset=None, required=False
    )
    request_type: "forms.ModelChoiceField[RequestType]" = forms.ModelChoiceField(
        label=_("Request type"), queryset=None, required=False
    )
    priority = forms.TypedChoiceField(label=_("Priority"), choices=Priority.choices, coerce=int)

    def __init__(self, *args: Any, ticket: Ticket, **kwargs: Any) -> None:
        initial = {
            "assignee": ticket.assignee_id,
            "organisation": ticket.organisation_id,
            "request_type": ticket.request_type_id,
            "priority": ticket.priority,
        }
        super().__init__(*args, initial=initial, **kwargs)
        self.fields["assignee"].queryset = Person.objects.answering()  # type: ignore[attr-defined]
        self.fields["request_type"].queryset = RequestType.objects.offered().order_by("group", "position")  # type: ignore[attr-defined]
        # The organisations of the requester, not the whole directory: a list of all does not fit a page.
        ids: Iterable[int] = [*ticket.requester.organisation_ids, ticket.organisation_id or 0]
        self.fields["organisation"].queryset = Organisation.objects.filter(pk__in=ids)  # type: ignore[attr-defined]
