"""The fields that our forms are made of: words, lines, files, days, times."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from accounts.errors import Refused
from accounts.fields import PlainTextField
from accounts.files import MEGABYTE, check_size
from accounts.models import Person, Upload
from accounts.uploads import finished, unfinished_names
from tickets.durations import MOST_MINUTES, split_duration

# After a files field's own name: where a form names what was sent before it.
UPLOADED = "_uploaded"


class FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """The files that came with the form, and the ids of those that came before it."""
        sent = files.getlist(name) if hasattr(files, "getlist") else files.get(name) or []
        ids = data.getlist(f"{name}{UPLOADED}") if hasattr(data, "getlist") else []
        return [*ids, *sent]


class FilesField(forms.FileField):
    """Several files, each judged, each refusal naming its file (K14): sent with the form or before it (uploads)."""

    widget = FilesInput
    # Whose uploads may be named; without a person none.
    person: Person | None = None
    # The uploads that the page lists as chosen.
    shown: Sequence[Upload] = ()
    # What came with the form and can be kept when it is refused.
    plain: "Sequence[UploadedFile[bytes]]" = ()
    # Whether some of that could not be kept.
    has_lost = False

    def belongs_to(self, person: Person, ids: Sequence[str] = ()) -> None:
        """Whose form it is, and what they had chosen before it was shown."""
        self.person = person
        self.help_text = files_hint()
        self._show(finished(person, ids[: settings.MAX_FILES]) if ids else [])

    def _show(self, found: Sequence[Upload]) -> None:
        self.shown = [row for row in found if row.used_at is None]

    def clean(self, data: Any, initial: Any = None) -> "list[UploadedFile[bytes] | Upload]":
        sent = [one for one in data or [] if one]
        ids = [one for one in sent if isinstance(one, str)]
        files = [one for one in sent if not isinstance(one, str)]
        found = finished(self.person, ids) if self.person and ids else []
        self._show(found)
        faults = {file: _fault(file) for file in files}
        self.plain = [file for file in files if not faults[file]]
        errors = [fault for fault in faults.values() if fault] + self._missing(ids, found)
        if len(files) + len(ids) > settings.MAX_FILES:
            errors.insert(0, _too_many(len(files) + len(ids)))
        if errors:
            raise forms.ValidationError(errors)
        return [*found, *files]

    def _missing(self, ids: Sequence[str], found: Sequence[Upload]) -> list[forms.ValidationError]:
        """What was named and cannot be sent: not complete, no longer kept, somebody else's, or named twice."""
        lacking = set(ids) - {str(row.public_id) for row in found}
        names = unfinished_names(self.person, lacking) if self.person and lacking else []
        errors = [
            forms.ValidationError(
                _("“%(name)s” has not arrived completely. Choose it again."), params={"name": name}, code="unfinished"
            )
            for name in names
        ]
        if len(lacking) > len(names):
            errors.append(
                forms.ValidationError(_("A file is not kept here any more. Choose it again."), code="unknown")
            )
        for row in found:
            if ids.count(str(row.public_id)) > 1:
                errors.append(
                    forms.ValidationError(
                        _("“%(name)s” is here twice. Send it once."), params={"name": row.name}, code="twice"
                    )
                )
        return errors


def _too_many(count: int) -> forms.ValidationError:
    return forms.ValidationError(
        _("%(count)s files are too many at once; send at most %(most)s and add the others to a comment."),
        params={"count": count, "most": settings.MAX_FILES},
        code="count",
    )


def _fault(file: "UploadedFile[bytes]") -> forms.ValidationError | None:
    try:
        check_size(file.name or "", file.size or 0)
    except Refused as refusal:
        return forms.ValidationError(str(refusal.sentence), code=refusal.code)
    return None


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
        # '-0' is nothing. Without reckoning, which fails for numbers that the validators have yet to refuse.
        return price.copy_abs() if price is not None and not price else price


class QuantityField(PriceField):
    """A number of anything, typed as prices are: up to eleven digits, and four after the point."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=15, decimal_places=4, **kwargs)
