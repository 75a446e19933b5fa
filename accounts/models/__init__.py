from accounts.models.organisations import (
    MONEY_RIGHTS,
    RIGHTS,
    Contract,
    Deputy,
    InvitedMember,
    Organisation,
    OrganisationDomain,
    Representation,
    Rights,
)
from accounts.models.pages import Audience, Page
from accounts.models.people import MailChoice, Person, User
from accounts.models.policy import POLICY_COLUMNS, PolicyOverrides
from accounts.models.products import Component, ContractUser, Cover, Product
from accounts.models.programs import ApiToken, KeptAnswer
from accounts.models.records import Counter, Event, Session, StoredFile, Upload
from accounts.models.tenants import MAIL_MEGABYTES, ClosedDay, Tenant, TenantHost
from accounts.models.terms import Consent, TermsVersion

__all__ = [
    "MAIL_MEGABYTES",
    "MONEY_RIGHTS",
    "POLICY_COLUMNS",
    "RIGHTS",
    "ApiToken",
    "Audience",
    "ClosedDay",
    "Component",
    "Consent",
    "Contract",
    "ContractUser",
    "Counter",
    "Cover",
    "Deputy",
    "Event",
    "InvitedMember",
    "KeptAnswer",
    "MailChoice",
    "Organisation",
    "OrganisationDomain",
    "Page",
    "Person",
    "PolicyOverrides",
    "Product",
    "Representation",
    "Rights",
    "Session",
    "StoredFile",
    "Tenant",
    "TenantHost",
    "TermsVersion",
    "Upload",
    "User",
]
