from django.apps import AppConfig
from django.db.models.signals import post_delete, post_save
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Desk")

    def ready(self) -> None:
        from accounts import personal_data, places, second_factor
        from accounts.hosts import forget_hosts
        from accounts.models import ClosedDay, Tenant, TenantHost

        for model in (Tenant, TenantHost, ClosedDay):
            for signal in (post_save, post_delete):
                signal.connect(forget_hosts, sender=model, dispatch_uid=f"accounts.hosts.{model.__name__}")
        personal_data.sections.register(personal_data.of_accounts)
        places.watch()
        second_factor.watch()
