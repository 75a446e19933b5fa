"""The two walls between tenants. Outside code imports from here."""

from accounts.tenancy.context import (
    NoTenant,
    WrongTenant,
    current_tenant_id,
    enter,
    enter_for_session,
    entered_tenant_id,
)

__all__ = ["NoTenant", "WrongTenant", "current_tenant_id", "enter", "enter_for_session", "entered_tenant_id"]
