"""What the integrator's demo desk wrote for its readers: terms in two versions, and a page for each audience."""

from accounts.models import Audience, Organisation, Page, Person, TermsVersion
from accounts.terms import accept_terms, begin_terms, publish_terms
from accounts.texts import Texts

TERMS = Texts(
    lv=(
        "## Darbs\n\n"
        "1. Darbu, kas nepārsniedz norādīto slieksni, sākam uzreiz.\n"
        "2. Lielākam darbam vispirms sagatavojam novērtējumu, un Jūs to apstiprināt.\n\n"
        "## Pārbaude\n\n"
        "Risinājumu varat pārbaudīt līdz vēstulē norādītajai dienai. Ja iebildumu nav, tas ir apstiprināts.\n"
    ),
    en=(
        "## Work\n\n"
        "1. Work up to the threshold starts at once.\n"
        "2. For more we first write an estimate, and you accept it.\n\n"
        "## Checking\n\n"
        "You check a solution until the day that our letter names. Without an objection it is accepted.\n"
    ),
)
QUESTIONS = Texts(
    lv=(
        "## Kā uzdot jautājumu?\n\n"
        "Pieslēdzieties un nospiediet **+** vai rakstiet uz mūsu e-pasta adresi.\n\n"
        "## Kā uzzināt, kas notiek?\n\n"
        "Katram pieteikumam ir sava lapa: tajā redzams, kas notiek tagad un kurš rīkojas nākamais.\n"
    ),
    en=(
        "## How do I ask something?\n\n"
        "Log in and press **+**, or write to our e-mail address.\n\n"
        "## How do I know what happens?\n\n"
        "Each request has its page: it says what happens now and who acts next.\n"
    ),
)
REMOTE = Texts(
    lv="1. Atveriet programmu.\n2. Izvēlieties **Palīdzība – Attālā palīdzība**.\n3. Nosauciet mums redzamo numuru.\n",
    en="1. Open the program.\n2. Choose **Help – Remote help**.\n3. Tell us the number that you see.\n",
)
NOTES = Texts(
    lv="| Kas | Kurš | Līdz |\n|---|---|---|\n| Jauna atskaites forma | Lielupes Programmas | 15. decembris |\n"
    "| Lietotāju saraksts | Rudzu Maize | 1. decembris |\n"
)


def write_for_readers(manager: Person, approver: Person, bakery: Organisation) -> None:
    """The approver has accepted the terms in force; everybody else is asked."""
    title = Texts(lv="Pakalpojumu sniegšanas noteikumi", en="Terms of service")
    first = TermsVersion.objects.create(title=title, body=Texts(lv=TERMS["lv"]))
    first = publish_terms(first, by=manager)
    second = begin_terms(first, by=manager)
    second.body = TERMS
    second.save(update_fields=["body"])
    second = publish_terms(second, by=manager)
    assert second.number is not None  # it is published
    accept_terms(second.number, by=approver, from_address=None)
    pages = (
        ("jautajumi", Texts(lv="Biežāk uzdotie jautājumi", en="Questions and answers"), QUESTIONS, Audience.PUBLIC),
        ("attala-palidziba", Texts(lv="Attālā palīdzība", en="Remote help"), REMOTE, Audience.CUSTOMERS),
        ("sanaksme", Texts(lv="Sanāksmes piezīmes", en="Meeting notes"), NOTES, Audience.ORGANISATION),
    )
    for position, (slug, name, body, audience) in enumerate(pages):
        Page.objects.create(
            slug=slug,
            title=name,
            body=body,
            audience=audience,
            organisation=bakery if audience == Audience.ORGANISATION else None,
            position=position,
            is_published=True,
        )
