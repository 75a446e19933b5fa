"""Which mail no person wrote. A customer's mail that is taken for a machine's would be lost to him."""

import os
from pathlib import Path

import pytest

from tickets.mail.automatic import Automatic, classify
from tickets.mail.parse import parse

# Messages of strangers are not ours to publish; these tests judge those of three public collections.
SAMPLES = os.environ.get("MAIL_SAMPLES", "")
needs_samples = pytest.mark.skipif(not SAMPLES, reason="MAIL_SAMPLES names no folder with .eml and .txt files.")

# Of these a person is the sender, or nothing is in them.
WRITTEN = {"is-not-bounce-01.eml", "is-not-bounce-02.eml", "size-1"}
REPORT = (
    "Content-Type: multipart/report; boundary=x; report-type={}\n\n--x\n\nSorry\n--x\nContent-Type: {}\n\nA: b\n--x--"
)


def kind_of(*fields: str, body: str = "Hello") -> Automatic | None:
    return classify(parse(("\n".join(fields) + "\n\n" + body).encode()))


def collection(name: str) -> Path:
    folder = Path(SAMPLES) / name
    if not folder.is_dir():
        pytest.skip(f"MAIL_SAMPLES has no folder {name}.")
    return folder


@needs_samples
def test_all_bounces_of_the_collection_are_automatic() -> None:
    files = [path for path in collection("sisimai").rglob("*") if path.is_file() and path.name not in WRITTEN]
    assert files
    assert [path.name for path in files if classify(parse(path.read_bytes())) is None] == []


@needs_samples
@pytest.mark.parametrize("folder", ["talon", "djhelpdesk"])
def test_no_letter_of_the_collection_is_automatic(folder: str) -> None:
    files = sorted(collection(folder).glob("*.eml"))
    assert files
    assert [path.name for path in files if classify(parse(path.read_bytes()))] == []


@needs_samples
@pytest.mark.parametrize("name", sorted(WRITTEN - {"size-1"}))
def test_what_only_looks_like_a_bounce_is_not_automatic(name: str) -> None:
    assert classify(parse((collection("sisimai") / "maildir/not" / name).read_bytes())) is None


@pytest.mark.parametrize(
    "fields",
    [
        ("From: MAILER-DAEMON@x.lv", "Subject: Anything"),
        ("From: Mail Delivery Subsystem <mailer-daemon@x.lv>",),
        ("From: <>",),
        ("From: a@x.lv", "Return-Path: <>"),
        ("From: a@x.lv", "Return-Path: <MAILER-DAEMON>"),
        ("From: a@x.lv", "X-Failed-Recipients: b@x.lv"),
        ("From: postmaster@x.lv", "Subject: Undeliverable: Your order"),
        ("From: postmaster@x.lv", "Subject: Не удалось доставить: Заказ"),
        ("From: no-reply@x.lv", "Subject: Delivery Status Notification (Failure)"),
    ],
)
def test_bounces(fields: tuple[str, ...]) -> None:
    assert kind_of(*fields) is Automatic.BOUNCE


@pytest.mark.parametrize(
    ("report", "part"), [("delivery-status", "message/delivery-status"), ("feedback-report", "message/feedback-report")]
)
def test_reports_are_bounces(report: str, part: str) -> None:
    assert classify(parse(f"From: a@x.lv\n{REPORT.format(report, part)}".encode())) is Automatic.BOUNCE


def test_a_receipt_is_an_automatic_reply() -> None:
    raw = f"From: a@x.lv\n{REPORT.format('disposition-notification', 'message/disposition-notification')}"
    assert classify(parse(raw.encode())) is Automatic.AUTO_REPLY


@pytest.mark.parametrize(
    "field",
    [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated",
        "X-Autoreply: yes",
        "X-Autorespond: Vacation",
        "Precedence: auto_reply",
        "Subject: Automatic reply: Your ticket",
        "Subject: Out of Office: Your ticket",
        "Subject: Automātiska atbilde: Pieteikums",
        "Subject: Automatická odpověď: Požadavek",
        "Subject: Automatyczna odpowiedź: Zgłoszenie",
        "Subject: Автоматический ответ: Заявка",
        "Subject: Abwesenheitsnotiz: Anfrage",
    ],
)
def test_automatic_replies(field: str) -> None:
    assert kind_of("From: a@x.lv", field) is Automatic.AUTO_REPLY


def test_an_automatic_reply_without_return_path_is_no_bounce() -> None:
    assert kind_of("From: a@x.lv", "Return-Path: <>", "Subject: Automatic reply: Hi") is Automatic.AUTO_REPLY


@pytest.mark.parametrize("field", ["List-Id: <a.x.lv>", "Precedence: bulk", "Precedence: list"])
def test_lists(field: str) -> None:
    assert kind_of("From: a@x.lv", field) is Automatic.LIST


def test_our_own_mail() -> None:
    parsed = parse(b"From: a@x.lv\nX-Desk-Instance: one\n\nHello")
    assert classify(parsed, instances=["one"]) is Automatic.OWN


@pytest.mark.parametrize("instances", [[], ["two"]])
def test_the_mail_of_another_desk_is_not_ours(instances: list[str]) -> None:
    parsed = parse(b"From: a@x.lv\nX-Desk-Instance: one\n\nHello")
    assert classify(parsed, instances=instances) is None


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        (("Subject: Help",), "It does not work."),
        (("Subject: Out of office does not work",), "Please set it up."),
        (("Subject: Re: Automatic reply: Holiday",), "What is this?"),
        (("Subject: FW: Undelivered Mail Returned to Sender",), "What is this? 550 5.1.1 User unknown"),
        (("Subject: Undeliverable: Order", "Return-Path: <a@x.lv>"), "I got this, why? Mailbox full."),
        (("Auto-Submitted: no", "X-Autoreply: no"), "Hello"),
        (("List-Unsubscribe: <mailto:u@x.lv>",), "From our shop"),
        (("Precedence: normal", "X-Auto-Response-Suppress: All"), "Hello"),
    ],
)
def test_customers_are_persons(fields: tuple[str, ...], body: str) -> None:
    assert kind_of("From: Anna <anna@x.lv>", *fields, body=body) is None


def test_a_postmaster_may_be_a_person() -> None:
    assert kind_of("From: postmaster@x.lv", "Subject: New certificate", body="Please install it.") is None


def test_a_web_form_may_write_of_parcels() -> None:
    assert kind_of("From: noreply@x.lv", "Subject: Contact", body="My parcel could not be delivered.") is None
