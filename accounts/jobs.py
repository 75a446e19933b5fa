"""Handing jobs to the broker. Rows say what is to be done, and a job only makes it happen sooner than the sweep would;
only a forgotten password has no row, because looking it up before the answer would tell who is known."""

from typing import Any

import structlog
from celery import Task
from django.db import transaction
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)


def after_commit(task: "Task[Any, Any]", *ids: int | str) -> None:
    """Start the job once the transaction stands: before that its rows could not be seen."""
    transaction.on_commit(lambda: enqueue(task, *ids))


def enqueue(task: "Task[Any, Any]", *ids: int | str) -> None:
    """Hand a job to the broker; when it is down the row waits for the sweep, and the person's answer does not."""
    try:
        task.apply_async(args=ids, retry=False)
    except OperationalError as error:
        log.warning("broker is down", task=task.name, ids=ids, error=str(error))
