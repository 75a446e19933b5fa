"""The customers: organisations, and who may do what for them."""

from collections.abc import Sequence
from datetime import date

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.people import Person
from accounts.models.policy import PolicyOverrides
from accounts.tenancy.models import TenantForeignKey, TenantManager, TenantModel


class OrganisationQuerySet(models.QuerySet["Organisation"]):
    def visible_to(self, actor: Person) -> "OrganisationQuerySet":
        """Staff see all customers; a customer sees the organisations they represent."""
        return self if actor.is_staff else self.filter(pk__in=actor.organisation_ids)


class Organisation(TenantModel):
    """A customer of the desk, as it stands on invoices."""

    name = models.CharField(_("name"), max_length=200)
    registration_number = models.CharField(_("registration number"), max_length=40, blank=True)
    vat_number = models.CharField(_("VAT number"), max_length=20, blank=True)
    address = models.TextField(_("address"), max_length=300, blank=True)
    invoice_email = models.EmailField(_("address for invoices"), blank=True)
    is_active = models.BooleanField(_("active"), default=True)

    objects = TenantManager.from_queryset(OrganisationQuerySet)()

    class Meta:
        verbose_name = _("organisation")
        verbose_name_plural = _("organisations")
        base_manager_name = "tenant_rows"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "registration_number"],
                condition=~models.Q(registration_number=""),
                name="accounts_organisation_number",
            )
        ]
        indexes = [models.Index(fields=["tenant", "name"], name="accounts_organisation_name")]

    def __str__(self) -> str:
        return self.name


class OrganisationDomain(TenantModel):
    """Whoever proves an address of this domain belongs to the organisation, where the desk allows that."""

    organisation = TenantForeignKey(
        Organisation, models.CASCADE, related_name="domains", verbose_name=_("organisation")
    )
    # Lower-cased, in its ASCII form.
    domain = models.CharField(_("e-mail domain"), max_length=253)

    class Meta:
        verbose_name = _("e-mail domain")
        verbose_name_plural = _("e-mail domains")
        constraints = [models.UniqueConstraint(fields=["tenant", "domain"], name="accounts_domain_once")]

    def __str__(self) -> str:
        return self.domain


class Representation(TenantModel):
    """A person speaks for an organisation, with these rights. Absent row, no right."""

    person = TenantForeignKey(Person, models.CASCADE, related_name="representations", verbose_name=_("person"))
    organisation = TenantForeignKey(
        Organisation, models.CASCADE, related_name="representations", verbose_name=_("organisation")
    )
    may_ask = models.BooleanField(_("may file requests"), default=True)
    may_approve = models.BooleanField(_("may approve estimates"), default=False)
    # In the tenant's currency, without VAT; empty means without limit.
    approval_limit = models.DecimalField(
        _("approves up to"), max_digits=12, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    may_see_invoices = models.BooleanField(_("may see invoices"), default=False)
    # In which order the organisation's requests are handled (A6); its head may too.
    may_order = models.BooleanField(_("may set the order of requests"), default=False)
    # The head of the organisation: manages its people, and is the one who may ask where a desk says so (M1).
    is_head = models.BooleanField(_("head of the organisation"), default=False)

    class Meta:
        verbose_name = _("representative")
        verbose_name_plural = _("representatives")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "person", "organisation"], name="accounts_representation_once")
        ]

    def __str__(self) -> str:
        return f"{self.person} – {self.organisation}"

    @property
    def can_ask(self) -> bool:
        """With an organisation that is no longer active the right rests; what was filed before stays readable."""
        return self.may_ask and self.organisation.is_active


class Deputy(TenantModel):
    """Somebody decides in a representative's place, with their limit, from one day to another."""

    representation = TenantForeignKey(
        Representation, models.CASCADE, related_name="deputies", verbose_name=_("in place of")
    )
    person = TenantForeignKey(Person, models.CASCADE, related_name="+", verbose_name=_("deputy"))
    starts_on = models.DateField(_("first day"))
    ends_on = models.DateField(_("last day"))

    class Meta:
        verbose_name = _("deputy")
        verbose_name_plural = _("deputies")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_on__gte=models.F("starts_on")), name="accounts_deputy_dates"
            ),
            models.UniqueConstraint(
                fields=["tenant", "representation", "person", "starts_on", "ends_on"], name="accounts_deputy_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} → {self.representation}"

    def clean(self) -> None:
        if self.starts_on and self.ends_on and self.ends_on < self.starts_on:
            raise ValidationError({"ends_on": _("The last day is before the first one.")})


class ContractQuerySet(models.QuerySet["Contract"]):
    def valid_on(self, day: date) -> "ContractQuerySet":
        """Both the first and the last day count."""
        return self.filter(models.Q(ends_on=None) | models.Q(ends_on__gte=day), starts_on__lte=day)

    def of(self, organisation: Organisation) -> "ContractQuerySet":
        """Those that it holds, and those of others under which it works (K8)."""
        return self.of_any([organisation.pk])

    def of_any(self, organisations: Sequence[int]) -> "ContractQuerySet":
        held, used = models.Q(organisation_id__in=organisations), models.Q(users__organisation_id__in=organisations)
        # Two lists of numbers: an OR across a join would read all contracts.
        ids = self.model.objects.filter(held).values("pk").union(self.model.objects.filter(used).values("pk"))
        return self.filter(pk__in=ids)


class Contract(PolicyOverrides, TenantModel):
    """What an organisation has agreed with the desk: from when until when, and what differs from the desk's policy."""

    organisation = TenantForeignKey(
        Organisation, models.PROTECT, related_name="contracts", verbose_name=_("organisation")
    )
    number = models.CharField(_("number"), max_length=40)
    title = models.CharField(_("title"), max_length=200, blank=True)
    starts_on = models.DateField(_("first day"))
    ends_on = models.DateField(_("last day"), null=True, blank=True)
    # Work under it is paid by the contract itself: no threshold, no estimate, no line on an invoice.
    covers_work = models.BooleanField(_("work is included"), default=False)
    # The customer's people read on a request how long was worked on it.
    shows_time = models.BooleanField(_("shows the time spent"), default=False)
    hourly_rate = models.DecimalField(
        _("price of an hour"), max_digits=12, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)]
    )

    objects = TenantManager.from_queryset(ContractQuerySet)()

    class Meta:
        verbose_name = _("contract")
        verbose_name_plural = _("contracts")
        constraints = [models.UniqueConstraint(fields=["tenant", "number"], name="accounts_contract_number")]

    def __str__(self) -> str:
        return f"{self.number} {self.title}".strip()

    def clean(self) -> None:
        if self.starts_on and self.ends_on and self.ends_on < self.starts_on:
            raise ValidationError({"ends_on": _("The last day is before the first one.")})
