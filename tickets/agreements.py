"""What an organisation has agreed with the desk, in words: its contracts and its prices, as its people read them."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Contract, Organisation, Tenant
from tickets.policy import Policy, policy_for
from tickets.sentences import money, threshold_in_words


@dataclass(frozen=True)
class Agreement:
    """One contract. `differs` says what is otherwise than at the desk; `price`, of an hour, is empty without billing
    and where each estimate says it."""

    contract: Contract
    # Who holds it, when it is another organisation that this one works under (K8).
    holder: Organisation | None
    products: tuple[str, ...]
    differs: tuple[str, ...]
    price: str
    is_valid: bool
    has_ended: bool


@dataclass(frozen=True)
class Price:
    """What an hour costs under a contract, or without one (`contract` is None)."""

    contract: Contract | None
    holder: Organisation | None
    hour: str
    sentences: tuple[str, ...]


def agreements_of(organisation: Organisation, tenant: Tenant) -> list[Agreement]:
    """All that it holds or works under, those that begin last first; two queries."""
    return [_agreement(contract, organisation, tenant) for contract in _contracts(organisation)]


def prices_of(organisation: Organisation, tenant: Tenant) -> list[Price]:
    """Those of today's contracts, and the one without a contract last."""
    today = [row for row in _contracts(organisation) if _is_valid(row, tenant)]
    return [_price(contract, organisation, tenant) for contract in (*today, None)]


def _contracts(organisation: Organisation) -> list[Contract]:
    rows = Contract.objects.of(organisation).select_related("organisation").prefetch_related("covers__product")
    return list(rows.order_by("-starts_on", "-id"))


def _is_valid(contract: Contract, tenant: Tenant) -> bool:
    return contract.starts_on <= tenant.today and not _has_ended(contract, tenant)


def _has_ended(contract: Contract, tenant: Tenant) -> bool:
    return contract.ends_on is not None and contract.ends_on < tenant.today


def _agreement(contract: Contract, organisation: Organisation, tenant: Tenant) -> Agreement:
    return Agreement(
        contract=contract,
        holder=_holder(contract, organisation),
        products=tuple(sorted(_products(contract, organisation))),
        differs=tuple(_differences(contract, tenant)),
        price=_rate(contract, tenant) if tenant.billing_enabled else "",
        is_valid=_is_valid(contract, tenant),
        has_ended=_has_ended(contract, tenant),
    )


def _products(contract: Contract, organisation: Organisation) -> Iterable[str]:
    """Without the names of other organisations' own projects, which say what they are at (A8)."""
    for cover in contract.covers.all():
        if cover.product.organisation_id in (None, organisation.pk):
            yield str(cover.product)
        else:
            yield _("A project of another organisation")


def _holder(contract: Contract | None, organisation: Organisation) -> Organisation | None:
    if contract is None or contract.organisation_id == organisation.pk:
        return None
    return contract.organisation


def _price(contract: Contract | None, organisation: Organisation, tenant: Tenant) -> Price:
    return Price(
        contract=contract,
        holder=_holder(contract, organisation),
        hour=_hour(contract, tenant),
        sentences=tuple(_about_money(contract, tenant)),
    )


def _hour(contract: Contract | None, tenant: Tenant) -> str:
    if contract is not None and contract.covers_work:
        return _("Included")
    return _rate(contract, tenant) or _("By estimate")


def _rate(contract: Contract | None, tenant: Tenant) -> str:
    rate: Decimal = policy_for(tenant, None, contract).hourly_rate
    return money(rate, tenant.currency) if rate else ""


def _about_money(contract: Contract | None, tenant: Tenant) -> Iterable[str]:
    if contract is not None and contract.covers_work:
        yield _("Work under this contract is included and costs nothing besides it.")
        return
    policy = policy_for(tenant, None, contract)
    yield threshold_in_words(policy.threshold_minutes)
    if policy.tolerance_percent:
        yield tolerance_in_words(policy)


def tolerance_in_words(policy: Policy) -> str:
    return _("What was agreed may be exceeded by at most %(percent)d %% without asking you again.") % {
        "percent": policy.tolerance_percent
    }


def _differences(contract: Contract, tenant: Tenant) -> Iterable[str]:
    """What the contract says otherwise than the desk; without billing nothing that is about estimates (M9)."""
    ours, theirs = policy_for(tenant, None, None), policy_for(tenant, None, contract)
    if theirs.is_billable:
        if theirs.threshold_minutes != ours.threshold_minutes:
            yield threshold_in_words(theirs.threshold_minutes)
        if theirs.tolerance_percent != ours.tolerance_percent:
            yield tolerance_in_words(theirs)
        if theirs.estimate_days != ours.estimate_days:
            yield estimates_in_words(theirs.estimate_days)
    if theirs.review_days != ours.review_days:
        yield review_in_words(theirs.review_days)
    if theirs.information_days != ours.information_days:
        yield answers_in_words(theirs.information_days)
    if theirs.reopen_days != ours.reopen_days:
        yield reopening_in_words(theirs.reopen_days)
    if theirs.business_days != ours.business_days:
        yield _("Business days are counted.") if theirs.business_days else _("All days of the calendar are counted.")


def estimates_in_words(days: int) -> str:
    return ngettext("An estimate is valid for %(number)d day.", "An estimate is valid for %(number)d days.", days) % {
        "number": days
    }


def review_in_words(days: int) -> str:
    return ngettext(
        "You have %(number)d day to check a solution.", "You have %(number)d days to check a solution.", days
    ) % {"number": days}


def answers_in_words(days: int) -> str:
    return ngettext(
        "You have %(number)d day to answer a question.", "You have %(number)d days to answer a question.", days
    ) % {"number": days}


def reopening_in_words(days: int) -> str:
    return ngettext(
        "A closed request can be reopened for %(number)d day.",
        "A closed request can be reopened for %(number)d days.",
        days,
    ) % {"number": days}
