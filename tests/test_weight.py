"""A first visit is at most 100 kB compressed, without images: what a page fetches before anything is pressed."""

import gzip
import re
from pathlib import Path

import pytest
from django.conf import settings

from conftest import Desk, Visit

MOST = 100_000


@pytest.mark.parametrize("address", ["/", "/requests/", "/requests/new/", "{form}", "{request}"])
def test_a_first_visit_is_light(desk: Desk, visit: Visit, address: str) -> None:
    with desk.entered():
        places = {"form": f"/requests/new/{desk.type().pk}/", "request": f"/requests/{desk.estimated().reference}/"}
    page = visit(desk, desk.colleague).get(address.format(**places)).content
    names = re.findall(r'(?:href|src|data-script)="/static/([^"#?]+\.(?:css|js|svg))', page.decode())
    parts = {name: weight((Path(settings.BASE_DIR) / "static" / name).read_bytes()) for name in names}
    assert {"desk.css", "desk.js", "icons.svg"} <= set(parts)
    assert weight(page) + sum(parts.values()) <= MOST


def weight(content: bytes) -> int:
    return len(gzip.compress(content))
