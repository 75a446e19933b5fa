"""The documentation's pictures: `python3 run.py pictures` takes them of the running demo, wide and on a phone."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.conftest import ROOT, Session
from tests.portal_pages import addresses

FOLDER = ROOT / "docs" / "pictures" / "portal"
WIDTHS = {"wide": 1280, "phone": 390}
TALLEST = {"wide": 1000, "phone": 1100}
CUSTOMER, APPROVER = "customer@rudzumaize.example", "approver@rudzumaize.example"
# The ten main pages: name → desk, person, address.
PAGES = {
    "front": ("integrator", "", "/"),
    "home": ("integrator", CUSTOMER, "/"),
    "topics": ("integrator", CUSTOMER, "/requests/new/"),
    "form": ("vendor", "customer@school.example", "TYPE"),
    "requests": ("integrator", CUSTOMER, "/requests/?scope=organisation&state=all"),
    "request": ("integrator", APPROVER, "/requests/DESK-2/"),
    "order": ("integrator", APPROVER, "/requests/order/"),
    "prices": ("integrator", CUSTOMER, "/prices/"),
    "people": ("integrator", APPROVER, "/organisation/"),
    "details": ("integrator", CUSTOMER, "/account/"),
}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_picture(session: Session, name: str, width: str) -> None:
    desk, email, where = PAGES[name]
    page = session(email, desk=desk, width=WIDTHS[width])
    [address] = addresses(page, (where,))
    page.goto(address)
    take(page, FOLDER / f"{name}-{width}.png", TALLEST[width])


def take(page: Any, path: Path, tallest: int) -> None:
    """With as few colours as a page has, and so a fifth of the bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=path, full_page=True)
    with Image.open(path) as picture:
        cut = picture.convert("RGB").crop((0, 0, picture.width, min(picture.height, tallest)))
    cut.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)
