"""What only a browser can show of a new request and of a request's page: search while typing, drop, paste, print."""

import re
from typing import Any

import pytest

from tests.conftest import Session

pytestmark = pytest.mark.browser

CUSTOMER = "customer@rudzumaize.example"
# As the browser tells of a file that was dragged over a place or taken from the clipboard.
GIVE = """(place, [type, name]) => {
  const data = new DataTransfer();
  data.items.add(new File(["text"], name, { type: "text/plain" }));
  const about = { bubbles: true, cancelable: true };
  const Event = type === "drop" ? DragEvent : ClipboardEvent;
  place.dispatchEvent(new Event(type, { ...about, [type === "drop" ? "dataTransfer" : "clipboardData"]: data }));
}"""


def topics(page: Any) -> list[str]:
    found: list[str] = page.locator(".kinds [data-item]:visible h3").all_inner_texts()
    return found


def test_topics_are_found_while_typing_and_files_are_dropped_and_pasted(session: Session) -> None:
    page = session(CUSTOMER)
    page.goto("/requests/new/")
    everything = topics(page)
    page.locator("#topic-search").press_sequentially("payr")
    assert (topics(page), len(everything) > 10) == (["Payroll"], True)
    assert page.locator("[data-filter-said]").inner_text() == "Topics found: 1"
    page.locator("#topic-search").fill("nothing has this")
    page.locator("[data-filter-clear]").click()
    assert topics(page) == everything

    page.locator(".kinds a").first.click()
    page.locator(".drop-ready").wait_for()
    page.locator(".drop-ready").evaluate(GIVE, ["drop", "dropped.txt"])
    page.locator("[name=description]").evaluate(GIVE, ["paste", "pasted.txt"])
    page.locator("[name=files_uploaded]").nth(1).wait_for(state="attached")
    assert [page.locator("[data-files]", has_text=f"{name}.txt").count() for name in ("dropped", "pasted")] == [1, 1]


def test_a_request_is_printed_without_its_buttons(session: Session) -> None:
    page = session(CUSTOMER)
    page.goto("/requests/?state=all")
    page.locator("#list .row a").first.click()
    page.wait_for_url(re.compile(r"/requests/[A-Z]+-\d+/"))
    page.emulate_media(media="print")
    assert page.locator("h1, .letter").first.is_visible()
    assert page.locator("form:visible, button:visible, header.top nav:visible").count() == 0
    assert page.locator(".print-only").first.is_visible()
