"""Whose word for a sender counts, and what follows from it: a From line alone is a claim (B5, B14)."""

import pytest

from accounts.models import OrganisationDomain, Person, Representation, Tenant
from conftest import Desk, Visit
from tickets.mail.addresses import reply_address
from tickets.models import Comment, Ticket
from tickets.models.incoming import Source
from tickets.tests.letters import PASSED, RELAY, letter, mailbox, on_top, receive, ticket_of
from tickets.workflow import Status


@pytest.fixture
def relayed(inside: Desk) -> Desk:
    """The desk, whose mailbox stands behind a relay that checks senders."""
    mailbox(relay=RELAY)
    return inside


def is_believed(desk: Desk, *results: str, sender: str = "") -> bool:
    """Whether a new mail of the requester's with these fields, the topmost first, counts as theirs."""
    fields = [f"Authentication-Results: {result}" for result in results]
    return ticket_of(receive(on_top(letter(sender or desk.requester.email), *fields))).is_verified


# ---- what proves ----


@pytest.mark.parametrize(
    "result",
    [
        "dmarc=pass header.from=alpha.example",
        "dmarc=pass",
        "DMARC=Pass (p=reject dis=none) header.From=Alpha.Example",
        "dkim=pass header.d=alpha.example",
        "dkim=pass header.i=@alpha.example header.s=one",
        'dkim=pass (2048-bit key; unprotected) header.d=alpha.example header.b="aB+/="',
        "spf=pass smtp.mailfrom=requester@alpha.example",
        "spf=pass (domain of (nobody) permits) smtp.mailfrom=alpha.example",
        "spf=fail smtp.mailfrom=alpha.example; dkim=pass header.d=alpha.example",
    ],
)
def test_the_relays_word_proves_the_sender(relayed: Desk, result: str) -> None:
    assert is_believed(relayed, f"{RELAY}; {result}")


def test_the_relays_name_is_read_without_case_and_comments(relayed: Desk) -> None:
    assert is_believed(relayed, "(checked) MX.Alpha.Example 1; dmarc=pass header.from=alpha.example")


def test_what_other_hosts_say_above_the_relay_changes_nothing(relayed: Desk) -> None:
    assert is_believed(relayed, "far.example; dmarc=fail header.from=alpha.example", PASSED)


# ---- what does not ----


@pytest.mark.parametrize(
    "result",
    [
        "dmarc=fail header.from=alpha.example",
        "dmarc=none header.from=alpha.example",
        "dmarc=passed header.from=alpha.example",
        "dmarc=pass header.from=evil.example",
        "dkim=none header.d=alpha.example",
        "dkim=pass header.d=evil.example",
        "dkim=pass header.d=sub.alpha.example",
        "dkim=pass header.d=example",
        "dkim=pass",
        "spf=softfail smtp.mailfrom=alpha.example",
        "spf=neutral smtp.mailfrom=alpha.example",
        "spf=pass smtp.mailfrom=evil.example",
        "spf=pass smtp.helo=alpha.example",
        "auth=pass smtp.auth=requester@alpha.example",
        "iprev=pass policy.iprev=192.0.2.1",
        "none",
        "",
    ],
)
def test_anything_less_proves_nothing(relayed: Desk, result: str) -> None:
    assert not is_believed(relayed, f"{RELAY}; {result}")


@pytest.mark.parametrize(
    "field",
    [
        "far.example; dmarc=pass header.from=alpha.example",
        f"({RELAY}) far.example; dmarc=pass header.from=alpha.example",
        f"far.example ({RELAY}); dmarc=pass header.from=alpha.example",
        f"far.example; {RELAY}; dmarc=pass header.from=alpha.example",
        f"{RELAY}.far.example; dmarc=pass header.from=alpha.example",
        f'"{RELAY}"; dmarc=pass header.from=alpha.example',
        "dmarc=pass header.from=alpha.example",
    ],
)
def test_another_hosts_word_proves_nothing(relayed: Desk, field: str) -> None:
    assert not is_believed(relayed, field)


def test_a_result_inside_a_comment_proves_nothing(relayed: Desk) -> None:
    assert not is_believed(relayed, f"{RELAY}; none (; dmarc=pass header.from=alpha.example;)")


def test_a_lower_field_in_the_relays_name_proves_nothing(relayed: Desk) -> None:
    assert not is_believed(relayed, f"{RELAY}; dmarc=fail header.from=alpha.example", PASSED)


def test_a_lower_field_proves_nothing_when_the_relays_own_cannot_be_read(relayed: Desk) -> None:
    assert not is_believed(relayed, f'{RELAY}; spf=pass (of "x) smtp.mailfrom=a', PASSED)


def test_without_a_relay_nobodys_word_counts(inside: Desk) -> None:
    assert not is_believed(inside, PASSED)


def test_the_relay_of_another_mailbox_vouches_for_nothing(relayed: Desk) -> None:
    other = mailbox("sales@alpha.localhost")
    message = on_top(letter(relayed.requester.email), f"Authentication-Results: {PASSED}")
    assert not ticket_of(receive(message, box=other)).is_verified


# What a sender chooses – the envelope's address – is repeated in the relay's field.
@pytest.mark.parametrize(
    "said",
    [
        'spf=pass smtp.mailfrom="a; dmarc=pass b"@evil.example',
        'spf=pass smtp.mailfrom="x@alpha.example"@evil.example',
        'spf=pass smtp.mailfrom="\\"; dmarc=pass ; x=\\""@evil.example',
        'spf=pass (domain of "a); dmarc=pass ("@evil.example permits) smtp.mailfrom=evil.example',
        "spf=pass smtp.mailfrom=evil.example; dmarc=pass (",
    ],
)
def test_the_senders_own_words_in_the_relays_field_prove_nothing(relayed: Desk, said: str) -> None:
    assert not is_believed(relayed, f"{RELAY}; {said}")


# ---- what it changes ----


def answered(desk: Desk, ticket: Ticket, *fields: str) -> Comment:
    receive(on_top(letter(desk.requester.email, subject=f"Re: {ticket.reference}"), *fields))
    comment: Comment = Comment.objects.filter(ticket=ticket).latest("id")
    return comment


def test_b14_a_vouched_comment_gives_the_ticket_back(relayed: Desk) -> None:
    ticket = relayed.delivered()
    answered(relayed, ticket, f"Authentication-Results: {PASSED}")
    assert Ticket.objects.get(pk=ticket.pk).status == Status.REOPENED


def test_b14_a_comment_that_nobody_vouches_for_changes_no_state(relayed: Desk) -> None:
    ticket = relayed.delivered()
    comment = answered(relayed, ticket)
    assert (comment.is_verified, Ticket.objects.get(pk=ticket.pk).status) == (False, Status.WAITING)


def test_a_relays_word_gives_no_right_on_anothers_ticket(relayed: Desk) -> None:
    ticket = relayed.submit()
    message = letter(relayed.stranger.email, subject=f"Re: {ticket.reference}")
    receive(on_top(message, f"Authentication-Results: {PASSED}"))
    assert not Comment.objects.filter(ticket=ticket).exists()


# ---- somebody new: when an address counts as proved ----


def test_a_vouched_new_sender_is_proved(relayed: Desk) -> None:
    is_believed(relayed, PASSED, sender="nora@alpha.example")
    assert Person.objects.get(email="nora@alpha.example").is_verified


def test_a_signed_answer_proves_a_new_sender(inside: Desk) -> None:
    ticket = ticket_of(receive(letter("nora@new.example")))
    receive(letter("nora@new.example"), reply_address(ticket, ticket.requester))
    assert Person.objects.get(email="nora@new.example").is_verified


def test_an_answer_by_its_reference_proves_nobody(inside: Desk) -> None:
    ticket = ticket_of(receive(letter("nora@new.example")))
    receive(letter("nora@new.example", subject=f"Re: {ticket.reference}"))
    assert not Person.objects.get(email="nora@new.example").is_verified


# ---- whose ticket it is ----


def test_of_several_organisations_none_is_chosen(inside: Desk) -> None:
    Representation.objects.create(person=inside.requester, organisation=inside.other_organisation)
    assert ticket_of(receive(letter(inside.requester.email))).organisation is None


def test_the_agents_page_says_that_they_write_for_several(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        Representation.objects.create(person=desk.requester, organisation=desk.other_organisation)
        ticket = ticket_of(receive(letter(desk.requester.email)))
    page = visit(desk, desk.agent).get(f"/admin/tickets/ticket/{ticket.pk}/change/")
    assert "They represent several organisations: choose one below." in page.content.decode()


# ---- membership by domain ----


@pytest.fixture
def member_domain(relayed: Desk) -> Desk:
    """The desk makes whoever proves an address of alpha.example a member of the organisation."""
    Tenant.objects.update(domain_membership=True)
    OrganisationDomain.objects.create(organisation=relayed.organisation, domain="alpha.example")
    return relayed


def organisations_of(address: str) -> list[int]:
    return Person.objects.get(email=address).organisation_ids


def test_a_vouched_new_sender_joins_by_domain(member_domain: Desk) -> None:
    is_believed(member_domain, PASSED, sender="nora@alpha.example")
    assert organisations_of("nora@alpha.example") == [member_domain.organisation.pk]


def test_who_joined_by_domain_has_a_ticket_of_the_organisation(member_domain: Desk) -> None:
    done = receive(on_top(letter("nora@alpha.example"), f"Authentication-Results: {PASSED}"))
    assert ticket_of(done).organisation == member_domain.organisation


def test_who_joins_by_domain_may_ask_and_nothing_else(member_domain: Desk) -> None:
    is_believed(member_domain, PASSED, sender="nora@alpha.example")
    row = Representation.objects.get(person__email="nora@alpha.example")
    assert (row.may_ask, row.may_approve, row.may_see_invoices, row.is_head) == (True, False, False, False)


def test_the_first_signed_answer_joins_by_domain(member_domain: Desk) -> None:
    ticket = ticket_of(receive(letter("nora@alpha.example")))
    receive(letter("nora@alpha.example"), reply_address(ticket, ticket.requester))
    assert organisations_of("nora@alpha.example") == [member_domain.organisation.pk]


def test_the_first_signed_answer_gives_the_ticket_its_organisation(member_domain: Desk) -> None:
    done = receive(letter("nora@alpha.example"))
    receive(letter("nora@alpha.example"), reply_address(ticket_of(done), ticket_of(done).requester))
    assert ticket_of(done).organisation == member_domain.organisation


def test_nobody_joins_before_their_address_is_proved(member_domain: Desk) -> None:
    done = receive(letter("nora@alpha.example"))
    assert (organisations_of("nora@alpha.example"), ticket_of(done).organisation) == ([], None)


def test_nobody_joins_where_the_desk_does_not_allow_it(member_domain: Desk) -> None:
    Tenant.objects.update(domain_membership=False)
    is_believed(member_domain, PASSED, sender="nora@alpha.example")
    assert organisations_of("nora@alpha.example") == []


def test_nobody_joins_an_organisation_that_is_not_active(member_domain: Desk) -> None:
    type(member_domain.organisation).objects.filter(pk=member_domain.organisation.pk).update(is_active=False)
    is_believed(member_domain, PASSED, sender="nora@alpha.example")
    assert organisations_of("nora@alpha.example") == []


def test_nobody_joins_by_the_end_of_another_domain(member_domain: Desk) -> None:
    OrganisationDomain.objects.update(domain="pha.example")
    is_believed(member_domain, PASSED, sender="nora@alpha.example")
    assert organisations_of("nora@alpha.example") == []


def test_staff_never_join_by_domain(member_domain: Desk) -> None:
    Person.objects.filter(pk=member_domain.agent.pk).update(is_verified=False)
    is_believed(member_domain, PASSED, sender=member_domain.agent.email)
    assert organisations_of(member_domain.agent.email) == []


def test_who_represents_another_organisation_does_not_join(member_domain: Desk) -> None:
    Person.objects.filter(pk=member_domain.stranger.pk).update(is_verified=False)
    is_believed(member_domain, PASSED, sender=member_domain.stranger.email)
    assert organisations_of(member_domain.stranger.email) == [member_domain.other_organisation.pk]


# ---- mail in the desk's own name ----


def by_form(desk: Desk, *visitors: str, **headers: str) -> bytes:
    """What a web form sends: from the desk's own address, the visitor in Reply-To."""
    message = letter(desk.tenant.support_email, Reply_To=", ".join(visitors), **headers)
    return on_top(message, f"Authentication-Results: {PASSED}")


def test_b5_a_web_forms_visitor_is_the_requester(inside: Desk) -> None:
    done = receive(by_form(inside, "nora@new.example"))
    assert ticket_of(done).requester.email == "nora@new.example"


def test_a_web_forms_visitor_is_not_proved(inside: Desk) -> None:
    done = receive(by_form(inside, inside.requester.email))
    assert (ticket_of(done).requester, ticket_of(done).is_verified) == (inside.requester, False)


@pytest.mark.parametrize(
    "result", ["dmarc=pass", "dmarc=pass header.from=alpha.example", "spf=pass smtp.mailfrom=alpha.example"]
)
def test_a_relays_word_for_the_desk_is_none_for_the_forms_visitor(relayed: Desk, result: str) -> None:
    message = letter(relayed.tenant.support_email, Reply_To=relayed.requester.email)
    done = receive(on_top(message, f"Authentication-Results: {RELAY}; {result}"))
    assert not ticket_of(done).is_verified


def test_a_web_form_writes_on_no_ticket_by_what_it_answers(inside: Desk) -> None:
    first = receive(letter(inside.requester.email, message_id="<first@alpha.example>"))
    done = receive(by_form(inside, inside.requester.email, In_Reply_To="<first@alpha.example>"))
    assert done.ticket != first.ticket


@pytest.mark.parametrize("visitors", [(), ("a@new.example", "b@new.example"), ("support@alpha.localhost",)])
def test_mail_of_the_desks_own_with_no_single_visitor_is_no_ticket(inside: Desk, visitors: tuple[str, ...]) -> None:
    done = receive(by_form(inside, *visitors) if visitors else letter(inside.tenant.support_email))
    assert (done.automatic, done.state, Ticket.objects.count()) == ("own", "automatic", 0)


def test_mail_from_our_reply_address_is_our_own(inside: Desk) -> None:
    done = receive(letter(reply_address(inside.submit(), inside.requester)))
    assert (done.automatic, done.ticket) == ("own", None)


def test_mail_from_another_mailbox_of_the_desk_is_our_own(inside: Desk) -> None:
    mailbox("sales@alpha.localhost")
    assert receive(letter("sales@alpha.localhost")).automatic == "own"


def test_reply_to_of_anybody_else_is_not_read(inside: Desk) -> None:
    done = receive(letter("nora@new.example", Reply_To=inside.requester.email))
    assert ticket_of(done).requester.email == "nora@new.example"


def test_another_desks_address_is_a_stranger_here(inside: Desk, rival: Desk) -> None:
    done = receive(letter(rival.tenant.support_email), source=Source.IMAP)
    assert ticket_of(done).requester.email == rival.tenant.support_email
