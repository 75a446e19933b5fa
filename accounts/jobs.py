"""Handing jobs to the broker. Rows say what is to be done, and a job only makes it happen sooner than the sweep would;
only a forgotten password has no row, because looking it up before the answer would tell who is known."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import structlog
from celery import Task
from django.db import transaction
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)


# What is being gathered, where somebody does many small things one after the other: the task, and tenant id → ids.
_gathered: ContextVar[tuple[Any, dict[int | str, list[int | str]]] | None] = ContextVar("gathered_jobs", default=None)


@contextmanager
def gathered(task: "Task[Any, Any]") -> Iterator[None]:
    """This task's jobs for one desk become one job at the end: it takes a tenant's id and several others."""
    jobs: dict[int | str, list[int | str]] = {}
    token = _gathered.set((task, jobs))
    try:
        yield
    finally:
        _gathered.reset(token)
        for tenant_id, ids in jobs.items():
            enqueue(task, tenant_id, *ids)


def after_commit(task: "Task[Any, Any]", *ids: int | str) -> None:
    """Start the job once the transaction stands: before that its rows could not be seen."""
    transaction.on_commit(lambda: enqueue(task, *ids))


def enqueue(task: "Task[Any, Any]", *ids: int | str) -> None:
    """Hand a job to the broker; when it is down the row waits for the sweep, and the person's answer does not."""
    gathering = _gathered.get()
    if gathering is not None and gathering[0] is task:
        gathering[1].setdefault(ids[0], []).extend(ids[1:])
        return
    try:
        task.apply_async(args=ids, retry=False)
    except OperationalError as error:
        log.warning("broker is down", task=task.name, ids=ids, error=str(error))
