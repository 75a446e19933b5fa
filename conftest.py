"""The cast: two desks full of the same people. What the owner may, the colleague may in part, the outsider never.

The database is made and migrated as its owner; the tests connect as `desk_app`, so both walls stand in every test.
"""

import gc
import hashlib
import os
import pickle
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import psycopg2
import pytest
from django.conf import settings as django_settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client
from django.test.utils import setup_databases, teardown_databases
from django.utils import timezone

from accounts.hosts import forget_hosts
from accounts.invitations import obtain_user
from accounts.models import Deputy, Organisation, Person, Representation, Tenant, User
from accounts.sessions import SessionStore
from accounts.tenancy import enter
from notifications.models import OutboxMessage
from notifications.rendering import write_out
from servicedesk import environment
from servicedesk.catalogues import compile_catalogues
from servicedesk.desks import Brand, create_desk
from tests.migrated import migrated_template
from tickets import actions
from tickets.models import Comment, RequestType, Ticket

PASSWORD = "correct horse battery"


def pytest_configure(config: pytest.Config) -> None:
    # The workers share one cache server; each clears what is its own.
    django_settings.CACHES["default"]["KEY_PREFIX"] = f"test-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    Path(django_settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
    compile_catalogues()  # before the first text is read: a process keeps the catalogue that it found


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # What takes a browser comes first: few tests that last long, and at the end they would keep one worker waiting.
    items.sort(key=lambda item: item.get_closest_marker("browser") is None)


# ---- the database ----


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest,
    django_test_environment: None,
    django_db_blocker: Any,
    django_db_modify_db_settings: None,
) -> Iterator[None]:
    owner = {key: environment.database("DATABASE_OWNER_URL")[key] for key in ("USER", "PASSWORD")}
    application = {key: connection.settings_dict[key] for key in ("USER", "PASSWORD")}
    keep = request.config.getvalue("reuse_db")
    with django_db_blocker.unblock():
        connect_as(owner)
        connection.settings_dict["TEST"]["TEMPLATE"] = migrated_template()
        made = setup_databases(verbosity=0, interactive=False, keepdb=keep, serialized_aliases=())
        empty_as_owner()
        connect_as(application)
        with transaction.atomic():
            create_cast()
    yield
    with django_db_blocker.unblock():
        connect_as(owner)
        gc.collect()  # a finished thread's connection closes with its last reference
        if not keep:
            teardown_databases(made, verbosity=0)


def connect_as(role: dict[str, Any]) -> None:
    connection.close()
    connection.settings_dict.update(role)


@contextmanager
def owner_connection() -> Iterator[Any]:
    """A second connection to the test database, above the walls: for looking at what really stands there."""
    owner = environment.database("DATABASE_OWNER_URL")
    direct = psycopg2.connect(
        dbname=connection.settings_dict["NAME"],
        user=owner["USER"],
        password=owner["PASSWORD"],
        host=owner["HOST"],
        port=owner["PORT"],
    )
    try:
        with direct:
            yield direct
    finally:
        direct.close()


def empty_as_owner() -> None:
    with owner_connection() as direct, direct.cursor() as cursor:
        cursor.execute(
            "SELECT string_agg(quote_ident(tablename), ',') FROM pg_tables WHERE schemaname = 'public' "
            "AND tablename NOT IN ('django_migrations', 'django_content_type', 'auth_permission')"
        )
        cursor.execute(f"TRUNCATE {cursor.fetchone()[0]} RESTART IDENTITY CASCADE")


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """For tests whose transactions must really commit (threads, killed processes); the cast is made anew afterwards."""
    with django_db_blocker.unblock():
        yield
        connection.close()
        empty_as_owner()
        forget_hosts()
        _desks.clear()
        with transaction.atomic():
            create_cast()


@pytest.fixture(autouse=True)
def _as_at_start(settings: Any, tmp_path: Any) -> Iterator[None]:
    """Every test begins with an empty cache, an own folder for files and jobs that nobody works off."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STORAGES = {
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "files")},
        },
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.MAILBOX_ROOT = str(tmp_path / "mailbox")
    settings.DEMO = False
    settings.MAIL_BUNDLE_SECONDS = 0
    cache.clear()
    forget_hosts()
    yield
    forget_hosts()


# ---- the cast ----


@dataclass(frozen=True)
class Desk:
    """A tenant with its people.

    `requester` owns the tickets; `colleague` shares the organisation and may approve; `stranger` is another customer's;
    everybody of the other desk is an outsider. The methods below add who is needed by few tests only: further people
    would change everybody's lists.
    """

    tenant: Tenant
    host: str
    requester: Person
    colleague: Person
    stranger: Person
    agent: Person
    accountant: Person
    manager: Person
    organisation: Organisation
    other_organisation: Organisation

    @property
    def id(self) -> int:
        return int(self.tenant.pk)

    def entered(self) -> AbstractContextManager[None]:
        return enter(self.id)

    def type(self) -> RequestType:
        return RequestType.objects.earliest("id")

    def submit(self, **changes: Any) -> Ticket:
        """A request of the requester's, through the verb. Call it inside the desk."""
        values = {
            "by": self.requester,
            "organisation": self.organisation,
            "request_type": self.type(),
            "subject": "The printer prints nothing",
            "description": "Since this morning.",
        }
        return actions.submit(**{**values, **changes})

    def delivered(self, *, minutes: int = 25) -> Ticket:
        return actions.deliver(self.started(minutes=minutes), by=self.agent, text="It prints again.")

    def accepted(self, *, minutes: int = 25) -> Ticket:
        return actions.accept_solution(self.delivered(minutes=minutes), by=self.requester)

    def started(self, *, minutes: int = 0, **changes: Any) -> Ticket:
        ticket = actions.start_work(self.submit(**changes), by=self.agent, expected_minutes=20)
        if minutes:
            actions.record_time(ticket, by=self.agent, minutes=minutes, description="Looked into it")
        return ticket

    def asked(self) -> Ticket:
        """WAITING FOR CUSTOMER, for information."""
        return actions.request_information(self.submit(), by=self.agent, text="Which printer?")

    def estimated(self, ticket: Ticket | None = None, **changes: Any) -> Ticket:
        """With an open version: three hours and a fixed price, together 290.00 at the preset's price of an hour."""
        ticket = ticket or self.submit()
        values: dict[str, Any] = {"by": self.agent, "lines": LINES, "due_on": in_days(14), **changes}
        actions.send_estimate(ticket, **values)
        return Ticket.objects.get(pk=ticket.pk)

    def agreed(self, ticket: Ticket | None = None) -> Ticket:
        """ESTIMATE ACCEPTED, by the approver."""
        return actions.accept_estimate(ticket or self.estimated(), by=self.approver)

    def reopened(self, *, minutes: int = 25) -> Ticket:
        """Delivered, and sent back with words."""
        return actions.reopen(self.delivered(minutes=minutes), by=self.requester, text="Page two is missing.")

    def scheduled(self, *, minutes: int = 25) -> Ticket:
        """READY TO DEPLOY."""
        return actions.schedule_deployment(self.reopened(minutes=minutes), by=self.agent, day=in_days(3))

    # ---- people who join where a test is about them ----

    @property
    def approver(self) -> Person:
        """The colleague, who approves without limit."""
        return self.colleague

    def clerk(self) -> Person:
        """Asks for the organisation, and approves nothing."""
        return self._representative("Cleo Clerk")

    def signatory(self) -> Person:
        """Approves for the organisation without limit, and asks nothing."""
        return self._representative("Sally Signatory", may_ask=False, may_approve=True)

    def small_approver(self) -> Person:
        """Approves up to ten, which no estimate here reaches."""
        return self._representative("Linus Limited", may_ask=False, may_approve=True, approval_limit=10)

    def reader(self) -> Person:
        """Of the organisation, without a right."""
        return self._representative("Ray Reader", may_ask=False)

    def deputy(self) -> Person:
        """Stands in for the approver these weeks, and has no right of their own."""
        row = self._representative("Dora Deputy", may_ask=False)
        right = Representation.objects.get(person=self.approver, organisation=self.organisation)
        Deputy.objects.get_or_create(
            representation=right, person=row, defaults={"starts_on": in_days(-7), "ends_on": in_days(7)}
        )
        return row

    def specialist(self) -> Person:
        """An agent of the second line."""
        return self.joins("Sven Specialist", is_agent=True, support_line=2)

    def guest(self, ticket: Ticket) -> Person:
        """Invited to this one request by who asked for it."""
        row = self.joins("Gus Guest")
        actions.add_participant(ticket, by=self.requester, address=row.email)
        return row

    def _representative(self, name: str, **rights: Any) -> Person:
        row = self.joins(name)
        Representation.objects.get_or_create(person=row, organisation=self.organisation, defaults=rights)
        return row

    def joins(self, name: str, **roles: Any) -> Person:
        """Somebody by name, who is made when nobody asked for them before."""
        email = f"{name.partition(' ')[0].lower()}@{self.host.partition('.')[0]}.example"
        found: Person | None = Person.objects.filter(email=email).select_related("user").first()
        return found or person(name, email, **roles)


def in_days(days: int) -> date:
    """So many days from today, where the cast's desks are."""
    return timezone.localdate(timezone=ZoneInfo("Europe/Riga")) + timedelta(days=days)


# An estimate's lines: 180 minutes, and something at a fixed price.
LINES = (actions.NewLine("Analysis", minutes=180), actions.NewLine("A new tray", price=Decimal("110.00")))


def create_cast() -> None:
    for slug in ("alpha", "beta"):
        tenant = create_desk(
            preset="integrator",
            name=f"{slug.title()} Desk",
            slug=slug,
            brands=[Brand(f"{slug}.localhost", f"{slug.title()} Desk")],
            support_email=f"support@{slug}.localhost",
            language="en",
            languages=["en", "lv"],
            # Most tests are not about it; those that are set their own.
            threshold_minutes=120,
            business_days=False,
        )
        with enter(tenant.pk):
            _people(slug)


def _people(slug: str) -> None:
    # The same names and numbers at both desks: a leak would otherwise be told by its look.
    bakery = Organisation.objects.create(name="Rye Bread Ltd", registration_number="101", address="Mill Lane 5")
    timber = Organisation.objects.create(name="Timber Ltd", registration_number="102")
    requester = person("Rita Requester", f"requester@{slug}.example")
    colleague = person("Colin Colleague", f"colleague@{slug}.example")
    stranger = person("Stan Stranger", f"stranger@{slug}.example")
    Representation.objects.create(person=requester, organisation=bakery)
    Representation.objects.create(
        person=colleague, organisation=bakery, may_approve=True, may_see_invoices=True, is_head=True
    )
    Representation.objects.create(person=stranger, organisation=timber, may_see_invoices=True)
    person("Agnes Agent", f"agent@{slug}.example", is_agent=True)
    person("Alan Accountant", f"accountant@{slug}.example", is_accountant=True)
    person("Mary Manager", f"manager@{slug}.example", is_manager=True)


def person(name: str, email: str, **roles: Any) -> Person:
    row = Person.objects.create(name=name, email=email, user_id=obtain_user(email), is_verified=True, **roles)
    user = User.objects.get(pk=row.user_id)
    # One hash for all: hashing is not what the tests are about.
    user.password = _HASH
    user.save(update_fields=["password"])
    return row


# MD5 of PASSWORD in Django's form; `_as_at_start` makes that hasher known.
_HASH = "md5$salt$" + hashlib.md5(f"salt{PASSWORD}".encode()).hexdigest()


# The desks as they stand between tests, where nothing of a test is left: reading them takes longer than many tests.
_desks: dict[str, bytes] = {}


def load_desk(slug: str) -> Desk:
    """A copy of its own for each test, which may change it."""
    if slug not in _desks:
        _desks[slug] = pickle.dumps(_read_desk(slug))
    return cast(Desk, pickle.loads(_desks[slug]))


def _read_desk(slug: str) -> Desk:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tenant_id FROM desk_find_host(%s)", [f"{slug}.localhost"])
        tenant_id = cursor.fetchone()[0]
    with enter(tenant_id):
        people = {row.email.partition("@")[0]: row for row in Person.objects.select_related("user")}
        return Desk(
            tenant=Tenant.objects.get(),
            host=f"{slug}.localhost",
            organisation=Organisation.objects.get(registration_number="101"),
            other_organisation=Organisation.objects.get(registration_number="102"),
            **{role: people[role] for role in ("requester", "colleague", "stranger", "agent", "accountant", "manager")},
        )


@pytest.fixture
def desk(db: None) -> Desk:
    return load_desk("alpha")


@pytest.fixture
def rival(db: None) -> Desk:
    """Another tenant. Its people are the outsiders."""
    return load_desk("beta")


@pytest.fixture
def inside(desk: Desk, request: pytest.FixtureRequest) -> Iterator[Desk]:
    """The desk, entered for the whole test: for verbs and querysets, not for requests."""
    if "rival" in request.fixturenames:  # it is loaded inside itself, so before
        request.getfixturevalue("rival")
    with desk.entered():
        yield desk


@pytest.fixture
def committed_desk(committed: None) -> Desk:
    return load_desk("alpha")


# ---- browsers without a window ----

Visit = Callable[..., Client]


@pytest.fixture
def visit() -> Visit:
    """visit(desk) is a visitor at the desk's host, visit(desk, person) somebody logged in there."""

    def make(desk: Desk, person: Person | None = None) -> Client:
        client = Client(headers={"host": desk.host}, raise_request_exception=True)
        if person is not None:
            with desk.entered():
                client.cookies[django_settings.SESSION_COOKIE_NAME] = session_of(person)
        return client

    return make


def session_of(person: Person) -> str:
    """The key of a session as a log-in leaves it; what a log-in does besides takes longer than many pages."""
    assert person.user is not None
    session = SessionStore()
    session[SESSION_KEY] = str(person.user.pk)
    session[BACKEND_SESSION_KEY] = django_settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = person.user.get_session_auth_hash()
    session.create()
    return str(session.session_key)


def written(letter: OutboxMessage) -> OutboxMessage:
    """A letter of the entered desk with the text and HTML that it would go out with now."""
    write_out(letter, [])
    return letter


def comments_of(ticket: Ticket) -> list[str]:
    return list(Comment.objects.filter(ticket=ticket).order_by("id").values_list("text", flat=True))
