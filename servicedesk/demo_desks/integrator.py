"""The integrator's demo desk: one request of each kind that a customer may meet."""

from decimal import Decimal

from django.conf import settings

from accounts.models import Contract, Cover, Organisation, Person, Product, Representation
from accounts.tenancy import enter
from servicedesk.demo_desks.people import demo_person, in_days
from servicedesk.demo_desks.written import write_for_readers
from servicedesk.desks import Brand, create_desk
from tickets import actions
from tickets.models import RequestType


def make_integrator() -> None:
    domain = f"integrator.{settings.BASE_DOMAIN}"
    tenant = create_desk(
        preset="integrator",
        name="Lielupes Programmas",
        slug="integrator",
        brands=[Brand(domain, "Lielupes Programmas")],
        support_email=f"support@{domain}",
        support_phone="+371 60 000 000",
        office_address="Upes iela 1\nJelgava, LV-3001\nLatvija",
        legal_name="SIA Lielupes Programmas",
        registration_number="40000000001",
        vat_number="LV40000000001",
        bank_name="Demo banka",
        iban="LV97HABA0012345678910",
        bic="HABALV22",
    )
    with enter(tenant.pk):
        manager = demo_person("Ilze Vadītāja", "manager@integrator.example", "lv", is_manager=True)
        agent = demo_person("Andris Atbalsts", "agent@integrator.example", "lv", is_agent=True)
        demo_person("Sandra Otrā", "second@integrator.example", "lv", is_agent=True, support_line=2)
        demo_person("Gunta Grāmatniece", "accountant@integrator.example", "lv", is_accountant=True)
        bakery = Organisation.objects.create(
            name="SIA Rudzu Maize",
            registration_number="40000000101",
            vat_number="LV40000000101",
            address="Maiznieku iela 5\nRīga, LV-1010\nLatvija",
            invoice_email="accounts@rudzumaize.example",
        )
        timber = Organisation.objects.create(
            name="SIA Gaujas Koks", registration_number="40000000102", address="Meža iela 9\nValmiera, LV-4201\nLatvija"
        )
        customer = demo_person("Kate Kundze", "customer@rudzumaize.example", "lv")
        approver = demo_person("Jānis Direktors", "approver@rudzumaize.example", "lv")
        Representation.objects.create(person=customer, organisation=bakery)
        Representation.objects.create(
            person=approver,
            organisation=bakery,
            may_approve=True,
            may_see_invoices=True,
            is_head=True,
            approval_limit=Decimal(2000),
        )
        Representation.objects.create(person=approver, organisation=timber, may_see_invoices=True, is_head=True)
        types = {str(row.icon): row for row in RequestType.objects.order_by("position")}
        _agreements(bakery)
        write_for_readers(manager, approver, bakery)
        _story(customer, approver, agent, bakery, types)


def _agreements(bakery: Organisation) -> None:
    books, stock = Product.objects.create(name="Lielupe Grāmata"), Product.objects.create(name="Lielupe Noliktava")
    Product.objects.create(name="Lielupe Algas")
    contract = Contract.objects.create(
        organisation=bakery, number="LP-14/2026", title="Uzturēšana", starts_on=in_days(-200), ends_on=in_days(500)
    )
    for product in (books, stock):
        Cover.objects.create(contract=contract, product=product)


def _story(
    customer: Person, approver: Person, agent: Person, bakery: Organisation, types: dict[str, RequestType]
) -> None:
    """One request delivered for review, one whose estimate waits for the approver, one with a question, one fresh."""
    receipt = actions.submit(
        by=customer,
        organisation=bakery,
        request_type=types["cash"],
        subject="Nevar izdrukāt kases ieņēmumu orderi",
        description="Nospiežu „Drukāt”, bet nekas nenotiek. Vakar vēl strādāja.",
    )
    actions.start_work(receipt, by=agent, expected_minutes=30)
    actions.record_time(receipt, by=agent, minutes=25, description="Drukas forma salabota")
    actions.deliver(receipt, by=agent, text="Drukas forma ir salabota. Lūdzu, pamēģiniet izdrukāt vēlreiz.")
    pay = actions.submit(
        by=customer,
        organisation=bakery,
        request_type=types["wages"],
        subject="Nerēķinās atvaļinājuma nauda",
        description="Diviem darbiniekiem par oktobri atvaļinājuma nauda ir nulle.",
        order_number="PO-1041",
    )
    actions.send_estimate(
        pay,
        by=agent,
        lines=[
            actions.NewLine("Analīze: atvaļinājuma formula", 60),
            actions.NewLine("Formulas labojums un tests", 120),
        ],
        due_on=in_days(10),
        note="Formulā trūkst prēmiju. Izlabosim un pārbaudīsim visus darbiniekus.",
    )
    report = actions.submit(
        by=customer, organisation=bakery, request_type=types["building"], subject="Nolietojuma pārskats nesakrīt"
    )
    actions.request_information(report, by=agent, text="Par kuru mēnesi un kuru pamatlīdzekli ir runa?")
    forms = actions.submit(
        by=approver,
        organisation=bakery,
        request_type=types["handshake"],
        subject="Jauna avansa norēķina forma",
        description="Vajag formu ar diviem parakstiem.",
    )
    actions.send_estimate(
        forms, by=agent, lines=[actions.NewLine("Avansa norēķina forma", price=Decimal("240.00"))], due_on=in_days(20)
    )
    actions.accept_estimate(forms, by=approver)
    actions.submit(by=customer, organisation=bakery, request_type=types["cash"], subject="Kā labot ordera datumu?")
