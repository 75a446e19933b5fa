"""A folder of messages that nobody of us wrote, taken in by the operator's own commands, and what became of them.

The folder has a MANIFEST.tsv (path, kind, …) and, beside some messages, what others read in them: a parse tree in JSON
(stalwart/), or the words that a person wrote (talon/).
"""

import csv
import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import databases
from bench.databases import inside
from bench.report import table
from tickets.mail.markup import to_text
from tickets.mail.parse import ParsedMessage, parse, reply_text

ADDRESS = "support@mail.bench.localhost"
EMPTY = 0  # the database without a ticket
AUTOMATIC = {"dsn", "arf", "autoreply"}
# Nothing is in it: no program could tell what it was.
NOTHING = {"sisimai/mailbox/size-1"}
# Where we read otherwise, and why. They are counted by themselves.
ARGUABLE = {
    "malformed/001": "the boundary of an inner multipart that was not closed ends it for us",
    "malformed/007": "a boundary right behind a header line ends the headers for us",
    "malformed/009": "an outer boundary ends what is inside for us",
    "malformed/011": "an outer boundary ends what is inside for us",
    "malformed/012": "an outer boundary ends what is inside for us: three messages are found instead of two",
    "malformed/016": "boundaries longer than RFC 2046 allows are no boundaries for us",
    "malformed/019": "a fragment with several heads; which text is the text nobody can say",
    "malformed/020": "an alternative that was never begun: we show its HTML, others its source",
    "malformed/021": "an alternative that was never begun: we show its text, others its source",
    "thirdparty/002": "plain text behind base64 is shown",
    "thirdparty/007": "a word without @ is no address for us",
    "thirdparty/015": "three attached messages are found instead of one",
}
# What must be reached, in per cent.
GOALS = {"subjects": 100, "senders": 100, "texts": 98, "attachments": 96, "replies": 100, "automatic": 98}


@dataclass
class Share:
    right: int = 0
    all: int = 0
    wrong: list[str] = field(default_factory=list)

    def note(self, is_right: bool, name: str) -> None:
        self.all += 1
        self.right += is_right
        if not is_right:
            self.wrong.append(name)

    @property
    def percent(self) -> float:
        return 100 * self.right / self.all if self.all else 100.0


def run(folder: Path) -> tuple[str, bool]:
    """The figures as tables, and whether all goals are reached."""
    rows = manifest(folder)
    databases.create(EMPTY)
    inside(EMPTY, "migrate", DATABASE_URL=databases.address(databases.OWNER, databases.name_of(EMPTY)))
    inside(EMPTY, "mail_desk")
    status = manage("intake_mail", "--to", ADDRESS, *(str(folder / row["path"]) for row in rows)).returncode
    report = manage("intake_report", "--json", "--to", ADDRESS).stdout.decode()
    found = {line["sha256"]: line for line in map(json.loads, report.splitlines())}
    letters = inside(EMPTY, "mail_answered")
    states, lost = counted(folder, rows, found)
    shares = {**judged(folder), "automatic": Share(), "human mail taken for automatic": Share()}
    judge_kinds(folder, rows, found, shares)
    words = [table(["kind", *states_of(states)], by_kind(states)), "", shown(shares)]
    words.append(f"\nexit status {status}, {len(found)} raw messages, {lost} lost, {letters} automatic ones answered")
    reached = all(shares[name].percent >= goal for name, goal in GOALS.items() if name in shares)
    clean = not (status or lost or letters or shares["human mail taken for automatic"].wrong)
    failed = sum(
        number for kind in states.values() for state, number in kind.items() if state in ("failed", "received")
    )
    return "\n".join(words), reached and clean and not failed


def manifest(folder: Path) -> list[dict[str, str]]:
    with (folder / "MANIFEST.tsv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def manage(*arguments: str) -> "subprocess.CompletedProcess[bytes]":
    env = {**databases.environment(EMPTY), "LOG_LEVEL": "CRITICAL"}
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, env=env, cwd=databases.CHECKOUT, stdout=subprocess.PIPE, check=False)


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def counted(
    folder: Path, rows: list[dict[str, str]], found: dict[str, dict[str, Any]]
) -> tuple[dict[str, Counter[str]], int]:
    states: dict[str, Counter[str]] = {}
    lost = 0
    for row in rows:
        line = found.get(digest_of(folder / row["path"]))
        lost += line is None
        states.setdefault(row["kind"], Counter())[line["state"] if line else "lost"] += 1
    return states, lost


def states_of(states: dict[str, Counter[str]]) -> list[str]:
    return sorted({state for counts in states.values() for state in counts})


def by_kind(states: dict[str, Counter[str]]) -> list[list[str]]:
    names = states_of(states)
    return [[kind, *(str(counts[name]) for name in names)] for kind, counts in sorted(states.items())]


def judge_kinds(
    folder: Path, rows: list[dict[str, str]], found: dict[str, dict[str, Any]], shares: dict[str, Share]
) -> None:
    for row in rows:
        line = found.get(digest_of(folder / row["path"]), {})
        if row["kind"] in AUTOMATIC and row["path"] not in NOTHING:
            shares["automatic"].note(bool(line.get("automatic")), row["path"])
        elif row["kind"] == "human":
            shares["human mail taken for automatic"].note(not line.get("automatic"), row["path"])


def judged(folder: Path) -> dict[str, Share]:
    """What we read beside what others read; where they read nothing there is nothing to compare."""
    shares = {name: Share() for name in ("subjects", "senders", "texts", "attachments", "replies")}
    for name, parsed, tree in trees(folder / "stalwart"):
        if not tree["parts"] or name.partition(".")[0] in ARGUABLE:
            continue
        subject, sender, files = read_by_others(tree)
        shares["subjects"].note(parsed.subject == subject, name)
        shares["senders"].note(_sender(parsed) == sender, name)
        shares["attachments"].note(len(parsed.attachments) == files, name)
        shares["texts"].note(_words(parsed.text) in [_words(text) for text in texts_read_by_others(tree)], name)
    for path in sorted((folder / "talon").glob("*.eml")):
        expected = path.with_name(f"{path.stem}_reply_text")
        wanted = expected.read_text() if expected.exists() else "Hello"
        shares["replies"].note(_words(reply_text(parse(path.read_bytes()).text)[0]) == _words(wanted), path.name)
    return shares


def trees(folder: Path) -> Iterator[tuple[str, ParsedMessage, dict[str, Any]]]:
    for path in sorted(folder.rglob("*.eml")):
        raw = path.read_bytes()
        crlf = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        for content, suffix in ((raw, ".json"), (crlf, ".crlf.json")):
            other = path.with_suffix(suffix)
            if other.exists():
                yield f"{path.parent.name}/{path.stem}{suffix}", parse(content), json.loads(other.read_text())


def read_by_others(tree: dict[str, Any]) -> tuple[str, str, int]:
    """(subject, sender's address, number of files)"""
    values: dict[str, list[Any]] = {}
    for header in tree["parts"][0]["headers"]:
        name = header["name"] if isinstance(header["name"], str) else next(iter(header["name"].values()))
        values.setdefault(name.lower(), []).append(header["value"])
    senders = [one["address"] for value in values.get("from", []) for one in _addresses(value)]
    subject = values.get("subject", [{}])[-1]
    text = subject.get("Text", "") if isinstance(subject, dict) else ""
    return " ".join(text.split()), (senders[0] or "").lower() if senders else "", len(tree["attachments"])


def _addresses(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, dict):
        return []
    address = value.get("Address", {})
    groups = [one for group in address.get("Group", []) for one in group.get("addresses", [])]
    return [*address.get("List", []), *groups]


def texts_read_by_others(tree: dict[str, Any]) -> list[str]:
    """As it is; and with the text that is only a file for them because its end is missing, which we show as well."""
    unended = [number for number in tree["attachments"] if _is_unended_text(tree["parts"][number])]
    return [_joined(tree, tree["text_body"]), _joined(tree, [*tree["text_body"], *unended])]


def _joined(tree: dict[str, Any], numbers: list[int]) -> str:
    bodies = [tree["parts"][number]["body"] for number in numbers]
    return "\n".join(body["Text"] if "Text" in body else to_text(body.get("Html", "")) for body in bodies)


def _is_unended_text(part: dict[str, Any]) -> bool:
    given = {header["name"] if isinstance(header["name"], str) else "other" for header in part["headers"]}
    return "Text" in part["body"] and "content_disposition" not in given


def _sender(parsed: ParsedMessage) -> str:
    return parsed.senders[0][1] if parsed.senders else ""


def _words(text: str) -> list[str]:
    """NUL is in no text of ours: PostgreSQL refuses it."""
    return text.replace("\0", "").split()


def shown(shares: dict[str, Share]) -> str:
    rows = [
        [name, f"{share.right} of {share.all}", f"{share.percent:.1f} %", f"{GOALS.get(name, 100)} %"]
        for name, share in shares.items()
    ]
    wrong = [f"{name}: {', '.join(share.wrong[:20])}" for name, share in shares.items() if share.wrong]
    apart = (
        f"counted by themselves: {len(ARGUABLE)} messages that are read otherwise for a reason (bench/mail_samples.py)"
    )
    return "\n".join([table(["what", "right", "share", "goal"], rows), "", *wrong, apart])


def default_folder() -> Path:
    return Path(os.environ.get("MAIL_SAMPLES") or databases.CHECKOUT.parent / "shared" / "mail")
