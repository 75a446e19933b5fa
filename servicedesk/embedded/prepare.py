"""What happens inside Django before the web starts. Two short processes, side by side.

`prepare owner`, as desk_owner: migrate.
`prepare app FILE`, as desk_app: catalogues and static files; then, when a line on standard input says that the tables
are there, the demo data, and the desks' addresses and logins into FILE.
"""

import hashlib
import sys
from pathlib import Path

import django
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError


def as_owner() -> None:
    call_command("migrate", interactive=False, verbosity=0)


def as_app(desks: Path) -> None:
    call_command("compile_texts")
    collect_static()
    if not sys.stdin.readline():  # the owner's part failed, and says so itself
        sys.exit(1)
    if settings.DEMO:
        call_command("create_demo")
    with desks.open("w", encoding="utf-8") as file:
        call_command("show_desks", stdout=file)


def collect_static() -> None:
    """Hashing and compressing takes seconds, so it is done only when a file changed."""
    root = Path(settings.STATIC_ROOT)
    mark = root / ".collected"
    fingerprint = static_fingerprint()
    if mark.exists() and mark.read_text() == fingerprint:
        return
    call_command("collectstatic", interactive=False, verbosity=0)
    mark.write_text(fingerprint)


def static_fingerprint() -> str:
    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list([]):
            found = Path(storage.path(path)).stat()
            digest.update(f"{path}:{found.st_size}:{found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def main(part: str, *arguments: str) -> None:
    try:
        django.setup()
        if part == "owner":
            as_owner()
        else:
            as_app(Path(arguments[0]))
    except (ImproperlyConfigured, CommandError) as error:
        sys.exit(str(error))
    except OperationalError as error:
        sys.exit(f"The database does not answer: {str(error).strip()}")


if __name__ == "__main__":
    main(*sys.argv[1:])
