"""Five languages: no text of the product is untranslated or guessed, and the numbers and dates follow the reader."""

import re
from pathlib import Path

import pytest
from django.template.defaultfilters import filesizeformat
from django.utils import translation

from accounts.models import Person
from accounts.texts import Texts
from conftest import Desk, Visit
from servicedesk import catalogues
from servicedesk.catalogues import TRANSLATED, read_catalogue, untranslated

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w*\}|%%")


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_is_translated(language: str) -> None:
    assert untranslated(language) == []


def test_what_is_missing_guessed_or_half_plural_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the test above would pass whatever the catalogues hold."""
    catalogue = read_catalogue("lv")
    first, second, *_others = [message for message in catalogue if message.id and isinstance(message.id, str)]
    plural = next(message for message in catalogue if isinstance(message.id, tuple))
    catalogue.get(first.id, first.context).string = ""
    catalogue.get(second.id, second.context).flags.add("fuzzy")
    catalogue.get(plural.id[0], plural.context).string = (*(plural.string or ())[:-1], "")
    monkeypatch.setattr(catalogues, "read_catalogue", lambda language: catalogue)
    assert sorted(untranslated("lv")) == sorted([first.id, second.id, plural.id[0]])


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_plural_has_all_forms_of_its_language(language: str) -> None:
    catalogue = read_catalogue(language)
    plurals = [message for message in catalogue if isinstance(message.id, tuple)]
    assert [message.id for message in plurals if len(message.string) != catalogue.num_plurals] == []
    assert len(plurals) > 10


PORTALS = sorted((catalogues.ROOT / "static").glob("*.js"))
# What only a developer's console shows is no text.
COMMENT = re.compile(r"new Error\([^)]*\)|/\*.*?\*/|(?<![:\w\"'`])//[^\n]*", re.DOTALL)
# Words with a space between them, begun by a capital as sentences are.
SENTENCE = re.compile(r"""["'`][^"'`\n<>=]*\b[A-Z][a-z]+ [a-z]+[^"'`\n]*["'`]""")


@pytest.mark.parametrize("path", PORTALS, ids=lambda path: path.name)
def test_scripts_have_no_words_of_their_own(path: Path) -> None:
    """What they say comes from the page, which is translated."""
    assert SENTENCE.findall(COMMENT.sub("", path.read_text(encoding="utf-8"))) == []


def test_a_script_with_words_of_its_own_is_found() -> None:
    assert SENTENCE.findall('note("The connection is lost.")') == ['"The connection is lost."']


@pytest.mark.parametrize(("number", "words"), [(0, "0 baitu"), (1, "1 baits"), (14, "14 baiti"), (21, "21 baits")])
def test_latvian_bytes_are_counted_as_latvians_do(number: int, words: str) -> None:
    """Django's own catalogue has the three forms in the wrong order."""
    with translation.override("lv"):
        assert filesizeformat(number).replace("\xa0", " ") == words


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_keep_their_placeholders(language: str) -> None:
    broken = []
    for message in read_catalogue(language):
        originals = message.id if isinstance(message.id, tuple) else (message.id,)
        strings = message.string if isinstance(message.string, (tuple, list)) else (message.string,)
        wanted = set(PLACEHOLDER.findall(originals[-1]))
        broken += [text for text in strings if message.id and text and not set(PLACEHOLDER.findall(text)) <= wanted]
    assert broken == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_have_no_straight_quotes_where_markup_would_break(language: str) -> None:
    """Many texts stand in attributes of templates, where a translation is not escaped."""
    guilty = [
        text
        for message in read_catalogue(language)
        for text in (message.string if isinstance(message.string, (tuple, list)) else (message.string,))
        if message.id and '"' in str(text) and '"' not in str(message.id)
    ]
    assert guilty == []


def test_the_persons_own_language_goes_first(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        Person.objects.filter(pk=desk.requester.pk).update(language="lv")
    browser = visit(desk, desk.requester)
    browser.cookies["desk_language"] = "en"
    page = browser.get("/requests/", headers={"accept-language": "en"})
    assert page.headers["Content-Language"] == "lv"


def test_a_chosen_language_becomes_the_persons_own(desk: Desk, visit: Visit) -> None:
    visit(desk, desk.requester).post("/language/", {"language": "lv"})
    with desk.entered():
        assert Person.objects.get(pk=desk.requester.pk).language == "lv"


def test_a_visitors_choice_goes_before_their_browsers_language(desk: Desk, visit: Visit) -> None:
    browser = visit(desk)
    browser.post("/language/", {"language": "en"})
    assert browser.get("/", headers={"accept-language": "lv"}).headers["Content-Language"] == "en"


def test_a_language_the_desk_does_not_offer_is_not_taken(desk: Desk, visit: Visit) -> None:
    browser = visit(desk)
    browser.post("/language/", {"language": "ru"})
    assert browser.get("/").headers["Content-Language"] == "en"


def test_a_visitor_gets_their_browsers_language(desk: Desk, visit: Visit) -> None:
    assert visit(desk).get("/", headers={"accept-language": "lv-LV,lv;q=0.9"}).headers["Content-Language"] == "lv"


def test_a_tenants_text_is_read_in_the_readers_language() -> None:
    text = Texts({"lv": "Kase", "en": "Cash desk"})
    with translation.override("lv"):
        assert str(text) == "Kase"


def test_a_tenants_text_falls_back() -> None:
    with translation.override("pl"):
        assert (str(Texts({"lv": "Kase", "en": "Cash desk"})), str(Texts({"lv": "Kase"})), str(Texts())) == (
            "Cash desk",
            "Kase",
            "",
        )


def test_the_language_form_leads_nowhere_else(desk: Desk, visit: Visit) -> None:
    answer = visit(desk).post("/language/", {"language": "lv", "next": "//evil.example/"})
    assert answer.headers["Location"] == "/"
