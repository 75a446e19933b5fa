"""Who hears what: for every event of a ticket its receivers, never the one who acted, each in their own words (A9)."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone, translation
from django.utils.formats import date_format, number_format

from accounts.models import Person
from conftest import Desk, Visit, in_days
from notifications import delivery
from notifications.models import Notice, OutboxMessage
from tickets import actions, followers, gates, notices
from tickets.models import Ticket
from tickets.tests.steps import all_mail_is_sent, fresh, letters, next_tick, says, told

# Of the cast; 'guest' is invited to every ticket here, 'approver' is the colleague.
AGENT, REQUESTER, GUEST, APPROVER = "agent", "requester", "guest", "approver"
BOTH = {AGENT, REQUESTER, GUEST}
CUSTOMERS = {REQUESTER, GUEST}


@dataclass
class Scene:
    """A ticket with a guest. Everything said before the event is forgotten."""

    desk: Desk
    ticket: Ticket
    guest: Person

    def at(self, ticket: Ticket | None = None) -> Ticket:
        Notice.objects.all().delete()
        OutboxMessage.objects.all().delete()
        self.ticket = ticket or self.ticket
        return self.ticket

    @property
    def people(self) -> dict[int, str]:
        """By what the table calls them."""
        desk = self.desk
        names = {desk.agent.pk: AGENT, desk.requester.pk: REQUESTER, desk.approver.pk: APPROVER, self.guest.pk: GUEST}
        return {**names, desk.manager.pk: "manager", desk.accountant.pk: "accountant"}


@pytest.fixture
def scene(inside: Desk) -> Scene:
    ticket = inside.submit()
    return Scene(inside, ticket, inside.guest(ticket))


# ---- what leads to each event ----


def delivered(scene: Scene) -> Ticket:
    actions.start_work(scene.ticket, by=scene.desk.agent, expected_minutes=20)
    actions.record_time(scene.ticket, by=scene.desk.agent, minutes=20, description="Repaired")
    return actions.deliver(scene.ticket, by=scene.desk.agent, text="It prints again.")


def estimated(scene: Scene) -> Ticket:
    return scene.desk.estimated(scene.ticket)


def accepted(scene: Scene) -> Ticket:
    return actions.accept_solution(delivered(scene), by=scene.desk.requester)


def asked(scene: Scene) -> Ticket:
    return actions.request_information(scene.ticket, by=scene.desk.agent, text="Which printer?")


def started(scene: Scene) -> Ticket:
    return actions.start_work(scene.ticket, by=scene.desk.agent, expected_minutes=20)


def scheduled(scene: Scene) -> Ticket:
    ticket = actions.reopen(delivered(scene), by=scene.desk.requester, text="Page two.")
    return actions.schedule_deployment(ticket, by=scene.desk.agent, day=in_days(3))


def merged(scene: Scene) -> Ticket:
    return actions.merge(scene.ticket, by=scene.desk.agent, into=scene.desk.submit())


def asked_twice(scene: Scene) -> Ticket:
    ticket = asked(scene)
    for _ in range(2):
        next_tick(scene.desk, ticket)
    return fresh(ticket)


def reminded(scene: Scene) -> Ticket:
    return next_tick(scene.desk, delivered(scene))


def silent(scene: Scene) -> None:
    next_tick(scene.desk, scene.ticket)


def after(make: Callable[[Scene], Ticket], deed: Callable[[Scene], Any]) -> Callable[[Scene], None]:
    """Get there, forget what was said on the way, and do it."""

    def run(scene: Scene) -> None:
        scene.at(make(scene))
        deed(scene)

    return run


def from_the_start(deed: Callable[[Scene], Any]) -> Callable[[Scene], None]:
    return after(lambda scene: scene.ticket, deed)


def commented(role: str, **values: Any) -> Callable[[Scene], Any]:
    def say(scene: Scene) -> Any:
        by = scene.guest if role == GUEST else getattr(scene.desk, role)
        return actions.comment(scene.ticket, by=by, text="Words", **values)

    return from_the_start(say)


def by_mail(scene: Scene, *, is_verified: bool) -> None:
    actions.comment_by_mail(scene.ticket, by=scene.desk.requester, text="Words", files=(), is_verified=is_verified)


def too_large(scene: Scene) -> None:
    actions.comment_by_mail(
        scene.ticket, by=scene.desk.requester, text="Words", files=(), is_verified=True, left_out=["film.mp4"]
    )


def reached_nobody(scene: Scene) -> Ticket:
    ticket = asked_twice(scene)
    OutboxMessage.objects.all().delete()
    return ticket


def filed(scene: Scene) -> None:
    scene.at()
    scene.desk.submit()


def filed_for_the_customer(scene: Scene) -> None:
    """By a second-line agent, so that it goes to somebody else."""
    scene.at()
    scene.desk.submit(by=scene.desk.specialist(), requester=scene.desk.requester)


def lapsed(scene: Scene) -> None:
    scene.at(actions.accept_estimate(estimated(scene), by=scene.desk.approver))
    actions.lapse_unpaid_order(scene.ticket)


def closed_unanswered(scene: Scene) -> Ticket:
    ticket = asked_twice(scene)
    all_mail_is_sent()
    return ticket


def review_over(scene: Scene) -> Ticket:
    ticket = reminded(scene)
    all_mail_is_sent()
    return ticket


def quietly(scene: Scene, ticket: Ticket) -> None:
    """The clock's step, with the letters that it needs still there."""
    Notice.objects.all().delete()
    next_tick(scene.desk, ticket)


Step = Callable[[Scene], Any]
# Event → what brings it about → who hears of it.
TABLE: dict[str, tuple[str, Step, set[str]]] = {
    "filed": ("submitted", filed, {REQUESTER}),
    "filed, to us": ("new", filed, {AGENT}),
    "filed for the customer": ("submitted", filed_for_the_customer, {REQUESTER}),
    "filed for the customer, to us": ("new", filed_for_the_customer, {AGENT}),
    "assigned": (
        "assigned",
        from_the_start(lambda s: actions.assign(s.ticket, by=s.desk.agent, to=s.desk.manager)),
        {"manager"},
    ),
    "taken by oneself": (
        "assigned",
        from_the_start(lambda s: actions.assign(s.ticket, by=s.desk.manager, to=s.desk.manager)),
        set(),
    ),
    "started": ("started", from_the_start(started), CUSTOMERS),
    "a reply": ("commented", commented(AGENT), CUSTOMERS),
    "a colleague's reply": ("commented", commented("manager"), BOTH),
    "the customer's words": ("commented", commented(REQUESTER), {AGENT, GUEST}),
    "the organisation's words": ("commented", commented(APPROVER), BOTH),
    "a guest's words": ("commented", commented(GUEST), {AGENT, REQUESTER}),
    "a note": ("commented", commented("manager", is_internal=True), {AGENT}),
    "proved words by e-mail": ("commented", from_the_start(partial(by_mail, is_verified=True)), {AGENT, GUEST}),
    "unproved words by e-mail": ("commented", from_the_start(partial(by_mail, is_verified=False)), {AGENT}),
    "files that were too large": ("files_left_out", from_the_start(too_large), {REQUESTER}),
    "an e-mail that did not arrive": (
        "mail_bounced",
        from_the_start(lambda s: notices.mail_bounced(s.ticket, s.desk.requester, "550 no such user")),
        {AGENT},
    ),
    "invited": (
        "invited",
        from_the_start(
            lambda s: actions.add_participant(s.ticket, by=s.desk.requester, address=s.desk.colleague.email)
        ),
        {APPROVER},
    ),
    "a question": ("information_requested", from_the_start(asked), CUSTOMERS),
    "a question, again": ("information_reminder", after(asked, silent), CUSTOMERS),
    "a question, not answered": (
        "closed_unanswered",
        lambda s: quietly(s, closed_unanswered(s)),
        BOTH,
    ),
    "a silence that reached nobody": ("silence_unheard", after(reached_nobody, silent), {AGENT}),
    "an estimate, to decide": ("estimate_sent", from_the_start(estimated), {APPROVER}),
    "an estimate, to know": ("estimate_announced", from_the_start(estimated), CUSTOMERS),
    "an estimate, again": ("estimate_reminder", after(estimated, silent), {APPROVER}),
    "an estimate accepted": (
        "estimate_accepted",
        after(estimated, lambda s: actions.accept_estimate(s.ticket, by=s.desk.approver)),
        BOTH,
    ),
    "an estimate accepted in a quote": (
        "estimate_accepted",
        after(estimated, lambda s: actions.accept_estimate(s.ticket, by=s.desk.agent, quote=says(s.desk.approver))),
        {REQUESTER, GUEST, APPROVER},
    ),
    "changes wanted": (
        "changes_requested",
        after(estimated, lambda s: actions.request_changes(s.ticket, by=s.desk.requester, text="Less.")),
        {AGENT, GUEST},
    ),
    "an estimate withdrawn": (
        "estimate_withdrawn",
        after(estimated, lambda s: actions.withdraw_estimate(s.ticket, by=s.desk.agent, text="A mistake.")),
        {REQUESTER, GUEST, APPROVER},
    ),
    "an estimate expired": (
        "estimate_expired",
        after(lambda s: next_tick(s.desk, estimated(s)), silent),
        {*BOTH, APPROVER},
    ),
    "delivered": ("delivered", from_the_start(delivered), {REQUESTER}),
    "delivered, to guests": ("delivered_to_guests", from_the_start(delivered), {GUEST}),
    "a review, again": ("review_reminder", after(delivered, silent), {REQUESTER}),
    "accepted": (
        "accepted",
        after(delivered, lambda s: actions.accept_solution(s.ticket, by=s.desk.requester)),
        {AGENT, GUEST},
    ),
    "accepted by the organisation": (
        "accepted",
        after(delivered, lambda s: actions.accept_solution(s.ticket, by=s.desk.colleague)),
        BOTH,
    ),
    "accepted in a quote": (
        "accepted",
        after(delivered, lambda s: actions.accept_solution(s.ticket, by=s.desk.agent, quote=says(s.desk.requester))),
        CUSTOMERS,
    ),
    "accepted by silence": ("accepted", lambda s: quietly(s, review_over(s)), BOTH),
    "taken back": (
        "taken_back",
        after(accepted, lambda s: actions.take_back_acceptance(s.ticket, by=s.desk.requester)),
        {AGENT, GUEST},
    ),
    "a rollout planned": ("deployment_scheduled", scheduled, CUSTOMERS),
    "a rollout that is due": ("deployment_due", after(scheduled, silent), {AGENT}),
    "reopened": (
        "reopened",
        after(delivered, lambda s: actions.reopen(s.ticket, by=s.desk.requester, text="Page two.")),
        {AGENT, GUEST},
    ),
    "reopened by us": (
        "reopened",
        after(accepted, lambda s: actions.reopen(s.ticket, by=s.desk.accountant, text="One hour too many.")),
        BOTH,
    ),
    "a wish to cancel": (
        "cancel_asked",
        after(started, lambda s: actions.ask_to_cancel(s.ticket, by=s.desk.requester, text="Too late.")),
        {AGENT, GUEST},
    ),
    "cancelled": (
        "cancelled",
        from_the_start(lambda s: actions.cancel(s.ticket, by=s.desk.requester, text="Found it.")),
        {AGENT, GUEST},
    ),
    "cancelled in a quote": (
        "cancelled",
        from_the_start(
            lambda s: actions.cancel(s.ticket, by=s.desk.agent, text="Found it.", quote=says(s.desk.requester))
        ),
        CUSTOMERS,
    ),
    "an order not paid": ("cancelled", lapsed, BOTH),
    "rejected": (
        "rejected",
        from_the_start(lambda s: actions.reject(s.ticket, by=s.desk.agent, text="Not ours.")),
        CUSTOMERS,
    ),
    "spam": ("rejected", from_the_start(lambda s: actions.reject(s.ticket, by=s.desk.agent, is_spam=True)), set()),
    "merged": ("merged", from_the_start(merged), CUSTOMERS),
    "a merge undone": (
        "unmerged",
        after(merged, lambda s: actions.unmerge(s.ticket, by=s.desk.agent)),
        CUSTOMERS,
    ),
    "nothing to charge": (
        "closed",
        after(accepted, lambda s: actions.close(s.ticket, by=s.desk.accountant, reason="A gift.")),
        CUSTOMERS,
    ),
}


@pytest.fixture
def unpaid() -> Iterator[None]:
    """Orders that have to be paid, and are not."""

    def pay_by(ticket: Ticket, estimate: Any) -> Any:
        return timezone.now()

    def has_lapsed(ticket: Ticket) -> bool:
        return True

    with followers.estimate_accepted.registered(pay_by), gates.order_has_lapsed.registered(has_lapsed):
        yield


every_event = pytest.mark.parametrize("event", TABLE)


@every_event
def test_a9_who_hears_of_it(scene: Scene, unpaid: None, event: str) -> None:
    """Each once; the one who acted never."""
    kind, step, receivers = TABLE[event]
    step(scene)
    found = Notice.objects.filter(kind=f"ticket.{kind}").values_list("person_id", flat=True)
    assert sorted(scene.people[pk] for pk in found) == sorted(receivers)


@pytest.mark.slow
@every_event
def test_the_same_people_get_a_letter(scene: Scene, unpaid: None, event: str) -> None:
    kind, step, receivers = TABLE[event]
    step(scene)
    assert sorted(scene.people[row.to_person_id or 0] for row in letters(kind)) == sorted(receivers)


@pytest.mark.slow
@every_event
def test_text_and_html_say_the_same(scene: Scene, unpaid: None, event: str) -> None:
    kind, step, _ = TABLE[event]
    step(scene)
    for letter in letters(kind):
        shown = words_of(re.sub(r"<style>.*?</style>|<[^>]+>", " ", letter.html, flags=re.DOTALL))
        missing = [line for line in letter.text.splitlines() if "://" not in line and words_of(line) not in shown]
        assert missing == []


def words_of(text: str) -> str:
    """Without the marks that only a text needs, where the page has a table and a button."""
    return " ".join(unescape(text).replace(":", " ").removeprefix("-- ").split())


@pytest.mark.slow
@every_event
def test_the_notice_says_what_the_letter_says(scene: Scene, unpaid: None, event: str) -> None:
    kind, step, _ = TABLE[event]
    step(scene)
    texts = {row.to_person_id: row.text for row in letters(kind)}
    told_here = Notice.objects.filter(kind=f"ticket.{kind}")
    assert [row.text for row in told_here if row.text not in texts[row.person_id]] == []


@pytest.mark.slow
@every_event
def test_it_leads_where_its_reader_can_go(scene: Scene, unpaid: None, event: str) -> None:
    kind, step, _ = TABLE[event]
    step(scene)
    found = {(row.person.is_staff, row.route) for row in Notice.objects.filter(kind=f"ticket.{kind}")}
    assert found <= {(True, "admin:tickets_ticket_change"), (False, "request")}


# What asks its reader for a decision: the button is the signature.
DECISIONS = {"estimate_sent", "estimate_reminder", "delivered", "review_reminder"}


@pytest.mark.slow
@every_event
def test_a_link_to_decide_is_personal_and_for_who_may(scene: Scene, unpaid: None, event: str) -> None:
    kind, step, _ = TABLE[event]
    step(scene)
    decides = kind in DECISIONS
    assert {("/decide/" in row.text, row.is_personal) for row in letters(kind)} <= {(decides, decides)}


def test_no_notice_holds_a_link_to_decide(scene: Scene) -> None:
    delivered(scene)
    assert not any("/decide/" in notice.text for notice in Notice.objects.all())


def test_every_kind_of_news_is_in_the_table() -> None:
    """A new one needs its receivers."""
    source = Path(notices.__file__).read_text(encoding="utf-8")
    written = set(re.findall(r'"ticket\.(\w+)"', source))
    assert written - {kind for kind, _, _ in TABLE.values()} == set()


# ---- the letters that decide ----


def link_in(letter: OutboxMessage) -> str:
    found = re.search(r"http://[^/]+(/decide/\S+)", letter.text)
    assert found is not None
    return found[1]


def test_the_link_opens_a_page_for_its_reader(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        desk.estimated()
        link = link_in(letters("estimate_sent")[0])
    page = visit(desk).get(link)
    assert (page.status_code, b"DESK-1" in page.content) == (200, True)


def test_html_and_text_lead_to_the_same_page(inside: Desk) -> None:
    inside.estimated()
    (letter,) = letters("estimate_sent")
    assert link_in(letter) in letter.html


def test_every_approver_has_a_link_of_their_own(inside: Desk) -> None:
    inside.signatory()
    inside.deputy()
    inside.estimated()
    links = [link_in(letter) for letter in letters("estimate_sent")]
    assert (len(links), len(set(links))) == (3, 3)


def test_who_may_not_approve_the_amount_gets_no_link(inside: Desk) -> None:
    small = inside.small_approver()
    inside.estimated()
    assert small not in told("estimate_sent")


def test_an_approver_who_asked_themselves_is_not_told_twice(inside: Desk) -> None:
    ticket = inside.submit(by=inside.approver)
    inside.estimated(ticket)
    assert (told("estimate_sent"), told("estimate_announced")) == ({inside.approver}, set())


def test_a_delivered_letter_keeps_no_link(desk: Desk) -> None:
    with desk.entered():
        desk.delivered()
        (letter,) = letters("delivered")
        assert "/decide/" in letter.text
    delivery.deliver(desk.id, letter.pk)
    with desk.entered():
        assert (letters("delivered")[0].text, letters("delivered")[0].html) == ("", "")


def test_a_letter_that_decides_nothing_is_kept(desk: Desk) -> None:
    with desk.entered():
        desk.submit()
        (letter,) = letters("submitted")
    delivery.deliver(desk.id, letter.pk)
    with desk.entered():
        assert "is registered" in letters("submitted")[0].text


@pytest.mark.parametrize("role", ["agent", "manager"])
def test_staff_do_not_read_a_customers_link(desk: Desk, visit: Visit, role: str) -> None:
    with desk.entered():
        desk.delivered()
        (letter,) = letters("delivered")
    page = visit(desk, getattr(desk, role)).get(f"/admin/notifications/outboxmessage/{letter.pk}/change/")
    assert (page.status_code, b"/decide/" in page.content) == (200, False)


# ---- words ----


def test_an_estimates_figures_are_in_both_parts(inside: Desk) -> None:
    inside.estimated(note="As we said on the telephone.")
    (letter,) = letters("estimate_sent")
    wanted = ("3 h", "290.00 EUR", "350.90 EUR", "As we said on the telephone.")
    assert [(part in letter.text, part in letter.html) for part in wanted] == [(True, True)] * 4


def test_figures_are_written_as_the_reader_writes_them(inside: Desk) -> None:
    Person.objects.filter(pk=inside.requester.pk).update(language="lv")
    inside.estimated(inside.submit(by=Person.objects.get(pk=inside.requester.pk)))
    decides, knows = letters("estimate_sent")[0], letters("estimate_announced")[0]
    assert ("350.90 EUR" in decides.text, "350,90 EUR" in knows.text) == (True, True)


def test_the_page_is_marked_with_the_readers_language(inside: Desk) -> None:
    Person.objects.filter(pk=inside.requester.pk).update(language="lv")
    ticket = inside.submit(by=Person.objects.get(pk=inside.requester.pk))
    actions.start_work(ticket, by=inside.agent, expected_minutes=5)
    assert '<html lang="lv">' in letters("started")[0].html


def test_a_notice_is_in_its_readers_language(inside: Desk) -> None:
    """The sentence that the letter begins with, in the same words."""
    Person.objects.filter(pk=inside.requester.pk).update(language="lv")
    inside.submit(by=Person.objects.get(pk=inside.requester.pk))
    notice = Notice.objects.get(kind="ticket.submitted")
    assert notice.text in letters("submitted")[0].text


@pytest.mark.parametrize("language", [code for code, _name in settings.LANGUAGES])
def test_a_letter_has_words_days_and_money_of_each_language(inside: Desk, language: str) -> None:
    Person.objects.filter(pk=inside.requester.pk).update(language=language)
    inside.estimated(inside.submit(by=Person.objects.get(pk=inside.requester.pk)))
    letter = letters("estimate_announced")[0]
    with translation.override(language):
        money, day = f"{number_format(Decimal('350.90'), 2)} EUR", date_format(in_days(14), "DATE_FORMAT")
    lead = Notice.objects.get(kind="ticket.estimate_announced").text
    assert [part in letter.text for part in (money, day, lead)] == [True] * 3
    assert (f'<html lang="{language}">' in letter.html, " has an estimate" in lead) == (True, language == "en")


def test_a_notice_announces_and_does_not_end_in_a_colon(inside: Desk) -> None:
    actions.comment(inside.submit(), by=inside.agent, text="Hello")
    notice = Notice.objects.get(kind="ticket.commented")
    assert notice.text == "Agnes Agent wrote on DESK-1 “The printer prints nothing”"


def test_what_somebody_wrote_stands_in_their_letter_and_not_in_the_notice(inside: Desk) -> None:
    actions.comment(inside.submit(), by=inside.agent, text="Turn it on.")
    (letter,) = letters("commented")
    notice = Notice.objects.get(kind="ticket.commented")
    assert ("Turn it on." in letter.text, "Turn it on." in notice.text) == (True, False)


def test_a_notice_is_one_line(inside: Desk) -> None:
    inside.submit(subject="Two\nlines\u2028or three")
    assert "\n" not in Notice.objects.get(kind="ticket.new").text
    assert Notice.objects.get(kind="ticket.new").text.isprintable()


def test_the_letter_of_an_unproved_request_repeats_no_words_of_it(inside: Desk) -> None:
    stranger = Person.objects.create(name="Someone", email="someone@else.example")
    actions.submit_by_mail(requester=stranger, subject="Buy cheap pills", description="", request_type=None)
    (letter,) = letters("submitted")
    assert "pills" not in Notice.objects.get(kind="ticket.submitted").text + letter.text.replace(letter.subject, "")


# ---- who cannot be reached by e-mail ----


def phone_only(desk: Desk) -> Ticket:
    caller = Person.objects.create(name="Phyllis Phone", phone="+37160000000")
    return desk.submit(by=desk.agent, requester=caller)


def test_who_has_no_address_still_has_the_notice(inside: Desk) -> None:
    ticket = phone_only(inside)
    actions.start_work(ticket, by=inside.agent, expected_minutes=5)
    assert (told("started"), letters("started")) == ({ticket.requester}, [])


def test_without_an_address_there_is_no_letter_to_nobody(inside: Desk) -> None:
    phone_only(inside)
    assert not OutboxMessage.objects.filter(to_address="").exists()


def test_who_left_hears_nothing(inside: Desk) -> None:
    ticket = inside.submit()
    Person.objects.filter(pk=inside.requester.pk).update(is_active=False)
    actions.comment(ticket, by=inside.agent, text="Hello")
    assert told("commented") == set()


def test_where_nobody_is_responsible_the_managers_hear_it(inside: Desk) -> None:
    ticket = inside.submit()
    Ticket.objects.update(assignee=None)
    actions.comment(ticket, by=inside.requester, text="Hello?")
    assert told("commented") == {inside.manager}
