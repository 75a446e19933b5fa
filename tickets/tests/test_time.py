"""Time worked: typed in one line, recorded against the reference, corrected with a trace (B22)."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.errors import NotAllowed, Refused
from accounts.models import Event
from conftest import Desk, in_days
from tickets import actions
from tickets.charges import bill_of
from tickets.durations import as_duration, split_duration
from tickets.models import Ticket, TimeEntry, WorkType
from tickets.models.time import LONGEST_ENTRY
from tickets.tests.steps import fresh

# ---- what people type ----


@pytest.mark.parametrize(
    ("typed", "minutes", "words"),
    [
        ("1h20 analysis", 80, "analysis"),
        ("90", 90, ""),
        ("90 call", 90, "call"),
        ("1:30 tests", 90, "tests"),
        ("0:05", 5, ""),
        ("2 h 15 min moved the host", 135, "moved the host"),
        ("1,5h", 90, ""),
        ("1.25 h design", 75, "design"),
        ("0,1h", 6, ""),
        ("3h: calls", 180, "calls"),
        ("45m - call", 45, "call"),
        ("  10  min.  call ", 10, "call"),
        ("1H20M Analysis", 80, "Analysis"),
        ("1 hour talking", 60, "talking"),
        ("2 hrs 5 minutes talking", 125, "talking"),
        ("5 minutes with the customer", 5, "with the customer"),
    ],
)
def test_time_as_people_type_it(typed: str, minutes: int, words: str) -> None:
    assert split_duration(typed) == (minutes, words)


@pytest.mark.parametrize(
    ("typed", "minutes"),
    [
        ("2 st", 120),
        ("1 stunda 20 minūtes", 80),
        ("5 stundas", 300),
        ("10 stundu", 600),
        ("10 minūšu", 10),
        ("2 hod. 15 min", 135),
        ("1 hodina", 60),
        ("2 hodiny 5 minut", 125),
        ("5 hodin", 300),
        ("1 minuta", 1),
        ("2 godz.", 120),
        ("1 godzina 1 minuta", 61),
        ("2 godziny 30 minut", 150),
        ("5 godzin", 300),
        ("2 ч 15 мин", 135),
        ("1 час 1 минута", 61),
        ("3 часа 2 минуты", 182),
        ("5 часов 20 минут", 320),
    ],
)
def test_time_in_five_languages(typed: str, minutes: int) -> None:
    assert split_duration(f"{typed} test") == (minutes, "test")


@pytest.mark.parametrize(
    "typed", ["", "analysis", "about 2 h", "h", "-5", "1.5 analysis", "1,333 h", "1:75", "1:30:00", "123456", "½ h"]
)
def test_what_is_no_time_is_not_guessed(typed: str) -> None:
    assert split_duration(typed) is None


def test_an_amount_of_something_else_is_minutes_with_words() -> None:
    assert split_duration("2 hosts moved") == (2, "hosts moved")


# In minutes: as many hours as may be typed before a colon. What one entry may hold is for the verb to say.
LONGEST = 9_999 * 60 + 59


@given(st.text(max_size=60))
def test_no_line_breaks_the_reading(typed: str) -> None:
    found = split_duration(typed)
    assert found is None or 0 <= found[0] <= LONGEST


@given(st.from_regex(r"\A\d{1,5}\s?(h|:|m|st|hod|godz|ч|мин)?\.?\s?\d{0,3}\s?\w{0,6}\Z"))
def test_no_line_that_looks_like_time_breaks_the_reading(typed: str) -> None:
    found = split_duration(typed)
    assert found is None or 0 <= found[0] <= LONGEST


@given(hours=st.integers(0, 999), minutes=st.integers(0, 59))
def test_what_is_written_out_is_read_back(hours: int, minutes: int) -> None:
    total = hours * 60 + minutes
    assert split_duration(as_duration(total)) == (total, "")


# ---- kinds of work, known by their names ----


@pytest.mark.parametrize(
    ("typed", "kind", "words"),
    [
        ("1h20 analysis of the logs", "Analysis", "of the logs"),
        ("1h20 Analīze: žurnāli", "Analysis", "žurnāli"),
        ("45 ANALYSIS", "Analysis", "ANALYSIS"),
        ("45 analysing", None, "analysing"),
        ("45 call", None, "call"),
    ],
)
def test_a_kind_of_work_is_known_by_its_name_in_any_language(
    inside: Desk, typed: str, kind: str | None, words: str
) -> None:
    _, work_type, description = actions.read_time(typed)
    assert (str(work_type) if work_type else None, description) == (kind, words)


def test_the_longest_name_wins(inside: Desk) -> None:
    WorkType.objects.create(name={"en": "Analysis of data"})
    assert str(actions.read_time("10 analysis of data, again")[1]) == "Analysis of data"


def test_a_kind_that_is_no_longer_offered_is_not_known(inside: Desk) -> None:
    WorkType.objects.update(is_active=False)
    assert actions.read_time("10 analysis")[1] is None


@pytest.mark.parametrize("typed", ["", "analysis", "0", "0 h nothing"])
def test_a_line_without_time_is_refused(inside: Desk, typed: str) -> None:
    with pytest.raises(Refused):
        actions.read_time(typed)


# ---- recording ----


def recorded(desk: Desk, ticket: Ticket | None = None, **values: object) -> TimeEntry:
    known = {"by": desk.agent, "minutes": 15, "description": "Looked at it", **values}
    return actions.record_time(ticket or desk.submit(), **known)


def test_b22_time_stands_beside_the_estimate(inside: Desk) -> None:
    ticket = inside.agreed()
    recorded(inside, ticket, minutes=100)
    bill = bill_of(fresh(ticket))
    assert bill.estimate is not None
    assert (bill.worked, bill.estimate.minutes) == (100, 180)


@pytest.mark.parametrize(
    ("name", "says", "billable"),
    [("Analysis", None, True), ("Our mistake", None, False), ("Our mistake", True, True), ("Analysis", False, False)],
)
def test_whether_it_is_billable_follows_the_kind_of_work(
    inside: Desk, name: str, says: bool | None, billable: bool
) -> None:
    kind = next(row for row in WorkType.objects.all() if str(row) == name)
    assert recorded(inside, work_type=kind, is_billable=says).is_billable is billable


@pytest.mark.parametrize("minutes", [1, LONGEST_ENTRY])
def test_an_entry_takes_a_minute_to_a_day(inside: Desk, minutes: int) -> None:
    assert recorded(inside, minutes=minutes).minutes == minutes


def test_time_may_be_of_an_earlier_day(inside: Desk) -> None:
    yesterday = in_days(-1)
    assert recorded(inside, worked_on=yesterday).worked_on == yesterday


def test_time_is_not_of_a_day_to_come(inside: Desk) -> None:
    with pytest.raises(Refused) as caught:
        recorded(inside, worked_on=in_days(2))
    assert caught.value.code == "dates"


def test_time_needs_words(inside: Desk) -> None:
    with pytest.raises(Refused):
        recorded(inside, description=" ")


@pytest.mark.parametrize("role", ["requester", "accountant"])
def test_only_agents_record_time(inside: Desk, role: str) -> None:
    with pytest.raises(NotAllowed):
        recorded(inside, by=getattr(inside, role))


@pytest.mark.parametrize("minutes", [25, 0], ids=["waits for its invoice", "closed"])
def test_after_the_acceptance_nothing_is_added_to_the_bill(inside: Desk, minutes: int) -> None:
    with pytest.raises(Refused) as caught:
        recorded(inside, inside.accepted(minutes=minutes))
    assert caught.value.code == "wrong_state"


# ---- corrections ----


def corrected(desk: Desk, entry: TimeEntry, **values: object) -> TimeEntry:
    known = {"by": desk.agent, "minutes": 10, "description": "Looked at it", "is_billable": True, **values}
    return actions.correct_time(entry, **known)


def test_a_corrected_entry_counts_as_its_correction_says(inside: Desk) -> None:
    entry = recorded(inside, minutes=60)
    corrected(inside, entry, minutes=10)
    assert [row.minutes for row in TimeEntry.objects.counted()] == [10]


def test_the_first_entry_stays_as_it_was(inside: Desk) -> None:
    entry = recorded(inside, minutes=60)
    corrected(inside, entry, minutes=10, description="Another")
    row = TimeEntry.objects.get(pk=entry.pk)
    assert (row.minutes, row.description) == (60, "Looked at it")


def test_a_correction_leaves_its_trace(inside: Desk) -> None:
    entry = recorded(inside, minutes=60)
    corrected(inside, entry, minutes=10, by=inside.manager, reason=" Typed twice ")
    event = Event.objects.get(kind="ticket.time_corrected")
    assert (event.by, event.data["before"], event.data["minutes"], event.data["reason"]) == (
        inside.manager,
        60,
        10,
        "Typed twice",
    )


def test_the_work_stays_the_persons_who_did_it(inside: Desk) -> None:
    row = corrected(inside, recorded(inside), by=inside.manager)
    assert (row.person, row.recorded_by) == (inside.agent, inside.manager)


def test_no_minutes_mean_that_it_was_not_worked(inside: Desk) -> None:
    ticket = inside.submit()
    corrected(inside, recorded(inside, ticket), minutes=0)
    assert bill_of(fresh(ticket)).worked == 0


def test_an_entry_is_corrected_once(inside: Desk) -> None:
    entry = recorded(inside)
    corrected(inside, entry)
    with pytest.raises(Refused) as caught:
        corrected(inside, entry)
    assert caught.value.code == "corrected"


def test_a_correction_can_be_corrected(inside: Desk) -> None:
    corrected(inside, corrected(inside, recorded(inside)), minutes=5)
    assert [row.minutes for row in TimeEntry.objects.counted()] == [5]


@pytest.mark.parametrize("minutes", [-1, LONGEST_ENTRY + 1])
def test_a_correction_has_its_limits_too(inside: Desk, minutes: int) -> None:
    with pytest.raises(Refused):
        corrected(inside, recorded(inside), minutes=minutes)


def test_what_is_accepted_is_not_corrected(inside: Desk) -> None:
    ticket = inside.accepted()
    with pytest.raises(Refused) as caught:
        corrected(inside, TimeEntry.objects.get(ticket=ticket))
    assert caught.value.code == "wrong_state"


@pytest.mark.parametrize("role", ["requester", "accountant"])
def test_only_agents_correct_time(inside: Desk, role: str) -> None:
    with pytest.raises(NotAllowed):
        corrected(inside, recorded(inside), by=getattr(inside, role))


def test_the_same_form_twice_is_one_entry(inside: Desk) -> None:
    ticket, number = inside.submit(), uuid.uuid4()
    for _again in range(2):
        actions.record_time(ticket, by=inside.agent, minutes=60, description="Once", submission=number)
    assert TimeEntry.objects.count() == 1


def test_more_than_59_minutes_behind_an_hour_are_a_mistake() -> None:
    assert split_duration("1h99 work") is None


def test_other_words_with_the_same_number_are_another_entry(inside: Desk) -> None:
    ticket, number = inside.started(), uuid.uuid4()
    for minutes, words in ((10, "First"), (25, "Second")):
        actions.record_time(ticket, by=inside.agent, minutes=minutes, description=words, submission=number)
    assert sorted(TimeEntry.objects.filter(ticket=ticket).values_list("minutes", flat=True)) == [10, 25]


def test_a_number_of_another_tickets_form_loses_nothing(inside: Desk) -> None:
    number = uuid.uuid4()
    rows = [inside.started(), inside.started()]
    for ticket in rows:
        actions.record_time(ticket, by=inside.agent, minutes=10, description="Work", submission=number)
    assert [TimeEntry.objects.filter(ticket=ticket).count() for ticket in rows] == [1, 1]
