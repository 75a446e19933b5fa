"""A Chromium for the browser tests: one that is there, else one from the system's packages when we may install."""

import os
import shutil
import subprocess
from pathlib import Path

from servicedesk.embedded.words import CannotStartError, say

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MACOS = (
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
)
INSTALLERS: dict[str, list[list[str]]] = {
    "apt-get": [["apt-get", "update", "-q"], ["apt-get", "install", "-y", "-q", "--no-install-recommends", "chromium"]],
    "dnf": [["dnf", "install", "-y", "-q", "chromium"]],
    "apk": [["apk", "add", "-q", "chromium"]],
    "pacman": [["pacman", "-Sy", "--noconfirm", "chromium"]],
}


def find_browser() -> str | None:
    given = os.environ.get("CHROMIUM")
    if given:
        if found := shutil.which(given):
            return found
        raise CannotStartError(f"CHROMIUM: names '{given}', but there is no such program.")
    for name in NAMES:
        if found := shutil.which(name):
            return found
    return next((str(path) for path in MACOS if path.exists()), None)


def install_browser() -> str | None:
    """Only with rights that need no question: as root, or by a sudo without password."""
    privilege = _privilege()
    steps = next((steps for program, steps in INSTALLERS.items() if shutil.which(program)), None)
    if privilege is None or steps is None:
        return None
    say("Installing Chromium for the browser tests ...")
    for step in steps:
        answer = subprocess.run(
            [*privilege, *step],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        )
        if answer.returncode:
            break
    return find_browser()


def _privilege() -> list[str] | None:
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and not subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode:
        return ["sudo", "-n"]
    return None
