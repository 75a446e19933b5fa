"""The desk's own pages: each has an audience, is written in Markdown and shown without a script (B1)."""

import re

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.markdown import rendered
from accounts.models import Audience, Page
from accounts.texts import Texts
from conftest import Desk, Visit

READERS = ("visitor", "guest", "stranger", "requester", "agent")


def write(slug: str = "faq", **values: object) -> Page:
    """Published for customers. Call it inside the desk."""
    words = {"title": Texts(en=f"About {slug}"), "body": Texts(en="Text."), "is_published": True}
    row: Page = Page.objects.create(slug=slug, **{**words, **values})
    return row


# ---- who reads what ----


@pytest.mark.parametrize(
    ("audience", "readers"),
    [
        (Audience.PUBLIC, READERS),
        (Audience.CUSTOMERS, ("stranger", "requester", "agent")),
        (Audience.ORGANISATION, ("requester", "agent")),
    ],
)
def test_b1_each_page_has_an_audience(desk: Desk, visit: Visit, audience: Audience, readers: tuple[str, ...]) -> None:
    with desk.entered():
        write(audience=audience, organisation=desk.organisation if audience == Audience.ORGANISATION else None)
        people = {name: getattr(desk, name, None) for name in READERS} | {"guest": desk.joins("Gus Guest")}
    browsers = {name: visit(desk, person) for name, person in people.items()}
    read = tuple(name for name in READERS if browsers[name].get("/pages/faq/").status_code == 200)
    listed = tuple(name for name in READERS if "About faq" in browsers[name].get("/pages/").content.decode())
    assert (read, listed) == (readers, readers)


def test_a_draft_is_nowhere(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        write(audience=Audience.PUBLIC, is_published=False)
    assert [visit(desk, who).get("/pages/faq/").status_code for who in (None, desk.agent)] == [404, 404]


def test_another_desks_page_is_not_there(desk: Desk, rival: Desk, visit: Visit) -> None:
    with desk.entered():
        write(audience=Audience.PUBLIC)
    browser = visit(rival, rival.manager)
    assert (browser.get("/pages/faq/").status_code, "About faq" in browser.get("/").content.decode()) == (404, False)


@pytest.mark.parametrize("audience", list(Audience))
def test_an_organisation_is_named_exactly_where_it_is_the_audience(inside: Desk, audience: Audience) -> None:
    organisation = None if audience == Audience.ORGANISATION else inside.organisation
    row = Page(slug="x", title=Texts(en="x"), body=Texts(en="x"), audience=audience, organisation=organisation)
    with pytest.raises(ValidationError):
        row.full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()


# ---- where they are listed ----


def test_public_pages_stand_at_the_door_and_in_the_foot(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        write(audience=Audience.PUBLIC)
    browser = visit(desk)
    assert ["About faq" in browser.get(address).content.decode() for address in ("/", "/contact/")] == [True, True]


def test_a_page_that_changes_its_audience_leaves_the_foot_at_once(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        row = write(audience=Audience.PUBLIC)
    browser = visit(desk)
    browser.get("/contact/")
    with desk.entered():
        row.audience = Audience.CUSTOMERS
        row.save()
    assert "About faq" not in browser.get("/contact/").content.decode()


def test_customers_find_theirs_at_home(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        write("notes", audience=Audience.ORGANISATION, organisation=desk.organisation)
    pages = [visit(desk, who).get("/").content.decode() for who in (desk.requester, desk.stranger)]
    assert ["About notes" in page for page in pages] == [True, False]


def test_many_pages_come_by_and_by(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        for number in range(33):
            write(f"page-{number}")
    browser = visit(desk, desk.requester)
    first = browser.get("/pages/")
    second = browser.get(first.context["next_url"]).content.decode()
    assert (first.content.decode().count("About page-"), second.count("About page-")) == (30, 3)


def test_a_page_is_read_in_the_readers_language(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        write(audience=Audience.PUBLIC, body=Texts(en="In English", lv="Latviski"))
    browser = visit(desk)
    browser.post("/language/", {"language": "lv", "back": "/"})
    assert "Latviski" in browser.get("/pages/faq/").content.decode()


# ---- Markdown ----


def test_headings_begin_with_the_second_and_leave_none_out() -> None:
    html = rendered("### First\n\n##### Below\n\n### Second")
    assert re.findall(r"<h\d>", html) == ["<h2>", "<h3>", "<h2>"]


def test_markdown_becomes_headings_lists_and_tables() -> None:
    html = rendered("# How\n\n- **one**\n\n| a | b |\n|---|---|\n| 1 | 2 |")
    assert [part in html for part in ("<h2>How</h2>", "<strong>one</strong>", "<td>1</td>")] == [True, True, True]


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '<img src="https://example.com/x.png" onerror="alert(1)">',
        "![x](https://example.com/x.png)",
        "[x](javascript:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        '[x](https://example.com "a" onclick="alert(1)")',
        "<style>body{}</style>",
    ],
)
def test_nothing_active_and_nothing_from_outside(text: str) -> None:
    assert not re.search(r"<(script|img|style)|<[^>]*(javascript:|data:|onclick)", rendered(text))


def test_links_leave_without_a_recommendation() -> None:
    assert 'rel="nofollow noopener noreferrer"' in rendered("[x](https://example.com)")


# ---- the admin ----


def test_a_manager_writes_a_page_and_reads_it_before_others(desk: Desk, visit: Visit) -> None:
    values = {
        "title_en": "Questions",
        "slug": "faq",
        "audience": "public",
        "body_en": "**Bold** words",
        "position": "0",
    }
    browser = visit(desk, desk.manager)
    assert browser.post("/admin/accounts/page/add/", values).status_code == 302
    with desk.entered():
        row = Page.objects.get()
    preview = browser.get(f"/admin/accounts/page/{row.pk}/preview/").content.decode()
    assert ("<strong>Bold</strong>" in preview, visit(desk).get("/pages/faq/").status_code) == (True, 404)


def test_a_page_for_nobody_is_refused_in_the_form(desk: Desk, visit: Visit) -> None:
    values = {"title_en": "Notes", "slug": "notes", "audience": "organisation", "body_en": "x", "position": "0"}
    answer = visit(desk, desk.manager).post("/admin/accounts/page/add/", values)
    assert (answer.status_code, "Choose an organisation" in answer.content.decode()) == (200, True)
