"""How a person's hand moves through the product in the stories: filing, estimating, delivering, deciding."""

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.conftest import ROOT, Product, wait_for


def status_of(product: Product, reference: str) -> str:
    found = product.query(
        f"SELECT status, waiting_for FROM tickets_ticket WHERE reference = '{reference}' ORDER BY tenant_id LIMIT 1"
    )
    return " ".join(word for word in found[0] if word)


def file_request(page: Any, kind: str, summary: str) -> str:
    """Through the catalogue and the form; returns the reference."""
    page.goto("/requests/new/")
    page.get_by_role("link", name=kind).first.click()
    page.get_by_label("Summary").fill(summary)
    agree(page)
    page.get_by_role("button", name="Send the request").click()
    page.wait_for_url(re.compile(r"/requests/[A-Z]+-\d+/"))
    return str(page.url).rstrip("/").rpartition("/")[2]


def agree(page: Any) -> None:
    """To the terms, where the form asks for it."""
    box = page.locator("main [name^=terms_]")
    if box.count():
        box.check()


def open_ticket(page: Any, reference: str) -> None:
    page.goto(f"/admin/tickets/ticket/?q={reference}")
    page.locator("#result_list tr", has_text=reference).get_by_role("link").first.click()
    page.wait_for_url(re.compile(r"/change/"))


def press(page: Any, verb: str, **fields: str) -> None:
    """A verb's button, in the admin or in the portal: opened where it has to be, filled in, sent."""
    form = page.locator(f"form[action$='/verb/{verb}/'], form[action$='/do/{verb}/']").first
    if not form.is_visible():
        unfold(form)
    for name, value in fields.items():
        field = form.locator(f"[name={name}]")
        if field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(label=value)
        else:
            field.fill(value)
    form.locator("button:not([type=button])").last.click()
    page.wait_for_load_state()


def unfold(inner: Any) -> None:
    """Open what it is folded into, from the outside in, by clicking as a person does."""
    folded = inner.locator("xpath=ancestor::details[not(@open)]")
    while folded.count():
        folded.first.locator("> summary").click()


def estimate(page: Any, *lines: tuple[str, str, str], zero_reason: str = "") -> None:
    """Fill in the page of an estimate: (description, time, price) each."""
    page.goto(page.locator("a[href$='/estimate/']").first.get_attribute("href"))
    for number, (description, time, price) in enumerate(lines):
        if not page.locator(f"[name=lines-{number}-description]").is_visible():
            page.locator("[data-line-add]").click()
        page.locator(f"[name=lines-{number}-description]").fill(description)
        page.locator(f"[name=lines-{number}-time]").fill(time)
        page.locator(f"[name=lines-{number}-price]").fill(price)
    page.locator("[name=due_on]").fill((datetime.now(UTC) + timedelta(days=9)).date().isoformat())
    reason = page.locator("[name=zero_reason]")
    if zero_reason:
        unfold(reason)
        reason.fill(zero_reason)
    page.locator("form[data-estimate] button[data-once]").click()
    page.wait_for_load_state()


def record_time(page: Any, line: str) -> None:
    form = page.locator("form[action$='/time/']").first
    form.locator("[name=line]").fill(line)
    form.locator("button:not([type=button])").last.click()
    page.wait_for_load_state()


def letter(page: Any, product: Product, receiver: str, containing: str) -> str:
    """The text of the newest letter to somebody, from the demo's mailbox."""

    def look() -> str:
        page.goto(f"/demo/mail/?recipient={receiver}")
        links = [link.get_attribute("href") for link in page.locator(".row-mail a").all()]
        for link in links[:8]:
            page.goto(link)
            text = str(page.locator(".mail-text").inner_text())
            if containing in text:
                return text
        return ""

    return str(wait_for(look, f"the letter to {receiver}"))


def link_in(text: str, part: str) -> str:
    """The path of the link that contains a part."""
    found = re.search(rf"https?://[^/\s]+(/\S*{part}\S*)", text)
    assert found, text
    return found[1]


def let_pass(product: Product, reference: str, days: int) -> None:
    """Days go by: the ticket's dates move into the past, and its letters count as sent when they were."""
    shift = f"interval '{days} days'"
    product.query(
        f"UPDATE tickets_ticket SET delivered_at = delivered_at - {shift}, period_ends_at = period_ends_at - {shift},"
        f" clock_at = clock_at - {shift} WHERE reference = '{reference}'"
    )


def tick(product: Product) -> None:
    """What beat does each minute: the running worker gets the job."""
    command = [sys.executable, "-m", "celery", "-A", "servicedesk", "call", "tickets.clock.run_clocks"]
    subprocess.run(
        [*command, "--queue", "clock"], cwd=ROOT, env=product.env, check=True, capture_output=True, timeout=60
    )
