"""A certificate that we sign ourselves, so that the listener speaks TLS before anybody has bought or fetched one."""

import datetime
import os
import shutil
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

YEARS = 10
LONGEST_COMMON_NAME = 64


def certificate_in(folder: Path, name: str) -> tuple[Path, Path]:
    """(certificate, key) for a host name, as PEM files: made once in a folder of their own, the key for us alone."""
    own = folder / f"certificate-{name}"
    if not own.exists():
        _make(own, name)
    return own / "certificate.pem", own / "key.pem"


def _make(own: Path, name: str) -> None:
    """Both appear at once: under a passing name first, because a key without its certificate would be of no use."""
    own.parent.mkdir(parents=True, exist_ok=True)
    passing = Path(tempfile.mkdtemp(dir=own.parent))  # created with mode 0700
    key = ec.generate_private_key(ec.SECP256R1())
    _write(passing / "key.pem", _as_pem(key))
    _write(passing / "certificate.pem", _signed(key, name).public_bytes(serialization.Encoding.PEM))
    try:
        passing.rename(own)
    except OSError:
        shutil.rmtree(passing)
        if not own.exists():  # else another start of this checkout was faster
            raise


def _signed(key: ec.EllipticCurvePrivateKey, name: str) -> x509.Certificate:
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:LONGEST_COMMON_NAME])])
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # A clock that is behind ours is no reason to distrust it.
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=365 * YEARS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )


def _as_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
