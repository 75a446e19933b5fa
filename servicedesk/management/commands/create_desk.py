"""`manage.py create_desk`: a new tenant from a preset, with its first manager."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import actions
from accounts.addresses import normalise_address
from accounts.models import Person
from accounts.tenancy import enter
from servicedesk.desks import Brand, CannotCreate, create_desk
from servicedesk.presets import PRESETS


class Command(BaseCommand):
    help = "Create a desk from a preset and invite its first manager by e-mail."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--preset", required=True, choices=sorted(PRESETS))
        parser.add_argument("--name", required=True, help="the firm, as its customers know it")
        parser.add_argument("--slug", required=True, help="short name, letters and digits")
        parser.add_argument("--host", required=True, action="append", help="host name; may be given several times")
        parser.add_argument("--support-email", required=True, help="the address whose mail becomes requests")
        parser.add_argument("--manager-name", required=True)
        parser.add_argument("--manager-email", required=True, help="gets the invitation")

    def handle(self, *args: Any, **options: Any) -> None:
        manager = normalise_address(options["manager_email"])
        if not manager:
            raise CommandError(f"'{options['manager_email']}' is not an e-mail address.")
        try:
            tenant = create_desk(
                preset=options["preset"],
                name=options["name"],
                slug=options["slug"],
                brands=[Brand(host, options["name"]) for host in options["host"]],
                support_email=options["support_email"],
            )
        except CannotCreate as problem:
            raise CommandError(str(problem)) from None
        with enter(tenant.pk):
            person = Person.objects.create(
                name=options["manager_name"], email=manager, language=tenant.language, is_manager=True, is_agent=True
            )
            actions.invite(person, by=person)
        self.stdout.write(f"{tenant.name} is at {', '.join(options['host'])}; the invitation goes to {manager}.")
