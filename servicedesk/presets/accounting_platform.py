"""An accounting platform's desk: heads of offices ask its experts how the system works, free of charge."""

from typing import Any

from servicedesk.presets.base import Preset, Topic, Type, Work

SCOPE = {
    "pl": "Pomagamy w obsłudze systemu. W sprawach podatkowych i księgowych zwróć się do doradcy.",
    "en": "We help with using the system. Questions of tax and bookkeeping belong to your adviser.",
}
# One box for the question and one for files: nothing else is asked (M5).
QUESTION: dict[str, Any] = {
    "asks_summary": False,
    "asks_due_date": False,
    "needs_description": True,
    "description_label": {"pl": "Twoje pytanie", "en": "Your question"},
    "scope": SCOPE,
}


def question(icon: str, pl: str, en: str, sentence_pl: str, sentence_en: str) -> Type:
    return Type(
        icon, {"pl": pl, "en": en}, {"pl": sentence_pl, "en": sentence_en}, is_billable=False, form=dict(QUESTION)
    )


EXPERTS = Topic(
    "question",
    {"pl": "Pytania do eksperta", "en": "Questions to the experts"},
    (
        question(
            "info",
            "Poruszanie się po systemie",
            "Finding one's way in the system",
            "Na przykład: gdzie znajdę zestawienie faktur klienta?",
            "For example: where is the list of a client's invoices?",
        ),
        question(
            "ledger",
            "Dokumenty i księgowania",
            "Documents and postings",
            "Na przykład: jak dodać dokument do zaksięgowanego miesiąca?",
            "For example: how is a document added to a month that is posted?",
        ),
        question(
            "wages",
            "Kadry i płace",
            "Staff and payroll",
            "Na przykład: jak wydrukować listę płac?",
            "For example: how is a payroll printed?",
        ),
    ),
)

TECHNICAL = Topic(
    "wrench",
    {"pl": "Wsparcie techniczne", "en": "Technical support"},
    (
        question(
            "alert",
            "Coś nie działa",
            "Something does not work",
            "Na przykład strona się nie otwiera albo plik się nie wczytuje.",
            "For example, a page does not open or a file is not read in.",
        ),
        question(
            "cloud",
            "Serwery i bezpieczeństwo danych",
            "Servers and the safety of data",
            "Na przykład: gdzie są kopie zapasowe naszych danych?",
            "For example: where are the copies of our data kept?",
        ),
    ),
)

ACCESS = Topic(
    "users",
    {"pl": "Konta i użytkownicy", "en": "Accounts and users"},
    (
        question(
            "person-plus",
            "Nowy użytkownik lub klient biura",
            "A new user or client of the office",
            "Na przykład: jak dać klientowi dostęp do jego dokumentów?",
            "For example: how does a client get access to their documents?",
        ),
    ),
)

PRESET = Preset(
    languages=("pl", "en"),
    accent="#0a7a55",
    policy={
        "time_zone": "Europe/Warsaw",
        "currency": "PLN",
        "reference_prefix": "SPR",
        "billing_enabled": False,
        "review_days": 7,
        "country": "PL",
        "business_days": True,
        "only_heads_ask": True,
    },
    work_types=(
        Work({"pl": "Odpowiedź", "en": "Answer"}, is_billable=False),
        Work({"pl": "Analiza", "en": "Analysis"}, is_billable=False),
    ),
    topics=(EXPERTS, TECHNICAL, ACCESS),
)
