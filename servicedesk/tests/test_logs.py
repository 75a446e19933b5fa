"""Logs say what happened, and hold nothing by which one could decide or log in."""

import pytest

from servicedesk.logs import without_links


@pytest.mark.parametrize(
    "path", ["/decide/WzEsMiwz:1abc:xyz/", "/invitation/WzEsMl0:1x:y/", "/account/password/reset/key/a1-b2-c3/"]
)
def test_a_link_that_is_as_good_as_a_password_is_not_logged(path: str) -> None:
    line = without_links(None, "", {"event": f"Not Found: {path}"})["event"]
    assert line == f"Not Found: {path[: path.rstrip('/').rindex('/') + 1]}…/"


def test_other_addresses_stand_in_full() -> None:
    assert without_links(None, "", {"event": "Not Found: /requests/DESK-1/"})["event"] == "Not Found: /requests/DESK-1/"
