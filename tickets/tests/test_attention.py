"""Muting a ticket and following one, and what the desk sees of the e-mails about it (A9)."""

from collections.abc import Callable
from email.message import EmailMessage
from io import BytesIO

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.errors import Refused
from accounts.models import Person, Representation
from conftest import Desk, Visit, written
from notifications.models import Notice, OutboxMessage, OutboxState
from tickets import actions
from tickets.mail.intake import process
from tickets.mail.keeping import keep
from tickets.models import Attention, IncomingMessage, Mailbox, Participant, Ticket
from tickets.models.incoming import IncomingState
from tickets.tests.steps import next_tick

FOLLOWED, MUTED = "followed", "muted"


def heard(kind: str) -> set[str]:
    """Who has a notice of it; that the same people get a letter is a fact of its own."""
    return set(Notice.objects.filter(kind=f"ticket.{kind}").values_list("person__name", flat=True))


def written_to(kind: str) -> set[str]:
    return set(OutboxMessage.objects.filter(kind=f"ticket.{kind}").values_list("to_person__name", flat=True))


RITA, COLIN, AGNES, MARY = "Rita Requester", "Colin Colleague", "Agnes Agent", "Mary Manager"


@pytest.fixture
def ticket(inside: Desk) -> Ticket:
    return inside.submit()


# ---- muting ----


@pytest.fixture
def muted(inside: Desk, ticket: Ticket) -> Ticket:
    """By its requester and its assignee."""
    for person in (inside.requester, inside.agent):
        actions.attend(ticket, by=person, choice=MUTED)
    return ticket


@pytest.mark.parametrize("told", [heard, written_to])
def test_who_muted_it_hears_no_news(inside: Desk, muted: Ticket, told: Callable[[str], set[str]]) -> None:
    actions.comment(muted, by=inside.manager, text="Hello")
    assert told("commented") == set()


@pytest.mark.parametrize("told", [heard, written_to])
def test_the_others_hear_it(inside: Desk, ticket: Ticket, told: Callable[[str], set[str]]) -> None:
    actions.attend(ticket, by=inside.agent, choice=MUTED)
    actions.comment(ticket, by=inside.manager, text="Hello")
    assert told("commented") == {RITA}


def question(desk: Desk, ticket: Ticket) -> None:
    actions.request_information(ticket, by=desk.agent, text="Which printer?")


def question_again(desk: Desk, ticket: Ticket) -> None:
    question(desk, ticket)
    next_tick(desk, ticket)


def solution(desk: Desk, ticket: Ticket) -> None:
    actions.start_work(ticket, by=desk.agent, expected_minutes=20)
    actions.deliver(ticket, by=desk.agent, text="It prints again.")


def solution_again(desk: Desk, ticket: Ticket) -> None:
    solution(desk, ticket)
    next_tick(desk, ticket)


NEEDS_READER = {
    "information_requested": question,
    "information_reminder": question_again,
    "delivered": solution,
    "review_reminder": solution_again,
}


@pytest.mark.parametrize("kind", NEEDS_READER)
@pytest.mark.parametrize("told", [heard, written_to])
def test_what_needs_them_still_comes(inside: Desk, muted: Ticket, told: Callable[[str], set[str]], kind: str) -> None:
    NEEDS_READER[kind](inside, muted)
    assert told(kind) == {RITA}


def test_an_estimate_to_decide_still_comes(inside: Desk, ticket: Ticket) -> None:
    actions.attend(ticket, by=inside.approver, choice=MUTED)
    inside.estimated(ticket)
    assert heard("estimate_sent") == {COLIN}


def test_muting_one_request_mutes_no_other(inside: Desk, muted: Ticket) -> None:
    actions.comment(inside.submit(), by=inside.agent, text="Hello")
    assert heard("commented") == {RITA}


def test_a_request_that_is_muted_no_more_is_heard_of(inside: Desk, muted: Ticket) -> None:
    actions.attend(muted, by=inside.requester, choice="")
    actions.comment(muted, by=inside.manager, text="Hello")
    assert heard("commented") == {RITA}


# ---- following ----


def test_a_colleague_of_the_organisation_hears_nothing_by_themselves(inside: Desk, ticket: Ticket) -> None:
    actions.comment(ticket, by=inside.agent, text="Hello")
    assert heard("commented") == {RITA}


@pytest.mark.parametrize("told", [heard, written_to])
def test_a_colleague_who_follows_hears_of_public_news(
    inside: Desk, ticket: Ticket, told: Callable[[str], set[str]]
) -> None:
    actions.attend(ticket, by=inside.colleague, choice=FOLLOWED)
    actions.comment(ticket, by=inside.agent, text="Hello")
    assert told("commented") == {RITA, COLIN}


def test_a_colleague_who_follows_hears_of_no_note(inside: Desk, ticket: Ticket) -> None:
    actions.attend(ticket, by=inside.colleague, choice=FOLLOWED)
    actions.comment(ticket, by=inside.manager, text="Careful", is_internal=True)
    assert heard("commented") == {AGNES}


@pytest.mark.parametrize("kind", ["assigned", "silence_unheard"])
def test_a_colleague_who_follows_hears_of_nothing_among_staff(inside: Desk, ticket: Ticket, kind: str) -> None:
    actions.attend(ticket, by=inside.colleague, choice=FOLLOWED)
    if kind == "assigned":
        actions.assign(ticket, by=inside.agent, to=inside.manager)
    else:
        question_again(inside, ticket)
        next_tick(inside, ticket)
        OutboxMessage.objects.all().delete()
        next_tick(inside, ticket)
    assert (len(heard(kind)), COLIN in heard(kind)) == (1, False)


def test_a_colleague_who_follows_gets_no_link_to_decide(inside: Desk, ticket: Ticket) -> None:
    clerk = inside.clerk()
    actions.attend(ticket, by=clerk, choice=FOLLOWED)
    inside.estimated(ticket)
    row = written(OutboxMessage.objects.get(to_person=clerk))
    assert (row.kind, "/decide/" in row.text + row.html) == ("ticket.estimate_announced", False)


def test_a_solution_is_told_them_without_a_link_to_decide(inside: Desk, ticket: Ticket) -> None:
    actions.attend(ticket, by=inside.colleague, choice=FOLLOWED)
    solution(inside, ticket)
    row = written(OutboxMessage.objects.filter(to_person=inside.colleague).latest("id"))
    assert (row.kind, "/decide/" in row.text + row.html) == ("ticket.delivered_to_guests", False)


@pytest.mark.parametrize("is_internal", [True, False])
def test_an_agent_who_follows_hears_of_notes_too(inside: Desk, ticket: Ticket, is_internal: bool) -> None:
    specialist = inside.specialist()
    actions.attend(ticket, by=specialist, choice=FOLLOWED)
    actions.comment(ticket, by=inside.manager, text="Careful", is_internal=is_internal)
    assert specialist.name in heard("commented")


def test_who_acted_hears_nothing(inside: Desk, ticket: Ticket) -> None:
    actions.attend(ticket, by=inside.colleague, choice=FOLLOWED)
    actions.comment(ticket, by=inside.colleague, text="Hello")
    assert COLIN not in heard("commented")


def test_who_is_told_anyway_and_follows_hears_it_once(inside: Desk, ticket: Ticket) -> None:
    actions.attend(ticket, by=inside.requester, choice=FOLLOWED)
    actions.comment(ticket, by=inside.agent, text="Hello")
    assert Notice.objects.filter(kind="ticket.commented", person=inside.requester).count() == 1


def test_what_is_written_to_a_follower_is_in_their_language(inside: Desk, ticket: Ticket) -> None:
    inside.colleague.language = "lv"
    inside.colleague.save()
    actions.attend(ticket, by=inside.colleague, choice=FOLLOWED)
    actions.comment(ticket, by=inside.agent, text="Hello")
    row = OutboxMessage.objects.get(kind="ticket.commented", to_person=inside.colleague)
    assert '<html lang="lv">' in written(row).html


# ---- rights that ended since ----


def left_the_organisation(desk: Desk) -> None:
    Representation.objects.filter(person=desk.colleague).delete()


def left_the_product(desk: Desk) -> None:
    Person.objects.filter(pk=desk.colleague.pk).update(is_active=False)


@pytest.mark.parametrize("leave", [left_the_organisation, left_the_product])
@pytest.mark.parametrize("told", [heard, written_to])
def test_who_lost_the_right_hears_nothing(
    inside: Desk, ticket: Ticket, told: Callable[[str], set[str]], leave: Callable[[Desk], None]
) -> None:
    actions.attend(ticket, by=inside.colleague, choice=FOLLOWED)
    leave(inside)
    actions.comment(ticket, by=inside.agent, text="Hello")
    assert told("commented") == {RITA}


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_manager": False}])
def test_staff_who_left_hear_nothing(inside: Desk, ticket: Ticket, change: dict[str, bool]) -> None:
    actions.attend(ticket, by=inside.manager, choice=FOLLOWED)
    Person.objects.filter(pk=inside.manager.pk).update(**change)
    actions.comment(ticket, by=inside.agent, text="Hello")
    assert heard("commented") == {RITA}


def test_a_guest_who_was_removed_hears_nothing(inside: Desk, ticket: Ticket) -> None:
    guest = inside.guest(ticket)
    actions.attend(ticket, by=guest, choice=FOLLOWED)
    Participant.objects.filter(person=guest).delete()
    actions.comment(Ticket.objects.get(pk=ticket.pk), by=inside.agent, text="Hello")
    assert heard("commented") == {RITA}


# ---- what it costs ----


def cost(desk: Desk, ticket: Ticket) -> int:
    with CaptureQueriesContext(connection) as queries:
        actions.comment(ticket, by=desk.agent, text="Hello")
    return len(queries)


def test_staff_who_follow_cost_no_query_each(inside: Desk, ticket: Ticket) -> None:
    actions.attend(ticket, by=inside.manager, choice=FOLLOWED)
    with_one = cost(inside, ticket)
    for number in range(5):
        actions.attend(ticket, by=inside.joins(f"Agent{number} Smith", is_agent=True), choice=FOLLOWED)
    assert (cost(inside, ticket), len(heard("commented"))) == (with_one, 7)


# ---- the buttons ----


def pages(ticket: Ticket) -> dict[str, tuple[str, str]]:
    """Where staff and customers read it, and where the button's form goes."""
    portal, desk = f"/requests/{ticket.reference}/", f"/admin/tickets/ticket/{ticket.pk}/"
    return {"portal": (portal, f"{portal}attention/"), "desk": (f"{desk}change/", f"{desk}attention/")}


@pytest.fixture
def filed(desk: Desk) -> Ticket:
    with desk.entered():
        return desk.submit()


def choice_of(desk: Desk, person: Person) -> str:
    with desk.entered():
        row = Attention.objects.filter(person=person).first()
        return row.choice if row else ""


def said(page: str) -> list[str]:
    sentences = (
        "You are told what happens here.",
        "You follow this and are told what happens here.",
        "Muted: you are told only what waits for your answer.",
        "You are not told what happens here.",
    )
    return [sentence for sentence in sentences if sentence in page]


def pressed(browser: Client, page: str, form: str) -> str:
    """Press the one button that the page offers; what the page says then."""
    answer = browser.post(form, {"choice": browser.get(page).context["attention"].change}, follow=True)
    (sentence,) = said(answer.content.decode())
    return sentence


WHO = [
    ("portal", "requester", "Muted: you are told only what waits for your answer.", MUTED),
    ("portal", "colleague", "You follow this and are told what happens here.", FOLLOWED),
    ("desk", "agent", "Muted: you are told only what waits for your answer.", MUTED),
    ("desk", "manager", "You follow this and are told what happens here.", FOLLOWED),
    ("desk", "accountant", "You follow this and are told what happens here.", FOLLOWED),
]
everybody = pytest.mark.parametrize(("side", "role", "sentence", "choice"), WHO)


@everybody
def test_the_button_changes_it(
    desk: Desk, visit: Visit, filed: Ticket, side: str, role: str, sentence: str, choice: str
) -> None:
    person = getattr(desk, role)
    assert pressed(visit(desk, person), *pages(filed)[side]) == sentence
    assert choice_of(desk, person) == choice


@everybody
def test_pressed_twice_it_is_as_before(
    desk: Desk, visit: Visit, filed: Ticket, side: str, role: str, sentence: str, choice: str
) -> None:
    browser, (page, form) = visit(desk, getattr(desk, role)), pages(filed)[side]
    before = said(browser.get(page).content.decode())
    pressed(browser, page, form)
    assert ([pressed(browser, page, form)], choice_of(desk, getattr(desk, role))) == (before, "")


@pytest.mark.parametrize(("side", "role"), [("portal", "requester"), ("desk", "agent")])
def test_an_address_alone_changes_nothing(desk: Desk, visit: Visit, filed: Ticket, side: str, role: str) -> None:
    person = getattr(desk, role)
    answer = visit(desk, person).get(pages(filed)[side][1], {"choice": MUTED})
    assert (answer.status_code, choice_of(desk, person)) == (405, "")


@pytest.mark.parametrize(("side", "role"), [("portal", "requester"), ("desk", "agent")])
def test_the_button_needs_the_pages_token(desk: Desk, filed: Ticket, side: str, role: str) -> None:
    person = getattr(desk, role)
    browser = Client(headers={"host": desk.host}, enforce_csrf_checks=True)
    with desk.entered():
        browser.force_login(person.user)
    answer = browser.post(pages(filed)[side][1], {"choice": MUTED})
    assert (answer.status_code, choice_of(desk, person)) == (403, "")


@pytest.mark.parametrize("side", ["portal", "desk"])
def test_to_a_stranger_there_is_no_such_request(desk: Desk, visit: Visit, filed: Ticket, side: str) -> None:
    answer = visit(desk, desk.stranger).post(pages(filed)[side][1], {"choice": FOLLOWED})
    assert (answer.status_code, choice_of(desk, desk.stranger)) == (404, "")


@pytest.mark.parametrize(("side", "role"), [("portal", "requester"), ("desk", "manager")])
def test_to_an_outsider_there_is_no_such_request(
    desk: Desk, rival: Desk, visit: Visit, filed: Ticket, side: str, role: str
) -> None:
    outsider = getattr(rival, role)
    answer = visit(rival, outsider).post(pages(filed)[side][1], {"choice": FOLLOWED})
    assert (answer.status_code, choice_of(rival, outsider)) == (404, "")


def test_a_customer_does_not_come_in_by_the_desks_door(desk: Desk, visit: Visit, filed: Ticket) -> None:
    assert visit(desk, desk.requester).post(pages(filed)["desk"][1], {"choice": MUTED}).status_code == 404


@pytest.mark.parametrize("choice", ["loud", "FOLLOWED", "\0", "x" * 300])
def test_no_other_choice_is_taken(desk: Desk, visit: Visit, filed: Ticket, choice: str) -> None:
    visit(desk, desk.requester).post(pages(filed)["portal"][1], {"choice": choice})
    assert choice_of(desk, desk.requester) == ""


def test_it_is_ones_own_choice(desk: Desk, visit: Visit, filed: Ticket) -> None:
    visit(desk, desk.manager).post(pages(filed)["desk"][1], {"choice": MUTED, "person": desk.requester.pk})
    assert (choice_of(desk, desk.requester), choice_of(desk, desk.manager)) == ("", MUTED)


def test_who_may_not_see_it_may_not_follow_it(inside: Desk, ticket: Ticket) -> None:
    with pytest.raises(Refused):
        actions.attend(ticket, by=inside.stranger, choice=FOLLOWED)


# ---- the desk sees the e-mails ----


def mails(desk: Desk, visit: Visit, ticket: Ticket, role: str = "agent") -> str:
    """That part of the ticket's page."""
    page = visit(desk, getattr(desk, role)).get(pages(ticket)["desk"][0]).content.decode()
    return page.partition('id="mails"')[2].partition("</details>")[0]


@pytest.mark.parametrize(("state", "word"), [("queued", "queued"), ("sent", "sent"), ("failed", "failed")])
def test_a9_the_desk_sees_what_became_of_each_letter(
    desk: Desk, visit: Visit, filed: Ticket, state: str, word: str
) -> None:
    with desk.entered():
        OutboxMessage.objects.filter(to_person=desk.requester).update(state=state)
        OutboxMessage.objects.exclude(to_person=desk.requester).delete()
    shown = " ".join(mails(desk, visit, filed).split())
    assert (RITA in shown, f">{word}<" in shown, "is registered" in shown) == (True, True, True)


@pytest.mark.parametrize("state", [OutboxState.FAILED, OutboxState.BOUNCED])
def test_a9_the_servers_words_stand_with_what_did_not_arrive(
    desk: Desk, visit: Visit, filed: Ticket, state: str
) -> None:
    with desk.entered():
        OutboxMessage.objects.filter(to_person=desk.requester).update(state=state, error="550 <no such user>")
    shown = mails(desk, visit, filed)
    assert (f">{state}<" in shown, "550 &lt;no such user&gt;" in shown) == (True, True)


def test_what_went_along_with_another_letter_is_shown_by_itself(desk: Desk, visit: Visit, filed: Ticket) -> None:
    with desk.entered():
        actions.comment(filed, by=desk.agent, text="First words.")
        actions.comment(filed, by=desk.agent, text="Second words.")
        first, second = OutboxMessage.objects.filter(kind="ticket.commented").order_by("id")
        OutboxMessage.objects.filter(pk__in=[first.pk, second.pk]).update(state=OutboxState.SENT)
        OutboxMessage.objects.filter(pk=second.pk).update(sent_with=first)
    assert mails(desk, visit, filed).count("wrote on DESK-1") == 2


def test_what_was_blanked_is_still_listed(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.delivered()
        OutboxMessage.objects.filter(kind="ticket.delivered").update(state=OutboxState.SENT, said={})
    shown = mails(desk, visit, ticket)
    assert ("[DESK-1] The printer prints nothing" in shown, "/decide/" in shown) == (True, False)


def came(desk: Desk, ticket: Ticket, *, sender: str = "", words: str = "It still prints nothing.") -> IncomingMessage:
    """An e-mail that answers the receipt of a request, of the requester's if not of somebody else's."""
    letter = OutboxMessage.objects.get(kind="ticket.submitted", about_id=ticket.pk)
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender or desk.requester.email, letter.reply_to, "About your message"
    mail["Message-ID"], mail["In-Reply-To"] = "<1@mail.example>", f"<{letter.message_id}>"
    mail.set_content(words)
    box = Mailbox.objects.get()
    row = keep(BytesIO(mail.as_bytes()), mailbox_id=box.pk, envelope_to=letter.reply_to, envelope_from=mail["From"])
    process(row.pk)
    kept: IncomingMessage = IncomingMessage.objects.get(pk=row.pk)
    return kept


def bounced(desk: Desk, ticket: Ticket) -> IncomingMessage:
    OutboxMessage.objects.update(state=OutboxState.SENT)
    return came(desk, ticket, sender="mailer-daemon@mail.example", words="550 5.1.1 <rita>: no such user")


def test_a9_the_desk_sees_mail_that_no_person_wrote(desk: Desk, visit: Visit, filed: Ticket) -> None:
    with desk.entered():
        row = bounced(desk, filed)
    shown = mails(desk, visit, filed)
    found = [
        words in shown for words in ("About your message", "mailer-daemon@mail.example", "automatic, not answered")
    ]
    assert (row.state, found) == (IncomingState.AUTOMATIC, [True, True, True])


def test_a9_the_letter_that_it_returns_is_marked(desk: Desk, visit: Visit, filed: Ticket) -> None:
    with desk.entered():
        bounced(desk, filed)
    shown = mails(desk, visit, filed)
    assert (">bounced<" in shown, "550 5.1.1 &lt;rita&gt;: no such user" in shown) == (True, True)


def test_what_a_person_wrote_bears_no_such_mark(desk: Desk, visit: Visit, filed: Ticket) -> None:
    with desk.entered():
        row = came(desk, filed)
    shown = mails(desk, visit, filed)
    assert (row.state, "About your message" in shown, "automatic" in shown) == (IncomingState.COMMENT, True, False)


def test_an_agent_gets_from_there_to_the_message(desk: Desk, visit: Visit, filed: Ticket) -> None:
    with desk.entered():
        row = came(desk, filed)
    link = f'href="/admin/tickets/incomingmessage/{row.pk}/change/"'
    assert [link in mails(desk, visit, filed, role) for role in ("agent", "manager", "accountant")] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize("role", ["agent", "accountant"])
def test_no_mail_of_another_desk_is_there(desk: Desk, rival: Desk, visit: Visit, filed: Ticket, role: str) -> None:
    """Tickets of both desks have the same number."""
    with rival.entered():
        theirs = rival.submit()
        OutboxMessage.objects.update(about_id=filed.pk, error="a rival's words")
    assert theirs.reference == filed.reference
    shown = mails(desk, visit, filed, role)
    assert ("rival's words" in shown, "beta" in shown, RITA in shown) == (False, False, True)


def test_a_customers_page_shows_none_of_it(desk: Desk, visit: Visit, filed: Ticket) -> None:
    page = visit(desk, desk.requester).get(pages(filed)["portal"][0]).content.decode()
    assert 'id="mails"' not in page
