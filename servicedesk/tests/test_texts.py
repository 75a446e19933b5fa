"""Five languages: no text of the product is untranslated or guessed, and the numbers and dates follow the reader."""

import re

import pytest
from django.template.defaultfilters import filesizeformat
from django.utils import translation

from accounts.models import Person
from accounts.texts import Texts
from conftest import Desk, Visit
from servicedesk.catalogues import TRANSLATED, read_catalogue, untranslated

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w*\}|%%")


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_is_translated(language: str) -> None:
    assert untranslated(language) == []


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
