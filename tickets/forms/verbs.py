"""What has to be said with each verb (tickets.deeds). Every form of a verb knows the ticket it is about."""

from datetime import UTC
from typing import Any, cast

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.approvers import approvers_of
from accounts.fields import LineField, day_field
from accounts.models import Person
from tickets import actions
from tickets.forms.fields import DurationField, words_field
from tickets.models import Ticket
from tickets.models.ticket import Channel
from tickets.proof import Quote

EARLIEST_YEAR = 2000


class VerbForm(forms.Form):
    """A verb that needs nothing said. Every form of a verb knows the ticket it is about."""

    def __init__(self, *args: Any, ticket: Ticket, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ticket = ticket


class MinutesForm(VerbForm):
    minutes = DurationField(
        label=_("Time you expect it to take"), help_text=_("Like 45, 1h30 or 1:30. The customer does not read it.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["minutes"].initial = self.ticket.expected_minutes


class QuestionForm(VerbForm):
    text = words_field(_("Your question"))


class DeliveryForm(VerbForm):
    text = words_field(_("What was done? The customer reads it."), rows=5)


class StillToDoForm(VerbForm):
    text = words_field(_("What is still to be done?"))


class ChangesForm(VerbForm):
    text = words_field(_("What should change?"))


class ReasonForm(VerbForm):
    text = words_field(_("Why? The other side reads it."), rows=3)


class NothingToChargeForm(VerbForm):
    text = words_field(_("Why is there nothing to charge?"), rows=3)


class RejectForm(VerbForm):
    text = words_field(_("Why? The customer reads it."), rows=3, required=False)
    is_spam = forms.BooleanField(label=_("It is spam: tell nobody"), required=False)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not self.errors and not values.get("is_spam") and not values.get("text", "").strip():
            self.add_error("text", _("Write a sentence first; the other side reads it."))
        return values


class AcceptEstimateForm(VerbForm):
    """What an approver says: which version they read, and their own order number if they have one."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=32767)
    order_number = LineField(label=_("Your order number"), max_length=60, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["order_number"].initial = self.ticket.order_number


class QuoteForm(VerbForm):
    """A customer's words as an agent writes them down: who said it, what, where and when. They become the proof."""

    said_by: "forms.ModelChoiceField[Person]" = forms.ModelChoiceField(
        label=_("Who said it"), queryset=None, empty_label=None
    )
    words = words_field(_("Their words"), rows=3)
    said_in = forms.ChoiceField(
        label=_("Channel"),
        choices=[(channel.value, channel.label) for channel in (Channel.PHONE, Channel.IN_PERSON, Channel.EMAIL)],
    )
    said_at = forms.DateTimeField(
        label=_("When, if not just now"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people, field = self.people(), cast(Any, self.fields["said_by"])
        field.queryset = Person.objects.filter(pk__in=[person.pk for person in people])
        field.choices = [(person.pk, str(person)) for person in people]
        field.initial = self.ticket.requester_id

    def people(self) -> list[Person]:
        """Whose words count for the customer."""
        return self.ticket.speakers

    def clean_said_at(self) -> Any:
        moment = self.cleaned_data["said_at"]
        if moment and moment > timezone.now():
            raise forms.ValidationError(_("This moment has not come yet."))
        # In the year 1 another zone's year may be none that a calendar has.
        if moment and moment.year < EARLIEST_YEAR:
            raise forms.ValidationError(_("This moment is too long ago."))
        # Python knows offsets that PostgreSQL does not.
        return moment and moment.astimezone(UTC)

    @property
    def quote(self) -> Quote:
        """Of a valid form."""
        values = self.cleaned_data
        return Quote(values["said_by"], values["words"], values["said_in"], values["said_at"])


class ApproverQuoteForm(QuoteForm):
    """Of the approvers whose limit reaches the open estimate."""

    def people(self) -> list[Person]:
        estimate = actions.acceptable(self.ticket)
        if estimate is None or self.ticket.organisation is None:
            return []
        able = approvers_of(self.ticket.organisation, estimate.net_total, today=self.ticket.tenant.today)
        return sorted(able, key=lambda person: person.name)


class CancelQuoteForm(QuoteForm):
    text = words_field(_("Why? The customer reads it."), rows=2)
    field_order = ("text", "said_by", "words", "said_in", "said_at")


class DeploymentForm(VerbForm):
    day = day_field(_("Planned for"))


class DeploymentQuoteForm(QuoteForm):
    """During a review the confirmation is quoted."""

    day = day_field(_("Planned for"))
    field_order = ("day", "said_by", "words", "said_in", "said_at")


class MergeForm(VerbForm):
    reference = LineField(label=_("Into which ticket"), max_length=24, help_text=_("Its reference, like DESK-38."))

    def clean_reference(self) -> str:
        reference = str(self.cleaned_data["reference"]).upper()
        row = Ticket.objects.filter(reference=reference).first()
        if row is None:
            raise forms.ValidationError(_("There is no ticket %(reference)s."), params={"reference": reference})
        self.into = row
        return reference
