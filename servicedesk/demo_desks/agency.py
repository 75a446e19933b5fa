"""The agency's demo desk, entered by two hosts: a quote in its second version, and a claim at price zero."""

from decimal import Decimal

from django.conf import settings

from accounts.models import Organisation, Representation
from accounts.tenancy import enter
from servicedesk.demo_desks.people import demo_person, in_days
from servicedesk.desks import Brand, create_desk
from tickets import actions
from tickets.models import RequestType


def make_agency() -> None:
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
        demo_person("Marie Vedoucí", "manager@agency.example", "cs", is_manager=True)
        agent = demo_person("Petr Technik", "agent@agency.example", "cs", is_agent=True)
        demo_person("Eva Účetní", "accountant@agency.example", "cs", is_accountant=True)
        shop = Organisation.objects.create(
            name="Knihy U Mostu s.r.o.",
            registration_number="00000027",
            address="Mostní 3\n110 00 Praha\nČesko",
            invoice_email="ucto@knihy.example",
        )
        customer = demo_person("Jana Knihovníková", "customer@knihy.example", "cs")
        approver = demo_person("Tomáš Majitel", "approver@knihy.example", "cs")
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
            due_on=in_days(14),
            note="Stránka s kalendářem čtení a přihláškou.",
        )
        actions.request_changes(request, by=approver, text="Formulář zatím nepotřebujeme, stačí kalendář.")
        actions.send_estimate(
            request,
            by=agent,
            lines=[actions.NewLine("Návrh stránky", price=Decimal("3500.00"))],
            due_on=in_days(10),
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
            due_on=in_days(3),
            zero_reason="Reklamace: opravíme zdarma.",
        )
