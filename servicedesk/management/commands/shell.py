"""`manage.py shell --host integrator.localhost`: Django's shell, inside one desk. Outside of one there are no rows."""

from contextlib import ExitStack
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import shell

from accounts.hosts import find_host
from accounts.tenancy import enter_for_session


class Command(shell.Command):
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--host", help="A host name of the desk to work in.")

    def handle(self, **options: Any) -> Any:
        host = options.pop("host", None)
        with ExitStack() as stack:
            if host:
                found = find_host(host)
                if found is None:
                    raise CommandError(f"'{host}' leads to no active desk. `manage.py show_desks` lists them.")
                stack.enter_context(enter_for_session(found[0]))
            return super().handle(**options)
