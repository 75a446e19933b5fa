"""The request page in parts, each a function of the values it shows and rendered once for the same values.

Nothing has to be invalidated and nobody can be shown another's: what is not among a part's values cannot be shown in
it. What belongs to one call (the token against forgery, the number of the form) is put in at the end. A part carries
the digest of what it shows, so that an open page takes over only what is new (static/live.js).
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from datetime import date, datetime
from typing import Any, NamedTuple

from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import get_current_timezone
from django.utils.translation import get_language

from accounts.models import Person
from tickets.durations import as_duration
from tickets.forms import CommentForm, ParticipantForm
from tickets.history import Entry
from tickets.models import TimeEntry
from tickets.pages import Hears, Involved, OneStage, with_forms
from tickets.trail import File
from tickets.verbs import Verb
from tickets.who_reads import WhoReads
from tickets.workflow import Status

# About two kilobytes each, ten where they stand together.
PARTS_REMEMBERED = 4096
# Stand in a part for what belongs to one call. With their names and quotes, which nobody can write: words are escaped.
PLACE = "[once]"
TOKEN = f'name="csrfmiddlewaretoken" value="{PLACE}"'
NUMBER = f'name="submission" value="{PLACE}"'
# On the outermost tag of each part; its value is the digest.
MARK = 'data-part=""'

_remembered: OrderedDict[Hashable, SafeString] = OrderedDict()


# ---- what the parts show ----


class Head(NamedTuple):
    status: str
    status_label: str
    has_ended: bool
    turn: str
    reference: str
    subject: str


class Stage(NamedTuple):
    sentence: str
    stages: tuple[OneStage, ...]


class Words(NamedTuple):
    requester: str
    initials: str
    created_at: datetime
    unverified: bool
    description: str
    quoted: str


class Shown(NamedTuple):
    entry: Entry
    # What the desk is called beside the names of its people.
    brand: str


class Link(NamedTuple):
    reference: str
    subject: str


class Facts(NamedTuple):
    request_type: str
    organisation: str
    created_at: datetime
    channel_label: str
    filed_by: str
    place_in_order: int | None
    due_date: date | None
    delivered_at: datetime | None
    deploy_on: date | None
    period_label: str
    period_ends_at: datetime | None
    order_number: str
    cost_centre: str
    merged_into: Link | None
    follows: Link | None


class WorkedLine(NamedTuple):
    on: date
    text: str
    time: str


class Time(NamedTuple):
    total: str
    # Empty without an accepted estimate by the hour.
    estimated: str
    entries: tuple[WorkedLine, ...]


class People(NamedTuple):
    people: tuple[Involved, ...]
    may_invite: bool
    attention: Hears
    reader_id: int
    reference: str


class Files(NamedTuple):
    files: tuple[File, ...]


class Act(NamedTuple):
    """A verb's button and form, before anything is typed."""

    name: str
    label: str
    style: str
    consequence: str
    url: str
    order_number: str


class Bar(NamedTuple):
    main: str
    has_open_estimate: bool


# ---- making them ----


def request_body(
    page: dict[str, Any],
    reader: Person,
    *,
    brand: str,
    token: str,
    submission: object,
    limits: dict[str, int],
    comment_form: CommentForm | None = None,
    invite_form: ParticipantForm | None = None,
    refused: str = "",
) -> SafeString:
    """What stands between head and foot of a request's page. Forms are given where something was typed in them."""
    ticket, reference = page["ticket"], page["ticket"]["reference"]
    who = part("who", page["who_reads"], lambda: _reads(page["who_reads"]))
    body = _whole(
        {
            "live_url": reverse("request_news", args=[reference]),
            "version": page["trail"].version,
            "reader_id": reader.pk,
            "head": _head(ticket),
            "stage": part("stage", Stage(ticket["stage_sentence"], ticket["stages"])),
            "guest": part("guest", (str(ticket["requester"]),), lambda: {"requester": str(ticket["requester"])})
            if page["is_guest"]
            else "",
            "asked": _asked(page, reader, refused),
            "words": _words(ticket),
            "talk": mark_safe("".join(part("entry", Shown(entry, brand)) for entry in page["activity"])),  # noqa: S308
            "comment": _comment(reference, reader, who, limits, comment_form),
            "facts": _facts(page),
            "time": _time(page["time"], page["estimates"]),
            "proofs": made("proofs", page | {"person": reader}) if page["proofs"] else "",
            "people": _people(page, reader, invite_form),
            "files": part("files", Files(page["files"])) if page["files"] else "",
            "more": _more(page, reader, refused),
            "bar": _bar(page),
        },
    )
    return mark_safe(  # noqa: S308
        body.replace(TOKEN, TOKEN.replace(PLACE, token)).replace(NUMBER, NUMBER.replace(PLACE, str(submission)))
    )


def _whole(parts: dict[str, Any]) -> str:
    """The parts together, remembered by what they are: most pages are opened again as they were."""
    return _remember(tuple(parts.values()), lambda: render_to_string("tickets/_request.html", parts))


def part(name: str, shown: Hashable, context: Callable[[], dict[str, Any]] | None = None) -> SafeString:
    """A part by what it shows. `context` gives it to the template where a NamedTuple's own names do not."""
    return _remember(
        (name, shown),
        lambda: made(name, context() if context else shown._asdict()),  # type: ignore[attr-defined]
    )


def _remember(shown: Hashable, make: Callable[[], SafeString]) -> SafeString:
    key = (shown, get_language(), str(get_current_timezone()))
    known = _remembered.get(key)
    if known is None:
        known = _remembered[key] = make()
        while len(_remembered) > PARTS_REMEMBERED:
            _remembered.popitem(last=False)
    return known


def made(name: str, context: dict[str, Any]) -> SafeString:
    """A part rendered for this call alone."""
    outside = {"icons": static("icons.svg"), "csrf_token": PLACE, "submission": PLACE}
    html = render_to_string(f"tickets/_request_{name}.html", {**context, **outside})
    digest = hashlib.sha256(html.encode()).hexdigest()[:12]
    return mark_safe(html.replace(MARK, f'data-part="{digest}"'))  # noqa: S308


def _head(ticket: dict[str, Any]) -> SafeString:
    return part("head", Head(*(ticket[name] for name in Head._fields)))


def _words(ticket: dict[str, Any]) -> SafeString:
    requester = ticket["requester"]
    told = (ticket[name] for name in Words._fields[2:])
    return part("words", Words(requester.name, requester.initials, *told))


def _reads(readers: WhoReads) -> dict[str, Any]:
    return {"sentence": readers.sentence, "everybody": readers.everybody, "unnamed": readers.unnamed}


def _facts(page: dict[str, Any]) -> SafeString:
    ticket = page["ticket"]
    values = {name: ticket[name] for name in Facts._fields}
    if not page["row"].tenant.billing_enabled:  # words for books that nobody keeps here (M9)
        values |= {"order_number": "", "cost_centre": ""}
    for name in ("merged_into", "follows"):
        if values[name] is not None:
            values[name] = Link(values[name].reference, values[name].subject)
    return part("facts", Facts(**values))


def _time(entries: list[TimeEntry], estimates: list[dict[str, Any]]) -> SafeString | str:
    if not entries:
        return ""
    accepted = [one["time"] for one in estimates if one["row"].is_accepted]
    lines = tuple(WorkedLine(one.worked_on, one.description, as_duration(one.minutes)) for one in entries)
    total = as_duration(sum(one.minutes for one in entries))
    return part("time", Time(total, accepted[0] if accepted else "", lines))


def _people(page: dict[str, Any], reader: Person, invite_form: ParticipantForm | None) -> SafeString:
    reference = page["ticket"]["reference"]
    shown = People(page["people"], page["may_invite"], page["attention"], reader.pk, reference)

    def context() -> dict[str, Any]:
        return {
            **shown._asdict(),
            "person": {"pk": reader.pk},
            "invite_form": invite_form or ParticipantForm(),
        }

    return part("people", shown, context) if invite_form is None else made("people", context())


def _comment(
    reference: str, reader: Person, who: SafeString, limits: dict[str, int], form: CommentForm | None
) -> SafeString:
    def context() -> dict[str, Any]:
        return {
            "reference": reference,
            "comment_form": form or CommentForm(person=reader),
            "limits": limits,
            "who_sees": who,
        }

    pristine = form is None or not (form.is_bound or form.initial)
    shown = (reference, who, *limits.values())
    return part("comment", shown, context) if pristine else made("comment", context())


# ---- verbs ----


def _asked(page: dict[str, Any], reader: Person, refused: str) -> SafeString | str:
    """What is asked now, and the estimate. An estimate is made anew for each call: few requests have one."""
    if not page["choices"] and not page["estimates"]:
        return ""
    if page["estimates"]:
        unfolds = page["ticket"]["status"] in (Status.ESTIMATE_ACCEPTED, Status.REOPENED)
        return made("asked", _acting(page, reader, "choices", refused) | {"unfolds": unfolds})
    return _acts("asked", page, reader, "choices", refused)


def _more(page: dict[str, Any], reader: Person, refused: str) -> SafeString:
    return _acts("more", page, reader, "others", refused)


def _acts(name: str, page: dict[str, Any], reader: Person, verbs: str, refused: str) -> SafeString:
    def context() -> dict[str, Any]:
        return _acting(page, reader, verbs, refused)

    if refused or page["refusals"]:
        return made(name, context())
    order_number = page["row"].order_number
    shown = tuple(_act(verb, order_number) for verb in page[verbs])
    # The newest version is a part of its button's form.
    newest = page["estimates"][0]["row"].version if page["estimates"] else 0
    return part(name, (page["ticket"]["reference"], newest, shown), context)


def _act(verb: Verb, order_number: str) -> Act:
    return Act(verb.name, str(verb.label), verb.style, verb.consequence, verb.url, order_number)


def _acting(page: dict[str, Any], reader: Person, verbs: str, refused: str) -> dict[str, Any]:
    return {
        "reference": page["ticket"]["reference"],
        "estimates": page["estimates"],
        "who_accepts": page["who_accepts"],
        "refused": refused,
        verbs: with_forms(page[verbs], page, reader),
    }


def _bar(page: dict[str, Any]) -> SafeString:
    main = next((str(verb.label) for verb in page["choices"][:1] if verb.style == "main"), "")
    return part("bar", Bar(main, bool(page["estimates"]) and page["estimates"][0]["row"].is_open))
