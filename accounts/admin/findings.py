"""What a test found, from the button's answer to the page that it leads back to."""

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.http import HttpRequest

from accounts.findings import Finding

_KEY = "findings"
LONGEST_WORDS = 500


def keep_findings(request: HttpRequest, row: models.Model, findings: Iterable[Finding]) -> None:
    """For the next page of this row in this session; a reload asks no server again."""
    shown = [[str(one.what), one.ok, str(one.words)[:LONGEST_WORDS]] for one in findings]
    request.session[_KEY] = {"row": [row._meta.label_lower, row.pk], "shown": shown}


def shown_findings(request: HttpRequest, label: str, object_id: str | None) -> list[dict[str, Any]]:
    """Those kept for this row, once."""
    kept = request.session.get(_KEY)
    if not kept or [kept["row"][0], str(kept["row"][1])] != [label, object_id]:
        return []
    del request.session[_KEY]
    return [{"what": what, "ok": ok, "words": words} for what, ok, words in kept["shown"]]
