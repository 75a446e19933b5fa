"""What stands around every page of the portal: head, brand, navigation, menus, foot.

It changes with the person and the desk, not with the page, and takes longer to render than most pages' own content. So
it is a function of what it shows, and rendered once for the same values. What belongs to one request (the token against
forgery, the address to come back to) stands in one form at the end of the page, which the frame's buttons name.
"""

from functools import lru_cache
from typing import Any, NamedTuple

from django import template
from django.template.context import RequestContext
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

register = template.Library()

# About ten kilobytes each.
FRAMES_REMEMBERED = 512
WITHOUT_NEW_REQUEST = ("request_new", "request_form")


class Choice(NamedTuple):
    id: int
    name: str


class Who(NamedTuple):
    name: str
    email: str
    initials: str
    is_staff: bool


class Frame(NamedTuple):
    """All that the frame shows. A value that is not in here cannot be shown in it."""

    language: str
    brand_name: str
    initial: str
    here: str
    person: Who | None
    acting: Choice | None
    organisations: tuple[Choice, ...]
    invoices: bool
    languages: tuple[tuple[str, str], ...]
    login_link: bool
    new_request: bool
    reads_notices: bool
    demo: bool


class Foot(NamedTuple):
    """All that the foot shows."""

    language: str
    name: str
    support_email: str
    support_phone: str


@register.simple_tag
@lru_cache(maxsize=1)
def head() -> SafeString:
    """What every page begins with: nothing in it changes while the product runs."""
    return render_to_string("_head.html")


@register.simple_tag
def sentences() -> SafeString:
    """What the scripts say."""
    return _sentences(get_language() or "en")


@lru_cache(maxsize=FRAMES_REMEMBERED)
def _sentences(language: str) -> SafeString:
    return render_to_string("_sentences.html")


@register.simple_tag(takes_context=True)
def foot(context: RequestContext) -> SafeString:
    tenant = context.get("tenant")  # an unknown host has none
    about = (tenant.name, tenant.support_email, tenant.support_phone) if tenant else ("", "", "")
    return _foot(Foot(get_language() or "en", *about))


@lru_cache(maxsize=FRAMES_REMEMBERED)
def _foot(facts: Foot) -> SafeString:
    return render_to_string("_foot.html", facts._asdict())


@register.simple_tag(takes_context=True)
def frame(context: RequestContext) -> SafeString:
    return _frame(_facts(context))


@lru_cache(maxsize=FRAMES_REMEMBERED)
def _frame(facts: Frame) -> SafeString:
    return render_to_string("_frame.html", facts._asdict())


def _facts(context: RequestContext) -> Frame:
    """Everything may be missing: error pages show themselves at an unknown host too."""
    brand, person, acting = (context.get(name) for name in ("brand", "person", "acting"))
    name = brand["name"] if brand else ""
    match = context["request"].resolver_match if "request" in context else None
    view = (match and match.view_name) or ""
    return Frame(
        language=(get_language() or "en")[:2],
        brand_name=name or _("Service desk"),
        initial=name[:1] or "?",
        here=context.get("nav_current") or "",
        person=Who(person.name, person.email, person.initials, person.is_staff) if person else None,
        acting=_choice(acting) if acting else None,
        organisations=tuple(_choice(organisation) for organisation in context.get("organisations") or ()),
        invoices=bool((context.get("nav") or {}).get("invoices")),
        languages=tuple(context.get("LANGUAGES_OFFERED") or ()),
        login_link=not person and view != "home" and not view.startswith("account_"),
        new_request=bool(person) and view not in WITHOUT_NEW_REQUEST,
        reads_notices=view == "request",  # notices lead there, and opening it reads them
        demo=bool(context.get("demo")),
    )


def _choice(organisation: Any) -> Choice:
    return Choice(organisation.pk, organisation.name)
