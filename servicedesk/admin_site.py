"""The agents' and accountants' interface: which pages there are, who gets in, what the side bar offers."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, path, reverse, reverse_lazy
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET
from unfold.sites import UnfoldAdminSite

from accounts.admin import ClosedDayAdmin, ContractAdmin, OrganisationAdmin, PersonAdmin, ProductAdmin, TenantAdmin
from accounts.colours import BLACK, DARK_PAGE, WHITE, as_css, mix, parse, readable_on
from accounts.hosts import offered_languages
from accounts.http import DeskRequest
from accounts.models import ClosedDay, Contract, Organisation, Person, Product, Tenant
from accounts.permissions import is_accountant, is_agent, is_manager
from billing.admin import InvoiceAdmin
from billing.models import Invoice
from notifications.admin import MailServerAdmin, OutboxMessageAdmin
from notifications.models import MailServer, OutboxMessage
from tickets.admin import (
    FormFieldAdmin,
    IncomingMessageAdmin,
    MailboxAdmin,
    RequestTypeAdmin,
    SubjectRuleAdmin,
    TicketAdmin,
    TopicGroupAdmin,
    WorkTypeAdmin,
)
from tickets.lists import count
from tickets.mail.troubles import troubles_of_desk
from tickets.models import FormField, IncomingMessage, Mailbox, RequestType, SubjectRule, Ticket, TopicGroup, WorkType
from tickets.workflow import Status

SHOWN = 10


class DeskAdminSite(UnfoldAdminSite):
    index_template = "servicedesk/dashboard.html"
    index_title = gettext_lazy("Overview")

    def has_permission(self, request: HttpRequest) -> bool:
        person = getattr(request, "person", None)
        return person is not None and person.is_staff

    def admin_view(self, view: Callable[..., HttpResponse], cacheable: bool = False) -> Callable[..., HttpResponse]:
        """Visitors log in first; for who is not staff, and for what a role does not allow, nothing is there."""
        inner = super().admin_view(view, cacheable)

        @wraps(view)
        def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if cast(DeskRequest, request).person is not None and not self.has_permission(request):
                raise Http404
            try:
                return cast(HttpResponse, inner(request, *args, **kwargs))
            except PermissionDenied:
                raise Http404 from None

        door.door = "staff"  # type: ignore[attr-defined]
        return door

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Besides the pages of models: where a mail provider sends the browser back to, one address for all desks."""
        mailboxes = cast(MailboxAdmin, self._registry[Mailbox])
        back = self.admin_view(require_GET(mailboxes.connected))
        return [path("mail/connected/", back, name="mail_connected"), *super().get_urls()]

    # Log-in, log-out and passwords are the portal's, with its limits and its words.
    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        # Whether `next` is a page of this host is judged where it is followed.
        wanted = request.GET.get("next") or reverse("admin:index")
        return redirect(f"{reverse('account_login')}?{urlencode({'next': wanted})}")

    def logout(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return redirect("account_logout")

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return redirect("account_change_password")

    def search(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Unfold's looks into every model and keeps its results by user id, across desks. Ours is per list."""
        raise Http404

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return cast(HttpResponse, super().index(request, {**(extra_context or {}), **dashboard(request)}))


def dashboard(request: HttpRequest) -> dict[str, Any]:
    """The first page by role: an agent's work, an accountant's tickets ready to invoice."""
    person = cast(DeskRequest, request).person
    assert person is not None
    tickets = Ticket.objects.visible_to(person).for_lists()
    panels = []
    queue = reverse("admin:tickets_ticket_changelist")
    if is_agent(person):
        alive = tickets.alive()
        mine, nobodys = alive.filter(assignee=person).with_provider(), alive.filter(assignee=None)
        panels += [
            panel(
                _("My work"), mine, f"{queue}?queue=mine", _("Nothing waits for you. Take a ticket that nobody has.")
            ),
            panel(
                _("Unassigned"),
                nobodys,
                f"{queue}?queue=unassigned",
                _("Every ticket has somebody who looks after it."),
            ),
            panel(
                _("With the customer"),
                tickets.with_customer(),
                f"{queue}?queue=waiting",
                _("No customer has anything to check or to answer."),
            ),
        ]
    if is_accountant(person) and cast(DeskRequest, request).tenant.billing_enabled:
        ready, objections = reverse("admin:billing_ready"), tickets.filter(status=Status.INVOICE, is_held=True)
        panels += [
            panel(_("Ready to invoice"), tickets.to_invoice(), ready, _("All accepted work is invoiced.")),
            panel(_("Objections"), objections, f"{ready}#held", _("No customer objects to what they accepted.")),
        ]
    troubles = troubles_of_desk(timezone.now()) if is_manager(person) else []
    return {"panels": panels, "troubles": troubles}


def panel(title: str, tickets: Any, url: str, empty: str) -> dict[str, Any]:
    """A list of the dashboard; `empty` says what it means that there is nothing."""
    return {
        "title": title,
        "count": count(tickets),
        "tickets": list(tickets.newest_first()[:SHOWN]),
        "url": url,
        "empty": empty,
    }


def header(request: HttpRequest) -> str:
    return str(request.host.brand_name) if hasattr(request, "host") else ""


def palette(request: HttpRequest) -> dict[str, str]:
    """Unfold's main colour, made of the host's accent: 600 carries white words, 500 is read on a dark page."""
    accent = parse(cast(DeskRequest, request).host.accent)
    strong, bright = readable_on(WHITE, accent), readable_on(DARK_PAGE, accent)
    shades = {
        **{
            str(weight): mix(strong, WHITE, share)
            for weight, share in ((50, 0.95), (100, 0.88), (200, 0.75), (300, 0.55))
        },
        "400": mix(bright, WHITE, 0.3),
        "500": mix(bright, WHITE, 0.15),
        "600": strong,
        **{
            str(weight): mix(strong, BLACK, share)
            for weight, share in ((700, 0.15), (800, 0.3), (900, 0.45), (950, 0.6))
        },
    }
    return {weight: as_css(colour) for weight, colour in shades.items()}


def languages(request: HttpRequest) -> list[dict[str, str]]:
    return [{"code": code, "name_local": name} for code, name in offered_languages(cast(DeskRequest, request).tenant)]


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The side bar by role; every entry leads to a page that the role may open."""
    person = cast(DeskRequest, request).person
    if person is None:
        return []
    billing = cast(DeskRequest, request).tenant.billing_enabled and is_accountant(person)
    sections = [
        (
            _("Requests"),
            [
                (_("Overview"), "dashboard", reverse_lazy("admin:index"), True),
                (_("Tickets"), "inbox", reverse_lazy("admin:tickets_ticket_changelist"), True),
            ],
        ),
        (
            _("Money"),
            [
                (_("Ready to invoice"), "request_quote", reverse_lazy("admin:billing_ready"), billing),
                (_("Invoices"), "receipt_long", reverse_lazy("admin:billing_invoice_changelist"), billing),
            ],
        ),
        (
            _("Directory"),
            [
                (_("Organisations"), "apartment", reverse_lazy("admin:accounts_organisation_changelist"), True),
                (_("People"), "group", reverse_lazy("admin:accounts_person_changelist"), True),
                (_("Contracts"), "contract", reverse_lazy("admin:accounts_contract_changelist"), True),
                (_("Products"), "deployed_code", reverse_lazy("admin:accounts_product_changelist"), True),
            ],
        ),
        (
            _("E-mail"),
            [
                (
                    _("Incoming"),
                    "mark_email_unread",
                    reverse_lazy("admin:tickets_incomingmessage_changelist"),
                    is_agent(person),
                ),
                (_("Outgoing"), "outgoing_mail", reverse_lazy("admin:notifications_outboxmessage_changelist"), True),
                (_("Mailboxes"), "mail", reverse_lazy("admin:tickets_mailbox_changelist"), is_manager(person)),
                (
                    _("Subject rules"),
                    "rule",
                    reverse_lazy("admin:tickets_subjectrule_changelist"),
                    is_manager(person),
                ),
                (
                    _("Mail server"),
                    "dns",
                    reverse_lazy("admin:notifications_mailserver_changelist"),
                    is_manager(person),
                ),
            ],
        ),
        (
            _("Desk"),
            [
                (_("Topics"), "topic", reverse_lazy("admin:tickets_topicgroup_changelist"), is_manager(person)),
                (
                    _("Request types"),
                    "category",
                    reverse_lazy("admin:tickets_requesttype_changelist"),
                    is_manager(person),
                ),
                (
                    _("Fields of forms"),
                    "list_alt",
                    reverse_lazy("admin:tickets_formfield_changelist"),
                    is_manager(person),
                ),
                (
                    _("Work types"),
                    "construction",
                    reverse_lazy("admin:tickets_worktype_changelist"),
                    is_manager(person),
                ),
                (
                    _("Closed days"),
                    "event_busy",
                    reverse_lazy("admin:accounts_closedday_changelist"),
                    is_manager(person),
                ),
                (_("Policies"), "tune", reverse_lazy("admin:accounts_tenant_changelist"), is_manager(person)),
            ],
        ),
    ]
    links = [str(link) for _title, entries in sections for _name, _icon, link, shown in entries if shown]
    here = current_link(request.path, links)
    return [
        {"title": title, "separator": True, "items": items}
        for title, entries in sections
        if (
            items := [
                {"title": name, "icon": icon, "link": link, "active": str(link) == here}
                for name, icon, link, shown in entries
                if shown
            ]
        )
    ]


def current_link(path: str, links: list[str]) -> str:
    """The entry that a page belongs to: the longest that its address begins with, but the overview only for itself."""
    overview = reverse("admin:index")
    return max(
        (link for link in links if path.startswith(link) and (link != overview or path == link)), key=len, default=""
    )


site = DeskAdminSite()
for model, page in {
    Ticket: TicketAdmin,
    Person: PersonAdmin,
    Organisation: OrganisationAdmin,
    TopicGroup: TopicGroupAdmin,
    RequestType: RequestTypeAdmin,
    FormField: FormFieldAdmin,
    Mailbox: MailboxAdmin,
    SubjectRule: SubjectRuleAdmin,
    IncomingMessage: IncomingMessageAdmin,
    OutboxMessage: OutboxMessageAdmin,
    MailServer: MailServerAdmin,
    Invoice: InvoiceAdmin,
    Tenant: TenantAdmin,
    Contract: ContractAdmin,
    Product: ProductAdmin,
    ClosedDay: ClosedDayAdmin,
    WorkType: WorkTypeAdmin,
}.items():
    site.register(model, page)
