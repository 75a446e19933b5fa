"""The link in a summary by which its reader ends the summaries, without a log-in. It opens a page; a POST ends them."""

from django.core import signing
from django.urls import reverse

from accounts.models import Person
from accounts.tenancy import current_tenant_id

SALT = "notifications.stop"


def link_to_stop(person_id: int) -> str:
    """The path, to be put behind the desk's own host."""
    return reverse("mail_stop", args=[signing.dumps([current_tenant_id(), person_id], salt=SALT)])


def read_stop(token: str) -> Person | None:
    """Whose summaries a link ends; None when it is tampered with, another desk's, or its person is gone."""
    try:
        tenant_id, person_id = signing.loads(token, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    if tenant_id != current_tenant_id():
        return None
    return Person.objects.active().filter(pk=person_id).first()
