from accounts.models.organisations import Contract, Deputy, Organisation, OrganisationDomain, Representation
from accounts.models.people import MailChoice, Person, User
from accounts.models.policy import POLICY_COLUMNS, PolicyOverrides
from accounts.models.products import Component, ContractUser, Cover, Product
from accounts.models.programs import ApiToken, KeptAnswer
from accounts.models.records import Counter, Event, Session, StoredFile, Upload
from accounts.models.tenants import MAIL_MEGABYTES, ClosedDay, Tenant, TenantHost

__all__ = [
    "MAIL_MEGABYTES",
    "POLICY_COLUMNS",
    "ApiToken",
    "ClosedDay",
    "Component",
    "Contract",
    "ContractUser",
    "Counter",
    "Cover",
    "Deputy",
    "Event",
    "KeptAnswer",
    "MailChoice",
    "Organisation",
    "OrganisationDomain",
    "Person",
    "PolicyOverrides",
    "Product",
    "Representation",
    "Session",
    "StoredFile",
    "Tenant",
    "TenantHost",
    "Upload",
    "User",
]
