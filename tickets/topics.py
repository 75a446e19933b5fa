"""The catalogue as pages show it: groups with their types, in two queries."""

import unicodedata
from typing import Any

from tickets.models import RequestType, TopicGroup


def catalogue_groups(words: str = "") -> list[dict[str, Any]]:
    """Topic groups in order, each with the types it offers; empty groups are left out.

    `found` are the ids of the types with all the words, as the search while typing finds them (static/desk.js).
    """
    types: dict[int, list[RequestType]] = {}
    for request_type in RequestType.objects.offered().order_by("position", "id"):
        types.setdefault(request_type.group_id, []).append(request_type)
    wanted = folded(words).split()
    return [
        {
            "id": group.pk,
            "name": group.name,
            "icon": group.icon,
            "types": types[group.pk],
            "found": {one.pk for one in types[group.pk] if _has(wanted, group, one)},
        }
        for group in TopicGroup.objects.order_by("position", "id")
        if group.pk in types
    ]


def _has(wanted: list[str], group: TopicGroup, request_type: RequestType) -> bool:
    text = folded(f"{group.name} {request_type.name} {request_type.sentence}")
    return all(word in text for word in wanted)


def folded(text: str) -> str:
    """Without capitals and accents."""
    plain = unicodedata.normalize("NFD", text)
    return "".join(letter for letter in plain if not unicodedata.combining(letter)).lower()
