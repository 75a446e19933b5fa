"""Under what conditions a request would be worked on, in words: cover, price, threshold (K10, K11)."""

from dataclasses import dataclass

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import Contract, Organisation, Product, Tenant
from tickets.cover import Cover
from tickets.models import RequestType
from tickets.policy import policy_for
from tickets.sentences import money, threshold_in_words


@dataclass(frozen=True)
class Conditions:
    """`title` is the short word, like "Included"; `is_covered` is None where no contract is spoken of."""

    title: str
    sentences: tuple[str, ...]
    is_covered: bool | None = None


def conditions_of(
    tenant: Tenant, request_type: RequestType, organisation: Organisation | None, product: Product | None = None
) -> Conditions | None:
    """For a request of this type about this product. None where nothing is to be said: no contract, no billing (M9)."""
    cover = Cover(organisation, tenant.today)
    contracts = cover.of(product)
    said = [_covered_by(contract, organisation) for contract in contracts]
    if not tenant.billing_enabled:
        return Conditions(_("Covered by your contract"), tuple(said), is_covered=True) if said else None
    contract = cover.contract_for(product)
    if contract is None and len(contracts) > 1:
        said.append(_("Which of them applies is decided when we look at it."))
        return Conditions(_("Covered by your contract"), tuple(said), is_covered=True)
    return _with_price(tenant, request_type, contract, said, has_contracts=bool(cover.agreed))


def _covered_by(contract: Contract, organisation: Organisation | None) -> str:
    values = {
        "contract": contract.number,
        "day": date_format(contract.ends_on, "DATE_FORMAT") if contract.ends_on else "",
    }
    if contract.ends_on:
        return _("Covered by contract %(contract)s, until %(day)s.") % values
    return _("Covered by contract %(contract)s.") % values


def _with_price(
    tenant: Tenant, request_type: RequestType, contract: Contract | None, said: list[str], *, has_contracts: bool
) -> Conditions:
    is_covered = contract is not None if has_contracts else None
    if not request_type.is_billable:
        return Conditions(_("Free of charge"), (*said, _("Requests of this kind cost nothing.")), is_covered)
    if contract is not None and contract.covers_work:
        return Conditions(_("Included"), (*said, _("The work is included in the contract.")), is_covered)
    policy = policy_for(tenant, request_type, contract)
    said.append(threshold_in_words(policy.threshold_minutes))
    if not policy.hourly_rate:
        return Conditions(_("Price by estimate"), tuple(said), is_covered)
    price = _("%(price)s an hour, without VAT") % {"price": money(policy.hourly_rate, tenant.currency)}
    return Conditions(price, tuple(said), is_covered)
