"""The verbs by their names: which form each needs, and what it does. Portal, admin and API press the same buttons."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.forms import Form
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from tickets import actions, forms
from tickets.forms import QuoteForm, VerbForm
from tickets.models import Ticket
from tickets.proof import Origin
from tickets.workflow import WaitingFor

Do = Callable[[Ticket, Person, Any, Origin], object]


@dataclass(frozen=True)
class Deed:
    """`form` asks what has to be said; `do` gets the valid form and where the call came from; `done` is what a customer
    reads after it."""

    form: type[VerbForm]
    do: Do
    done: str | Promise = ""


def _say(form: type[VerbForm], action: Callable[..., object], done: str | Promise = "") -> Deed:
    """A verb that takes words."""
    return Deed(form, lambda ticket, by, said, origin: action(ticket, by=by, text=said.cleaned_data["text"]), done)


# What a customer presses, in the portal or by a program.
CUSTOMER_DEEDS: dict[str, Deed] = {
    "accept_estimate": Deed(
        forms.AcceptEstimateForm,
        lambda ticket, by, said, origin: actions.accept_estimate(
            ticket,
            by=by,
            version=said.cleaned_data["version"],
            order_number=said.cleaned_data["order_number"],
            origin=origin,
        ),
        _("Thank you. You accepted the estimate."),
    ),
    "request_changes": _say(forms.ChangesForm, actions.request_changes, _("Thank you. We send you another version.")),
    "accept_solution": Deed(
        VerbForm,
        lambda ticket, by, said, origin: actions.accept_solution(ticket, by=by, origin=origin),
        _("Thank you. You accepted the solution."),
    ),
    "take_back": Deed(
        VerbForm,
        lambda ticket, by, said, origin: actions.take_back_acceptance(ticket, by=by, origin=origin),
        _("You took the acceptance back."),
    ),
    "reopen": _say(forms.StillToDoForm, actions.reopen, _("Reopened. We take it up again.")),
    "follow_up": _say(forms.StillToDoForm, actions.follow_up, _("Your new request is registered.")),
    "cancel": _say(forms.ReasonForm, actions.cancel, _("The request is cancelled.")),
    "ask_to_cancel": _say(forms.ReasonForm, actions.ask_to_cancel, _("We have your wish to cancel and will answer.")),
}

# What staff press, in the admin or by a program.
STAFF_DEEDS: dict[str, Deed] = {
    "start_work": Deed(
        forms.MinutesForm,
        lambda ticket, by, said, origin: actions.start_work(
            ticket, by=by, expected_minutes=said.cleaned_data["minutes"]
        ),
    ),
    "request_information": _say(forms.QuestionForm, actions.request_information),
    "deliver": _say(forms.DeliveryForm, actions.deliver),
    "schedule_deployment": Deed(
        forms.DeploymentForm,
        lambda ticket, by, said, origin: actions.schedule_deployment(
            ticket,
            by=by,
            day=said.cleaned_data["day"],
            quote=said.quote if isinstance(said, QuoteForm) else None,
        ),
    ),
    "accept_estimate": Deed(
        forms.ApproverQuoteForm,
        lambda ticket, by, said, origin: actions.accept_estimate(ticket, by=by, quote=said.quote, origin=origin),
    ),
    "withdraw_estimate": _say(forms.ReasonForm, actions.withdraw_estimate),
    "accept_solution": Deed(
        QuoteForm,
        lambda ticket, by, said, origin: actions.accept_solution(ticket, by=by, quote=said.quote, origin=origin),
    ),
    "mark_for_invoice": Deed(
        QuoteForm, lambda ticket, by, said, origin: actions.mark_for_invoice(ticket, by=by, quote=said.quote)
    ),
    "take_back": CUSTOMER_DEEDS["take_back"],
    "cancel": Deed(
        forms.CancelQuoteForm,
        lambda ticket, by, said, origin: actions.cancel(
            ticket, by=by, text=said.cleaned_data["text"], quote=said.quote
        ),
    ),
    "reject": Deed(
        forms.RejectForm,
        lambda ticket, by, said, origin: actions.reject(
            ticket, by=by, text=said.cleaned_data["text"], is_spam=said.cleaned_data["is_spam"]
        ),
    ),
    "merge": Deed(forms.MergeForm, lambda ticket, by, said, origin: actions.merge(ticket, by=by, into=said.into)),
    "unmerge": Deed(VerbForm, lambda ticket, by, said, origin: actions.unmerge(ticket, by=by)),
    "reopen": _say(forms.StillToDoForm, actions.reopen),
    "follow_up": _say(forms.StillToDoForm, actions.follow_up),
    "dismiss_objection": Deed(VerbForm, lambda ticket, by, said, origin: actions.dismiss_objection(ticket, by=by)),
    "close": Deed(
        forms.NothingToChargeForm,
        lambda ticket, by, said, origin: actions.close(ticket, by=by, reason=said.cleaned_data["text"]),
    ),
}


def deed_of(ticket: Ticket, actor: Person, name: str) -> Deed | None:
    """The deed that a verb's name means to this actor; None when there is none of that name."""
    deed = (CUSTOMER_DEEDS if not actor.is_staff else STAFF_DEEDS).get(name)
    if deed is not None and name == "schedule_deployment" and ticket.waiting_for == WaitingFor.REVIEW:
        return Deed(forms.DeploymentQuoteForm, deed.do)
    return deed


def form_of(ticket: Ticket, actor: Person, name: str, *data: Any) -> VerbForm | None:
    """An empty form, or one filled with data. Its fields have ids of their own: a page has several."""
    deed = deed_of(ticket, actor, name)
    return deed.form(*data, ticket=ticket, auto_id=f"verb-{name}-%s") if deed else None


def do(ticket: Ticket, actor: Person, name: str, form: Form, *, origin: Origin) -> object:
    """Press the button with a valid form. Raises Refused as the verb does."""
    deed = deed_of(ticket, actor, name)
    assert deed is not None  # form_of gave the form
    return deed.do(ticket, actor, form, origin)
