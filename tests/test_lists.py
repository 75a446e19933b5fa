"""The list of requests and their order in a real browser: typing, dragging, the keyboard alone."""

from typing import Any

import pytest

from tests.conftest import Session, wait_for

pytestmark = pytest.mark.browser

APPROVER = "approver@rudzumaize.example"


def shown(page: Any) -> list[str]:
    found: list[str] = page.locator("#list .row .ref, #order .order-row .ref").all_inner_texts()
    return found


def test_the_list_follows_what_is_typed(session: Session) -> None:
    page = session(APPROVER)
    page.goto("/requests/?scope=organisation")
    everything = shown(page)
    page.locator("#list-words").press_sequentially("nolietojuma", delay=20)
    wait_for(lambda: len(shown(page)) == 1, "the one request with the word")
    assert len(everything) > 1
    # What was typed stands there still, the address can be kept, and who cannot see the list hears of it.
    assert page.input_value("#list-words") == "nolietojuma"
    assert "q=nolietojuma" in page.url
    assert page.locator("#live").inner_text() == "1 request"
    page.locator("#list-words").fill("")
    wait_for(lambda: shown(page) == everything, "the whole list")
    page.select_option("#list-sort", "oldest")
    wait_for(lambda: shown(page) == sorted(everything, key=lambda ref: int(ref.split("-")[1])), "the oldest first")
    assert "sort=oldest" in page.url


def test_a6_the_order_is_set_by_dragging_and_by_the_keyboard_alone(session: Session) -> None:
    page = session(APPROVER)
    page.goto("/requests/order/")
    first, second, third, *rest = shown(page)
    drag(page, third, above=first)
    wait_for(lambda: page.locator("#order-undo").count(), "the order to be saved")
    page.reload()
    assert shown(page) == [third, first, second, *rest]

    page.locator("[data-handle]").first.focus()
    for key in ("Space", "ArrowDown", "ArrowDown", "ArrowUp"):
        page.keyboard.press(key)
    assert page.locator("#live").inner_text() == f"{third} is at place 2 of {3 + len(rest)}."
    page.keyboard.press("Escape")
    assert shown(page) == [third, first, second, *rest]
    with page.expect_response(lambda response: response.request.method == "POST"):
        for key in ("Space", "ArrowDown", "Space"):
            page.keyboard.press(key)
    page.reload()
    assert shown(page) == [first, third, second, *rest]

    with page.expect_response(lambda response: response.request.method == "POST"):
        page.click("#order-undo button")
    page.reload()
    assert shown(page) == [third, first, second, *rest]

    page.locator(".order-row").last.evaluate("row => row.remove()")  # as if it had been filed since
    drag(page, first, above=third)
    wait_for(lambda: page.locator(".notice-warning").count(), "the sentence that the list has changed")
    assert "not saved yet" in page.locator("#order").inner_text()
    assert shown(page) == [first, third, second, *rest]


def row_of(page: Any, reference: str) -> Any:
    return page.locator(".order-row").filter(has=page.get_by_text(reference, exact=True))


def drag(page: Any, reference: str, *, above: str) -> None:
    handle = row_of(page, reference).locator("[data-handle]").bounding_box()
    target = row_of(page, above).bounding_box()
    page.mouse.move(handle["x"] + 5, handle["y"] + 5)
    page.mouse.down()
    page.mouse.move(handle["x"] + 5, target["y"] + 40, steps=3)
    page.mouse.move(handle["x"] + 5, target["y"] + 3, steps=3)
    page.mouse.up()
