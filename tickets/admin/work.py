"""What the ticket page says of time and money: entries, how they stand to what was agreed, and what will be billed."""

from typing import Any

from django.utils.translation import gettext as _

from accounts.models import Person
from accounts.permissions import is_agent
from tickets.charges import Bill, Charge, bill_of
from tickets.durations import as_clock, as_duration
from tickets.forms import CorrectionForm
from tickets.models import EstimateLine, Ticket, TimeEntry
from tickets.policy import Policy, policy_of
from tickets.sentences import money
from tickets.workflow import Status


def work_shown(ticket: Ticket, reader: Person) -> dict[str, Any]:
    """The context of the cards about time and money."""
    policy, bill = policy_of(ticket), bill_of(ticket)
    entries = time_entries(ticket)
    total = sum(entry["row"].minutes for entry in entries)
    return {
        "policy": policy,
        "bill": bill,
        "time_entries": entries,
        "minutes_total": total,
        "time_total": as_duration(total),
        "billable_total": as_duration(bill.worked),
        "time_limits": time_limits(ticket, bill, policy),
        "overrun": overrun(bill),
        "is_charged": is_charged(policy, bill),
        "why_free": why_free(ticket, policy, bill),
        "charges": [charge_shown(charge, ticket.tenant.currency) for charge in bill.charges],
        "charges_total": money(bill.net, ticket.tenant.currency),
        "billed_before": billed_before(ticket),
        "may_record": is_agent(reader) and not ticket.has_ended and ticket.status != Status.INVOICE,
    }


# ---- entries ----


def time_entries(ticket: Ticket) -> list[dict[str, Any]]:
    """The entries as they stand, each with what it corrected and a form to correct it; in one query."""
    rows = list(
        TimeEntry.objects.filter(ticket=ticket)
        .select_related("person", "work_type", "recorded_by")
        .order_by("worked_on", "id")
    )
    by_id = {row.pk: row for row in rows}
    corrected = {row.corrects_id for row in rows if row.corrects_id}
    return [
        {
            "row": row,
            "time": as_duration(row.minutes),
            "before": before_of(by_id.get(row.corrects_id or 0)),
            "form": correction_form(row),
        }
        for row in rows
        if row.pk not in corrected
    ]


def before_of(row: TimeEntry | None) -> dict[str, Any] | None:
    return {"row": row, "time": as_duration(row.minutes)} if row else None


def correction_form(entry: TimeEntry, *data: Any) -> CorrectionForm:
    """Empty but for what the entry says; its fields have ids of their own, because a page has several."""
    initial = {
        "minutes": as_clock(entry.minutes),
        "description": entry.description,
        "is_billable": entry.is_billable,
    }
    return CorrectionForm(*data, initial=initial, auto_id=f"entry-{entry.pk}-%s")


# ---- how the time stands ----


def time_limits(ticket: Ticket, bill: Bill, policy: Policy) -> list[dict[str, str]]:
    """What the time worked is compared with: expected, accepted by the customer, possible without asking."""
    limits = [(_("Expected"), ticket.expected_minutes)] if ticket.expected_minutes else []
    if bill.limit is not None and not ticket.has_ended:
        agreed = (
            (_("Accepted by the customer"), bill.estimate.minutes)
            if bill.estimate is not None
            else (_("Possible without approval"), policy.threshold_minutes)
        )
        limits.append(agreed)
        if bill.limit > agreed[1]:
            limits.append((_("With the tolerance"), bill.limit))
    return [{"label": label, "time": as_duration(minutes)} for label, minutes in limits]


def overrun(bill: Bill) -> str:
    if not bill.over:
        return ""
    if bill.estimate is not None:
        sentence = _("%(time)s beyond what the customer accepted: send a new estimate before it can be billed.")
    else:
        sentence = _("%(time)s beyond what is possible without approval: send an estimate before it can be billed.")
    return sentence % {"time": as_duration(bill.over)}


# ---- what will be billed ----


def is_charged(policy: Policy, bill: Bill) -> bool:
    """Whether anything of this ticket can come to cost its customer something."""
    return policy.is_billable or bill.estimate is not None


def why_free(ticket: Ticket, policy: Policy, bill: Bill) -> str:
    """Why nothing of it is charged; empty when it is, and on a desk that charges nothing anyway."""
    if not ticket.tenant.billing_enabled or is_charged(policy, bill):
        return ""
    if ticket.contract is not None and ticket.contract.covers_work:
        return _("Nothing of this ticket is charged: the contract %(contract)s includes the work.") % {
            "contract": ticket.contract
        }
    return _("Nothing of this ticket is charged: “%(type)s” is not billable.") % {"type": ticket.request_type}


def charge_shown(charge: Charge, currency: str) -> dict[str, Any]:
    if charge.kind == EstimateLine.Kind.FIXED:
        text = _("fixed price")
    else:
        text = _("%(time)s at %(price)s an hour") % {
            "time": as_duration(charge.minutes),
            "price": money(charge.unit_price, currency),
        }
    return {"row": charge, "text": text, "net": money(charge.net, currency)}


def billed_before(ticket: Ticket) -> str:
    """What earlier invoices took, of a ticket that was reopened."""
    parts = [as_duration(ticket.billed_minutes)] if ticket.billed_minutes else []
    if ticket.billed_fixed:
        parts.append(money(ticket.billed_fixed, ticket.tenant.currency))
    return ", ".join(parts)
