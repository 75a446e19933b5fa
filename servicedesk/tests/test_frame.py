"""Lines and frames are remembered by what they show: nobody reads another's, and no change is seen late."""

from django.test import Client

from accounts.models import Representation, TenantHost
from conftest import Desk, Visit
from tickets.models import Ticket


def page(browser: Client, address: str = "/requests/?state=all") -> str:
    return browser.get(address).content.decode()


def test_each_person_sees_their_own_name(desk: Desk, visit: Visit) -> None:
    pages = [page(visit(desk, person)) for person in (desk.requester, desk.stranger)]
    assert ["Rita Requester" in text for text in pages] == [True, False]


def test_a_visitor_after_a_person_sees_nobody(desk: Desk, visit: Visit) -> None:
    page(visit(desk, desk.requester), "/contact/")
    assert "Rita Requester" not in page(visit(desk), "/contact/")


def test_a_changed_brand_shows_at_once(desk: Desk, visit: Visit) -> None:
    browser = visit(desk, desk.requester)
    page(browser)
    with desk.entered():
        host = TenantHost.objects.get()
        host.brand_name = "Quick Fixes"
        host.save()
    assert "Quick Fixes" in page(browser)


def test_a_changed_subject_shows_at_once(desk: Desk, visit: Visit) -> None:
    browser = visit(desk, desk.requester)
    with desk.entered():
        ticket = desk.submit()
    page(browser)
    with desk.entered():
        Ticket.objects.filter(pk=ticket.pk).update(subject="The scanner now")
    assert "The scanner now" in page(browser)


def test_the_same_line_in_two_languages(desk: Desk, visit: Visit) -> None:
    browser = visit(desk, desk.requester)
    with desk.entered():
        desk.submit()
    page(browser)
    browser.post("/language/", {"language": "lv", "back": "/requests/"})
    assert "Atvērts" in page(browser)


def test_a_line_says_whose_it_is_to_who_represents_several(desk: Desk, visit: Visit) -> None:
    browser = visit(desk, desk.requester)
    with desk.entered():
        desk.submit()
    before = page(browser).count("<span>Rye Bread Ltd</span>")
    with desk.entered():
        Representation.objects.create(person=desk.requester, organisation=desk.other_organisation)
    assert page(browser).count("<span>Rye Bread Ltd</span>") > before


def test_the_frames_buttons_send_one_form_with_a_token(desk: Desk, visit: Visit) -> None:
    text = page(visit(desk, desk.requester))
    form = text[text.index('id="frame-form"') :]
    assert "csrfmiddlewaretoken" in form[: form.index("</form>")]


def test_after_logging_out_one_stands_at_the_front_door(desk: Desk, visit: Visit) -> None:
    """The frame's form says where to come back to; a log-out must not lead to a page that asks to log in again."""
    answer = visit(desk, desk.requester).post("/account/logout/", {"back": "/requests/"})
    assert answer["Location"] == "/"
