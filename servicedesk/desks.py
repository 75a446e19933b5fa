"""Making a new desk from a preset: tenant, hosts, mailbox, topics and types, in one transaction."""

from dataclasses import dataclass

from django.db import connection, transaction

from accounts import events
from accounts.addresses import normalise_address
from accounts.hosts import find_host, forget_hosts
from accounts.models import Tenant, TenantHost
from accounts.tenancy import enter
from accounts.texts import Texts
from servicedesk.presets import PRESETS
from servicedesk.presets.base import Preset, Topic, Type
from tickets.mail.keeping import find_mailbox
from tickets.models import FormField, Mailbox, RequestType, SubjectRule, TopicGroup, WorkType


class CannotCreate(Exception):
    """What was asked for is taken or malformed; says what and what to do."""


@dataclass(frozen=True)
class Brand:
    """A host name and the name it shows."""

    host: str
    name: str


@transaction.atomic
def create_desk(
    *, preset: str, name: str, slug: str, brands: list[Brand], support_email: str, **policy: object
) -> Tenant:
    """A complete desk. Raises CannotCreate when a host or the address leads to a desk already, or no such preset."""
    chosen = PRESETS.get(preset)
    if chosen is None:
        raise CannotCreate(f"There is no preset '{preset}'. Choose one of: {', '.join(sorted(PRESETS))}.")
    address = normalise_address(support_email)
    if not address:
        raise CannotCreate(f"'{support_email}' is not an e-mail address.")
    if find_mailbox(address):
        raise CannotCreate(f"Mail to {address} belongs to a desk already.")
    for brand in brands:
        if find_host(brand.host):
            raise CannotCreate(f"The host {brand.host} leads to a desk already.")
    columns = {
        "name": name,
        "slug": slug,
        "language": chosen.language,
        "languages": list(chosen.languages),
        "support_email": address,
        **chosen.policy,
        **policy,
    }
    tenant = Tenant(pk=_new_id(), **columns)
    with enter(tenant.pk):
        tenant.save(force_insert=True)
        _open_doors(brands, address, chosen)
        types: dict[str, RequestType] = {}
        for position, topic in enumerate(chosen.topics):
            types |= _add_topic(topic, position)
        for subject in chosen.subjects:
            SubjectRule.objects.create(
                begins_with=subject.begins_with, request_type=types[subject.type], language=subject.language
            )
        for position, work in enumerate(chosen.work_types):
            WorkType.objects.create(name=Texts(work.name), is_billable=work.is_billable, position=position)
        events.record("tenant.created", tenant, by=None, preset=preset)
    forget_hosts()
    return tenant


def _new_id() -> int:
    """The id comes before the row: the policy lets a tenant's row in only from inside that tenant."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('accounts_tenant', 'id'))")
        return int(cursor.fetchone()[0])


def _open_doors(brands: list[Brand], address: str, preset: Preset) -> None:
    for number, brand in enumerate(brands):
        TenantHost.objects.create(
            host=brand.host.lower(), brand_name=brand.name, accent=preset.accent, is_primary=number == 0
        )
    Mailbox.objects.create(address=address)


def _add_topic(topic: Topic, position: int) -> dict[str, RequestType]:
    """Its types by their English names."""
    group = TopicGroup.objects.create(name=Texts(topic.name), icon=topic.icon, position=position)
    return {item.name["en"]: _add_type(group, item, number) for number, item in enumerate(topic.types)}


def _add_type(group: TopicGroup, item: Type, position: int) -> RequestType:
    request_type = RequestType.objects.create(
        group=group,
        name=Texts(item.name),
        sentence=Texts(item.sentence),
        icon=item.icon,
        position=position,
        is_billable=item.is_billable,
        **item.policy,
        **item.form,
    )
    made: dict[str, FormField] = {}
    for number, field in enumerate(item.fields):
        made[field.kind] = FormField.objects.create(
            request_type=request_type,
            kind=field.kind,
            label=Texts(field.label),
            hint=Texts(field.hint),
            is_required=field.is_required,
            meaning=field.meaning,
            shown_when=[[str(made[kind].pk), value] for kind, value in field.shown_when],
            position=number,
        )
    return request_type
