"""A product vendor's desk: programs with components, contracts that cover them, kinds of request by contract."""

from decimal import Decimal

from servicedesk.presets.base import Field, Preset, Topic, Type, Work

PRODUCT = Field("product", {"ru": "Программный комплекс", "en": "Product"}, is_required=True)
COMPONENT = Field("component", {"ru": "Компонент", "en": "Component"})
KIND = Field("kind", {"ru": "Вид обращения", "en": "Kind of request"}, is_required=True)
SYSTEM = Field(
    "system",
    {"ru": "Информация о системе", "en": "System information"},
    {
        "ru": "Меню «О программе» → «Скопировать в буфер»; можно добавить и конфигурацию сервера.",
        "en": "Menu “About” → “Copy to the clipboard”; the server's configuration may be added.",
    },
    is_required=True,
    shown_when=(("kind", "error"),),
)
PHONE = Field(
    "phone",
    {"ru": "Телефон для связи", "en": "Telephone for questions"},
    {"ru": "Начиная с +7; добавочный номер укажите после «доб.».", "en": "Beginning with +7; an extension may follow."},
)

PROGRAMS = Topic(
    "box",
    {"ru": "Программные комплексы", "en": "Products"},
    (
        Type(
            "wrench",
            {"ru": "Обращение по программному комплексу", "en": "Request about a product"},
            {
                "ru": "Например, отчёт не формируется или нужна консультация по настройке.",
                "en": "For example, a report is not made or advice on a setting is needed.",
            },
            form={
                "needs_description": True,
                "description_label": {"ru": "Текст обращения", "en": "Text of the request"},
            },
            fields=(PRODUCT, COMPONENT, KIND, SYSTEM, PHONE),
        ),
        Type(
            "star",
            {"ru": "Предложение по развитию", "en": "Suggestion"},
            {
                "ru": "Чего вам не хватает в программе; мы ответим, войдёт ли это в план.",
                "en": "What you miss in the product; we answer whether it will be planned.",
            },
            is_billable=False,
            fields=(PRODUCT, COMPONENT),
        ),
    ),
)

ACCESS = Topic(
    "key",
    {"ru": "Доступ и лицензии", "en": "Access and licences"},
    (
        Type(
            "person-plus",
            {"ru": "Новый пользователь", "en": "New user"},
            {
                "ru": "Укажите фамилию, имя, отчество и адрес электронной почты сотрудника.",
                "en": "Tell us the full name and the e-mail address of the colleague.",
            },
            is_billable=False,
            form={"asks_summary": False, "asks_due_date": False},
            fields=(
                Field(
                    "line", {"ru": "Фамилия, имя, отчество", "en": "Full name"}, is_required=True, meaning="new_name"
                ),
                Field(
                    "email",
                    {"ru": "Электронная почта", "en": "E-mail address"},
                    {"ru": "На неё придут данные для входа.", "en": "The access details are sent there."},
                    is_required=True,
                    meaning="new_email",
                ),
                Field("phone", {"ru": "Телефон", "en": "Telephone"}, meaning="new_phone"),
            ),
        ),
        Type(
            "lock",
            {"ru": "Лицензии и ключи", "en": "Licences and keys"},
            {
                "ru": "Например, ключ не принимается или нужно больше рабочих мест.",
                "en": "For example, a key is not accepted or more seats are needed.",
            },
            fields=(PRODUCT,),
        ),
    ),
)

PRESET = Preset(
    languages=("ru", "en"),
    accent="#8a2f5c",
    policy={
        "time_zone": "Europe/Moscow",
        "currency": "RUB",
        "reference_prefix": "OBR",
        "threshold_minutes": 60,
        "review_days": 5,
        "hourly_rate": Decimal("4200.00"),
        "vat_rate": Decimal("22"),
        "country": "RU",
        "business_days": True,
    },
    work_types=(
        Work({"ru": "Консультация", "en": "Consultation"}),
        Work({"ru": "Настройка", "en": "Configuration"}),
        Work({"ru": "Доработка", "en": "Enhancement"}),
        Work({"ru": "Исправление ошибки", "en": "Fixing an error"}, is_billable=False),
    ),
    topics=(PROGRAMS, ACCESS),
)
