"""Collecting by IMAP from a real server: everything is stored once, and only what is stored is touched there."""

import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import islice
from typing import IO, Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.files import open_file
from accounts.sealed import seal
from accounts.tenancy import enter
from conftest import Desk
from tests.imap_server import ADDRESS, PASSWORD, ImapServer
from tests.tcp_proxy import TcpProxy
from tests.test_at_once import together
from tickets import tasks
from tickets.admin.mail.collecting import try_troubles_again
from tickets.mail import collector, imap, keeping
from tickets.mail.collector import Collected, collect, start_over
from tickets.mail.mailboxes import return_path
from tickets.models import IncomingMessage
from tickets.models.incoming import Source
from tickets.models.mailboxes import AfterStoring, FirstTime, Mailbox, Security, Way

SEEN = {b"\\Seen"}


@pytest.fixture(scope="module")
def running() -> Iterator[ImapServer]:
    with ImapServer() as server:
        yield server


@pytest.fixture
def imap_server(running: ImapServer, settings: Any) -> ImapServer:
    """The server of this file, emptied."""
    settings.PRIVATE_HOSTS_ALLOWED = ["127.0.0.1"]
    running.empty()
    return running


def made(port: int, **changes: Any) -> Mailbox:
    """A mailbox that is collected. Call it inside a desk."""
    values = {
        "address": ADDRESS,
        "way": Way.IMAP,
        "host": "127.0.0.1",
        "port": port,
        "security": Security.NONE,
        "username": ADDRESS,
        "password": seal(PASSWORD),
    }
    return Mailbox.objects.create(**{**values, **changes})


@pytest.fixture
def mailbox(imap_server: ImapServer, desk: Desk) -> Mailbox:
    with desk.entered():
        return made(imap_server.port)


def look(mailbox: Mailbox) -> Collected:
    """Passes until there is nothing left, as the job does it; what the last one said, with all that was stored."""
    stored = 0
    while True:
        done = collect(mailbox.tenant_id, mailbox.pk)
        assert done is not None
        stored += done.stored
        if not done.more:
            return replace(done, stored=stored)


def fresh(mailbox: Mailbox) -> Mailbox:
    with enter(mailbox.tenant_id):
        return Mailbox.objects.get(pk=mailbox.pk)


def seconds_until(moment: datetime | None) -> float:
    assert moment is not None
    return (moment - timezone.now()).total_seconds()


def change(mailbox: Mailbox, **values: Any) -> None:
    with enter(mailbox.tenant_id):
        Mailbox.objects.filter(pk=mailbox.pk).update(**values)


def raws(desk: Desk) -> list[bytes]:
    """What is stored, in the order in which it was."""
    with desk.entered():
        found = IncomingMessage.objects.select_related("raw").order_by("id")
        return [bytes_of(message) for message in found]


def bytes_of(message: IncomingMessage) -> bytes:
    with open_file(message.raw) as file:
        return file.read()


def letter(number: int, *, size: int = 0) -> bytes:
    lines = b"".join(b"%070d\r\n" % line for line in range(size // 72))
    return b"From: nora@new.example\r\nSubject: Letter %d\r\n\r\nHello %d\r\n" % (number, number) + lines


# ---- storing ----


def test_a_message_is_stored_as_it_came(desk: Desk, imap_server: ImapServer, mailbox: Mailbox) -> None:
    imap_server.append("INBOX", letter(1))
    look(mailbox)
    assert raws(desk) == [letter(1)]


def test_what_is_stored_says_where_it_came_from(desk: Desk, imap_server: ImapServer, mailbox: Mailbox) -> None:
    imap_server.append("INBOX", b"Return-Path: <Nora@New.example>\r\n" + letter(1))
    look(mailbox)
    with desk.entered():
        message = IncomingMessage.objects.get()
    assert (message.source, message.envelope_to, message.envelope_from) == (Source.IMAP, ADDRESS, "nora@new.example")


def test_what_is_stored_is_marked_as_read(desk: Desk, imap_server: ImapServer, mailbox: Mailbox) -> None:
    imap_server.fill([letter(1), letter(2)])
    look(mailbox)
    assert imap_server.flags() == [SEEN, SEEN]


def test_nothing_new_stores_nothing(imap_server: ImapServer, mailbox: Mailbox) -> None:
    imap_server.append("INBOX", letter(1))
    look(mailbox)
    assert look(mailbox).stored == 0


def test_only_what_is_new_is_stored_at_the_next_look(desk: Desk, imap_server: ImapServer, mailbox: Mailbox) -> None:
    imap_server.append("INBOX", letter(1))
    look(mailbox)
    imap_server.append("INBOX", letter(2))
    assert (look(mailbox).stored, raws(desk)) == (1, [letter(1), letter(2)])


def test_new_mail_that_somebody_has_read_first_is_stored_too(
    desk: Desk, imap_server: ImapServer, mailbox: Mailbox
) -> None:
    look(mailbox)
    imap_server.append("INBOX", letter(1), [b"\\Seen"])
    look(mailbox)
    assert raws(desk) == [letter(1)]


def test_what_somebody_has_deleted_is_left_alone(desk: Desk, imap_server: ImapServer, mailbox: Mailbox) -> None:
    imap_server.append("INBOX", letter(1), [b"\\Deleted"])
    look(mailbox)
    assert (raws(desk), imap_server.flags()) == ([], [{b"\\Deleted"}])


def test_a_message_that_lies_there_twice_is_stored_once(desk: Desk, imap_server: ImapServer, mailbox: Mailbox) -> None:
    imap_server.fill([letter(1), letter(1)])
    look(mailbox)
    assert raws(desk) == [letter(1)]


def test_another_folder(desk: Desk, imap_server: ImapServer, mailbox: Mailbox) -> None:
    name = "Заявки & запросы"
    with imap_server.client() as client:
        client.create_folder(name)
        client.append(name, letter(7))
    change(mailbox, folder=name)
    look(mailbox)
    assert raws(desk) == [letter(7)]


def test_what_is_stored_is_handed_over_in_groups(imap_server: ImapServer, mailbox: Mailbox) -> None:
    imap_server.fill(letter(number) for number in range(23))
    told: list[tuple[int, ...]] = []
    collect(mailbox.tenant_id, mailbox.pk, hand_over=lambda *ids: told.append(ids))
    assert [(ids[0], len(ids) - 1) for ids in told] == [(mailbox.tenant_id, number) for number in (10, 10, 3)]


def test_no_transaction_is_open_while_the_server_is_asked(
    committed_desk: Desk, imap_server: ImapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with committed_desk.entered():
        mailbox = made(imap_server.port)
    imap_server.append("INBOX", letter(1))
    asked: list[bool] = []
    real = imap.Connection._speaking

    def noting(self: imap.Connection) -> Any:
        asked.append(connection.in_atomic_block)
        return real(self)

    monkeypatch.setattr(imap.Connection, "_speaking", noting)
    look(mailbox)
    assert asked
    assert not any(asked)


# ---- only what is committed is touched ----


def test_when_storing_fails_nothing_is_marked(
    desk: Desk, imap_server: ImapServer, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    imap_server.fill([letter(1), letter(2)])
    monkeypatch.setattr(keeping, "store_all", _full_disk(after=1))
    look(mailbox)
    assert (imap_server.flags(), raws(desk)) == ([set(), set()], [])


def test_when_storing_fails_the_mailbox_says_so(
    imap_server: ImapServer, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    imap_server.append("INBOX", letter(1))
    monkeypatch.setattr(keeping, "store_all", _full_disk())
    look(mailbox)
    assert "No space left on device" in fresh(mailbox).error


def test_when_storing_works_again_nothing_is_missing(
    desk: Desk, imap_server: ImapServer, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    imap_server.fill([letter(1), letter(2)])
    with monkeypatch.context() as failing:
        failing.setattr(keeping, "store_all", _full_disk(after=1))
        look(mailbox)
    look(mailbox)
    assert (raws(desk), fresh(mailbox).error) == ([letter(1), letter(2)], "")


def test_a_failed_commit_marks_nothing(
    committed_desk: Desk, imap_server: ImapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last moment at which it can go wrong."""
    with committed_desk.entered():
        mailbox = made(imap_server.port)
    imap_server.append("INBOX", letter(1))
    real = collector.keep_all

    def kept_and_lost(*given: Any, **values: Any) -> Any:
        kept = real(*given, **values)
        with connection.cursor() as cursor:  # a constraint that is judged at the commit
            cursor.execute("CREATE TEMP TABLE late (id int UNIQUE DEFERRABLE INITIALLY DEFERRED) ON COMMIT DROP")
            cursor.execute("INSERT INTO late VALUES (1), (1)")
        return kept

    monkeypatch.setattr(collector, "keep_all", kept_and_lost)
    look(mailbox)
    assert (imap_server.flags(), raws(committed_desk)) == ([set()], [])


def test_killed_after_storing_and_before_marking_stores_nothing_twice(
    desk: Desk, imap_server: ImapServer, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    imap_server.append("INBOX", letter(1))
    with monkeypatch.context() as dying:
        dying.setattr(imap.Connection, "mark_seen", _dies)
        with pytest.raises(KeyboardInterrupt):
            look(mailbox)
    change(mailbox, held_until=timezone.now() - timedelta(seconds=1))
    look(mailbox)
    assert (raws(desk), imap_server.flags()) == ([letter(1)], [SEEN])


# ---- afterwards ----


def test_moved_when_stored(imap_server: ImapServer, mailbox: Mailbox) -> None:
    imap_server.fill([letter(1), letter(2)])
    change(mailbox, after_storing=AfterStoring.MOVE, move_to="Обработано")
    look(mailbox)
    assert (imap_server.count("INBOX"), imap_server.count("Обработано")) == (0, 2)


def test_moved_by_a_server_that_can_only_copy(
    imap_server: ImapServer, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    _without(monkeypatch, "MOVE")
    imap_server.append("INBOX", letter(1))
    change(mailbox, after_storing=AfterStoring.MOVE, move_to="Done")
    look(mailbox)
    assert (imap_server.count("INBOX"), imap_server.count("Done")) == (0, 1)


def test_deleted_when_stored(desk: Desk, imap_server: ImapServer, mailbox: Mailbox) -> None:
    imap_server.fill([letter(1), letter(2)])
    change(mailbox, after_storing=AfterStoring.DELETE)
    look(mailbox)
    assert (imap_server.count(), len(raws(desk))) == (0, 2)


def test_deleting_ours_leaves_what_others_have_marked_as_deleted(imap_server: ImapServer, mailbox: Mailbox) -> None:
    imap_server.append("INBOX", letter(1), [b"\\Deleted"])
    imap_server.append("INBOX", letter(2))
    change(mailbox, after_storing=AfterStoring.DELETE)
    look(mailbox)
    assert imap_server.flags() == [{b"\\Deleted"}]


def test_a_server_that_deletes_all_or_nothing_deletes_ours_when_it_is_all(
    imap_server: ImapServer, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    _without(monkeypatch, "UIDPLUS")
    imap_server.append("INBOX", letter(2))
    change(mailbox, after_storing=AfterStoring.DELETE)
    look(mailbox)
    assert imap_server.count() == 0


def test_a_server_that_deletes_all_or_nothing_does_not_delete_what_others_marked(
    imap_server: ImapServer, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    _without(monkeypatch, "UIDPLUS")
    imap_server.append("INBOX", letter(1), [b"\\Deleted"])
    imap_server.append("INBOX", letter(2))
    change(mailbox, after_storing=AfterStoring.DELETE)
    look(mailbox)
    assert imap_server.count() == 2


@pytest.fixture
def unmarkable(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A folder in which we may only read. Undoing it gives us the right."""

    def refuses(self: imap.Connection, uids: list[int]) -> None:
        raise imap.Refusal("this folder is read-only")

    monkeypatch.setattr(collector, "MOST_IN_BATCH", 1)
    monkeypatch.setattr(imap.Connection, "mark_seen", refuses)
    return monkeypatch


def test_what_cannot_be_marked_stops_nothing(
    desk: Desk, imap_server: ImapServer, mailbox: Mailbox, unmarkable: pytest.MonkeyPatch
) -> None:
    imap_server.fill([letter(1), letter(2)])
    look(mailbox)
    assert len(raws(desk)) == 2


def test_what_cannot_be_marked_is_said_until_something_can(
    imap_server: ImapServer, mailbox: Mailbox, unmarkable: pytest.MonkeyPatch
) -> None:
    imap_server.append("INBOX", letter(1))
    look(mailbox)
    look(mailbox)  # there is nothing to mark
    said = fresh(mailbox).error
    unmarkable.undo()
    imap_server.append("INBOX", letter(2))
    look(mailbox)
    assert ("read-only" in said, fresh(mailbox).error) == (True, "")


# ---- the first look ----


@pytest.fixture
def three(imap_server: ImapServer) -> ImapServer:
    """Read, unread, read."""
    for number, flags in ((1, [b"\\Seen"]), (2, []), (3, [b"\\Seen"])):
        imap_server.append("INBOX", letter(number), flags)
    return imap_server


@pytest.mark.parametrize(
    ("first_time", "numbers"), [(FirstTime.UNREAD, [2]), (FirstTime.ALL, [1, 2, 3]), (FirstTime.NONE, [])]
)
def test_what_is_taken_at_first(
    desk: Desk, three: ImapServer, mailbox: Mailbox, first_time: FirstTime, numbers: list[int]
) -> None:
    change(mailbox, first_time=first_time)
    look(mailbox)
    assert raws(desk) == [letter(number) for number in numbers]


@pytest.mark.parametrize("first_time", FirstTime)
def test_after_the_first_look_all_that_comes_is_taken(
    desk: Desk, three: ImapServer, mailbox: Mailbox, first_time: FirstTime
) -> None:
    change(mailbox, first_time=first_time)
    look(mailbox)
    three.append("INBOX", letter(4), [b"\\Seen"])
    look(mailbox)
    assert raws(desk)[-1] == letter(4)


def test_a_first_look_that_is_interrupted_goes_on_by_its_own_rule(
    desk: Desk, imap_server: ImapServer, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else what people had read long ago would become requests."""
    for number in range(4):
        imap_server.append("INBOX", letter(number), [b"\\Seen"] if number % 2 else [])
    monkeypatch.setattr(collector, "MOST_IN_BATCH", 1)
    monkeypatch.setattr(collector, "LONGEST_PASS", -1.0)  # each pass ends after its first batch
    first = collect(mailbox.tenant_id, mailbox.pk)
    assert first is not None
    assert first.more
    look(mailbox)
    assert raws(desk) == [letter(0), letter(2)]


# ---- the server numbers its messages anew ----


@pytest.fixture
def renumbered(imap_server: ImapServer, mailbox: Mailbox) -> Callable[..., None]:
    """renumbered((raw, flags), …): the folder as a restored backup has it, after a look at what was in it before."""
    with imap_server.client() as client:
        client.create_folder("Support")
        client.append("Support", letter(1))
        client.append("Support", letter(2))
    change(mailbox, folder="Support")
    look(mailbox)

    def anew(*messages: tuple[bytes, list[bytes]]) -> None:
        imap_server.renumber("Support", messages)
        look(mailbox)

    return anew


def test_renumbered_messages_are_not_stored_twice(desk: Desk, renumbered: Callable[..., None]) -> None:
    renumbered((letter(2), []), (letter(1), []))
    assert raws(desk) == [letter(1), letter(2)]


@pytest.mark.parametrize("flags", [[], [b"\\Seen"]], ids=["unread", "read by somebody"])
def test_what_came_while_a_folder_was_renumbered_is_not_lost(
    desk: Desk, renumbered: Callable[..., None], flags: list[bytes]
) -> None:
    renumbered((letter(3), flags), (letter(1), [b"\\Seen"]))
    assert raws(desk) == [letter(1), letter(2), letter(3)]


def test_after_renumbering_what_was_read_long_ago_is_left_alone(
    desk: Desk, imap_server: ImapServer, mailbox: Mailbox, renumbered: Callable[..., None]
) -> None:
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    imap_server.renumber("Support", [])
    imap_server.append("Support", letter(3), [b"\\Seen"], at=long_ago)
    imap_server.append("Support", letter(4), at=long_ago)
    look(mailbox)
    assert raws(desk)[2:] == [letter(4)]


def test_after_renumbering_all_that_comes_is_taken(
    desk: Desk, imap_server: ImapServer, mailbox: Mailbox, renumbered: Callable[..., None]
) -> None:
    renumbered()
    imap_server.append("Support", letter(3), [b"\\Seen"])
    look(mailbox)
    assert raws(desk)[2:] == [letter(3)]


# ---- what the server does not give ----


@pytest.fixture
def line(imap_server: ImapServer, desk: Desk) -> Iterator[TcpProxy]:
    with TcpProxy(imap_server.port) as proxy:
        yield proxy


@pytest.fixture
def through(line: TcpProxy, desk: Desk) -> Mailbox:
    """A mailbox behind a line that can be cut."""
    with desk.entered():
        return made(line.port)


def test_a_message_that_is_refused_stops_none_behind_it(
    desk: Desk, imap_server: ImapServer, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    imap_server.fill(letter(number) for number in range(1, 6))
    _refuses(monkeypatch, 3)
    look(mailbox)
    assert raws(desk) == [letter(number) for number in (1, 2, 4, 5)]


def test_a_message_that_is_refused_is_listed_and_not_marked(
    imap_server: ImapServer, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    imap_server.fill([letter(1), letter(2)])
    uid = _refuses(monkeypatch, 1)
    look(mailbox)
    assert (list(fresh(mailbox).troubles), imap_server.flags()) == ([str(uid(imap_server))], [set(), SEEN])


def test_a_message_that_is_refused_is_tried_three_times(
    imap_server: ImapServer, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    imap_server.append("INBOX", letter(1))
    monkeypatch.setattr(collector, "ASK_AGAIN", (0, 0))
    _refuses(monkeypatch, 1)
    for _ in range(5):
        look(mailbox)
    assert [one["tries"] for one in fresh(mailbox).troubles.values()] == [3]


def test_between_the_tries_the_server_has_some_minutes(
    imap_server: ImapServer, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    imap_server.append("INBOX", letter(1))
    _refuses(monkeypatch, 1)
    look(mailbox)
    look(mailbox)
    assert [one["tries"] for one in fresh(mailbox).troubles.values()] == [1]


def test_a_server_that_gives_nothing_at_all_is_not_well(
    imap_server: ImapServer, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    imap_server.fill(letter(number) for number in range(8))
    monkeypatch.setattr(collector, "MOST_IN_A_ROW", 3)
    monkeypatch.setattr(imap.Connection, "fetch", _unwell)
    monkeypatch.setattr(imap.Connection, "fetch_on", _unwell)
    look(mailbox)
    row = fresh(mailbox)
    assert (len(row.troubles), "does not give its messages" in row.error) == (3, True)


def test_the_list_of_troubles_has_an_end(
    imap_server: ImapServer, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    imap_server.fill(letter(number) for number in range(8))
    monkeypatch.setattr(collector, "MOST_TROUBLES", 3)
    monkeypatch.setattr(imap.Connection, "fetch", _unwell)
    monkeypatch.setattr(imap.Connection, "fetch_on", _unwell)
    look(mailbox)
    look(mailbox)
    assert len(fresh(mailbox).troubles) == 3


def test_a_message_that_is_given_at_last_is_stored_and_no_trouble_any_more(
    desk: Desk, imap_server: ImapServer, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    imap_server.append("INBOX", letter(1))
    monkeypatch.setattr(collector, "ASK_AGAIN", (0, 0))
    with monkeypatch.context() as refusing:
        _refuses(refusing, 1)
        collect(mailbox.tenant_id, mailbox.pk)
    look(mailbox)
    assert (raws(desk), fresh(mailbox).troubles) == ([letter(1)], {})


def test_somebody_can_have_it_tried_again(
    desk: Desk, imap_server: ImapServer, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    imap_server.append("INBOX", letter(1))
    with monkeypatch.context() as refusing:
        refusing.setattr(collector, "ASK_AGAIN", (0, 0))
        _refuses(refusing, 1)
        for _ in range(4):
            look(mailbox)
    with desk.entered():
        try_troubles_again(fresh(mailbox), by=desk.manager)
    look(mailbox)
    assert raws(desk) == [letter(1)]


def test_a_trouble_that_somebody_has_removed_is_none(
    imap_server: ImapServer, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    imap_server.append("INBOX", letter(1))
    with monkeypatch.context() as refusing:
        _refuses(refusing, 1)
        collect(mailbox.tenant_id, mailbox.pk)
    imap_server.empty()
    look(mailbox)
    assert fresh(mailbox).troubles == {}


def test_a_message_that_breaks_every_connection_stops_none_behind_it(
    desk: Desk, imap_server: ImapServer, line: TcpProxy, through: Mailbox
) -> None:
    imap_server.fill(letter(number) for number in range(1, 6))
    uids = imap_server.uids()
    line.cuts = 99
    # The server dies of the third, alone or among others.
    line.dies_of = lambda said: b"BODY" in said and (b"%d" % uids[2] in said or b"1:5" in said)
    for _ in range(3):
        collect(through.tenant_id, through.pk)
    assert set(raws(desk)) == {letter(number) for number in (1, 2, 4, 5)}


def test_a_message_that_takes_the_whole_server_down_stops_none_behind_it(
    desk: Desk, imap_server: ImapServer, line: TcpProxy, through: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    imap_server.fill(letter(number) for number in range(1, 4))
    monkeypatch.setattr(collector, "MOST_IN_BATCH", 1)
    first, touched = imap_server.uids()[0], []

    def dies_of(said: bytes) -> bool:
        if b"BODY" not in said or b" %d " % first not in said:
            return False
        touched.append(said)
        line.is_down = len(touched) > 1  # who comes back once is still let in
        return True

    line.dies_of, line.cuts = dies_of, 99
    for _ in range(2):
        collect(through.tenant_id, through.pk)
        line.is_down = False
    assert raws(desk) == [letter(2), letter(3)]


def test_a_connection_that_breaks_once_is_taken_up_within_the_pass(
    desk: Desk, imap_server: ImapServer, line: TcpProxy, through: Mailbox
) -> None:
    imap_server.fill(letter(number, size=50_000) for number in range(20))
    line.cut_after, line.cuts = 500_000, 1
    look(through)
    assert (len(raws(desk)), line.connections > 1, fresh(through).error) == (20, True, "")


def test_a_connection_reset_in_the_middle_of_a_large_message_goes_on_where_it_broke(
    desk: Desk, imap_server: ImapServer, line: TcpProxy, through: Mailbox
) -> None:
    large = letter(1, size=12_000_000)
    imap_server.append("INBOX", large)
    line.cut_after, line.cuts = 5_000_000, 2
    look(through)
    assert (raws(desk) == [large], line.connections) == (True, 4)  # two cuts, and the look after the first


def test_a_line_that_is_dead_ends_the_pass_and_marks_nothing(
    desk: Desk, imap_server: ImapServer, line: TcpProxy, through: Mailbox
) -> None:
    imap_server.append("INBOX", letter(1))
    line.cut_after, line.cuts = 0, 99
    look(through)
    assert (raws(desk), imap_server.flags(), fresh(through).error != "") == ([], [set()], True)


# ---- large ones ----


def test_a_message_that_is_too_large_is_kept_as_its_beginning(
    desk: Desk, imap_server: ImapServer, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collector, "SMALL", 100_000)
    monkeypatch.setattr(collector, "LARGEST_MESSAGE", 200_000)
    large = letter(1, size=300_000)
    imap_server.append("INBOX", large)
    look(mailbox)
    with desk.entered():
        assert IncomingMessage.objects.get().is_cut
    assert raws(desk) == [large[:100_000]]


def test_a_large_message_that_is_not_too_large_is_kept_whole(
    desk: Desk, imap_server: ImapServer, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collector, "SMALL", 100_000)
    large = letter(1, size=3_000_000)
    imap_server.fill([letter(0), large, letter(2)])
    look(mailbox)
    assert raws(desk) == [letter(0), large, letter(2)]


def test_a_message_of_20_mb_is_stored_in_flat_memory(desk: Desk, imap_server: ImapServer, mailbox: Mailbox) -> None:
    large = letter(1, size=20_000_000)
    imap_server.append("INBOX", large)
    tracemalloc.start()
    try:
        look(mailbox)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8_000_000
    assert raws(desk) == [large]


# ---- when it does not work ----


def test_a_wrong_password_is_an_error_on_the_mailbox(imap_server: ImapServer, mailbox: Mailbox, desk: Desk) -> None:
    with desk.entered():
        change(mailbox, password=seal("wrong"))
    look(mailbox)
    row = fresh(mailbox)
    assert ("log-in" in row.error, row.failing_since is not None, "wrong" in row.error) == (True, True, False)


@pytest.mark.parametrize(
    ("failing_minutes", "wait"),
    [(None, 0.25), (0.3, 0.5), (1, 1), (2, 2), (4, 5), (600, 10)],
    ids=lambda value: str(value),
)
def test_a_mailbox_that_fails_is_left_in_peace_ever_longer(
    imap_server: ImapServer, mailbox: Mailbox, failing_minutes: float | None, wait: float
) -> None:
    since = timezone.now() - timedelta(minutes=failing_minutes) if failing_minutes else None
    change(mailbox, host="127.0.0.2", failing_since=since)
    look(mailbox)
    left = seconds_until(fresh(mailbox).next_look_at)
    assert wait * 60 - 10 < left < wait * 60


def test_since_when_it_fails_is_kept(imap_server: ImapServer, mailbox: Mailbox) -> None:
    since = timezone.now() - timedelta(hours=3)
    change(mailbox, host="127.0.0.2", failing_since=since)
    look(mailbox)
    assert fresh(mailbox).failing_since == since


def test_when_it_works_again_the_error_is_gone(imap_server: ImapServer, mailbox: Mailbox) -> None:
    change(mailbox, error="it did not", failing_since=timezone.now())
    look(mailbox)
    row = fresh(mailbox)
    assert (row.error, row.failing_since, row.held_until, row.has_idle) == ("", None, None, True)


def test_after_a_look_the_next_is_in_a_minute(imap_server: ImapServer, mailbox: Mailbox) -> None:
    look(mailbox)
    row = fresh(mailbox)
    assert 30 < seconds_until(row.next_look_at) <= 60
    assert -30 < seconds_until(row.last_ok_at) <= 0


def test_a_private_address_is_refused(mailbox: Mailbox, settings: Any) -> None:
    settings.PRIVATE_HOSTS_ALLOWED = []
    look(mailbox)
    assert "PRIVATE_HOSTS_ALLOWED" in fresh(mailbox).error


def test_a_lost_key_is_said(mailbox: Mailbox) -> None:
    change(mailbox, password="sealed by nobody")
    look(mailbox)
    assert "secret key" in fresh(mailbox).error


def test_start_over_looks_as_at_first(desk: Desk, three: ImapServer, mailbox: Mailbox) -> None:
    look(mailbox)
    with desk.entered():
        row = fresh(mailbox)
        row.first_time = FirstTime.ALL
        row.save(update_fields=["first_time"])
        start_over(row)
    look(mailbox)
    assert sorted(raws(desk)) == [letter(1), letter(2), letter(3)]


# ---- who collects ----


def test_a_mailbox_that_somebody_holds_is_left_to_them(imap_server: ImapServer, mailbox: Mailbox) -> None:
    change(mailbox, held_until=timezone.now() + timedelta(seconds=30))
    assert collect(mailbox.tenant_id, mailbox.pk) is None


def test_a_mailbox_that_a_dead_collector_held_is_collected(imap_server: ImapServer, mailbox: Mailbox) -> None:
    change(mailbox, held_until=timezone.now() - timedelta(seconds=1))
    assert look(mailbox).error == ""


def test_who_was_too_slow_stops(imap_server: ImapServer, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    imap_server.fill([letter(1), letter(2)])
    monkeypatch.setattr(collector, "MOST_IN_BATCH", 1)
    other = timezone.now() + timedelta(seconds=100)
    real = imap.Connection.mark_seen

    def meanwhile(self: imap.Connection, uids: list[int]) -> None:
        real(self, uids)
        change(mailbox, held_until=other)

    monkeypatch.setattr(imap.Connection, "mark_seen", meanwhile)
    done = collect(mailbox.tenant_id, mailbox.pk)
    assert (done.stored, fresh(mailbox).held_until) == (1, other)


@pytest.mark.parametrize("values", [{"is_active": False}, {"way": Way.LISTENER}], ids=str)
def test_what_is_not_to_be_collected_is_not(imap_server: ImapServer, mailbox: Mailbox, values: dict[str, Any]) -> None:
    change(mailbox, **values)
    assert collect(mailbox.tenant_id, mailbox.pk) is None


def test_an_outsider_collects_nothing(desk: Desk, rival: Desk, imap_server: ImapServer, mailbox: Mailbox) -> None:
    imap_server.append("INBOX", letter(1))
    assert (collect(rival.id, mailbox.pk), imap_server.flags()) == (None, [set()])


@pytest.mark.slow
def test_four_at_once_store_a_thousand_once(committed_desk: Desk, imap_server: ImapServer) -> None:
    with committed_desk.entered():
        mailbox = made(imap_server.port)
    imap_server.fill(letter(number) for number in range(1_000))
    together(*[lambda: collect(mailbox.tenant_id, mailbox.pk)] * 4)
    look(mailbox)
    assert sorted(raws(committed_desk)) == sorted(letter(number) for number in range(1_000))


@pytest.mark.slow
def test_four_that_do_not_know_of_each_other_store_a_thousand_once(
    committed_desk: Desk, imap_server: ImapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing depends on who holds the mailbox: here everybody believes to."""
    with committed_desk.entered():
        mailbox = made(imap_server.port)
    imap_server.fill(letter(number) for number in range(1_000))
    monkeypatch.setattr(collector, "_take", lambda mailbox_id: True)
    monkeypatch.setattr(collector._Pass, "_save", lambda self, **values: None)
    together(*[lambda: collect(mailbox.tenant_id, mailbox.pk)] * 4)
    assert sorted(raws(committed_desk)) == sorted(letter(number) for number in range(1_000))
    assert imap_server.flags() == [SEEN] * 1_000


# ---- bad ones ----

BAD: list[Callable[[int], bytes]] = [
    lambda n: b"Subject: %d\r\nContent-Type: text/plain; charset=ansi_x3.110-1983\r\n\r\n\xe4\xf6\xfc" % n,
    lambda n: b"Subject: %d\r\nContent-Type: text/plain; charset=no-such-thing\r\n\r\n\xff\xfe%d" % (n, n),
    lambda n: b'Subject: =?utf-8?b?%d=====?=\r\nFrom: "\r\nMessage-ID: <>\r\nTo: g: h: i@j.k;;\r\n\r\nx' % n,
    lambda n: b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n--x\r\n--y\r\n--x--%d' % n,
    lambda n: b"\xff" * (n + 1),
    lambda n: b"Subject: =?utf-8?q?=00=0D=0A?= %d\r\nReturn-Path: <\xff@\xfe>\r\n\r\n" % n,
]


@pytest.mark.slow
def test_a_thousand_good_ones_behind_75_bad_ones_are_stored_in_one_pass(
    desk: Desk, imap_server: ImapServer, mailbox: Mailbox
) -> None:
    bad = [BAD[number % len(BAD)](number) for number in range(75)]
    good = [letter(number) for number in range(1_000)]
    imap_server.fill([*bad, *good])
    done = collect(mailbox.tenant_id, mailbox.pk)
    assert (done.stored, done.error) == (1_075, "")
    assert set(good) <= set(raws(desk))


@pytest.mark.parametrize("number", range(len(BAD)))
def test_whatever_is_in_a_message_its_bytes_are_stored(
    desk: Desk, imap_server: ImapServer, mailbox: Mailbox, number: int
) -> None:
    imap_server.fill([BAD[number](number), letter(1)])
    look(mailbox)
    assert raws(desk) == [BAD[number](number), letter(1)]


# ---- the sender ----


@pytest.mark.parametrize(
    ("head", "address"),
    [
        (b"Return-Path: <nora@new.example>\r\nSubject: x", "nora@new.example"),
        (b"RETURN-PATH: nora@new.example\nSubject: x", "nora@new.example"),
        (b"Received: x\r\nReturn-Path:<nora@new.example>\r\nReturn-Path: <old@new.example>", "nora@new.example"),
        (b"Return-Path: <>\r\nSubject: x", ""),
        (b"Subject: x", ""),
        (b"Subject: x\r\n\r\nReturn-Path: <nora@new.example>", ""),
        (b"Return-Path: <\xff@new.example>", ""),
        (b"Return-Path: <a b@new.example>", ""),
        (b"Return-Path: <nora@new.example\x00>", ""),
        (b"X-Return-Path: <nora@new.example>", ""),
    ],
)
def test_the_sender_is_what_the_last_server_wrote(head: bytes, address: str) -> None:
    assert return_path(BytesIO(head)) == address


# ---- the jobs ----


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[int, ...]]]:
    handed: list[tuple[str, tuple[int, ...]]] = []
    monkeypatch.setattr(tasks, "enqueue", lambda task, *ids: handed.append((task.name.rpartition(".")[2], ids)))
    return handed


def test_what_is_due_is_handed_out_once(mailbox: Mailbox, queue: list[Any]) -> None:
    change(mailbox, next_look_at=timezone.now() - timedelta(seconds=1))
    tasks.collect_due_mailboxes()
    tasks.collect_due_mailboxes()
    assert queue == [("collect_mailbox", (mailbox.tenant_id, mailbox.pk))]


def test_what_is_not_due_is_not_handed_out(mailbox: Mailbox, queue: list[Any]) -> None:
    change(mailbox, next_look_at=timezone.now() + timedelta(seconds=60))
    tasks.collect_due_mailboxes()
    assert queue == []


def test_what_was_collected_goes_on_to_be_processed(
    desk: Desk, imap_server: ImapServer, mailbox: Mailbox, queue: list[Any]
) -> None:
    imap_server.append("INBOX", letter(1))
    tasks.collect_mailbox(mailbox.tenant_id, mailbox.pk)
    with desk.entered():
        message = IncomingMessage.objects.get()
    assert ("process_incoming", (mailbox.tenant_id, message.pk)) in queue


def test_what_is_left_is_collected_at_once(
    imap_server: ImapServer, mailbox: Mailbox, queue: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    look(mailbox)
    monkeypatch.setattr(collector, "MOST_IN_BATCH", 1)
    monkeypatch.setattr(collector, "LONGEST_PASS", -1.0)
    imap_server.fill([letter(1), letter(2)])
    tasks.collect_mailbox(mailbox.tenant_id, mailbox.pk)
    assert queue[-1] == ("collect_mailbox", (mailbox.tenant_id, mailbox.pk))


# ---- hands ----


def _full_disk(after: int = 0) -> Any:
    """Stores so many and then no more."""
    real = keeping.store_all

    def store_all(contents: Iterable[IO[bytes]], **values: Any) -> Any:
        real(islice(contents, after), **values)
        raise OSError(28, "No space left on device")

    return store_all


def _dies(*given: Any) -> None:
    raise KeyboardInterrupt


def _unwell(*given: Any) -> Any:
    raise imap.Refusal("[UNAVAILABLE] Try again later")


def _without(monkeypatch: pytest.MonkeyPatch, *capabilities: str) -> None:
    real = imap._Client.has_capability
    monkeypatch.setattr(imap._Client, "has_capability", lambda self, one: one not in capabilities and real(self, one))


def _refuses(monkeypatch: pytest.MonkeyPatch, place: int) -> Callable[[ImapServer], int]:
    """The server gives everything but the message at this place of the folder; afterwards its UID can be asked for."""
    real = imap._Client.fetch

    def fetch(self: Any, uids: list[int], data: list[str], modifiers: Any = None) -> Any:
        refused = sorted(self.search("ALL"))[place - 1]
        if refused in uids and any(item.startswith("BODY") for item in data):
            raise imap.imaplib.IMAP4.error("fetch failed: [SERVERBUG] Internal error occurred")
        return real(self, uids, data, modifiers)

    monkeypatch.setattr(imap._Client, "fetch", fetch)
    return lambda server: server.uids()[place - 1]
