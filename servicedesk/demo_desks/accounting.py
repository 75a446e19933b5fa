"""The accounting platform's demo desk: the head of an office asks for the office and for its clients."""

from django.conf import settings

from accounts.models import Organisation, Representation
from accounts.tenancy import enter
from servicedesk.demo_desks.people import demo_person
from servicedesk.desks import Brand, create_desk
from tickets import actions
from tickets.models import RequestType


def make_accounting() -> None:
    domain = f"accounting.{settings.BASE_DOMAIN}"
    tenant = create_desk(
        preset="accounting-platform",
        name="Rachmistrz Online",
        slug="accounting",
        brands=[Brand(domain, "Rachmistrz Online")],
        support_email=f"pomoc@{domain}",
        support_phone="+48 22 000 00 00",
        office_address="ul. Nadwiślańska 8\n00-999 Warszawa\nPolska",
        legal_name="Rachmistrz Online sp. z o.o.",
        registration_number="0000000031",
    )
    with enter(tenant.pk):
        demo_person("Danuta Kierownik", "manager@accounting.example", "pl", is_manager=True)
        agent = demo_person("Marek Ekspert", "agent@accounting.example", "pl", is_agent=True)
        office = Organisation.objects.create(name="Biuro Rachunkowe Bilans", registration_number="0000000032")
        clients = [
            Organisation.objects.create(name=name, registration_number=number)
            for name, number in (("Piekarnia Kłos s.c.", "0000000033"), ("Auto Serwis Wisła", "0000000034"))
        ]
        head = demo_person("Barbara Szefowa", "head@bilans.example", "pl")
        clerk = demo_person("Adam Księgowy", "clerk@bilans.example", "pl")
        for organisation in (office, *clients):
            Representation.objects.create(person=head, organisation=organisation, is_head=True)
        Representation.objects.create(person=clerk, organisation=office)
        types = {row.icon: row for row in RequestType.objects.order_by("group", "position")}
        posted = actions.submit(
            by=head,
            organisation=office,
            request_type=types["ledger"],
            subject="Jak dodać fakturę do zamkniętego miesiąca?",
            description="Jak dodać fakturę do zamkniętego miesiąca?\nPaździernik jest już zaksięgowany.",
        )
        actions.start_work(posted, by=agent, expected_minutes=15)
        actions.request_information(posted, by=agent, text="Czy faktura jest kosztowa, czy sprzedażowa?")
        printed = actions.submit(
            by=head,
            organisation=clients[0],
            request_type=types["wages"],
            subject="Lista płac nie drukuje się na jednej stronie",
            description="Lista płac nie drukuje się na jednej stronie",
        )
        actions.start_work(printed, by=agent, expected_minutes=15)
        actions.deliver(printed, by=agent, text="W ustawieniach wydruku wybierz „Dopasuj do strony”.")
        actions.submit(
            by=head,
            organisation=office,
            request_type=types["info"],
            subject="Gdzie znajdę zestawienie faktur klienta?",
            description="Gdzie znajdę zestawienie faktur klienta?",
        )
