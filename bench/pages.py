"""The pages that are measured, and the real people who open them. Runs inside Django (bench/inside.py)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.test import Client
from django.urls import reverse

from accounts.hosts import find_host
from accounts.models import Organisation, Person, Session
from accounts.tenancy import enter
from bench import plan
from tickets.history import told_kinds
from tickets.models import RequestType, Ticket
from tickets.trail import read_trail
from tickets.workflow import Status

# So many different tickets are opened in turn.
TICKETS = 20
PORTAL_LIST = "portal list, mine"
REQUEST_PAGE = "request page"
NEWS = "open request asks for news"
# 204: nothing is new.
ANSWERS = (200, 204)


@dataclass(frozen=True)
class Visit:
    """One page as one person opens it. `paths` are opened in turn; all of them show the same kind of page."""

    page: str
    host: str
    person: int
    paths: list[str]


@contextmanager
def measured_desk() -> Iterator[None]:
    """The big desk, entered."""
    found = find_host(plan.MEASURED_HOST)
    assert found is not None, "the database is not seeded"
    with enter(found[0]):
        yield


def measured_person() -> Person:
    """The customer with the longest list: the first who represents the first organisation."""
    organisation = Organisation.objects.order_by("id")[0]
    person: Person = Person.objects.filter(representations__organisation=organisation).order_by("id")[0]
    return person


def visits() -> list[Visit]:
    with measured_desk():
        customer, agent = measured_person(), Person.objects.agents().order_by("id")[0]
        # Of one state, because what a page asks depends on what can be done there.
        worked_on = Ticket.objects.of(customer).filter(status=Status.IN_PROGRESS)
        tickets = list(worked_on.newest_first()[:TICKETS])
        queue = reverse("admin:tickets_ticket_changelist")
        opened = [reverse("admin:tickets_ticket_change", args=[ticket.pk]) for ticket in tickets]
        requests = [reverse("request", args=[ticket.reference]) for ticket in tickets]
        news = [news_address(ticket, customer) for ticket in tickets]
        lists = reverse("requests")
        return [
            Visit(PORTAL_LIST, plan.MEASURED_HOST, customer.pk, [lists]),
            Visit("portal list, organisation", plan.MEASURED_HOST, customer.pk, [f"{lists}?scope=organisation"]),
            Visit(REQUEST_PAGE, plan.MEASURED_HOST, customer.pk, requests),
            Visit(NEWS, plan.MEASURED_HOST, customer.pk, news),
            Visit("admin queue", plan.MEASURED_HOST, agent.pk, [queue]),
            Visit("admin ticket page", plan.MEASURED_HOST, agent.pk, opened),
        ]


def news_address(ticket: Ticket, reader: Person) -> str:
    """As an open page asks that shows the ticket as it is."""
    since = read_trail(ticket, reader, kinds=told_kinds(reader)).version
    return reverse("request_news", args=[ticket.reference], query={"since": since})


def logged_in(visit: Visit, person: Person | None = None) -> Client:
    """A browser with a session from the product's own store: of the visit's person, or of another one."""
    client = Client(headers={"host": visit.host}, raise_request_exception=False)
    with measured_desk():
        user = (person or Person.objects.select_related("user").get(pk=visit.person)).user
        assert user is not None, "everybody has an account"
        client.force_login(user)
    return client


def cookies(client: Client) -> str:
    return "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())


def works(client: Client, visit: Visit) -> bool:
    """Whether the page is there at all; also lets the browser have its CSRF cookie."""
    return client.get(visit.paths[0]).status_code in ANSWERS


def targets() -> dict[str, dict[str, object]]:
    """What a load process needs of each page: host, cookie, paths. A page that does not answer 200 is left out."""
    found: dict[str, dict[str, object]] = {}
    for visit in visits():
        client = logged_in(visit)
        if works(client, visit):
            found[visit.page] = {"host": visit.host, "cookie": cookies(client), "paths": visit.paths}
    return found


def portal() -> dict[str, dict[str, str]]:
    """The pages that a customer sees first, with host, path and cookie."""
    with measured_desk():
        customer = measured_person()
        kind = RequestType.objects.offered().order_by("id")[0]
        ticket = Ticket.objects.of(customer).filter(status=Status.IN_PROGRESS).newest_first()[0]
        paths = {
            "home": reverse("home"),
            "request form": reverse("request_form", args=[kind.pk]),
            "request page": reverse("request", args=[ticket.reference]),
        }
    cookie = cookies(logged_in(Visit(PORTAL_LIST, plan.MEASURED_HOST, customer.pk, [])))
    return {name: {"host": plan.MEASURED_HOST, "path": path, "cookie": cookie} for name, path in paths.items()}


def ids() -> dict[str, int]:
    """For the bare views, which know neither hosts nor sessions of the product."""
    with measured_desk():
        person = measured_person()
        assert person.tenant_id
        assert person.user_id, "everybody has an account"
        return {"tenant": person.tenant_id, "person": person.pk, "user": person.user_id}


def forget_sessions() -> None:
    """Sessions of a run are of no use to the next. The cache drops its copies by itself."""
    with measured_desk():
        Session.objects.all().delete()
