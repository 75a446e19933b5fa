"""The product vendor's demo desk: products with components, one contract, requests of two kinds."""

from decimal import Decimal

from django.conf import settings

from accounts.models import Component, Contract, ContractUser, Cover, Organisation, Product, Representation
from accounts.tenancy import enter
from servicedesk.demo_desks.people import demo_person, in_days
from servicedesk.desks import Brand, create_desk
from tickets import actions
from tickets.models import RequestType
from tickets.models.ticket import Kind

PRODUCTS = {
    "Вереск-Бюджет": ("Исполнение бюджета", "Отчётность", "Справочники"),
    "Вереск-Зарплата": ("Начисления", "Кадры", "Отчётность"),
    "Вереск-Закупки": ("План-график", "Контракты"),
}


def make_vendor() -> None:
    domain = f"vendor.{settings.BASE_DOMAIN}"
    tenant = create_desk(
        preset="product-vendor",
        name="Вереск Софт",
        slug="vendor",
        brands=[Brand(domain, "Вереск Софт")],
        support_email=f"support@{domain}",
        support_phone="+7 843 000-00-00",
        office_address="ул. Садовая, 3\n420000 Казань\nРоссия",
        legal_name="ООО «Вереск Софт»",
        registration_number="0000000041",
        vat_number="0000000041",
    )
    with enter(tenant.pk):
        demo_person("Ольга Руководитель", "manager@vendor.example", "ru", is_manager=True)
        agent = demo_person("Игорь Специалист", "agent@vendor.example", "ru", is_agent=True)
        demo_person("Тимур Эксперт", "second@vendor.example", "ru", is_agent=True, support_line=2)
        demo_person("Нина Бухгалтер", "accountant@vendor.example", "ru", is_accountant=True)
        ministry = Organisation.objects.create(name="Департамент образования", registration_number="0000000042")
        school = Organisation.objects.create(name="Школа № 7", registration_number="0000000043")
        customer = demo_person("Анна Заявитель", "customer@school.example", "ru")
        approver = demo_person("Пётр Директор", "approver@school.example", "ru")
        Representation.objects.create(person=customer, organisation=school)
        Representation.objects.create(
            person=approver, organisation=school, may_approve=True, may_see_invoices=True, is_head=True
        )
        products = _products()
        # The department holds the contract; the school works under it (K8).
        contract = Contract.objects.create(
            organisation=ministry,
            number="К-2026/7",
            title="Сопровождение",
            starts_on=in_days(-120),
            ends_on=in_days(240),
        )
        ContractUser.objects.create(contract=contract, organisation=school)
        for name in ("Вереск-Бюджет", "Вереск-Зарплата"):
            Cover.objects.create(contract=contract, product=products[name])
        general = RequestType.objects.get(icon="wrench")
        report = actions.submit(
            by=customer,
            organisation=school,
            request_type=general,
            subject="Отчёт за октябрь не формируется",
            description="Нажимаю «Сформировать», программа отвечает ошибкой 1205.",
            details=actions.Details(
                product=products["Вереск-Бюджет"],
                component=products["Вереск-Бюджет"].components.get(name="Отчётность"),
                kind=Kind.ERROR,
                system_information="Вереск-Бюджет 7.4.12\nСервер: 16 ГБ, PostgreSQL 16",
            ),
        )
        actions.start_work(report, by=agent, expected_minutes=40)
        wage = actions.submit(
            by=customer,
            organisation=school,
            request_type=general,
            subject="Нужна ведомость по новой форме",
            description="С января нужна ведомость по новой форме, образец приложим.",
            details=actions.Details(product=products["Вереск-Зарплата"], kind=Kind.ENHANCEMENT),
        )
        actions.send_estimate(
            wage,
            by=agent,
            lines=[actions.NewLine("Разработка формы", 300), actions.NewLine("Настройка", price=Decimal("5000.00"))],
            due_on=in_days(21),
        )
        actions.submit(
            by=customer,
            organisation=school,
            request_type=general,
            subject="Как выгрузить план-график?",
            details=actions.Details(product=products["Вереск-Закупки"], kind=Kind.CONSULTATION),
        )


def _products() -> dict[str, Product]:
    made = {}
    for number, (name, parts) in enumerate(PRODUCTS.items()):
        made[name] = Product.objects.create(name=name, position=number)
        for position, part in enumerate(parts):
            Component.objects.create(product=made[name], name=part, position=position)
    return made
