from django.apps import AppConfig
from django.db.models.signals import post_save
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Desk")

    def ready(self) -> None:
        from accounts.hosts import forget_hosts
        from accounts.models import Tenant, TenantHost

        for model in (Tenant, TenantHost):
            post_save.connect(forget_hosts, sender=model, dispatch_uid="accounts.hosts")
