"""Finding requests by their words (migration 0009 says how), and what was meant where nothing has what was typed."""

import re
from dataclasses import dataclass

from django.db import connection

LONGEST = 200
# So many are found at most, the newest of them.
FOUND_AT_MOST = 200


@dataclass(frozen=True)
class Scope:
    """Among whose requests: 'requester', 'organisation' or 'guest', and the number of the person or organisation."""

    kind: str
    who: int


def find(scope: Scope, typed: str, *, alive: bool = False) -> list[int]:
    """Ids of the newest requests that have all the words. They are no right to read them: start at `visible_to`."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM desk_search_tickets(%s, %s, %s, %s)", [scope.kind, scope.who, typed, alive])
        return [row[0] for row in cursor.fetchall()]


@dataclass(frozen=True)
class Correction:
    """The words that nothing has, what they are taken for, and all words to search with instead."""

    typed: str
    instead: str
    words: str


def corrected(scope: Scope, typed: str) -> Correction | None:
    """What was probably meant by words that nothing has; None where nothing is near.

    Only words of requests in the scope come into question, so that nobody reads one here that they may not read.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT word, candidate FROM desk_similar_words(%s, %s, %s)", [scope.kind, scope.who, typed])
        known: dict[str, list[str]] = {}
        for word, candidate in cursor.fetchall():
            known.setdefault(word, []).extend([candidate] if candidate else [])
    nearest = {word: found for word, candidates in known.items() if (found := _nearest(word, candidates))}
    if not nearest:
        return None
    words = " ".join(nearest.get(word, word) for word in known)
    return Correction(" ".join(nearest), " ".join(nearest.values()), words)


def cleaned(typed: str) -> str:
    """What was typed as one line that a database takes."""
    return " ".join(typed.replace("\0", " ").split())[:LONGEST]


def as_reference(typed: str, prefix: str) -> str:
    """The reference that was typed, whole or as its number; '' for other words."""
    found = re.fullmatch(r"(?:([a-z0-9]+)-)?([1-9][0-9]{0,17})", typed.strip().lstrip("#"), re.IGNORECASE | re.ASCII)
    return f"{found[1] or prefix}-{found[2]}".upper() if found else ""


def _nearest(word: str, known: list[str]) -> str:
    """The known word with the fewest slips: one in a short word, two in a longer one."""
    slips = {other: _slips(word, other) for other in known}
    best = min(known, key=lambda other: slips[other], default="")
    return best if best and slips[best] <= (1 if len(word) < 6 else 2) else ""


def _slips(one: str, other: str) -> int:
    """How many letters were added, left out, changed, or swapped with their neighbour."""
    rows = [list(range(len(other) + 1))]
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, wanted in enumerate(other, 1):
            costs = [rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (letter != wanted)]
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                costs.append(rows[-2][j - 2] + 1)
            row.append(min(costs))
        rows.append(row)
    return rows[-1][-1]
