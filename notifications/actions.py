"""What a person does with their notices: reads them. Nobody else ever does it for them."""

from django.utils import timezone

from accounts.access import get_or_404
from accounts.models import Person
from notifications.models import Notice


def read(*, by: Person, number: int) -> None:
    """One notice. Raises Http404 alike for another person's and for none."""
    notice = get_or_404(Notice.objects.visible_to(by), pk=number)
    if notice.read_at is None:
        notice.read_at = timezone.now()
        notice.save(update_fields=["read_at"])


def read_all(*, by: Person, newest: int) -> None:
    """All up to the newest that the person was shown: what came in since stays unread."""
    Notice.objects.visible_to(by).unread().filter(pk__lte=newest).update(read_at=timezone.now())


def read_about(*, by: Person, route: str, key: str) -> None:
    """Those that lead to a page, because the person has opened it."""
    Notice.objects.visible_to(by).unread().filter(route=route, key=key).update(read_at=timezone.now())
