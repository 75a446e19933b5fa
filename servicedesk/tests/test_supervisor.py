"""The supervisor with children of a few lines in place of the product's."""

import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from servicedesk import supervisor
from servicedesk.embedded.words import CannotStartError
from servicedesk.supervisor import Child, Deaths, Supervisor

CHECKOUT = Path(__file__).resolve().parent.parent.parent
SERVES = "import time; print('ready', flush=True); time.sleep(60)"
# A child that has a child and does not end when asked.
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]).pid, flush=True)
print("ready", flush=True)
time.sleep(60)
"""


def child(script: str, label: str = "web") -> Child:
    command = [sys.executable, "-c", script]
    return Child(label, f"The {label}", command, dict(os.environ), lambda child: "ready" in child.last)


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Supervisor]:
    product = Supervisor([child(SERVES)], [], tmp_path, tmp_path / "pids")
    product.start()
    yield product
    product.stop()


def is_running(pid: int) -> bool:
    """A dead process that waits for its parent's look does not count."""
    state = Path(f"/proc/{pid}/stat")
    if state.parent.parent.joinpath("self").exists():
        return state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z"
    return subprocess.run(["ps", "-p", str(pid)], capture_output=True, check=False).returncode == 0


def wait_until_gone(pid: int) -> bool:
    until = time.monotonic() + 5
    while is_running(pid) and time.monotonic() < until:
        time.sleep(0.05)
    return not is_running(pid)


def test_lines_carry_the_label_of_their_child(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    product = Supervisor([child(SERVES), child(SERVES, "work")], [], tmp_path, tmp_path / "pids")
    product.start()
    product.stop()
    assert sorted(capsys.readouterr().out.splitlines()) == ["web  | ready", "work | ready"]


def test_stop_leaves_no_process(started: Supervisor) -> None:
    process = started.children[0].process
    assert process
    started.stop()
    assert not is_running(process.pid)
    assert list(started.pids.iterdir()) == []


def test_stop_ends_the_stubborn_and_their_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "STOP_SECONDS", 0.2)
    stubborn = child(STUBBORN)
    product = Supervisor([stubborn], [], tmp_path, tmp_path / "pids")
    product.start()
    grandchild = int(stubborn.last[0])
    product.stop()
    assert wait_until_gone(grandchild)


def test_what_dies_is_started_again(
    started: Supervisor, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "FIRST_PAUSE", 0.01)
    victim = started.children[0]
    assert victim.process
    first = victim.process.pid
    victim.process.kill()
    victim.process.wait()
    until = time.monotonic() + 5
    while (victim.process is None or victim.process.pid == first) and time.monotonic() < until:
        started.look()
    assert victim.alive
    assert "The web ended unexpectedly (SIGKILL); it is started again in 0.01 s." in capsys.readouterr().out


def test_five_deaths_in_a_minute_end_everything_with_the_last_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "FIRST_PAUSE", 0.01)
    product = Supervisor([child("raise SystemExit('no such table')")], [], tmp_path, tmp_path / "pids")
    with pytest.raises(
        CannotStartError, match=r"The web died 5 times in a minute. Its last lines:\n(no such table\n?){5}"
    ):
        product.start()
    product.stop()


def test_a_child_that_never_answers_ends_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "START_SECONDS", 0.3)
    product = Supervisor([child("import time; time.sleep(60)")], [], tmp_path, tmp_path / "pids")
    with pytest.raises(CannotStartError, match="The web does not answer"):
        product.start()
    product.stop()


def test_a_dead_server_is_started_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Mortal:
        name = "PostgreSQL"
        process: subprocess.Popen[bytes] | None = None

        def start(self) -> None:
            self.process = subprocess.Popen(["sleep", "60"])

    server = Mortal()
    server.process = subprocess.Popen(["false"])
    server.process.wait()
    product = Supervisor([child(SERVES)], [server], tmp_path, tmp_path / "pids")
    product.start()
    product.stop()
    assert "PostgreSQL ended unexpectedly (exit status 1); it is started again." in capsys.readouterr().out
    server.process.kill()
    server.process.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_a_killed_supervisor_takes_its_children_along(tmp_path: Path) -> None:
    script = f"""
import os, sys
from pathlib import Path
from servicedesk.supervisor import Child, Supervisor
one = Child("web", "The web", [sys.executable, "-c", {SERVES!r}], dict(os.environ), lambda child: "ready" in child.last)
product = Supervisor([one], [], Path({str(tmp_path)!r}), Path({str(tmp_path)!r}) / "pids")
product.start()
product.watch()
"""
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=CHECKOUT, stdout=subprocess.PIPE)
    try:
        assert parent.stdout
        assert parent.stdout.readline() == b"web  | ready\n"
        number = int((tmp_path / "pids" / "web.pid").read_text())
    finally:
        parent.kill()
        parent.communicate()
    assert wait_until_gone(number)


def test_leftovers_of_a_killed_supervisor_are_ended(tmp_path: Path) -> None:
    left_over = subprocess.Popen([sys.executable, "-c", SERVES], stdout=subprocess.DEVNULL)
    (tmp_path / "web.pid").write_text(str(left_over.pid))
    reaper = threading.Thread(target=left_over.wait)
    reaper.start()
    supervisor.end_leftovers(tmp_path)
    reaper.join(60)
    assert left_over.returncode == -signal.SIGTERM
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("deaths", "pause"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0)])
def test_the_pause_doubles_with_each_death(deaths: int, pause: float) -> None:
    counter = Deaths()
    for _ in range(deaths):
        counter.note(100.0)
    assert counter.pause(100.0) == pause
    assert not counter.too_many


def test_deaths_of_an_hour_ago_are_forgiven() -> None:
    counter = Deaths()
    for moment in (0.0, 1.0, 2.0, 3.0, 3600.0):
        counter.note(moment)
    assert not counter.too_many
    assert counter.pause(3600.0) == 0.5


# ---- ports and probes ----


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_taken_port_names_its_variable_and_a_free_number(taken: int) -> None:
    with pytest.raises(CannotStartError, match=rf"port {taken}\. Choose a free one: SMTP_PORT=\d+ make run"):
        supervisor.require_ports("127.0.0.1", {"SMTP_PORT": taken})


def test_a_free_port_is_no_trouble(taken: int) -> None:
    supervisor.require_ports("127.0.0.1", {"PORT": supervisor.free_port_after("127.0.0.1", taken, {})})


def test_the_listener_answers_with_its_banner(taken: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=lambda: server.accept()[0].sendall(b"220 desk ESMTP\r\n"))
        thread.start()
        assert supervisor.smtp_answers("127.0.0.1", server.getsockname()[1])
        thread.join()


class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        healthy = (self.path, self.headers["Host"]) == ("/health/", "localhost")
        self.send_response(200 if healthy else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class has it
        pass


def test_the_web_is_asked_by_address_and_host_header() -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), Health) as server:
        threading.Thread(target=server.handle_request).start()
        assert supervisor.web_answers("127.0.0.1", server.server_port)


def test_a_closed_port_does_not_answer() -> None:
    port = supervisor.free_port_after("127.0.0.1", 20000, {})
    assert not supervisor.web_answers("127.0.0.1", port)
    assert not supervisor.smtp_answers("127.0.0.1", port)
