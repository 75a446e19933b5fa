"""The front page, the menu and the brand: what is there for whom, and nothing that leads nowhere (A1, B1, B2)."""

import io
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from accounts.errors import NotAllowed, Refused
from accounts.logos import set_logo
from accounts.models import Person, Representation, Tenant, TenantHost, TermsVersion
from accounts.terms import publish_terms
from accounts.texts import Texts
from conftest import Desk, Visit

EVERYWHERE = {"/", "/requests/"}


def menu(desk: Desk, visit: Visit, person: Person | None) -> set[str]:
    """Where the top bar leads to."""
    text = visit(desk, person).get("/contact/").content.decode()
    top = text[text.index('<nav class="top-nav') : text.index("top-tools")] if "top-nav" in text else ""
    return set(re.findall(r'<a [^>]*href="([^"]+)"', top))


def picture(kind: str = "PNG", size: tuple[int, int] = (800, 600)) -> io.BytesIO:
    written = io.BytesIO()
    Image.new("RGB", size, "#336699").save(written, kind)
    written.seek(0)
    return written


# ---- before and after log-in ----


def test_b1_before_log_in(desk: Desk, visit: Visit) -> None:
    page = visit(desk).get("/").content.decode()
    links = ("/account/password/reset/", "/contact/")
    assert ('name="password"' in page, [link in page for link in links]) == (True, [True, True])


def test_b2_the_menu_of_the_head(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        version = TermsVersion.objects.create(title=Texts(en="Terms"), body=Texts(en="Be kind."))
        publish_terms(version, by=desk.manager)
    mine = {"/invoices/", "/prices/", "/contracts/", "/terms/", "/organisation/"}
    assert menu(desk, visit, desk.colleague) == EVERYWHERE | mine


def test_who_has_no_right_is_led_nowhere(desk: Desk, visit: Visit) -> None:
    """No invoices without the right, no terms where there are none, no organisation for who is not its head."""
    assert menu(desk, visit, desk.requester) == EVERYWHERE | {"/prices/", "/contracts/"}


def test_m9_without_billing_the_menu_has_no_money(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        tenant = Tenant.objects.get()
        tenant.billing_enabled = False
        tenant.save()
    assert menu(desk, visit, desk.colleague) == EVERYWHERE | {"/contracts/", "/organisation/"}


def test_staff_and_guests_have_no_organisation(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        guest = desk.joins("Gus Guest")
    assert [menu(desk, visit, who) for who in (guest, desk.agent)] == [EVERYWHERE, EVERYWHERE]


@pytest.mark.parametrize("who", ["requester", "colleague", "stranger", "agent", "accountant", "manager"])
def test_every_entry_leads_somewhere(desk: Desk, visit: Visit, who: str) -> None:
    person = getattr(desk, who)
    answers = {link: visit(desk, person).get(link).status_code for link in menu(desk, visit, person)}
    assert set(answers.values()) == {200}


def test_acting_for_another_organisation_changes_the_menu(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        Representation.objects.create(person=desk.colleague, organisation=desk.other_organisation)
    browser = visit(desk, desk.colleague)
    browser.post("/act-for/", {"organisation": desk.other_organisation.pk})
    assert 'href="/organisation/"' not in browser.get("/contact/").content.decode()


# ---- the logo ----


def test_a1_a_host_shows_its_logo(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        set_logo(TenantHost.objects.get(), by=desk.manager, picture=picture())
    page = visit(desk).get("/").content.decode()
    found = re.search(r'<img class="brand-logo" src="([^"]+)" alt="Alpha Desk">', page)
    assert found is not None
    answer = visit(desk).get(found[1])
    drawn = Image.open(io.BytesIO(answer.content))
    assert (drawn.format, drawn.size, answer["Content-Type"]) == ("PNG", (160, 120), "image/png")


def test_a1_another_host_of_the_desk_has_its_own(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        TenantHost.objects.create(host="second.localhost", brand_name="Second")
        set_logo(TenantHost.objects.get(host="second.localhost"), by=desk.manager, picture=picture())
    assert "brand-logo" not in visit(desk).get("/").content.decode()


def test_without_a_logo_the_initial_is_shown(desk: Desk, visit: Visit) -> None:
    assert '<span class="brand-mark" aria-hidden="true">A</span>' in visit(desk).get("/").content.decode()


def test_another_desk_does_not_serve_it(desk: Desk, rival: Desk, visit: Visit) -> None:
    with desk.entered():
        host = TenantHost.objects.get()
        set_logo(host, by=desk.manager, picture=picture())
        digest = host.logo.sha256
    assert [visit(who).get(f"/brand/{digest}.png").status_code for who in (desk, rival)] == [200, 404]


@pytest.mark.parametrize(
    "content", [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"GIF89a", b"\x89PNG\r\n\x1a\nbroken", b""]
)
def test_what_is_no_picture_is_refused(inside: Desk, content: bytes) -> None:
    with pytest.raises(Refused) as caught:
        set_logo(TenantHost.objects.get(), by=inside.manager, picture=io.BytesIO(content))
    assert caught.value.code == "no_picture"


def test_too_many_pixels_are_refused(inside: Desk) -> None:
    with pytest.raises(Refused) as caught:
        set_logo(TenantHost.objects.get(), by=inside.manager, picture=picture(size=(5000, 4001)))
    assert caught.value.code == "too_large"


def test_only_a_manager_changes_it(inside: Desk) -> None:
    with pytest.raises(NotAllowed):
        set_logo(TenantHost.objects.get(), by=inside.agent, picture=picture())


@pytest.mark.parametrize(("content", "is_kept"), [(picture("JPEG").getvalue(), True), (b"<svg/>", False)])
def test_a_manager_uploads_it_on_the_desks_page(desk: Desk, visit: Visit, content: bytes, is_kept: bool) -> None:
    browser, address = visit(desk, desk.manager), f"/admin/accounts/tenant/{desk.id}/change/"
    values = fields_of(browser.get(address).content.decode())
    browser.post(address, {**values, "-1-0-logo_file": SimpleUploadedFile("logo.jpg", content)})
    with desk.entered():
        assert (TenantHost.objects.get().logo_id is not None) is is_kept


def fields_of(page: str) -> dict[str, str]:
    """What a browser would send back unchanged."""
    form = page[page.index('id="tenant_form"') :]
    values: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        found = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if found.get("type") == "file" or not found.get("name"):
            continue
        is_box = found.get("type") == "checkbox"
        if not is_box or " checked" in tag:
            values[found["name"]] = found.get("value", "on" if is_box else "")
    for name, body in re.findall(r'<select name="([^"]+)".*?>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', body)
        values[name] = chosen[1] if chosen else ""
    for name, body in re.findall(r'<textarea name="([^"]+)".*?>(.*?)</textarea>', form, re.DOTALL):
        values[name] = body.strip()
    return values
