"""What the desk looks after: products with their components, and which of them a contract covers."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.organisations import Contract, Organisation
from accounts.tenancy.models import TenantForeignKey, TenantManager, TenantModel


class ProductQuerySet(models.QuerySet["Product"]):
    def offered_to(self, organisation: Organisation | None) -> "ProductQuerySet":
        """Those for everybody, and the organisation's own projects (A8)."""
        own = models.Q(organisation=None)
        if organisation is not None:
            own |= models.Q(organisation=organisation)
        return self.filter(own, is_active=True).order_by("position", "name")


class Product(TenantModel):
    """Something that is sold and looked after: a program, or one customer's own project."""

    name = models.CharField(_("name"), max_length=120)
    # Empty: for everybody.
    organisation = TenantForeignKey(
        Organisation,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="projects",
        verbose_name=_("project of one organisation only"),
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_active = models.BooleanField(_("offered"), default=True)

    objects = TenantManager.from_queryset(ProductQuerySet)()

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        base_manager_name = "tenant_rows"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "name", "organisation"], name="accounts_product_once", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return self.name

    def is_offered_to(self, organisation: Organisation | None) -> bool:
        """Everybody's, or one of the organisation's own projects."""
        return self.organisation_id is None or (organisation is not None and self.organisation_id == organisation.pk)


class Component(TenantModel):
    """A part of a product, by which its specialists are found."""

    product = TenantForeignKey(Product, models.CASCADE, related_name="components", verbose_name=_("product"))
    name = models.CharField(_("name"), max_length=120)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("component")
        verbose_name_plural = _("components")
        constraints = [models.UniqueConstraint(fields=["tenant", "product", "name"], name="accounts_component_once")]

    def __str__(self) -> str:
        return self.name


class Cover(TenantModel):
    """A contract covers a product. One without any such row covers whatever is asked about."""

    contract = TenantForeignKey(Contract, models.CASCADE, related_name="covers", verbose_name=_("contract"))
    product = TenantForeignKey(Product, models.PROTECT, related_name="covers", verbose_name=_("product"))

    class Meta:
        verbose_name = _("covered product")
        verbose_name_plural = _("covered products")
        constraints = [models.UniqueConstraint(fields=["tenant", "contract", "product"], name="accounts_cover_once")]

    def __str__(self) -> str:
        return str(self.product)


class ContractUser(TenantModel):
    """An organisation that works with the products under a contract which another one holds (K8)."""

    contract = TenantForeignKey(Contract, models.CASCADE, related_name="users", verbose_name=_("contract"))
    organisation = TenantForeignKey(
        Organisation, models.CASCADE, related_name="used_contracts", verbose_name=_("organisation")
    )

    class Meta:
        verbose_name = _("organisation under the contract")
        verbose_name_plural = _("organisations under the contract")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "contract", "organisation"], name="accounts_contract_user_once")
        ]

    def __str__(self) -> str:
        return str(self.organisation)
