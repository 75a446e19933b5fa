"""The pages about outgoing mail: the desk's own server for managers, and every message with what became of it."""

import ssl
from typing import Any

import pytest

from accounts.errors import NotAllowed, Refused
from accounts.models import Event
from accounts.sealed import unseal
from accounts.tests.test_policy_pages import save, text_of
from conftest import Desk, Visit
from notifications.actions import send_again
from notifications.models import MailServer, OutboxMessage, OutboxState
from notifications.tests.test_servers import SECRET, Post, own_server, post, trusted

__all__ = ["post", "trusted"]  # fixtures

LIST = "/admin/notifications/mailserver/"
SMTP = {"kind": "smtp", "host": "localhost", "port": "2525", "security": "starttls", "username": "desk"}


def page(desk: Desk) -> str:
    with desk.entered():
        return f"{LIST}{MailServer.objects.get().pk}/change/"


@pytest.fixture
def stored(desk: Desk, post: Post) -> Post:
    """The desk has a server."""
    with desk.entered():
        own_server(post)
    return post


def errors_of(answer: Any) -> dict[str, Any]:
    return dict(answer.context["adminform"].form.errors)


# ---- setting it ----


def test_a_manager_sets_the_desks_server(desk: Desk, visit: Visit, trusted: ssl.SSLContext) -> None:
    visit(desk, desk.manager).post(f"{LIST}add/", {**SMTP, "new_secret": SECRET, "is_active": "on"})
    with desk.entered():
        assert unseal(MailServer.objects.get().secret) == SECRET


def test_there_is_one_server_at_most(desk: Desk, visit: Visit, stored: Post) -> None:
    assert visit(desk, desk.manager).get(f"{LIST}add/").status_code == 404


def test_the_secret_is_on_no_page(desk: Desk, visit: Visit, stored: Post) -> None:
    browser = visit(desk, desk.manager)
    with desk.entered():
        sealed = MailServer.objects.get().secret
    pages = [browser.get(where).content.decode() for where in (LIST, page(desk))]
    assert not any(secret in shown for secret in (SECRET, sealed) for shown in pages)


def test_the_secret_is_in_no_event(desk: Desk, visit: Visit, stored: Post) -> None:
    save(visit, desk, desk.manager, page(desk), new_secret="another")
    with desk.entered():
        assert [row.data for row in Event.objects.filter(kind="mailserver.changed")] == [
            {"fields": ["Password or key"]}
        ]


def test_an_empty_field_keeps_the_secret(desk: Desk, visit: Visit, stored: Post) -> None:
    save(visit, desk, desk.manager, page(desk), is_active="")
    with desk.entered():
        server = MailServer.objects.get()
        assert (server.is_active, unseal(server.secret)) == (False, SECRET)


@pytest.mark.parametrize(("field", "value"), [("host", "127.0.0.1"), ("username", "somebody"), ("port", "26")])
def test_the_stored_secret_does_not_go_to_another_server(
    desk: Desk, visit: Visit, stored: Post, settings: Any, field: str, value: str
) -> None:
    settings.PRIVATE_HOSTS_ALLOWED = ["localhost", "127.0.0.1"]
    answer = save(visit, desk, desk.manager, page(desk), **{field: value})
    assert list(errors_of(answer)) == ["new_secret"]


def test_a_private_address_is_refused_at_its_field(desk: Desk, visit: Visit) -> None:
    fields = {**SMTP, "host": "127.0.0.1", "new_secret": SECRET}
    assert list(errors_of(visit(desk, desk.manager).post(f"{LIST}add/", fields))) == ["host"]


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"host": ""}, "host"),
        ({"port": "0"}, "port"),
        ({"port": "65536"}, "port"),
        ({"new_secret": "pässword"}, "new_secret"),
        ({"kind": "postmark", "new_secret": ""}, "new_secret"),
        ({"kind": "mailjet", "username": ""}, "username"),
        ({"kind": "mailgun", "sender_domain": "a/b"}, "sender_domain"),
        ({"kind": "carrier pigeon"}, "kind"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    desk: Desk, visit: Visit, trusted: ssl.SSLContext, changes: dict[str, str], wrong: str
) -> None:
    answer = visit(desk, desk.manager).post(f"{LIST}add/", {**SMTP, "new_secret": SECRET, **changes})
    assert list(errors_of(answer)) == [wrong]


def test_a_new_setting_is_not_blamed_for_the_old_ones_failure(desk: Desk, visit: Visit, stored: Post) -> None:
    with desk.entered():
        MailServer.objects.update(error="It broke.", failing_since="2026-01-01T00:00Z")
    save(visit, desk, desk.manager, page(desk), new_secret="another")
    with desk.entered():
        assert MailServer.objects.get().failing_since is None


def test_a_failure_is_shown(desk: Desk, visit: Visit, stored: Post) -> None:
    with desk.entered():
        MailServer.objects.update(error="Nothing answers on this port.", failing_since="2026-01-01T00:00Z")
    assert "Nothing answers on this port." in text_of(visit(desk, desk.manager).get(page(desk)))


# ---- trying it ----


def pressed(desk: Desk, visit: Visit, button: str) -> Any:
    browser = visit(desk, desk.manager)
    where = page(desk).replace("change", button)
    return browser.post(where, follow=True), browser


def test_a_test_shows_what_it_found(desk: Desk, visit: Visit, stored: Post) -> None:
    answer, _browser = pressed(desk, visit, "test")
    assert "Good Log-in The server accepted the user name and the password." in text_of(answer)


def test_what_was_found_is_shown_once(desk: Desk, visit: Visit, stored: Post) -> None:
    _answer, browser = pressed(desk, visit, "test")
    assert "What the test found" not in text_of(browser.get(page(desk)))


def test_a_test_e_mail_goes_to_the_manager_who_asks(desk: Desk, visit: Visit, stored: Post) -> None:
    pressed(desk, visit, "send")
    assert [desk.manager.email.encode() in message for message in stored.messages] == [True]


@pytest.mark.parametrize("button", ["test", "send"])
def test_only_managers_try_it(desk: Desk, visit: Visit, stored: Post, button: str) -> None:
    answers = [visit(desk, who).post(page(desk).replace("change", button)) for who in (desk.agent, desk.accountant)]
    assert ([answer.status_code for answer in answers], stored.log_ins) == ([404, 404], [])


# ---- outgoing e-mails ----


@pytest.fixture
def failed(desk: Desk) -> OutboxMessage:
    with desk.entered():
        desk.submit()
        row: OutboxMessage = OutboxMessage.objects.get(kind="ticket.submitted")
        row.state, row.tries, row.error = OutboxState.FAILED, 9, "The server refused: 550"
        row.save()
        return row


def letter_page(message: OutboxMessage) -> str:
    return f"/admin/notifications/outboxmessage/{message.pk}/change/"


def again(message: OutboxMessage) -> str:
    return letter_page(message).replace("change", "again")


def test_a_failed_letter_is_sent_again(desk: Desk, visit: Visit, failed: OutboxMessage) -> None:
    visit(desk, desk.agent).post(again(failed))
    with desk.entered():
        row = OutboxMessage.objects.get(pk=failed.pk)
        assert (row.state, row.tries, row.error) == (OutboxState.QUEUED, 0, "")


def test_who_sent_it_again_is_history(inside: Desk, failed: OutboxMessage) -> None:
    send_again(failed, by=inside.manager)
    assert Event.objects.get(kind="outboxmessage.sent_again").by == inside.manager


def test_a_sent_letter_is_not_sent_twice(inside: Desk, failed: OutboxMessage) -> None:
    OutboxMessage.objects.update(state=OutboxState.SENT)
    with pytest.raises(Refused):
        send_again(failed, by=inside.agent)


def test_an_accountant_does_not_send_again(inside: Desk, failed: OutboxMessage) -> None:
    with pytest.raises(NotAllowed):
        send_again(failed, by=inside.accountant)


def test_the_button_is_on_a_failed_letters_page(desk: Desk, visit: Visit, failed: OutboxMessage) -> None:
    pages = [visit(desk, who).get(letter_page(failed)) for who in (desk.agent, desk.accountant)]
    assert [again(failed) in one.content.decode() for one in pages] == [True, False]


def test_a_letter_names_the_one_that_carried_its_news(desk: Desk, visit: Visit, failed: OutboxMessage) -> None:
    with desk.entered():
        carrier = OutboxMessage.objects.exclude(pk=failed.pk).first() or failed
        OutboxMessage.objects.filter(pk=failed.pk).update(sent_with=carrier)
    assert f'href="{letter_page(carrier)}"' in visit(desk, desk.agent).get(letter_page(failed)).content.decode()


def test_the_list_shows_the_servers_words(desk: Desk, visit: Visit, failed: OutboxMessage) -> None:
    listed = visit(desk, desk.agent).get("/admin/notifications/outboxmessage/?state__exact=failed")
    assert "The server refused: 550" in text_of(listed)
