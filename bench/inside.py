"""What the bench does inside Django: `python -m bench.inside TASK …`, with the environment of bench/databases.py.

The answer is one line of JSON, the last on standard output.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

import django


def prepare() -> None:
    """As `run` does it before the web starts: catalogues and collected static files."""
    from django.core.management import call_command

    from servicedesk.embedded.prepare import collect_static

    call_command("compile_texts")
    collect_static()


def migrate() -> None:
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=0)


def seed(tickets: str) -> None:
    from bench.seed import fill

    fill(int(tickets))


TASKS: dict[str, Callable[..., Any]] = {"prepare": prepare, "migrate": migrate, "seed": seed}


if __name__ == "__main__":
    django.setup()
    print(json.dumps(TASKS[sys.argv[1]](*sys.argv[2:])))
