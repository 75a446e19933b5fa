"""What managers and agents do about e-mail: mailboxes, subject rules, and what came in."""

import hashlib
import json
import threading
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from accounts import locks
from accounts.errors import NotAllowed, Refused
from accounts.hosts import current_host
from accounts.models import Event
from accounts.sealed import seal, unseal
from accounts.tests.test_policy_pages import filled, save, text_of
from conftest import Desk, Visit, load_desk, owner_connection
from tests.imap_server import ADDRESS, ImapServer
from tickets import tasks
from tickets.admin.mail.as_sent import LARGEST_IMAGE, as_sent
from tickets.admin.mail.collecting import look_now, try_troubles_again
from tickets.mail import oauth
from tickets.mail.imap import Connection, Refusal
from tickets.mail.keeping import find_mailbox, keep
from tickets.mail.parse import parse
from tickets.models import IncomingMessage, Mailbox, SubjectRule

SECRET = "open sesame"
LIST = "/admin/tickets/mailbox/"
NO_RULES = {"rules-TOTAL_FORMS": "0", "rules-INITIAL_FORMS": "0"}
LISTENER = {
    **NO_RULES,
    "address": "sales@alpha.example",
    "way": "listener",
    "is_active": "on",
    "port": "993",
    "security": "tls",
    "folder": "INBOX",
    "log_in": "password",
    "after_storing": "seen",
    "first_time": "unread",
}
IMAP = {**LISTENER, "way": "imap", "host": "localhost", "username": "sales", "new_password": SECRET}


@pytest.fixture(autouse=True)
def _allowed(settings: Any) -> None:
    settings.PRIVATE_HOSTS_ALLOWED = ["localhost"]


def add(visit: Visit, desk: Desk, **changes: str) -> Any:
    return visit(desk, desk.manager).post(f"{LIST}add/", {**IMAP, **changes})


def made() -> Mailbox:
    row: Mailbox = Mailbox.objects.get(address="sales@alpha.example")
    return row


def page(box: Mailbox) -> str:
    return f"{LIST}{box.pk}/change/"


def errors_of(answer: Any) -> list[str]:
    return list(answer.context["adminform"].form.errors)


@pytest.fixture
def box(desk: Desk) -> Mailbox:
    """Collected from a server that nobody asks."""
    with desk.entered():
        row: Mailbox = Mailbox.objects.create(
            address="sales@alpha.example",
            way="imap",
            host="localhost",
            username="sales",
            password=seal(SECRET),
            uid_validity=7,
            last_uid=41,
            troubles={"17": {"tries": 3, "error": "it is gone"}},
        )
        return row


def fresh(desk: Desk, box: Mailbox) -> Mailbox:
    with desk.entered():
        row: Mailbox = Mailbox.objects.get(pk=box.pk)
        return row


# ---- adding one ----


def test_a_manager_adds_a_mailbox(desk: Desk, visit: Visit) -> None:
    add(visit, desk)
    with desk.entered():
        box = made()
        assert (box.host, unseal(box.password)) == ("localhost", SECRET)


def test_a_collected_mailbox_is_looked_into_at_once(desk: Desk, visit: Visit) -> None:
    add(visit, desk)
    with desk.entered():
        assert made().next_look_at is not None


def test_what_is_sent_to_us_is_not_looked_for(desk: Desk, visit: Visit) -> None:
    add(visit, desk, **LISTENER)
    with desk.entered():
        assert made().next_look_at is None


def test_its_mail_is_taken(desk: Desk, visit: Visit) -> None:
    add(visit, desk, **LISTENER)
    with desk.entered():
        expected = desk.id, made().pk
    assert find_mailbox("Sales@ALPHA.example") == expected


def test_the_address_is_stored_as_addresses_are_compared(desk: Desk, visit: Visit) -> None:
    add(visit, desk, address=" Sales@BÜCHER.example ")
    with desk.entered():
        assert Mailbox.objects.filter(address="sales@xn--bcher-kva.example").exists()


TAKEN = "Mail to this address belongs to a desk already."


@pytest.mark.parametrize("slug", ["alpha", "beta"])
@pytest.mark.parametrize("is_active", [True, False])
def test_an_address_belongs_to_one_desk(desk: Desk, rival: Desk, visit: Visit, slug: str, is_active: bool) -> None:
    owner = desk if slug == "alpha" else rival
    with owner.entered():
        Mailbox.objects.update(is_active=is_active)
    answer = add(visit, desk, address=f"support@{slug}.localhost")
    assert answer.context["adminform"].form.errors == {"address": [TAKEN]}


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"address": "nobody"}, "address"),
        ({"address": "sales+one@alpha.example"}, "address"),
        ({"host": ""}, "host"),
        ({"host": "127.0.0.1"}, "host"),
        ({"username": ""}, "username"),
        ({"new_password": ""}, "new_password"),
        ({"port": "0"}, "port"),
        ({"port": "65536"}, "port"),
        ({"after_storing": "move"}, "move_to"),
        ({"after_storing": "move", "move_to": "INBOX"}, "move_to"),
        ({"log_in": "microsoft", "new_password": ""}, "client_id"),
        ({"log_in": "microsoft", "client_id": "x", "directory": "../x"}, "directory"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(desk: Desk, visit: Visit, changes: dict[str, str], wrong: str) -> None:
    assert errors_of(add(visit, desk, **changes)) == [wrong]


# ---- changing one ----


def test_the_address_of_a_mailbox_stays(desk: Desk, visit: Visit, box: Mailbox) -> None:
    save(visit, desk, desk.manager, page(box), address="other@alpha.example")
    assert fresh(desk, box).address == "sales@alpha.example"


def test_the_password_is_on_no_page(desk: Desk, visit: Visit, box: Mailbox) -> None:
    browser = visit(desk, desk.manager)
    pages = [browser.get(where).content.decode() for where in (LIST, page(box))]
    assert not any(secret in shown for secret in (SECRET, box.password) for shown in pages)


def test_an_empty_field_keeps_the_password(desk: Desk, visit: Visit, box: Mailbox) -> None:
    save(visit, desk, desk.manager, page(box), first_time="all")
    row = fresh(desk, box)
    with desk.entered():
        assert (row.first_time, unseal(row.password)) == ("all", SECRET)


@pytest.mark.parametrize("field", ["host", "username", "port"])
def test_the_stored_password_does_not_go_to_another_server(
    desk: Desk, visit: Visit, box: Mailbox, settings: Any, field: str
) -> None:
    settings.PRIVATE_HOSTS_ALLOWED = ["localhost", "127.0.0.1"]
    value = {"host": "127.0.0.1", "username": "other", "port": "143"}[field]
    assert errors_of(save(visit, desk, desk.manager, page(box), **{field: value})) == ["new_password"]


@pytest.mark.parametrize("changes", [{"folder": "Archive"}, {"username": "other", "new_password": "x"}])
def test_another_place_is_begun_anew(desk: Desk, visit: Visit, box: Mailbox, changes: dict[str, str]) -> None:
    save(visit, desk, desk.manager, page(box), **changes)
    row = fresh(desk, box)
    assert (row.uid_validity, row.last_uid, row.troubles) == (None, 0, {})


def test_any_other_change_goes_on_where_it_was(desk: Desk, visit: Visit, box: Mailbox) -> None:
    save(visit, desk, desk.manager, page(box), first_time="all")
    row = fresh(desk, box)
    assert (row.uid_validity, row.last_uid) == (7, 41)


def test_another_account_is_connected_anew(desk: Desk, visit: Visit, box: Mailbox) -> None:
    with desk.entered():
        Mailbox.objects.filter(pk=box.pk).update(log_in="google", client_id="a", refresh_token="x", access_token="y")
    save(visit, desk, desk.manager, page(box), client_id="b")
    row = fresh(desk, box)
    assert (row.refresh_token, row.access_token) == ("", "")


def test_a_mailbox_is_not_deleted(desk: Desk, visit: Visit, box: Mailbox) -> None:
    assert visit(desk, desk.manager).post(f"{LIST}{box.pk}/delete/", {"post": "yes"}).status_code == 404


def test_history_names_fields_only(desk: Desk, visit: Visit, box: Mailbox) -> None:
    save(visit, desk, desk.manager, page(box), new_password="another")
    with desk.entered():
        assert Event.objects.get(kind="mailbox.changed").data == {"fields": ["Password"]}


# ---- its state and its buttons ----


def press(visit: Visit, desk: Desk, box: Mailbox, button: str) -> Any:
    return visit(desk, desk.manager).post(f"{LIST}{box.pk}/{button}/", follow=True)


def test_a_failure_is_shown_with_its_words(desk: Desk, visit: Visit, box: Mailbox) -> None:
    with desk.entered():
        Mailbox.objects.filter(pk=box.pk).update(error="The log-in was refused.", failing_since=timezone.now())
    assert "The log-in was refused." in text_of(visit(desk, desk.manager).get(page(box)))


def test_messages_that_the_server_would_not_give_are_named(desk: Desk, visit: Visit, box: Mailbox) -> None:
    shown = text_of(visit(desk, desk.manager).get(page(box)))
    assert "The server would not give 1 message" in shown
    assert "Message 17: it is gone" in shown


def test_they_are_tried_again(desk: Desk, visit: Visit, box: Mailbox) -> None:
    press(visit, desk, box, "retry")
    row = fresh(desk, box)
    assert (row.troubles["17"]["tries"], row.next_look_at is not None) == (0, True)


def test_a_mailbox_is_looked_into_now(desk: Desk, visit: Visit, box: Mailbox) -> None:
    press(visit, desk, box, "look")
    assert fresh(desk, box).next_look_at is not None


@pytest.mark.parametrize("verb", [look_now, try_troubles_again])
def test_agents_do_not_look_after_mailboxes(inside: Desk, box: Mailbox, verb: Any) -> None:
    with pytest.raises(NotAllowed):
        verb(box, by=inside.agent)


@pytest.mark.parametrize("change", [{"way": "listener"}, {"is_active": False}])
def test_what_is_not_collected_is_not_looked_into(inside: Desk, box: Mailbox, change: dict[str, Any]) -> None:
    Mailbox.objects.filter(pk=box.pk).update(**change)
    with pytest.raises(Refused):
        look_now(box, by=inside.manager)


def test_a_test_of_a_server_that_is_not_there(desk: Desk, visit: Visit, box: Mailbox) -> None:
    with desk.entered():
        Mailbox.objects.filter(pk=box.pk).update(port=1)
    assert "Not good Connection" in text_of(press(visit, desk, box, "test"))


def test_a_test_of_a_real_server(desk: Desk, visit: Visit, box: Mailbox) -> None:
    with ImapServer() as server:
        server.user(ADDRESS, SECRET)
        with desk.entered():
            Mailbox.objects.filter(pk=box.pk).update(port=server.port, security="none", username=ADDRESS)
        assert "Good Log-in" in text_of(press(visit, desk, box, "test"))


# ---- connecting an account ----


@pytest.fixture
def google(desk: Desk, box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, str]]]:
    """The mailbox is at Google, whose place a server here takes; what it is asked."""
    asked: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode())))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"access_token": "at", "refresh_token": "rt", "expires_in": 3600}).encode())

        def log_message(self, *args: Any) -> None:
            """Not into the tests' output."""

    with desk.entered():
        Mailbox.objects.filter(pk=box.pk).update(log_in="google", client_id="client-7")
    with HTTPServer(("127.0.0.1", 0), Handler) as web:
        place = f"http://127.0.0.1:{web.server_address[1]}"
        monkeypatch.setattr(oauth, "_endpoints", lambda mailbox: oauth.Endpoints(f"{place}/auth", f"{place}/token"))
        thread = threading.Thread(target=web.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield asked
        web.shutdown()
        thread.join(timeout=60)


BACK = "/admin/mail/connected/"


def sent_away(browser: Client, box: Mailbox) -> dict[str, str]:
    """What the provider is told in the address that the button leads to."""
    answer = browser.post(f"{LIST}{box.pk}/connect/")
    return {name: values[0] for name, values in parse_qs(urlsplit(answer["Location"]).query).items()}


def test_the_button_leads_to_the_provider(desk: Desk, visit: Visit, box: Mailbox, google: list[dict[str, str]]) -> None:
    told = sent_away(visit(desk, desk.manager), box)
    assert (told["client_id"], told["redirect_uri"]) == ("client-7", f"{host_address(desk)}{BACK}")


def test_the_address_to_register_is_shown(desk: Desk, visit: Visit, box: Mailbox, google: list[dict[str, str]]) -> None:
    assert f"{host_address(desk)}{BACK}" in text_of(visit(desk, desk.manager).get(page(box)))


def host_address(desk: Desk) -> str:
    with desk.entered():
        return current_host().address


def test_the_pages_policy_lets_the_button_lead_there(
    desk: Desk, visit: Visit, box: Mailbox, google: list[dict[str, str]]
) -> None:
    place = oauth._endpoints(box).authorize.removesuffix("/auth")
    policy = visit(desk, desk.manager).get(page(box))["Content-Security-Policy"]
    assert f"form-action 'self' {place};" in f"{policy};"


def test_coming_back_connects_the_mailbox(desk: Desk, visit: Visit, box: Mailbox, google: list[dict[str, str]]) -> None:
    browser = visit(desk, desk.manager)
    browser.get(BACK, {"state": sent_away(browser, box)["state"], "code": "c"})
    row = fresh(desk, box)
    with desk.entered():
        assert unseal(row.refresh_token) == "rt"


def test_the_code_is_redeemed_with_the_verifier_of_its_challenge(
    desk: Desk, visit: Visit, box: Mailbox, google: list[dict[str, str]]
) -> None:
    browser = visit(desk, desk.manager)
    told = sent_away(browser, box)
    browser.get(BACK, {"state": told["state"], "code": "c"})
    digest = hashlib.sha256(google[0]["code_verifier"].encode()).digest()
    assert urlsafe_b64encode(digest).decode().rstrip("=") == told["code_challenge"]


def test_the_answer_is_taken_once(desk: Desk, visit: Visit, box: Mailbox, google: list[dict[str, str]]) -> None:
    browser = visit(desk, desk.manager)
    answer = {"state": sent_away(browser, box)["state"], "code": "c"}
    for _ in range(2):
        browser.get(BACK, answer)
    assert len(google) == 1


def test_somebody_elses_answer_is_not_taken(
    desk: Desk, visit: Visit, box: Mailbox, google: list[dict[str, str]]
) -> None:
    state = sent_away(visit(desk, desk.manager), box)["state"]
    other = visit(desk, desk.manager)
    sent_away(other, box)
    other.get(BACK, {"state": state, "code": "c"})
    assert google == []


def test_an_answer_without_a_question_is_not_taken(desk: Desk, visit: Visit, google: list[dict[str, str]]) -> None:
    answer = visit(desk, desk.manager).get(BACK, {"state": "x", "code": "c"}, follow=True)
    assert ("This answer does not belong" in text_of(answer), google) == (True, [])


def test_a_refusal_is_told(desk: Desk, visit: Visit, box: Mailbox, google: list[dict[str, str]]) -> None:
    browser = visit(desk, desk.manager)
    answer = browser.get(BACK, {"state": sent_away(browser, box)["state"], "error": "access_denied"}, follow=True)
    assert ("The provider did not agree." in text_of(answer), google) == (True, [])


def test_a_mailbox_with_a_password_is_not_connected(desk: Desk, visit: Visit, box: Mailbox) -> None:
    assert "Choose Microsoft or Google" in text_of(press(visit, desk, box, "connect"))


# ---- subject rules ----


def rule_fields(desk: Desk, **changes: str) -> dict[str, str]:
    with desk.entered():
        return {
            "begins_with": "New user",
            "mailbox": "",
            "request_type": str(desk.type().pk),
            "language": "",
            **changes,
        }


def test_b21_a_subject_says_what_it_is(desk: Desk, visit: Visit) -> None:
    visit(desk, desk.manager).post("/admin/tickets/subjectrule/add/", rule_fields(desk))
    with desk.entered():
        assert SubjectRule.objects.get(begins_with="New user").request_type == desk.type()


def test_a_rule_of_one_mailbox_is_entered_on_its_page(desk: Desk, visit: Visit, box: Mailbox) -> None:
    rows = {"rules-TOTAL_FORMS": "1", "rules-0-begins_with": "Rechnung", "rules-0-language": "lv"}
    save(visit, desk, desk.manager, page(box), **rows)
    with desk.entered():
        assert SubjectRule.objects.get(begins_with="Rechnung").mailbox == box


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [({"begins_with": "Re:"}, "begins_with"), ({"request_type": ""}, "request_type")],
)
def test_a_rule_that_says_nothing_is_refused(desk: Desk, visit: Visit, changes: dict[str, str], wrong: str) -> None:
    answer = visit(desk, desk.manager).post("/admin/tickets/subjectrule/add/", rule_fields(desk, **changes))
    assert errors_of(answer) == [wrong]


def test_the_same_rule_twice_is_refused(desk: Desk, visit: Visit) -> None:
    browser = visit(desk, desk.manager)
    answers = [browser.post("/admin/tickets/subjectrule/add/", rule_fields(desk)).status_code for _ in range(2)]
    assert answers == [302, 200]


def test_another_desks_request_type_is_none(desk: Desk, rival: Desk, visit: Visit) -> None:
    with rival.entered():
        foreign = str(rival.type().pk)
    answer = visit(desk, desk.manager).post("/admin/tickets/subjectrule/add/", rule_fields(desk, request_type=foreign))
    assert errors_of(answer) == ["request_type"]


# ---- what came in ----

PNG = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
INCOMING = "/admin/tickets/incomingmessage/"


def letter(html: str = "", *pictures: bytes, kind: str = "png") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["Subject"], message["Message-ID"] = "rita@alpha.example", "Help", "<1@alpha.example>"
    message.set_content("It prints <b>nothing</b>.")
    if html:
        message.add_alternative(html, subtype="html")
        for number, picture in enumerate(pictures):
            message.get_payload()[1].add_related(picture, "image", kind, cid=f"<p{number}>")  # type: ignore[index]
    return message


def received(desk: Desk, message: EmailMessage, **changes: Any) -> IncomingMessage:
    with desk.entered():
        row = keep(BytesIO(message.as_bytes()), mailbox_id=Mailbox.objects.earliest("id").pk, envelope_to="a@b.example")
        IncomingMessage.objects.filter(pk=row.pk).update(**changes)
        return row


def test_a_list_tells_who_wrote_what(desk: Desk, visit: Visit) -> None:
    received(desk, letter(), from_address="rita@alpha.example", subject="The printer")
    assert "rita@alpha.example The printer" in text_of(visit(desk, desk.agent).get(INCOMING))


def test_what_was_read_is_shown(desk: Desk, visit: Visit) -> None:
    files = [{"name": "plan.pdf", "size": 2048, "kept": True}, {"name": "film.mp4", "size": None, "kept": False}]
    row = received(
        desk, letter(), attachments=files, automatic="auto_reply", from_name="<i>Rita</i>", from_address="r@x"
    )
    shown = text_of(visit(desk, desk.agent).get(f"{INCOMING}{row.pk}/change/"))
    words = ("plan.pdf (2.0 KB)", "film.mp4, not kept", "an automatic answer", "<i>Rita</i> <r@x>")
    assert [word in shown for word in words] == [True] * 4


def test_a_repeated_message_leads_to_the_first(desk: Desk, visit: Visit) -> None:
    first = received(desk, letter())
    second = received(desk, letter("<p>again</p>"), same_as=first)
    shown = visit(desk, desk.agent).get(f"{INCOMING}{second.pk}/change/").content.decode()
    assert f'href="{INCOMING}{first.pk}/change/"' in shown


def test_the_source_is_what_came(desk: Desk, visit: Visit) -> None:
    row = received(desk, letter())
    answer = visit(desk, desk.agent).get(f"{INCOMING}{row.pk}/source/")
    assert b"".join(answer.streaming_content) == letter().as_bytes()


def test_the_source_is_a_download(desk: Desk, visit: Visit) -> None:
    row = received(desk, letter())
    answer = visit(desk, desk.agent).get(f"{INCOMING}{row.pk}/source/")
    assert answer["Content-Disposition"] == 'attachment; filename="message.eml"'


def test_who_took_the_source_is_history(desk: Desk, visit: Visit) -> None:
    row = received(desk, letter())
    visit(desk, desk.agent).get(f"{INCOMING}{row.pk}/source/")
    with desk.entered():
        assert Event.objects.get(kind="incomingmessage.downloaded").by == desk.agent


def as_sent_page(desk: Desk, visit: Visit, message: EmailMessage) -> Any:
    row = received(desk, message)
    return visit(desk, desk.agent).get(f"{INCOMING}{row.pk}/as-sent/")


def test_a_message_is_shown_as_it_was_sent(desk: Desk, visit: Visit) -> None:
    shown = as_sent_page(desk, visit, letter("<p>It prints <b>nothing</b>.</p><script>alert(1)</script>"))
    assert ("<p>It prints <b>nothing</b>.</p>" in shown.content.decode(), "alert" in shown.content.decode()) == (
        True,
        False,
    )


def test_a_text_is_shown_as_a_text(desk: Desk, visit: Visit) -> None:
    assert "<pre>It prints &lt;b&gt;nothing&lt;/b&gt;." in as_sent_page(desk, visit, letter()).content.decode()


def test_what_is_shown_may_do_nothing(desk: Desk, visit: Visit) -> None:
    answer = as_sent_page(desk, visit, letter("<p>x</p>"))
    assert answer["Content-Security-Policy"].startswith("sandbox; default-src 'none'; img-src data:;")


def test_only_our_own_pages_frame_it(desk: Desk, visit: Visit) -> None:
    answer = as_sent_page(desk, visit, letter("<p>x</p>"))
    assert (answer["X-Frame-Options"], "frame-ancestors 'self'" in answer["Content-Security-Policy"]) == (
        "SAMEORIGIN",
        True,
    )


def shown_with(*pictures: bytes, html: str = '<img src="cid:p0" alt="A picture">', kind: str = "png") -> str:
    return as_sent(parse(letter(html, *pictures, kind=kind).as_bytes()))


def test_its_pictures_are_shown_in_their_place() -> None:
    assert f'src="data:image/png;base64,{b64encode(PNG).decode()}"' in shown_with(PNG)


@pytest.mark.parametrize(
    ("picture", "kind"),
    [(b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "svg+xml"), (b"%PDF-1.4", "png")],
)
def test_only_raster_images_are_shown(picture: bytes, kind: str) -> None:
    assert "data:" not in shown_with(picture, kind=kind)


def test_a_large_picture_is_left_out() -> None:
    assert "data:" not in shown_with(PNG.ljust(LARGEST_IMAGE + 1, b"\0"))


def test_one_picture_a_thousand_times_is_not_a_gigabyte() -> None:
    html = '<img src="cid:p0" alt="x">' * 1000
    assert shown_with(PNG.ljust(LARGEST_IMAGE, b"\0"), html=html).count("data:image") == 5


# ---- the same subject rule twice ----

ONE = {"rules-TOTAL_FORMS": "1", "rules-0-begins_with": "Rechnung", "rules-0-language": "lv"}
TWO = {**ONE, "rules-TOTAL_FORMS": "2", "rules-1-begins_with": "Rechnung", "rules-1-language": "ru"}


def test_the_same_form_again_is_refused(desk: Desk, visit: Visit, box: Mailbox) -> None:
    manager = visit(desk, desk.manager)
    data = filled(manager.get(page(box)), **ONE)
    assert [manager.post(page(box), data).status_code for _ in range(2)] == [302, 200]


@pytest.mark.parametrize("first", [{}, ONE])
def test_two_of_the_same_are_refused(desk: Desk, visit: Visit, box: Mailbox, first: dict[str, str]) -> None:
    manager = visit(desk, desk.manager)
    if first:
        manager.post(page(box), filled(manager.get(page(box)), **first))
    with desk.entered():
        before = SubjectRule.objects.count()
    answer = manager.post(page(box), filled(manager.get(page(box)), **TWO))
    with desk.entered():
        assert (answer.status_code, SubjectRule.objects.count()) == (200, before)
    formset = answer.context["inline_admin_formsets"][0].formset
    said = f"{formset.non_form_errors()} {formset.errors}"
    assert ("Two of these rows say the same" in said, "enant" in said) == (True, False)


# ---- whom a stored secret is shown to ----


@pytest.mark.parametrize("changes", [{"way": "listener"}, {"log_in": "google", "client_id": "c"}], ids=str)
def test_a_password_does_not_go_to_another_server_by_a_detour(
    desk: Desk, visit: Visit, box: Mailbox, changes: dict[str, str]
) -> None:
    manager = visit(desk, desk.manager)
    answer = manager.post(page(box), filled(manager.get(page(box)), port="143", **changes))
    assert (answer.status_code, fresh(desk, box).password) == (302, "")


@pytest.mark.parametrize("changes", [{"port": "143"}, {"security": "none"}], ids=str)
def test_a_token_does_not_go_to_another_server(desk: Desk, visit: Visit, box: Mailbox, changes: dict[str, str]) -> None:
    with desk.entered():
        Mailbox.objects.filter(pk=box.pk).update(log_in="google", client_id="c", refresh_token=seal("rt"))
    manager = visit(desk, desk.manager)
    answer = manager.post(page(box), filled(manager.get(page(box)), **changes))
    assert (answer.status_code, fresh(desk, box).refresh_token) == (302, "")


# ---- a test takes as long as the server likes ----


@pytest.fixture
def renewing(committed_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Mailbox:
    """At Google, with a token that has to be renewed before its server is spoken to."""
    with committed_desk.entered():
        row: Mailbox = Mailbox.objects.create(
            address="sales@alpha.example",
            way="imap",
            host="localhost",
            username="sales",
            log_in="google",
            client_id="c",
            refresh_token=seal("old"),
            security="none",
        )
    answer = {"access_token": "at", "refresh_token": "new", "expires_in": 3600}
    monkeypatch.setattr(oauth, "_ask", lambda mailbox, grant: answer)
    monkeypatch.setattr(Connection, "connect", lambda self: None)
    return row


def test_while_a_server_is_tested_its_row_is_free_and_the_new_token_stored(
    committed_desk: Desk, visit: Visit, renewing: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def log_in(self: Connection) -> None:
        with owner_connection() as direct, direct.cursor() as cursor:
            cursor.execute(
                "SELECT refresh_token FROM tickets_mailbox WHERE id = %s FOR UPDATE NOWAIT", [self.mailbox.pk]
            )
            seen.append(cursor.fetchone()[0])
        raise Refusal("no")

    monkeypatch.setattr(Connection, "log_in", log_in)
    visit(committed_desk, committed_desk.manager).post(f"{LIST}{renewing.pk}/test/")
    with committed_desk.entered():
        assert [unseal(token) for token in seen] == ["new"]


def test_one_test_at_a_time(committed_desk: Desk, visit: Visit, renewing: Mailbox) -> None:
    manager = visit(committed_desk, committed_desk.manager)
    with owner_connection() as direct, direct.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [locks._TESTING, committed_desk.id])
        manager.post(f"{LIST}{renewing.pk}/test/")
    assert "Somebody at this desk tests a server right now" in text_of(manager.get(page(renewing)))


def test_a_row_that_is_held_keeps_no_other_desk_waiting(committed_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[int] = []
    monkeypatch.setattr(tasks, "enqueue", lambda task, tenant_id, mailbox_id: handed.append(mailbox_id))
    rows, rival = [], load_desk("beta")
    for desk in (committed_desk, rival):
        with desk.entered():
            ago = timezone.now() - timedelta(seconds=5)
            rows.append(Mailbox.objects.create(address=f"sales@{desk.host}", way="imap", host="x", next_look_at=ago))
    with owner_connection() as direct, direct.cursor() as cursor:
        cursor.execute("SELECT 1 FROM tickets_mailbox WHERE id = %s FOR UPDATE", [rows[0].pk])
        tasks.collect_due_mailboxes()
    assert handed == [rows[1].pk]
