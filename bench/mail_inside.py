"""What the mail benchmarks do inside Django (bench/inside.py): the mailbox, the hand-over, what one message costs."""

import cProfile
import email
import email.policy
import io
import statistics
import time
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.hosts import active_tenant_ids
from accounts.models import Person, Tenant
from accounts.sealed import seal
from accounts.tenancy import current_tenant_id, enter
from bench import mail_letters
from bench.counting import is_query, recorded
from bench.mail_desk import HOST, NO_LIMIT
from bench.mail_letters import Letter
from bench.mail_samples import default_folder
from bench.pages import measured_desk
from tests.imap_server import ADDRESS, PASSWORD
from tickets.mail.intake import process
from tickets.mail.keeping import keep
from tickets.mail.parse import parse
from tickets.models.mailboxes import FirstTime, Mailbox, Security, Way
from tickets.tasks import collect_mailbox

WARM_UP, ROUNDS = 10, 60
PARSER_ROUNDS = 5


def mail_box(port: str) -> int:
    """Set up the measured desk's mailbox at the server of that port; its id."""
    with measured_desk():
        Tenant.objects.update(mail_hourly_limit=NO_LIMIT)
        return _collected(port).pk


def mail_faults(port: str) -> None:
    """The only desk gets a second mailbox, at the server of that port, and somebody who works there."""
    (tenant_id,) = active_tenant_ids()
    with enter(tenant_id):
        Person.objects.create(name="Agent", email=f"agent@{HOST}", is_agent=True, is_verified=True)
        Mailbox.objects.filter(pk=_collected(port).pk).update(next_look_at=timezone.now())


def _collected(port: str) -> Mailbox:
    return Mailbox.objects.create(
        address=ADDRESS,
        way=Way.IMAP,
        host="127.0.0.1",
        port=int(port),
        security=Security.NONE,
        username=ADDRESS,
        password=seal(PASSWORD),
        first_time=FirstTime.ALL,
    )


def mail_collect(mailbox: str) -> float:
    """Hand the mailbox to the worker; the moment just before that, in seconds since 1970."""
    with measured_desk():
        tenant = current_tenant_id()
    now = time.time()
    collect_mailbox.delay(tenant, int(mailbox))
    return now


# ---- what one message costs ----


def mail_costs(mailbox: str) -> list[dict[str, Any]]:
    """Per step the most queries, the median of its SQL and of all its time in milliseconds; all is rolled back."""
    taken: dict[str, list[tuple[int, float, float]]] = {}
    for number in range(WARM_UP + ROUNDS):
        if number == WARM_UP:
            taken.clear()
        with measured_desk():
            _one_life(taken, number, int(mailbox))
            transaction.set_rollback(True)
    return [
        {
            "verb": step,
            "queries": max(queries for queries, _, _ in rounds),
            "sql_ms": statistics.median(sql for _, sql, _ in rounds),
            "ms": statistics.median(took for _, _, took in rounds),
        }
        for step, rounds in taken.items()
    ]


def _one_life(taken: dict[str, list[tuple[int, float, float]]], number: int, mailbox: int) -> None:
    def step(name: str, deed: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        with recorded() as statements:
            result = deed()
        took = 1000 * (time.perf_counter() - began)
        queries = sum(is_query(sql) for sql, _, _ in statements.seen)
        sql_ms = 1000 * sum(seconds for _, _, seconds in statements.seen)
        taken.setdefault(name, []).append((queries, sql_ms, took))
        return result

    def kept(one: Letter) -> Any:
        return keep(io.BytesIO(one.raw), mailbox_id=mailbox, envelope_to=ADDRESS, envelope_from=one.sender)

    asked = mail_letters.letter(number, run="cost", to=ADDRESS)
    answer = mail_letters.letter(number + 1_000_000, run="cost", answers=asked, to=ADDRESS)
    message = step("keep", lambda: kept(asked))
    step("process a new request", lambda: process(message.pk))
    reply = kept(answer)
    step("process a reply", lambda: process(reply.pk))


# ---- the parser beside the standard library's ----


def mail_parser() -> dict[str, Any]:
    """Seconds of both for the same messages, round by round in turns, and how many messages these were."""
    raws = _samples()
    rounds = []
    for _ in range(PARSER_ROUNDS + 1):
        rounds.append((_timed(parse, raws), _timed(_read_by_library, raws)))
    ours, theirs = zip(*rounds[1:], strict=True)  # the first warms up
    ratios = [library / own for own, library in rounds[1:]]
    return {
        "messages": len(raws),
        "bytes": sum(map(len, raws)),
        "ours": statistics.median(ours),
        "library": statistics.median(theirs),
        "ratio": statistics.median(ratios),
        "lowest": min(ratios),
        "highest": max(ratios),
    }


def _samples() -> list[bytes]:
    folder = default_folder()
    files = [path for path in folder.rglob("*") if path.suffix == ".eml"] if (folder / "MANIFEST.tsv").exists() else []
    return [path.read_bytes() for path in sorted(files)] or 25 * mail_letters.various()


def _timed(read: Callable[[bytes], object], raws: list[bytes]) -> float:
    began = time.process_time()
    for raw in raws:
        read(raw)
    return time.process_time() - began


def _read_by_library(raw: bytes) -> int:
    """The tree, and the bytes of every part."""
    message = email.message_from_bytes(raw, policy=email.policy.compat32)
    return sum(len(part.get_payload(decode=True) or b"") for part in message.walk())


# ---- where the time goes ----


def mail_profile(mailbox: str, number: str, into: str) -> dict[str, float]:
    """So many messages kept and processed in this process, with a profile written to a file unless `into` is empty.

    Milliseconds of one message: of the processor in this process, and by the clock.
    """
    letters = list(mail_letters.letters(int(number), run="profiled" if into else "timed", to=ADDRESS))
    profile, began, started = cProfile.Profile(time.process_time), time.process_time(), time.perf_counter()
    if into:
        profile.enable()
    for one in letters:
        with measured_desk():
            made = keep(io.BytesIO(one.raw), mailbox_id=int(mailbox), envelope_to=ADDRESS, envelope_from=one.sender)
        with measured_desk():
            process(made.pk)
    each = 1000 / len(letters)
    taken = {"cpu_ms": each * (time.process_time() - began), "ms": each * (time.perf_counter() - started)}
    if into:
        profile.disable()
        profile.dump_stats(into)
    return taken
