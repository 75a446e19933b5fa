"""Child processes that do not outlive us, and the leftovers of those that did."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from servicedesk.embedded.home import Account

PR_SET_PDEATHSIG = 1
# Loaded here, because between fork and exec nothing may be imported or allocated that another thread might hold.
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def _tether(parent: int, farewell: int) -> Callable[[], None] | None:
    """Have the kernel send `farewell` to the child when we die, even by SIGKILL. Linux only."""
    if LIBC is None:
        return None
    prctl = LIBC.prctl

    def in_child() -> None:
        prctl(PR_SET_PDEATHSIG, farewell)
        if os.getppid() != parent:  # we died before the kernel knew
            os._exit(1)

    return in_child


def spawn(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    cwd: Path,
    output: int | IO[bytes] | None = None,
    stdin: int | None = subprocess.DEVNULL,
    account: Account | None = None,
    farewell: int = signal.SIGTERM,
    own_session: bool = True,
) -> subprocess.Popen[bytes]:
    """Start a child, by default without input. In a session of its own, a Ctrl-C reaches it only through us."""
    return subprocess.Popen(
        command,
        env=dict(env),
        cwd=cwd,
        stdin=stdin,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        start_new_session=own_session,
        preexec_fn=_tether(os.getpid(), farewell),  # noqa: PLW1509 - it calls nothing but one loaded function
    )


def stop(process: subprocess.Popen[bytes], polite: int, patience: float) -> None:
    """Ask, wait `patience` seconds, then insist."""
    if process.poll() is None:
        process.send_signal(polite)
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End what a dead child left in its session."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def command_line(pid: int) -> str:
    """The command line of a living process, or nothing."""
    listing = Path("/proc", str(pid), "cmdline")
    if Path("/proc/self/cmdline").exists():
        try:
            return listing.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    answer = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return answer.stdout


def end_leftover(pid: int, marker: str, polite: int, patience: float) -> None:
    """End a process of an earlier run that was killed. `marker` keeps a stranger with the same number alive."""
    for request, seconds in ((polite, patience), (signal.SIGKILL, 5.0)):
        if marker not in command_line(pid):
            return
        os.kill(pid, request)
        until = time.monotonic() + seconds
        while marker in command_line(pid) and time.monotonic() < until:
            time.sleep(0.05)


def fresh_log(log: Path) -> IO[bytes]:
    """An empty log for this start; the one before is kept beside it, because it may tell of a crash."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists():
        log.replace(log.with_suffix(".log.before"))
    return log.open("wb")


def last_lines(log: Path, count: int = 12) -> str:
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-count:])
