"""Terms of service: versions that are published once, and who accepted which (B2)."""

import hashlib
import json
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from accounts.errors import NotAllowed, Refused
from accounts.events import history_of
from accounts.models import Consent, Person, TermsVersion
from accounts.personal_data import take_along
from accounts.terms import accept_terms, begin_terms, publish_terms, terms_to_accept
from accounts.texts import Texts
from conftest import Desk, Visit
from tickets.models import Ticket


def publish(desk: Desk, words: str = "Be kind.", **values: Any) -> TermsVersion:
    """A version in force. Call it inside the desk."""
    body = Texts(en=words, lv=f"Latviski: {words}")
    draft = TermsVersion.objects.create(title=Texts(en="Terms of service", lv="Noteikumi"), body=body, **values)
    return publish_terms(draft, by=desk.manager)


def form(desk: Desk) -> str:
    with desk.entered():
        return f"/requests/new/{desk.type().pk}/"


REQUEST = {"summary": "The printer", "description": ""}


# ---- versions ----


def test_versions_are_numbered_as_they_are_published(inside: Desk) -> None:
    TermsVersion.objects.create(title=Texts(en="A draft that is left"), body=Texts(en="x"))
    assert [publish(inside).number, publish(inside).number] == [1, 2]


@pytest.mark.parametrize("change", [{"body": Texts(en="Be cruel.")}, {"needs_consent": False}, {"published_at": None}])
def test_what_was_published_is_never_changed(inside: Desk, change: dict[str, Any]) -> None:
    version = publish(inside)
    with pytest.raises(DatabaseError), transaction.atomic():
        TermsVersion.objects.filter(pk=version.pk).update(**change)


def test_what_was_published_is_never_removed(inside: Desk) -> None:
    version = publish(inside)
    with pytest.raises(DatabaseError), transaction.atomic():
        TermsVersion.objects.filter(pk=version.pk)._raw_delete("default")


def test_a_version_is_published_once(inside: Desk) -> None:
    with pytest.raises(Refused) as caught:
        publish_terms(publish(inside), by=inside.manager)
    assert caught.value.code == "published"


def test_without_words_in_the_desks_language_nothing_is_published(inside: Desk) -> None:
    draft = TermsVersion.objects.create(title=Texts(lv="Noteikumi"), body=Texts(lv="Teksts"))
    with pytest.raises(Refused) as caught:
        publish_terms(draft, by=inside.manager)
    assert caught.value.code == "no_words"


@pytest.mark.parametrize("who", ["agent", "accountant", "colleague"])
def test_only_a_manager_publishes(inside: Desk, who: str) -> None:
    draft = TermsVersion.objects.create(title=Texts(en="Terms"), body=Texts(en="x"))
    with pytest.raises(NotAllowed):
        publish_terms(draft, by=getattr(inside, who))


def test_a_new_version_begins_with_the_old_words(inside: Desk) -> None:
    draft = begin_terms(publish(inside, "Be kind."), by=inside.manager)
    assert (draft.body["en"], draft.number, draft.published_at) == ("Be kind.", None, None)


# ---- consent ----


def test_the_proof_says_who_what_when_and_from_where(inside: Desk) -> None:
    version = publish(inside)
    with translation.override("lv"):
        row = accept_terms(1, by=inside.requester, from_address="192.0.2.7")
    words = hashlib.sha256(b"Noteikumi\n\nLatviski: Be kind.").hexdigest()
    assert (row.person, row.terms, row.language, row.from_address, row.sha256) == (
        inside.requester,
        version,
        "lv",
        "192.0.2.7",
        words,
    )


def test_the_words_that_were_read_decide_about_the_language(inside: Desk) -> None:
    """Without a translation one reads the desk's own words, and it is those that are accepted."""
    publish(inside)
    with translation.override("cs"):
        assert accept_terms(1, by=inside.requester, from_address=None).language == "en"


def test_a_proof_is_never_changed(inside: Desk) -> None:
    publish(inside)
    accept_terms(1, by=inside.requester, from_address=None)
    with pytest.raises(DatabaseError), transaction.atomic():
        Consent.objects.update(sha256="")


def test_accepted_twice_is_one_proof(inside: Desk) -> None:
    version = publish(inside)
    first, second = (accept_terms(1, by=inside.requester, from_address=None) for _time in range(2))
    assert (first, history_of(version).filter(kind="terms.accepted").count()) == (second, 1)


def test_only_the_version_in_force_is_accepted(inside: Desk) -> None:
    publish(inside)
    publish(inside, "Be kinder.")
    with pytest.raises(Refused) as caught:
        accept_terms(1, by=inside.requester, from_address=None)
    assert caught.value.code == "newer"


def test_who_works_at_the_desk_accepts_nothing(inside: Desk) -> None:
    publish(inside)
    with pytest.raises(NotAllowed):
        accept_terms(1, by=inside.agent, from_address=None)


def test_a_newer_version_is_asked_about_again(inside: Desk) -> None:
    publish(inside)
    accept_terms(1, by=inside.requester, from_address=None)
    before = terms_to_accept(inside.requester)
    publish(inside, "Be kinder.")
    after = terms_to_accept(inside.requester)
    assert (before, after and after.number) == (None, 2)


@pytest.mark.parametrize(("who", "needs_consent"), [("agent", True), ("requester", False)])
def test_nobody_else_is_asked(inside: Desk, who: str, needs_consent: bool) -> None:
    publish(inside, needs_consent=needs_consent)
    assert terms_to_accept(getattr(inside, who)) is None


def test_a_desk_without_terms_asks_the_database_once_in_a_while(inside: Desk) -> None:
    terms_to_accept(inside.requester)
    with CaptureQueriesContext(connection) as queries:
        terms_to_accept(inside.requester)
    assert len(queries) == 0


def test_ones_data_tells_what_one_accepted(inside: Desk) -> None:
    publish(inside)
    row = accept_terms(1, by=inside.requester, from_address="192.0.2.7")
    with take_along(by=inside.requester) as file:
        (told,) = json.load(file)["accepted_terms"]
    assert (told["version"], told["from_address"], told["sha256"]) == (1, "192.0.2.7", row.sha256)


# ---- the pages ----


def test_home_asks_until_it_is_accepted(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        publish(desk)
    browser = visit(desk, desk.requester)
    asked = "Read the terms" in browser.get("/").content.decode()
    browser.post("/terms/accept/", {"number": "1"})
    assert (asked, "Read the terms" in browser.get("/").content.decode()) == (True, False)


def test_the_form_asks_for_it_before_it_sends(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        publish(desk)
    answer = visit(desk, desk.requester).post(form(desk), REQUEST)
    with desk.entered():
        assert (answer.status_code, Ticket.objects.count(), Consent.objects.count()) == (422, 0, 0)


def test_accepted_with_the_request_it_is_kept(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        publish(desk)
    browser = visit(desk, desk.requester)
    assert browser.post(form(desk), {**REQUEST, "terms_1": "on"}).status_code == 302
    with desk.entered():
        assert Consent.objects.get().person == desk.requester
    assert browser.post(form(desk), REQUEST).status_code == 302


def test_a_tick_for_another_version_accepts_nothing(desk: Desk, visit: Visit) -> None:
    """Somebody opened the form, and a newer version was published before they sent it."""
    with desk.entered():
        publish(desk)
        publish(desk, "Be kinder.")
    assert visit(desk, desk.requester).post(form(desk), {**REQUEST, "terms_1": "on"}).status_code == 422


def test_without_terms_the_form_asks_for_nothing(desk: Desk, visit: Visit) -> None:
    assert "Terms of service" not in visit(desk, desk.requester).get(form(desk)).content.decode().split("<main")[1]


def test_earlier_versions_stay_readable_with_their_days(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        publish(desk, "Be kind.")
        publish(desk, "Be kinder.")
    browser = visit(desk)
    current, old = (browser.get(address).content.decode() for address in ("/terms/", "/terms/1/"))
    assert ("Be kinder." in current, "Be kind." in old, "earlier version" in old) == (True, True, True)


def test_one_reads_when_one_accepted(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        publish(desk)
        accept_terms(1, by=desk.requester, from_address=None)
    page = visit(desk, desk.requester).get("/terms/").content.decode()
    assert ("You accepted version 1 on" in page, "Accept version 1" in page) == (True, False)


def test_a_draft_is_nowhere(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        TermsVersion.objects.create(title=Texts(en="Secret"), body=Texts(en="Secret"))
    assert visit(desk, desk.requester).get("/terms/").status_code == 404


def test_another_desk_has_its_own(desk: Desk, rival: Desk, visit: Visit) -> None:
    with desk.entered():
        publish(desk)
    answers = [visit(rival, rival.requester).get(address).status_code for address in ("/terms/", "/terms/1/")]
    with rival.entered():
        assert (answers, terms_to_accept(rival.requester)) == ([404, 404], None)


# ---- the admin ----


def test_a_manager_publishes_and_begins_the_next(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        draft = TermsVersion.objects.create(title=Texts(en="Terms"), body=Texts(en="**Be** kind."))
    browser, page = visit(desk, desk.manager), f"/admin/accounts/termsversion/{draft.pk}/"
    assert "<strong>Be</strong> kind." in browser.get(f"{page}preview/").content.decode()
    browser.post(f"{page}publish/")
    browser.post(f"{page}begin/")
    with desk.entered():
        assert list(TermsVersion.objects.order_by("id").values_list("number", flat=True)) == [1, None]


def test_the_words_of_each_language_are_written_in_their_box(desk: Desk, visit: Visit) -> None:
    texts = {"title_en": "Terms", "title_lv": "Noteikumi", "body_en": "Be kind.", "needs_consent": "on"}
    visit(desk, desk.manager).post("/admin/accounts/termsversion/add/", texts)
    with desk.entered():
        row = TermsVersion.objects.get()
        assert (row.title["lv"], row.body) == ("Noteikumi", {"en": "Be kind."})


def test_the_form_does_not_reach_what_was_published(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        version = publish(desk)
    visit(desk, desk.manager).post(f"/admin/accounts/termsversion/{version.pk}/change/", {"title_en": "Other"})
    with desk.entered():
        assert TermsVersion.objects.get().title["en"] == "Terms of service"


def test_the_persons_page_shows_their_proofs(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        publish(desk)
        row = accept_terms(1, by=Person.objects.get(pk=desk.requester.pk), from_address="192.0.2.7")
    page = visit(desk, desk.agent).get(f"/admin/accounts/person/{desk.requester.pk}/change/").content.decode()
    assert (row.sha256 in page, "192.0.2.7" in page) == (True, True)
