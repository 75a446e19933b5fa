"""No page of the portal asks the database more often for a hundred rows than for one."""

from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.hosts import forget_hosts
from accounts.models import (
    ApiToken,
    Audience,
    Contract,
    Cover,
    Deputy,
    InvitedMember,
    Organisation,
    Page,
    Product,
    Representation,
    TermsVersion,
)
from accounts.terms import publish_terms
from accounts.texts import Texts
from billing import actions as billing
from billing.models import Invoice, InvoiceLine
from conftest import Desk, Visit, in_days, session_of
from tickets import actions
from tickets.models import FieldKind, FormField, RequestType, TopicGroup

MANY = 100


# ---- one more of each: of what the colleague sees, who is the head, approves and sees invoices ----


def request(desk: Desk, number: int) -> None:
    desk.submit(by=desk.colleague, subject=f"Number {number}")


def estimate(desk: Desk, number: int) -> None:
    desk.estimated(desk.submit(subject=f"Number {number}"))


def invoice(desk: Desk, number: int) -> None:
    row = Invoice.objects.first()
    if row is None:
        billing.issue_invoice(desk.organisation, tickets=[desk.accepted().pk], by=desk.accountant)
    else:
        row.pk, row.number = None, f"COPY-{number}"
        row.save(force_insert=True)


def invoice_line(desk: Desk, number: int) -> None:
    row = InvoiceLine.objects.first()
    if row is None:
        invoice(desk, number)
    else:
        row.pk, row.position = None, number + 1
        row.save(force_insert=True)


def contract(desk: Desk, number: int) -> None:
    row = Contract.objects.create(organisation=desk.organisation, number=f"C-{number}", starts_on=in_days(-9))
    Cover.objects.create(contract=row, product=Product.objects.create(name=f"Product {number}"))


def product(desk: Desk, number: int) -> None:
    """Covered, and asked for by the form."""
    if not number:
        FormField.objects.create(request_type=desk.type(), kind=FieldKind.PRODUCT, label=Texts(en="Which one?"))
    contract(desk, number)


def terms(desk: Desk, number: int) -> None:
    publish_terms(TermsVersion.objects.create(title=Texts(en="Terms"), body=Texts(en="Be kind.")), by=desk.manager)


def page(desk: Desk, number: int, audience: str = Audience.ORGANISATION) -> None:
    Page.objects.create(
        slug=f"page-{number}",
        title=Texts(en="Notes"),
        body=Texts(en="Notes."),
        audience=audience,
        organisation=desk.organisation if audience == Audience.ORGANISATION else None,
        is_published=True,
    )


def public_page(desk: Desk, number: int) -> None:
    page(desk, number, Audience.PUBLIC)


def request_type(desk: Desk, number: int) -> None:
    group = TopicGroup.objects.create(name=Texts(en=f"Topic {number}"), position=number)
    RequestType.objects.create(
        group=group, name=Texts(en=f"Type {number}"), sentence=Texts(en="For example."), position=number
    )


def form_field(desk: Desk, number: int) -> None:
    FormField.objects.create(request_type=desk.type(), label=Texts(en=f"Which {number}?"), position=number)


def represented(desk: Desk, number: int) -> None:
    row = Organisation.objects.create(name=f"Client {number}", registration_number=f"9{number}")
    Representation.objects.create(person=desk.colleague, organisation=row, may_approve=True, may_see_invoices=True)


def member(desk: Desk, number: int) -> None:
    row = desk.joins(f"m{number} Member")
    Representation.objects.create(person=row, organisation=desk.organisation)


def invited(desk: Desk, number: int) -> None:
    row = desk.joins(f"i{number} Invited")
    InvitedMember.objects.create(organisation=desk.organisation, person=row, name=row.name, invited_by=desk.colleague)


def offered(desk: Desk, number: int) -> None:
    row = Organisation.objects.create(name=f"Other {number}", registration_number=f"8{number}")
    InvitedMember.objects.create(
        organisation=row, person=desk.colleague, name="Colin", invited_by=desk.joins(f"h{number} Head")
    )


def deputy(desk: Desk, number: int) -> None:
    row = desk.joins(f"d{number} Deputy")
    Representation.objects.create(person=row, organisation=desk.organisation)
    right = Representation.objects.get(person=desk.colleague, organisation=desk.organisation)
    Deputy.objects.create(representation=right, person=row, starts_on=in_days(0), ends_on=in_days(9))


def notice(desk: Desk, number: int) -> None:
    actions.comment(desk.submit(by=desk.colleague), by=desk.agent, text="Done.")


def token(desk: Desk, number: int) -> None:
    ApiToken.objects.create(person=desk.colleague, name=f"Program {number}", digest=f"{number:064}")


def session(desk: Desk, number: int) -> None:
    session_of(desk.colleague)


def passkey(desk: Desk, number: int) -> None:
    data = {"name": f"Key {number}", "credential": {}}
    Authenticator.objects.create(user=desk.colleague.user, type=Authenticator.Type.WEBAUTHN, data=data)


PAGES: list[tuple[str, Callable[[Desk, int], None]]] = [
    ("/", request),
    ("/", estimate),
    ("/", request_type),
    ("/", page),
    ("/", offered),
    ("/", represented),
    ("/requests/", request),
    ("/requests/?scope=organisation&state=all", estimate),
    ("/requests/order/", request),
    ("/requests/new/", request_type),
    ("/requests/new/{type}/", form_field),
    ("/requests/new/{type}/", represented),
    ("/requests/new/{type}/", product),
    ("/notices/", notice),
    ("/contracts/", contract),
    ("/prices/", contract),
    ("/invoices/", invoice),
    ("/invoices/{invoice}/", invoice_line),
    ("/terms/", terms),
    ("/pages/", page),
    ("/pages/", public_page),
    ("/organisation/", member),
    ("/organisation/", invited),
    ("/deputies/", deputy),
    ("/account/tokens/", token),
    ("/account/sessions/", session),
    ("/account/second-factor/", passkey),
]


@pytest.mark.parametrize(("address", "more"), PAGES, ids=lambda part: getattr(part, "__name__", part))
def test_a_hundred_rows_cost_no_query_more_than_one(
    desk: Desk, visit: Visit, address: str, more: Callable[[Desk, int], None]
) -> None:
    with desk.entered():
        more(desk, 0)
        issued = Invoice.objects.values_list("number", flat=True).first()
        address = address.format(type=desk.type().pk, invoice=issued)
    browser = visit(desk, desk.colleague)
    one, short = asked(browser, address)
    with desk.entered():
        for number in range(1, MANY):
            more(desk, number)
    forget_hosts()  # what is remembered for some seconds
    hundred, long = asked(browser, address)
    assert (hundred, long > short) == (one, True)


def asked(browser: Any, address: str) -> tuple[int, int]:
    """How often, and how long the page is. It was opened before: what is remembered is remembered."""
    forget_hosts()  # or a memory of seconds might end between the two
    browser.get(address)
    with CaptureQueriesContext(connection) as seen:
        answer = browser.get(address)
    assert answer.status_code == 200
    return len(seen), len(answer.content)
