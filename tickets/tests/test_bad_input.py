"""What cannot be right in a form of the portal: a sentence at the field each, and no request."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import Representation
from conftest import Desk, Visit
from tickets.models import Comment, Participant, Ticket

Values = Callable[[Desk, Desk], dict[str, Any]]


def said_at(answer: Any, name: str) -> str:
    """What the page says at a field, which it names to screen readers, too."""
    page = answer.content.decode()
    found = re.search(rf'id="id_{name}_error">(.*?)</div>\s*</div>', page, re.DOTALL)
    assert re.search(rf'<[^>]*\sname="{name}"[^>]*\saria-describedby="[^"]*id_{name}_error', page), name
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split()) if found else ""


def typed(name: str, value: Any) -> Values:
    return lambda desk, rival: {name: value}


def files(*contents: bytes) -> Values:
    return lambda desk, rival: {
        "files": [SimpleUploadedFile(f"part-{number}.txt", content) for number, content in enumerate(contents)]
    }


UNSEEN = "characters here that cannot be seen"
NO_CHOICE = "not one of the available choices"
REQUESTS: dict[str, tuple[str, Values, str]] = {
    "10,000 characters": ("summary", typed("summary", "x" * 10_000), "at most 200 characters"),
    "a null": ("summary", typed("summary", "a\0b"), UNSEEN),
    "a control character": ("summary", typed("summary", "a\x07b"), UNSEEN),
    "a right-to-left override": ("summary", typed("summary", "gnp.\u202ecod"), UNSEEN),
    "a control character in what is folded": ("order_number", typed("order_number", "a\x07b"), UNSEEN),
    "100,001 characters": ("description", typed("description", "x" * 100_001), "at most 100000 characters"),
    "a date in year 0": ("due_date", typed("due_date", "0000-01-01"), "Enter a valid date"),
    "a date in year 1": ("due_date", typed("due_date", "0001-01-01"), "greater than or equal to"),
    "a date after all calendars": ("due_date", typed("due_date", "99999-01-01"), "Enter a valid date"),
    "another desk's organisation": (
        "organisation",
        lambda desk, rival: {"organisation": rival.organisation.pk},
        NO_CHOICE,
    ),
    "an organisation that is none": ("organisation", typed("organisation", "x"), NO_CHOICE),
    "another desk's person": ("on_behalf_of", lambda desk, rival: {"on_behalf_of": rival.requester.pk}, NO_CHOICE),
    "a colleague who is none": ("on_behalf_of", lambda desk, rival: {"on_behalf_of": desk.agent.pk}, NO_CHOICE),
    "a file of 0 bytes": ("files", files(b"", b"x"), "“part-0.txt” is empty"),
    "a file of 50 MB + 1": ("files", files(b"\0" * (50 * 1024 * 1024 + 1)), "“part-0.txt”"),
    "21 files": ("files", files(*[b"x"] * 21), "21 files are too many"),
}


@pytest.mark.parametrize("case", REQUESTS)
def test_a_request_is_refused_with_a_sentence_at_the_field(desk: Desk, rival: Desk, visit: Visit, case: str) -> None:
    name, values, sentence = REQUESTS[case]
    with desk.entered():
        Representation.objects.create(person=desk.requester, organisation=desk.other_organisation)
        where = f"/requests/new/{desk.type().pk}/"
    answer = visit(desk, desk.requester).post(where, {"summary": "The printer", **values(desk, rival)})
    assert answer.status_code == 422
    assert sentence in said_at(answer, name)
    with desk.entered():
        assert Ticket.objects.count() == 0


COMMENTS: dict[str, tuple[Values, str]] = {
    "100,001 characters": (typed("text", "x" * 100_001), "at most 100000 characters"),
    "a file of 0 bytes": (files(b""), "“part-0.txt” is empty"),
    "21 files": (files(*[b"x"] * 21), "21 files are too many"),
}


@pytest.mark.parametrize("case", COMMENTS)
def test_a_comment_is_refused_with_a_sentence_at_the_field(desk: Desk, rival: Desk, visit: Visit, case: str) -> None:
    values, sentence = COMMENTS[case]
    with desk.entered():
        ticket = desk.submit()
    answer = visit(desk, desk.requester).post(f"/requests/{ticket.reference}/comment/", values(desk, rival))
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    with desk.entered():
        assert Comment.objects.count() == 0


@pytest.mark.parametrize(
    ("where", "name", "value", "sentence"),
    [
        ("/organisation/", "name", "x" * 10_000, "at most 150 characters"),
        ("/organisation/", "name", "Anna\x07", UNSEEN),
        ("/organisation/", "name", "gnp.\u202eanna", UNSEEN),
        ("/organisation/", "email", "a\x07@b.example", UNSEEN),
        ("/account/tokens/", "name", "x" * 10_000, "at most 60 characters"),
        ("/account/tokens/", "name", "a\u202eb", UNSEEN),
        ("/account/tokens/", "expires_on", "0000-01-01", "Enter a valid date"),
        ("/deputies/", "person", "999999", NO_CHOICE),
        ("/deputies/", "starts_on", "0000-01-01", "Enter a valid date"),
        ("{request}invite/", "email", "x" * 10_000, "at most 254 characters"),
        ("{request}invite/", "email", "a\u202e@b.example", UNSEEN),
    ],
)
def test_other_forms_say_it_at_the_field(
    desk: Desk, visit: Visit, where: str, name: str, value: str, sentence: str
) -> None:
    with desk.entered():
        ticket = desk.submit()
    where = where.format(request=f"/requests/{ticket.reference}/")
    answer = visit(desk, desk.colleague).post(where, {name: value})
    assert (answer.status_code, sentence in answer.content.decode()) == (422, True)
    with desk.entered():
        assert Participant.objects.count() == 0
