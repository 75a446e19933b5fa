"""How often news comes by e-mail is the reader's choice; what needs them comes by itself whatever they chose (A9)."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone

from accounts.models import Person
from conftest import Desk
from notifications import tasks
from notifications.models import Going, Notice, OutboxMessage, OutboxState
from notifications.timing import Departure, departure
from tickets import actions
from tickets.actions.review import silence_counts
from tickets.models import Ticket
from tickets.tests.steps import fresh, next_tick

RIGA, NEW_YORK = ZoneInfo("Europe/Riga"), ZoneInfo("America/New_York")


# ---- when ----


def at(text: str, zone: ZoneInfo = RIGA) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def leaves(choice: str, moment: datetime, zone: ZoneInfo = RIGA, **kind: bool) -> Departure | None:
    kinds = {"at_once": False, "needs_reader": False, **kind}
    return departure(Person(tenant_id=1, mail_choice=choice), zone=zone, now=moment.astimezone(UTC), **kinds)


@pytest.mark.parametrize(
    ("moment", "leaves_at"),
    [
        ("2026-03-10T09:00:00", "2026-03-10T10:00"),
        ("2026-03-10T09:00:01", "2026-03-10T10:00"),
        ("2026-03-10T09:59:59", "2026-03-10T10:00"),
        ("2026-03-10T23:30:00", "2026-03-11T00:00"),
    ],
)
def test_hourly_is_the_next_full_hour(moment: str, leaves_at: str) -> None:
    assert leaves("hourly", at(moment)) == Departure(Going.DIGEST, at(leaves_at))


@pytest.mark.parametrize(
    ("moment", "leaves_at"),
    [
        ("2026-03-10T07:59:59", "2026-03-10T08:00"),
        ("2026-03-10T08:00:00", "2026-03-11T08:00"),
        ("2026-03-10T23:30:00", "2026-03-11T08:00"),
        ("2026-03-11T00:30:00", "2026-03-11T08:00"),
        # The clocks go forward in the first of these nights and back in the second.
        ("2026-03-28T20:00:00", "2026-03-29T08:00"),
        ("2026-10-24T20:00:00", "2026-10-25T08:00"),
    ],
)
def test_daily_is_the_next_eight_in_the_morning(moment: str, leaves_at: str) -> None:
    assert leaves("daily", at(moment)) == Departure(Going.DIGEST, at(leaves_at))


def test_across_a_summer_time_change_it_is_still_eight() -> None:
    days = [leaves("daily", at(day)) for day in ("2026-03-27T20:00", "2026-03-28T20:00")]
    assert [day.at.astimezone(UTC).hour for day in days if day] == [6, 5]


def test_the_morning_is_the_readers() -> None:
    found = leaves("daily", at("2026-01-10T20:00"), NEW_YORK)
    assert found == Departure(Going.DIGEST, at("2026-01-11T08:00", NEW_YORK))


@pytest.mark.parametrize("choice", ["hourly", "daily", "needs_me"])
def test_what_needs_the_reader_waits_for_no_summary(choice: str) -> None:
    now = at("2026-03-10T09:10")
    assert leaves(choice, now, needs_reader=True) == Departure(Going.TOGETHER, now)


@pytest.mark.parametrize("choice", ["hourly", "daily", "needs_me"])
def test_a_receipt_waits_for_no_summary(choice: str) -> None:
    now = at("2026-03-10T09:10")
    assert leaves(choice, now, at_once=True) == Departure(Going.ALONE, now)


# ---- through the verbs ----


@pytest.fixture
def reader(inside: Desk) -> Person:
    """The requester, who gets a summary every morning."""
    inside.requester.mail_choice = "daily"
    inside.requester.save()
    return inside.requester


@pytest.fixture
def ticket(inside: Desk, reader: Person) -> Ticket:
    """A request whose receipt has left."""
    row = inside.submit()
    tasks.sweep_outbox()
    mail.outbox.clear()
    return row


def waiting(person: Person) -> list[OutboxMessage]:
    return list(OutboxMessage.objects.filter(to_person=person, state=OutboxState.QUEUED).order_by("id"))


def sent(person: Person) -> list[EmailMultiAlternatives]:
    """What the sweep sends them now."""
    before = len(mail.outbox)
    tasks.sweep_outbox()
    return [one for one in mail.outbox[before:] if one.to == [person.email]]


def morning(person: Person) -> list[EmailMultiAlternatives]:
    """What has gone out when all that waits has come due."""
    OutboxMessage.objects.filter(state=OutboxState.QUEUED).update(next_try_at=timezone.now() - timedelta(minutes=1))
    return sent(person)


def test_a_summarys_news_waits(inside: Desk, reader: Person, ticket: Ticket) -> None:
    actions.comment(ticket, by=inside.agent, text="Hello")
    assert (sent(reader), [row.going for row in waiting(reader)]) == ([], [Going.DIGEST])


def test_the_persons_own_time_zone_counts(inside: Desk, reader: Person) -> None:
    reader.time_zone = "America/New_York"
    reader.save()
    actions.comment(inside.submit(), by=inside.agent, text="Hello")
    assert waiting(reader)[-1].next_try_at.astimezone(NEW_YORK).hour == 8


def test_without_one_the_desks_counts(inside: Desk, reader: Person, ticket: Ticket) -> None:
    actions.comment(ticket, by=inside.agent, text="Hello")
    assert waiting(reader)[-1].next_try_at.astimezone(RIGA).hour == 8


def test_who_wants_only_what_needs_them_gets_no_letter(inside: Desk) -> None:
    inside.requester.mail_choice = "needs_me"
    inside.requester.save()
    actions.comment(inside.submit(), by=inside.agent, text="Hello")
    assert not OutboxMessage.objects.filter(kind="ticket.commented", to_person=inside.requester).exists()


def test_they_get_the_notice(inside: Desk) -> None:
    inside.requester.mail_choice = "needs_me"
    inside.requester.save()
    actions.comment(inside.submit(), by=inside.agent, text="Hello")
    assert Notice.objects.filter(kind="ticket.commented", person=inside.requester).count() == 1


def test_nobody_elses_letters_are_changed_by_it(inside: Desk, reader: Person) -> None:
    actions.comment(inside.submit(), by=inside.requester, text="Hello")
    letter = OutboxMessage.objects.get(kind="ticket.commented", to_person=inside.agent)
    assert letter.going == Going.TOGETHER


def chooses(person: Person, choice: str) -> None:
    person.mail_choice = choice
    person.save()


# Who is asked, by what kind of letter, and what brings it about.
def question(desk: Desk) -> tuple[Person, str]:
    desk.asked()
    return desk.requester, "information_requested"


def question_again(desk: Desk) -> tuple[Person, str]:
    next_tick(desk, desk.asked())
    return desk.requester, "information_reminder"


def estimate(desk: Desk) -> tuple[Person, str]:
    desk.estimated()
    return desk.approver, "estimate_sent"


def estimate_again(desk: Desk) -> tuple[Person, str]:
    next_tick(desk, desk.estimated())
    return desk.approver, "estimate_reminder"


def solution(desk: Desk) -> tuple[Person, str]:
    desk.delivered()
    return desk.requester, "delivered"


def solution_again(desk: Desk) -> tuple[Person, str]:
    next_tick(desk, desk.delivered())
    return desk.requester, "review_reminder"


NEEDS_READER = [question, question_again, estimate, estimate_again, solution, solution_again]


@pytest.mark.parametrize("choice", ["hourly", "daily", "needs_me"])
@pytest.mark.parametrize("ask", NEEDS_READER)
def test_what_needs_the_reader_comes_by_itself(inside: Desk, ask: Any, choice: str) -> None:
    for person in (inside.requester, inside.approver):
        chooses(person, choice)
    person, kind = ask(inside)
    sent(person)
    assert OutboxMessage.objects.get(kind=f"ticket.{kind}", to_person=person).state == OutboxState.SENT


def test_it_takes_along_what_waits_of_the_same_request(inside: Desk, reader: Person, ticket: Ticket) -> None:
    actions.comment(ticket, by=inside.agent, text="Words that wait.")
    actions.request_information(ticket, by=inside.agent, text="Which printer?")
    (message,) = sent(reader)
    assert 0 < message.body.find("Words that wait.") < message.body.find("Which printer?")


def test_it_leaves_what_waits_of_another_request(inside: Desk, reader: Person, ticket: Ticket) -> None:
    other = inside.submit()
    actions.comment(other, by=inside.agent, text="Words that wait.")
    actions.request_information(ticket, by=inside.agent, text="Which printer?")
    assert ["Words that wait." in one.body for one in sent(reader) if "Which" in one.body] == [False]
    assert [row.about_id for row in waiting(reader)] == [other.pk]


def test_what_it_took_along_names_no_thread(inside: Desk, reader: Person, ticket: Ticket) -> None:
    """A letter that waited for the morning never had a Message-ID outside."""
    actions.comment(ticket, by=inside.agent, text="Words that wait.")
    (carried,) = waiting(reader)
    actions.request_information(ticket, by=inside.agent, text="Which printer?")
    (message,) = sent(reader)
    assert carried.message_id not in message.extra_headers["References"]


def test_what_it_took_along_is_in_no_summary(inside: Desk, reader: Person, ticket: Ticket) -> None:
    actions.comment(ticket, by=inside.agent, text="Words that wait.")
    actions.request_information(ticket, by=inside.agent, text="Which printer?")
    sent(reader)
    assert morning(reader) == []


def test_silence_counts_for_who_reads_summaries(inside: Desk, reader: Person) -> None:
    ticket = inside.delivered()
    next_tick(inside, ticket)
    sent(reader)
    assert silence_counts(fresh(ticket))


def test_it_counts_also_where_other_news_carried_the_notice(inside: Desk, reader: Person, settings: Any) -> None:
    chooses(reader, "each")
    settings.MAIL_BUNDLE_SECONDS = 120
    ticket = inside.started(minutes=25)
    actions.deliver(ticket, by=inside.agent, text="It prints again.")
    morning(reader)
    next_tick(inside, ticket)
    morning(reader)
    assert OutboxMessage.objects.get(kind="ticket.delivered").sent_with is not None
    assert silence_counts(fresh(ticket))


# ---- a summary ----


@pytest.fixture
def two_requests(inside: Desk, reader: Person, ticket: Ticket) -> list[Ticket]:
    """Two requests with news, the first with more after the second."""
    other = inside.submit(subject="A new account")
    actions.start_work(ticket, by=inside.agent, expected_minutes=20)
    actions.comment(other, by=inside.agent, text="Words about the account.")
    actions.comment(ticket, by=inside.agent, text="Words about the printer.")
    return [ticket, other]


def summary(reader: Person) -> EmailMultiAlternatives:
    (one,) = (message for message in morning(reader) if "List-Unsubscribe" in message.extra_headers)
    return one


def test_all_news_is_one_summary(reader: Person, two_requests: list[Ticket]) -> None:
    tasks.sweep_outbox()  # the second one's receipt
    assert len(morning(reader)) == 1


def test_its_subject_counts_the_requests(reader: Person, two_requests: list[Ticket]) -> None:
    assert summary(reader).subject == "News of 2 requests"


def test_of_one_request_it_says_so(inside: Desk, reader: Person, ticket: Ticket) -> None:
    actions.comment(ticket, by=inside.agent, text="Hello")
    assert summary(reader).subject == "News of 1 request"


@pytest.mark.parametrize("part", ["text", "html"])
def test_each_request_has_one_section_with_its_news_in_order(
    reader: Person, two_requests: list[Ticket], part: str
) -> None:
    message = summary(reader)
    said = str(message.body if part == "text" else message.alternatives[0].content)
    wanted = [
        "[DESK-1] The printer prints nothing",
        "is working on",
        "Words about the printer.",
        "[DESK-2] A new account",
        "Words about the account.",
    ]
    places = [said.find(words) for words in wanted]
    assert (places == sorted(places), min(places) > 0, said.count("[DESK-1]")) == (True, True, 1)


@pytest.mark.parametrize("part", ["text", "html"])
def test_each_section_leads_to_its_request(reader: Person, two_requests: list[Ticket], part: str) -> None:
    message = summary(reader)
    said = str(message.body if part == "text" else message.alternatives[0].content)
    addresses = [f"http://alpha.localhost:8000/requests/DESK-{number}/" for number in (1, 2)]
    assert [said.count(address) for address in addresses] == [1, 1]


def test_it_is_in_the_readers_language(inside: Desk, reader: Person) -> None:
    reader.language = "lv"
    reader.save()
    actions.start_work(inside.submit(), by=inside.agent, expected_minutes=5)
    html = str(summary(reader).alternatives[0].content)
    assert ('<html lang="lv">' in html, "Labdien" in html) == (True, True)


def test_what_it_says_is_escaped(inside: Desk, reader: Person) -> None:
    actions.comment(inside.submit(subject="<b>Printer</b>"), by=inside.agent, text="<script>1</script>")
    html = str(summary(reader).alternatives[0].content)
    assert ("<b>Printer" in html, "<script>" in html) == (False, False)


def test_a_mail_program_can_end_it_by_one_click(reader: Person, two_requests: list[Ticket]) -> None:
    """RFC 8058."""
    headers = summary(reader).extra_headers
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["List-Unsubscribe"].startswith("<http://alpha.localhost:8000/account/mail/stop/")


def test_a_letter_that_is_no_summary_offers_no_end(inside: Desk) -> None:
    inside.submit()
    tasks.sweep_outbox()
    assert "List-Unsubscribe" not in mail.outbox[0].extra_headers


def test_an_answer_to_it_goes_to_no_request(reader: Person, two_requests: list[Ticket]) -> None:
    message = summary(reader)
    assert (message.reply_to, "Reply to this e-mail" in message.body) == ([], False)


def test_it_continues_no_thread(reader: Person, two_requests: list[Ticket]) -> None:
    assert {"References", "In-Reply-To"} & set(summary(reader).extra_headers) == set()


def test_no_thread_continues_it(inside: Desk, reader: Person, two_requests: list[Ticket]) -> None:
    number = summary(reader).extra_headers["Message-ID"]
    actions.request_information(two_requests[0], by=inside.agent, text="Which printer?")
    (question,) = sent(reader)
    assert number not in question.extra_headers["References"]


def test_it_takes_no_letters_place_in_a_thread(inside: Desk, reader: Person, two_requests: list[Ticket]) -> None:
    """A new letter names the last few only."""
    summary(reader)
    actions.request_information(two_requests[0], by=inside.agent, text="Which printer?")
    receipt = OutboxMessage.objects.get(kind="ticket.submitted", about_id=two_requests[0].pk)
    question = OutboxMessage.objects.get(kind="ticket.information_requested")
    assert question.references == [receipt.message_id]


def test_its_rows_are_sent_and_say_with_which(reader: Person, two_requests: list[Ticket]) -> None:
    rows = waiting(reader)
    summary(reader)
    after = OutboxMessage.objects.filter(pk__in=[row.pk for row in rows], going=Going.DIGEST).order_by("id")
    first, *others = after
    assert [row.state for row in after] == [OutboxState.SENT] * 3
    assert (first.sent_with, {row.sent_with_id for row in others}) == (None, {first.pk})


def test_two_people_get_a_summary_each(inside: Desk, reader: Person, ticket: Ticket) -> None:
    guest = inside.guest(ticket)
    chooses(guest, "daily")
    tasks.sweep_outbox()
    actions.comment(ticket, by=inside.agent, text="Hello")
    OutboxMessage.objects.filter(state=OutboxState.QUEUED).update(next_try_at=timezone.now())
    before = len(mail.outbox)
    tasks.sweep_outbox()
    assert sorted(one.to[0] for one in mail.outbox[before:]) == sorted([reader.email, guest.email])
