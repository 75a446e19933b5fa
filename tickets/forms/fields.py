"""The fields that our forms are made of: words, lines, files, days, times."""

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from accounts.fields import PlainTextField
from accounts.files import too_large
from tickets.durations import MOST_MINUTES, split_duration

MEGABYTE = 1024 * 1024


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

    default_error_messages: ClassVar[dict[str, Any]] = {"duration": _("Write a time like 90, 1h30 or 1:30.")}

    def __init__(self, *, least: int = 1, most: int = MOST_MINUTES, **kwargs: Any) -> None:
        super().__init__(max_length=20, **kwargs)
        self.least, self.most = least, most

    def clean(self, value: Any) -> int | None:
        text = super().clean(value)
        if not text:
            return None
        found = split_duration(text)
        if found is None or found[1] or not self.least <= found[0] <= self.most:
            raise forms.ValidationError(self.error_messages["duration"], code="duration")
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


class PriceField(forms.DecimalField):
    """As people write prices, whatever the language of the page: '99,50', '99.50', '1 200'."""

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str):
            value = "".join(value.split()).replace(",", ".")
            if "_" in value:  # Python reads '1_0' as ten
                raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        price = super().to_python(value)
        return price if price is None else price + 0  # '-0' is nothing
