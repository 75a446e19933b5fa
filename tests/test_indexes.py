"""Every list is read by its own index, asked as `desk_app` under the policy, on tables that have been analysed."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from django.db import connection, transaction

from accounts import uploads
from accounts.events import history_of
from accounts.models import Event, Organisation, OrganisationDomain, Person, StoredFile, Upload
from accounts.tenancy import enter
from billing.models import Invoice, InvoiceDocument
from conftest import Desk, create_cast, empty_as_owner, owner_connection
from notifications.models import Notice, OutboxMessage
from tickets.lists import SORTS, sorted_by
from tickets.models import (
    Approval,
    Attachment,
    Comment,
    Estimate,
    EstimateLine,
    IncomingMessage,
    Mailbox,
    Participant,
    SubjectRule,
    Ticket,
    TimeEntry,
)
from tickets.workflow import Status

Query = Callable[[Desk], Any]

LATER = "2030-01-01T00:00Z"


class Listed(NamedTuple):
    """A query, the index that it must be read by, and the columns that may be looked at in the rows found there.

    May, since a row fetched by its number is found by the number alone or by the tenant and the number: the two cost
    the planner the same, and a sample of the table decides.
    """

    by: str
    query: Query
    filtered: frozenset[str] = frozenset()


STATUS = frozenset({"status"})

LISTS: dict[str, Listed] = {
    "mine": Listed("tickets_mine", lambda d: Ticket.objects.asked_by(d.requester).newest_first()[:21]),
    "mine, open": Listed(
        "tickets_alive_requester", lambda d: Ticket.objects.asked_by(d.requester).alive().newest_first()[:21]
    ),
    "mine, waiting": Listed(
        "tickets_alive_requester",
        lambda d: Ticket.objects.asked_by(d.requester).with_customer().newest_first()[:21],
        STATUS,
    ),
    "my organisation's": Listed(
        "tickets_organisations",
        lambda d: Ticket.objects.of_organisation(d.organisation, actor=d.requester).newest_first()[:21],
    ),
    "my organisation's, open": Listed(
        "tickets_alive_organisation",
        lambda d: Ticket.objects.of_organisation(d.organisation, actor=d.requester).alive().newest_first()[:21],
    ),
    # Without its order: what one person was invited to is little, found by its own index and sorted.
    "shared with me": Listed(
        "tickets_partic_person_d793e8_t",
        lambda d: Ticket.objects.shared_with(d.requester),
        frozenset({"tenant_id"}),  # each is then fetched by its number
    ),
    "by reference": Listed(
        "tickets_ticket_reference",
        lambda d: Ticket.objects.visible_to(d.requester).filter(reference="DESK-5"),
        frozenset({"id", "requester_id", "organisation_id"}),
    ),
    "the queue": Listed("tickets_alive", lambda d: Ticket.objects.visible_to(d.agent).alive().newest_first()[:51]),
    "my work": Listed(
        "tickets_alive_assignee",
        lambda d: Ticket.objects.visible_to(d.agent).alive().filter(assignee=d.agent).newest_first()[:51],
    ),
    "unassigned": Listed(
        "tickets_unassigned",
        lambda d: Ticket.objects.visible_to(d.agent).alive().filter(assignee=None).newest_first()[:51],
    ),
    "with the customer": Listed(
        "tickets_alive", lambda d: Ticket.objects.visible_to(d.agent).with_customer().newest_first()[:51], STATUS
    ),
    "the queue, in order": Listed(
        "tickets_queue",
        lambda d: Ticket.objects.visible_to(d.agent).unfinished().with_provider().queued()[:51],
        STATUS,
    ),
    "mine, by filing": Listed(
        "tickets_mine_by_filing", lambda d: sorted_by(Ticket.objects.asked_by(d.requester), SORTS["newest"])[:21]
    ),
    "my organisation's, by filing": Listed(
        "tickets_organisation_by_filing",
        lambda d: sorted_by(Ticket.objects.of_organisation(d.organisation, actor=d.requester), SORTS["oldest"])[:21],
    ),
    # Without their order: what somebody has open is little, found by its own index and sorted.
    "mine, open, by filing": Listed(
        "tickets_alive_requester", lambda d: Ticket.objects.asked_by(d.requester).alive().order_by()
    ),
    "an organisation's order": Listed(
        "tickets_ranked",
        lambda d: Ticket.objects.filter(organisation_id__in=[d.organisation.pk], handling_rank__isnull=False).order_by(
            "organisation_id", "handling_rank"
        ),
    ),
    "ready to invoice": Listed(
        "tickets_alive_status", lambda d: Ticket.objects.visible_to(d.accountant).filter(status=Status.INVOICE)
    ),
    "due for the clock": Listed(
        "tickets_clock", lambda d: Ticket.objects.filter(clock_at__lte=LATER).order_by("clock_at")[:100]
    ),
    "a conversation": Listed(
        "tickets_conversation",
        lambda d: Comment.objects.visible_to(d.requester).filter(ticket_id=5).order_by("id"),
        frozenset({"is_internal"}),
    ),
    "a history": Listed("accounts_event_subject", lambda d: history_of(Ticket(pk=5))),
    "files of a ticket": Listed("tickets_attach_ticket_fffc74_t", lambda d: Attachment.objects.filter(ticket_id=5)),
    "time of a ticket": Listed("tickets_timeen_ticket_7fe42a_t", lambda d: TimeEntry.objects.filter(ticket_id=5)),
    "guests of a ticket": Listed(
        "tickets_participant_once", lambda d: Participant.objects.filter(ticket_id=5).order_by("person_id")
    ),
    "versions of an estimate": Listed(
        "tickets_estimate_version", lambda d: Estimate.objects.filter(ticket_id=5).order_by("-version")
    ),
    "the accepted version": Listed(
        "tickets_estimate_one_accepted", lambda d: Estimate.objects.accepted().filter(ticket_id=5)
    ),
    "lines of an estimate": Listed(
        "tickets_estima_estima_437574_t", lambda d: EstimateLine.objects.filter(estimate_id=5)
    ),
    "proofs of a ticket": Listed("tickets_approv_ticket_464450_t", lambda d: Approval.objects.filter(ticket_id=5)),
    "a used link": Listed("tickets_approval_link_once", lambda d: Approval.objects.filter(link="5")),
    "my notices": Listed(
        "notifications_notices_of", lambda d: Notice.objects.visible_to(d.requester).order_by("-pk")[:21]
    ),
    "the bell": Listed("notifications_unread", lambda d: Notice.objects.visible_to(d.requester).unread()[:100]),
    "notices that a page reads": Listed(
        "notifications_unread",
        lambda d: Notice.objects.visible_to(d.requester).unread().filter(route="request", key="DESK-5"),
    ),
    "due mail": Listed(
        "notifications_due",
        lambda d: OutboxMessage.objects.filter(state="queued", next_try_at__lte=LATER).order_by("next_try_at")[:200],
    ),
    "mails about a ticket": Listed(
        "notifications_about", lambda d: OutboxMessage.objects.filter(about_label="tickets.ticket", about_id=5)
    ),
    "an answered mail": Listed(
        "notifications_message_id", lambda d: OutboxMessage.objects.filter(message_id__in=["a@b"])
    ),
    "due incoming": Listed("tickets_incoming_due", lambda d: IncomingMessage.objects.filter(next_try_at__lte=LATER)),
    "incoming that was set aside": Listed(
        "tickets_incoming_set_aside",
        lambda d: IncomingMessage.objects.filter(state="quarantined").order_by("-id")[:51],
    ),
    "letters that were given up": Listed(
        "notifications_not_arrived",
        lambda d: OutboxMessage.objects.visible_to(d.agent).filter(state="failed").order_by("-id")[:51],
        frozenset({"state", "text"}),  # the second is the cast '::text'
    ),
    "rules of subjects": Listed(
        "tickets_subject_rule", lambda d: SubjectRule.objects.order_by("mailbox_id", "begins_with")[:51]
    ),
    "domains of an organisation": Listed(
        "accounts_organ_organi_11b228_t", lambda d: OrganisationDomain.objects.filter(organisation_id=5)
    ),
    "uploads of a person": Listed(
        "accounts_uploa_person_7f12a1_t", lambda d: uploads.of_person(d.requester), frozenset({"used_at"})
    ),
    "small pictures to draw": Listed(
        "accounts_file_thumbnail_due", lambda d: StoredFile.objects.filter(thumbnail_due_at__lt=LATER)
    ),
    "a person by address": Listed("accounts_person_email", lambda d: Person.objects.filter(email="a@b.example")),
    "colleagues to choose from": Listed(
        "accounts_person_staff",
        lambda d: Person.objects.answering().order_by("-id")[:20],
        frozenset({"is_active", "is_agent", "is_manager"}),
    ),
    "people": Listed(
        "accounts_person_tenant_id_key", lambda d: Person.objects.visible_to(d.agent).order_by("-id")[:51]
    ),
    "organisations": Listed(
        "accounts_organisation_tenant_id_key", lambda d: Organisation.objects.visible_to(d.agent).order_by("-id")[:51]
    ),
    "invoices": Listed("billing_invoices_of", lambda d: Invoice.objects.visible_to(d.colleague).order_by("-id")[:200]),
    "an invoice by number": Listed(
        "billing_invoice_number",
        lambda d: Invoice.objects.visible_to(d.colleague).filter(number="2026-00001"),
        frozenset({"organisation_id"}),
    ),
    "due documents": Listed("billing_documents_due", lambda d: InvoiceDocument.objects.filter(next_try_at__lte=LATER)),
}

# What the assertion must not let through: each fails by another of its parts.
UNINDEXED: dict[str, Listed] = {
    "a filter behind another list's order": Listed(
        "tickets_newest", lambda d: Ticket.objects.filter(description="x").newest_first()[:21]
    ),
    "an order": Listed("tickets_alive", lambda d: Ticket.objects.alive().order_by("subject")[:21]),
    "another list's index": Listed("tickets_mine", lambda d: Ticket.objects.newest_first()[:21]),
}

ROWS = 600
MANY = 50  # people and organisations among whom the rows are spread


@pytest.fixture(scope="module")
def crowd(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Two full desks, committed and analysed: on empty tables all indexes cost the same, and any is taken."""
    with django_db_blocker.unblock():
        with transaction.atomic():
            for host in ("alpha.localhost", "beta.localhost"):
                with enter(tenant_of(host)):
                    fill()
        with owner_connection() as direct, direct.cursor() as cursor:
            cursor.execute("ANALYZE")
    yield
    with django_db_blocker.unblock():
        connection.close()
        empty_as_owner()
        with transaction.atomic():
            create_cast()


def tenant_of(host: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tenant_id FROM desk_find_host(%s)", [host])
        return int(cursor.fetchone()[0])


def fill() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    agent = Person.objects.get(is_agent=True)
    Person.objects.bulk_create(Person(name=f"Person {n}", email=f"p{n}@many.example") for n in range(ROWS))
    companies = Organisation.objects.bulk_create(Organisation(name=f"Company {n}") for n in range(ROWS))
    OrganisationDomain.objects.bulk_create(
        OrganisationDomain(organisation=row, domain=f"c{n}.example") for n, row in enumerate(companies)
    )
    SubjectRule.objects.bulk_create(SubjectRule(begins_with=f"Subject {n}", language="en") for n in range(ROWS))
    people = list(Person.objects.filter(is_agent=False).order_by("id")[:MANY])
    organisations = list(Organisation.objects.order_by("id")[:MANY])
    tickets = Ticket.objects.bulk_create(
        Ticket(
            reference=f"DESK-{n}",
            number=n,
            requester=people[n % MANY],
            organisation=organisations[n % MANY],
            assignee=None if n % 10 == 0 else agent,
            subject=f"Request {n}",
            last_activity_at=start + timedelta(minutes=n),
            clock_at=start if n % 50 == 0 else None,
            **state_of(n),
        )
        for n in range(ROWS)
    )
    # Invited to their own and to others': among many guests one has a few.
    Participant.objects.bulk_create(
        Participant(ticket=ticket, person=people[(n + m) % MANY]) for n, ticket in enumerate(tickets) for m in range(2)
    )
    outline: dict[str, Any] = {
        "from_name": "Desk",
        "from_address": "d@x.example",
        "subject": "S",
        "text": "T",
        "html": "",
    }
    comments = [Comment(ticket=ticket, author=agent, text="Words") for ticket in tickets for _ in range(2)]
    Comment.objects.bulk_create(comments)
    TimeEntry.objects.bulk_create(
        TimeEntry(ticket=ticket, person=agent, minutes=15, description="Work") for ticket in tickets
    )
    files = StoredFile.objects.bulk_create(
        StoredFile(key=f"k{n}", name="a.txt", size=1, content_type="text/plain", sha256="0" * 64) for n in range(ROWS)
    )
    Upload.objects.bulk_create(Upload(person=people[n % MANY], name="a.txt", size=1) for n in range(ROWS))
    Attachment.objects.bulk_create(
        Attachment(ticket=ticket, file=file) for ticket, file in zip(tickets, files, strict=True)
    )
    Event.objects.bulk_create(
        Event(kind="ticket.delivered", subject_label="tickets.ticket", subject_id=ticket.pk, by=agent)
        for ticket in tickets
    )
    OutboxMessage.objects.bulk_create(
        OutboxMessage(
            **outline,
            to_person=people[n % MANY],
            to_address="p@x.example",
            message_id=f"{n}@alpha.localhost",
            kind="ticket.delivered",
            about_label="tickets.ticket",
            about_id=ticket.pk,
            state="queued" if n % MANY == 0 else "sent",
        )
        for n, ticket in enumerate(tickets)
    )
    Notice.objects.bulk_create(
        Notice(
            person=people[n % MANY],
            kind="ticket.delivered",
            text="News",
            route="request",
            key=ticket.reference,
            read_at=start if n % 3 else None,
        )
        for n, ticket in enumerate(tickets)
    )
    fill_estimates(tickets, agent)
    mailbox = Mailbox.objects.get()
    IncomingMessage.objects.bulk_create(
        IncomingMessage(
            mailbox=mailbox,
            envelope_to="support@x.example",
            raw=files[n],
            sha256=f"{n:064}",
            message_id=f"in{n}@x.example",
            ticket=ticket,
            next_try_at=start if n % MANY == 0 else None,
        )
        for n, ticket in enumerate(tickets)
    )
    invoices = Invoice.objects.bulk_create(
        Invoice(
            number=f"2026-{n:05}",
            organisation=organisations[n % MANY],
            issued_on=start,
            due_on=start,
            currency="EUR",
            language="en",
            net_total=1,
            vat_total=0,
            total=1,
            issued_by=agent,
        )
        for n in range(ROWS)
    )
    InvoiceDocument.objects.bulk_create(
        InvoiceDocument(invoice=invoice, file=files[n], next_try_at=start if n % MANY == 0 else None)
        for n, invoice in enumerate(invoices)
    )


def fill_estimates(tickets: list[Ticket], agent: Person) -> None:
    """Two versions of each, the second accepted, each with three lines."""
    figures: dict[str, Any] = {"currency": "EUR", "minutes": 60, "net_total": 60, "vat_total": 0, "total": 60}
    day = datetime(2026, 1, 1, tzinfo=UTC).date()
    estimates = Estimate.objects.bulk_create(
        Estimate(ticket=ticket, version=version, state=state, sent_by=agent, due_on=day, valid_until=day, **figures)
        for ticket in tickets
        for version, state in ((1, "replaced"), (2, "accepted"))
    )
    EstimateLine.objects.bulk_create(
        EstimateLine(estimate=row, position=n, kind="fixed", description="Work", unit_price=20, vat_rate=0, net=20)
        for row in estimates
        for n in range(3)
    )
    Approval.objects.bulk_create(
        Approval(ticket=row.ticket, subject="estimate", manner="button", estimate=row, text="Yes", link=str(row.pk))
        for row in estimates
    )


def state_of(n: int) -> dict[str, str]:
    """One in four is alive, as at a desk of some age."""
    if n % 4:
        return {"status": Status.CLOSED}
    if n % 12 == 0:
        return {"status": Status.WAITING, "waiting_for": "review"}
    return {"status": Status.INVOICE if n % 16 == 4 else Status.OPEN}


def scans(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from scans(child)


def assert_read_by_its_index(desk: Desk, listed: Listed) -> None:
    """It is the wanted index, in its order, and no more is left to look at in the rows than the entry says."""
    with desk.entered(), connection.cursor() as cursor:
        # Hundreds of rows are read through and sorted in no time; without these two it is as with millions.
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        query = listed.query(desk)
        plan = query.explain(format="json")
    nodes = list(scans(json.loads(plan)[0]["Plan"]))
    assert not {"Seq Scan", "Sort", "Incremental Sort"} & {node["Node Type"] for node in nodes}, plan
    wanted = [node for node in nodes if node.get("Index Name") == listed.by]
    assert len(wanted) == 1, plan
    # In a plan by bitmaps the rows are looked at one node higher.
    looked_at = " ".join(
        node.get("Filter", "") for node in nodes if node.get("Relation Name") == query.model._meta.db_table
    )
    columns = {field.column for field in query.model._meta.concrete_fields}
    assert set(re.findall(r"\w+", looked_at)) & columns <= listed.filtered, plan


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_read_by_its_index(crowd: None, desk: Desk, name: str) -> None:
    assert_read_by_its_index(desk, LISTS[name])


@pytest.mark.parametrize("name", UNINDEXED)
def test_a_list_without_an_index_is_found_out(crowd: None, desk: Desk, name: str) -> None:
    with pytest.raises(AssertionError):
        assert_read_by_its_index(desk, UNINDEXED[name])


@pytest.mark.django_db
def test_every_index_of_a_tenants_table_begins_with_the_tenant() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname FROM pg_indexes i WHERE schemaname = 'public' AND EXISTS ("
            "SELECT 1 FROM pg_attribute WHERE attrelid = i.tablename::regclass AND attname = 'tenant_id') "
            "AND indexdef NOT LIKE '%(tenant_id%' AND indexdef NOT LIKE '%(id)'"
        )
        # A session is found by its unguessable key, at whichever desk; its policy does the rest.
        others = {name for (name,) in cursor.fetchall() if not name.startswith("accounts_session_")}
    assert others == {
        "accounts_host_unique",  # a host leads to one tenant among all
        "tickets_mailbox_address",  # and so does an address
        "tickets_mailbox_due",  # which mailboxes to look into, of whatever desk: asked above the walls
        "accounts_person_by_user",  # which desks know an account: the account's own policy asks
        "accounts_person_name_trigram",  # asked above the walls, by a function that filters by tenant
        "accounts_organisation_trigram",
        "tickets_search_words",  # and so is this one
    }
