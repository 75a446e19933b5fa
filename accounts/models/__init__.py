from accounts.models.organisations import Organisation, Representation
from accounts.models.people import Person, User
from accounts.models.records import Counter, Event, Session, StoredFile
from accounts.models.tenants import Tenant, TenantHost

__all__ = [
    "Counter",
    "Event",
    "Organisation",
    "Person",
    "Representation",
    "Session",
    "StoredFile",
    "Tenant",
    "TenantHost",
    "User",
]
