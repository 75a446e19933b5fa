"""What a visitor sent after their session had ended is kept in the new session and put back where it was typed."""

import re
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from accounts.visitors import page_before

KEY = "kept"
# A long comment fits; a hostile form does not fill the session store.
MOST_CHARACTERS = 20_000
LONGEST_ID = 36
# What people write in our forms. Never passwords, never what somebody else's form brought.
WORDS = (
    "text",
    "summary",
    "description",
    "due_date",
    "organisation",
    "on_behalf_of",
    "order_number",
    "cost_centre",
    "product",
    "component",
    "kind",
    "system",
)
# Fields that a form has of its own.
_OWN = re.compile(r"field-[0-9]{1,18}")
MOST_OWN = 100


def page_of(request: HttpRequest) -> str:
    """The page of ours that a form was sent from, by its Referer; '' when it was sent from elsewhere."""
    referer = page_before(request)
    if referer.netloc != request.get_host() or not referer.path.startswith("/") or referer.path.startswith("//"):
        return ""
    return f"{referer.path}?{referer.query}" if referer.query else referer.path


def keep(request: HttpRequest) -> str:
    """Keep the typed words of a POST; returns the page to come back to after log-in."""
    page = page_of(request)
    names = [*WORDS, *[name for name in request.POST if _OWN.fullmatch(name)][:MOST_OWN]]
    words = {name: request.POST[name] for name in names if request.POST.get(name)}
    # Files that were sent before the form. Whose they are is asked when somebody has logged in.
    uploaded = [text[:LONGEST_ID] for text in request.POST.getlist("files_uploaded")[: settings.MAX_FILES]]
    if page and (words or uploaded) and sum(map(len, words.values())) <= MOST_CHARACTERS:
        request.session[KEY] = {
            "page": page.partition("?")[0],
            "words": words,
            "files": bool(request.FILES),
            "uploaded": uploaded,
        }
    return page or "/"


def keep_for(request: HttpRequest, page: str, **words: str) -> None:
    """Keep words for a page that the answer leads to, when a verb was refused."""
    if sum(map(len, words.values())) <= MOST_CHARACTERS:
        request.session[KEY] = {"page": page, "words": words, "files": False, "uploaded": []}


def take(request: HttpRequest) -> dict[str, Any]:
    """The words kept for this page, once; {} when there are none."""
    kept = request.session.get(KEY)
    if not kept or kept["page"] != request.path:
        return {}
    del request.session[KEY]
    return {**kept["words"], "files_lost": kept["files"], "uploaded": kept.get("uploaded", [])}
