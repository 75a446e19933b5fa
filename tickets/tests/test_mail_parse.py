"""Reading e-mail: what is understood, what is repaired, and that nothing stops it."""

import base64
import json
import os
import time
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tickets.mail import clean
from tickets.mail import parse as parse_module
from tickets.mail.markup import to_text
from tickets.mail.parse import ParsedMessage, parse, reply_text

# Messages of strangers are not ours to publish: whoever has some runs the parser over their own.
SAMPLES = os.environ.get("MAIL_SAMPLES", "")
needs_samples = pytest.mark.skipif(not SAMPLES, reason="MAIL_SAMPLES names no folder with .eml and .txt files.")

TEN_MEGABYTES = 10_000_000
# Seconds of the processor, in this thread: a busy machine fails nothing, work without end does (measured: under 1).
SECONDS, MEMORY = 20, 300_000_000


def sample_files() -> list[Path]:
    found = sorted(path for path in Path(SAMPLES).rglob("*") if path.suffix in {".eml", ".txt"} and path.is_file())
    assert found, f"MAIL_SAMPLES: there is no .eml and no .txt file in {SAMPLES}"
    return found


def collection(name: str) -> Path:
    """A public collection whose messages come with what is right about them, when it is among the samples."""
    folder = Path(SAMPLES) / name
    if not folder.is_dir():
        pytest.skip(f"MAIL_SAMPLES has no folder {name}.")
    return folder


def message(*fields: str, body: str | bytes = "Hello\n") -> ParsedMessage:
    return parse("\n".join(fields).encode() + b"\n\n" + (body.encode() if isinstance(body, str) else body))


def multipart(*parts: str, kind: str = "mixed", boundary: str = "x") -> str:
    inside = "".join(f"--{boundary}\n{part}\n" for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="{boundary}"\n\n{inside}--{boundary}--\n'


def file_part(parameter: str, content: str = "data") -> str:
    return f"Content-Type: application/octet-stream\nContent-Disposition: attachment; {parameter}\n\n{content}"


def names(parsed: ParsedMessage) -> list[str]:
    return [attachment.name for attachment in parsed.attachments]


TEXT = "Content-Type: text/plain\n\nHello"
HTML = "Content-Type: text/html\n\n<p>Hello <b>there</b></p>"
IMAGE = "Content-Type: image/png; name=a.png\nContent-ID: <im@x>\nContent-Transfer-Encoding: base64\n\nQUJD"


# The sender


@pytest.mark.parametrize(
    ("field", "address"),
    [
        ("From: a@b.lv", "a@b.lv"),
        ('FROM: "Anna" <Anna@B.LV>', "anna@b.lv"),
        ("From: a@b.lv (Anna)", "a@b.lv"),
        ("From: Doe, John <j@d.lv>", "j@d.lv"),
        ("From: John <j@d.lv", "j@d.lv"),
        ("From: 'j@d.lv'", "j@d.lv"),
        ("From: <mailto:j@d.lv>", "j@d.lv"),
        ("From: ā@bērzs.lv", "ā@bērzs.lv"),
        ('From: "a@good.lv" <b@evil.lv>', "b@evil.lv"),
        ("From: =?utf-8?q?a=40good.lv=2C?= <b@evil.lv>", "b@evil.lv"),
        ('From: "a\\" <x@good.lv>" <b@evil.lv>', "b@evil.lv"),
        ("From: (a@good.lv) b@evil.lv", "b@evil.lv"),
    ],
)
def test_the_sender_is_the_one_mailbox(field: str, address: str) -> None:
    assert message(field).from_address == address


@pytest.mark.parametrize(
    "fields",
    [
        "Subject: x",
        'From: "',
        "From: <>",
        "From: MAILER-DAEMON",
        "From: a@b.lv\nFrom: c@d.lv",
        "From: a@b.lv\nSubject: x\nfrom : c@d.lv",
        "From : a@b.lv\nFrom: c@d.lv",
        "From: a@b.lv\n \nFrom: c@d.lv",
        "From: a@b.lv, c@d.lv",
        "From: a@b.lv\n , c@d.lv",
        "From: <a@b.lv> <c@d.lv>",
        "From: a@b.lv c@d.lv",
        "From: a@b@c.lv",
        'From: <"a b"@c.lv>',
        "From: <=?utf-8?q?admin=40good.lv=3e?=@evil.lv>",
        "From: a\u212a@b.lv",
        "From: a@\u212aim.lv",
        "From: a@b.lv\rFrom: c@d.lv",
    ],
)
def test_an_uncertain_sender_is_none(fields: str) -> None:
    assert message(fields).from_address == ""


@pytest.mark.parametrize("between", [["X-A: b"] * 3000, ["X-A: b"] + [" b"] * 110_000])
def test_a_second_sender_behind_thousands_of_lines_is_not_overlooked(between: list[str]) -> None:
    assert message("From: a@b.lv", *between, "From: c@d.lv").from_address == ""


def test_the_text_behind_thousands_of_fields_is_read() -> None:
    assert message(*["X-A: b"] * 3000).text == "Hello"


def test_the_name_of_the_sender_is_decoded() -> None:
    assert message("From: =?koi8-r?b?98HT0Q==?= <v@x.ru>").from_name == "Вася"


def test_the_name_of_the_sender_cannot_break_a_header() -> None:
    assert message("From: =?utf-8?q?A=0D=0ABcc:_x?= <a@b.lv>").from_name == "A Bcc: x"


@pytest.mark.parametrize(
    ("field", "found"),
    [
        ("To: g: h: i@j.k;;", (("", "i@j.k"),)),
        ("To: undisclosed-recipients:;", ()),
        ('To: "A, B" <a@b.lv>, c@d.lv; e@f.lv', (("A, B", "a@b.lv"), ("", "c@d.lv"), ("", "e@f.lv"))),
        ("To: a@b.lv\nTo: c@d.lv", (("", "a@b.lv"), ("", "c@d.lv"))),
        ("To: Desk <support+t12.7.K3J5@desk.lv>", (("Desk", "support+t12.7.k3j5@desk.lv"),)),
    ],
)
def test_receivers(field: str, found: tuple[tuple[str, str], ...]) -> None:
    assert message(field).to == found


# Subject, ids, date, other fields


@pytest.mark.parametrize(
    ("raw", "subject"),
    [
        ("Plain", "Plain"),
        ("=?UTF-8?Q?a?= =?UTF-8?Q?b?=", "ab"),
        ("=?utf-8?b?0J/R?= =?utf-8?b?gNC4?=", "При"),
        ("=?utf-8?b?0J/R?=\n =?utf-8?b?gNC4?=", "При"),
        ("=?koi8-r?q?=F0=D2=C9?=", "При"),
        ("=?iso-8859-1*en?q?=e9?=", "é"),
        ("=?utf-8?q?what_?is?=", "what ?is"),
        ("=?utf-8?q?two words?=", "two words"),
        ("x=?utf-8?q?a?=y", "xay"),
        ("=?utf-8?q?cut", "cut"),
        ("=?nonsense?q?=e4?=", "ä"),
        ("=?us-ascii?q?a=e9?=", "aé"),
        ("=?utf-8?b?AA==?=x", "x"),
        ("=?utf-8?q?a=0d=0aBcc:_x?=", "a Bcc: x"),
        ("a\u2028b\u202ec", "a bc"),
        ("a\n\tb", "a b"),
        ("=?utf-8?b?!!!?=", ""),
    ],
)
def test_subject(raw: str, subject: str) -> None:
    assert message(f"Subject: {raw}").subject == subject


def test_a_subject_that_nobody_encoded_is_read_in_the_charset_of_the_text() -> None:
    raw = "Subject: Привет\nContent-Type: text/plain; charset=koi8-r\n\nx".encode("koi8-r")
    assert parse(raw).subject == "Привет"


def test_a_subject_ends_after_500_characters() -> None:
    assert len(message("Subject: " + "x" * 1000).subject) == 500


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        ("<a@b>", "a@b"),
        ("a@b", "a@b"),
        (" <a@b> (x)", "a@b"),
        ("<a\n b@c>", "ab@c"),
        ("<>", ""),
        ("<a@b", ""),
        ("", ""),
    ],
)
def test_message_id(raw: str, found: str) -> None:
    assert message(f"Message-ID: {raw}").message_id == found


def test_an_endless_message_id_is_unusable() -> None:
    assert message(f"Message-ID: <{'x' * 600}@b>").message_id == ""


def test_the_answered_message_is_named_without_brackets() -> None:
    assert message("In-Reply-To: Your mail of Monday <a@b>").in_reply_to == "a@b"


def test_only_the_last_50_references_are_kept() -> None:
    references = message("References: " + " ".join(f"<{n}@b>" for n in range(60))).references
    assert references == tuple(f"{n}@b" for n in range(10, 60))


@pytest.mark.parametrize(
    ("raw", "iso"),
    [
        ("Mon, 5 Feb 2024 10:15:00 +0200", "2024-02-05T10:15:00+02:00"),
        ("5 Feb 2024 10:15", "2024-02-05T10:15:00+00:00"),
        ("Mon, 5 Feb 2024 10:15:60 GMT", "2024-02-05T10:15:59+00:00"),
    ],
)
def test_dates_are_aware(raw: str, iso: str) -> None:
    date = message(f"Date: {raw}").date
    assert date is not None
    assert date.isoformat() == iso


@pytest.mark.parametrize("raw", ["", "yesterday", "Mon, 32 Feb 2024 10:15:00 +0000", "Mon, 5 Feb 2024 10:15:00 +9999"])
def test_impossible_dates_are_none(raw: str) -> None:
    assert message(f"Date: {raw}").date is None


def test_results_of_authentication_are_unfolded_and_keep_their_order() -> None:
    parsed = message("Authentication-Results: mx.a;\n dkim=pass", "Authentication-Results: mx.b; spf=fail")
    assert parsed.authentication_results == ("mx.a; dkim=pass", "mx.b; spf=fail")


def test_auto_submitted_is_one_word() -> None:
    assert message("Auto-Submitted: Auto-Replied (vacation)").auto_submitted == "auto-replied"


# The text


def test_plain_text_is_preferred() -> None:
    assert parse(multipart(TEXT, HTML, kind="alternative").encode()).text == "Hello"


def test_html_serves_when_there_is_nothing_else() -> None:
    assert parse(HTML.encode()).text == "Hello there"


def test_html_serves_when_the_plain_text_is_empty() -> None:
    assert parse(multipart("Content-Type: text/plain\n\n \n", HTML, kind="alternative").encode()).text == "Hello there"


def test_texts_one_after_the_other_are_all_shown() -> None:
    assert parse(multipart(TEXT, "Content-Type: text/plain\n\nFooter").encode()).text == "Hello\n\nFooter"


def test_a_text_that_follows_html_keeps_its_place() -> None:
    parsed = parse(multipart(HTML, "Content-Type: text/plain\n\n<Footer>").encode())
    assert parsed.html == "<p>Hello <b>there</b></p>\n<div>&lt;Footer&gt;</div>"


@pytest.mark.parametrize(
    ("charset", "raw", "text"),
    [
        ("koi8-r", "Привет".encode("koi8-r"), "Привет"),
        ("windows-1257", "āčž".encode("cp1257"), "āčž"),
        ("iso-8859-1", b"\x93caf\xe9\x94", "“café”"),
        ("ansi_x3.110-1983", b"caf\xe9", "café"),
        ("no-such-charset", "ā".encode(), "ā"),
        ("utf-8", b"caf\xe9", "café"),
        ("utf-8", "Привет".encode()[:-1], "Приве\ufffd"),
        ("us-ascii", "ā".encode(), "ā"),
        ("utf-16", "hé".encode("utf-16"), "hé"),
        ("unicode_escape", b"\\u0041", "\\u0041"),
        ("utf-7", b"+2AA-", "\ufffd"),
    ],
)
def test_charsets(charset: str, raw: bytes, text: str) -> None:
    assert message(f"Content-Type: text/plain; charset={charset}", body=raw).text == text


def test_html_may_name_its_own_charset() -> None:
    raw = b"<meta charset=windows-1251><p>" + "Привет".encode("cp1251")
    assert message("Content-Type: text/html", body=raw).text == "Привет"


def test_control_characters_are_removed() -> None:
    assert message("Subject: x", body=b"a\0b\x07c\r\nd").text == "abc\nd"


def test_soft_breaks_of_flowed_text_are_joined() -> None:
    parsed = message("Content-Type: text/plain; format=flowed", body="One \nline\n> q \n> r\n-- \nAnna\n")
    assert parsed.text == "One line\n> q r\n-- \nAnna"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (base64.b64encode(b"Hello").decode(), "Hello"),
        ("SGVsbG8", "Hello"),
        ("This is no base64 at all!", "This is no base64 at all!"),
        ("SGVsbG8gdGhlcmUh\n_____\nA list's footer", "Hello there!\n_____\nA list's footer"),
        ("YQ==\nYg==\n", "ab"),
        ("", ""),
    ],
)
def test_base64_is_forgiven(body: str, text: str) -> None:
    assert message("Content-Transfer-Encoding: base64", body=body).text == text


def test_a_text_that_is_too_long_is_kept_as_a_file_too() -> None:
    parsed = message("Subject: x", body="word " * 300_000)
    assert (len(parsed.text), len(parsed.attachments[0].content)) == (1_000_000, 1_500_000)


# HTML


@pytest.mark.parametrize(
    ("html", "cleaned"),
    [
        ('<a href="javascript:alert(1)">x</a>', '<a rel="noopener nofollow">x</a>'),
        ("<a href=https://a.lv/?b=1&c=2>x</a>", '<a href="https://a.lv/?b=1&amp;c=2" rel="noopener nofollow">x</a>'),
        ('<img src="https://a.lv/track.png">x', "x"),
        ('<img alt="a>b" src=//a.lv/x.png>x', "x"),
        ('<img src="CID:im@x">', '<img src="cid:im@x">'),
        ('<a href="cid:im@x">x</a>', '<a rel="noopener nofollow">x</a>'),
        ('<img src="data:image/svg+xml;base64,AAAA">x', "x"),
        ("<script>alert(1)</script><svg onload=alert(1)>x</svg>y", "y"),
        ('<p style="background:url(https://a.lv)" onclick="x()" class="c" id="i">x</p>', "<p>x</p>"),
        ("<form action=x><input><button>b</button></form>", "b"),
        ("<title>t</title><base href=x><meta http-equiv=refresh>x", "x"),
    ],
)
def test_html_becomes_harmless(html: str, cleaned: str) -> None:
    assert clean.sanitise_html(html) == cleaned


def test_html_that_would_take_too_long_is_left_out() -> None:
    assert clean.sanitise_html("<div>" * 20_000) == ""


def test_html_as_text() -> None:
    html = (
        "<style>p{}</style><ul><li>a<li><p>b</p></ul><table><tr><td>1<td>2</table><blockquote>q<br>r</blockquote>"
        '<!-- c --><a href="https://x.lv/">link</a>&nbsp;&lt;3'
    )
    assert to_text(html) == "- a\n- b\n\n1\t2\n\n> q\n> r\n\nlink <https://x.lv/> <3"


# Files


@pytest.mark.parametrize(
    ("parameter", "name"),
    [
        ('filename="a.txt"', "a.txt"),
        ("filename=a b.txt", "a b.txt"),
        ('filename="a.txt', "a.txt"),
        ('filename="=?utf-8?b?xIEudHh0?="', "ā.txt"),
        ('filename="=?utf-8?b?xIE=?=\n =?utf-8?b?xIEudHh0?="', "āā.txt"),
        ("filename*=utf-8''%C4%81.txt", "ā.txt"),
        ("filename*=nonsense''%C4%81.txt", "ā.txt"),
        ("filename*0*=utf-8''%C4%81;\n filename*1=b.txt", "āb.txt"),
        ('filename="ā.txt"', "ā.txt"),
        ('filename="../../x.php"', "x.php"),
        ("filename=", "file.bin"),
    ],
)
def test_file_names(parameter: str, name: str) -> None:
    assert names(parse(multipart(TEXT, file_part(parameter)).encode())) == [name]


def test_a_picture_that_the_html_shows_is_inline() -> None:
    related = multipart('Content-Type: text/html\n\n<img src="cid:im@x">', IMAGE, kind="related")
    attachment = parse(related.encode()).attachments[0]
    assert (attachment.content, attachment.content_id, attachment.is_inline) == (b"ABC", "im@x", True)


def test_a_picture_that_nothing_shows_is_a_file() -> None:
    assert not parse(multipart(TEXT, IMAGE, kind="related").encode()).attachments[0].is_inline


def test_a_text_with_a_name_is_a_file() -> None:
    parsed = parse(multipart(TEXT, "Content-Type: text/plain; name=log.txt\n\nlog").encode())
    assert (parsed.text, names(parsed)) == ("Hello", ["log.txt"])


def test_a_message_inside_is_a_file_named_after_its_subject() -> None:
    inner = "Content-Type: message/rfc822\n\nSubject: Old news\n\nText"
    assert names(parse(multipart(TEXT, inner).encode())) == ["Old news.eml"]


def test_a_message_may_consist_of_a_file() -> None:
    parsed = message("Content-Type: application/pdf; name=x.pdf", "Content-Transfer-Encoding: base64", body="JVBERg==")
    assert (parsed.text, parsed.attachments[0].content) == ("", b"%PDF")


def test_files_beyond_the_limit_are_named() -> None:
    parsed = parse(multipart(TEXT, *[file_part(f"filename={n}.txt") for n in range(103)]).encode())
    assert parsed.dropped == ("100.txt", "101.txt", "102.txt")


# Broken messages


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"", ""),
        (b"Subject: x", ""),
        (b"From a@b Mon\nSubject: x\n\nHello", "Hello"),
        (b"\xef\xbb\xbf\n\nSubject: x\n\nHello", "Hello"),
        (b"Subject: x\rContent-Type: text/plain\r\rHello\rthere", "Hello\nthere"),
        (b"Subject: x\nHello\nthere", "Hello\nthere"),
        (b"Content-Type: multipart/mixed\n\n--q\nContent-Type: text/plain\n\nHello\n--q--", "Hello"),
        (b"Content-Type: multipart/mixed; boundary=z\n\n--q\nContent-Type: text/plain\n\nHello\n--q--", "Hello"),
        (b"Content-Type: multipart/mixed\n\nHello", "Hello"),
        (b"Content-Type: multipart/mixed;\nboundary=x\n\n--x\n\nHello\n--x--", "Hello"),
        (b"Content-Type: multipart/mixed\tboundary=x\n\n--x\n\nHello\n--x--", "Hello"),
        (b"Content-Type: multipart/mixed; boundary=x\n\n--x\n\nHello", "Hello"),
        (b"Content-Type: multipart/mixed; boundary=x\n\n--x\n\nHello\n--x--\n--x\n\nthere", "Hello\n\nthere"),
        (b"Content-Type: ;;;\n\nHello", "Hello"),
        (b"Content-Type: text/enriched\n\nHello", "Hello"),
        (b"Content-Transfer-Encoding: nonsense\n\nHello", "Hello"),
    ],
)
def test_broken_messages_are_read(raw: bytes, text: str) -> None:
    assert parse(raw).text == text


def test_repairs_are_named() -> None:
    assert "boundary guessed" in message("Content-Type: multipart/mixed", body="--q\nContent-Type: a/b\n\nx").problems


def test_a_mistake_of_ours_leaves_subject_and_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse_module, "read_tree", lambda raw: 1 / 0)
    parsed = message("Subject: =?utf-8?q?H=C4=81?=", "From: a@b.lv")
    assert (parsed.subject, parsed.text, parsed.from_address) == ("Hā", "Hello", "")
    assert parsed.problems == ("unreadable", "ZeroDivisionError")


# Hostile messages


def _repeated(unit: bytes, size: int = TEN_MEGABYTES) -> bytes:
    return unit * (size // len(unit))


def _nested(depth: int) -> bytes:
    opened = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(depth))
    return opened + b"\nDeep down\n" + b"".join(b"--b%d--\n" % n for n in reversed(range(depth)))


HOSTILE = {
    "links": b"\n" + _repeated(b"https://example.com/abc?d=e\n"),
    "html links": b"Content-Type: text/html\n\n" + _repeated(b'<a href="https://example.com/x">link</a> '),
    "parts": b"Content-Type: multipart/mixed; boundary=x\n\n"
    + b"".join(b"--x\nContent-Disposition: attachment; filename=f%d\n\nx\n" % n for n in range(10_000)),
    "nesting": _nested(500),
    "subject": b"Subject: " + _repeated(b"=?a?q?", 1_000_000) + b"?=\n\nx",
    "open tags": b"Content-Type: text/html\n\n" + b"<div>" * 9_900,
    "repeated tags": b"Content-Type: text/html\n\n" + b"".join(b"<font color=c%d><p>" % n for n in range(4_900)),
    "open comments": b"Content-Type: text/html\n\n" + _repeated(b"<!--"),
    "names": b"From: " + _repeated(b"a,(<") + b"\n\nx",
    "padding": b"Content-Transfer-Encoding: base64\n\n" + _repeated(b"QQ==\n"),
    "punycode": b"Content-Type: text/plain; charset=punycode\n\n" + _repeated(b"ab-"),
}


@pytest.mark.parametrize("raw", [pytest.param(raw, id=name) for name, raw in HOSTILE.items()])
def test_hostile_messages_take_little_time(raw: bytes) -> None:
    started = time.thread_time()
    reply_text(parse(raw).text)
    assert time.thread_time() - started < SECONDS


@pytest.mark.parametrize("name", ["links", "html links", "parts", "nesting", "subject"])
def test_hostile_messages_take_little_memory(name: str) -> None:
    tracemalloc.start()
    parse(HOSTILE[name])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MEMORY


def test_the_text_inside_500_multiparts_is_found() -> None:
    assert parse(HOSTILE["nesting"]).text == "Deep down"


BITS = (
    '\r|\n|\r\n|\0|"|<|>|(|=?utf-8?b?|?=|--x\n|--x--|:|;|Content-Type: multipart/mixed; boundary=x\n\n|From: |'
    "Content-Type: text/html\n\n|charset=utf-7|charset=utf-16|Content-Transfer-Encoding: base64\n|+2AA-|&#|Date: |"
    "Content-Type: message/rfc822\n|filename*0*=|Subject: |a@b.lv|cid:|<a href='|> |On 5 May 2024 10:15 a@b wrote:\n"
)
FRAGMENTS = st.sampled_from(BITS.split("|")).map(str.encode)


def assert_storable(parsed: ParsedMessage) -> None:
    texts = [parsed.subject, parsed.text, parsed.html, parsed.from_name, *parsed.problems, *parsed.dropped]
    texts += [text for pair in (*parsed.to, *parsed.cc, *parsed.headers) for text in pair]
    texts += [text for file in parsed.attachments for text in (file.name, file.content_type, file.content_id)]
    for text in texts:
        text.encode()
        assert "\0" not in text
    assert not set(parsed.subject + parsed.from_name + parsed.message_id) & set("\r\n\x85\u2028\u2029\u202e")


def assert_nothing_is_lost(text: str) -> None:
    written, quoted = reply_text(text)
    assert Counter(f"{written}\n{quoted}".split()) == Counter(text.split())


@settings(deadline=None, max_examples=150)
@given(st.lists(FRAGMENTS | st.binary(max_size=20)).map(b"".join))
def test_any_bytes_are_read(raw: bytes) -> None:
    parsed = parse(raw)
    assert "unreadable" not in parsed.problems
    assert_storable(parsed)
    assert_nothing_is_lost(parsed.text)


@needs_samples
@settings(deadline=None, max_examples=150)
@given(st.data())
def test_damaged_messages_are_read(data: st.DataObject) -> None:
    raw = data.draw(st.sampled_from(sample_files())).read_bytes()[:20_000]
    at = data.draw(st.integers(0, len(raw)))
    raw = raw[:at] + data.draw(FRAGMENTS) + raw[at + data.draw(st.integers(0, 50)) :]
    parsed = parse(raw)
    assert "unreadable" not in parsed.problems
    assert_storable(parsed)
    assert_nothing_is_lost(parsed.text)


@needs_samples
def test_all_samples_are_read() -> None:
    assert [path.name for path in sample_files() if "unreadable" in parse(path.read_bytes()).problems] == []


# The samples of Stalwart, with the tree that its parser found

NOT_SANE = {
    "malformed/007": "counts a multipart without parts as a text and as a file",
    "malformed/012": "loses the third message because no boundary follows it",
    "thirdparty/007": "takes a word without @ for an address",
    "thirdparty/015": "loses two of the three messages inside",
}


def _expected(tree: dict[str, Any]) -> tuple[str, str, int]:
    """(subject, sender, number of files) by the same rules as ours."""
    values: dict[str, list[Any]] = {}
    for header in tree["parts"][0]["headers"]:
        values.setdefault(_name(header), []).append(header["value"])
    senders = [one["address"] for value in values.get("from", []) for one in value.get("Address", {}).get("List", [])]
    subject = values.get("subject", [{}])[-1]
    files = [number for number in tree["attachments"] if not _is_bare_text(tree["parts"][number])]
    return (
        " ".join(subject.get("Text", "").split()),
        (senders[0] or "").lower() if len(senders) == 1 else "",
        len({*files, *_media(tree, "html_body"), *_media(tree, "text_body")}),
    )


def _is_bare_text(part: dict[str, Any]) -> bool:
    """Stalwart takes the last text for a file when no boundary follows; we read it."""
    types = [header["value"]["ContentType"] for header in part["headers"] if header["name"] == "content_type"]
    has_name = any(attribute["name"] == "name" for one in types for attribute in one["attributes"] or [])
    is_readable = all(one["c_type"] == "multipart" or one["c_subtype"] in ("plain", "html") for one in types)
    is_text = bool({"Text", "Html"} & set(part["body"]))
    return is_text and is_readable and not has_name and "content_disposition" not in map(_name, part["headers"])


def _name(header: dict[str, Any]) -> str:
    return str(header["name"])


def _media(tree: dict[str, Any], name: str) -> list[int]:
    """Pictures between the texts, which we count as files."""
    return [number for number in tree[name] if not {"Text", "Html"} & set(tree["parts"][number]["body"])]


def _stalwart() -> list[tuple[str, bytes, dict[str, Any]]]:
    found = []
    for path in sorted(collection("stalwart").rglob("*.eml")):
        raw = path.read_bytes()
        crlf = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        for content, suffix in ((raw, ".json"), (crlf, ".crlf.json")):
            found.append((f"{path.parent.name}/{path.stem}", content, json.loads(path.with_suffix(suffix).read_text())))
    return found


@needs_samples
def test_other_parsers_agree() -> None:
    disagreed = []
    samples = _stalwart()
    assert samples
    for name, raw, tree in samples:
        parsed = parse(raw)
        if name not in NOT_SANE and (parsed.subject, parsed.from_address, len(parsed.attachments)) != _expected(tree):
            disagreed.append(name)
    assert disagreed == []


# What a person wrote


@needs_samples
@pytest.mark.parametrize(
    "name",
    [
        "android",
        "aol",
        "apple_mail",
        "apple_mail_2",
        "comcast",
        "gmail",
        "hotmail",
        "iphone",
        "outlook",
        "sparrow",
        "thunderbird",
        "yahoo",
    ],
)
def test_replies_of_many_programs(name: str) -> None:
    talon = collection("talon")
    expected = talon / f"{name}_reply_text"
    written, _ = reply_text(parse((talon / f"{name}.eml").read_bytes()).text)
    assert written.split() == (expected.read_text() if expected.exists() else "Hello").split()


@pytest.mark.parametrize(
    "old",
    [
        "On Mon, Feb 5, 2024 at 10:15 AM Jo <jo@x.lv> wrote:\n\n> Old",
        "On Mon, Feb 5, 2024 at 10:15 AM A long\nname <\njo@x.lv> wrote:\n\n> Old line that was\nwrapped\n> here",
        "> On 5 Feb 2024, at 10:15, Desk <d@x.lv> wrote:\n>\n> Old",
        "pirmd., 2024. g. 5. febr., plkst. 10:15 — lietotājs Jānis (<j@x.lv>) rakstīja:\n\n> Old",
        "2024.02.05. 10:15, Jānis rakstīja:\n> Old",
        "po 5. 2. 2024 v 10:15 odesílatel Jan Novák <jan@x.cz> napsal:\n\n> Old",
        "Dne 05.02.2024 v 10:15 Jan Novák napsal(a):\n> Old",
        "pon., 5 lut 2024 o 10:15 Jan <jan@x.pl> napisał(a):\n\n> Old",
        "W dniu 05.02.2024 o 10:15, Jan Kowalski pisze:\n> Old",
        "05.02.2024 10:15, Иван пишет:\n> Old",
        "5 февраля 2024 г., в 10:15, Иван <ivan@x.ru> написал(а):\n\n> Old",
        "пн, 5 февр. 2024 г. в 10:15, Иван Петров <ivan@x.ru>:\n\n> Old",
        "From: Jo <jo@x.lv>\nSent: Monday, February 5, 2024 10:15\nTo: y\nSubject: Old\n\nOld",
        "No: Jo <jo@x.lv>\nNosūtīts: pirmdiena, 2024. gada 5. februāris\nKam: y\nTēma: Old\n\nOld",
        "Od: Jan <jan@x.cz>\nOdesláno: pondělí 5. února 2024\nKomu: y\nPředmět: Old\n\nOld",
        "Od: Jan <jan@x.pl>\nWysłano: poniedziałek, 5 lutego 2024\nDo: y\nTemat: Old\n\nOld",
        "От: Иван <i@x.ru>\nОтправлено: 5 февраля 2024\nКому: y\nТема: Old\n\nOld",
        "Від: Іван <i@x.ua>\nНадіслано: 5 лютого\nКому: y\nТема: Old\n\nOld",
        "________________________________\n*From:* Jo <jo@x.lv>\n*Date:* Monday\n*To:* y\n*Subject:* Old\n\nOld",
        "-----Original Message-----\nOld",
        "---------- Původní e-mail ----------\nOld",
        "El lun, 5 feb 2024 a las 10:15, Juan (<j@x.es>) escribió:\n\n> Old",
    ],
)
def test_the_old_message_is_folded(old: str) -> None:
    assert reply_text(f"New\n\n{old}") == ("New", old)


@pytest.mark.parametrize(
    "text",
    [
        "Please see:\n\n> ls -l\n> total 0\n\nThanks",
        "Hi,\n\nOn 5 Feb 2024, at 10:15, Desk wrote:\n> One?\n\nYes\n\n> Two?\n\nNo",
        "In 2019 my colleague wrote:\nwe need this",
        "From: Riga\nTo: Oslo\nDate: 5 May\nPlease book",
        "FYI\n\n---------- Forwarded message ---------\nFrom: A <a@b.lv>\nSubject: X\nTo: <b@c.lv>\n\nRead this",
        "> only\n> quoted",
        "",
    ],
)
def test_what_may_be_meant_for_us_is_not_folded(text: str) -> None:
    assert reply_text(text) == (text, "")


def test_an_answer_below_the_old_message_is_found() -> None:
    text = "On 5 Feb 2024, at 10:15, Desk wrote:\n> One?\n> Two?\n\nNew"
    assert reply_text(text) == ("New", "On 5 Feb 2024, at 10:15, Desk wrote:\n> One?\n> Two?")


@pytest.mark.parametrize(
    "unit", ["On 1 wrote ", "On wrote:\n", "From: x\n", "> ", "Am 1 schrieb\n", "*", "Disclaimer: mail "]
)
def test_replies_take_little_time(unit: str) -> None:
    started = time.thread_time()
    reply_text(unit * (1_000_000 // len(unit)))
    assert time.thread_time() - started < SECONDS
