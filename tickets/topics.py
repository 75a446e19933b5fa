"""The catalogue as pages show it: groups with their types, in two queries."""

from typing import Any

from tickets.models import RequestType, TopicGroup


def catalogue_groups() -> list[dict[str, Any]]:
    """Topic groups in order, each with the types it offers; empty groups are left out."""
    types: dict[int, list[RequestType]] = {}
    for request_type in RequestType.objects.offered().order_by("position", "id"):
        types.setdefault(request_type.group_id, []).append(request_type)
    groups = TopicGroup.objects.order_by("position", "id")
    return [
        {"id": group.pk, "name": group.name, "icon": group.icon, "types": types[group.pk]}
        for group in groups
        if group.pk in types
    ]
