"""Which ticket an e-mail goes on with (B5), who may write there, and what happens to everybody else."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.events import history_of
from accounts.models import Person, Representation, Tenant
from conftest import Desk, Visit, comments_of
from notifications.models import OutboxMessage
from tickets import actions
from tickets.mail.addresses import reply_address
from tickets.models import Comment, RequestType, Ticket
from tickets.models.incoming import IncomingState, Source
from tickets.models.ticket import Channel
from tickets.tests.letters import delivered_letter, letter, mailbox, receive, ticket_of
from tickets.workflow import Status


def ended(desk: Desk, *, days: int, **changes: object) -> Ticket:
    """A ticket of the requester's that was closed so many days ago."""
    ticket = desk.submit(**changes)
    Ticket.objects.filter(pk=ticket.pk).update(status=Status.CLOSED, closed_at=timezone.now() - timedelta(days=days))
    return Ticket.objects.get(pk=ticket.pk)


def about(ticket: Ticket) -> str:
    return f"Re: [{ticket.reference}] printer"


# ---- our signed address, wherever it stands ----


@pytest.mark.parametrize("field", ["Delivered_To", "X_Original_To", "To"])
@pytest.mark.parametrize("source", [Source.IMAP, Source.PIPE])
def test_b5_the_signed_address_in_a_collected_mail_proves_its_sender(inside: Desk, field: str, source: Source) -> None:
    ticket = inside.submit()
    headers = {field: reply_address(ticket, inside.requester)}
    done = receive(letter(inside.requester.email, **headers), source=source)
    assert (done.ticket, Comment.objects.get(ticket=ticket).is_verified) == (ticket, True)


def test_an_address_signed_with_the_key_before_stays_good(inside: Desk, settings: Any) -> None:
    ticket = inside.submit()
    address = reply_address(ticket, inside.requester)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another secret key"
    assert receive(letter(inside.requester.email), to=address).ticket == ticket


def test_an_address_signed_with_a_forgotten_key_leads_nowhere(inside: Desk, settings: Any) -> None:
    ticket = inside.submit()
    address = reply_address(ticket, inside.requester)
    settings.SECRET_KEY = "another secret key"
    assert receive(letter(inside.requester.email), to=address).ticket != ticket


@pytest.mark.parametrize("field", ["Delivered_To", "X_Original_To", "To"])
def test_what_came_by_smtp_is_proved_by_the_envelope_alone(inside: Desk, field: str) -> None:
    ticket = inside.submit()
    headers = {field: reply_address(ticket, inside.requester)}
    done = receive(letter(inside.requester.email, **headers), source=Source.SMTP)
    assert (done.state, comments_of(ticket)) == (IncomingState.TICKET, [])


def test_the_envelope_of_a_collected_mail_proves_its_sender(inside: Desk) -> None:
    ticket = inside.submit()
    receive(letter(inside.requester.email), reply_address(ticket, inside.requester), source=Source.IMAP)
    assert Comment.objects.get(ticket=ticket).is_verified


def test_of_two_signed_addresses_the_senders_own_counts(inside: Desk) -> None:
    ticket = inside.submit()
    both = f"{reply_address(ticket, inside.requester)}, {reply_address(ticket, inside.colleague)}"
    receive(letter(inside.colleague.email, To=both), source=Source.IMAP)
    assert Comment.objects.get(ticket=ticket).is_verified


def test_somebody_elses_signed_address_still_says_which_ticket(inside: Desk) -> None:
    ticket = inside.submit()
    receive(letter(inside.colleague.email), reply_address(ticket, inside.requester))
    comment = Comment.objects.get(ticket=ticket)
    assert (comment.author, comment.is_verified) == (inside.colleague, False)


def test_the_desk_reads_whose_reply_address_a_stranger_had(inside: Desk) -> None:
    ticket = inside.submit()
    done = receive(letter("thief@example.com"), reply_address(ticket, inside.requester))
    assert claims_of(ticket_of(done)) == [ticket.reference]


# ---- what it answers ----


def test_b5_in_reply_to_our_mail_leads_to_its_ticket(inside: Desk) -> None:
    ticket = inside.submit()
    ours = delivered_letter(inside, ticket)
    assert receive(letter(inside.requester.email, In_Reply_To=f"<{ours.message_id}>")).ticket == ticket


def test_b5_references_to_our_mail_lead_to_its_ticket(inside: Desk) -> None:
    ticket = inside.submit()
    ours = delivered_letter(inside, ticket)
    references = f"<{ours.message_id}> <later@example.com>"
    assert receive(letter(inside.requester.email, References=references)).ticket == ticket


@pytest.mark.parametrize("field", ["In_Reply_To", "References"])
def test_an_answer_to_a_mail_that_we_received_leads_to_its_ticket(inside: Desk, field: str) -> None:
    first = receive(letter(inside.requester.email, message_id="<first@alpha.example>"))
    second = receive(letter(inside.colleague.email, **{field: "<first@alpha.example>"}))
    assert (second.state, second.ticket) == (IncomingState.COMMENT, first.ticket)


def test_what_it_answers_goes_before_what_it_only_names(inside: Desk) -> None:
    answered, named = inside.submit(), inside.submit()
    ids = {ticket: f"<{delivered_letter(inside, ticket).message_id}>" for ticket in (answered, named)}
    done = receive(letter(inside.requester.email, In_Reply_To=ids[answered], References=ids[named]))
    assert done.ticket == answered


def test_what_it_answers_goes_before_its_subject(inside: Desk) -> None:
    answered, named = inside.submit(), inside.submit()
    ours = delivered_letter(inside, answered)
    done = receive(letter(inside.requester.email, subject=about(named), In_Reply_To=f"<{ours.message_id}>"))
    assert done.ticket == answered


def test_an_unknown_message_id_leads_nowhere(inside: Desk) -> None:
    inside.submit()
    assert receive(letter(inside.requester.email, In_Reply_To="<else@where.example>")).state == IncomingState.TICKET


def test_a_mail_that_answers_itself_is_a_new_ticket(inside: Desk) -> None:
    done = receive(letter(inside.requester.email, message_id="<me@x.example>", In_Reply_To="<me@x.example>"))
    assert done.state == IncomingState.TICKET


# ---- who may write there ----


def test_b5_a_colleague_may_write(inside: Desk) -> None:
    ticket = inside.submit()
    receive(letter(inside.colleague.email, subject=about(ticket)))
    assert Comment.objects.get(ticket=ticket).author == inside.colleague


def test_a10_a_guest_may_write(inside: Desk) -> None:
    ticket = inside.submit()
    guest = inside.guest(ticket)
    receive(letter(guest.email, subject=about(ticket)))
    assert Comment.objects.get(ticket=ticket).author == guest


def test_a10_a_guest_of_one_ticket_may_not_write_on_another(inside: Desk) -> None:
    invited, other = inside.submit(), inside.submit()
    guest = inside.guest(invited)
    done = receive(letter(guest.email, subject=about(other)))
    assert (done.state, comments_of(other)) == (IncomingState.TICKET, [])


def test_a_reader_of_the_organisation_may_not_write(inside: Desk) -> None:
    ticket = inside.submit()
    done = receive(letter(inside.reader().email, subject=about(ticket)))
    assert (done.state, comments_of(ticket)) == (IncomingState.TICKET, [])


def test_who_has_left_may_not_write(inside: Desk) -> None:
    ticket = inside.submit()
    Person.objects.filter(pk=inside.colleague.pk).update(is_active=False)
    done = receive(letter(inside.colleague.email, subject=about(ticket)))
    assert (done.state, comments_of(ticket)) == (IncomingState.TICKET, [])


def test_somebody_nobody_knows_gets_a_new_ticket(inside: Desk) -> None:
    ticket = inside.submit()
    done = receive(letter("nora@new.example", subject=about(ticket)))
    assert (done.state, done.ticket == ticket) == (IncomingState.TICKET, False)


def test_an_agents_mail_is_a_note(inside: Desk) -> None:
    ticket = inside.submit()
    receive(letter(inside.agent.email, subject=about(ticket)))
    assert Comment.objects.get(ticket=ticket).is_internal


def test_an_agents_note_is_marked_as_an_email(inside: Desk) -> None:
    ticket = inside.submit()
    receive(letter(inside.agent.email), reply_address(ticket, inside.agent))
    assert Comment.objects.get(ticket=ticket).channel == Channel.EMAIL


def test_a_customer_reads_no_agents_mail(inside: Desk) -> None:
    ticket = inside.submit()
    receive(letter(inside.agent.email), reply_address(ticket, inside.agent))
    assert not Comment.objects.visible_to(inside.requester).filter(ticket=ticket).exists()


# ---- what a stranger claims ----


def claims_of(ticket: Ticket) -> list[str]:
    return [event.data["reference"] for event in history_of(ticket).filter(kind="ticket.claims")]


@pytest.mark.parametrize("sender", ["stranger@alpha.example", "nora@new.example"])
def test_a_new_ticket_keeps_which_one_its_mail_named(inside: Desk, sender: str) -> None:
    ticket = inside.submit()
    done = receive(letter(sender, subject=about(ticket)))
    assert claims_of(ticket_of(done)) == [ticket.reference]


def test_a_new_ticket_keeps_which_one_its_mail_answered(inside: Desk) -> None:
    ticket = inside.submit()
    ours = delivered_letter(inside, ticket)
    done = receive(letter("nora@new.example", In_Reply_To=f"<{ours.message_id}>"))
    assert claims_of(ticket_of(done)) == [ticket.reference]


def test_who_names_nothing_claims_nothing(inside: Desk) -> None:
    inside.submit()
    assert claims_of(ticket_of(receive(letter("nora@new.example")))) == []


CLAIM = "on which its sender may not write"


def claimed(desk: Desk) -> Ticket:
    with desk.entered():
        return ticket_of(receive(letter(desk.stranger.email, subject=about(desk.submit()))))


def test_the_desk_reads_the_claim(desk: Desk, visit: Visit) -> None:
    page = visit(desk, desk.agent).get(f"/admin/tickets/ticket/{claimed(desk).pk}/change/")
    assert CLAIM in page.content.decode()


def test_customers_never_read_the_claim(desk: Desk, visit: Visit) -> None:
    page = visit(desk, desk.stranger).get(f"/requests/{claimed(desk).reference}/")
    assert (page.status_code, CLAIM in page.content.decode()) == (200, False)


# ---- closed ----


def test_what_was_closed_lately_gets_a_comment(inside: Desk) -> None:
    ticket = ended(inside, days=1)
    done = receive(letter(inside.requester.email, subject=about(ticket)))
    assert (done.state, done.ticket) == (IncomingState.COMMENT, ticket)


def test_what_was_closed_long_ago_is_followed_by_a_new_ticket(inside: Desk) -> None:
    ticket = ended(inside, days=400)
    done = receive(letter(inside.requester.email, subject=about(ticket)))
    assert (done.state, ticket_of(done).follows) == (IncomingState.TICKET, ticket)


def test_the_desks_period_decides_what_is_long_ago(inside: Desk) -> None:
    Tenant.objects.update(reopen_days=500)
    ticket = ended(inside, days=400)
    assert receive(letter(inside.requester.email, subject=about(ticket))).state == IncomingState.COMMENT


def test_a_signed_answer_to_what_was_closed_long_ago_is_a_new_ticket_that_is_proved(inside: Desk) -> None:
    ticket = ended(inside, days=400)
    done = receive(letter(inside.requester.email), reply_address(ticket, inside.requester))
    assert (ticket_of(done).follows, ticket_of(done).is_verified) == (ticket, True)


def test_a_follower_has_the_old_tickets_type(inside: Desk) -> None:
    kind = RequestType.objects.latest("id")
    done = receive(letter(inside.requester.email, subject=about(ended(inside, days=400, request_type=kind))))
    assert ticket_of(done).request_type == kind


def test_a_follower_has_the_old_tickets_type_whatever_the_mailbox_is_for(inside: Desk) -> None:
    mailbox(request_type=RequestType.objects.earliest("id"))
    kind = RequestType.objects.latest("id")
    done = receive(letter(inside.requester.email, subject=about(ended(inside, days=400, request_type=kind))))
    assert ticket_of(done).request_type == kind


def test_a_follower_is_the_old_tickets_organisations(inside: Desk) -> None:
    Representation.objects.create(person=inside.requester, organisation=inside.other_organisation)
    done = receive(letter(inside.requester.email, subject=about(ended(inside, days=400))))
    assert ticket_of(done).organisation == inside.organisation


def test_who_may_not_ask_for_it_any_more_follows_without_the_organisation(inside: Desk) -> None:
    ticket = ended(inside, days=400)
    Representation.objects.filter(person=inside.requester).update(may_ask=False)
    done = receive(letter(inside.requester.email, subject=about(ticket)))
    assert (ticket_of(done).follows, ticket_of(done).organisation) == (ticket, None)


def test_a_stranger_follows_nothing(inside: Desk) -> None:
    done = receive(letter(inside.stranger.email, subject=about(ended(inside, days=400))))
    assert ticket_of(done).follows is None


# ---- merged ----


def test_what_was_merged_goes_on_in_the_other_ticket(inside: Desk) -> None:
    ticket, other = inside.submit(), inside.submit()
    actions.merge(ticket, by=inside.agent, into=other)
    receive(letter(inside.requester.email, body="And this.", subject=about(ticket)))
    assert (comments_of(ticket), comments_of(other)) == ([], ["And this."])


def test_a_signed_answer_to_what_was_merged_is_proved_in_the_other_ticket(inside: Desk) -> None:
    ticket, other = inside.submit(), inside.submit()
    actions.merge(ticket, by=inside.agent, into=other)
    receive(letter(inside.requester.email), reply_address(ticket, inside.requester))
    assert Comment.objects.get(ticket=other).is_verified


def test_who_may_not_write_on_the_other_ticket_does_not_get_there(inside: Desk) -> None:
    ticket, other = inside.submit(), inside.submit(by=inside.colleague, requester=inside.colleague)
    actions.merge(ticket, by=inside.agent, into=other)
    other.participants.all().delete()
    Representation.objects.filter(person=inside.requester).delete()
    done = receive(letter(inside.requester.email), reply_address(ticket, inside.requester))
    assert (done.ticket.follows, comments_of(other), comments_of(ticket)) == (ticket, [], [])


def test_merged_into_what_ended_long_ago_it_follows_that(inside: Desk) -> None:
    ticket, other = inside.submit(), inside.submit()
    actions.merge(ticket, by=inside.agent, into=other)
    long_ago = timezone.now() - timedelta(days=400)
    Ticket.objects.filter(pk=other.pk).update(status=Status.CLOSED, closed_at=long_ago)
    done = receive(letter(inside.requester.email, subject=about(ticket)))
    assert ticket_of(done).follows == other


# ---- another desk ----


@pytest.fixture
def foreign(desk: Desk, rival: Desk) -> Ticket:
    """Another desk's ticket, about which a letter went out. No ticket here has its reference."""
    with rival.entered():
        for _ in range(3):
            ticket = rival.submit()
    return ticket


def test_another_desks_reference_leads_nowhere(desk: Desk, rival: Desk, foreign: Ticket) -> None:
    with desk.entered():
        done = receive(letter(desk.requester.email, subject=about(foreign)))
        assert (done.state, claims_of(ticket_of(done))) == (IncomingState.TICKET, [])
    with rival.entered():
        assert comments_of(foreign) == []


def test_another_desks_message_id_leads_nowhere(desk: Desk, rival: Desk, foreign: Ticket) -> None:
    with rival.entered():
        ours = OutboxMessage.objects.filter(about_id=foreign.pk).latest("id").message_id
    with desk.entered():
        done = receive(letter(desk.requester.email, In_Reply_To=f"<{ours}>"))
        assert (done.state, claims_of(ticket_of(done))) == (IncomingState.TICKET, [])
    with rival.entered():
        assert comments_of(foreign) == []


def test_another_desks_signed_address_leads_nowhere(desk: Desk, rival: Desk, foreign: Ticket) -> None:
    with rival.entered():
        address = reply_address(foreign, rival.requester)
    with desk.entered():
        assert receive(letter(rival.requester.email), address).state == IncomingState.TICKET
    with rival.entered():
        assert comments_of(foreign) == []


# ---- what letters to others give away ----


def test_letters_to_others_do_not_name_our_letters_to_the_sender(inside: Desk) -> None:
    ticket = inside.submit()
    guest = inside.guest(ticket)
    Person.objects.filter(pk=guest.pk).update(is_verified=True)
    ours = delivered_letter(inside, ticket)
    answer = letter(inside.requester.email, In_Reply_To=f"<{ours.message_id}>", References=f"<{ours.message_id}>")
    receive(answer, reply_address(ticket, inside.requester))
    heard = OutboxMessage.objects.filter(to_person=guest, kind="ticket.commented").latest("id")
    assert ours.message_id not in heard.references
