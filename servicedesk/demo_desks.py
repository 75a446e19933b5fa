"""The demo: two desks with invented people, told through the real verbs so that every mail and event is there."""

from datetime import date, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.invitations import obtain_user
from accounts.models import Organisation, Person, Representation, User
from accounts.tenancy import enter
from servicedesk.demo import PASSWORD
from servicedesk.desks import Brand, create_desk
from tickets import actions
from tickets.models import RequestType


def create_demo_desks() -> None:
    with transaction.atomic():
        _integrator()
    with transaction.atomic():
        _agency()


def _person(name: str, email: str, language: str, **roles: object) -> Person:
    """A demo person with the demo password. Not a staff verb: only the demo may set somebody's password."""
    person = Person.objects.create(
        name=name, email=email, language=language, is_verified=True, user_id=obtain_user(email), **roles
    )
    user = User.objects.get(pk=person.user_id)
    user.set_password(PASSWORD)
    user.save(update_fields=["password"])
    return person


def _integrator() -> None:
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
        _person("Ilze Vadītāja", "manager@integrator.example", "lv", is_manager=True)
        agent = _person("Andris Atbalsts", "agent@integrator.example", "lv", is_agent=True)
        _person("Sandra Otrā", "second@integrator.example", "lv", is_agent=True, support_line=2)
        _person("Gunta Grāmatniece", "accountant@integrator.example", "lv", is_accountant=True)
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
        customer = _person("Kate Kundze", "customer@rudzumaize.example", "lv")
        approver = _person("Jānis Direktors", "approver@rudzumaize.example", "lv")
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
        _story(customer, approver, agent, bakery, types)


def _story(
    customer: Person, approver: Person, agent: Person, bakery: Organisation, types: dict[str, RequestType]
) -> None:
    """One request delivered for review, one whose estimate waits for the approver, one with a question, one fresh."""
    receipt = actions.submit(
        by=customer,
        organisation=bakery,
        request_type=types["cash"],
        subject="Nevar izdrukāt kases ieņēmumu orderi",
        description="Nospiežu “Drukāt”, bet nekas nenotiek. Vakar vēl strādāja.",
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
        due_on=_in_days(10),
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
        forms, by=agent, lines=[actions.NewLine("Avansa norēķina forma", price=Decimal("240.00"))], due_on=_in_days(20)
    )
    actions.accept_estimate(forms, by=approver)
    actions.submit(by=customer, organisation=bakery, request_type=types["cash"], subject="Kā labot ordera datumu?")


def _in_days(days: int) -> date:
    return timezone.localdate() + timedelta(days=days)


def _agency() -> None:
    domain, platform = f"agency.{settings.BASE_DOMAIN}", f"platform.{settings.BASE_DOMAIN}"
    tenant = create_desk(
        preset="agency",
        name="Studio Sázava",
        slug="agency",
        brands=[Brand(domain, "Studio Sázava"), Brand(platform, "Sázava Platforma")],
        support_email=f"helpdesk@{domain}",
        support_phone="+420 600 000 000",
        office_address="Nábřeží 12\n285 06 Sázava\nČesko",
        legal_name="Studio Sázava s.r.o.",
        registration_number="00000019",
        vat_number="CZ00000019",
        bank_name="Demo banka",
        iban="CZ6508000000192000145399",
        bic="GIBACZPX",
    )
    with enter(tenant.pk):
        _person("Marie Vedoucí", "manager@agency.example", "cs", is_manager=True)
        agent = _person("Petr Technik", "agent@agency.example", "cs", is_agent=True)
        _person("Eva Účetní", "accountant@agency.example", "cs", is_accountant=True)
        shop = Organisation.objects.create(
            name="Knihy U Mostu s.r.o.",
            registration_number="00000027",
            address="Mostní 3\n110 00 Praha\nČesko",
            invoice_email="ucto@knihy.example",
        )
        customer = _person("Jana Knihovníková", "customer@knihy.example", "cs")
        approver = _person("Tomáš Majitel", "approver@knihy.example", "cs")
        Representation.objects.create(person=customer, organisation=shop)
        Representation.objects.create(
            person=approver, organisation=shop, may_approve=True, may_see_invoices=True, is_head=True
        )
        change = RequestType.objects.get(icon="tools")
        request = actions.submit(
            by=customer,
            organisation=shop,
            request_type=change,
            subject="Nová stránka o autorském čtení",
            description="Prosíme o stránku s termíny autorských čtení a formulářem pro přihlášení.",
        )
        actions.send_estimate(
            request,
            by=agent,
            lines=[
                actions.NewLine("Návrh stránky", price=Decimal("3500.00")),
                actions.NewLine("Programování formuláře", 240),
            ],
            due_on=_in_days(14),
            note="Stránka s kalendářem čtení a přihláškou.",
        )
        actions.request_changes(request, by=approver, text="Formulář zatím nepotřebujeme, stačí kalendář.")
        actions.send_estimate(
            request,
            by=agent,
            lines=[actions.NewLine("Návrh stránky", price=Decimal("3500.00"))],
            due_on=_in_days(10),
            note="Bez formuláře, jen kalendář čtení.",
        )
        claim = actions.submit(
            by=customer,
            organisation=shop,
            request_type=RequestType.objects.get(icon="refresh"),
            subject="Patička se na telefonu překrývá s košíkem",
        )
        actions.send_estimate(
            claim,
            by=agent,
            lines=[actions.NewLine("Oprava patičky", price=Decimal(0))],
            due_on=_in_days(3),
            zero_reason="Reklamace: opravíme zdarma.",
        )
