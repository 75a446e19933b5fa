"""What this app knows of a person (accounts.personal_data): which letters they got, and how they want them."""

from accounts.models import Person
from accounts.personal_data import Section, told
from notifications.models import Notice, OutboxMessage


def of_notifications(person: Person) -> list[Section]:
    letters = OutboxMessage.objects.filter(to_person=person).order_by("id")
    notices = Notice.objects.filter(person=person).order_by("id")
    return [
        Section("mail_choices", told(Person.objects.filter(pk=person.pk), "mail_choice", "quiet_from", "quiet_until")),
        Section("letters_to_you", told(letters, "to_address", "subject", "created_at", "sent_at")),
        Section("notices_to_you", told(notices, "text", "created_at", "read_at")),
    ]
