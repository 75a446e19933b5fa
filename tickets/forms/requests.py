"""What customers fill in: a request, a comment, an invitation."""

from typing import Any

from django import forms
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.fields import AddressField, LineField, PlainTextField, day_field, not_past
from accounts.models import Organisation, Person, Tenant
from accounts.names import one_line
from accounts.terms import InForce
from tickets.actions import Details
from tickets.cover import Cover
from tickets.forms.fields import FilesField
from tickets.forms.own import OwnFields
from tickets.models import RequestType

LONGEST_SUBJECT = 200


def files_of(form: forms.Form, person: Person) -> None:
    """Tell the form's files whose they are; what was chosen before a log-in is chosen still."""
    field = form.fields["files"]
    assert isinstance(field, FilesField)
    field.belongs_to(person, form.initial.get("uploaded") or ())


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
    due_date = day_field(
        _("Needed by"), required=False, validators=[not_past], help_text=_("Leave it empty if there is no hurry.")
    )
    order_number = LineField(
        label=_("Your order number"),
        max_length=60,
        required=False,
        help_text=_("It comes back on the estimate and the invoice."),
    )
    cost_centre = LineField(label=_("Cost centre"), max_length=60, required=False)

    def __init__(
        self,
        *args: Any,
        person: Person,
        acting: Organisation | None,
        tenant: Tenant,
        request_type: RequestType | None = None,
        terms: InForce | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.person, self.acting, self.tenant = person, acting, tenant
        self._offer_organisations()
        self._offer_colleagues()
        files_of(self, person)
        if not tenant.billing_enabled:  # words for books that nobody keeps here (M9)
            del self.fields["order_number"], self.fields["cost_centre"]
        self.own: OwnFields | None = None
        if request_type is not None:
            self._ask_as(request_type)
        self.terms = terms
        if terms is not None:  # its name says which version was read: another one in force by now is asked for anew
            self.fields[f"terms_{terms.number}"] = terms_field(terms)

    def _offer_organisations(self) -> None:
        asks_for = [row.organisation for row in self.person.represents if row.can_ask]
        ids = [one.pk for one in asks_for]
        self.only_organisation = asks_for[0] if len(asks_for) == 1 else None
        if len(ids) < 2:
            del self.fields["organisation"]
            return
        self.fields["organisation"].queryset = Organisation.objects.filter(pk__in=ids).order_by("name")  # type: ignore[attr-defined]
        self.fields["organisation"].initial = self.acting

    def _offer_colleagues(self) -> None:
        ids = [row.organisation_id for row in self.person.represents if row.can_ask]
        colleagues = Person.objects.active().filter(representations__organisation_id__in=ids).exclude(pk=self.person.pk)
        self.fields["on_behalf_of"].queryset = colleagues.distinct().order_by("name")  # type: ignore[attr-defined]
        if not colleagues.exists():
            del self.fields["on_behalf_of"]

    @property
    def organisation_chosen(self) -> Organisation | None:
        """The one that the form shows or was sent with, as far as the person may ask for it."""
        if self.only_organisation is not None or "organisation" not in self.fields:
            return self.only_organisation
        typed = str(self.data.get("organisation", "")) if self.is_bound else str(self.initial.get("organisation") or "")
        rows = [row.organisation for row in self.person.represents if row.can_ask]
        chosen = [one for one in rows if str(one.pk) == typed] or [one for one in rows if one == self.acting]
        return chosen[0] if chosen else rows[0]

    def _ask_as(self, request_type: RequestType) -> None:
        """With the fields of the type, and without those that it does not ask for."""
        self.asked_type = request_type
        organisation = self.organisation_chosen
        if "organisation" in self.fields:  # another one has other products and prices
            self.fields["organisation"].widget.attrs["data-reload"] = ""
        self.own = OwnFields(
            request_type,
            person=self.person,
            organisation=organisation,
            cover=Cover(organisation, self.tenant.today),
            region=self.tenant.country,
        )
        if not request_type.asks_summary:
            del self.fields["summary"]
        if not request_type.asks_description:
            del self.fields["description"]
        elif request_type.needs_description:
            self.fields["description"].required = True
        if not request_type.asks_due_date:
            del self.fields["due_date"]
        if request_type.description_label and "description" in self.fields:
            self.fields["description"].label = str(request_type.description_label)
        self._insert(self.own.make())

    def _insert(self, fields: dict[str, forms.Field]) -> None:
        """After whom it is for, before what it is about."""
        self.fields.update(fields)
        first = [name for name in ("organisation", "on_behalf_of") if name in self.fields]
        self.order_fields([*first, *fields])

    @property
    def conditions_after(self) -> str:
        """The field below which the form says what applies: the last that decides about it."""
        return self.own.rows[-1].name if self.own and self.own.rows else "files"

    @property
    def details(self) -> Details:
        """Of a valid form."""
        return self.own.details(self.cleaned_data) if self.own else Details()

    @property
    def subject(self) -> str:
        """Of a valid form: the summary or, where none is asked for, the first line of the description."""
        summary = (
            self.cleaned_data.get("summary") or self.cleaned_data.get("description", "").strip().partition("\n")[0]
        )
        if summary:
            return shortened(one_line(summary))
        answers = self.details.answers
        first = one_line(answers[0].value) if answers and isinstance(answers[0].value, str) else ""
        return shortened(f"{self.asked_type}: {first}" if first else str(self.asked_type))

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
        if self.own is not None:
            self.own.judge(self)
        return values


def shortened(line: str) -> str:
    """As long as a subject may be; what was cut stands in the description."""
    return line if len(line) <= LONGEST_SUBJECT else line[: LONGEST_SUBJECT - 1].rstrip() + "…"


def terms_field(terms: InForce) -> forms.BooleanField:
    read = format_html('<a href="{}" target="_blank">{}</a>', reverse("terms"), _("Read them in a new tab"))
    label = _("I accept the Terms of service, version %(number)d") % {"number": terms.number}
    return forms.BooleanField(
        label=label, help_text=read, error_messages={"required": _("Accept the terms before you send the request.")}
    )


class CommentForm(forms.Form):
    """A comment in the portal."""

    text = PlainTextField(
        label=_("Your comment"), required=False, max_length=100_000, widget=forms.Textarea(attrs={"rows": 4})
    )
    files = FilesField(label=_("Files"), required=False)  # type: ignore[assignment]  # the metaclass takes it away

    def __init__(self, *args: Any, person: Person, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        files_of(self, person)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not self.errors and not values.get("text", "").strip() and not values.get("files"):
            self.add_error("text", _("Write your comment first, or attach a file."))
        return values


class ParticipantForm(forms.Form):
    """Somebody to invite to one request (A10)."""

    email = AddressField(label=_("E-mail address"))
    name = LineField(label=_("Their name"), max_length=150, required=False)
