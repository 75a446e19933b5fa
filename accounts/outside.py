"""The one door to servers that a desk's people name: only what is on the internet, in whatever way it is written.

A name is looked up once, what it leads to is judged, and exactly that is connected to: a name that leads elsewhere a
moment later gains nothing. Operators allow exceptions by PRIVATE_HOSTS_ALLOWED.
"""

import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, TypeAlias

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.errors import Refused

Address: TypeAlias = IPv4Address | IPv6Address

LONGEST_NAME = 253
HIGHEST_PORT = 65_535

# Python calls these global, and they are not ours to reach: the relays of 6to4, and the address by which machines at
# Microsoft's cloud ask for their own secrets.
_NOT_FOR_US = (ip_network("192.88.99.0/24"), ip_network("168.63.129.16/32"))
# All that was ever given out for the internet; what is outside of it is local, or somebody's experiment.
_INTERNET = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")


class NotOutside(Refused):
    """A host was named that is not on the internet, and no operator allows it."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, code="not_outside")


def open_socket(host: str, port: int, timeout: float) -> socket.socket:
    """A connected socket, `timeout` seconds for all of its tries, and for each later reading and writing.

    Raises NotOutside for what must not be reached, socket.gaierror when there is no such host, OSError when it does not
    answer.
    """
    end = time.monotonic() + timeout
    failure: OSError | None = None
    for family, target in _permitted(host, port):
        try:
            return _connected(family, target, max(end - time.monotonic(), 0.1), timeout)
        except OSError as error:
            failure = failure or error
    raise failure or _refusal(host)


def check_host(host: str) -> None:
    """For forms: raises NotOutside, with a sentence, when the host is unknown or must not be reached."""
    try:
        permitted = list(_permitted(host, 1))
    except OSError:
        raise NotOutside(_("There is no server named “%(host)s”.") % {"host": host[:LONGEST_NAME]}) from None
    if not permitted:
        raise _refusal(host)


def is_outside(address: Address) -> bool:
    """Whether it is an address of the internet, also when it is wrapped in another one."""
    if isinstance(address, IPv6Address):
        inner = _wrapped(address)
        return is_outside(inner) if inner else address in _INTERNET and _is_plain(address)
    return _is_plain(address)


def _is_plain(address: Address) -> bool:
    special = address.is_multicast or address.is_reserved or address.is_unspecified
    return address.is_global and not special and not any(address in network for network in _NOT_FOR_US)


def _wrapped(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that a packet to this one would be sent to."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour


def _connected(family: int, target: Any, seconds: float, timeout: float) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.settimeout(seconds)
        made.connect(target)
        made.settimeout(timeout)
    except BaseException:
        made.close()
        raise
    return made


def _permitted(host: str, port: int) -> Iterator[tuple[int, Any]]:
    """(family, address for connect()) of what the host leads to and may be reached."""
    for family, _type, _protocol, _name, target in _look_up(host, port):
        # A scope ('%eth0') says by which wire, not where to.
        address = ip_address(str(target[0]).partition("%")[0])
        if is_outside(address) or _is_allowed(host, address):
            yield family, target


def _look_up(host: str, port: int) -> list[Any]:
    if not 0 < port <= HIGHEST_PORT:
        raise NotOutside(_("A port is a number from 1 to 65535."))
    if not host.strip() or len(host) > LONGEST_NAME or not host.isprintable():
        raise NotOutside(_("This is not the name of a server."))
    try:
        return socket.getaddrinfo(host.strip(), port, type=socket.SOCK_STREAM)
    except UnicodeError:  # a label that is empty or too long for a name
        raise NotOutside(_("This is not the name of a server.")) from None


def _is_allowed(host: str, address: Address) -> bool:
    """Whether the operator named the host, its address or a network that it is in."""
    inner = _wrapped(address) if isinstance(address, IPv6Address) else None
    for entry in settings.PRIVATE_HOSTS_ALLOWED:
        if _as_name(entry) == _as_name(host):
            return True
        network = _network(entry)
        if network is not None and any(one in network for one in (address, inner) if one is not None):
            return True
    return False


def _as_name(host: str) -> str:
    return host.strip().rstrip(".").lower()


def _network(entry: str) -> IPv4Network | IPv6Network | None:
    with suppress(ValueError):  # it is a name
        return ip_network(entry.strip(), strict=False)
    return None


def _refusal(host: str) -> NotOutside:
    return NotOutside(
        _(
            "“%(host)s” is not on the internet. Servers of a private network can be used when the operator of this "
            "installation allows it (PRIVATE_HOSTS_ALLOWED)."
        )
        % {"host": host[:LONGEST_NAME]}
    )
