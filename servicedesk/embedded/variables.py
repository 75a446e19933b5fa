"""The environment that Django's processes are given. What the user set always wins; an empty value counts as unset."""

import os
from pathlib import Path

from servicedesk.embedded.home import kept_secret
from servicedesk.embedded.services import Services
from servicedesk.embedded.words import CannotStartError

Environment = dict[str, str]
DEFAULT_PORTS = {"PORT": 8000, "SMTP_PORT": 8025}

NO_OWNER = (
    "DATABASE_OWNER_URL: is not set. With a DATABASE_URL of your own, migrations and tests also need the address of "
    "the role that owns the tables (docs/operations.md)."
)


def port(name: str) -> int:
    text = os.environ.get(name) or str(DEFAULT_PORTS[name])
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise CannotStartError(f"{name}: is '{text}', but it must be a whole number from 1 to 65535.")
    return int(text)


def full_environment(services: Services, *, demo: bool) -> Environment:
    """Everything, the owner's address included; narrow it before handing it to a process."""
    var = services.var
    is_demo = demo and "DATABASE_URL" in services.addresses
    ours: Environment = {
        "DJANGO_SETTINGS_MODULE": "servicedesk.settings",
        "PYTHONUNBUFFERED": "1",
        "PORT": str(port("PORT")),
        "SMTP_PORT": str(port("SMTP_PORT")),
        "BASE_DOMAIN": "localhost",
        "DEMO": "1" if is_demo else "0",
        # Who tries the product wants to see its mail.
        "MAIL_BUNDLE_SECONDS": "10" if is_demo else "",
        "FILES_ROOT": str(var / "files"),
        "MAILBOX_ROOT": str(var / "mailbox"),
        "STATIC_ROOT": str(var / "static"),
        **services.addresses,
    }
    given = {name: value for name, value in os.environ.items() if value or name not in ours}
    environment = {**ours, **given}
    # Our own listener takes what the desk sends; in demo mode it keeps it in the mailbox that a page shows.
    environment["EMAIL_URL"] = environment.get("EMAIL_URL") or f"smtp://127.0.0.1:{environment['SMTP_PORT']}"
    environment["SECRET_KEY"] = environment.get("SECRET_KEY") or kept_secret(var / "secret-key")
    return environment


def as_app(environment: Environment) -> Environment:
    """For web, worker, clock and listener: the owner's address is not even known to them."""
    return {name: value for name, value in environment.items() if name != "DATABASE_OWNER_URL"}


def as_owner(environment: Environment) -> Environment:
    """For migrations and the few commands that need the owner."""
    owner = environment.get("DATABASE_OWNER_URL")
    if not owner:
        raise CannotStartError(NO_OWNER)
    return {**environment, "DATABASE_URL": owner}


def require_owner() -> None:
    """Told before anything is started: a database of one's own comes with two addresses."""
    if os.environ.get("DATABASE_URL") and not os.environ.get("DATABASE_OWNER_URL"):
        raise CannotStartError(NO_OWNER)


def notice_of(environment: Environment) -> Environment:
    """What another command of this checkout needs to work on the copy that runs."""
    names = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "PORT", "SMTP_PORT", "BASE_DOMAIN", "DEMO", "EMAIL_URL")
    return {name: environment[name] for name in names if name in environment}


def checkout_folder() -> Path:
    return Path(__file__).resolve().parent.parent.parent
