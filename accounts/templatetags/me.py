"""The navigation of the pages about oneself."""

from typing import Any, NamedTuple

from django import template
from django.template.context import RequestContext
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.permissions import Rule, approves

register = template.Library()


class Page(NamedTuple):
    route: str
    words: Promise
    icon: str
    # Further addresses that belong to it, by the beginnings of their names.
    also: tuple[str, ...] = ()
    rule: Rule | None = None


PAGES = (
    Page("account", _("My details"), "user"),
    Page("mail_choices", _("E-mails to you"), "mail"),
    Page("account_change_password", _("Password"), "lock"),
    Page("mfa_index", _("Second factor and passkeys"), "seal", ("mfa_",)),
    Page("sessions", _("Where you are logged in"), "globe"),
    Page("deputies", _("My deputies"), "users", rule=approves),
    Page("tokens", _("Tokens for programs"), "key"),
    Page("my_data", _("My data"), "download"),
)


@register.inclusion_tag("accounts/_me_nav.html", takes_context=True)
def me_nav(context: RequestContext) -> dict[str, Any]:
    """Those of the pages that exist for this person, with the one that is shown."""
    person = context["person"]
    pages = [page for page in PAGES if page.rule is None or page.rule(person)]
    return {"pages": pages, "here": page_of(context)}


@register.simple_tag(takes_context=True)
def me_here(context: RequestContext) -> Promise | str:
    """What the page that is shown is called in the navigation."""
    page = page_of(context)
    return page.words if page else ""


def page_of(context: RequestContext) -> Page | None:
    match = context["request"].resolver_match
    name = match.view_name if match else ""
    return next((page for page in PAGES if name == page.route or name.startswith(page.also)), None)
