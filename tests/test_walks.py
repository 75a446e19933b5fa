"""Each desk's own rows, walked in a browser in the desk's language; by keyboard, on a phone and in the others too."""

import re
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.utils import translation

from tests.conftest import Product, Session, wait_for
from tests.hands import Keyboard, Mouse
from tests.stories import agree, letter, open_ticket, press

pytestmark = pytest.mark.browser

OWN = {"integrator": "lv", "agency": "cs", "accounting": "pl", "vendor": "ru"}
LANGUAGES = ("en", "lv", "cs", "pl", "ru")


@dataclass(frozen=True)
class Way:
    """How a desk is walked."""

    language: str
    width: int = 1280
    by: type[Mouse] = Mouse


@dataclass
class Walk:
    """Somebody on a page of a desk, in a language."""

    product: Product
    session: Session
    desk: str
    way: Way
    page: Any = None
    hand: Any = None

    def enter(self, email: str = "", *, host: str = "") -> None:
        self.page = self.session(email, desk=host or self.desk, width=self.way.width)
        self.hand = self.way.by(self.page)

    def said(self, text: str, **values: str) -> str:
        """A text of ours in the walk's language."""
        with translation.override(self.way.language):
            return translation.gettext(text) % values if values else translation.gettext(text)

    def sees(self, text: str, **values: str) -> None:
        self.page.get_by_text(self.said(text, **values)).first.wait_for(state="attached")

    def open_menu(self) -> None:
        """On a phone all of it is behind one button."""
        if self.way.width < 600:
            self.hand.press(self.page.locator(".top-phone details.menu > summary"))

    def choose_topic(self, *, last: bool = False) -> None:
        links = self.page.locator(".kinds a")
        self.hand.press(links.last if last else links.first)
        self.page.wait_for_url(re.compile(r"/requests/new/\d+/"))

    def send(self) -> str:
        """The form; returns the reference of what it made."""
        agree(self.page)
        self.hand.press(self.page.locator("#new-request [data-once]"))
        self.page.wait_for_url(re.compile(r"/requests/[A-Z]+-\d+/"))
        return str(self.page.url).rstrip("/").rpartition("/")[2]


# ---- the four desks ----


def walk_integrator(walk: Walk) -> None:
    # B1: before log-in.
    walk.enter()
    walk.page.goto("/")
    walk.page.locator("input[name=password]").wait_for()
    for where in ("/account/password/reset/", "/contact/", "/pages/jautajumi/"):
        assert walk.page.locator(f"a[href='{where}']").count()
    # B2: after log-in, a welcome by name and the menu.
    walk.enter("customer@rudzumaize.example")
    walk.page.goto("/")
    walk.sees("Welcome, %(name)s", name="Kate Kundze")
    walk.open_menu()
    for where in ("/", "/requests/", "/prices/", "/contracts/", "/terms/", "/account/"):
        assert walk.page.locator(f"header a[href='{where}']").count()
    # B3, B4: a topic, its form with the way back, on behalf of somebody, and the notice that confirms it (K15).
    walk.page.goto("/requests/new/")
    walk.choose_topic()
    walk.page.locator(".crumbs li").nth(3).wait_for()
    assert walk.page.locator("[name=on_behalf_of], [name=due_date], [name=files]").count() == 3
    walk.hand.write(walk.page.locator("[name=summary]"), "Kase neatveras")
    walk.hand.write(walk.page.locator("[name=description]"), "Kopš rīta.")
    reference = walk.send()
    walk.hand.press(walk.page.locator("#messages [data-dismiss]"))
    assert walk.page.locator("#messages .notice").count() == 0
    # B9: where it stands, and a comment; A10: somebody is invited.
    walk.page.locator("#stage [aria-current=step]").wait_for()
    walk.hand.write(walk.page.locator("#comment-form [name=text]"), "Vēl kaut kas.")
    walk.hand.press(walk.page.locator("#comment-form [data-once]"))
    walk.page.locator(".letter", has_text="Vēl kaut kas.").wait_for()
    walk.hand.press(walk.page.locator("details.invite > summary"))
    walk.hand.write(walk.page.locator("#invite [name=email]"), "guest@elsewhere.example")
    walk.hand.press(walk.page.locator("#invite [data-once]"))
    walk.page.locator(".people", has_text="guest@elsewhere.example").wait_for()
    # A9, K16: who asked hears of it.
    assert reference in letter(walk.page, walk.product, "customer@rudzumaize.example", reference)


def walk_new_user(walk: Walk) -> None:
    # B6: who represents several chooses which; B21: the form for a new user.
    walk.enter("approver@rudzumaize.example")
    walk.page.goto("/requests/new/")
    walk.choose_topic(last=True)
    assert walk.page.locator("#new-request [name=organisation] option").all_inner_texts() == [
        "SIA Gaujas Koks",
        "SIA Rudzu Maize",
    ]
    walk.hand.write(walk.page.locator("#new-request input[type=text][name^=field-]").first, "Jauna Darbiniece")
    walk.hand.write(walk.page.locator("[name^=field-][type=email]"), "jauna@rudzumaize.example")
    walk.send()
    walk.page.get_by_text("jauna@rudzumaize.example").first.wait_for()


def walk_rollout(walk: Walk) -> None:
    walk.enter("customer@rudzumaize.example")
    walk.page.goto("/requests/new/")
    walk.choose_topic()
    walk.hand.write(walk.page.locator("[name=summary]"), "Jauna kases forma")
    reference = walk.send()
    agent = walk.session("agent@integrator.example", desk=walk.desk)
    open_ticket(agent, reference)
    press(agent, "start_work", minutes="20")
    press(agent, "deliver", text="Forma ir gatava testa vidē.")
    # B17: the customer confirms by a comment, the rollout is planned, and the customer reads and hears of its day.
    walk.page.reload()
    walk.hand.write(walk.page.locator("#comment-form [name=text]"), "Viss kārtībā.")
    walk.hand.press(walk.page.locator("#comment-form [data-once]"))
    walk.page.locator(".letter", has_text="Viss kārtībā.").wait_for()
    agent.reload()
    press(agent, "schedule_deployment", day="2099-01-15")
    walk.page.reload()
    walk.sees("Planned rollout")
    assert "2099" in walk.page.locator("#stage").inner_text()
    with translation.override(walk.way.language):
        told = translation.gettext("The rollout of %(reference)s “%(subject)s” is planned for %(day)s.")
    start = told.partition("%(day)s")[0] % {"reference": reference, "subject": "Jauna kases forma"}
    assert "2099" in letter(walk.page, walk.product, "customer@rudzumaize.example", start)


def walk_agency(walk: Walk) -> None:
    # A1: two hosts, two brands, one desk; the password can be recovered at both.
    for host, brand in (("agency", "Studio Sázava"), ("platform", "Sázava Platforma")):
        walk.enter(host=host)
        walk.page.goto("/")
        walk.page.locator(".brand", has_text=brand).wait_for()
        assert walk.page.locator("a[href='/account/password/reset/']").count()
    # A2: the round button.
    walk.enter("customer@knihy.example")
    walk.page.goto("/")
    walk.hand.press(walk.page.locator(".fab"))
    walk.page.wait_for_url("**/requests/new/")
    walk.choose_topic()
    walk.hand.write(walk.page.locator("[name=summary]"), "Nová stránka o autorech")
    reference = walk.send()
    # A3: one place for what is said and sent.
    walk.page.locator("#comment-form [name=files]").wait_for(state="attached")
    # A6: the head sets the order.
    walk.enter("approver@knihy.example")
    walk.page.goto("/requests/order/")
    last = walk.page.locator(".order-row").filter(has=walk.page.get_by_text(reference, exact=True))
    last.locator("[name^=place-]").fill("1")
    walk.hand.press(walk.page.locator("#order-form .form-foot [data-once]"))
    wait_for(lambda: reference in walk.page.locator(".order-row").first.inner_text(), "the new order")


def walk_accounting(walk: Walk) -> None:
    # M1: who is not the head reads why not, and whom to ask.
    walk.enter("clerk@bilans.example")
    walk.page.goto("/requests/new/")
    walk.page.get_by_text("Barbara Szefowa").first.wait_for()
    assert walk.page.locator(".kinds a").count() == 0
    # The head asks, for the office or for a client.
    walk.enter("head@bilans.example")
    walk.page.goto("/requests/new/")
    walk.choose_topic()
    # M5, M8: a question and files, and what is helped with.
    assert walk.page.locator("[name=summary], [name=due_date]").count() == 0
    walk.page.get_by_text(re.compile("Pomagamy w obsłudze|We help with using")).wait_for()
    walk.hand.choose(walk.page.locator("#new-request [name=organisation]"), "Piekarnia Kłos s.c.")
    walk.page.wait_for_url(re.compile(r"organisation=\d+"))
    walk.hand.write(walk.page.locator("[name=description]"), "Gdzie są raporty?")
    walk.send()
    walk.page.locator("h1", has_text="Gdzie są raporty?").wait_for()
    # M9: nothing of money.
    assert walk.page.get_by_text("PLN").count() == 0
    assert walk.page.locator("a[href='/prices/'], a[href='/invoices/']").count() == 0


def walk_vendor(walk: Walk) -> None:
    walk.enter("customer@school.example")
    walk.page.goto("/requests/new/")
    walk.choose_topic()
    # K2: what must be answered is marked.
    assert walk.page.locator(".field-required .mark").count() >= 3
    # K11: covered products are green and stand first.
    product = walk.page.locator("[name=product]")
    assert product.locator("option.covered").all_inner_texts() == ["Вереск-Бюджет", "Вереск-Зарплата"]
    # K10: without a contract for the product, a consultation and the reason.
    walk.hand.choose(product, "Вереск-Закупки")
    walk.page.locator("[data-why]:not([hidden])").wait_for()
    assert walk.page.locator("[name=kind]:enabled").count() == 1
    # K9: its components; with a contract every kind, and what applies.
    walk.hand.choose(product, "Вереск-Бюджет" if walk.way.by is Mouse else "Вереск-Закупки")
    if walk.way.by is not Mouse:
        product.press("Home")
        walk.page.keyboard.press("ArrowDown")
    walk.page.locator(".terms-covered").wait_for()
    assert walk.page.locator("[name=component] option").count() == 4
    # K13: system information is asked for with an error.
    assert walk.page.locator("[name=system]").is_hidden()
    walk.hand.tick(walk.page.locator("[name=kind][value=error]"))
    walk.hand.write(walk.page.locator("[name=system]"), "7.4.12")
    walk.hand.write(walk.page.locator("[name=summary]"), "Отчёт пуст")
    walk.hand.write(walk.page.locator("[name=description]"), "После обновления.")
    # K14, K15, K16.
    walk.page.locator("[name=files]").set_input_files(
        [{"name": "отчёт.txt", "mimeType": "text/plain", "buffer": b"text"}]
    )
    reference = walk.send()
    assert reference in walk.page.locator("#messages .notice a").inner_text()
    walk.page.get_by_text("7.4.12").first.wait_for()
    walk.page.locator(".files", has_text="отчёт.txt").first.wait_for()
    assert reference in letter(walk.page, walk.product, "customer@school.example", reference)


WALKS: dict[str, tuple[str, Callable[[Walk], None]]] = {
    "b1-b4 b9 a9 a10": ("integrator", walk_integrator),
    "b6 b21": ("integrator", walk_new_user),
    "b17": ("integrator", walk_rollout),
    "a1-a3 a6": ("agency", walk_agency),
    "m1 m5 m8 m9": ("accounting", walk_accounting),
    "k2 k9-k16": ("vendor", walk_vendor),
}


@pytest.fixture
def speaking(product: Product) -> Iterator[Callable[[str], None]]:
    """Everybody reads one language; English again afterwards, as the other tests expect."""

    before = product.query("SELECT id, languages::text FROM accounts_tenant ORDER BY id")

    def speak(language: str) -> None:
        product.query(f"UPDATE accounts_person SET language = '{language}'")
        product.query(
            f"""UPDATE accounts_tenant SET languages = languages || '["{language}"]'"""
            f""" WHERE NOT languages @> '["{language}"]'"""
        )
        # What is written past the product it learns of when it next reads its desks.
        wait_for(lambda: all(speaks(product, desk, language) for desk in OWN), "the desks' languages")

    yield speak
    product.query("UPDATE accounts_person SET language = 'en'")
    for tenant_id, languages in before:
        product.query(f"UPDATE accounts_tenant SET languages = '{languages}' WHERE id = {tenant_id}")


def speaks(product: Product, desk: str, language: str) -> bool:
    headers = {"Host": f"{desk}.localhost", "Accept-Language": language}
    asked = urllib.request.Request(f"http://127.0.0.1:{product.port}/", headers=headers)
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return bool(answer.headers["Content-Language"] == language)


def walked(product: Product, session: Session, speaking: Callable[[str], None], name: str, way: Way) -> None:
    desk, deed = WALKS[name]
    speaking(way.language)
    deed(Walk(product, session, desk, way))


@pytest.mark.parametrize("name", WALKS)
def test_in_the_desks_language(product: Product, session: Session, speaking: Callable[[str], None], name: str) -> None:
    walked(product, session, speaking, name, Way(OWN[WALKS[name][0]]))


@pytest.mark.slow
@pytest.mark.parametrize("name", WALKS)
def test_by_keyboard_alone(product: Product, session: Session, speaking: Callable[[str], None], name: str) -> None:
    walked(product, session, speaking, name, Way(OWN[WALKS[name][0]], by=Keyboard))


@pytest.mark.slow
@pytest.mark.parametrize("name", WALKS)
def test_on_a_phone(product: Product, session: Session, speaking: Callable[[str], None], name: str) -> None:
    walked(product, session, speaking, name, Way(OWN[WALKS[name][0]], width=390))


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", WALKS)
def test_in_the_other_languages(
    product: Product, session: Session, speaking: Callable[[str], None], name: str, language: str
) -> None:
    if language == OWN[WALKS[name][0]]:
        pytest.skip("walked in the first place")
    walked(product, session, speaking, name, Way(language))
