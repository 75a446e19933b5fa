"""The outbox: written in the causing transaction, delivered once, never given up silently (A9)."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import transaction
from django.utils import timezone

from accounts.hosts import tenant_ids
from conftest import Desk, Visit, written
from notifications import delivery, tasks
from notifications.models import OutboxMessage, OutboxState
from notifications.rendering import one_line
from tickets import actions
from tickets.sentences import last_day_of_period


@pytest.fixture
def message(desk: Desk) -> OutboxMessage:
    with desk.entered():
        desk.submit()
        row: OutboxMessage = OutboxMessage.objects.get(kind="ticket.submitted")
        return row


def fresh(desk: Desk, message: OutboxMessage) -> OutboxMessage:
    with desk.entered():
        row: OutboxMessage = OutboxMessage.objects.get(pk=message.pk)
        return row


def refuse(*args: Any, **kwargs: Any) -> None:
    raise ConnectionRefusedError("no relay")


def test_k16_the_applicant_is_told(message: OutboxMessage, desk: Desk) -> None:
    assert (message.to_address, "DESK-1" in message.subject) == (desk.requester.email, True)


def test_a_rolled_back_verb_sends_nothing(inside: Desk) -> None:
    def fail_after() -> None:
        with transaction.atomic():
            inside.submit()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after()
    assert not OutboxMessage.objects.exists()


def test_a_message_goes_out(message: OutboxMessage, desk: Desk) -> None:
    delivery.deliver(desk.id, message.pk)
    assert fresh(desk, message).state == OutboxState.SENT


def test_a_message_goes_out_once(message: OutboxMessage, desk: Desk) -> None:
    delivery.deliver(desk.id, message.pk)
    delivery.deliver(desk.id, message.pk)
    assert len(mail.outbox) == 1


def test_two_workers_do_not_send_the_same_message(
    message: OutboxMessage, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the first one is at the relay, the second finds the row claimed."""
    second: list[bool] = []
    monkeypatch.setattr(delivery, "_send", lambda mail: second.append(delivery.deliver(desk.id, message.pk)))
    delivery.deliver(desk.id, message.pk)
    assert second == [False]


def test_a_failure_keeps_the_servers_words(message: OutboxMessage, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "_send", refuse)
    delivery.deliver(desk.id, message.pk)
    row = fresh(desk, message)
    assert (row.state, row.error) == (OutboxState.QUEUED, "Nothing answers on this port.")


def test_a_failure_waits_before_the_next_try(
    message: OutboxMessage, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "_send", refuse)
    delivery.deliver(desk.id, message.pk)
    assert fresh(desk, message).next_try_at > timezone.now() + timedelta(seconds=50)


def test_after_the_last_try_it_is_failed_and_visible(
    message: OutboxMessage, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "_send", refuse)
    with desk.entered():
        OutboxMessage.objects.filter(pk=message.pk).update(tries=len(delivery.BACK_OFF))
    delivery.deliver(desk.id, message.pk)
    assert fresh(desk, message).state == OutboxState.FAILED


def test_the_sweep_finds_what_the_broker_lost(message: OutboxMessage, desk: Desk) -> None:
    tasks.sweep_outbox()
    assert fresh(desk, message).state == OutboxState.SENT


def test_the_sweep_takes_up_a_killed_delivery(message: OutboxMessage, desk: Desk) -> None:
    with desk.entered():
        OutboxMessage.objects.filter(pk=message.pk).update(tries=1, next_try_at=timezone.now() - timedelta(seconds=1))
    tasks.sweep_outbox()
    assert fresh(desk, message).state == OutboxState.SENT


def test_only_desks_with_due_mail_are_visited(message: OutboxMessage, desk: Desk, rival: Desk) -> None:
    assert tenant_ids("SELECT tenant_id FROM desk_tenants_with_due_mail()") == [desk.id]


# ---- what stands in it ----


def sent(desk: Desk, message: OutboxMessage) -> Any:
    delivery.deliver(desk.id, message.pk)
    return mail.outbox[-1]


def test_it_says_that_no_machine_should_answer(message: OutboxMessage, desk: Desk) -> None:
    assert sent(desk, message).extra_headers["Auto-Submitted"] == "auto-generated"


def test_its_reply_address_leads_back(message: OutboxMessage, desk: Desk) -> None:
    assert sent(desk, message).reply_to[0].startswith("support+t")


def test_it_comes_from_the_desk(message: OutboxMessage, desk: Desk) -> None:
    assert sent(desk, message).from_email == '"Alpha Desk" <support@alpha.localhost>'


def test_it_has_text_and_html(message: OutboxMessage, desk: Desk) -> None:
    letter = sent(desk, message)
    assert "http://alpha.localhost:8000/requests/DESK-1/" in letter.body
    assert "http://alpha.localhost:8000/requests/DESK-1/" in letter.alternatives[0].content


@pytest.mark.parametrize("words", ["", "One.\n\n\n\nTwo."])
def test_its_text_has_no_holes(inside: Desk, words: str) -> None:
    inside.submit(description=words)
    texts = [written(row).text for row in OutboxMessage.objects.all()]
    assert texts
    assert not [text for text in texts if "\n\n\n" in text]


def test_the_page_promises_no_next_try_of_what_was_sent(message: OutboxMessage, desk: Desk, visit: Visit) -> None:
    agent, tries = visit(desk, desk.agent), []
    for row in (message, message):
        page = agent.get(f"/admin/notifications/outboxmessage/{row.pk}/change/")
        tries.append(page.context["adminform"].model_admin.next_try(fresh(desk, row)))
        sent(desk, row)
    assert (tries[0] is None, tries[1]) == (False, None)


def test_later_mails_continue_the_thread(inside: Desk) -> None:
    ticket = inside.submit()
    first = OutboxMessage.objects.get(kind="ticket.submitted")
    actions.comment(ticket, by=inside.agent, text="Hello")
    assert OutboxMessage.objects.get(kind="ticket.commented").references == [first.message_id]


def test_it_is_in_the_readers_language(inside: Desk) -> None:
    inside.requester.language = "lv"
    inside.requester.save()
    inside.submit()
    html = written(OutboxMessage.objects.get(kind="ticket.submitted")).html
    assert '<html lang="lv">' in html


def test_text_mails_are_not_escaped(inside: Desk) -> None:
    ticket = inside.submit(subject="Bread & butter")
    actions.comment(ticket, by=inside.agent, text="5 < 6")
    row = written(OutboxMessage.objects.get(kind="ticket.commented"))
    assert ("Bread & butter" in row.subject, "5 < 6" in row.text) == (True, True)


def test_html_mails_are_escaped(inside: Desk) -> None:
    ticket = inside.submit(subject="<script>1</script>")
    actions.comment(ticket, by=inside.agent, text="<script>2</script>")
    assert "<script>" not in written(OutboxMessage.objects.get(kind="ticket.commented")).html


@pytest.mark.parametrize("bad", ["a\r\nBcc: x@y.z", "a\nb", "a\x00b", "a\u2028b", "a\x85b"])
def test_no_header_is_injected(bad: str) -> None:
    assert one_line(bad).isprintable()


# ---- who hears ----


def hearers(kind: str) -> set[str]:
    return set(OutboxMessage.objects.filter(kind=f"ticket.{kind}").values_list("to_address", flat=True))


def test_a9_the_customer_hears_of_a_reply(inside: Desk) -> None:
    actions.comment(inside.submit(), by=inside.agent, text="Hello")
    assert hearers("commented") == {inside.requester.email}


def test_a9_the_agent_hears_of_the_customers_words(inside: Desk) -> None:
    actions.comment(inside.submit(), by=inside.requester, text="Hello")
    assert hearers("commented") == {inside.agent.email}


def test_a_note_stays_among_staff(inside: Desk) -> None:
    actions.comment(inside.submit(), by=inside.accountant, text="Careful", is_internal=True)
    assert hearers("commented") == {inside.agent.email}


def test_a9_start_delivery_and_end_are_announced(inside: Desk) -> None:
    inside.accepted(minutes=0)
    assert (hearers("started"), hearers("delivered"), hearers("accepted")) == (
        {inside.requester.email},
        {inside.requester.email},
        {inside.agent.email},
    )


def test_an_inactive_person_hears_nothing(inside: Desk) -> None:
    ticket = inside.submit()
    inside.requester.is_active = False
    inside.requester.save()
    actions.comment(ticket, by=inside.agent, text="Hello")
    assert hearers("commented") == set()


def test_the_delivery_names_the_last_day(inside: Desk) -> None:
    ticket = inside.delivered()
    assert last_day_of_period(ticket) in written(OutboxMessage.objects.get(kind="ticket.delivered")).text
