"""Settings from the environment: each value is judged once, at start, and refused with a sentence."""

import os
from typing import NoReturn
from urllib.parse import ParseResult, parse_qs, unquote, urlparse


class BadSetting(SystemExit):
    """A setting is missing or malformed. Ends the process with its sentence and no traceback."""


def refuse(name: str, sentence: str) -> NoReturn:
    raise BadSetting(f"{name}: {sentence}")


def text(name: str, default: str | None = None) -> str:
    value = os.environ.get(name, "").strip() or default
    if value is None:
        refuse(name, "is not set. `make run` sets it; docs/operations.md says what it means.")
    return value


def words(name: str) -> list[str]:
    """A list, its members separated by commas."""
    return [one.strip() for one in os.environ.get(name, "").split(",") if one.strip()]


def flag(name: str, default: bool = False) -> bool:
    value = os.environ.get(name, "").strip().lower()
    if value in ("", "0", "1", "true", "false", "yes", "no"):
        return default if value == "" else value in ("1", "true", "yes")
    refuse(name, f"is '{value}', but it must be 1 or 0.")


def number(name: str, default: int, lowest: int = 0, highest: int = 2**31 - 1) -> int:
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    if not value.isdecimal() or not lowest <= int(value) <= highest:
        refuse(name, f"is '{value}', but it must be a whole number from {lowest} to {highest}.")
    return int(value)


def _url(name: str, schemes: tuple[str, ...], example: str) -> ParseResult:
    value = text(name)
    url = urlparse(value)
    if url.scheme not in schemes:
        refuse(name, f"must look like {example}, but it begins with '{value.split(':')[0]}:'.")
    try:
        _ = url.port
    except ValueError:
        refuse(name, f"has a port that is not a number; it must look like {example}.")
    return url


def database(name: str = "DATABASE_URL", **parameters: int) -> dict[str, object]:
    """Django's DATABASES entry, with PostgreSQL's parameters for its connections; 0 leaves one to the server. What the
    address itself sets in `?options=` prevails. A socket folder is written percent-encoded in the host's place.
    """
    example = "postgres://desk_app:password@host:5432/servicedesk"
    url = _url(name, ("postgres", "postgresql"), example)
    if not url.hostname or not url.username or not url.path.strip("/"):
        refuse(name, f"must name a user, a host and a database, like {example}.")
    # urlparse lower-cases `hostname`; a socket folder must keep its case.
    is_folder = url.hostname.startswith("%2f")
    host = url.netloc.rpartition("@")[2].partition(":")[0] if is_folder else url.hostname
    options = {key: values[-1] for key, values in parse_qs(url.query).items()}
    ours = [f"-c {parameter}={value}" for parameter, value in parameters.items() if value]
    # Of two settings of one parameter PostgreSQL takes the last.
    options["options"] = " ".join([*ours, options.get("options", "")]).strip()
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(url.path.strip("/")),
        "USER": unquote(url.username),
        "PASSWORD": unquote(url.password or ""),
        "HOST": unquote(host),
        "PORT": url.port or 5432,
        "OPTIONS": options,
    }


def redis(name: str = "REDIS_URL") -> tuple[str, str]:
    """The address for Django's cache and the same one in the form that Celery's broker takes."""
    url = _url(name, ("redis", "rediss", "unix"), "redis://host:6379/0 or unix:///path/to/socket")
    value = text(name)
    if url.scheme == "unix":
        return value, value.replace("unix:", "redis+socket:", 1).replace("?db=", "?virtual_host=")
    return value, value


def mail(name: str = "EMAIL_URL") -> dict[str, object]:
    """Where outgoing mail goes: smtp:// (plain), smtp+tls:// (STARTTLS) or smtps:// (TLS from the start)."""
    example = "smtp+tls://user:password@mail.example.com:587"
    url = _url(name, ("smtp", "smtp+tls", "smtps"), example)
    if not url.hostname:
        refuse(name, f"must name a host, like {example}.")
    return {
        "EMAIL_HOST": url.hostname,
        "EMAIL_PORT": url.port or {"smtp": 25, "smtp+tls": 587, "smtps": 465}[url.scheme],
        "EMAIL_HOST_USER": unquote(url.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(url.password or ""),
        "EMAIL_USE_TLS": url.scheme == "smtp+tls",
        "EMAIL_USE_SSL": url.scheme == "smtps",
    }
