"""Choosing a topic: the search finds it while typing, and without a script by a page of its own."""

import re

import pytest

from conftest import Desk, Visit
from tickets.models import RequestType, TopicGroup


@pytest.fixture
def topics(desk: Desk) -> Desk:
    with desk.entered():
        RequestType.objects.all().delete()
        group = TopicGroup.objects.create(name={"en": "Wages"}, icon="users", position=1)
        for name, sentence in (("Payroll", "For example, a sum is wrong."), ("Atvaļinājums", "Leave is not counted.")):
            RequestType.objects.create(group=group, name={"en": name}, sentence={"en": sentence}, icon="users")
    return desk


def shown(desk: Desk, visit: Visit, words: str) -> list[str]:
    page = visit(desk, desk.requester).get("/requests/new/", {"q": words}).content.decode()
    items = re.findall(r"<li data-item( hidden)?>.*?<h3><a[^>]*>(.*?)</a>", page, re.DOTALL)
    return [name for hidden, name in items if not hidden]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", ["Payroll", "Atvaļinājums"]),
        ("payr", ["Payroll"]),
        ("ATVALIN", ["Atvaļinājums"]),
        ("wrong sum", ["Payroll"]),
        ("wages leave", ["Atvaļinājums"]),
        ("payroll leave", []),
    ],
)
def test_topics_are_found_by_their_words(topics: Desk, visit: Visit, words: str, found: list[str]) -> None:
    assert shown(topics, visit, words) == found


def test_what_was_searched_for_stays_in_its_box(topics: Desk, visit: Visit) -> None:
    page = visit(topics, topics.requester).get("/requests/new/", {"q": '"><b>'}).content.decode()
    assert 'value="&quot;&gt;&lt;b&gt;"' in page


@pytest.mark.parametrize(("words", "says"), [("nothing has this", True), ("pay", False), ("", False)])
def test_where_no_topic_has_the_words_it_says_so(topics: Desk, visit: Visit, words: str, says: bool) -> None:
    page = visit(topics, topics.requester).get("/requests/new/", {"q": words}).content.decode()
    assert ('<div class="empty" data-filter-none>' in page) is says


def test_home_leads_to_the_search(topics: Desk, visit: Visit) -> None:
    page = visit(topics, topics.requester).get("/").content.decode()
    assert '<form method="get" action="/requests/new/" role="search"' in page
