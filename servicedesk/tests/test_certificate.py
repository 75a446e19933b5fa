"""The certificate of `make run`: one pair, made once, the key for its owner alone."""

import datetime
import ssl
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cryptography import x509

from servicedesk.embedded.certificate import certificate_in


def test_certificate_and_key_belong_together(tmp_path: Path) -> None:
    certificate, key = certificate_in(tmp_path, "desk.example")
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)


def test_it_bears_the_hosts_name(tmp_path: Path) -> None:
    certificate = x509.load_pem_x509_certificate(certificate_in(tmp_path, "desk.example")[0].read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["desk.example"]


def test_it_is_good_for_ten_years(tmp_path: Path) -> None:
    certificate = x509.load_pem_x509_certificate(certificate_in(tmp_path, "desk.example")[0].read_bytes())
    left = certificate.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    assert 3649 <= left.days <= 3650


def test_only_its_owner_reads_the_key(tmp_path: Path) -> None:
    key = certificate_in(tmp_path, "desk.example")[1]
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_it_is_made_once(tmp_path: Path) -> None:
    first = [path.read_bytes() for path in certificate_in(tmp_path, "desk.example")]
    assert [path.read_bytes() for path in certificate_in(tmp_path, "desk.example")] == first


def test_many_starts_at_once_make_one_pair(tmp_path: Path) -> None:
    with ThreadPoolExecutor(max_workers=8) as threads:
        pairs = set(threads.map(lambda _: certificate_in(tmp_path, "desk.example"), range(8)))
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*pairs.pop())
    assert [path.name for path in tmp_path.iterdir()] == ["certificate-desk.example"]
