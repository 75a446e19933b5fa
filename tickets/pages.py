"""What the request page shows, gathered in a fixed number of queries."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from accounts.approvers import approvers_of
from accounts.models import Person
from tickets.actions import is_told_anyway
from tickets.asked import asked_of
from tickets.charges import billable_entries
from tickets.decisions import Decision
from tickets.deeds import form_of
from tickets.durations import as_duration
from tickets.forms import VerbForm
from tickets.history import activity, delivery_words, formatted, told_kinds
from tickets.lists import places_in_order
from tickets.models import Approval, Attention, Estimate, EstimateLine, EstimateState, Ticket, TimeEntry
from tickets.models.ticket import Channel
from tickets.permissions import is_customer, may_invite, may_read_proof
from tickets.sentences import line_text, money, stage, status_label, turn
from tickets.trail import Human, Trail, read_trail
from tickets.verbs import Verb, available
from tickets.who_reads import WhoReads
from tickets.workflow import WITH_CUSTOMER, Status, WaitingFor

# What was typed with a verb that was refused, by the verb's name: its form, with what is wrong in it.
Refusals = Mapping[str, VerbForm]


def conversation(ticket: Ticket, reader: Person) -> dict[str, Any]:
    """What portal and desk both show: what was said and happened, who takes part, files, estimates and proof."""
    trail = read_trail(ticket, reader, kinds=told_kinds(reader))
    return {
        "trail": trail,
        "activity": activity(trail, reader),
        "people": people(ticket, trail),
        "may_invite": may_invite(reader, ticket),
        "attention": attention(ticket, reader, trail),
        "files": trail.files,
        "estimates": estimates(ticket) if trail.has_estimates else [],
        "proofs": proofs(ticket) if trail.has_proofs else [],
    }


def shown_time(ticket: Ticket, reader: Person, trail: Trail) -> list[TimeEntry]:
    """Billable time, where the contract shows it to the customer: that of requests merged into this one included."""
    # What is worked and billed is not for invited guests.
    return billable_entries(ticket) if trail.shows_time and may_read_proof(reader, ticket) else []


class Hears(NamedTuple):
    """Whether the reader hears of what happens, whether they would without a word, and what their button changes."""

    hears: bool
    is_told: bool
    change: str


def attention(ticket: Ticket, reader: Person, trail: Trail) -> Hears:
    is_told = is_told_anyway(ticket, reader, (guest.id for guest in trail.guests))
    hears = trail.attention == Attention.Choice.FOLLOWED or (is_told and trail.attention != Attention.Choice.MUTED)
    opposite = Attention.Choice.MUTED if is_told else Attention.Choice.FOLLOWED
    return Hears(hears, is_told, str(opposite) if hears == is_told else "")


def request_page(ticket: Ticket, reader: Person, refused: Refusals | None = None) -> dict[str, Any]:
    """What tickets/_request.html shows but for the forms of words and people; tickets.parts makes HTML of it."""
    shown = conversation(ticket, reader)
    newest = shown["estimates"][0]["row"] if shown["estimates"] else None
    verbs = portal_verbs(ticket, reader)
    is_asked = reader.is_staff or is_customer(reader, ticket) or any(verb.style == "main" for verb in verbs)
    return {
        **shown,
        "row": ticket,
        "ticket": described(ticket, reader, shown["trail"], is_asked=is_asked),
        "actions": verbs,
        **_in_two_places(verbs, decides=newest is not None and newest.is_open),
        "refusals": refused or {},
        "who_accepts": who_accepts(ticket, newest, verbs),
        "reads_proof": may_read_proof(reader, ticket),
        "is_guest": not is_asked and any(guest.id == reader.pk for guest in shown["trail"].guests),
        "who_reads": who_reads(ticket, reader, shown["trail"]),
        "time": shown_time(ticket, reader, shown["trail"]),
    }


def _in_two_places(verbs: list[Verb], *, decides: bool) -> dict[str, list[Verb]]:
    """What is asked now stands together and in front; what gives up or undoes never stands beside it."""
    if not decides and not any(verb.style == "main" for verb in verbs):
        return {"choices": [], "others": verbs}
    return {
        "choices": [verb for verb in verbs if verb.style != "grave"],
        "others": [verb for verb in verbs if verb.style == "grave"],
    }


def described(ticket: Ticket, reader: Person, trail: Trail, *, is_asked: bool = True) -> dict[str, Any]:
    """`is_asked` is False for who only looks on, a guest: to them it is the customer that we wait for."""
    return {
        "subject": ticket.subject,
        "reference": ticket.reference,
        "status": ticket.status,
        "has_ended": ticket.has_ended,
        **_standing(ticket, reader, trail.requester, is_asked=is_asked),
        "stages": stages(ticket),
        "description": ticket.description,
        "quoted": ticket.quoted,
        "created_at": ticket.created_at,
        "due_date": ticket.due_date,
        "request_type": trail.request_type,
        "organisation": str(ticket.organisation or ""),
        "requester": trail.requester,
        "filed_by": str(trail.recorder or "") if ticket.recorded_by_id != ticket.requester_id else "",
        # Whoever was invited from elsewhere does not read what else there is to do.
        "place_in_order": places_in_order([ticket]).get(ticket.pk) if is_asked else None,
        "asked": asked_of(ticket, trail.answers),
        "unverified": not ticket.is_verified,
        "channel_label": str(Channel(ticket.channel).label),
        "order_number": ticket.order_number,
        "cost_centre": ticket.cost_centre,
        "deploy_on": ticket.deploy_on,
        "period_label": _("Answer by") if ticket.waiting_for == WaitingFor.INFORMATION else _("Review ends"),
        # A moment of the last day: the end itself is the midnight after it, which reads like a day later.
        "period_ends_at": _within_last_day(ticket),
        "delivered_at": ticket.delivered_at,
        **neighbours(ticket, reader),
    }


def _standing(ticket: Ticket, reader: Person, requester: Human, *, is_asked: bool) -> dict[str, str]:
    status = Status(ticket.status)
    if is_asked or status not in WITH_CUSTOMER:
        return {
            "status_label": status_label(status, to_staff=reader.is_staff),
            "turn": turn(ticket.status, reader),
            "stage_sentence": stage(ticket, reader),
        }
    return {
        "status_label": str(status.label),
        "turn": pgettext("turn", "customer"),
        "stage_sentence": _("We wait for the answer of %(name)s.") % {"name": requester},
    }


def neighbours(ticket: Ticket, reader: Person) -> dict[str, Ticket | None]:
    """Where it goes on and what it goes on from, as far as the reader may see it; a query only where there is any."""
    ids = {"merged_into": ticket.merged_into_id, "follows": ticket.follows_id}
    wanted = [pk for pk in ids.values() if pk is not None]
    seen = {row.pk: row for row in Ticket.objects.visible_to(reader).filter(pk__in=wanted)} if wanted else {}
    return {name: seen.get(pk) if pk is not None else None for name, pk in ids.items()}


def _within_last_day(ticket: Ticket) -> datetime | None:
    if ticket.status != Status.WAITING or ticket.period_ends_at is None:
        return None
    return ticket.period_ends_at - timedelta(minutes=1)


class OneStage(NamedTuple):
    label: str
    # done, current or todo
    state: str


def stages(ticket: Ticket) -> tuple[OneStage, ...]:
    """The line of progress: five stages, those behind, the one now, those ahead."""
    labels = [_("Received"), _("In progress"), _("Your check"), _("Invoice"), pgettext("status", "Closed")]
    position = {
        Status.OPEN: 0,
        Status.ESTIMATED: 0,
        Status.ESTIMATE_ACCEPTED: 0,
        Status.IN_PROGRESS: 1,
        Status.REOPENED: 1,
        Status.READY_TO_DEPLOY: 2,
        Status.WAITING: 2 if ticket.waiting_for == "review" else 1,
        Status.INVOICE: 3,
    }.get(Status(ticket.status), 4)
    if not ticket.tenant.billing_enabled:
        del labels[3]
        position = min(position, 3)
    states = ["done" if i < position else "current" if i == position else "todo" for i in range(len(labels))]
    if ticket.has_ended:
        states[-1] = "done" if ticket.status == Status.CLOSED else "current"
    if ticket.status in (Status.CANCELLED, Status.REJECTED):  # nobody says that the work was done, or invoiced
        states[1:-1] = ["todo"] * (len(states) - 2)
    return tuple(OneStage(label, state) for label, state in zip(labels, states, strict=True))


def portal_verbs(ticket: Ticket, reader: Person) -> list[Verb]:
    """What a customer can press here; staff, who have other verbs, read a request here and act at their desk."""
    if reader.is_staff:
        return []
    return [
        replace(verb, url=reverse("request_do", args=[ticket.reference, verb.name]))
        for verb in available(ticket, reader)
    ]


def with_forms(verbs: list[Verb], page: dict[str, Any], reader: Person) -> list[Verb]:
    """The verbs with what has to be said for each: an empty form, or the one that was refused."""
    newest = page["estimates"][0]["row"] if page["estimates"] else None
    ticket, refused = page["row"], page["refusals"]
    return [
        replace(verb, form=_about(newest, refused.get(verb.name) or form_of(ticket, reader, verb.name)))
        for verb in verbs
    ]


def _about(estimate: Estimate | None, form: VerbForm | None) -> VerbForm | None:
    """The version that the page shows is the one that its button accepts, also when the page is shown again."""
    if form is None or estimate is None or "version" not in form.fields:
        return form
    if form.is_bound:
        form.data = {**{name: form.data.get(name) for name in form.data}, "version": estimate.version}
    else:
        form.initial["version"] = estimate.version
    return form


class Involved(NamedTuple):
    name: str
    role_label: str
    initials: str
    # Of who was invited: their id.
    participant: int | None = None


def people(ticket: Ticket, trail: Trail) -> tuple[Involved, ...]:
    """People involved (B7): who asked, who recorded it for them, who is responsible, who was invited."""
    roles = [(trail.requester, _("Requested by")), (trail.assignee, _("Assigned to"))]
    if trail.recorder and ticket.recorded_by_id != ticket.requester_id:
        roles.insert(1, (trail.recorder, _("Recorded by")))
    involved = [Involved(person.name, role, person.initials) for person, role in roles if person is not None]
    invited = [Involved(guest.name, _("Invited"), guest.initials, guest.id) for guest in trail.guests]
    return (*involved, *invited)


# ---- estimates and proof ----


def estimates(ticket: Ticket) -> list[dict[str, Any]]:
    """The versions, newest first, each with its lines and what it changed of the one before; in two queries."""
    if not ticket.tenant.billing_enabled:
        return []
    rows = list(Estimate.objects.filter(ticket=ticket).select_related("sent_by").order_by("version"))
    lines: dict[int, list[EstimateLine]] = {row.pk: [] for row in rows}
    for line in EstimateLine.objects.filter(estimate__in=rows).order_by("estimate", "position") if rows else ():
        lines[line.estimate_id].append(line)
    shown = []
    before: Estimate | None = None
    for row in rows:
        shown.append(
            {
                "row": row,
                "mark": ESTIMATE_MARKS.get(EstimateState(row.state), Status.CANCELLED.value),
                "time": as_duration(row.minutes) if row.minutes else "",
                "lines": [_estimate_line(line, row.currency) for line in lines[row.pk]],
                "vat_rate": _only({line.vat_rate for line in lines[row.pk]}),
                "net": money(row.net_total, row.currency),
                "vat": money(row.vat_total, row.currency),
                "total": money(row.total, row.currency),
                "changed": what_changed(before, lines[before.pk], row, lines[row.pk]) if before else [],
            }
        )
        before = row
    return shown[::-1]


# A version's state wears the colour and icon of the status that goes with it; what does not count any more is grey.
ESTIMATE_MARKS = {
    EstimateState.OPEN: Status.ESTIMATED.value,
    EstimateState.ACCEPTED: Status.ESTIMATE_ACCEPTED.value,
    EstimateState.CHANGES_REQUESTED: Status.REOPENED.value,
}


def _estimate_line(line: EstimateLine, currency: str) -> dict[str, Any]:
    time = as_duration(line.minutes) if line.minutes else ""
    return {"line": line, "text": line_text(line, currency), "time": time}


def _only(rates: set[Decimal]) -> Decimal | None:
    """The one rate of all lines; None where they differ."""
    return next(iter(rates)) if len(rates) == 1 else None


def what_changed(
    before: Estimate, lines_before: list[EstimateLine], after: Estimate, lines_after: list[EstimateLine]
) -> list[str]:
    """The differences of two versions as sentences. A line is known by its words."""
    old = {line.description: line for line in lines_before}
    new = {line.description: line for line in lines_after}
    said = [_("Added: %(line)s.") % {"line": name} for name in new if name not in old]
    said += [_("Left out: %(line)s.") % {"line": name} for name in old if name not in new]
    said += [
        _("%(line)s: %(after)s instead of %(before)s.")
        % {
            "line": name,
            "after": line_text(new[name], after.currency),
            "before": line_text(old[name], before.currency),
        }
        for name in new
        if name in old and _figures(new[name]) != _figures(old[name])
    ]
    if before.net_total != after.net_total:
        said.append(
            _("Total %(after)s instead of %(before)s without VAT.")
            % {
                "after": money(after.net_total, after.currency),
                "before": money(before.net_total, before.currency),
            }
        )
    return said


def _figures(line: EstimateLine) -> tuple[object, ...]:
    return line.kind, line.minutes, line.unit_price


def who_accepts(ticket: Ticket, estimate: Estimate | None, verbs: list[Verb]) -> str:
    """Who decides about the open version, for a reader who may not; nothing for one who may."""
    may = any(verb.name == "accept_estimate" for verb in verbs)
    if may or estimate is None or not estimate.is_open or ticket.organisation is None:
        return ""
    today = ticket.tenant.today
    amount = money(estimate.net_total, estimate.currency)
    if estimate.valid_until < today:
        day = date_format(estimate.valid_until, "DATE_FORMAT")
        return _("It was valid until %(day)s and cannot be accepted any more. Ask for a new one.") % {"day": day}
    people = approvers_of(ticket.organisation, estimate.net_total, today=today)
    if not people:
        values = {"organisation": ticket.organisation, "amount": amount}
        return _("Nobody at %(organisation)s may accept %(amount)s at the moment. Please write to us.") % values
    names = get_text_list([str(person) for person in people], _("or"))
    return _("%(people)s may accept %(amount)s without VAT.") % {"people": names, "amount": amount}


def proofs(ticket: Ticket) -> list[dict[str, Any]]:
    """Who accepted what as sentences, oldest first; one that was taken back says so."""
    rows = Approval.objects.filter(ticket=ticket).select_related("person", "recorded_by", "estimate").order_by("id")
    undone = {row.takes_back_id for row in rows}
    return [{"row": row, "sentence": accepted_sentence(row), "is_undone": row.pk in undone} for row in rows]


def accepted_sentence(row: Approval) -> str:
    """Who accepted what, or took it back."""
    values = {
        "person": row.person,
        "version": row.estimate.version if row.estimate else "",
        "amount": money(row.amount, row.currency) if row.amount is not None else "",
    }
    if row.takes_back_id is not None:
        return _("%(person)s took the acceptance back.") % values
    if row.person is None:
        return _("Accepted without an answer: the review period ended.")
    if row.estimate is not None:
        return _("%(person)s accepted version %(version)s of the estimate, %(amount)s without VAT.") % values
    return _("%(person)s accepted the solution.") % values


def approval_page(row: Approval) -> dict[str, Any]:
    """The context of tickets/approval.html."""
    return {
        "approval": row,
        "ticket": row.ticket,
        "sentence": accepted_sentence(row),
        "amount": money(row.amount, row.currency) if row.amount is not None else "",
        "undone_by": row.taken_back_by.select_related("person").first(),
        "file_name": record_name(row),
    }


def record_name(row: Approval) -> str:
    return f"{row.ticket.reference}-{row.pk}.json"


# ---- deciding from an e-mail ----


def decide_page(decision: Decision, url: str, refused: Refusals | None = None) -> dict[str, Any]:
    """The context of tickets/decide.html: what is decided, and the verbs, which are none when it is decided."""
    ticket, person, estimate = decision.ticket, decision.person, decision.estimate
    names = ("accept_estimate", "request_changes") if estimate else ("accept_solution", "reopen")
    is_open = decision.is_open and not person.is_staff
    offered = [verb for verb in available(ticket, person) if verb.name in names] if is_open else []
    if not any(verb.name == names[0] for verb in offered):
        offered = []
    versions = [one for one in estimates(ticket) if estimate is not None and one["row"].pk == estimate.pk]
    forms = {verb.name: (refused or {}).get(verb.name) or form_of(ticket, person, verb.name) for verb in offered}
    return {
        "decision": decision,
        "ticket": ticket,
        "estimate": versions[0] if versions else None,
        "delivered": None if estimate else _delivered(ticket),
        "choices": [replace(verb, url=url, form=_about(estimate, forms[verb.name])) for verb in offered],
        "over": "" if offered else over_sentence(decision),
        "refused": next(iter(refused or {}), ""),
    }


def _delivered(ticket: Ticket) -> dict[str, Any] | None:
    words = delivery_words(ticket)
    return {"author": words.author, "at": words.created_at, "html": formatted(words.text)} if words else None


def over_sentence(decision: Decision) -> str:
    """Why there is nothing to decide any more."""
    return _estimate_is_over(decision, decision.estimate) if decision.estimate else _review_is_over(decision)


def _estimate_is_over(decision: Decision, estimate: Estimate) -> str:
    if estimate.is_open and not decision.is_open:
        return _("This link was used before. Log in to decide once more.")
    return {
        EstimateState.ACCEPTED: _("This version of the estimate is accepted."),
        EstimateState.CHANGES_REQUESTED: _(
            "Changes to this version were requested. You get an e-mail with the next one."
        ),
        EstimateState.WITHDRAWN: _("This version was withdrawn. You need not decide about it any more."),
        EstimateState.EXPIRED: _("This version was not decided about in time."),
        EstimateState.REPLACED: _("There is a newer version. You find it in a later e-mail."),
    }.get(EstimateState(estimate.state)) or who_accepts(decision.ticket, estimate, [])


def _review_is_over(decision: Decision) -> str:
    if decision.ticket.waiting_for == WaitingFor.REVIEW and not decision.is_open:
        return _("This link was used before, or the solution was handed over again. You find it in a later e-mail.")
    return stage(decision.ticket, decision.person)


def who_reads(ticket: Ticket, reader: Person, trail: Trail) -> WhoReads:
    """Which people can read a ticket."""
    return WhoReads(
        reader_id=reader.pk,
        names_them=reader.is_staff or ticket.organisation_id in reader.organisation_ids,
        organisation=str(ticket.organisation or ""),
        representatives=tuple(trail.representatives),
        requester=trail.requester,
        guests=tuple(trail.guests),
    )
