"""The door to servers that people name: only what is on the internet, however it is written."""

import socket
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

import pytest

from accounts import outside
from accounts.outside import NotOutside, check_host, is_outside, open_socket

# Each of them is a way to say 'this machine', 'this network' or 'this cloud'.
INSIDE = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "127.0.0.1.",
    "localhost",
    "LOCALHOST.",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "168.63.129.16",
    "192.88.99.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:a9fe:a9fe",
    "64:ff9b::7f00:1",
    "64:ff9b:1::7f00:1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2001::1",
    "2001:db8::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%1",
    "fec0::1",
    "ff02::1",
    "100::1",
]
OUTSIDE = ["8.8.8.8", "134744072", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"]


@pytest.fixture
def server() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.mark.parametrize("host", INSIDE)
def test_what_is_not_on_the_internet_is_refused(host: str) -> None:
    try:
        with pytest.raises(NotOutside):
            check_host(host)
    except socket.gaierror:  # pragma: no cover - a machine without IPv6 cannot even read it
        pytest.skip("this spelling is unknown here")


@pytest.mark.parametrize("host", OUTSIDE)
def test_what_is_on_the_internet_is_allowed(host: str) -> None:
    check_host(host)


@pytest.mark.parametrize("address", ["1.1.1.1", "193.40.0.1", "2a00:1450::1", "2001:4860:4860::8888"])
def test_addresses_of_the_internet(address: str) -> None:
    assert is_outside(ip_address(address))


def test_a_connection_into_the_own_machine_is_refused(server: int) -> None:
    with pytest.raises(NotOutside):
        open_socket("localhost", server, 5)


@pytest.mark.parametrize(
    "allowed", ["127.0.0.1", "127.0.0.0/8", " 127.0.0.1/32 ", "::ffff:127.0.0.1/128"], ids=["one", "net", "space", "v6"]
)
def test_an_operator_allows_addresses(server: int, settings: Any, allowed: str) -> None:
    settings.PRIVATE_HOSTS_ALLOWED = [allowed]
    host = "::ffff:127.0.0.1" if "ffff" in allowed else "127.0.0.1"
    open_socket(host, server, 5).close()


def test_an_operator_allows_names(server: int, settings: Any) -> None:
    settings.PRIVATE_HOSTS_ALLOWED = ["LocalHost."]
    open_socket("localhost", server, 5).close()


def test_what_is_allowed_by_name_is_not_allowed_by_address(server: int, settings: Any) -> None:
    settings.PRIVATE_HOSTS_ALLOWED = ["localhost"]
    with pytest.raises(NotOutside):
        open_socket("127.0.0.1", server, 5)


def test_what_was_judged_is_what_is_connected_to(server: int, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that leads elsewhere at a second look-up is not looked up a second time."""
    settings.PRIVATE_HOSTS_ALLOWED = ["127.0.0.1"]
    asked: list[str] = []

    def once(host: str, port: int, **options: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", once)
    with open_socket("rebinding.example", server, 5) as made:
        assert (asked, made.getpeername()) == (["rebinding.example"], ("127.0.0.1", server))


def test_of_several_addresses_only_the_permitted_are_tried(
    server: int, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PRIVATE_HOSTS_ALLOWED = ["127.0.0.1"]
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, server)) for host in ("127.0.0.2", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *given, **options: both)
    with open_socket("two.example", server, 5) as made:
        assert made.getpeername()[0] == "127.0.0.1"


@pytest.mark.parametrize("port", [0, -1, 65_536])
def test_ports_that_are_none(port: int) -> None:
    with pytest.raises(NotOutside):
        open_socket("8.8.8.8", port, 5)


@pytest.mark.parametrize("host", ["", " ", "a" * 300, "a..b", "a\x00b", "host\r\nname", "." * 3, "ä" * 70 + ".example"])
def test_what_is_no_name_is_refused_with_a_sentence(host: str) -> None:
    with pytest.raises(NotOutside):
        check_host(host)


def test_an_unknown_name_is_a_failure_of_the_network_for_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _unknown)
    with pytest.raises(socket.gaierror):
        open_socket("nobody.example", 993, 5)


def test_an_unknown_name_is_a_sentence_for_forms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _unknown)
    with pytest.raises(NotOutside, match=r"nobody\.example"):
        check_host("nobody.example")


def test_the_refusal_does_not_say_where_a_name_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.11.12.13", 1))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *given, **options: found)
    with pytest.raises(NotOutside) as refused:
        check_host("intranet.example")
    assert "10.11" not in str(refused.value)


def test_a_server_that_says_nothing_is_given_up(server: int, settings: Any) -> None:
    settings.PRIVATE_HOSTS_ALLOWED = ["127.0.0.1"]
    with open_socket("127.0.0.1", server, 0.2) as made, pytest.raises(TimeoutError):
        made.recv(1)


def test_a_failed_connection_leaves_no_socket_open(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.PRIVATE_HOSTS_ALLOWED = ["127.0.0.1"]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        made: list[socket.socket] = []
        real = socket.socket

        def noting(*given: Any, **options: Any) -> socket.socket:
            made.append(real(*given, **options))
            return made[-1]

        monkeypatch.setattr(outside.socket, "socket", noting)
        with pytest.raises(OSError, match="refused"):
            open_socket("127.0.0.1", taken.getsockname()[1], 5)
    assert [one.fileno() for one in made] == [-1]


def _unknown(*given: Any, **options: Any) -> Any:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
