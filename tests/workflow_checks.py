"""What has to hold for every ticket, whatever was pressed: asked of its rows, its history and its letters."""

from collections import Counter
from collections.abc import Iterator

from django.db import connection

from accounts.events import history_of
from accounts.models import Event
from notifications.models import OutboxMessage
from tests import workflow_table as table
from tickets.charges import bill_of
from tickets.models import Approval, Estimate, EstimateState, Ticket

NOUN = "ticket."


def fresh(ticket: Ticket) -> Ticket:
    return Ticket.objects.select_related("tenant", "request_type", "contract", "requester").get(pk=ticket.pk)


def state_of(ticket: Ticket) -> str:
    """As the table calls it."""
    row = Ticket.objects.only("status", "waiting_for").get(pk=ticket.pk)
    return f"{row.status}/{row.waiting_for}" if row.waiting_for else str(row.status)


def everything() -> tuple[object, ...]:
    """A picture of all that a verb could change: the rows that move, and how many of those that only grow."""
    grows = (
        "accounts_event",
        "notifications_outboxmessage",
        "notifications_notice",
        "tickets_approval",
        "tickets_comment",
        "tickets_participant",
        "tickets_attachment",
        "tickets_timeentry",
    )
    counts = ", ".join(f"(SELECT count(*) FROM {name})" for name in grows)
    rows = (
        "(SELECT string_agg(t::text, '|' ORDER BY id) FROM tickets_ticket t)",
        "(SELECT string_agg(e::text, '|' ORDER BY id) FROM tickets_estimate e)",
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(rows)}, {counts}")
        return tuple(cursor.fetchone())


def problems(ticket: Ticket) -> list[str]:
    """Sentences about what does not hold; none when all is well."""
    row = fresh(ticket)
    state = state_of(row)
    history = list(history_of(row))
    return [
        *_row(row, state),
        *_estimates(row, state),
        *_proof(row, history),
        *_walk(history, state),
        *_letters(row, history),
    ]


def _row(row: Ticket, state: str) -> Iterator[str]:
    if state not in table.STATES:
        yield f"{state} is no state of the table"
    if (row.period_ends_at is not None) != (state in table.HAS_PERIOD):
        yield f"period_ends_at is {row.period_ends_at} in {state}"
    if row.clock_at is not None and state not in table.HAS_CLOCK:
        yield f"a clock is set in {state}"
    if row.clock_at is None and state in table.HAS_CLOCK and not _was_unheard(row):
        yield f"no clock is set in {state}"
    if (row.closed_at is not None) != (state in table.ENDED):
        yield f"closed_at is {row.closed_at} in {state}"
    if row.is_held and state != table.INVOICE:
        yield f"held in {state}"
    if row.merged_into_id is not None and state != table.CLOSED:
        yield f"merged in {state}"
    if row.cancel_asked_at is not None and state != table.IN_PROGRESS:
        yield f"a wish to cancel in {state}"
    if row.deploy_on is None and state == table.READY:
        yield "no day of the rollout"
    if state == table.INVOICE and (bill_of(row).net <= 0 or row.organisation_id is None):
        yield "INVOICE without something to bill to somebody"
    if state in table.NEEDS_BILLING and not row.tenant.billing_enabled:
        yield f"{state} at a desk without billing"


def _was_unheard(row: Ticket) -> bool:
    """The clock has told the agent that silence does not count, and looks no more."""
    last = history_of(row).filter(data__status__isnull=False).last()  # what has no status sets no clock
    return last is not None and last.kind == "ticket.silence_unheard"


def _estimates(row: Ticket, state: str) -> Iterator[str]:
    states = Counter(Estimate.objects.filter(ticket=row).values_list("state", flat=True))
    if states[EstimateState.OPEN] != (state == table.ESTIMATED):
        yield f"{states[EstimateState.OPEN]} open estimates in {state}"
    if states[EstimateState.ACCEPTED] > 1:
        yield f"{states[EstimateState.ACCEPTED]} accepted estimates"
    if state == table.AGREED and not states[EstimateState.ACCEPTED]:
        yield "ESTIMATE ACCEPTED without an accepted estimate"


def _proof(row: Ticket, history: list[Event]) -> Iterator[str]:
    """Each acceptance, and each that was taken back, has one record, whole by its hash."""
    records = list(Approval.objects.filter(ticket=row))
    yield from (f"approval {record.pk} is not intact" for record in records if not record.is_intact)
    given = [
        event.data["approval"] for event in history if event.kind in (f"{NOUN}accepted", f"{NOUN}estimate_accepted")
    ]
    if sorted(given) != sorted(record.pk for record in records if record.takes_back_id is None):
        yield f"acceptances {given} and their records differ"
    taken = [event.data["approval"] for event in history if event.kind == f"{NOUN}taken_back"]
    if sorted(taken) != sorted(record.takes_back_id for record in records if record.takes_back_id is not None):
        yield f"acceptances taken back {taken} and their records differ"


def _walk(history: list[Event], state: str) -> Iterator[str]:
    """History walks through the table from nowhere to the present state."""
    now = table.NOWHERE
    for event in history:
        if "status" not in event.data:
            continue
        kind = event.kind.removeprefix(NOUN)
        rows = [row for row in table.TABLE if row.event == kind and now in row.sources]
        ends = {end for row in rows for end in row.targets(now) if end.partition("/")[0] == event.data["status"]}
        if len(ends) != 1:
            yield f"{kind} from {now or 'nowhere'} to {event.data['status']} is not in the table"
            return
        now = ends.pop()
    if now != state:
        yield f"history ends in {now}, the ticket is in {state}"


def _letters(row: Ticket, history: list[Event]) -> Iterator[str]:
    """Who asked hears each piece of news once, and nobody hears of their own deed."""
    sent: Counter[tuple[str, int]] = Counter(
        OutboxMessage.objects.filter(about_label=row._meta.label_lower, about_id=row.pk).values_list(
            "kind", "to_person_id"
        )
    )
    for kind, (letter, requester_hears) in table.LETTERS.items():
        deeds = [event for event in history if event.kind == NOUN + kind and not event.data.get("is_spam")]
        for person in {person for name, person in sent if name == letter} | {row.requester_id}:
            others = sum(event.by_id != person for event in deeds)
            heard = sent[letter, person]
            expects = person == row.requester_id and requester_hears
            if heard > others or (expects and row.requester.is_active and heard != others):
                yield f"{heard} letters '{letter}' to {person} about {others} deeds of others"


def notices_of_own_deed(by_id: int, since: int) -> list[str]:
    """Letters to who acted, newer than a row; the receipt of a request is the one exception."""
    rows = OutboxMessage.objects.filter(pk__gt=since, to_person_id=by_id).exclude(kind="ticket.submitted")
    return list(rows.values_list("kind", flat=True))
