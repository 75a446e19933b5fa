"""Which pages of the desk somebody reads, and where they are listed."""

from typing import NamedTuple

from accounts.hosts import remembered
from accounts.models import Page, Person
from accounts.models.pages import Audience
from accounts.texts import Texts

# On the first page after log-in; the list has all.
SHOWN_AT_HOME = 8
# Of the list.
PAGE = 30


class Link(NamedTuple):
    slug: str
    title: str


def public_links() -> tuple[Link, ...]:
    """The public pages, in the reader's language. Every page's foot asks, so the rows are remembered for a moment."""
    return tuple(Link(slug, str(title) or slug) for slug, title in remembered("public pages", _read_public))


def _read_public() -> list[tuple[str, Texts]]:
    return list(Page.objects.public().values_list("slug", "title"))


def pages_at_home(person: Person) -> list[Page]:
    """What is not in the foot already; none for who represents nobody, who has only those."""
    if not person.represents or person.is_staff:
        return []
    rows = Page.objects.visible_to(person).exclude(audience=Audience.PUBLIC).defer("body")
    return list(rows.select_related("organisation").order_by("position", "-id")[:SHOWN_AT_HOME])
