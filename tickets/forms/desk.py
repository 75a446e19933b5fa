"""What agents fill in on the ticket page: a reply, time, an estimate, who handles it."""

from typing import Any

from django import forms
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.errors import Refused
from accounts.fields import AddressField, LineField, PhoneField, day_field
from accounts.models import Contract, Organisation, Person
from tickets import actions
from tickets.forms.fields import DurationField, PriceField, words_field
from tickets.models import RequestType, Ticket
from tickets.models.ticket import Priority


class TimeForm(forms.Form):
    """Time worked, in one line: '1h20 analysis'."""

    line = LineField(
        label=_("Time and what was done"),
        max_length=220,
        widget=forms.TextInput(attrs={"placeholder": _("1h20 analysis")}),
    )
    is_billable = forms.BooleanField(label=_("Billable"), required=False, initial=True)
    worked_on = day_field(_("Day"), required=False)

    def clean_line(self) -> str:
        line = str(self.cleaned_data["line"])
        try:
            self.minutes, self.work_type, self.description = actions.read_time(line)
        except Refused as refusal:
            raise forms.ValidationError(str(refusal.sentence)) from None
        return line


class NewUserForm(forms.Form):
    """Whom to give access, as the request says or as the agent reads it there (B21)."""

    name = LineField(label=_("Full name"), max_length=150)
    email = AddressField(label=_("E-mail address"))
    phone = PhoneField(label=_("Telephone"), required=False)


class CorrectionForm(forms.Form):
    """An entry as it should have been; no minutes mean that it was not worked."""

    minutes = DurationField(
        label=_("Time"),
        least=0,
        most=24 * 60,
        error_messages={"duration": _("Write a time like 90, 1h30 or 1:30; 0 if it was not worked.")},
    )
    description = LineField(label=_("What was done"), max_length=200)
    is_billable = forms.BooleanField(label=_("Billable"), required=False)
    reason = LineField(label=_("Why it is corrected"), max_length=200, required=False)


class EstimateForm(forms.Form):
    """An estimate but for its lines."""

    due_on = day_field(_("Done by"))
    valid_until = day_field(_("Valid until"), required=False, help_text=_("Empty: as long as the desk's policy says."))
    note = words_field(
        _("Note to the customer"), rows=3, required=False, help_text=_("What it is about; what differs from before.")
    )
    terms = words_field(_("Terms"), rows=3, required=False)
    zero_reason = LineField(
        label=_("Why it costs nothing"),
        max_length=300,
        required=False,
        help_text=_("Only for a price of zero, like a warranty claim."),
    )
    # The newest version when the page was made.
    after = forms.IntegerField(
        label=_("Newest version when this one was written"), widget=forms.HiddenInput, required=False, min_value=0
    )


class EstimateLineForm(forms.Form):
    """A line: words, and either a time or a fixed price. A line without words is left out."""

    description = LineField(label=_("Description"), max_length=250, required=False)
    time = DurationField(label=_("Time"), required=False)
    price = PriceField(label=_("Price"), required=False, min_value=0, max_digits=12, decimal_places=2, localize=True)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        has_words = bool(values.get("description"))
        has_figures = values.get("time") is not None or values.get("price") is not None
        if self.errors:
            return values
        if has_figures and not has_words:
            self.add_error("description", _("Every line needs words: the customer reads what it is for."))
        if has_words and not has_figures:
            self.add_error("time", _("A line needs time or a fixed price."))
        return values

    @property
    def line(self) -> actions.NewLine | None:
        """Of a valid form; None for an empty one."""
        values = self.cleaned_data
        if not values.get("description"):
            return None
        return actions.NewLine(values["description"], values.get("time"), values.get("price"))


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
    contract: "forms.ModelChoiceField[Contract]" = forms.ModelChoiceField(
        label=_("Contract"), queryset=None, required=False
    )
    order_number = LineField(label=_("Customer's order number"), max_length=60, required=False)
    cost_centre = LineField(label=_("Cost centre"), max_length=60, required=False)

    def __init__(self, *args: Any, ticket: Ticket, **kwargs: Any) -> None:
        initial = {
            "assignee": ticket.assignee_id,
            "organisation": ticket.organisation_id,
            "request_type": ticket.request_type_id,
            "priority": ticket.priority,
            "contract": ticket.contract_id,
            "order_number": ticket.order_number,
            "cost_centre": ticket.cost_centre,
        }
        super().__init__(*args, initial=initial, **kwargs)
        self.fields["assignee"].queryset = Person.objects.answering()  # type: ignore[attr-defined]
        # Its own type stays a choice when it is no longer offered: saving something else must not take it away.
        types = RequestType.objects.filter(models.Q(is_active=True) | models.Q(pk=ticket.request_type_id))
        self.fields["request_type"].queryset = types.order_by("group", "position")  # type: ignore[attr-defined]
        # The organisations of the requester, not the whole directory: a list of all does not fit a page.
        ids = [*ticket.requester.organisation_ids, ticket.organisation_id or 0]
        self.fields["organisation"].queryset = Organisation.objects.filter(pk__in=ids)  # type: ignore[attr-defined]
        # Those that are valid today, and the ticket's own.
        valid = Contract.objects.valid_on(ticket.tenant.today).of_any(ids)
        contracts = {*valid.values_list("pk", flat=True), *filter(None, [ticket.contract_id])}
        rows = Contract.objects.filter(pk__in=contracts).order_by("number")
        self.fields["contract"].queryset = rows  # type: ignore[attr-defined]
        if not contracts:
            del self.fields["contract"]
