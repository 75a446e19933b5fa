"""A software integrator's desk: business software for other firms' books, warehouses and sales."""

from decimal import Decimal

from servicedesk.presets.base import Field, Preset, Subject, Topic, Type, Work, general

FINANCE = Topic(
    "ledger",
    {"lv": "Finances", "en": "Finance"},
    (
        Type(
            "cash",
            {"lv": "Kase", "en": "Cash desk"},
            {
                "lv": "Jautājumi par Kases moduli, piemēram, nevar izdrukāt kases ieņēmumu orderi.",
                "en": "The cash desk module: for example, a cash receipt cannot be printed.",
            },
        ),
        Type(
            "handshake",
            {"lv": "Avansa norēķini", "en": "Advance settlements"},
            {
                "lv": "Jautājumi par Avansa norēķinu moduli, piemēram, kā ievadīt personai sākuma saldo.",
                "en": "Advances to people: for example, how to enter somebody's opening balance.",
            },
        ),
        Type(
            "building",
            {"lv": "Pamatlīdzekļi", "en": "Fixed assets"},
            {
                "lv": "Jautājumi par Pamatlīdzekļu moduli, piemēram, nerēķinās nolietojums.",
                "en": "The fixed assets module: for example, depreciation is not calculated.",
            },
        ),
        Type(
            "wages",
            {"lv": "Algas", "en": "Payroll"},
            {
                "lv": "Jautājumi par Algu moduli, piemēram, nerēķinās atvaļinājuma nauda.",
                "en": "The payroll module: for example, holiday pay is not calculated.",
            },
        ),
        Type(
            "ledger",
            {"lv": "Finances", "en": "Finance"},
            {
                "lv": "Jautājumi par grāmatojumiem, piemēram, bilances aktīvs nesakrīt ar pasīvu.",
                "en": "Postings: for example, assets and liabilities of the balance sheet differ.",
            },
        ),
    ),
)

CHANGES = Topic(
    "person-plus",
    {"lv": "Izmaiņas lietotājos vai pakalpojumos", "en": "Changes in users or services"},
    (
        Type(
            "person-plus",
            {"lv": "Pievienot jaunus lietotājus", "en": "Add new users"},
            {
                "lv": "Nosauciet jaunā lietotāja e-pasta adresi, vārdu un uzvārdu.",
                "en": "Tell us the new user's e-mail address and full name.",
            },
            is_billable=False,
            form={"asks_summary": False, "asks_due_date": False},
            fields=(
                Field(
                    "line",
                    {"lv": "Vārds, uzvārds", "en": "Full name"},
                    is_required=True,
                    meaning="new_name",
                ),
                Field(
                    "email",
                    {"lv": "E-pasta adrese", "en": "E-mail address"},
                    {"lv": "Uz to nosūtīsim piekļuves datus.", "en": "We send the access details there."},
                    is_required=True,
                    meaning="new_email",
                ),
                Field("phone", {"lv": "Tālrunis", "en": "Telephone"}, meaning="new_phone"),
            ),
        ),
    ),
)

PRESET = Preset(
    languages=("lv", "en"),
    accent="#1d5fb4",
    policy={
        "time_zone": "Europe/Riga",
        "currency": "EUR",
        "reference_prefix": "DESK",
        "threshold_minutes": 30,
        "review_days": 10,
        "hourly_rate": Decimal("60.00"),
        "vat_rate": Decimal("21"),
        "country": "LV",
        "business_days": True,
    },
    work_types=(
        Work({"lv": "Analīze", "en": "Analysis"}),
        Work({"lv": "Programmēšana", "en": "Programming"}),
        Work({"lv": "Testēšana", "en": "Testing"}),
        Work({"lv": "Konsultācija", "en": "Consulting"}),
        Work({"lv": "Mūsu kļūda", "en": "Our mistake"}, is_billable=False),
    ),
    subjects=(Subject("Jauns Service Desk lietotājs", "Add new users", "lv"),),
    topics=(
        FINANCE,
        general(
            "cart",
            "Pārdošana",
            "Sales",
            "Piemēram, rēķins netiek nosūtīts klientam.",
            "For example, an invoice is not sent to its customer.",
        ),
        general(
            "chat",
            "CRM",
            "CRM",
            "Piemēram, kontakts neparādās sarakstā.",
            "For example, a contact is missing from the list.",
        ),
        general(
            "cloud",
            "Mitināšana",
            "Hosting",
            "Piemēram, serveris neatbild vai vajag vairāk vietas.",
            "For example, the server does not answer or needs more space.",
        ),
        general(
            "robot",
            "Bankas palīgs",
            "Bank assistant",
            "Piemēram, bankas izraksts netiek ielasīts.",
            "For example, a bank statement is not read in.",
        ),
        general(
            "box",
            "Noliktava",
            "Warehouse",
            "Piemēram, atlikums nesakrīt ar inventūru.",
            "For example, the stock differs from the count.",
        ),
        general(
            "wrench",
            "Tehniskie jautājumi",
            "Technical questions",
            "Piemēram, programmu nevar palaist vai tā ir lēna.",
            "For example, the program does not start or is slow.",
        ),
        general(
            "tools",
            "Servisa pasūtījumi",
            "Service orders",
            "Piemēram, pasūtījumu nevar pabeigt.",
            "For example, an order cannot be completed.",
        ),
        general(
            "calculator",
            "Projekta kalkulācija",
            "Project costing",
            "Piemēram, projekta izmaksas nesakrīt.",
            "For example, a project's costs do not add up.",
        ),
        general(
            "basket",
            "Iepirkumi",
            "Purchasing",
            "Piemēram, iepirkuma rēķins netiek iegrāmatots.",
            "For example, a purchase invoice is not posted.",
        ),
        CHANGES,
    ),
)
