"""The database wall: what `desk_app` cannot do, whatever code runs. Where nothing is seen, something was there."""

from datetime import date
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, IntegrityError, connection, transaction

from accounts.models import (
    ApiToken,
    ClosedDay,
    Component,
    Consent,
    Contract,
    ContractUser,
    Cover,
    Deputy,
    Event,
    InvitedMember,
    KeptAnswer,
    Organisation,
    OrganisationDomain,
    Page,
    Person,
    Product,
    Representation,
    StoredFile,
    TermsVersion,
    Upload,
    User,
)
from accounts.tenancy.models import TenantForeignKey, TenantModel
from accounts.terms import publish_terms
from accounts.texts import Texts
from billing.actions import issue_invoice
from conftest import Desk, owner_connection
from notifications.models import MailServer
from tickets import actions
from tickets.models import (
    Attachment,
    Attention,
    Comment,
    Estimate,
    FieldOption,
    FormField,
    IncomingMessage,
    Mailbox,
    WorkType,
)

TENANT_MODELS = [model for model in apps.get_models() if issubclass(model, TenantModel)]

# Tables that belong to no tenant, each with the reason why that is right.
WITHOUT_POLICY = {
    "django_migrations": "which migrations ran; the application may only read it",
    "django_content_type": "names of models; the application may only read it",
    "auth_permission": "not used; the application may only read it",
    "auth_group": "not used; no rights",
    "auth_group_permissions": "not used; no rights",
    "django_admin_log": "not used (accounts.Event instead); no rights",
    "account_emailconfirmation": "not used (invitations instead); no rights",
}


def rows(query: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return list(cursor.fetchall())


def refused(query: str, *values: Any) -> str:
    """Run what must fail in a savepoint; the error's words."""
    # A deferred constraint speaks with the second statement only.
    with (  # noqa: PT012
        pytest.raises(DatabaseError) as caught,
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(query, values)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    return str(caught.value)


@pytest.mark.django_db
def test_the_tests_connect_as_the_application() -> None:
    assert rows("SELECT current_user, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user") == [
        ("desk_app", False, False)
    ]


@pytest.mark.django_db
def test_the_application_owns_no_table() -> None:
    assert rows("SELECT tablename FROM pg_tables WHERE tableowner = 'desk_app'") == []


@pytest.mark.django_db
def test_every_table_has_a_policy_or_a_reason() -> None:
    bare = rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND NOT rowsecurity")
    assert {name for (name,) in bare} == set(WITHOUT_POLICY)


@pytest.mark.django_db
def test_every_tenant_model_has_its_policy() -> None:
    known = {table for (table,) in rows("SELECT tablename FROM pg_policies")}
    assert {model._meta.db_table for model in TENANT_MODELS} <= known


@pytest.mark.django_db
def test_no_policy_has_a_way_around() -> None:
    clauses = rows("SELECT tablename, qual FROM pg_policies")
    assert all("current_setting('desk.tenant'::text, true)" in qual and " OR " not in qual for _, qual in clauses)


@pytest.mark.django_db
@pytest.mark.parametrize("model", TENANT_MODELS, ids=lambda model: model.__name__)
def test_every_foreign_key_carries_the_tenant(model: type[TenantModel]) -> None:
    single = rows(
        "SELECT conname FROM pg_constraint c JOIN pg_class t ON t.oid = c.confrelid "
        "WHERE c.contype = 'f' AND c.conrelid = %s::regclass AND array_length(c.conkey, 1) = 1 "
        "AND t.relname NOT IN ('accounts_tenant', 'accounts_user')",
        model._meta.db_table,
    )
    assert single == []


def test_every_key_between_tenant_models_is_a_tenant_key() -> None:
    plain = [
        f"{model.__name__}.{field.name}"
        for model in TENANT_MODELS
        for field in model._meta.local_fields
        if field.is_relation and field.related_model in TENANT_MODELS and not isinstance(field, TenantForeignKey)
    ]
    assert plain == []


TODAY = date(2030, 1, 7)


TABLES = sorted(model._meta.db_table for model in TENANT_MODELS)


def fill(desk: Desk) -> None:
    """A row in every table of the desk, each seen, so that the tests below can fail."""
    with desk.entered():
        ticket = desk.accepted()
        file = StoredFile.objects.create(key="k", name="a.txt", size=1, content_type="text/plain", sha256="0" * 64)
        Attachment.objects.create(ticket=ticket, file=file)
        Upload.objects.create(person=desk.requester, name="b.txt", size=1)
        Comment.objects.create(ticket=ticket, author=desk.agent, text="Words")
        IncomingMessage.objects.create(mailbox=Mailbox.objects.get(), raw=file, sha256=file.sha256)
        estimated(desk)
        fill_directories(desk)
        OrganisationDomain.objects.create(organisation=desk.organisation, domain=f"{desk.host}.example")
        MailServer.objects.create(host="smtp.example.com")
        answered(desk)
        Attention.objects.create(ticket=ticket, person=desk.manager, choice=Attention.Choice.FOLLOWED)
        issue_invoice(desk.organisation, tickets=[ticket.pk], by=desk.accountant)
        assert [table for table in TABLES if rows(f'SELECT count(*) FROM "{table}"') == [(0,)]] == []


def estimated(desk: Desk) -> Estimate:
    """An estimate that waits, on a ticket with a guest."""
    ticket = desk.submit()
    actions.add_participant(ticket, by=desk.requester, address="guest@elsewhere.example")
    line = actions.NewLine("Work", minutes=60)
    return actions.send_estimate(ticket, by=desk.agent, lines=[line], due_on=TODAY, valid_until=TODAY)


def answered(desk: Desk) -> None:
    """A request whose type asks something of its own."""
    field = FormField.objects.create(request_type=desk.type(), label={"en": "Which one?"})
    FieldOption.objects.create(field=field, label={"en": "This one"})
    desk.submit(details=actions.Details(answers=(actions.NewAnswer(field, "The left one"),)))


def fill_directories(desk: Desk) -> None:
    approver = Representation.objects.get(person=desk.colleague)
    Deputy.objects.create(representation=approver, person=desk.requester, starts_on=TODAY, ends_on=TODAY)
    contract = Contract.objects.create(organisation=desk.organisation, number="C-1", starts_on=TODAY)
    product = Product.objects.create(name="Ledger")
    Component.objects.create(product=product, name="Reports")
    Cover.objects.create(contract=contract, product=product)
    ContractUser.objects.create(contract=contract, organisation=desk.other_organisation)
    ClosedDay.objects.create(day=TODAY)
    WorkType.objects.create(name={"en": "Analysis"})
    ApiToken.objects.create(person=desk.agent, name="Program", digest="0" * 64)
    InvitedMember.objects.create(
        organisation=desk.organisation, person=desk.stranger, name="Stan", invited_by=desk.colleague
    )
    words = Texts(en="Words")
    terms = publish_terms(TermsVersion.objects.create(title=words, body=words), by=desk.manager)
    Consent.objects.create(person=desk.requester, terms=terms, language="en", sha256="0" * 64)
    Page.objects.create(slug="faq", title=words, body=words)
    KeptAnswer.objects.create(person=desk.agent, key="k", fingerprint="0" * 64, status=200, body="{}")


def test_raw_sql_sees_only_the_entered_tenant(desk: Desk, rival: Desk) -> None:
    fill(rival)
    fill(desk)
    with desk.entered():
        seen = {table: rows(f'SELECT DISTINCT tenant_id FROM "{table}"') for table in TABLES}
    assert {table: ids for table, ids in seen.items() if ids != [(desk.id,)]} == {}


def test_raw_sql_sees_nothing_outside_of_a_tenant(desk: Desk) -> None:
    fill(desk)
    assert [table for table in TABLES if rows(f'SELECT count(*) FROM "{table}"') != [(0,)]] == []


def test_a_row_cannot_be_written_for_another_tenant(inside: Desk, rival: Desk) -> None:
    assert "row-level security" in refused(
        "INSERT INTO accounts_counter (tenant_id, series, value) VALUES (%s, 'x', 1)", rival.id
    )


def test_a_row_cannot_be_moved_to_another_tenant(inside: Desk, rival: Desk) -> None:
    Organisation.objects.create(name="Moving Ltd")
    assert "row-level security" in refused(
        "UPDATE accounts_organisation SET tenant_id = %s WHERE name = 'Moving Ltd'", rival.id
    )


def test_a_key_cannot_point_into_another_tenant(inside: Desk, rival: Desk) -> None:
    ticket = inside.submit()
    assert "tenant_fk" in refused(
        "INSERT INTO tickets_comment (tenant_id, ticket_id, author_id, text, quoted, is_internal, channel, is_verified,"
        " created_at) VALUES (%s, %s, %s, '', '', false, 'portal', true, now())",
        inside.id,
        ticket.pk,
        rival.requester.pk,
    )


def test_the_orm_cannot_point_into_another_tenant(inside: Desk, rival: Desk) -> None:
    ticket = inside.submit()
    with pytest.raises(IntegrityError), transaction.atomic():  # noqa: PT012 (the constraint is deferred)
        Comment.objects.create(ticket=ticket, author=rival.requester, text="Hello")
        rows("SET CONSTRAINTS ALL IMMEDIATE; SELECT 1")


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE tickets_ticket DISABLE ROW LEVEL SECURITY",
        "DROP POLICY tickets_ticket_tenant_policy ON tickets_ticket",
        "CREATE POLICY open ON tickets_ticket USING (true)",
        "TRUNCATE accounts_event",
        "ALTER TABLE accounts_event DISABLE TRIGGER ALL",
        "SET ROLE desk_owner",
        "SET session_replication_role = replica",
        "CREATE TABLE mine (id int)",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "DROP TABLE tickets_ticket",
        "COPY accounts_person TO '/tmp/people'",
    ],
)
def test_the_application_cannot_take_the_wall_down(inside: Desk, statement: str) -> None:
    assert refused(statement)


APPEND_ONLY = sorted(model._meta.db_table for model in TENANT_MODELS if model.append_only)


def test_history_and_money_are_append_only() -> None:
    assert APPEND_ONLY == [
        "accounts_consent",
        "accounts_event",
        "billing_invoice",
        "billing_invoiceline",
        "tickets_approval",
        "tickets_estimateline",
        "tickets_timeentry",
    ]


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("statement", ["UPDATE {} SET tenant_id = tenant_id", "DELETE FROM {}"])
def test_the_application_cannot_change_what_is_written_once(inside: Desk, table: str, statement: str) -> None:
    assert "permission denied" in refused(statement.format(table))


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_not_even_the_owner_changes_history_by_accident(committed_desk: Desk, table: str) -> None:
    fill(committed_desk)
    with owner_connection() as direct, direct.cursor() as cursor:
        for statement in ("UPDATE {} SET tenant_id = tenant_id", "DELETE FROM {}"):
            with pytest.raises(Exception, match="written once"):
                cursor.execute(statement.format(table))
            direct.rollback()


WHERE_IT_STANDS = {"state", "decided_at"}


@pytest.mark.parametrize("column", [field.column for field in Estimate._meta.local_fields])
def test_of_an_estimate_only_where_it_stands_can_move(inside: Desk, column: str) -> None:
    """A right is asked for before anything is compared, so setting a column to itself is enough."""
    estimated(inside)
    statement = f"UPDATE tickets_estimate SET {column} = {column} RETURNING id"
    if column in WHERE_IT_STANDS:
        assert len(rows(statement)) == 1
    else:
        assert "permission denied" in refused(statement)


def test_an_estimate_cannot_be_removed(inside: Desk) -> None:
    assert "permission denied" in refused("DELETE FROM tickets_estimate")


@pytest.mark.django_db
def test_functions_above_the_walls_return_ids_only() -> None:
    """Whatever else they returned would be a hole."""
    results = rows(
        "SELECT proname, pg_get_function_result(oid) FROM pg_proc"
        " WHERE prosecdef AND pronamespace = 'public'::regnamespace"
    )
    # A trigger's result goes to no caller.
    allowed = {"bigint", "TABLE(id bigint)", "TABLE(tenant_id bigint)", "trigger"}
    pairs = {"TABLE(tenant_id bigint, host_id bigint)", "TABLE(tenant_id bigint, mailbox_id bigint)"}
    # Which of a few words of ours applies to a desk: nothing that anybody entered.
    pairs.add("TABLE(tenant_id bigint, kind text)")
    assert {result for _, result in results} <= allowed | pairs


@pytest.mark.django_db
def test_functions_above_the_walls_have_a_fixed_search_path() -> None:
    loose = rows(
        "SELECT proname FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace "
        "AND NOT 'search_path=public, pg_temp' = ANY (coalesce(proconfig, '{}'))"
    )
    assert loose == []


def test_an_account_is_visible_only_where_it_is_a_person(desk: Desk, rival: Desk) -> None:
    with desk.entered():
        assert set(User.objects.values_list("email", flat=True)) == set(Person.objects.values_list("email", flat=True))


def test_an_account_is_invisible_outside_of_a_tenant(desk: Desk) -> None:
    with desk.entered():
        assert User.objects.exists()
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_user SET email = 'thief@example.com'",
        "INSERT INTO accounts_user (email, password) VALUES ('x@example.com', 'x')",
        "DELETE FROM accounts_user",
    ],
)
def test_a_desk_cannot_move_an_account_that_others_use_too(inside: Desk, statement: str) -> None:
    assert "permission denied" in refused(statement)


def test_a_password_set_at_one_desk_cannot_reach_anothers_account(inside: Desk, rival: Desk) -> None:
    assert rows("UPDATE accounts_user SET password = '!' WHERE id = %s RETURNING id", rival.requester.user_id) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_person SET user_id = %s WHERE id = (SELECT min(id) FROM accounts_person)",
        "INSERT INTO accounts_person (tenant_id, user_id, name, email, phone, language, is_active, is_verified, "
        "is_agent, support_line, is_accountant, is_manager) SELECT tenant_id, %s, name, 'x' || email, phone, language, "
        "true, true, false, 1, false, false FROM accounts_person LIMIT 1",
    ],
)
def test_nobody_is_tied_to_an_account_by_its_number(inside: Desk, rival: Desk, statement: str) -> None:
    assert "own address only" in refused(statement, rival.requester.user_id)


def test_events_are_in_the_tenant_that_made_them(inside: Desk) -> None:
    inside.submit()
    assert set(Event.objects.values_list("tenant_id", flat=True)) == {inside.id}
