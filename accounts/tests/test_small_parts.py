"""Addresses, file names, colours, cache: small parts that much depends on."""

import io

import pytest
from django.conf import settings
from django.core.cache.backends.redis import RedisCache
from hypothesis import given as given_any
from hypothesis import strategies as st

from accounts.addresses import normalise_address
from accounts.cache import DegradingRedisCache
from accounts.colours import DARK_PAGE, LIGHT_PAGE, brand_stylesheet, contrast, parse
from accounts.files import kind_of, store
from accounts.names import safe_name
from conftest import Desk


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("Kate@Example.COM", "kate@example.com"),
        (" kate@example.com ", "kate@example.com"),
        ("kate@bücher.example", "kate@xn--bcher-kva.example"),
        ("\u212aate@example.com", ""),  # the Kelvin sign would become a k
        ("kate", ""),
        ("kate@", ""),
        ("@example.com", ""),
        ("kate@exa mple.com", ""),
        ("kate@example..com", ""),
        ("kate\r\n@example.com", ""),
    ],
)
def test_an_address_has_one_form(typed: str, stored: str) -> None:
    assert normalise_address(typed) == stored


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("plan.txt", "plan.txt"),
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\plan.txt", "plan.txt"),
        (".htaccess", "htaccess"),
        ("a\u200b.php", "a.php"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("nul\x00l.txt", "null.txt"),
        ("a\r\nb.txt", "ab.txt"),
        ("e\u0301.txt", "é.txt"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("\0", "file"),
        ("", "file"),
        ("...", "file"),
        ("/", "file"),
        ("x" * 300 + ".pdf", "x" * 146 + ".pdf"),
    ],
)
def test_a_file_name_is_made_harmless(given: str, shown: str) -> None:
    assert safe_name(given) == shown


@given_any(st.text())
def test_a_harmless_name_stays_as_it_is(name: str) -> None:
    assert safe_name(safe_name(name)) == safe_name(name)


@pytest.mark.parametrize(
    ("beginning", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x10\x00\x00\x00WAVEfmt ", "application/octet-stream"),
        (b"<svg onload=1>", "application/octet-stream"),
        (b"", "application/octet-stream"),
    ],
)
def test_a_files_kind_is_judged_from_its_bytes(beginning: bytes, kind: str) -> None:
    assert kind_of(beginning) == kind


def test_a_file_is_stored_under_our_own_name(inside: Desk) -> None:
    stored = store(io.BytesIO(b"x"), name="../../evil.php", by=None)
    assert (stored.key.startswith(f"{inside.id}/"), "evil" in stored.key) == (True, False)


@pytest.mark.parametrize(
    "accent", ["#000000", "#ffffff", "#ffff00", "#777777", "#1d5fb4", "#c2500a", "#00ff88", "#fe0000"]
)
def test_any_accent_can_be_read(accent: str) -> None:
    sheet = dict(part.split(":") for part in brand_stylesheet(accent).strip()[6:-1].split(";"))
    assert contrast(parse(sheet["--accent"]), parse(sheet["--accent-contrast"])) >= 4.5
    assert contrast(parse(sheet["--accent-text"]), LIGHT_PAGE) >= 4.5
    assert contrast(parse(sheet["--accent-text-dark"]), DARK_PAGE) >= 4.5


def test_clearing_the_cache_leaves_the_brokers_jobs() -> None:
    address = settings.CACHES["default"]["LOCATION"]
    cache = DegradingRedisCache(address, {"KEY_PREFIX": "trial"})
    other = RedisCache(address, {"KEY_PREFIX": "somebody"})
    cache.set("a", 1)
    other.set("a", 1)
    cache.clear()
    assert (cache.get("a"), other.get("a")) == (None, 1)


def test_a_cache_that_is_down_has_nothing() -> None:
    cache = DegradingRedisCache("redis://127.0.0.1:1/0", {})
    cache.set("a", 1)
    assert (
        cache.get("a", "nothing"),
        cache.add("a", 1),
        cache.has_key("a"),
        cache.get_many(["a"]),
        cache.delete("a"),
    ) == ("nothing", False, False, {}, False)
