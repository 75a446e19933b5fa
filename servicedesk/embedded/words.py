"""What a person reads: progress in a line, and a refusal in place of a traceback."""

import os
import sys
from pathlib import Path


class CannotStartError(Exception):
    """Something outside the program is in the way; the text says what, and what to do about it."""


def say(text: str) -> None:
    """A reader that went away (`run | head`) must not end the product."""
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except OSError:
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - open as long as the process


def complain(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
