"""What happens to one request within two minutes goes out as one message, and goes out once (A9)."""

import time
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.db.models import F
from django.utils import timezone

from accounts import actions as accounts_actions
from accounts.models import Person
from conftest import Desk
from notifications import delivery, tasks
from notifications.models import Going, OutboxMessage, OutboxState
from tests.test_at_once import together
from tickets import actions
from tickets.models import Ticket

BUNDLE = 120


@pytest.fixture(autouse=True)
def _two_minutes(settings: Any) -> None:
    settings.MAIL_BUNDLE_SECONDS = BUNDLE


@pytest.fixture
def ticket(inside: Desk) -> Ticket:
    """A request whose first letters have left."""
    row = inside.submit()
    sent_after(BUNDLE)
    mail.outbox.clear()
    return row


def letters(*kinds: str) -> list[OutboxMessage]:
    """Of those kinds, or all, oldest first."""
    rows = OutboxMessage.objects.order_by("id")
    return list(rows.filter(kind__in=[f"ticket.{kind}" for kind in kinds]) if kinds else rows)


def pass_seconds(seconds: float) -> None:
    """The letters' dates move instead of the world's."""
    past = timedelta(seconds=seconds)
    OutboxMessage.objects.update(next_try_at=F("next_try_at") - past, claimed_until=F("claimed_until") - past)


def sent_after(seconds: float) -> list[EmailMultiAlternatives]:
    """What has gone out when the sweep has looked so many seconds later."""
    pass_seconds(seconds)
    before = len(mail.outbox)
    tasks.sweep_outbox()
    return mail.outbox[before:]  # type: ignore[return-value]


def three_things(desk: Desk, ticket: Ticket) -> None:
    actions.start_work(ticket, by=desk.agent, expected_minutes=20)
    actions.comment(ticket, by=desk.agent, text="First words.")
    actions.comment(ticket, by=desk.agent, text="Second words.")


def refuse(*args: Any, **kwargs: Any) -> None:
    raise ConnectionRefusedError("no relay")


# ---- one message ----


def test_a9_three_things_at_once_are_one_message(inside: Desk, ticket: Ticket) -> None:
    three_things(inside, ticket)
    assert len(sent_after(BUNDLE)) == 1


@pytest.mark.parametrize("part", ["text", "html"])
def test_a9_it_says_all_of_them_in_their_order(inside: Desk, ticket: Ticket, part: str) -> None:
    three_things(inside, ticket)
    (message,) = sent_after(BUNDLE)
    said = str(message.body if part == "text" else message.alternatives[0].content)
    places = [said.find(words) for words in ("is working on", "First words.", "Second words.")]
    assert -1 < places[0] < places[1] < places[2]


def test_nothing_leaves_before_the_two_minutes_are_over(inside: Desk, ticket: Ticket) -> None:
    three_things(inside, ticket)
    assert sent_after(BUNDLE - 20) == []


def test_what_happens_shortly_before_they_are_over_still_goes_along(inside: Desk, ticket: Ticket) -> None:
    actions.comment(ticket, by=inside.agent, text="First words.")
    pass_seconds(BUNDLE - 10)
    actions.comment(ticket, by=inside.agent, text="Second words.")
    assert ["Second words." in message.body for message in sent_after(20)] == [True]


def test_what_happens_after_them_is_another_message(inside: Desk, ticket: Ticket) -> None:
    actions.comment(ticket, by=inside.agent, text="First words.")
    sent_after(BUNDLE)
    actions.comment(ticket, by=inside.agent, text="Second words.")
    assert ["First words." in message.body for message in sent_after(BUNDLE)] == [False]


def test_two_requests_are_two_messages(inside: Desk, ticket: Ticket) -> None:
    other = inside.submit()
    sent_after(BUNDLE)
    for one in (ticket, other):
        actions.comment(one, by=inside.agent, text="Words.")
    references = {message.subject.partition("]")[0] for message in sent_after(BUNDLE)}
    assert references == {"[DESK-1", "[DESK-2"}


def test_two_people_get_a_message_each(inside: Desk, ticket: Ticket) -> None:
    guest = inside.guest(ticket)
    sent_after(BUNDLE)
    three_things(inside, ticket)
    assert sorted(message.to[0] for message in sent_after(BUNDLE)) == sorted([inside.requester.email, guest.email])


def test_all_of_them_are_sent(inside: Desk, ticket: Ticket) -> None:
    three_things(inside, ticket)
    sent_after(BUNDLE)
    assert [row.state for row in letters("started", "commented")] == [OutboxState.SENT] * 3


def test_each_says_with_which_it_went(inside: Desk, ticket: Ticket) -> None:
    three_things(inside, ticket)
    sent_after(BUNDLE)
    first, *others = letters("started", "commented")
    assert (first.sent_with, [row.sent_with for row in others]) == (None, [first, first])


# ---- one button ----


def buttons(message: EmailMultiAlternatives) -> list[str]:
    """What stands above each address in the text."""
    lines = message.body.splitlines()
    return [lines[number - 1] for number, line in enumerate(lines) if line.startswith("http")]


def test_the_button_is_of_the_newest(inside: Desk, ticket: Ticket) -> None:
    three_things(inside, ticket)
    (message,) = sent_after(BUNDLE)
    assert buttons(message) == ["Open the request:"]


def test_what_needs_the_reader_has_the_button(inside: Desk, ticket: Ticket) -> None:
    """Also when something else happened after it."""
    actions.request_information(ticket, by=inside.agent, text="Which printer?")
    actions.comment(ticket, by=inside.agent, text="The old one, I think.")
    (message,) = sent_after(BUNDLE)
    assert buttons(message) == ["Answer the question:"]


def test_of_two_that_need_the_reader_the_newer_has_it(inside: Desk, ticket: Ticket) -> None:
    actions.request_information(ticket, by=inside.agent, text="Which printer?")
    actions.start_work(ticket, by=inside.agent, expected_minutes=20)
    actions.deliver(ticket, by=inside.agent, text="It prints again.")
    (message,) = sent_after(BUNDLE)
    assert (buttons(message), "/decide/" in message.body) == (["Check the solution:"], True)


def test_the_html_has_one_button_too(inside: Desk, ticket: Ticket) -> None:
    three_things(inside, ticket)
    (message,) = sent_after(BUNDLE)
    assert str(message.alternatives[0].content).count("data-button") == 1


# ---- at once, and alone ----


def test_a_receipt_goes_at_once(inside: Desk) -> None:
    inside.submit()
    assert [message.to for message in sent_after(0)] == [[inside.requester.email]]


def test_a_receipt_takes_nothing_along(inside: Desk) -> None:
    ticket = inside.submit()
    actions.comment(ticket, by=inside.agent, text="First words.")
    assert [("First words." in message.body) for message in sent_after(0)] == [False]


def test_a_receipt_is_taken_along_by_nothing(inside: Desk) -> None:
    ticket = inside.submit()
    actions.comment(ticket, by=inside.agent, text="First words.")
    pass_seconds(BUNDLE)
    delivery.deliver(inside.id, letters("commented")[0].pk)
    assert [letter.state for letter in letters("submitted")] == [OutboxState.QUEUED]


def test_a_reset_goes_at_once(inside: Desk) -> None:
    accounts_actions.request_reset(inside.requester.user.email)
    assert [message.subject for message in sent_after(0)] == ["A new password"]


def test_an_invitation_goes_at_once(inside: Desk) -> None:
    newcomer = Person.objects.create(name="Nora New", email="nora@alpha.example")
    accounts_actions.invite(newcomer, by=inside.manager)
    assert [message.to for message in sent_after(0)] == [["nora@alpha.example"]]


# ---- the thread ----


def named(message: EmailMultiAlternatives) -> set[str]:
    return set(message.extra_headers.get("References", "").replace("<", "").replace(">", "").split())


def test_a_thread_names_no_message_that_did_not_go_out(inside: Desk, ticket: Ticket) -> None:
    three_things(inside, ticket)
    sent_after(BUNDLE)
    actions.comment(ticket, by=inside.agent, text="Third words.")
    (message,) = sent_after(BUNDLE)
    gone_out = {row.message_id for row in letters() if row.sent_with is None}
    assert named(message) <= gone_out


def test_what_was_sent_together_is_continued_by_the_next(inside: Desk, ticket: Ticket) -> None:
    three_things(inside, ticket)
    sent_after(BUNDLE)
    actions.comment(ticket, by=inside.agent, text="Third words.")
    (message,) = sent_after(BUNDLE)
    assert letters("started")[0].message_id in named(message)


def test_what_is_said_while_they_leave_names_none_that_went_along(
    inside: Desk, ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was put into words before anybody knew which of them would carry the others."""
    three_things(inside, ticket)
    say = lambda mail: actions.comment(ticket, by=inside.agent, text="Third words.")  # noqa: E731
    with monkeypatch.context() as patch:
        patch.setattr(delivery, "_send", say)
        sent_after(BUNDLE)
    (message,) = sent_after(BUNDLE)
    assert named(message) & {row.message_id for row in letters() if row.sent_with} == set()


def test_a_letter_that_was_given_up_is_not_continued(inside: Desk, ticket: Ticket) -> None:
    actions.comment(ticket, by=inside.agent, text="First words.")
    OutboxMessage.objects.filter(kind="ticket.commented").update(state=OutboxState.FAILED)
    actions.comment(ticket, by=inside.agent, text="Second words.")
    (message,) = sent_after(BUNDLE)
    assert named(message) == {letters("submitted")[0].message_id}


# ---- what goes wrong on the way ----


def killed_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker claims what is due, and is no more before the mail server answers."""

    def die(mail: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(delivery, "_send", die)
        with pytest.raises(SystemExit):
            sent_after(BUNDLE)


def test_what_a_killed_worker_held_waits_for_its_time(
    inside: Desk, ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may still be alive, only slow."""
    three_things(inside, ticket)
    killed_on_the_way(monkeypatch)
    assert sent_after(delivery.CLAIM.total_seconds() - 20) == []


def test_after_that_it_goes_out_once(inside: Desk, ticket: Ticket, monkeypatch: pytest.MonkeyPatch) -> None:
    three_things(inside, ticket)
    killed_on_the_way(monkeypatch)
    (message,) = sent_after(delivery.CLAIM.total_seconds() + 5)
    assert ["First words." in message.body, "Second words." in message.body] == [True, True]


def test_after_that_it_is_the_same_message(inside: Desk, ticket: Ticket, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mail program that got it already knows it by its Message-ID."""
    three_things(inside, ticket)
    killed_on_the_way(monkeypatch)
    (message,) = sent_after(delivery.CLAIM.total_seconds() + 5)
    assert message.extra_headers["Message-ID"] == f"<{letters('started')[0].message_id}>"


def test_two_workers_at_once_send_one_message(committed_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has a letter of the same bundle, and looks around for the others at the same time."""
    desk, look_around = committed_desk, delivery._companions
    sent: list[EmailMultiAlternatives] = []
    with desk.entered():
        three_things(desk, desk.submit())
        pass_seconds(BUNDLE)
        ids = [row.pk for row in letters("started", "commented")]

    def slowly(letter: OutboxMessage, now: datetime) -> list[OutboxMessage]:
        found = look_around(letter, now)
        time.sleep(0.3)
        return found

    monkeypatch.setattr(delivery, "_companions", slowly)
    monkeypatch.setattr(delivery, "_send", sent.append)
    results = together(*[partial(delivery.deliver, desk.id, pk) for pk in ids])
    assert (sorted(results), ["Second words." in message.body for message in sent]) == ([False, False, True], [True])


def test_a_failing_servers_words_stand_on_each(inside: Desk, ticket: Ticket, monkeypatch: pytest.MonkeyPatch) -> None:
    three_things(inside, ticket)
    monkeypatch.setattr(delivery, "_send", refuse)
    sent_after(BUNDLE)
    assert [row.error for row in letters("started", "commented")] == ["Nothing answers on this port."] * 3


@pytest.mark.parametrize(("tries", "minutes"), [(0, 1), (1, 2), (3, 15), (7, 960)])
def test_all_wait_for_the_same_next_try(
    inside: Desk, ticket: Ticket, monkeypatch: pytest.MonkeyPatch, tries: int, minutes: int
) -> None:
    three_things(inside, ticket)
    OutboxMessage.objects.filter(state=OutboxState.QUEUED).update(tries=tries)
    monkeypatch.setattr(delivery, "_send", refuse)
    sent_after(BUNDLE)
    waits = {row.next_try_at - timezone.now() for row in letters("started", "commented")}
    assert (len(waits) > 0, {round(wait.total_seconds() / 60) for wait in waits}) == (True, {minutes})


def test_the_next_try_sends_one_message(inside: Desk, ticket: Ticket, monkeypatch: pytest.MonkeyPatch) -> None:
    three_things(inside, ticket)
    with monkeypatch.context() as patch:
        patch.setattr(delivery, "_send", refuse)
        sent_after(BUNDLE)
    assert ["Second words." in message.body for message in sent_after(60)] == [True]


def test_all_are_given_up_together(inside: Desk, ticket: Ticket, monkeypatch: pytest.MonkeyPatch) -> None:
    three_things(inside, ticket)
    OutboxMessage.objects.filter(state=OutboxState.QUEUED).update(tries=len(delivery.BACK_OFF))
    monkeypatch.setattr(delivery, "_send", refuse)
    sent_after(BUNDLE)
    assert [row.state for row in letters("started", "commented")] == [OutboxState.FAILED] * 3


def test_news_that_joins_an_old_trouble_is_not_given_up_with_it(
    inside: Desk, ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    actions.comment(ticket, by=inside.agent, text="First words.")
    OutboxMessage.objects.filter(state=OutboxState.QUEUED).update(tries=len(delivery.BACK_OFF))
    actions.comment(ticket, by=inside.agent, text="Second words.")
    monkeypatch.setattr(delivery, "_send", refuse)
    sent_after(BUNDLE)
    assert [row.state for row in letters("commented")] == [OutboxState.FAILED, OutboxState.QUEUED]


def test_fresh_news_does_not_use_up_the_patience_with_an_older_letter(
    inside: Desk, ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    actions.comment(ticket, by=inside.agent, text="First words.")
    in_four_hours = timezone.now() + timedelta(hours=4)
    OutboxMessage.objects.filter(state=OutboxState.QUEUED).update(tries=6, next_try_at=in_four_hours)
    actions.comment(ticket, by=inside.agent, text="Second words.")
    monkeypatch.setattr(delivery, "_send", refuse)
    sent_after(BUNDLE)
    old, fresh = letters("commented")
    waits = old.next_try_at - (in_four_hours - timedelta(seconds=BUNDLE))
    assert (old.tries, waits, fresh.tries) == (6, timedelta(), 1)


def test_a_question_that_fails_sends_no_summary_before_its_time(
    inside: Desk, ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would have taken the news of its request along, which waits for tomorrow again."""
    Person.objects.filter(pk=inside.requester.pk).update(mail_choice="daily")
    actions.comment(ticket, by=inside.agent, text="First words.")
    (waiting,) = letters("commented")
    actions.request_information(ticket, by=inside.agent, text="Which printer?")
    monkeypatch.setattr(delivery, "_send", refuse)
    sent_after(BUNDLE)
    after = letters("commented")[0]
    assert (after.going, after.next_try_at) == (Going.DIGEST, waiting.next_try_at - timedelta(seconds=BUNDLE))


# ---- links that decide ----


def stored(desk: Desk) -> str:
    return " ".join(f"{row.text} {row.html} {row.said}" for row in letters())


def decide(desk: Desk, ticket: Ticket, *, first: bool) -> None:
    """A delivery with a link that decides, and other words before or after it."""
    actions.start_work(ticket, by=desk.agent, expected_minutes=20)
    if not first:
        actions.comment(ticket, by=desk.manager, text="Words before.")
    else:
        OutboxMessage.objects.filter(kind="ticket.started").delete()
    actions.deliver(ticket, by=desk.agent, text="It prints again.")
    actions.comment(ticket, by=desk.manager, text="Words after.")


@pytest.mark.parametrize("first", [True, False])
def test_a_sent_bundle_keeps_no_link(inside: Desk, ticket: Ticket, first: bool) -> None:
    decide(inside, ticket, first=first)
    before = stored(inside)
    (message,) = [one for one in sent_after(BUNDLE) if one.to == [inside.requester.email]]
    assert ("/decide/" in before, "/decide/" in message.body, "/decide/" in stored(inside)) == (True, True, False)


def test_the_desk_still_reads_what_else_was_said(inside: Desk, ticket: Ticket) -> None:
    decide(inside, ticket, first=False)
    sent_after(BUNDLE)
    to_requester = [row for row in letters("commented") if row.to_person_id == inside.requester.pk]
    assert [row.said["words"] for row in to_requester] == ["Words before.", "Words after."]
