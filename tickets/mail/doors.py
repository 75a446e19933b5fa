"""Who may connect to the listener, and the certificate that it shows them."""

import contextlib
import ipaddress
import ssl
from pathlib import Path

import structlog
from django.conf import settings

log = structlog.get_logger(__name__)


class Crowd:
    """How many are connected, and from where: one address cannot take the places of all."""

    def __init__(self, most: int, most_of_one: int) -> None:
        self.most, self.most_of_one = most, most_of_one
        self._places: dict[object, str] = {}

    def admit(self, who: object, address: str) -> bool:
        place = _place_of(address)
        neighbours = sum(other == place for other in self._places.values())
        if len(self._places) >= self.most or neighbours >= self.most_of_one:
            return False
        self._places[who] = place
        return True

    def forget(self, who: object) -> None:
        self._places.pop(who, None)


def _place_of(address: str) -> str:
    """The address, or the network of an IPv6 one: its owner has all the addresses in it."""
    with contextlib.suppress(ValueError):
        found = ipaddress.ip_address(address.partition("%")[0])
        if found.version == 6 and found.ipv4_mapped is None:
            return str(ipaddress.ip_network((found, 64), strict=False))
    return address


class Certificate:
    """The listener's certificate; when its file was renewed, the next connection gets the new one."""

    def __init__(self, certificate: str, key: str) -> None:
        """Raises OSError (of which ssl.SSLError is one) when they cannot be read or do not belong together."""
        self._files = Path(certificate), Path(key)
        self._read_at = self._written_at()
        self._context = self._read()

    def context(self) -> ssl.SSLContext:
        try:
            written_at = self._written_at()
            if written_at != self._read_at:
                self._context, self._read_at = self._read(), written_at
        except OSError as error:
            log.warning("new certificate could not be read; the old one is used", error=str(error))
        return self._context

    def _written_at(self) -> list[int]:
        return [file.stat().st_mtime_ns for file in self._files]

    def _read(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*self._files)
        return context


def configured_certificate() -> Certificate | None:
    """Where SMTP_TLS_CERT and SMTP_TLS_KEY lead. Raises OSError like Certificate."""
    certificate = settings.SMTP_TLS_CERT
    return Certificate(certificate, settings.SMTP_TLS_KEY or certificate) if certificate else None
