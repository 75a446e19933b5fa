"""Letters that nobody wrote, for the mail benchmarks: the same number gives the same bytes."""

import base64
import random
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP

TO = "support@mail.bench.localhost"
KB = 1000
_VOCABULARY = (
    "printer invoice screen login password server report customer delivery contract module update window table "
    "lietotājs rēķins atskaite pasūtījums uživatel faktura zpráva użytkownik raport отчёт заказ пользователь "
    "please again cannot since yesterday shows empty slow wrong missing open close send attach question thanks"
)
_WORDS = _VOCABULARY.split()


@dataclass(frozen=True)
class Letter:
    """What was sent: its bytes, and by what it is found again."""

    number: int
    message_id: str
    sender: str
    raw: bytes
    # The number of the letter that it answers.
    answers: int | None = None


def text_of(seed: int, size: int) -> str:
    """Lines of words; `size` bytes of them, about."""
    chosen = random.Random(seed)
    lines, length = [], 0
    while length < size:
        line = " ".join(chosen.choices(_WORDS, k=9))
        lines.append(line)
        length += len(line.encode()) + 1
    return "\n".join(lines) + "\n"


def letter(number: int, *, run: str, answers: Letter | None = None, to: str = TO, size: int = 5 * KB) -> Letter:
    """A new request from a sender of its own, or an answer to an earlier letter from the same sender."""
    message_id = f"<{run}-{number}@senders.example>"
    sender = answers.sender if answers else f"person{number}@{run}.example"
    message = _headed(
        message_id, sender, to, f"{'Re: ' if answers else ''}{run} {answers.number if answers else number}"
    )
    if answers:
        message["In-Reply-To"] = message["References"] = answers.message_id
    # Encoded words and headers are a sixth of it; base64 of what is not ASCII a third.
    message.set_content(f"Letter {number}.\n\n{text_of(number, size * 2 // 3)}", cte="base64")
    return Letter(number, message_id, sender, message.as_bytes(policy=SMTP), answers.number if answers else None)


def letters(number: int, *, run: str, answers: float = 0.3, to: str = TO) -> Iterator[Letter]:
    """So many, a part of them (0 to 1) answers to one that came before."""
    chosen = random.Random(f"{run} {number}")
    asked: list[Letter] = []
    for one in range(number):
        answered = chosen.choice(asked) if asked and chosen.random() < answers else None
        made = letter(one, run=run, answers=answered, to=to)
        if answered is None:
            asked.append(made)
        yield made


def with_file(number: int, *, run: str, size: int, to: str = TO) -> bytes:
    """A request with one file of so many bytes."""
    message = _headed(f"<{run}-{number}@senders.example>", f"person{number}@{run}.example", to, f"{run} {number}")
    message.set_content("A file.\n")
    message.make_mixed()
    message.attach(_file(number, size))
    return message.as_bytes(policy=SMTP)


def various() -> list[bytes]:
    """The usual shapes: text alone, text and HTML, with a file of 100 kB, a report of a letter that did not arrive."""
    plain = letter(1, run="plain").raw
    both = _headed("<both@senders.example>", "person@both.example", TO, "Rēķins nav pareizs")
    both.set_content(text_of(2, 3 * KB))
    lines = "".join(
        f"<p>{line} <b>bold</b> <a href='https://a.example/{n}'>here</a></p>"
        for n, line in enumerate(text_of(2, 3 * KB).splitlines())
    )
    both.add_alternative(f"<html><body>{lines}</body></html>", subtype="html")
    return [plain, both.as_bytes(policy=SMTP), with_file(3, run="file", size=100 * KB), _report()]


def _report() -> bytes:
    report = (
        "Content-Type: text/plain\r\n\r\nIt could not be delivered.\r\n--r\r\nContent-Type: message/delivery-status\r\n"
        "\r\nReporting-MTA: dns; a.example\r\n\r\nFinal-Recipient: rfc822; b@c.example\r\nAction: failed\r\n"
        "Status: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 unknown\r\n--r\r\nContent-Type: message/rfc822\r\n\r\n"
        "Message-ID: <one@desk.example>\r\nSubject: x\r\n\r\nHello\r\n--r--\r\n"
    )
    head = "From: MAILER-DAEMON@a.example\r\nMIME-Version: 1.0\r\nSubject: Undelivered Mail Returned to Sender\r\n"
    kind = 'Content-Type: multipart/report; report-type=delivery-status; boundary="r"\r\n\r\n--r\r\n'
    return (head + kind + report).encode()


def _headed(message_id: str, sender: str, to: str, subject: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = f"Jānis Bērziņš <{sender}>", to, subject
    message["Message-ID"], message["Date"] = message_id, "Mon, 05 Jan 2026 10:15:00 +0200"
    return message


def _file(seed: int, size: int) -> EmailMessage:
    """Encoded by hand: the library's own way keeps several copies of a large file."""
    part = EmailMessage()
    part["Content-Type"], part["Content-Transfer-Encoding"] = "application/octet-stream", "base64"
    part["Content-Disposition"] = f'attachment; filename="file{seed}.bin"'
    part.set_payload(base64.encodebytes(random.Random(seed).randbytes(size)).decode("ascii"))
    return part
