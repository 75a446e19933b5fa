"""A web agency's desk: enquiries that become quotes and orders, faults and claims."""

from decimal import Decimal

from servicedesk.presets.base import Preset, Topic, Type, Work

ENQUIRIES = Topic(
    "chat",
    {"cs": "Poptávky", "en": "Enquiries"},
    (
        Type(
            "chat",
            {"cs": "Nezávazná poptávka", "en": "Non-binding enquiry"},
            {
                "cs": "Napište nám, co potřebujete; nejprve vše upřesníme a nic vás to nestojí.",
                "en": "Tell us what you need; first we clarify it, and that costs nothing.",
            },
            policy={"threshold_minutes": 0},
        ),
        Type(
            "cloud",
            {"cs": "Nový web nebo e-shop", "en": "A new website or shop"},
            {
                "cs": "Například nová prezentace, kampaň nebo internetový obchod.",
                "en": "For example, a presentation, a campaign or an online shop.",
            },
            policy={"threshold_minutes": 0},
        ),
    ),
)

WORK = Topic(
    "tools",
    {"cs": "Práce na projektu", "en": "Work on your project"},
    (
        Type(
            "tools",
            {"cs": "Úprava webu", "en": "A change to the website"},
            {
                "cs": "Například nová stránka, změna textu nebo jiný formulář.",
                "en": "For example, a new page, other words or another form.",
            },
        ),
        Type(
            "check",
            {"cs": "Autorizovaný požadavek", "en": "Authorised request"},
            {
                "cs": "Požadavek, na kterém jsme se už dohodli.",
                "en": "A request that we have agreed on already.",
            },
            is_billable=False,
        ),
    ),
)

FAULTS = Topic(
    "alert",
    {"cs": "Nefunkčnost a reklamace", "en": "Faults and claims"},
    (
        Type(
            "alert",
            {"cs": "Nahlásit nefunkčnost", "en": "Report a fault"},
            {
                "cs": "Například se stránka nenačte nebo nejde odeslat objednávka.",
                "en": "For example, a page does not load or an order cannot be sent.",
            },
            is_billable=False,
        ),
        Type(
            "refresh",
            {"cs": "Reklamace", "en": "Warranty claim"},
            {
                "cs": "Něco, co jsme předali, nefunguje podle dohody.",
                "en": "Something that we handed over does not work as agreed.",
            },
            is_billable=False,
        ),
    ),
)

PRESET = Preset(
    languages=("cs", "en"),
    accent="#c2500a",
    policy={
        "time_zone": "Europe/Prague",
        "currency": "CZK",
        "reference_prefix": "WEB",
        "threshold_minutes": 60,
        "review_days": 7,
        "hourly_rate": Decimal("1450.00"),
        "vat_rate": Decimal("21"),
        "country": "CZ",
    },
    work_types=(
        Work({"cs": "Konzultace", "en": "Consulting"}),
        Work({"cs": "Grafika", "en": "Design"}),
        Work({"cs": "Programování", "en": "Programming"}),
        Work({"cs": "Testování", "en": "Testing"}),
    ),
    topics=(ENQUIRIES, WORK, FAULTS),
)
