"""Invoices. An issued one is a copy of what was true when it was issued, and never changes."""

from datetime import timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, Person, StoredFile
from accounts.tenancy.models import TenantForeignKey, TenantManager, TenantModel
from tickets.models import EstimateLine, Ticket


class InvoiceQuerySet(models.QuerySet["Invoice"]):
    def visible_to(self, actor: Person) -> "InvoiceQuerySet":
        """Staff see all; a customer those of organisations whose invoices they may see."""
        if not actor.is_active:
            return self.none()
        if actor.is_staff:
            return self
        return self.filter(organisation_id__in=[r.organisation_id for r in actor.represents if r.may_see_invoices])


class Invoice(TenantModel):
    """An issued invoice: numbers, parties and totals as they were. It is corrected by its negative, never edited."""

    append_only = True

    number = models.CharField(_("number"), max_length=30)
    organisation = TenantForeignKey(
        Organisation, models.PROTECT, related_name="invoices", verbose_name=_("organisation")
    )
    issued_on = models.DateField(_("issued"))
    due_on = models.DateField(_("to be paid by"))
    currency = models.CharField(_("currency"), max_length=3)
    language = models.CharField(max_length=2)
    # Copies of the parties' legal data: {'name': …, 'vat_number': …, 'address': …}.
    seller = models.JSONField(default=dict)
    buyer = models.JSONField(default=dict)
    net_total = models.DecimalField(_("without VAT"), max_digits=14, decimal_places=2)
    vat_total = models.DecimalField(_("VAT"), max_digits=14, decimal_places=2)
    total = models.DecimalField(_("to pay"), max_digits=14, decimal_places=2)
    issued_by = TenantForeignKey(Person, models.PROTECT, related_name="+", verbose_name=_("issued by"))
    issued_at = models.DateTimeField(default=timezone.now)

    objects = TenantManager.from_queryset(InvoiceQuerySet)()

    class Meta:
        verbose_name = _("invoice")
        verbose_name_plural = _("invoices")
        base_manager_name = "tenant_rows"
        constraints = [models.UniqueConstraint(fields=["tenant", "number"], name="billing_invoice_number")]
        indexes = [models.Index(fields=["tenant", "organisation", "-id"], name="billing_invoices_of")]

    def __str__(self) -> str:
        return self.number

    def document_file(self) -> StoredFile | None:
        """The PDF; None while it is being made."""
        row = self.documents.filter(file__isnull=False).select_related("file").first()
        return row.file if row else None


class InvoiceLine(TenantModel):
    """One line: hours of a ticket, or something at a fixed price, as they were billed."""

    append_only = True

    invoice = TenantForeignKey(Invoice, models.PROTECT, related_name="lines")
    ticket = TenantForeignKey(Ticket, models.PROTECT, related_name="invoice_lines")
    position = models.PositiveSmallIntegerField()
    # Hours (the quantity is hours) or a fixed price (the quantity is 1).
    kind = models.CharField(max_length=5, choices=EstimateLine.Kind, default=EstimateLine.Kind.HOURS)
    # The customer's own, as the ticket had them.
    order_number = models.CharField(_("your order number"), max_length=60, blank=True)
    cost_centre = models.CharField(_("cost centre"), max_length=60, blank=True)
    reference = models.CharField(_("reference"), max_length=24)
    description = models.CharField(_("description"), max_length=250)
    quantity = models.DecimalField(_("quantity"), max_digits=12, decimal_places=4)
    unit_price = models.DecimalField(_("price"), max_digits=12, decimal_places=2)
    vat_rate = models.DecimalField(_("VAT, per cent"), max_digits=5, decimal_places=2)
    net = models.DecimalField(_("without VAT"), max_digits=14, decimal_places=2)

    class Meta:
        verbose_name = _("invoice line")
        verbose_name_plural = _("invoice lines")

    def __str__(self) -> str:
        return f"{self.reference} {self.quantity}"


class InvoiceDocument(TenantModel):
    """The PDF of an invoice, made after the answer. A row of its own, because the invoice cannot be touched."""

    invoice = TenantForeignKey(Invoice, models.PROTECT, related_name="documents")
    file = TenantForeignKey(StoredFile, models.PROTECT, null=True, related_name="+")
    # When to make it (again); empty when it is there.
    next_try_at = models.DateTimeField(null=True, default=timezone.now)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name = _("invoice document")
        verbose_name_plural = _("invoice documents")
        constraints = [models.UniqueConstraint(fields=["tenant", "invoice"], name="billing_document_once")]
        indexes = [
            models.Index(
                fields=["tenant", "next_try_at"],
                condition=models.Q(next_try_at__isnull=False),
                name="billing_documents_due",
            )
        ]

    def __str__(self) -> str:
        return str(self.invoice)


# How long a try at making a document may take before another begins.
DOCUMENT_CLAIM = timedelta(minutes=5)
