"""How a person wants to hear of news."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.forms import places
from accounts.models import MailChoice, Person


class MailForm(forms.ModelForm):  # type: ignore[type-arg]
    mail_choice = forms.ChoiceField(
        label=gettext_lazy("How often"),
        choices=MailChoice.choices,
        help_text=gettext_lazy(
            "What waits for your answer – a question, an estimate, a solution to check – "
            "always comes in an e-mail of its own."
        ),
    )
    quiet_from = forms.TimeField(
        label=gettext_lazy("Quiet from"),
        required=False,
        widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
        help_text=gettext_lazy("What happens in these hours is sent after them. Empty: no quiet hours."),
    )
    quiet_until = forms.TimeField(
        label=gettext_lazy("Quiet until"),
        required=False,
        widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
    )
    time_zone = forms.ChoiceField(label=gettext_lazy("Your time zone"), choices=places, required=False)

    class Meta:
        model = Person
        fields = ("mail_choice", "quiet_from", "quiet_until", "time_zone")

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        for one, other in (("quiet_from", "quiet_until"), ("quiet_until", "quiet_from")):
            if values.get(one) and not values.get(other) and other not in self.errors:
                self.add_error(other, _("Quiet hours need a beginning and an end."))
        return values
