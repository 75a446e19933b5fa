"""A worker killed with SIGKILL in the middle: after a restart everything is done, and done once."""

import os
import signal
import smtplib
import subprocess
import sys
import time
from email.message import EmailMessage

import pytest

from tests.conftest import LONGEST_WAIT, ROOT, Product, wait_for

pytestmark = pytest.mark.slow

KILLS = 5
LETTERS = 10


def letter(number: int) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = "customer@rudzumaize.example", "support@integrator.localhost"
    message["Subject"], message["Message-ID"] = (
        f"Killed {number}",
        f"<killed-{number}-{time.time()}@rudzumaize.example>",
    )
    message.set_content("Please look at it.")
    return message


def start_worker(product: Product) -> "subprocess.Popen[bytes]":
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "servicedesk",
        "worker",
        "-c",
        "1",
        "-Q",
        "mail-in,mail-out",
        "-n",
        "victim@%h",
    ]
    return subprocess.Popen(
        command, cwd=ROOT, env=product.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def test_killed_workers_lose_and_double_nothing(product: Product) -> None:
    for number in range(LETTERS):
        with smtplib.SMTP("127.0.0.1", product.smtp_port, timeout=30) as relay:
            relay.send_message(letter(number))
        if number < KILLS:
            victim = start_worker(product)
            time.sleep(1 + number / 4)  # a different moment of its life each time
            os.killpg(victim.pid, signal.SIGKILL)
            victim.wait()
    # What a killed worker held comes back with the sweep, as it would each minute.
    count = "SELECT count(*), count(DISTINCT subject) FROM tickets_ticket WHERE subject LIKE 'Killed %'"
    end = time.monotonic() + LONGEST_WAIT
    while product.query(count) != [(LETTERS, LETTERS)] and time.monotonic() < end:
        sweep(product)
    assert product.query(count) == [(LETTERS, LETTERS)]
    queued = "SELECT count(*) FROM notifications_outboxmessage WHERE state = 'queued' AND next_try_at <= now()"
    sweep(product)
    wait_for(lambda: product.query(queued) == [(0,)], "the outbox to be empty")


def sweep(product: Product) -> None:
    code = (
        "import django; django.setup()\n"
        "from tickets.tasks import sweep_incoming; from notifications.tasks import sweep_outbox\n"
        "sweep_incoming(); sweep_outbox()"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=product.env, check=True, capture_output=True)
