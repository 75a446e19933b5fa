"""Whether somebody may still read what a waiting letter is about: asked of the right-hand apps before it goes out."""

from accounts.models import Person
from accounts.registry import Registry

# (person, label of the row, its id) → whether they see it; None from who does not know such rows.
sees: Registry[[Person, str, int], bool | None] = Registry()


def may_still_read(person: Person, label: str, row_id: int | None) -> bool:
    if not person.is_active:
        return False
    if not label or row_id is None:
        return True
    return False not in sees(person, label, row_id)
