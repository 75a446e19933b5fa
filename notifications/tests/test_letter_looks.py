"""How letters look in a real browser: on a telephone and on a desk, by day and by night, with nothing fetched."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import translation

from accounts import actions as accounts_actions
from accounts.models import Person, Tenant
from conftest import Desk, load_desk, written
from notifications.models import Going, OutboxMessage
from notifications.rendering import write_out
from tests import conftest as product
from tickets import actions

pytestmark = pytest.mark.browser

browser = product.browser

LANGUAGES = ("en", "lv")
# What a word can be at its worst: an address that somebody pasted.
LONG = "https://files.example.com/" + "a-very-long-name-without-a-space-" * 6 + "report.pdf"
Scheme = str


# ---- the letters, as the real code writes them ----


def single(desk: Desk) -> OutboxMessage:
    text = f"I have looked at it.\n\nThe tray is bent. A new one is here:\n{LONG}\n\nShall I come on Tuesday?"
    actions.comment(desk.submit(by=reader(desk)), by=desk.agent, text=text)
    return written(letter(desk, "ticket.commented"))


def three_at_once(desk: Desk) -> OutboxMessage:
    ticket = desk.submit(by=reader(desk), subject="The printer on the second floor prints every page twice")
    actions.start_work(ticket, by=desk.agent, expected_minutes=20)
    actions.comment(ticket, by=desk.agent, text="I have looked at it: the tray is bent.")
    actions.request_information(ticket, by=desk.agent, text="Which of the two printers is it?")
    first, *others = of(desk).filter(kind__in=["ticket.started", "ticket.commented", "ticket.information_requested"])
    write_out(first, others)
    return first


def estimate(desk: Desk) -> OutboxMessage:
    Person.objects.filter(pk=desk.approver.pk).update(language=translation.get_language())
    desk.estimated(desk.submit(by=reader(desk)), note="As we said on the telephone.")
    return written(OutboxMessage.objects.get(kind="ticket.estimate_sent"))


def summary(desk: Desk) -> OutboxMessage:
    for subject in ("The printer prints every page twice", "A new colleague begins on Monday and needs an account"):
        ticket = desk.submit(by=reader(desk), subject=subject)
        actions.start_work(ticket, by=desk.agent, expected_minutes=20)
        actions.comment(ticket, by=desk.agent, text="I begin today.")
    rows = list(of(desk).filter(kind__in=["ticket.started", "ticket.commented"]))
    for row in rows:
        row.going = Going.DIGEST
    write_out(rows[0], rows[1:])
    return rows[0]


def access(desk: Desk) -> OutboxMessage:
    reader(desk)
    accounts_actions.request_reset(desk.requester.user.email)
    return written(OutboxMessage.objects.get(kind="person.reset"))


LETTERS: dict[str, Callable[[Desk], OutboxMessage]] = {
    "single": single,
    "three": three_at_once,
    "estimate": estimate,
    "summary": summary,
    "access": access,
}
# A summary leads to several requests, each by its title.
WITH_BUTTON = [name for name in LETTERS if name != "summary"]


def reader(desk: Desk) -> Person:
    """The requester, who reads the language that is spoken just now."""
    Person.objects.filter(pk=desk.requester.pk).update(language=translation.get_language())
    row: Person = Person.objects.get(pk=desk.requester.pk)
    return row


def of(desk: Desk) -> QuerySet[OutboxMessage]:
    return OutboxMessage.objects.filter(to_person=desk.requester).order_by("id")


def letter(desk: Desk, kind: str) -> OutboxMessage:
    row: OutboxMessage = of(desk).get(kind=kind)
    return row


@pytest.fixture(scope="module")
def letters(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of them as files. Written before there is a browser, whose event loop would stand in the database's way."""
    folder = tmp_path_factory.mktemp("letters")
    with django_db_blocker.unblock():
        for language in LANGUAGES:
            for name, write in LETTERS.items():
                (folder / f"{name}-{language}.html").write_text(html_of(write, language), encoding="utf-8")
        connection.close()
    return folder


def html_of(write: Callable[[Desk], OutboxMessage], language: str) -> str:
    """Nothing of it stays."""
    with transaction.atomic():
        desk = load_desk("alpha")
        with desk.entered(), translation.override(language):
            Tenant.objects.update(support_phone="+371 6700 0000")
            html = write(desk).html
        transaction.set_rollback(True)
    return html


@pytest.fixture
def show(letters: Path, browser: Any) -> Iterator[Callable[..., Any]]:
    """show('single', width=390): the letter, opened as a mail program shows it."""
    contexts = []

    def open_letter(name: str, language: str = "en", *, width: int = 700, scheme: Scheme = "light") -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.goto((letters / f"{name}-{language}.html").as_uri())
        return page

    yield open_letter
    for context in contexts:
        context.close()


def grid(value: Any) -> Any:
    return pytest.param(value, marks=pytest.mark.slow)


every_letter = pytest.mark.parametrize("name", LETTERS)
# The grid of languages, widths and themes runs with all tests; the narrow English letter by day always.
every_language = pytest.mark.parametrize("language", ["en", *(grid(code) for code in LANGUAGES if code != "en")])
every_width = pytest.mark.parametrize("width", [390, grid(700)])
by_day_and_night = pytest.mark.parametrize("scheme", ["light", grid("dark")])


@every_letter
@every_language
@every_width
def test_nothing_scrolls_sideways(show: Callable[..., Any], name: str, language: str, width: int) -> None:
    page = show(name, language, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("name", WITH_BUTTON)
@every_language
@every_width
def test_the_button_is_seen_whole(show: Callable[..., Any], name: str, language: str, width: int) -> None:
    box = show(name, language, width=width).locator("a[data-button]").bounding_box()
    assert 0 < box["x"] < box["x"] + box["width"] < width


@pytest.mark.parametrize("name", WITH_BUTTON)
def test_a_finger_hits_the_button(show: Callable[..., Any], name: str) -> None:
    """24 by 24 is what WCAG 2.2 asks for; 44 is what a thumb likes."""
    assert show(name, width=390).locator("a[data-button]").bounding_box()["height"] >= 44


# Every piece of text that can be read, with the colour behind it: [ratio, text], the faint ones only.
FAINT = """() => {
  const parts = (colour) => colour.match(/[0-9.]+/g).map(Number);
  const light = (colour) => parts(colour).slice(0, 3).map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (!colour.endsWith(", 0)")) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const faint = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    if (!node.textContent.trim()) continue;
    const both = [light(getComputedStyle(node.parentElement).color), light(behind(node.parentElement))];
    const ratio = (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
    if (ratio < 4.5) faint.push([ratio, node.textContent.trim()]);
  }
  return faint;
}"""


@every_letter
@by_day_and_night
def test_every_word_stands_out(show: Callable[..., Any], name: str, scheme: Scheme) -> None:
    assert show(name, scheme=scheme).evaluate(FAINT) == []


@by_day_and_night
def test_a_faint_word_would_be_found(show: Callable[..., Any], scheme: Scheme) -> None:
    page = show("single", scheme=scheme)
    page.locator("[data-button]").evaluate("(one) => { one.style.color = one.style.backgroundColor }")
    assert len(page.evaluate(FAINT)) == 1


@every_letter
def test_by_night_the_page_is_dark(show: Callable[..., Any], name: str) -> None:
    page = show(name, scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 22, 26)"


@pytest.mark.parametrize("name", ["three", "summary"])
@by_day_and_night
def test_what_separates_is_fainter_than_words(show: Callable[..., Any], name: str, scheme: Scheme) -> None:
    """By night a light line would be the brightest thing there."""
    colours = show(name, scheme=scheme).evaluate(
        "[...document.querySelectorAll('body *')].map((one) => getComputedStyle(one))"
        ".filter((one) => one.borderTopWidth !== '0px').map((one) => one.borderTopColor)"
    )
    assert len(colours) == 4  # the sheet's edge, two between three things or before two sections, the foot's
    assert set(colours) == {"rgb(223, 227, 234)" if scheme == "light" else "rgb(52, 58, 68)"}


@every_letter
@every_language
def test_it_says_which_language_it_speaks(show: Callable[..., Any], name: str, language: str) -> None:
    assert show(name, language).evaluate("document.documentElement.lang") == language


@every_letter
def test_nothing_is_fetched_and_nothing_is_a_picture(show: Callable[..., Any], name: str) -> None:
    """Readable where images are off, and nobody is told that it was opened."""
    fetched = show(name).evaluate(
        "[performance.getEntriesByType('resource').length, document.querySelectorAll('img, link, script').length]"
    )
    assert fetched == [0, 0]


def test_each_section_of_a_summary_leads_to_its_request(show: Callable[..., Any]) -> None:
    links = show("summary").locator("a[href*='/requests/']").evaluate_all("all => all.map((one) => one.textContent)")
    assert [link.partition("]")[0] for link in links] == ["[DESK-1", "[DESK-2"]
