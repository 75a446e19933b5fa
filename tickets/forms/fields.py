"""The fields that our forms are made of: words, lines, files, days, times."""

from datetime import date
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import MaxValueValidator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from accounts.files import too_large
from accounts.names import visible
from tickets.durations import split_duration

MEGABYTE = 1024 * 1024
# Periods are counted from days that are typed, and after the year 9999 there is nothing to count to.
LAST_DAY = date(2999, 12, 31)
_CONTROL = {code: None for code in range(32) if chr(code) not in "\n\t"}


class PlainTextField(forms.CharField):
    """Words as a person types them: CR LF becomes LF, control characters go."""

    def to_python(self, value: Any) -> str:
        text = super().to_python(value) or ""
        return text.replace("\r\n", "\n").replace("\r", "\n").translate(_CONTROL)


class LineField(PlainTextField):
    """One line: what could end a header line becomes a space, and what cannot be seen goes."""

    def to_python(self, value: Any) -> str:
        return " ".join(visible(" ".join(super().to_python(value).split())).split())


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


class DurationField(forms.CharField):
    """Minutes, typed as '90', '1h30' or '1:30'."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=20, **kwargs)

    def clean(self, value: Any) -> int | None:
        text = super().clean(value)
        if not text:
            return None
        found = split_duration(text)
        if found is None or found[1] or not 1 <= found[0] <= 60_000:
            raise forms.ValidationError(_("Write a time like 90, 1h30 or 1:30."), code="duration")
        return found[0]


def words_field(label: Any, *, rows: int = 4, required: bool = True, **kwargs: Any) -> PlainTextField:
    return PlainTextField(
        label=label,
        max_length=100_000,
        required=required,
        widget=forms.Textarea(attrs={"rows": rows}),
        error_messages={"required": _("Write a sentence first; the other side reads it.")},
        **kwargs,
    )


def day_field(label: Any, **kwargs: Any) -> forms.DateField:
    return forms.DateField(
        label=label,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        validators=[MaxValueValidator(LAST_DAY)],
        **kwargs,
    )
