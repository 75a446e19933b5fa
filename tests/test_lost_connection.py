"""Files in a real browser: the line breaks, the form is refused, the page is loaded anew, and nothing is lost (K14)."""

import hashlib
import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Product, Session

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
    page.get_by_text("The connection is lost.").first.wait_for()
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
