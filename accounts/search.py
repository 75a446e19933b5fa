"""Finding people and organisations by a part of their name; see migration 0003 for why this is a function."""

from django.db import connection

LONGEST = 100


def find_people(wanted: str) -> list[int]:
    """Ids of up to 200 people of the entered tenant whose name or address contains the words."""
    return _ids("SELECT id FROM desk_search_people(%s)", wanted)


def find_staff(wanted: str) -> list[int]:
    """Ids of up to 200 of the entered tenant's staff whose name or address contains the words."""
    return _ids("SELECT id FROM desk_search_staff(%s)", wanted)


def find_organisations(wanted: str) -> list[int]:
    """Ids of up to 200 organisations of the entered tenant whose name or number contains the words."""
    return _ids("SELECT id FROM desk_search_organisations(%s)", wanted)


def _ids(query: str, wanted: str) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(query, [wanted.replace("\x00", "")[:LONGEST]])
        return [row[0] for row in cursor.fetchall()]
