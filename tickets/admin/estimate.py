"""The page on which an estimate is written and sent; a refusal leaves everything where it was typed."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.admin import actor
from accounts.approvers import limits_of
from accounts.errors import Refused
from tickets import actions
from tickets.actions.estimates import MOST_LINES
from tickets.admin.queue import TicketQueue
from tickets.charges import bill_of
from tickets.durations import as_clock, as_duration
from tickets.forms import EstimateForm, EstimateLineForm
from tickets.models import Estimate, Ticket
from tickets.pages import estimates
from tickets.periods import calendar_of
from tickets.policy import policy_of
from tickets.sentences import money
from tickets.verbs import available


class LineForm(EstimateLineForm):
    """With room for words beside the figures."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["description"].widget = forms.Textarea(attrs={"rows": 1, "maxlength": 250})
        self.fields["time"].widget.attrs["placeholder"] = "2h30"


# The page offers some empty lines, and its script adds more.
EstimateLines = forms.formset_factory(LineForm, extra=3, max_num=MOST_LINES, absolute_max=MOST_LINES)


class EstimatePage(TicketQueue):
    def estimate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Write the next version, and send it."""
        ticket = self.ticket(request, object_id)
        if "send_estimate" not in {verb.name for verb in available(ticket, actor(request))}:
            messages.error(request, _("An estimate is not possible now."))
            return redirect("admin:tickets_ticket_change", ticket.pk)
        if request.method == "GET":
            return self.estimate_page(request, ticket, *empty_forms(ticket))
        form, lines = EstimateForm(request.POST), EstimateLines(request.POST, prefix="lines")
        # Both are judged, so that all that is wrong is said at once.
        if not all([form.is_valid(), lines.is_valid()]):
            return self.estimate_page(request, ticket, form, lines, status=422)
        try:
            actions.send_estimate(
                ticket, by=actor(request), lines=[row.line for row in lines if row.line], **form.cleaned_data
            )
        except Refused as refusal:
            problem = place(refusal, form, ticket)
            return self.estimate_page(
                request, self.ticket(request, object_id), form, lines, status=409, problem=problem
            )
        messages.success(request, _("The estimate is on its way to those who may accept it."))
        return redirect("admin:tickets_ticket_change", ticket.pk)

    def estimate_page(
        self,
        request: HttpRequest,
        ticket: Ticket,
        form: EstimateForm,
        lines: Any,
        *,
        status: int = 200,
        problem: dict[str, Any] | None = None,
    ) -> HttpResponse:
        tenant, policy, versions = ticket.tenant, policy_of(ticket), estimates(ticket)
        bill = bill_of(ticket)
        context = {
            **self.admin_site.each_context(request),
            "title": f"{ticket.reference} {_('Estimate')}",
            "opts": self.opts,
            "row": ticket,
            "form": form,
            "lines": lines,
            "problem": problem or {},
            "policy": policy,
            "currency": tenant.currency,
            "vat_rate": tenant.vat_rate,
            "hourly_rate": money(policy.hourly_rate, tenant.currency),
            "threshold": as_duration(policy.threshold_minutes),
            "worked": as_duration(bill.worked) if bill.worked else "",
            "estimates": versions,
            "newest": versions[0]["row"].version if versions else 0,
            "limits_of": approval_limits(ticket),
            "back": reverse("admin:tickets_ticket_change", args=[ticket.pk]),
        }
        return TemplateResponse(request, "tickets/admin/estimate.html", context, status=status)


def newest_version(ticket: Ticket) -> Estimate | None:
    newest: Estimate | None = Estimate.objects.filter(ticket=ticket).order_by("-version").first()
    return newest


def empty_forms(ticket: Ticket) -> tuple[EstimateForm, Any]:
    """With the policy's dates; and filled with the version before, because the next one differs from it in little."""
    policy, today = policy_of(ticket), ticket.tenant.today
    calendar = calendar_of(ticket.tenant, business_days=policy.business_days)
    initial: dict[str, Any] = {"valid_until": calendar.day_after(today, policy.estimate_days)}
    before = newest_version(ticket)
    wanted = before.due_on if before else ticket.due_date
    if wanted and wanted >= today:
        initial["due_on"] = wanted
    if before is None:
        return EstimateForm(initial=initial), EstimateLines(prefix="lines")
    initial |= {"terms": before.terms, "zero_reason": before.zero_reason}
    rows = [
        {
            "description": line.description,
            "time": as_clock(line.minutes) if line.minutes else "",
            "price": line.unit_price,
        }
        for line in before.lines.order_by("position")
    ]
    return EstimateForm(initial=initial), EstimateLines(prefix="lines", initial=rows)


def place(refusal: Refused, form: EstimateForm, ticket: Ticket) -> dict[str, Any]:
    """Say a refusal where it can be mended: at a field, at the lines, or at the top with a way out."""
    sentence = str(refusal.sentence)
    if refusal.code == "empty":
        form.add_error("zero_reason", sentence)
    elif refusal.code == "dates":
        due = form.cleaned_data["due_on"]
        form.add_error("due_on" if due < ticket.tenant.today else "valid_until", sentence)
    elif refusal.code in ("lines", "minutes", "price"):
        return {"lines": sentence}
    else:
        form.add_error(None, sentence)
        return {"code": refusal.code}
    return {}


def approval_limits(ticket: Ticket) -> list[dict[str, Any]]:
    """Who may approve for the organisation, up to how much: shown beside the total while it is written."""
    if ticket.organisation is None:
        return []
    today = ticket.tenant.today
    return [
        {
            "person": limit.person,
            "in_place_of": limit.in_place_of,
            "amount": limit.amount,
            "words": money(limit.amount, ticket.tenant.currency) if limit.amount is not None else "",
        }
        for limit in limits_of(ticket.organisation, today=today)
    ]
