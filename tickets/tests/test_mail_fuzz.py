"""Messages that look like messages and lie in every part: each is read, and what it gives can be stored."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.mail_fuzz import complaints, judged, unsafe
from tickets.mail.parse import ParsedMessage

FEW, MANY = 500, 20_000

# ---- lines ----

LINE_ENDS = st.sampled_from([b"\n", b"\r\n", b"\r\n", b"\r", b"\n\r\n", b"\r\r\n"])
ODD = st.sampled_from(
    [
        b"\0",
        b"\r",
        b"\xff\xfe",
        b"\xed\xa0\x80",
        b"\xe2\x80\xae",
        b"\xef\xbb\xbf",
        b"\xc3",
        b"\x1b$B",
        b"\x85",
        b"\t",
        b"",
    ]
)
WORDS = st.sampled_from(
    b'Hello|a@b.lv|<c@d.lv>|"x"|(y|,|;|:|=?utf-8?b?xIE=?=|=?utf-8?q?=ED=A0=80?=|=?x?q?=00?=|=?utf-16?b?2AA=?=|'
    b"=?iso-2022-jp?b?GyRC?=|<>|\xc4\x81|&#13;|&#0;|&#xd800;|<p>|<br>|<a href='x'>|<img src=cid:1>|<!--|-->|> |-- |--x|"
    b"--x--|--y|+2AA-|On 5 May 2024 at 10:15 a@b wrote:|Status: 5.1.1|Action: failed|QUJD|=41=|=C4=81=".split(b"|")
)
PHRASE = st.lists(WORDS | ODD | st.binary(max_size=8), max_size=6).map(b" ".join)
HUGE = (
    st.tuples(WORDS | ODD, st.integers(1_000, 30_000))
    .map(lambda pair: pair[0] * pair[1])
    .map(lambda raw: raw[:100_000])
)

# ---- fields ----

BOUNDARIES = st.sampled_from([b"x", b"x", b"y", b"x-", b"x y", b"", b"=_" + b"z" * 80, b"\xff"])
CHARSETS = st.sampled_from(
    b"utf-8|utf-8|utf-8|utf-8|utf-7|utf-16|utf-32|us-ascii|iso-2022-jp|hz|gb18030|windows-1257|koi8-r|punycode|idna|unicode_escape|rot13|"
    b"base64|x-unknown|undefined|oem|mbcs|utf-8-sig|cp65001||\xff|utf-8\0".split(b"|")
)
# Mostly none: what is not decoded arrives as it was made.
ENCODINGS = st.sampled_from(
    b"8bit|8bit|8bit|8bit|base64|quoted-printable|7bit|8bit|binary|x-uuencode|BASE64 |base-64|qp|\0|".split(b"|")
)
KINDS = st.sampled_from(
    b"text/plain|text/html|text/plain|text/html|text/html|TEXT/HTML|text|text/calendar|application/pdf|image/png|message/rfc822|application/ms-tnef|"
    b"message/delivery-status|message/partial|text/x-amp-html|nonsense|text/plain/html|/|".split(b"|")
)
MULTIPARTS = st.sampled_from([b"mixed", b"alternative", b"related", b"report", b"digest", b"signed", b"x"])
NAMES = st.sampled_from(
    b"From|To|Cc|Reply-To|Subject|Date|Message-ID|In-Reply-To|References|Return-Path|Auto-Submitted|Precedence|List-Id|"
    b"Authentication-Results|Content-ID|Content-Type|Content-Transfer-Encoding|X-Failed-Recipients|Received".split(b"|")
)
FIELD = st.builds(lambda name, value: name + b": " + value, NAMES, PHRASE | PHRASE | PHRASE | HUGE)


DISPOSITIONS = st.sampled_from([b"", b"", b"inline", b"attachment", b"nonsense"])


def typed(kind: bytes, charset: bytes, encoding: bytes, disposition: bytes, name: bytes) -> bytes:
    fields = [b"Content-Type: " + kind + b"; charset=" + charset, b"Content-Transfer-Encoding: " + encoding]
    if disposition:
        names = b"; filename*0*=utf-8''" + name + b'; filename="' + name + b'"'
        fields.append(b"Content-Disposition: " + disposition + names)
    return b"\n".join(fields) + b"\n\n"


# ---- parts in parts ----

BODY = st.lists(PHRASE, max_size=6).map(b"\n".join) | HUGE
LEAF = st.builds(
    lambda head, body: head + body, st.builds(typed, KINDS, CHARSETS, ENCODINGS, DISPOSITIONS, PHRASE), BODY
)


def together(kind: bytes, boundary: bytes, parts: list[bytes], is_ended: bool) -> bytes:
    inside = b"".join(b"--" + boundary + b"\n" + part + b"\n" for part in parts)
    head = b"Content-Type: multipart/" + kind + b'; report-type=delivery-status; boundary="' + boundary + b'"\n\n'
    return head + inside + (b"--" + boundary + b"--\n" if is_ended else b"")


def containing(inner: "st.SearchStrategy[bytes]") -> "st.SearchStrategy[bytes]":
    multipart = st.builds(together, MULTIPARTS, BOUNDARIES, st.lists(inner, max_size=4), st.booleans())
    return multipart | inner.map(lambda part: b"Content-Type: message/rfc822\n\n" + part)


PARTS = st.recursive(LEAF, containing, max_leaves=8)
MESSAGES = st.builds(
    lambda fields, content, end: (b"\n".join([*fields, content])).replace(b"\n", end),
    st.lists(FIELD, max_size=8),
    PARTS | PARTS | BODY,
    LINE_ENDS,
)
DEPTHS = st.builds(
    lambda kind, boundary, depth, part: (
        together(kind, boundary, [part], True) if depth < 2 else nested(kind, depth, part)
    ),
    MULTIPARTS,
    BOUNDARIES,
    st.integers(1, 80),
    LEAF,
)


def nested(kind: bytes, depth: int, part: bytes) -> bytes:
    for level in range(depth):
        part = together(kind, b"n%d" % (level % 7), [part], level % 3 > 0)
    return part


def examples(number: int) -> Callable[[Any], Any]:
    checks = list(HealthCheck)
    return settings(max_examples=number, deadline=None, suppress_health_check=checks, database=None)


# ---- what is true of all of them ----


@pytest.mark.slow
@examples(FEW)
@given(MESSAGES | DEPTHS)
def test_a_message_that_lies_in_every_part_is_read_and_can_be_stored(raw: bytes) -> None:
    assert judged(raw, complaints) == []


@pytest.mark.slow
@examples(MANY)
@given(MESSAGES | DEPTHS)
def test_twenty_thousand_of_them(raw: bytes) -> None:
    assert judged(raw, complaints) == []


# ---- what was found in this way ----

FOUND = {
    "a line break that is written as a reference": b"Content-Type: text/html\n\n<p>Hello&#13;you</p>",
}


@pytest.mark.parametrize("raw", [pytest.param(raw, id=name) for name, raw in FOUND.items()])
def test_what_was_wrong_once_stays_right(raw: bytes) -> None:
    assert judged(raw, complaints) == []


# ---- and that it would be seen if it were not ----


@pytest.mark.parametrize(
    ("parsed", "seen"),
    [
        (ParsedMessage(problems=("unreadable", "KeyError")), "unreadable: KeyError"),
        (ParsedMessage(subject="a\nb"), "more than one line: subject"),
        (ParsedMessage(text="a\0b"), "NUL: text"),
        (ParsedMessage(text="a\rb"), "CR: text"),
        (ParsedMessage(html="a\rb"), "CR: html"),
        (ParsedMessage(headers=(("x", "\ud800"),)), "half a character: header"),
        (ParsedMessage(from_name="a" * 201), "too long: name"),
        (ParsedMessage(text="a" * 1_100_000), "too long: text"),
    ],
)
def test_what_must_not_be_stored_is_seen(parsed: ParsedMessage, seen: str) -> None:
    assert list(unsafe(parsed)) == [seen]


def test_a_mistake_is_named_with_its_place() -> None:
    def fails(_raw: bytes) -> list[str]:
        raise KeyError("x")

    assert judged(b"", fails)[0].startswith("KeyError in test_mail_fuzz.py:")
