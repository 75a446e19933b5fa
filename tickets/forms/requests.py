"""What customers fill in: a request, a comment, an invitation."""

from typing import Any

from django import forms
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.addresses import normalise_address
from accounts.fields import LineField, PlainTextField, day_field, not_past
from accounts.models import Organisation, Person, Tenant
from accounts.terms import InForce
from tickets.forms.fields import FilesField, files_hint


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
        terms: InForce | None = None,
        **kwargs: Any,
    ) -> None:
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
        if not tenant.billing_enabled:  # words for books that nobody keeps here (M9)
            del self.fields["order_number"], self.fields["cost_centre"]
        self.only_organisation = organisations.first() if len(ids) == 1 else None
        self.terms = terms
        if terms is not None:  # its name says which version was read: another one in force by now is asked for anew
            self.fields[f"terms_{terms.number}"] = terms_field(terms)

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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["files"].help_text = files_hint()

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not self.errors and not values.get("text", "").strip() and not values.get("files"):
            self.add_error("text", _("Write your comment first, or attach a file."))
        return values


class ParticipantForm(forms.Form):
    """Somebody to invite to one request (A10)."""

    email = LineField(label=_("E-mail address"), max_length=254)
    name = LineField(label=_("Their name"), max_length=150, required=False)

    def clean_email(self) -> str:
        normal = normalise_address(self.cleaned_data["email"])
        if not normal:
            raise forms.ValidationError(_("This is not an e-mail address. Write it like name@example.com."))
        return normal
