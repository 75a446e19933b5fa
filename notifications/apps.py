from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NotificationsConfig(AppConfig):
    name = "notifications"
    verbose_name = _("Messages")

    def ready(self) -> None:
        from accounts import announce, personal_data
        from notifications import account_mails
        from notifications.personal_data import of_notifications

        personal_data.sections.register(of_notifications)
        announce.invited.register(account_mails.invited)
        announce.reset_requested.register(account_mails.reset_requested)
        announce.password_changed.register(account_mails.password_changed)
        announce.second_factor_changed.register(account_mails.second_factor_changed)
