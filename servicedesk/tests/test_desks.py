"""New desks from presets, and the demo."""

import io

import pytest
from django.core.management import CommandError, call_command

from accounts.hosts import active_tenant_ids, find_host
from accounts.models import Person, Tenant
from accounts.tenancy import enter
from conftest import Desk
from notifications.models import OutboxMessage
from servicedesk.desks import Brand, CannotCreate, create_desk
from servicedesk.presets import PRESETS
from tickets.models import Mailbox, RequestType, TopicGroup

ARGUMENTS = {
    "preset": "agency",
    "name": "Trial Studio",
    "slug": "trial",
    "support_email": "help@trial.example",
}


def make(**changes: object) -> Tenant:
    return create_desk(**{**ARGUMENTS, "brands": [Brand("trial.example", "Trial Studio")], **changes})


@pytest.mark.django_db
@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_every_preset_makes_a_complete_desk(preset: str) -> None:
    tenant = make(preset=preset)
    with enter(tenant.pk):
        assert TopicGroup.objects.exists()
        assert RequestType.objects.exists()
        assert Mailbox.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_every_text_of_a_preset_is_in_every_language_it_offers(preset: str) -> None:
    chosen = PRESETS[preset]
    texts = [
        text
        for topic in chosen.topics
        for text in (topic.name, *[t for x in topic.types for t in (x.name, x.sentence)])
    ]
    assert all(set(text) == set(chosen.languages) for text in texts)


def test_b3_the_integrators_topics_are_all_there() -> None:
    names = [topic.name["en"] for topic in PRESETS["integrator"].topics]
    assert names == [
        "Finance",
        "Sales",
        "CRM",
        "Hosting",
        "Bank assistant",
        "Warehouse",
        "Technical questions",
        "Service orders",
        "Project costing",
        "Purchasing",
        "Changes in users or services",
    ]


@pytest.mark.django_db
def test_a_host_leads_to_its_desk() -> None:
    tenant = make()
    found = find_host("TRIAL.example:8000")
    assert found is not None
    assert found[0] == tenant.pk


@pytest.mark.parametrize(
    "changes",
    [
        {"preset": "unknown"},
        {"support_email": "no address"},
        {"support_email": "support@alpha.localhost"},
        {"brands": [Brand("alpha.localhost", "Stolen")]},
    ],
)
def test_what_is_taken_or_wrong_is_refused(desk: object, changes: dict[str, object]) -> None:
    with pytest.raises(CannotCreate):
        make(**changes)


COMMAND = [
    "--preset=agency",
    "--name=Trial",
    "--slug=trial",
    "--host=trial.example",
    "--support-email=help@trial.example",
    "--manager-name=Mary",
    "--manager-email=mary@trial.example",
]


@pytest.mark.django_db
def test_the_command_invites_the_manager() -> None:
    call_command("create_desk", *COMMAND, stdout=io.StringIO())
    found = find_host("trial.example")
    assert found is not None
    with enter(found[0]):
        assert OutboxMessage.objects.get().to_person == Person.objects.get(is_manager=True)


@pytest.mark.django_db
def test_the_command_says_what_is_wrong() -> None:
    with pytest.raises(CommandError, match="not an e-mail address"):
        call_command("create_desk", *COMMAND[:-1], "--manager-email=nobody", stdout=io.StringIO())


def test_the_demo_is_made_only_when_there_is_no_desk(desk: object) -> None:
    before = active_tenant_ids()
    call_command("create_demo", stdout=io.StringIO())
    assert active_tenant_ids() == before


def test_the_desks_are_shown(desk: object) -> None:
    out = io.StringIO()
    call_command("show_desks", stdout=out)
    assert "http://alpha.localhost:8000/admin/" in out.getvalue()


def test_the_shell_works_inside_a_desk(committed_desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    asked = "from accounts.models import Person; print(Person.objects.get(email='requester@alpha.example'))"
    call_command("shell", "--no-imports", "--host", committed_desk.host, "--command", asked)
    assert capsys.readouterr().out.strip() == "Rita Requester"


@pytest.mark.django_db
def test_the_shell_refuses_a_host_of_nobody() -> None:
    with pytest.raises(CommandError, match="no active desk"):
        call_command("shell", "--host", "nobody.localhost", "--command", "pass")
