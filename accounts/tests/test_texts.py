"""A desk's texts in several languages: the reader's, else the desk's own, else English, else any."""

import pytest
from django.utils import translation

from accounts.models import Tenant
from accounts.texts import Texts
from conftest import Desk


@pytest.mark.parametrize(
    ("reader", "known", "read"),
    [
        ("cs", ("cs", "lv", "en"), "cs"),
        ("cs", ("lv", "en"), "lv"),
        ("cs", ("pl", "en"), "en"),
        ("cs", ("pl",), "pl"),
    ],
)
def test_what_is_missing_falls_back(inside: Desk, reader: str, known: tuple[str, ...], read: str) -> None:
    tenant = Tenant.objects.get()
    tenant.language = "lv"
    tenant.save()
    texts = Texts({code: f"in {code}" for code in known})
    with translation.override(reader):
        assert (str(texts), texts.language) == (f"in {read}", read)


def test_outside_of_a_desk_it_is_english(db: None) -> None:
    with translation.override("cs"):
        assert str(Texts(lv="lv", en="en")) == "en"


def test_without_a_text_nothing_is_read(inside: Desk) -> None:
    assert str(Texts()) == ""
