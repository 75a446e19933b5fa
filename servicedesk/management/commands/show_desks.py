"""`manage.py show_desks`: where the desks are and, in demo mode, who can log in."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from accounts.hosts import active_tenant_ids
from accounts.models import TenantHost
from accounts.tenancy import enter
from servicedesk.demo import demo_logins


class Command(BaseCommand):
    help = "Print the desks' addresses and, in demo mode, the demo logins."

    def handle(self, *args: Any, **options: Any) -> None:
        for tenant_id in active_tenant_ids():
            with enter(tenant_id):
                self.show_desk(list(TenantHost.objects.select_related("tenant").order_by("-is_primary", "id")))

    def show_desk(self, hosts: list[TenantHost]) -> None:
        first = hosts[0]
        self.stdout.write(f"\n  {first.tenant.name}")
        for host in hosts:
            self.stdout.write(f"    portal      {host.address}/")
        self.stdout.write(f"    admin       {first.address}/admin/")
        self.stdout.write(f"    e-mail to   {first.tenant.support_email}")
        if settings.DEMO:
            self.stdout.write(f"    sent mail   {first.address}/demo/mail/")
            for role, email, password in demo_logins():
                self.stdout.write(f"    {role:<11} {email}  {password}")
