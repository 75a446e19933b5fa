"""Bytes that nobody would send, against all that reads mail without a database: found by which code they reach.

A case is a message that something was not caught for, that needed the parser's own net, that gives a text which must
not be stored, or that takes more than two seconds of the processor. Cases are kept in var/fuzz/.
"""

import argparse
import hashlib
import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import mail_letters
from bench.databases import CHECKOUT
from bench.report import table

if TYPE_CHECKING:
    from tickets.mail.parse import ParsedMessage

FOUND = CHECKOUT / "var" / "fuzz"
SECONDS_OF_ONE = 2.0  # of the processor
LONGEST, LARGEST_OF_CORPUS = 30_000, 30_000  # bytes
MOST_OF_ONE_KIND = 5
# What stands in messages and is hard to meet by chance.
_WORDS = (
    "From: |To: |Cc: |Reply-To: |Subject: |Date: |Message-ID: <|In-Reply-To: <|References: <|Return-Path: <>|"
    "Content-Type: |Content-Transfer-Encoding: |Content-Disposition: |Content-ID: <|MIME-Version: 1.0|"
    "Auto-Submitted: auto-replied|Precedence: bulk|List-Id: <|Authentication-Results: |X-Failed-Recipients: |"
    "multipart/mixed|multipart/alternative|multipart/related|multipart/report|multipart/digest|message/rfc822|"
    "message/delivery-status|text/plain|text/html|text/calendar|application/pdf|image/png|; boundary=|; charset=|"
    "; format=flowed|; delsp=yes|; name=|; filename=|filename*0*=utf-8''|filename*1=|report-type=|base64|"
    "quoted-printable|7bit|8bit|uuencode|utf-8|utf-7|utf-16|utf-32|iso-2022-jp|iso-8859-1|windows-1257|koi8-r|"
    "gb18030|hz|punycode|idna|=?utf-8?b?|=?utf-8?q?|?=|=?iso-2022-jp?B?|+2AA-|--|\\x0d\\x0a\\x0d\\x0a|\\x0a\\x0a|"
    "<html>|<body>|<blockquote>|</blockquote>|<a href=\\x22|<img src=cid:|<table><tr><td>|<!--|-->|<script>|<style>|"
    "<svg>|<pre>|<ul><li>|<font color=|&#x|&amp;|&#0;|&#13;|&#10;|&#xd800;|&#133;|&nbsp;|cid:|> |>> |-- |"
    "On Mon, 5 May 2025 at 10:15, A <a@b.lv> wrote:|-----Original Message-----|"
    "________________________________|Action: failed|Status: 5.1.1|"
    "Diagnostic-Code: smtp; 550 |Final-Recipient: rfc822; |undefined:;|(comment (nested)|\\x22quoted\\x22 <a@b.lv>|"
    "\\xff|\\x00|\\xed\\xa0\\x80|\\xe2\\x80\\xae|\\xef\\xbb\\xbf"
)
WORDS = _WORDS.split("|")


# ---- what must be true of every message ----


def complaints(raw: bytes) -> list[str]:
    """What is wrong with how a message is read; nothing, whatever its bytes are. Raises what nobody catches."""
    from tickets.mail.automatic import classify
    from tickets.mail.parse import parse, reply_text

    parsed = parse(raw)
    wrong = sorted(set(unsafe(parsed)))
    classify(parsed, instances=["abc"])
    written, quoted = reply_text(parsed.text)
    if Counter(f"{written}\n{quoted}".split()) != Counter(parsed.text.split()):
        wrong.append("words of the text are lost")
    read_as_bounce(parsed)
    return wrong


def read_as_bounce(parsed: "ParsedMessage") -> None:
    """All of it but the letter that it speaks of."""
    from tickets.mail import bounces

    parts = [parsed.text.encode("utf_8", "replace")[: bounces.MOST_SEARCHED], *bounces._first_bytes(parsed)]
    reports = b"\n".join(parts)
    bounces._is_permanent(reports, parsed.text)
    bounces._words(reports, parsed.text)


def unsafe(parsed: "ParsedMessage") -> Iterator[str]:
    """What may not be stored, or put into a header of ours, by the name of its place."""
    if "unreadable" in parsed.problems:
        yield f"unreadable: {parsed.problems[-1]}"
    for place, line, longest in lines_of(parsed):
        if set(line) & {"\r", "\n"}:
            yield f"more than one line: {place}"
        yield from _unstorable(place, line, longest)
    for place, text, longest in (("text", parsed.text, 1_002_000), ("html", parsed.html, 2_000_000)):
        if "\r" in text:
            yield f"CR: {place}"
        yield from _unstorable(place, text, longest)


def _unstorable(place: str, text: str, longest: int) -> Iterator[str]:
    if len(text) > longest:
        yield f"too long: {place}"
    if "\0" in text:
        yield f"NUL: {place}"
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        yield f"half a character: {place}"


def lines_of(parsed: "ParsedMessage") -> Iterator[tuple[str, str, int]]:
    """(where, text, most characters) of what stands on one line."""
    yield "subject", parsed.subject, 500
    yield "content type", parsed.content_type, 200
    for one in (parsed.message_id, parsed.in_reply_to, *parsed.references):
        yield "id", one, 500
    pairs = (*parsed.senders, *parsed.to, *parsed.cc, *parsed.reply_to, (parsed.from_name, parsed.from_address))
    for name, address in pairs:
        yield "name", name, 200
        yield "address", address, 254
    for name, value in parsed.headers:
        yield "header name", name, 200
        yield "header", value, 65_600
    for file in parsed.attachments:
        yield "file name", file.name, 255
        yield "file type", file.content_type, 200
        yield "content id", file.content_id, 200
    for one in (*parsed.dropped, *parsed.problems):
        yield "problem", one, 500


# ---- the run: an ordinary process that starts, watches and judges the one that is full of counters ----


def run(minutes: float) -> tuple[str, bool]:
    """A table, and whether there was no case. `minutes` are the processor's."""
    if importlib.util.find_spec("atheris") is None:
        return "The package atheris is not installed here: it exists for Linux on x86-64 only.", False
    FOUND.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus = folder / "corpus"
        seeds = fill(corpus)
        (folder / "words").write_text("".join(f'"{word}"\n' for word in WORDS))
        seconds, executions, cases = fuzz(folder, 60 * minutes)
    real = [case for case in cases if is_still_one(case)]
    rows = [[str(seeds), f"{executions:,}", f"{seconds / 60:.1f}", str(len(real))]]
    words = [table(["messages to begin with", "messages tried", "minutes of the processor", "cases"], rows)]
    words += [f"- {case}: {(FOUND / case).with_suffix('.txt').read_text().splitlines()[0]}" for case in real]
    return "\n".join(words), not real


def fill(corpus: Path) -> int:
    # Not at the top: what is imported before the counters are put in has none.
    from bench.mail_samples import default_folder

    corpus.mkdir()
    folder = default_folder()
    samples = [path.read_bytes() for path in folder.rglob("*") if path.suffix in (".eml", ".txt") and path.is_file()]
    raws = {raw for raw in samples if len(raw) <= LARGEST_OF_CORPUS} or set(mail_letters.various())
    for raw in raws:
        (corpus / hashlib.sha256(raw).hexdigest()[:16]).write_bytes(raw)
    return len(raws)


def fuzz(folder: Path, seconds: float) -> tuple[float, int, list[str]]:
    """(seconds of the processor, messages tried, names of cases). A process that dies is begun again, as a case."""
    spent, tried, cases = 0.0, 0, set[str]()
    while spent < seconds:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, "-m", "bench.mail_fuzz", str(folder), str(seconds - spent)],
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            stderr=(folder / "log").open("ab"),
            check=False,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent += max(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1.0)
        told = json.loads(done.stdout.splitlines()[-1]) if done.stdout and not done.returncode else {}
        tried += told.get("tried", 0)
        cases |= {*told.get("cases", []), *(path.name for path in FOUND.glob("crash-*") if not path.suffix)}
        if not told and spent < 60:
            sys.exit(f"bench: the fuzzer does not start.\n{(folder / 'log').read_text(errors='replace')[-2000:]}")
    return spent, tried, sorted(cases)


def is_still_one(case: str) -> bool:
    """Without the counters, which make everything slower."""
    command = [sys.executable, "-m", "bench.mail_fuzz", "--judge", str(FOUND / case)]
    return subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.DEVNULL, check=False).returncode != 0


def judge(path: Path) -> int:
    """1 when the message is a case; what is wrong goes to a file beside it."""
    wrong = judged(path.read_bytes(), complaints)
    path.with_suffix(".txt").write_text("\n".join(wrong) + "\n")
    print("\n".join(wrong) or "no case")
    return 1 if wrong else 0


def judged(raw: bytes, ask: Callable[[bytes], list[str]]) -> list[str]:
    began = time.process_time()
    try:
        wrong = ask(raw)
    except Exception as error:  # that is what we look for
        last = traceback.extract_tb(error.__traceback__)[-1]
        wrong = [f"{type(error).__name__} in {Path(last.filename).name}:{last.lineno}: {error}"[:300]]
    took = time.process_time() - began
    return [*wrong, *([f"slow: {took:.1f} s"] if took > SECONDS_OF_ONE else [])]


# ---- the process full of counters ----


@dataclass
class Hunt:
    """Keeps each kind of case a few times, and goes on until its time is over."""

    until: float
    tried: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    cases: list[str] = field(default_factory=list)

    def try_one(self, raw: bytes) -> None:
        self.tried += 1
        for wrong in judged(raw, complaints):
            self._keep(raw, wrong)
        if time.process_time() > self.until:
            # The fuzzer would call it a crash if we returned in another way.
            print(json.dumps({"tried": self.tried, "cases": sorted(set(self.cases))}), flush=True)
            os._exit(0)

    def _keep(self, raw: bytes, wrong: str) -> None:
        kind = wrong.partition(":")[0] if wrong.startswith("slow") else wrong.partition(": ")[0] + wrong[-20:]
        self.kinds[kind] += 1
        if self.kinds[kind] <= MOST_OF_ONE_KIND:
            name = hashlib.sha256(raw).hexdigest()[:16]
            (FOUND / name).write_bytes(raw)
            self.cases.append(name)


def hunt(folder: Path, seconds: float) -> None:
    import atheris  # type: ignore[import-untyped, import-not-found, unused-ignore]

    with atheris.instrument_imports(include=["tickets.mail"]):
        set_up()
        import tickets.mail.automatic
        import tickets.mail.bounces  # noqa: F401 - for its counters
    options = [f"-dict={folder / 'words'}", f"-artifact_prefix={FOUND}/", f"-max_len={LONGEST}", "-verbosity=0"]
    options += [
        "-timeout=300",
        "-report_slow_units=300",
        "-rss_limit_mb=4096",
        "-len_control=20",
        "-use_value_profile=1",
    ]
    atheris.Setup([sys.argv[0], *options, str(folder / "corpus")], Hunt(time.process_time() + seconds).try_one)
    atheris.Fuzz()


def set_up() -> None:
    import django

    django.setup()


def main(arguments: list[str]) -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--judge", type=Path)
    options.add_argument("hunt", nargs="*")
    given: Any = options.parse_args(arguments)
    if given.judge:
        set_up()
        return judge(given.judge)
    hunt(Path(given.hunt[0]), float(given.hunt[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
