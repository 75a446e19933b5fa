from accounts.models.organisations import Contract, Deputy, Organisation, Representation
from accounts.models.people import Person, User
from accounts.models.policy import POLICY_COLUMNS, PolicyOverrides
from accounts.models.programs import ApiToken, KeptAnswer
from accounts.models.records import Counter, Event, Session, StoredFile
from accounts.models.tenants import ClosedDay, Tenant, TenantHost

__all__ = [
    "POLICY_COLUMNS",
    "ApiToken",
    "ClosedDay",
    "Contract",
    "Counter",
    "Deputy",
    "Event",
    "KeptAnswer",
    "Organisation",
    "Person",
    "PolicyOverrides",
    "Representation",
    "Session",
    "StoredFile",
    "Tenant",
    "TenantHost",
    "User",
]
