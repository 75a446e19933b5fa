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


def ids() -> Any:
    from bench import pages

    return pages.ids()


def targets() -> Any:
    from bench import pages

    return pages.targets()


def portal() -> Any:
    from bench import pages

    return pages.portal()


def forget() -> None:
    from bench import pages

    pages.forget_sessions()


def bare_session(user: str) -> str:
    from bench import login

    return login.cookie_of(int(user))


def queries() -> Any:
    from bench import counting

    return counting.count_queries()


def where(page: str) -> Any:
    from bench import where as module

    return module.where(page)


def explain() -> Any:
    from bench import explain as module

    return module.explain()


def verbs() -> Any:
    from bench import verbs as module

    return module.measure()


def search() -> Any:
    from bench import search as module

    return module.measure()


def run_clocks() -> None:
    from bench import clocks

    clocks.run_clocks()


def mail_desk() -> None:
    from bench import mail_desk as module

    module.create()


def mail_answered() -> Any:
    from bench import mail_desk as module

    return module.answered()


def mail_box(port: str) -> int:
    from bench import mail_inside

    return mail_inside.mail_box(port)


def mail_faults(port: str) -> None:
    from bench import mail_inside

    mail_inside.mail_faults(port)


def mail_collect(mailbox: str) -> float:
    from bench import mail_inside

    return mail_inside.mail_collect(mailbox)


def mail_costs(mailbox: str) -> Any:
    from bench import mail_inside

    return mail_inside.mail_costs(mailbox)


def mail_parser() -> Any:
    from bench import mail_inside

    return mail_inside.mail_parser()


def mail_profile(mailbox: str, number: str, into: str = "") -> Any:
    from bench import mail_inside

    return mail_inside.mail_profile(mailbox, number, into)


TASKS: dict[str, Callable[..., Any]] = {
    task.__name__: task
    for task in (
        prepare,
        migrate,
        seed,
        ids,
        targets,
        portal,
        forget,
        bare_session,
        queries,
        where,
        explain,
        verbs,
        search,
        run_clocks,
        mail_desk,
        mail_answered,
        mail_box,
        mail_faults,
        mail_collect,
        mail_costs,
        mail_parser,
        mail_profile,
    )
}


if __name__ == "__main__":
    django.setup()
    print(json.dumps(TASKS[sys.argv[1]](*sys.argv[2:])))
