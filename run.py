#!/usr/bin/env python3
"""One door to the project. `python3 run.py` lists what it can do; the Makefile only calls it.

It makes the virtual environment, keeps it equal to the requirements, and goes on in it. Only Python's own library is
used here, and the syntax is one that an old Python can still read, so that it can say that it is too old.
"""

import os
import sys

if sys.version_info < (3, 11):  # noqa: UP036 - said here, because pip would say it less clearly
    sys.exit(
        f"This project needs Python 3.11 or newer, but this is Python {sys.version_info[0]}.{sys.version_info[1]}. "
        "If a newer one is installed, name it: PYTHON=python3.12 make run"
    )

import fcntl
import hashlib
import importlib.util
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

USAGE = """\
python3 run.py COMMAND [ARGUMENTS]      (or: make COMMAND ARGS="…")

  run         start the service desk and print its addresses
  test        the tests, without the slow ones; arguments go to pytest
  test-all    all tests; arguments go to pytest
  check       lint, types, layers, templates, migrations, deployment
  manage      Django's own commands, for example: manage shell
  bench       benchmarks; --help lists them
  pictures    takes the documentation's pictures of the portal's main pages anew
  services    PostgreSQL and Valkey alone, until Ctrl-C

The first start installs what requirements.txt names into .venv and takes half a minute to a minute.
Variables: PORT, SMTP_PORT, HOST, DATABASE_URL, REDIS_URL, EMAIL_URL ... (docs/operations.md); PYTHON, CHROMIUM.
"""
COMMANDS = ("run", "test", "test-all", "check", "manage", "bench", "pictures", "services")
DEVELOPMENT = ("test", "test-all", "check", "bench", "pictures")
CHECKOUT = Path(__file__).resolve().parent
VENV = CHECKOUT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed"
# Set for the process we hand over to, so that it does not hand over again.
CHOSEN, INSIDE = "SERVICEDESK_PYTHON", "SERVICEDESK_VENV"


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] not in COMMANDS:
        print(USAGE)
        return 0 if arguments[:1] in ([], ["help"], ["--help"]) else 2
    command, *rest = arguments
    if os.environ.get(INSIDE) != str(VENV):
        use_chosen_python()
        prepare_venv(development=command in DEVELOPMENT)
        hand_over(str(VENV_PYTHON), INSIDE, str(VENV))
    for name in (CHOSEN, INSIDE):
        os.environ.pop(name, None)
    os.chdir(CHECKOUT)
    from servicedesk.embedded.commands import main as command_main

    return command_main(command, rest)


def hand_over(python: str, mark: str, value: str) -> NoReturn:
    """Become the other Python: the process number stays, so a signal meant for us still arrives."""
    os.environ[mark] = value
    sys.stdout.flush()
    os.execv(python, [python, str(CHECKOUT / "run.py"), *sys.argv[1:]])  # noqa: S606 - the point


def use_chosen_python() -> None:
    chosen = os.environ.get("PYTHON")
    if not chosen or os.environ.get(CHOSEN) == chosen:
        return
    found = shutil.which(chosen)
    if found is None:
        sys.exit(f"PYTHON: names '{chosen}', but there is no such program.")
    hand_over(found, CHOSEN, chosen)


def prepare_venv(development: bool) -> None:
    """Make .venv, or bring it up to the requirements; nothing to do when its stamp says so."""
    files = [CHECKOUT / "requirements.txt", CHECKOUT / "requirements-dev.txt"]
    contents = hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()
    # A moved checkout, or another Python, needs a new one.
    python = f"{sys.implementation.cache_tag} {sys.base_prefix} {CHECKOUT}"
    if is_current(python, contents, development):
        return
    with only_one():
        if is_current(python, contents, development):  # the other command has done it
            return
        if not VENV_PYTHON.exists() or read_stamp()[:1] != [python]:
            make_venv()
        install(files[1] if development else files[0])
        STAMP.write_text("\n".join([python, contents, "development" if development else "product"]))


def read_stamp() -> list[str]:
    return STAMP.read_text().split("\n") if STAMP.exists() else []


def is_current(python: str, contents: str, development: bool) -> bool:
    levels = ("development",) if development else ("development", "product")
    return VENV_PYTHON.exists() and any(read_stamp() == [python, contents, level] for level in levels)


def make_venv() -> None:
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        sys.exit("Python's venv is not complete here. On Debian or Ubuntu: apt install python3-venv")
    print("Making .venv ...", flush=True)
    quietly([sys.executable, "-m", "venv", "--clear", str(VENV)], "The virtual environment could not be made")


def install(requirements: Path) -> None:
    """pip's own settings (its configuration and PIP_ variables) decide where packages come from."""
    print(f"Installing {requirements.name} ...", flush=True)
    options = ["--quiet", "--no-input", "--disable-pip-version-check"]
    command = [str(VENV_PYTHON), "-m", "pip", "install", *options, "-r", str(requirements)]
    quietly(command, "The requirements could not be installed")


def quietly(command: list[str], sentence: str) -> None:
    """Show what a command had to say only when it failed."""
    answer = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if answer.returncode:
        sys.exit(f"{answer.stdout.decode(errors='replace')}\n{sentence}.")


@contextmanager
def only_one() -> Iterator[None]:
    """Two commands started together must not install into one .venv at once."""
    folder = CHECKOUT / "var"
    folder.mkdir(mode=0o700, exist_ok=True)  # customers’ files, keys to their data
    with (folder / "venv.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Waiting for another command, which is preparing .venv ...", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
