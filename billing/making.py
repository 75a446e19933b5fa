"""Making the PDF of an issued invoice, after the answer. Claimed, made outside of a transaction, noted."""

import io
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.utils import timezone

from accounts.files import store
from accounts.hosts import current_host
from accounts.tenancy import enter
from billing.document_data import document_data
from billing.documents.data import InvoiceDocumentData
from billing.models import DOCUMENT_CLAIM, Invoice, InvoiceDocument

log = structlog.get_logger(__name__)

RETRY = timedelta(minutes=15)


@dataclass(frozen=True)
class Job:
    """What the renderer needs, read inside the tenant."""

    document_id: int
    data: InvoiceDocumentData


def make(tenant_id: int, document_id: int) -> bool:
    """Make one document if it is due and nobody else is at it. True when it is there afterwards."""
    with enter(tenant_id):
        job = _claim(document_id)
    if job is None:
        return False
    try:
        pdf = _render(job)
    except Exception as error:  # a document that cannot be made is tried again, and says why
        with enter(tenant_id):
            _note_failure(document_id, error)
        log.exception("document failed", tenant=tenant_id, document=document_id)
        return False
    with enter(tenant_id):
        _keep(document_id, pdf)
    return True


def _claim(document_id: int) -> Job | None:
    due = InvoiceDocument.objects.filter(pk=document_id, file=None, next_try_at__lte=timezone.now())
    if not due.update(next_try_at=timezone.now() + DOCUMENT_CLAIM):
        return None
    document = InvoiceDocument.objects.select_related("invoice").get(pk=document_id)
    return Job(document_id, document_data(document.invoice, current_host()))


def _render(job: Job) -> bytes:
    # Imported here: the renderer's library is large, and only the worker that makes documents carries it.
    from billing.documents.render import render_invoice

    return render_invoice(job.data)


def _keep(document_id: int, pdf: bytes) -> None:
    document = InvoiceDocument.objects.select_for_update(of=("self",)).select_related("invoice").get(pk=document_id)
    if document.file_id is None:
        invoice: Invoice = document.invoice
        document.file = store(io.BytesIO(pdf), name=f"{invoice.number}.pdf", by=None)
        document.next_try_at, document.error = None, ""
        document.save(update_fields=["file", "next_try_at", "error"])


def _note_failure(document_id: int, error: Exception) -> None:
    InvoiceDocument.objects.filter(pk=document_id).update(
        next_try_at=timezone.now() + RETRY, error=f"{type(error).__name__}: {error}"[:500]
    )


def due_documents(limit: int) -> list[int]:
    due = InvoiceDocument.objects.filter(next_try_at__lte=timezone.now()).order_by("next_try_at")
    return list(due.values_list("pk", flat=True)[:limit])
