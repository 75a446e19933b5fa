"""The reference by which everything about a ticket is traced (B8)."""

import re

from accounts.models import Counter, Tenant

_REFERENCE = re.compile(r"\b([A-Z][A-Z0-9]{0,7}-[1-9][0-9]{0,14})\b")


def next_reference(tenant: Tenant) -> tuple[str, int]:
    """('DESK-38', 38). Numbers have neither gaps nor doubles."""
    number = Counter.next("ticket")
    return f"{tenant.reference_prefix}-{number}", number


def references_in(subject: str) -> list[str]:
    return _REFERENCE.findall(subject)
