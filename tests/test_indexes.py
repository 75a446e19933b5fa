"""Every list query starts at an index, asked as `desk_app` under the policy: no table of a tenant is read through."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from accounts.events import history_of
from accounts.models import Organisation, Person
from accounts.tenancy import enter
from billing.models import Invoice, InvoiceDocument
from conftest import Desk, owner_connection
from notifications.models import OutboxMessage
from tickets.models import Attachment, Comment, IncomingMessage, Ticket, TimeEntry
from tickets.workflow import Status

Query = Callable[[Desk], Any]

QUERIES: dict[str, Query] = {
    "mine": lambda d: Ticket.objects.asked_by(d.requester).newest_first()[:21],
    "mine, open": lambda d: Ticket.objects.asked_by(d.requester).alive().newest_first()[:21],
    "mine, waiting": lambda d: Ticket.objects.asked_by(d.requester).with_customer().newest_first()[:21],
    "my organisation's": lambda d: Ticket.objects.of_organisation(d.organisation, actor=d.requester).newest_first()[
        :21
    ],
    "my organisation's, open": lambda d: (
        Ticket.objects.of_organisation(d.organisation, actor=d.requester).alive().newest_first()[:21]
    ),
    "by reference": lambda d: Ticket.objects.visible_to(d.requester).filter(reference="DESK-5"),
    "the queue": lambda d: Ticket.objects.visible_to(d.agent).alive().newest_first()[:51],
    "my work": lambda d: Ticket.objects.visible_to(d.agent).alive().filter(assignee=d.agent).newest_first()[:51],
    "unassigned": lambda d: Ticket.objects.visible_to(d.agent).alive().filter(assignee=None).newest_first()[:51],
    "with the customer": lambda d: Ticket.objects.visible_to(d.agent).with_customer().newest_first()[:51],
    "ready to invoice": lambda d: Ticket.objects.visible_to(d.accountant).filter(status=Status.INVOICE),
    "due for the clock": lambda d: Ticket.objects.filter(clock_at__lte="2030-01-01T00:00Z").order_by("clock_at")[:100],
    "a conversation": lambda d: Comment.objects.visible_to(d.requester).filter(ticket_id=5).order_by("id"),
    "a history": lambda d: history_of(Ticket(pk=5)),
    "files of a ticket": lambda d: Attachment.objects.filter(ticket_id=5),
    "time of a ticket": lambda d: TimeEntry.objects.filter(ticket_id=5),
    "due mail": lambda d: OutboxMessage.objects.filter(state="queued", next_try_at__lte="2030-01-01T00:00Z"),
    "mails about a ticket": lambda d: OutboxMessage.objects.filter(about_label="tickets.ticket", about_id=5),
    "an answered mail": lambda d: OutboxMessage.objects.filter(message_id__in=["a@b"]),
    "due incoming": lambda d: IncomingMessage.objects.filter(next_try_at__lte="2030-01-01T00:00Z"),
    "a person by address": lambda d: Person.objects.filter(email="a@b.example"),
    "colleagues to choose from": lambda d: Person.objects.answering().order_by("-id")[:20],
    "people": lambda d: Person.objects.visible_to(d.agent).order_by("-id")[:51],
    "organisations": lambda d: Organisation.objects.visible_to(d.agent).order_by("-id")[:51],
    "invoices": lambda d: Invoice.objects.visible_to(d.colleague).order_by("-id")[:200],
    "an invoice by number": lambda d: Invoice.objects.visible_to(d.colleague).filter(number="2026-00001"),
    "due documents": lambda d: InvoiceDocument.objects.filter(next_try_at__lte="2030-01-01T00:00Z"),
}


@pytest.fixture
def settled(desk: Desk) -> Desk:
    """The planner is told not to read through a table when there is another way; what still does has no index."""
    with desk.entered():
        desk.accepted()
    return desk


@pytest.mark.parametrize("name", QUERIES)
def test_the_query_starts_at_an_index_with_the_tenant(settled: Desk, name: str) -> None:
    with enter(settled.id), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        query = QUERIES[name](settled)
        plan = query.explain(verbose=True)
    assert "Seq Scan" not in plan, plan
    assert re.search(r"(Index Cond|Recheck Cond): .*tenant_id", plan), plan


def test_the_check_finds_a_query_without_an_index(settled: Desk) -> None:
    """Makes sure that the test above can fail."""
    with enter(settled.id), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        plan = Ticket.objects.filter(description="x").explain(verbose=True)
    assert not re.search(r"Index Cond: .*description", plan)


def test_every_index_of_a_tenants_table_begins_with_the_tenant(committed_desk: Desk) -> None:
    with owner_connection() as direct, direct.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes i WHERE schemaname = 'public' AND EXISTS ("
            "SELECT 1 FROM information_schema.columns c WHERE c.table_name = i.tablename "
            "AND c.column_name = 'tenant_id') AND indexdef NOT LIKE '%(tenant_id%' AND indexdef NOT LIKE '%(id)'"
        )
        # A session is found by its unguessable key, at whichever desk; its policy does the rest.
        others = {name for name, _ in cursor.fetchall() if not name.startswith("accounts_session_")}
    assert others == {
        "accounts_host_unique",  # a host leads to one tenant among all
        "tickets_mailbox_address",  # and so does an address
        "accounts_person_by_user",  # which desks know an account: the account's own policy asks
        "accounts_person_name_trigram",  # asked above the walls, by a function that filters by tenant
        "accounts_organisation_trigram",
    }
