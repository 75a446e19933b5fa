"""Files in a real browser: the line breaks, the form is refused, the page is loaded anew, and nothing is lost (K14)."""

import hashlib
import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Product, Session
from tests.stories import agree

pytestmark = pytest.mark.browser

CUSTOMER = "customer@rudzumaize.example"
MEGABYTE = 1024 * 1024


def three_files(folder: Path) -> dict[str, str]:
    """Files of several pieces each: path → SHA-256."""
    files = {}
    for number in range(3):
        content = os.urandom(6 * MEGABYTE + number)
        path = folder / f"part-{number}.bin"
        path.write_bytes(content)
        files[str(path)] = hashlib.sha256(content).hexdigest()
    return files


def send(page: Any) -> None:
    agree(page)
    page.get_by_role("button", name="Send the request").click()


def test_k14_files_survive_a_lost_line_a_refusal_and_a_reload(
    product: Product, session: Session, tmp_path: Path
) -> None:
    page, files = session(CUSTOMER), three_files(tmp_path)
    page.goto("/requests/new/")
    page.get_by_role("link", name="Payroll").first.click()
    page.locator(".drop-ready").wait_for()
    with page.expect_response(lambda answer: answer.request.method == "PATCH"):
        page.set_input_files("[name=files]", list(files))
    page.context.set_offline(True)
    page.locator(".files-words", has_text="The connection is lost.").first.wait_for()
    page.context.set_offline(False)

    page.get_by_label("Summary").fill("  ")  # which only the server refuses
    page.get_by_label("Description").fill("In three parts.")
    send(page)
    page.locator("[data-bound] [name=files_uploaded]").nth(2).wait_for(state="attached")

    page.reload()
    page.locator("[name=files_uploaded]").nth(2).wait_for(state="attached")
    assert page.get_by_label("Description").input_value() == "In three parts."
    page.get_by_label("Summary").fill("Files in three parts")
    send(page)
    page.wait_for_url(re.compile(r"/requests/[A-Z]+-\d+/"))
    arrived = product.query(
        "SELECT f.name, f.sha256 FROM accounts_storedfile f JOIN tickets_attachment a ON a.file_id = f.id"
        " JOIN tickets_ticket t ON t.id = a.ticket_id WHERE t.subject = 'Files in three parts' ORDER BY f.name"
    )
    assert arrived == [(Path(path).name, digest) for path, digest in files.items()]


# ---- slower stories ----


def begin_a_comment(session: Session, file: Path, *, bytes_a_second: int = -1) -> Any:
    """A customer on a request's page who has chosen a file, on a line of this speed."""
    page = session(CUSTOMER)
    page.goto("/requests/?state=all")
    page.locator("a[href^='/requests/DESK-']").first.click()
    page.locator(".drop-ready").wait_for()
    line = page.context.new_cdp_session(page)
    conditions = {"offline": False, "latency": 20, "downloadThroughput": -1, "uploadThroughput": bytes_a_second}
    line.send("Network.emulateNetworkConditions", conditions)
    file.write_bytes(os.urandom(3 * MEGABYTE))
    with page.expect_response(lambda answer: answer.request.method == "PATCH"):
        page.set_input_files("[name=files]", file)
    return page


def comment_sent(page: Any, words: str) -> Any:
    page.locator("#comment-form [name=text]").fill(words)
    page.locator("#comment-form [data-once]").click()
    return page.locator(".letter", has_text=words)


@pytest.mark.slow
def test_a_comment_waits_for_its_file(session: Session, tmp_path: Path) -> None:
    page = begin_a_comment(session, tmp_path / "slow.bin", bytes_a_second=MEGABYTE)
    sent = comment_sent(page, "It is coming.")
    page.get_by_text("Waiting for the files…").first.wait_for()
    sent.get_by_role("link", name="slow.bin").wait_for()


@pytest.mark.slow
def test_an_interrupted_file_goes_on_when_it_is_chosen_again(session: Session, tmp_path: Path) -> None:
    file = tmp_path / "again.bin"
    page = begin_a_comment(session, file, bytes_a_second=MEGABYTE)
    page.reload()
    page.get_by_text("Choose the same file again").wait_for()
    offsets: list[str] = []
    page.on("request", lambda one: offsets.append(one.headers.get("upload-offset", "")) if one.method == "PATCH" else 0)
    page.set_input_files("[name=files]", file)
    page.locator("[name=files_uploaded]").wait_for(state="attached")
    assert int(offsets[0]) >= MEGABYTE
    page.get_by_role("button", name="Remove again.bin").click()


@pytest.mark.slow
def test_logged_out_in_the_middle_it_goes_on_after_a_log_in(product: Product, session: Session, tmp_path: Path) -> None:
    page = begin_a_comment(session, tmp_path / "out.bin", bytes_a_second=MEGABYTE)
    kept = page.context.cookies()
    page.context.clear_cookies()
    page.locator(".files-words", has_text="You are logged out.").wait_for()
    page.context.add_cookies(kept)  # as a log-in in another tab does
    page.get_by_role("button", name="Try again: out.bin").click()
    page.locator("[name=files_uploaded]").wait_for(state="attached")
    comment_sent(page, "Logged in again.").get_by_role("link", name="out.bin").wait_for()
