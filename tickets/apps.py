from django.apps import AppConfig
from django.db.models.signals import post_delete, post_save
from django.utils.translation import gettext_lazy as _


class TicketsConfig(AppConfig):
    name = "tickets"
    verbose_name = _("Tickets")

    def ready(self) -> None:
        from accounts import personal_data
        from accounts.hosts import forget_hosts
        from notifications import audience
        from tickets.models import Mailbox, SubjectRule
        from tickets.permissions import sees_row
        from tickets.personal_data import of_tickets

        personal_data.sections.register(of_tickets)
        audience.sees.register(sees_row)
        for model in (Mailbox, SubjectRule):
            for signal in (post_save, post_delete):
                signal.connect(forget_hosts, sender=model, dispatch_uid=f"tickets.{model.__name__}")
