"""The jobs. A broker may lose or repeat a job any time, so every task takes ids, claims its rows and can run twice."""

import os
from typing import Any

from celery import Celery
from celery.signals import celeryd_init, task_prerun

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "servicedesk.settings")

app = Celery("servicedesk")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(related_name="clock")


@celeryd_init.connect
def before_work(**kwargs: Any) -> None:
    from servicedesk.role import ensure_bound_by_policies

    ensure_bound_by_policies()


@task_prerun.connect
def replace_dead_connections(**kwargs: Any) -> None:
    """What a web process does before each request; not in the middle of somebody's transaction, as tests run jobs."""
    from django.db import close_old_connections, connection

    if not connection.in_atomic_block:
        close_old_connections()
