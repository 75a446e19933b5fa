"""A real IMAP server on the loopback interface: Dovecot with a configuration of its own in a temporary folder, or
pymap where Dovecot is not installed.

    with ImapServer() as server:
        server.user("support@alpha.example", "secret")
        server.append("INBOX", b"Subject: Help\\r\\n\\r\\nIt is broken.")
"""

import datetime
import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pytest
from imapclient import IMAPClient  # type: ignore[import-untyped]

from servicedesk.embedded.certificate import certificate_in

LONGEST_START = 30.0
ADDRESS, PASSWORD = "support@alpha.example", "open sesame"
# The one that the server takes for a good one.
TOKEN = "a-token-that-is-good"


def find_dovecot() -> str | None:
    """None also where IMAP_SERVER=pymap asks for the other one."""
    if os.environ.get("IMAP_SERVER") == "pymap":
        return None
    return shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def free_ports(number: int) -> list[int]:
    """All taken at once, so that they differ."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    try:
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


# TLS, tokens and further accounts are what the other server does not have.
needs_dovecot = pytest.mark.skipif(find_dovecot() is None, reason="Dovecot is not installed")


class ImapServer:
    """`port` speaks plainly and by STARTTLS, `tls_port` by TLS. Clients have to trust the file `certificate`."""

    def __init__(self, *, settings: str = "") -> None:
        # Sockets live in it, whose paths must be short.
        self.folder = Path(tempfile.mkdtemp(prefix="imap"))
        self.port, self.tls_port = free_ports(2)
        self.certificate, self.key = certificate_in(self.folder, "localhost")
        self.settings = settings
        self.passwords: dict[str, str] = {}
        self.is_dovecot = find_dovecot() is not None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.user(ADDRESS, PASSWORD)
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *what: object) -> None:
        self.stop()

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(timeout=30)
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- what tests do with it ----

    def user(self, name: str, password: str) -> None:
        """A new account. It has a file of its own, because Dovecot does not see at once that one has changed."""
        self.passwords[name] = password
        (self.folder / f"user-{name}").write_text(f"{name}:{{PLAIN}}{password}\n")

    @contextmanager
    def client(self, user: str = ADDRESS) -> Iterator[Any]:
        """The account's owner at their own mail program."""
        with IMAPClient("127.0.0.1", port=self.port, ssl=False, timeout=30) as client:
            client.login(user, self.passwords[user])
            yield client

    def append(
        self,
        folder: str,
        raw: bytes,
        flags: Iterable[bytes] = (),
        *,
        user: str = ADDRESS,
        at: datetime.datetime | None = None,
    ) -> None:
        with self.client(user) as client:
            client.append(folder, raw, flags=tuple(flags), msg_time=at)

    def fill(self, raws: Iterable[bytes], folder: str = "INBOX", *, user: str = ADDRESS) -> None:
        """Many at once."""
        with self.client(user) as client:
            for raw in raws:
                client.append(folder, raw)

    def flags(self, folder: str = "INBOX", *, user: str = ADDRESS) -> list[set[bytes]]:
        """Of each message, oldest first, without what the server sets by itself."""
        with self.client(user) as client:
            client.select_folder(folder, readonly=True)
            found = client.get_flags(client.search("ALL"))
        return [set(found[uid]) - {b"\\Recent"} for uid in sorted(found)]

    def count(self, folder: str = "INBOX", *, user: str = ADDRESS) -> int:
        with self.client(user) as client:
            return int(client.folder_status(folder, ["MESSAGES"])[b"MESSAGES"])

    def folders(self, *, user: str = ADDRESS) -> set[str]:
        with self.client(user) as client:
            return {name for _flags, _delimiter, name in client.list_folders()}

    def uids(self, folder: str = "INBOX", *, user: str = ADDRESS) -> list[int]:
        with self.client(user) as client:
            client.select_folder(folder, readonly=True)
            return sorted(client.search("ALL"))

    def empty(self, *, user: str = ADDRESS) -> None:
        """As a new account: no other folders, nothing in the one that stays."""
        with self.client(user) as client:
            for _flags, _delimiter, name in client.list_folders():
                if name != "INBOX":
                    client.delete_folder(name)
            client.select_folder("INBOX")
            client.delete_messages(client.search("ALL"))
            client.expunge()

    def renumber(self, folder: str, messages: Iterable[tuple[bytes, Iterable[bytes]]], *, user: str = ADDRESS) -> None:
        """The folder with these messages and another UIDVALIDITY, as after a restored backup."""
        with self.client(user) as client:
            before = client.folder_status(folder, ["UIDVALIDITY"])
            client.delete_folder(folder)
            client.create_folder(folder)
            for raw, flags in messages:
                client.append(folder, raw, flags=tuple(flags))
            assert client.folder_status(folder, ["UIDVALIDITY"]) != before

    # ---- starting ----

    def _start(self) -> None:
        command = self._dovecot() if self.is_dovecot else self._pymap()
        log = (self.folder / "log").open("wb")
        self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        log.close()
        end = time.monotonic() + LONGEST_START
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError((self.folder / "log").read_text(errors="replace"))
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as probe:
                return probe.recv(4) == b"* OK"
        except OSError:
            return False

    def _dovecot(self) -> list[str]:
        own = getpass.getuser()
        # Root must not own mail, and the log-in process gives up root's rights.
        inner, login, owner = ("dovecot", "dovenull", "dovecot") if os.geteuid() == 0 else (own, own, own)
        (self.folder / "mail").mkdir()
        if os.geteuid() == 0:
            self.folder.chmod(0o755)
            shutil.chown(self.folder / "mail", owner, owner)
        (self.folder / "dovecot.conf").write_text(
            _DOVECOT.format(
                folder=self.folder,
                certificate=self.certificate,
                key=self.key,
                port=self.port,
                tls_port=self.tls_port,
                inner=inner,
                login=login,
                owner=owner,
                # Only root can lock a process into a folder.
                chroot="login" if os.geteuid() == 0 else "",
                settings=self.settings,
            )
        )
        dovecot = find_dovecot()
        assert dovecot is not None
        return [dovecot, "-F", "-c", str(self.folder / "dovecot.conf")]

    def _pymap(self) -> list[str]:
        """In memory, without TLS, and with the one account."""
        program = Path(sys.executable).with_name("pymap")
        listen = ["--host", "127.0.0.1", "--port", str(self.port), "--no-tls", "--no-service", "admin"]
        return [str(program), *listen, "dict", "--demo-user", ADDRESS, "--demo-password", PASSWORD]


_DOVECOT = """
protocols = imap
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/run
log_path = /dev/stderr
default_internal_user = {inner}
default_internal_group =
default_login_user = {login}
first_valid_uid = 0
mail_uid = {owner}
mail_gid = {owner}
mail_location = maildir:{folder}/mail/%u
mail_home = {folder}/mail/%u
mailbox_list_index = no
mail_max_userip_connections = 100
auth_failure_delay = 0
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
imap_idle_notify_interval = 1 mins
passdb {{
  driver = passwd-file
  args = {folder}/user-%u
  mechanisms = plain login
}}
passdb {{
  driver = static
  args = password=a-token-that-is-good
  mechanisms = xoauth2
}}
userdb {{
  driver = static
  args = uid={owner} gid={owner} home={folder}/mail/%u
}}
service imap-login {{
  chroot = {chroot}
  process_min_avail = 1
  service_count = 0
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  # Nobody waits longer for having been wrong before.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
service imap {{
  process_min_avail = 1
  service_count = 100
}}
{settings}
"""
