"""What applies to one ticket: the desk's policy, changed by its request type, changed by its contract."""

from dataclasses import dataclass
from decimal import Decimal

from accounts.models import POLICY_COLUMNS, Contract, Tenant
from tickets.models import RequestType, Ticket


@dataclass(frozen=True)
class Policy:
    """Minutes, days and per cent; `is_billable` says whether its work is charged and so has a threshold."""

    threshold_minutes: int
    tolerance_percent: int
    review_days: int
    information_days: int
    estimate_days: int
    reopen_days: int
    business_days: bool
    is_billable: bool
    hourly_rate: Decimal

    @property
    def minutes_without_estimate(self) -> int:
        """How much may be worked and billed before the customer has to approve an estimate (B10)."""
        return with_tolerance(self.threshold_minutes, self.tolerance_percent)


def policy_of(ticket: Ticket) -> Policy:
    """The contract goes before the request type, that before the desk."""
    return policy_for(ticket.tenant, ticket.request_type, ticket.contract)


def policy_for(tenant: Tenant, request_type: RequestType | None, contract: Contract | None) -> Policy:
    values = {name: getattr(tenant, name) for name in POLICY_COLUMNS}
    for override in (request_type, contract):
        if override is not None:
            values |= {name: value for name in POLICY_COLUMNS if (value := getattr(override, name)) is not None}
    is_free = (request_type is not None and not request_type.is_billable) or (
        contract is not None and contract.covers_work
    )
    rate = contract.hourly_rate if contract is not None and contract.hourly_rate is not None else tenant.hourly_rate
    return Policy(**values, is_billable=tenant.billing_enabled and not is_free, hourly_rate=rate)


def with_tolerance(minutes: int, percent: int) -> int:
    """Minutes with so many per cent more, rounded down: what goes beyond has to be agreed on first."""
    return minutes * (100 + percent) // 100
