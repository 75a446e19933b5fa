"""Every address × who asks → status. A new address without a row here fails the run.

Foreign and absent answer alike, 404; visitors get the log-in page for both; only a missing CSRF token answers 403.
"""

import io
import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from django.apps import apps
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts import uploads
from accounts.models import (
    ApiToken,
    Audience,
    ClosedDay,
    Contract,
    Deputy,
    InvitedMember,
    Page,
    Product,
    TermsVersion,
)
from accounts.terms import publish_terms
from accounts.texts import Texts
from billing import actions as billing_actions
from billing.models import Invoice
from conftest import Desk, Visit
from notifications.models import MailServer
from tickets import actions
from tickets.mail.keeping import keep
from tickets.models import Approval, Attachment, FormField, IncomingMessage, Mailbox, RequestType, SubjectRule, Ticket

# In this order: visitor, requester, colleague, stranger, agent, accountant, manager, outsider.
EVERYBODY = 200, 200, 200, 200, 200, 200, 200, 200
# At this desk; the other one has none.
EVERYBODY_HERE = 200, 200, 200, 200, 200, 200, 200, 404
PERSONS = 302, 200, 200, 200, 200, 200, 200, 200
OF_ORGANISATION = 302, 200, 200, 404, 200, 200, 200, 404
OF_PAYER = 302, 404, 200, 404, 404, 200, 200, 404
NOBODY = 404, 404, 404, 404, 404, 404, 404, 404
STAFF = 302, 404, 404, 404, 200, 200, 200, 404
AGENTS = 302, 404, 404, 404, 200, 404, 200, 404
ACCOUNTANTS = 302, 404, 404, 404, 404, 200, 200, 404
MANAGERS = 302, 404, 404, 404, 404, 404, 200, 404
POST_ONLY = 405, 405, 405, 405, 405, 405, 405, 405
PERSON_POST = 302, 405, 405, 405, 405, 405, 405, 405
CUSTOMER_POST = 302, 405, 405, 405, 404, 404, 404, 405
STAFF_POST = 302, 404, 404, 404, 405, 405, 405, 404
AWAY = 302, 302, 302, 302, 302, 302, 302, 302
# A program reads who it is from the answer, not from a page.
API_PERSONS = 401, 200, 200, 200, 200, 200, 200, 200
API_OF_ORGANISATION = 401, 200, 200, 404, 200, 200, 200, 404
API_POST = 401, 405, 405, 405, 405, 405, 405, 405

# GET, per name; the outsider is the other desk's requester, logged in at their own host, asking for this desk's rows.
GET: dict[str, tuple[int, ...]] = {
    "home": EVERYBODY,
    "contact": EVERYBODY,
    "brand_css": EVERYBODY,
    "set_language": POST_ONLY,
    "act_for": PERSON_POST,
    "invitation": NOBODY,
    "deputies": (302, 404, 200, 404, 404, 404, 404, 404),
    "deputy_end": (302, 404, 405, 404, 404, 404, 404, 404),
    "organisation_people": (302, 200, 200, 200, 404, 404, 404, 200),
    "invited_withdraw": CUSTOMER_POST,
    "invited_answer": PERSON_POST,
    "member": (302, 404, 200, 404, 404, 404, 404, 404),
    "member_remove": CUSTOMER_POST,
    "contracts": (302, 200, 200, 200, 404, 404, 404, 200),
    "prices": (302, 200, 200, 200, 404, 404, 404, 200),
    "pages": EVERYBODY,
    "page": (404, 200, 200, 404, 200, 200, 200, 404),
    "brand_logo": NOBODY,
    "terms": EVERYBODY_HERE,
    "terms_version": EVERYBODY_HERE,
    "terms_accept": PERSON_POST,
    "notices": PERSONS,
    "notices_unread": PERSONS,
    "notices_read": PERSON_POST,
    "requests": PERSONS,
    "requests_export": PERSONS,
    # For who acts for an organisation.
    "requests_order": (302, 200, 200, 200, 404, 404, 404, 200),
    "request_new": PERSONS,
    "request_form": (302, 200, 200, 200, 200, 200, 200, 404),
    "request_conditions": (302, 200, 200, 200, 200, 200, 200, 404),
    "request": OF_ORGANISATION,
    "request_news": OF_ORGANISATION,
    "request_comment": PERSON_POST,
    "request_do": PERSON_POST,
    "request_invite": PERSON_POST,
    "request_uninvite": PERSON_POST,
    "request_attention": PERSON_POST,
    "account": PERSONS,
    "my_data": PERSONS,
    "sessions": PERSONS,
    "sessions_end_others": PERSON_POST,
    "session_end": PERSON_POST,
    "mfa_index": PERSONS,
    "mfa_list_webauthn": PERSONS,
    # Whoever has no second factor, or did not just say who they are, is led elsewhere.
    "mfa_authenticate": AWAY,
    "mfa_reauthenticate": AWAY,
    "mfa_reauthenticate_webauthn": AWAY,
    "mfa_login_webauthn": AWAY,
    "mfa_activate_totp": AWAY,
    "mfa_add_webauthn": AWAY,
    "mfa_edit_webauthn": AWAY,
    "mfa_remove_webauthn": AWAY,
    "mfa_generate_recovery_codes": AWAY,
    "mfa_deactivate_totp": (302, 404, 404, 404, 404, 404, 404, 404),
    "mfa_view_recovery_codes": (302, 404, 404, 404, 404, 404, 404, 404),
    "mail_choices": PERSONS,
    "mail_stop": NOBODY,
    "approval": OF_ORGANISATION,
    "approval_record": OF_ORGANISATION,
    "decide": NOBODY,
    "file": OF_ORGANISATION,
    # What the file is has no small picture.
    "file_thumbnail": (302, 404, 404, 404, 404, 404, 404, 404),
    "uploads": PERSONS,
    "upload": (302, 200, 404, 404, 404, 404, 404, 404),
    "invoices": (302, 404, 200, 200, 404, 200, 200, 404),
    "invoice": OF_PAYER,
    "invoice_pdf": (302, 404, 404, 404, 404, 404, 404, 404),
    "account_login": (200, 302, 302, 302, 302, 302, 302, 302),
    "account_logout": (302, 200, 200, 200, 200, 200, 200, 200),
    "account_change_password": PERSONS,
    "account_set_password": (302, 302, 302, 302, 302, 302, 302, 302),
    "account_reset_password": EVERYBODY,
    "account_reset_password_done": EVERYBODY,
    "account_reset_password_from_key": EVERYBODY,
    "account_reset_password_from_key_done": EVERYBODY,
    "account_signup": (200, 302, 302, 302, 302, 302, 302, 302),
    "account_inactive": EVERYBODY,
    "account_reauthenticate": PERSONS,
    "tokens": PERSONS,
    "token_revoke": PERSON_POST,
    "api:me": API_PERSONS,
    "api:request_types": API_PERSONS,
    "api:request_type": (401, 200, 200, 200, 200, 200, 200, 404),
    "api:requests": API_PERSONS,
    "api:request": API_OF_ORGANISATION,
    "api:comments": API_OF_ORGANISATION,
    "api:verbs": API_OF_ORGANISATION,
    "api:verb": API_POST,
    "api:schema": EVERYBODY,
    "api:docs": EVERYBODY,
    "api_nothing": NOBODY,
    "demo_mail": NOBODY,
    "demo_mail_send": POST_ONLY,
    "demo_mail_message": NOBODY,
    "demo_mail_html": NOBODY,
    "design": NOBODY,
    "admin:index": STAFF,
    "admin:login": AWAY,
    "admin:logout": (302, 404, 404, 404, 302, 302, 302, 404),
    "admin:password_change": (302, 404, 404, 404, 302, 302, 302, 404),
    "admin:autocomplete": (302, 404, 404, 404, 404, 404, 404, 404),
    "admin:search": (302, 404, 404, 404, 404, 404, 404, 404),
    "admin:jsi18n": STAFF,
    "admin:app_list": STAFF,
    "admin:tickets_ticket_changelist": STAFF,
    "admin:tickets_ticket_change": STAFF,
    "admin:tickets_ticket_verb": STAFF_POST,
    "admin:tickets_ticket_reply": STAFF_POST,
    "admin:tickets_ticket_note": STAFF_POST,
    "admin:tickets_ticket_time": STAFF_POST,
    "admin:tickets_ticket_handling": STAFF_POST,
    "admin:tickets_ticket_correct": STAFF_POST,
    "admin:tickets_ticket_take": STAFF_POST,
    "admin:tickets_ticket_user": STAFF_POST,
    "admin:tickets_ticket_attention": STAFF_POST,
    "admin:tickets_ticket_invite": STAFF_POST,
    "admin:tickets_ticket_uninvite": STAFF_POST,
    # Of a closed ticket: back to it.
    "admin:tickets_ticket_estimate": (302, 404, 404, 404, 302, 302, 302, 404),
    "admin:tickets_incomingmessage_changelist": AGENTS,
    "admin:tickets_incomingmessage_change": AGENTS,
    "admin:tickets_incomingmessage_again": STAFF_POST,
    "admin:tickets_incomingmessage_leave": STAFF_POST,
    "admin:tickets_incomingmessage_source": AGENTS,
    "admin:tickets_incomingmessage_as_sent": AGENTS,
    "admin:tickets_mailbox_changelist": MANAGERS,
    "admin:tickets_mailbox_change": MANAGERS,
    "admin:tickets_mailbox_add": MANAGERS,
    "admin:tickets_mailbox_test": STAFF_POST,
    "admin:tickets_mailbox_look": STAFF_POST,
    "admin:tickets_mailbox_retry": STAFF_POST,
    "admin:tickets_mailbox_connect": STAFF_POST,
    # Without a question of one's own: back to the list.
    "admin:mail_connected": (302, 404, 404, 404, 404, 404, 302, 404),
    "admin:tickets_subjectrule_changelist": MANAGERS,
    "admin:tickets_subjectrule_change": MANAGERS,
    "admin:tickets_subjectrule_add": MANAGERS,
    "admin:tickets_subjectrule_delete": MANAGERS,
    "admin:tickets_topicgroup_changelist": STAFF,
    "admin:tickets_topicgroup_change": STAFF,
    "admin:tickets_topicgroup_add": MANAGERS,
    "admin:tickets_requesttype_changelist": STAFF,
    "admin:tickets_requesttype_change": STAFF,
    "admin:tickets_requesttype_add": MANAGERS,
    "admin:tickets_formfield_changelist": MANAGERS,
    "admin:tickets_formfield_change": MANAGERS,
    "admin:tickets_formfield_add": MANAGERS,
    "admin:tickets_formfield_delete": MANAGERS,
    "admin:tickets_worktype_changelist": MANAGERS,
    "admin:tickets_worktype_change": MANAGERS,
    "admin:tickets_worktype_add": MANAGERS,
    "admin:notifications_outboxmessage_changelist": STAFF,
    "admin:notifications_outboxmessage_change": STAFF,
    "admin:notifications_outboxmessage_again": STAFF_POST,
    "admin:notifications_mailserver_changelist": MANAGERS,
    "admin:notifications_mailserver_change": MANAGERS,
    # There is one already.
    "admin:notifications_mailserver_add": (302, 404, 404, 404, 404, 404, 404, 404),
    "admin:notifications_mailserver_test": STAFF_POST,
    "admin:notifications_mailserver_send": STAFF_POST,
    "admin:accounts_person_changelist": STAFF,
    "admin:accounts_person_change": STAFF,
    "admin:accounts_person_add": AGENTS,
    "admin:accounts_person_invite": STAFF_POST,
    "admin:accounts_person_trust": STAFF_POST,
    "admin:accounts_organisation_changelist": STAFF,
    "admin:accounts_organisation_change": STAFF,
    "admin:accounts_organisation_add": AGENTS,
    "admin:accounts_contract_changelist": STAFF,
    "admin:accounts_contract_change": STAFF,
    "admin:accounts_contract_add": MANAGERS,
    "admin:accounts_product_changelist": STAFF,
    "admin:accounts_product_change": STAFF,
    "admin:accounts_product_add": MANAGERS,
    "admin:accounts_closedday_changelist": MANAGERS,
    "admin:accounts_closedday_change": MANAGERS,
    "admin:accounts_closedday_add": MANAGERS,
    "admin:accounts_closedday_delete": MANAGERS,
    "admin:accounts_termsversion_changelist": MANAGERS,
    "admin:accounts_termsversion_change": MANAGERS,
    "admin:accounts_termsversion_add": MANAGERS,
    "admin:accounts_termsversion_preview": MANAGERS,
    "admin:accounts_termsversion_publish": STAFF_POST,
    "admin:accounts_termsversion_begin": STAFF_POST,
    "admin:accounts_page_changelist": MANAGERS,
    "admin:accounts_page_change": MANAGERS,
    "admin:accounts_page_add": MANAGERS,
    "admin:accounts_page_delete": MANAGERS,
    "admin:accounts_page_preview": MANAGERS,
    "admin:accounts_tenant_changelist": MANAGERS,
    "admin:accounts_tenant_change": MANAGERS,
    "admin:billing_invoice_changelist": ACCOUNTANTS,
    "admin:billing_invoice_change": ACCOUNTANTS,
    "admin:billing_invoice_pdf": (302, 404, 404, 404, 404, 302, 302, 404),
    "admin:billing_ready": ACCOUNTANTS,
    "admin:billing_issue": STAFF_POST,
}
# Django makes these for every page of the admin; nobody adds, deletes or reads Django's own history through them, where
# no row says otherwise.
CLOSED_TO_ALL = (302, 404, 404, 404, 404, 404, 404, 404)
CLOSED_ENDINGS = ("_delete", "_history")
CLOSED_ADDS = {
    f"admin:{model}_add"
    for model in (
        "tickets_ticket",
        "tickets_incomingmessage",
        "notifications_outboxmessage",
        "accounts_tenant",
        "billing_invoice",
    )
}
# Catch-alls without a name: Django's redirect for forgotten slashes.
UNNAMED = {"admin:None"}


def names(patterns: Any, namespace: str = "") -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from names(pattern.url_patterns, inner)
        elif isinstance(pattern, URLPattern):
            yield f"{namespace}{pattern.name}"


ALL_NAMES = sorted(set(names(get_resolver().url_patterns)) - UNNAMED)


def expected(name: str) -> tuple[int, ...] | None:
    if name not in GET and (name.endswith(CLOSED_ENDINGS) or name in CLOSED_ADDS):
        return CLOSED_TO_ALL
    return GET.get(name)


def test_every_address_has_its_row() -> None:
    # Two of the admin's own, which lead elsewhere or nowhere and take arguments of their own.
    own = {"admin:view_on_site", "admin:password_change_done", "admin:<lambda>"}
    assert [name for name in ALL_NAMES if expected(name) is None and name not in own] == []


def test_no_row_is_left_over() -> None:
    assert sorted(set(GET) - set(ALL_NAMES)) == []


def things(desk: Desk) -> dict[str, Any]:
    """Rows of the desk that the addresses are about: the requester's request with a file, its invoice, a mail."""
    with desk.entered():
        ticket = desk.accepted()
        actions.comment(desk.submit(), by=desk.requester, text="", files=[ContentFile(b"text", name="a.txt")])
        billing_actions.issue_invoice(desk.organisation, tickets=[ticket.pk], by=desk.accountant)
        box = Mailbox.objects.get()
        raw = io.BytesIO(b"Subject: x\r\n\r\n")
        keep(raw, mailbox_id=box.pk, envelope_from="a@example.com", envelope_to=box.address)
        contract = Contract.objects.create(organisation=desk.organisation, number="C-1", starts_on=date(2026, 1, 1))
        return {
            "reference": ticket.reference,
            "type_id": RequestType.objects.order_by("id").first().pk,
            "id": RequestType.objects.order_by("id").first().pk,
            "file_id": Attachment.objects.get().file_id,
            "upload_id": uploads.begin(by=desk.requester, name="a.txt", size=1).public_id,
            "number": Invoice.objects.get().number,
            "version": 1,
            "slug": "notes",
            "digest": "0" * 64,
            "token": "no-token",
            "token_id": ApiToken.objects.create(person=desk.requester, name="Program", digest="0" * 64).pk,
            "key": "no-key",
            "mark": "no-mark",
            "pk": 1,
            "uidb36": "1",
            "name": "deliver",
            "organisation_id": desk.organisation.pk,
            "person_id": desk.colleague.pk,
            "approval_id": Approval.objects.get().pk,
            "deputy_id": Deputy.objects.create(
                representation=desk.colleague.represents[0],
                person=desk.requester,
                starts_on=date(2026, 1, 1),
                ends_on=date(2026, 1, 2),
            ).pk,
            "invited_id": InvitedMember.objects.create(
                organisation=desk.organisation, person=desk.stranger, name="Stan", invited_by=desk.colleague
            ).pk,
            "entry_id": _first("tickets.TimeEntry"),
            "app_label": "tickets",
            "ids": {
                "tickets_ticket": Ticket.objects.get(pk=ticket.pk).pk,
                "tickets_incomingmessage": IncomingMessage.objects.get().pk,
                "tickets_mailbox": box.pk,
                "tickets_subjectrule": SubjectRule.objects.create(begins_with="New user", language="lv").pk,
                "tickets_topicgroup": desk.type().group_id,
                "tickets_requesttype": desk.type().pk,
                "notifications_outboxmessage": _first("notifications.OutboxMessage"),
                "notifications_mailserver": MailServer.objects.create(host="mail.alpha.example").pk,
                "accounts_person": desk.requester.pk,
                "accounts_organisation": desk.organisation.pk,
                "accounts_tenant": desk.id,
                "accounts_contract": contract.pk,
                "accounts_page": Page.objects.create(
                    slug="notes",
                    title=Texts(en="Notes"),
                    body=Texts(en="Notes."),
                    audience=Audience.ORGANISATION,
                    organisation=desk.organisation,
                    is_published=True,
                ).pk,
                "accounts_termsversion": published(desk).pk,
                "accounts_product": Product.objects.create(name="Ledger").pk,
                "accounts_closedday": ClosedDay.objects.create(day=date(2026, 12, 31)).pk,
                "tickets_formfield": FormField.objects.create(request_type=desk.type(), label={"en": "Which one?"}).pk,
                "tickets_worktype": _first("tickets.WorkType"),
                "billing_invoice": Invoice.objects.get().pk,
            },
        }


def published(desk: Desk) -> TermsVersion:
    version = TermsVersion.objects.create(title=Texts(en="Terms"), body=Texts(en="Be kind."))
    return publish_terms(version, by=desk.manager)


def _first(label: str) -> int:
    return int(apps.get_model(label).objects.order_by("id").first().pk)


def address(name: str, known: dict[str, Any]) -> str:
    """The address of a name, its arguments filled from the rows."""
    possibilities = _arguments(name)
    values = {**known}
    model = next((key for key in known["ids"] if name.removeprefix("admin:").startswith(key)), "")
    values["object_id"] = known["ids"].get(model, 1)
    return reverse(name, kwargs={key: values[key] for key in possibilities})


def _arguments(name: str) -> list[str]:
    resolver: Any = get_resolver()
    plain = name
    if ":" in name:
        prefix, plain = name.split(":")
        resolver = resolver.namespace_dict[prefix][1]
    return list(resolver.reverse_dict.getlist(plain)[0][0][0][1])


WITH_ARGUMENTS = [name for name in ALL_NAMES if expected(name) and _arguments(name)]
ABOUT_ONE_ROW = [name for name in WITH_ARGUMENTS if "object_id" in _arguments(name)]
POSTED = [name for name in WITH_ARGUMENTS if expected(name) in (POST_ONLY, PERSON_POST, CUSTOMER_POST, STAFF_POST)]
# The columns of the table.
CAST = ("visitor", "requester", "colleague", "stranger", "agent", "accountant", "manager", "outsider")


@pytest.fixture
def rows(desk: Desk) -> dict[str, Any]:
    return things(desk)


def browser_of(who: str, desk: Desk, rival: Desk, visit: Visit) -> Client:
    if who == "outsider":
        return visit(rival, rival.requester)
    return visit(desk) if who == "visitor" else visit(desk, getattr(desk, who))


@pytest.mark.parametrize("who", CAST)
def test_who_gets_what(who: str, desk: Desk, rival: Desk, rows: dict[str, Any], visit: Visit) -> None:
    column = {name: row[CAST.index(who)] for name in ALL_NAMES if (row := expected(name))}
    browser = browser_of(who, desk, rival, visit)
    assert {name: browser.get(address(name, rows)).status_code for name in column} == column


@pytest.mark.parametrize("role", ["agent", "accountant", "manager"])
def test_staff_of_another_desk_reach_no_row(
    role: str, desk: Desk, rival: Desk, rows: dict[str, Any], visit: Visit
) -> None:
    """The same addresses with this desk's ids at the other desk: absent, whoever asks."""
    browser = visit(rival, getattr(rival, role))
    answers = {name: browser.get(address(name, rows)).status_code for name in ABOUT_ONE_ROW}
    assert {name: status for name, status in answers.items() if status not in (404, 405)} == {}


@pytest.mark.parametrize("role", ["requester", "agent", "manager"])
def test_no_post_reaches_another_desks_row(
    role: str, desk: Desk, rival: Desk, rows: dict[str, Any], visit: Visit
) -> None:
    browser = visit(rival, getattr(rival, role))
    sent = {"text": "x", "minutes": "5"}
    assert {name: browser.post(address(name, rows), sent).status_code for name in POSTED} == dict.fromkeys(POSTED, 404)


def test_both_desks_answer_alike_to_foreign_and_absent(
    desk: Desk, rival: Desk, rows: dict[str, Any], visit: Visit
) -> None:
    browser = visit(rival, rival.requester)
    foreign = browser.get(f"/requests/{rows['reference']}/").content.decode()
    absent = browser.get("/requests/DESK-9999/").content.decode()
    assert without_tokens(foreign.replace(rows["reference"], "DESK-9999")) == without_tokens(absent)


def without_tokens(page: str) -> str:
    """CSRF tokens are masked anew on every page."""
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", page)
