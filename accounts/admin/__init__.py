"""What the desk's staff see of people, organisations and the desk itself; and the base of every other admin page."""

from accounts.admin.base import DeskAdmin, Rows, Ruled, actor, bills
from accounts.admin.desk import ClosedDayAdmin, TenantAdmin
from accounts.admin.organisations import ContractAdmin, OrganisationAdmin
from accounts.admin.people import PersonAdmin
from accounts.admin.policy import PolicyOverridesAdmin
from accounts.admin.products import ProductAdmin

__all__ = [
    "ClosedDayAdmin",
    "ContractAdmin",
    "DeskAdmin",
    "OrganisationAdmin",
    "PersonAdmin",
    "PolicyOverridesAdmin",
    "ProductAdmin",
    "Rows",
    "Ruled",
    "TenantAdmin",
    "actor",
    "bills",
]
