"""No process serves people from above the policies."""

import os
import subprocess
import sys

import pytest

from servicedesk.role import ensure_bound_by_policies


@pytest.mark.django_db
def test_the_application_may_serve(django_db_blocker: object) -> None:
    ensure_bound_by_policies()


@pytest.mark.parametrize("module", ["import servicedesk.wsgi"])
def test_the_owner_may_not(module: str) -> None:
    env = {**os.environ, "DATABASE_URL": os.environ["DATABASE_OWNER_URL"]}
    answer = subprocess.run([sys.executable, "-c", module], env=env, capture_output=True, text=True, check=False)
    assert "above the row-level policies" in answer.stderr
